//! The digest of what a lock was made from, by which a lock is known to be up to date without asking an index.

use std::collections::BTreeMap;

use mlresolve_packaging::{FormatOption, Requirement, RequirementSource, Specifier};
use mlresolve_solver::Alignment;
use mlresolve_target::Gpu;
use sha2::{Digest, Sha256};

use crate::builds::BuildRoutes;
use crate::direct::Place;
use crate::prepare::Prepared;
use crate::request::LockRequest;

/// What `prerelease` is where nothing is said.
pub(crate) const DEFAULT_PRERELEASE: &str = "if-necessary";
/// What `resolution` is where nothing is said.
pub(crate) const DEFAULT_RESOLUTION: &str = "highest";

/// A requirement in one spelling: its specifiers sorted, each once.
pub(crate) fn canonical(requirement: &Requirement) -> String {
    let mut requirement = requirement.clone();
    if let RequirementSource::Specifiers(specifiers) = &requirement.source {
        let sorted: BTreeMap<String, Specifier> =
            specifiers.iter().map(|specifier| (specifier.to_string(), specifier.clone())).collect();
        requirement.source = RequirementSource::Specifiers(sorted.into_values().collect());
    }
    requirement.to_string()
}

/// The SHA-256 over everything that decides what a lock holds, save what the indexes offer: order, spelling and
/// credentials do not count. The lock is that of the target at `at`; what others ask for counts where targets are aligned.
pub(crate) fn input_digest(
    targets: &[(&LockRequest, &Prepared)],
    at: usize,
    alignment: &Alignment,
) -> String {
    let digests: Vec<String> =
        targets.iter().map(|(request, prepared)| own_digest(request, prepared)).collect();
    let Some(own) = digests.get(at) else { return String::new() };
    match alignment {
        Alignment::AllBut(names) if targets.len() > 1 => {
            let mut lines = vec!["mlresolve aligned input 1".to_owned(), format!("own = {own}")];
            lines.extend(digests.iter().map(|digest| format!("target = {digest}")));
            lines.extend(names.iter().map(|name| format!("unaligned = {name}")));
            sha256_of(&lines)
        }
        _ => own.clone(),
    }
}

fn sha256_of(lines: &[String]) -> String {
    let digest = Sha256::digest(lines.join("\n").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of what one target asks for.
fn own_digest(request: &LockRequest, prepared: &Prepared) -> String {
    let mut lines: Vec<String> = vec!["mlresolve input 1".to_owned()];
    let mut add = |key: &str, values: Vec<String>| {
        let mut values = values;
        values.sort();
        values.dedup();
        lines.extend(values.into_iter().map(|value| format!("{key} = {value}")));
    };
    let target = &prepared.target;
    add("target", vec![target.name().to_owned()]);
    add("python", vec![target.python().to_string()]);
    add("platform", vec![target.platform().to_string()]);
    add("glibc", target.glibc().map(|glibc| glibc.to_string()).into_iter().collect());
    add("accelerator", target.accelerator().map(|accelerator| accelerator.to_string()).into_iter().collect());
    add("driver", target.driver().map(|driver| driver.to_string()).into_iter().collect());
    add("gpu", target.gpus().iter().map(Gpu::described).collect());
    add("torch-index", prepared.builds.iter().map(BuildRoutes::public_base).collect());
    add("requirement", prepared.requirements.iter().map(canonical).collect());
    add("constraint", prepared.constraints.iter().map(canonical).collect());
    add("override", prepared.overrides.given.iter().map(canonical).collect());
    add("extra", request.extras.clone());
    add("group", request.groups.clone());
    for declared in &request.metadata {
        let mut requires = declared.requires_dist.clone();
        requires.sort();
        let (name, version, python) = (&declared.name, &declared.version, &declared.requires_python);
        let line = format!("{name} {version:?} {python:?} {requires:?} {:?}", declared.provides_extra);
        add("metadata", vec![line]);
    }
    // A folder's content is an input; what a file or a commit holds is told by its digest.
    for package in prepared.directs.iter() {
        let content = match &package.place {
            Place::File { hashes, .. } => format!("{hashes:?}"),
            Place::Commit(commit) => commit.clone(),
            Place::Folder => {
                let metadata = &package.metadata;
                let mut requires: Vec<String> = metadata.requires_dist.iter().map(canonical).collect();
                requires.sort();
                let python = metadata.requires_python.as_ref().map(ToString::to_string);
                format!("{:?} {python:?} {requires:?} {:?}", package.version, metadata.provides_extra)
            }
        };
        add(
            "address",
            vec![format!("{} {} {content}", package.name, package.address.public(prepared.directs.root()))],
        );
    }
    add("provider", request.providers.iter().map(|(import, name)| format!("{import} {name}")).collect());
    add("allow-held-back", prepared.allow_held_back.iter().map(ToString::to_string).collect());
    add("allow-overlap", prepared.allow_overlap.iter().map(ToString::to_string).collect());
    add("any-cuda", prepared.any_cuda.iter().map(ToString::to_string).collect());
    let hashes = prepared.judge.hashes.iter();
    let hashes =
        hashes.flat_map(|(name, list)| list.iter().map(move |(kind, hex)| format!("{name} {kind}:{hex}")));
    add("hash", hashes.collect());
    add("exclude-newer", request.exclude_newer.iter().map(|text| text.trim().to_owned()).collect());
    let other = |given: &Option<String>, default: &str| given.clone().filter(|mode| mode != default);
    add("prerelease", other(&request.prerelease, DEFAULT_PRERELEASE).into_iter().collect());
    add("resolution", other(&request.resolution, DEFAULT_RESOLUTION).into_iter().collect());
    add("only-binary", prepared.judge.formats.list(FormatOption::OnlyBinary));
    add("allow-build", prepared.allow_build.list());
    add("no-binary", prepared.judge.formats.list(FormatOption::NoBinary));
    let routes = prepared.routes.iter();
    let routes = routes.flat_map(|(name, indexes)| {
        indexes.iter().map(move |index| format!("{name} {}", index.public_url()))
    });
    add("source", routes.collect());
    // The order of indexes decides, so it stays.
    for index in &prepared.indexes {
        lines.push(format!("index = {}", index.public_url()));
    }
    // What lies in a folder differs from machine to machine, and so may the folder: pip's variables often name one.
    for links in prepared.find_links.iter().filter(|links| links.path().is_none()) {
        lines.push(format!("find-links = {}", links.index().public_url()));
    }
    sha256_of(&lines)
}
