//! Where packages are for different CUDAs: the same requirement for the other one, as its name or its extra says.

use mlresolve_packaging::{ExtraName, VersionRange};

use crate::provider::Dependency;

/// A requirement such as `jax[cuda13]` or `cupy-cuda12x` for another CUDA major: `jax[cuda12]`, `cupy-cuda13x`. `None` where
/// it says no such major. Whether there is such a package or extra is not known.
pub(super) fn for_other_cuda(requirement: &Dependency, from: &str, to: &str) -> Option<Dependency> {
    let name = replace_major(requirement.name.as_str(), from, to).and_then(|name| name.parse().ok());
    let extra = |extra: &ExtraName| {
        let other = replace_major(extra.as_str(), from, to).and_then(|other| other.parse().ok());
        (other.is_some(), other.unwrap_or_else(|| extra.clone()))
    };
    let (changed, extras): (Vec<bool>, Vec<ExtraName>) = requirement.extras.iter().map(extra).unzip();
    if name.is_none() && !changed.contains(&true) {
        return None;
    }
    // Another package has versions of its own.
    let range = if name.is_some() { VersionRange::full() } else { requirement.range.clone() };
    let name = name.unwrap_or_else(|| requirement.name.clone());
    let list = extras.iter().map(ExtraName::as_str).collect::<Vec<_>>().join(",");
    let text = if list.is_empty() { name.to_string() } else { format!("{name}[{list}]") };
    Some(Dependency { name, extras, range, text: text.into() })
}

/// A name in which `cu12` or `cuda12x` becomes the same of another major; `None` where no word of it is one.
fn replace_major(text: &str, from: &str, to: &str) -> Option<String> {
    let words: Vec<String> = text
        .split('-')
        .map(|word| {
            let is_major = ["cu", "cuda"].iter().any(|stem| {
                let rest = word.strip_prefix(stem).and_then(|rest| rest.strip_prefix(from));
                rest.is_some_and(|rest| matches!(rest, "" | "x"))
            });
            if is_major { word.replacen(from, to, 1) } else { word.to_owned() }
        })
        .collect();
    let replaced = words.join("-");
    (replaced != text).then_some(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_word_is_a_cuda() {
        let to_13 = |text: &str| replace_major(text, "12", "13");
        assert_eq!(to_13("cuda12").as_deref(), Some("cuda13"));
        assert_eq!(to_13("cupy-cuda12x").as_deref(), Some("cupy-cuda13x"));
        assert_eq!(to_13("nvidia-nccl-cu12").as_deref(), Some("nvidia-nccl-cu13"));
        for other in ["cu128", "cu11", "cucim12", "torch", "and-cuda", "x12"] {
            assert_eq!(to_13(other), None, "{other}");
        }
    }
}
