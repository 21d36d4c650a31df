//! What a package says on matters that all packages of a target must agree on, in the solver's words: the CUDA major, the
//! provider of an import package, the C++ ABI of torch. And what it requires of torch without saying so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{PackageName, Requirement, Version};
use mlresolve_solver::{Claim, Dependency, Matter};
use mlresolve_target::cuda_major::cuda_major;
use mlresolve_target::facts::Otherwise;
use mlresolve_target::{Target, TorchAbi, Variant, facts, torch_abi};

use crate::machine::{TORCH, is_part_of_a_build};

/// What a version claims on a target. `variant` is that of its build, if it has several.
pub(crate) fn claims_of(
    target: &Target,
    name: &PackageName,
    version: &Version,
    variant: Option<Variant>,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    // Where nothing is declared, builds are taken as they come, and two CUDAs are only warned of. Elsewhere is no CUDA.
    let computes = target.platform().is_linux() && target.accelerator().is_some();
    if let Some(claim) = cuda_major(name, version).filter(|_| computes) {
        let cited = claim.source.map(|source| format!(" {source}")).unwrap_or_default();
        claims.push(Claim {
            matter: Matter::CudaMajor,
            values: claim.majors.iter().map(ToString::to_string).collect(),
            because: format!("{}{cited}", claim.because).into(),
            always: claim.name_wide,
        });
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
    if let Some((new, cited)) = abi.filter(|_| computes) {
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

/// What a local version says of the torch that an extension is built for.
fn local_abi(version: &Version) -> Option<TorchAbi> {
    let text = version.to_string();
    torch_abi(text.split_once('+')?.1)
}

/// What a person can do where packages claim different values on a matter.
pub(crate) fn way_out(matter: &Matter, values: &BTreeSet<String>) -> Option<String> {
    let Matter::Import(import) = matter else { return None };
    let names: Vec<PackageName> = values.iter().filter_map(|value| value.parse().ok()).collect();
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
