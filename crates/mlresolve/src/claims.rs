//! What a package says on matters that all packages of a target must agree on, in the solver's words: the CUDA major, the
//! provider of an import package, the C++ ABI of torch. And what it requires of torch without saying so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{PackageName, Requirement, Version};
use mlresolve_solver::{Claim, Dependency, Matter, Unusable};
use mlresolve_target::cuda_major::cuda_major;
use mlresolve_target::facts::Otherwise;
use mlresolve_target::{Accelerator, Target, TorchAbi, Variant, facts, torch_abi};

use crate::machine::{TORCH, is_part_of_a_build};

/// What a version claims on a target. `variant` is that of its build, if it has several.
pub(crate) fn claims_of(
    target: &Target,
    name: &PackageName,
    version: &Version,
    variant: Option<Variant>,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    // Where nothing is declared, builds are taken as they come, and two CUDAs are only warned of. But an extension that was
    // compiled against torch does not load beside a torch for another CUDA. Elsewhere is no CUDA.
    let linux = target.platform().is_linux();
    let computes = linux && target.accelerator().is_some();
    let is_torch = name.as_str() == TORCH;
    let matters = computes || linux && (is_torch || local_abi(version).is_some());
    if let Some(claim) = cuda_major(name, version).filter(|_| matters) {
        let cited = claim.source.map(|source| format!(" {source}")).unwrap_or_default();
        claims.push(Claim {
            matter: Matter::CudaMajor,
            values: claim.majors.iter().map(ToString::to_string).collect(),
            because: format!("{}{cited}", claim.because).into(),
            always: claim.name_wide,
        });
    } else if is_torch && linux && !computes && version.local().is_empty() {
        claims.extend(cuda_of_torch(target, version));
    }
    let imports = if computes || !is_part_of_a_build(name) { facts::provided(name) } else { Vec::new() };
    for import in imports {
        claims.push(Claim {
            matter: Matter::Import(import.into()),
            values: Arc::from([name.to_string()]),
            because: format!("provides {import}").into(),
            always: true,
        });
    }
    let abi = match name.as_str() {
        TORCH => facts::cxx11_abi(version, variant.unwrap_or(Variant::Pypi), target.platform())
            .map(|abi| (abi.value, format!(" {}", abi.source))),
        _ => local_abi(version).and_then(|abi| abi.cxx11_abi).map(|new| (new, String::new())),
    };
    if let Some((new, cited)) = abi.filter(|_| linux) {
        let word = if new { "new" } else { "old" };
        claims.push(Claim {
            matter: Matter::CxxAbi,
            values: Arc::from([word.to_owned()]),
            because: format!("is compiled with the {word} C++ ABI{cited}").into(),
            always: false,
        });
    }
    claims
}

/// The CUDA that PyPI's own build of torch is for; elsewhere the libraries that it requires say so.
fn cuda_of_torch(target: &Target, version: &Version) -> Option<Claim> {
    let build = facts::build(version, Variant::Pypi, target.platform())?;
    let cuda = build.cuda?;
    Some(Claim {
        matter: Matter::CudaMajor,
        values: Arc::from([cuda.major.to_string()]),
        because: format!("is built for CUDA {cuda} {}", build.source).into(),
        always: false,
    })
}

/// Which packages of a lock are for which CUDA major, where there are several; in words.
pub(crate) fn several_cudas<'p>(
    target: &Target,
    packages: impl Iterator<Item = (&'p PackageName, &'p Version)>,
) -> Option<String> {
    let mut majors: BTreeMap<u8, Vec<String>> = BTreeMap::new();
    for (name, version) in packages {
        // What goes with several is no reason.
        if let Some([only]) = cuda_major(name, version).as_ref().map(|claim| &claim.majors[..]) {
            majors.entry(*only).or_default().push(format!("{name} {version}"));
        }
    }
    if majors.len() < 2 || !target.platform().is_linux() {
        return None;
    }
    let listed = majors.iter().map(|(major, names)| match &names[..] {
        [first, _, ..] => format!("CUDA {major} ({first} and {} more)", names.len() - 1),
        _ => format!("CUDA {major} ({})", names.join(", ")),
    });
    Some(format!(
        "this environment has libraries of {}, which overwrite or miss each other; declare an accelerator, such as \
         `cuda`, to have one",
        listed.collect::<Vec<_>>().join(" and of ")
    ))
}

/// What a version needs of torch without saying it in its metadata, with the source of that.
pub(crate) fn needs_of_torch(name: &PackageName, version: &Version) -> Option<(Dependency, String)> {
    let torch: PackageName = TORCH.parse().ok()?;
    if *name == torch {
        return None;
    }
    // What merely was not tested together is no reason to refuse.
    let companion = facts::companion(name, version).filter(|known| known.otherwise != Otherwise::Untested);
    let (text, cited) = match (companion, local_abi(version)) {
        (_, Some(TorchAbi { torch: (major, minor), patch, .. })) => {
            let series = patch.map_or_else(|| "*".to_owned(), |patch| patch.to_string());
            (format!("torch=={major}.{minor}.{series}"), "(as its local version says)".to_owned())
        }
        (Some(companion), None) => (companion.requirement.clone(), companion.source.to_string()),
        (None, None) => return None,
    };
    let requirement: Requirement = text.parse().ok()?;
    let range = range_of(requirement.specifiers()?);
    Some((Dependency { name: torch, extras: Vec::new(), range, text: text.into() }, cited))
}

/// Why an extension of torch is of no use on a target, if so: it is built for CUDA, and there is none.
pub(crate) fn foreign(target: &Target, version: &Version) -> Option<Unusable> {
    let accelerator = target.accelerator().filter(|one| !matches!(one, Accelerator::Cuda(_)))?;
    let major = local_abi(version)?.cuda?.major;
    Some(Unusable::Machine(vec![format!("is built for CUDA {major}, and the target is for {accelerator}")]))
}

/// The order in which builds of an extension are tried: that for CUDA where the target has it, then that for the newest torch.
pub(crate) fn extension_rank(target: &Target, version: &Version) -> u32 {
    let Some(abi) = local_abi(version) else { return u32::MAX };
    let (major, minor) = abi.torch;
    let torch = major.saturating_mul(1000).saturating_add(minor).min(99_999);
    let computes = !matches!(target.accelerator(), Some(Accelerator::Cpu));
    let other = if abi.cuda.is_some() == computes { 0 } else { 200_000 };
    other + 100_000 - u32::try_from(torch).unwrap_or_default()
}

/// Whether a local version names a torch.
pub(crate) fn names_torch(version: &Version) -> bool {
    local_abi(version).is_some()
}

/// What a local version says of the torch that an extension is built for.
pub(crate) fn local_abi(version: &Version) -> Option<TorchAbi> {
    // Asked of every version of every package, of which nearly none has one.
    if version.local().is_empty() {
        return None;
    }
    let text = version.to_string();
    torch_abi(text.split_once('+')?.1)
}

/// What a person can do where an import package has several providers.
pub(crate) fn one_provider(import: &str, providers: &BTreeSet<String>) -> Option<String> {
    let names: Vec<PackageName> = providers.iter().filter_map(|value| value.parse().ok()).collect();
    let stands_for_all =
        |name: &&PackageName| names.iter().all(|other| other == *name || facts::stands_for(name, other));
    let choices = names.iter().filter(stands_for_all);
    let choices: Vec<String> = choices.map(|name| format!("{import} = {:?}", name.as_str())).collect();
    if names.len() < 2 || choices.is_empty() {
        return None;
    }
    Some(format!(
        "one of them can stand for the others: under [tool.mlresolve.providers], say {}",
        choices.join(" or ")
    ))
}

/// What a person can do where packages are for different CUDAs: one that is no library of CUDA may do without.
pub(crate) fn any_cuda(packages: &BTreeSet<PackageName>) -> Option<String> {
    let known = |name: &&PackageName| {
        !is_part_of_a_build(name) && facts::cuda_packages().iter().any(|row| row.package == **name)
    };
    let names: Vec<&str> = packages.iter().filter(known).map(PackageName::as_str).collect();
    let first = names.first()?;
    Some(format!("where {} needs no GPU, it goes with any CUDA: --any-cuda {first}", names.join(" or ")))
}

#[cfg(test)]
mod tests {
    use mlresolve_packaging::parse_version;

    use super::*;

    fn target(accelerator: Option<&str>) -> Target {
        let target = Target::new("t", "3.12".parse().unwrap(), "linux-x86_64".parse().unwrap()).unwrap();
        match accelerator {
            Some(word) => target.with_accelerator(word.parse().unwrap()),
            None => target,
        }
    }

    #[test]
    fn extensions_are_tried_from_the_newest_torch_down_and_for_what_the_target_has_first() {
        let order = |accelerator| {
            let target = target(accelerator);
            let mut labels =
                ["pt28cpu", "pt29cu128", "cu12torch2.10cxx11abitrue", "cu12torch2.8cxx11abitrue", "cu128"];
            labels.sort_by_key(|label| {
                extension_rank(&target, &parse_version(&format!("1.0+{label}")).unwrap())
            });
            labels.join(" ")
        };
        let cuda = "cu12torch2.10cxx11abitrue pt29cu128 cu12torch2.8cxx11abitrue pt28cpu cu128";
        assert_eq!([order(None), order(Some("cuda"))], [cuda, cuda]);
        assert!(order(Some("cpu")).starts_with("pt28cpu "));
    }

    #[test]
    fn an_extension_for_cuda_is_of_no_use_where_there_is_none() {
        let refused = |accelerator, label: &str| {
            foreign(&target(accelerator), &parse_version(&format!("1.0+{label}")).unwrap()).is_some()
        };
        assert!(refused(Some("cpu"), "pt28cu128") && refused(Some("rocm"), "cu12torch2.8cxx11abitrue"));
        assert!(!refused(Some("cpu"), "pt28cpu") && !refused(Some("cuda"), "pt28cu128"));
        assert!(!refused(None, "pt28cu128") && !refused(Some("cpu"), "cu128"));
    }

    #[test]
    fn an_extension_binds_to_its_torch_where_nothing_is_declared() {
        let claims = |name: &str, version: &str| {
            let (name, version) = (name.parse().unwrap(), parse_version(version).unwrap());
            let claims = claims_of(&target(None), &name, &version, None);
            claims.iter().map(|claim| (claim.matter.clone(), claim.values.join("|"))).collect::<Vec<_>>()
        };
        let both = |cuda: &str, abi: &str| {
            vec![(Matter::CudaMajor, cuda.to_owned()), (Matter::CxxAbi, abi.to_owned())]
        };
        assert_eq!(claims("flash-attn", "2.8.3+cu12torch2.8cxx11abiFALSE"), both("12", "old"));
        assert_eq!(claims("torch", "2.8.0"), both("12", "new"));
        assert_eq!(claims("torch", "2.6.0"), both("12", "old"));
        assert_eq!(claims("torch", "2.14.0+cu126").first(), both("12", "new").first());
        assert!(claims("torch", "2.14.0+cpu").iter().all(|(matter, _)| *matter != Matter::CudaMajor));
        assert_eq!(claims("nvidia-cudnn-cu12", "9.0"), []);
        assert_eq!(claims("spam", "1.0+cu128"), []);
    }
}
