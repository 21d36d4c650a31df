use crate::CudaVersion;

/// What the local version of an extension's wheel says of the torch that it was built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TorchAbi {
    /// Major and minor number of torch.
    pub torch: (u64, u64),
    /// Its patch number, where that is said.
    pub patch: Option<u64>,
    /// The CUDA, where that is said.
    pub cuda: Option<CudaInLabel>,
    /// Whether it has the C++11 ABI of GCC, where that is said.
    pub cxx11_abi: Option<bool>,
}

/// The CUDA in a local version: `cu128` says a minor number, `cu12` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CudaInLabel {
    /// The major number.
    pub major: u8,
    /// The minor number.
    pub minor: Option<u8>,
}

/// Reads the local version of a wheel that was built against torch, in the forms that projects use: `cu12torch2.8cxx11abiTRUE`,
/// `cu128torch2.9.0cxx11abiFALSE`, `pt28cu128`, `cu.12.8.torch.2.11`, `torch2.7.cu128`. `None` if it names no torch.
pub fn torch_abi(local: &str) -> Option<TorchAbi> {
    let (cxx11_abi, parts) = read(local)?;
    let (torch, patch) = torch_in(&parts)?;
    Some(TorchAbi { torch, patch, cuda: cuda_in(&parts), cxx11_abi })
}

/// Reads the CUDA in a local version, whether it names a torch or not.
pub(crate) fn cuda_in_label(local: &str) -> Option<CudaInLabel> {
    cuda_in(&read(local)?.1)
}

const LENGTH_LIMIT: usize = 256;

/// A piece of a local version.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// Letters.
    Word(String),
    /// Digits.
    Number(String),
    /// A separator.
    Dot,
}

/// The C++ ABI, if it is said, and the pieces of the rest. `None` for what is too long or no local version.
fn read(local: &str) -> Option<(Option<bool>, Vec<Part>)> {
    if local.len() > LENGTH_LIMIT {
        return None;
    }
    let text = local.to_ascii_lowercase();
    let cxx11_abi = [("cxx11abitrue", true), ("cxx11abifalse", false)];
    let cxx11_abi = cxx11_abi.into_iter().find(|(word, _)| text.contains(word));
    let text = cxx11_abi.map_or_else(|| text.clone(), |(word, _)| text.replace(word, "."));
    let mut parts = Vec::new();
    for one in text.chars() {
        match (one, parts.last_mut()) {
            ('.' | '-' | '_', _) => parts.push(Part::Dot),
            ('a'..='z', Some(Part::Word(word))) => word.push(one),
            ('a'..='z', _) => parts.push(Part::Word(one.to_string())),
            ('0'..='9', Some(Part::Number(number))) => number.push(one),
            ('0'..='9', _) => parts.push(Part::Number(one.to_string())),
            _ => return None,
        }
    }
    Some((cxx11_abi.map(|(_, abi)| abi), parts))
}

/// What stands behind a word.
fn behind<'a>(parts: &'a [Part], wanted: &str) -> Option<&'a [Part]> {
    let at = parts.iter().position(|part| matches!(part, Part::Word(word) if word == wanted))?;
    parts.get(at + 1..)
}

fn cuda_in(parts: &[Part]) -> Option<CudaInLabel> {
    match behind(parts, "cu")? {
        [Part::Number(digits), ..] => match CudaVersion::from_label(&format!("cu{digits}")) {
            Some(version) => Some(CudaInLabel { major: version.major, minor: Some(version.minor) }),
            None if digits.len() == 2 && digits.starts_with('1') => {
                Some(CudaInLabel { major: digits.parse().ok()?, minor: None })
            }
            None => None,
        },
        [Part::Dot, Part::Number(major), Part::Dot, Part::Number(minor), ..] => {
            Some(CudaInLabel { major: major.parse().ok()?, minor: Some(minor.parse().ok()?) })
        }
        _ => None,
    }
}

fn torch_in(parts: &[Part]) -> Option<((u64, u64), Option<u64>)> {
    let number = |digits: &str| digits.parse().ok();
    if let Some(rest) = behind(parts, "torch") {
        let rest = if let [Part::Dot, rest @ ..] = rest { rest } else { rest };
        let [Part::Number(major), Part::Dot, Part::Number(minor), rest @ ..] = rest else { return None };
        let patch = if let [Part::Dot, Part::Number(patch), ..] = rest { number(patch) } else { None };
        return Some(((number(major)?, number(minor)?), patch));
    }
    let [Part::Number(digits), ..] = behind(parts, "pt")? else { return None };
    let (major, minor) = digits.split_at_checked(1)?;
    let minor: u64 = number(minor)?;
    // `pt280` may be 2.8.0 or nothing known: no torch has a minor number near 80.
    (digits.len() <= 3 && minor < 50).then_some(((number(major)?, minor), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn abi(
        torch: (u64, u64),
        patch: Option<u64>,
        cuda: Option<(u8, Option<u8>)>,
        cxx11: Option<bool>,
    ) -> TorchAbi {
        let cuda = cuda.map(|(major, minor)| CudaInLabel { major, minor });
        TorchAbi { torch, patch, cuda, cxx11_abi: cxx11 }
    }

    #[test]
    fn the_forms_that_projects_use_are_read() {
        for (local, expected) in [
            ("cu12torch2.8cxx11abiTRUE", abi((2, 8), None, Some((12, None)), Some(true))),
            ("cu128torch2.9.0cxx11abiFALSE", abi((2, 9), Some(0), Some((12, Some(8))), Some(false))),
            ("pt28cu128", abi((2, 8), None, Some((12, Some(8))), None)),
            ("pt210cu130", abi((2, 10), None, Some((13, Some(0))), None)),
            ("pt113cpu", abi((1, 13), None, None, None)),
            ("cu.12.8.torch.2.11", abi((2, 11), None, Some((12, Some(8))), None)),
            ("cu126torch2.6", abi((2, 6), None, Some((12, Some(6))), None)),
            ("torch2.7.cu128", abi((2, 7), None, Some((12, Some(8))), None)),
            ("torch2.7.1.cu128", abi((2, 7), Some(1), Some((12, Some(8))), None)),
            ("cu13torch2.10cxx11abitrue", abi((2, 10), None, Some((13, None)), Some(true))),
        ] {
            assert_eq!(torch_abi(local), Some(expected), "{local}");
        }
    }

    #[test]
    fn a_normalised_local_version_says_the_same() {
        let version = mlresolve_packaging::parse_version("2.8.3+cu12torch2.8cxx11abiTRUE").unwrap();
        let local: Vec<String> = version.local().iter().map(ToString::to_string).collect();
        assert_eq!(torch_abi(&local.join(".")), torch_abi("cu12torch2.8cxx11abiTRUE"));
    }

    #[test]
    fn what_names_no_torch_is_none() {
        let long = "torch2.8".repeat(40);
        for local in [
            "",
            "cu128",
            "cpu",
            "rocm6.4",
            "e437e35",
            "torch",
            "torch2",
            "torch28",
            "pt",
            "pt2",
            "pt280",
            "pt2.8",
            "xtorch2.8",
            "torch2.x",
            "torch2.99999999999999999999",
            "torch２.8",
            "cu12torch",
            &long,
        ] {
            assert_eq!(torch_abi(local), None, "{local:?}");
        }
    }

    #[test]
    fn cuda_is_read_where_it_is_sure() {
        let cuda = |local: &str| cuda_in_label(local).map(|cuda| (cuda.major, cuda.minor));
        assert_eq!([cuda("cu126"), cuda("cu92")], [Some((12, Some(6))), Some((9, Some(2)))]);
        assert_eq!([cuda("cu12"), cuda("cu.13.0")], [Some((12, None)), Some((13, Some(0)))]);
        for local in ["cu", "cu1", "cu20", "cu.12", "cu.999.1", "cpu", "gcu126", "e437e35", "rocm6.4", "12.8"]
        {
            assert_eq!(cuda(local), None, "{local:?}");
        }
    }
}
