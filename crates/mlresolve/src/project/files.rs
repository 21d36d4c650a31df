//! Requirements files, as pip reads them.

use std::io::Read as _;
use std::path::Path;

use mlresolve_packaging::requirements_txt::{
    Entry, EntryKind, FileOption, RequirementsFile, Variables, decode, parse_with_includes,
};

use super::Gathered;
use crate::error::Error;
use crate::request::RequestedRequirement;

/// The longest file that is read, in bytes.
const FILE_LIMIT: u64 = 16 << 20;

/// What a file's entries are to the project.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Requirements,
    Constraints,
    Overrides,
}

/// Reads a file and adds what it says to what was gathered.
pub(super) fn read_file(
    path: &Path,
    role: Role,
    variables: Variables<'_>,
    gathered: &mut Gathered,
) -> Result<(), Error> {
    let file = read(path, variables, gathered)?;
    let entries: Vec<RequestedRequirement> = file.entries.iter().map(requested).collect::<Result<_, _>>()?;
    match role {
        Role::Requirements => gathered.requirements.extend(entries),
        Role::Constraints => gathered.constraints.extend(entries),
        Role::Overrides => gathered.overrides.extend(entries),
    }
    take_options(&file, gathered);
    Ok(())
}

/// Reads a text file within [`FILE_LIMIT`].
pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::File { action: "read", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let open = || -> std::io::Result<Box<dyn std::io::Read>> {
        if path == Path::new("-") {
            return Ok(Box::new(std::io::stdin().lock()));
        }
        Ok(Box::new(std::fs::File::open(path)?))
    };
    let source = open().map_err(failed)?;
    source.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT {
        let problem = format!("the file is over the limit of {FILE_LIMIT} bytes (file length)");
        return Err(Error::input(path.display().to_string(), problem));
    }
    decode(&bytes).map_err(|problem| Error::input(path.display().to_string(), problem))
}

fn read(path: &Path, variables: Variables<'_>, gathered: &mut Gathered) -> Result<RequirementsFile, Error> {
    let name = path.to_string_lossy();
    // A file that cannot be opened is reported by its own name and not as something that another includes.
    let mut first = Some(read_text(path)?);
    let mut load = |file: &str| {
        if let Some(text) = first.take() {
            return Ok(text);
        }
        if file.contains("://") {
            return Err("a requirements file at an address is not fetched; download it first".to_owned());
        }
        read_text(Path::new(file)).map_err(|error| error.to_string())
    };
    let file = parse_with_includes(&name, &mut load, variables)
        .map_err(|error| Error::input(error.place.to_string(), error.problem))?;
    gathered
        .warnings
        .extend(file.warnings.iter().map(|warning| format!("{}: {}", warning.place, warning.value)));
    for entry in &file.constraints {
        gathered.constraints.push(requested(entry)?);
    }
    Ok(file)
}

fn requested(entry: &Entry) -> Result<RequestedRequirement, Error> {
    let place = entry.place.to_string();
    let refused = |what: &str| {
        let problem = format!("{what} cannot be locked yet; ask for a version from an index");
        Err(Error::input(place.clone(), problem))
    };
    match &entry.kind {
        EntryKind::Requirement(requirement) => Ok(RequestedRequirement {
            text: requirement.to_string(),
            origin: Some(place),
            hashes: entry.hashes.iter().map(|hash| format!("{}:{}", hash.algorithm, hash.digest)).collect(),
        }),
        EntryKind::Url { .. } => refused("a requirement by address"),
        EntryKind::Path { .. } => refused("a local file or folder"),
    }
}

fn take_options(file: &RequirementsFile, gathered: &mut Gathered) {
    for option in &file.options {
        let mut ignored = |what: &str| gathered.warnings.push(format!("{}: {what} is ignored", option.place));
        match &option.value {
            FileOption::IndexUrl(url) => gathered.index_url = Some(url.clone()),
            FileOption::ExtraIndexUrl(url) => gathered.extra_index_urls.push(url.clone()),
            FileOption::Pre => gathered.prereleases = true,
            FileOption::NoIndex => gathered.no_index = true,
            FileOption::FindLinks(place) => {
                // As pip has it: beside the file that says it, if it is there.
                let beside_file = Path::new(&*option.place.file).with_file_name(place);
                let is_there = !place.contains("://") && beside_file.exists();
                let found = if is_there { beside_file.to_string_lossy().into_owned() } else { place.clone() };
                gathered.find_links.push(found);
            }
            FileOption::NoBinary(_) => ignored("--no-binary"),
            FileOption::TrustedHost(host) => gathered.trusted_hosts.push(host.clone()),
            FileOption::AllReleases(_) => ignored("--all-releases"),
            FileOption::OnlyFinal(_) => ignored("--only-final"),
            // What these ask for is done anyway, or is none of a lock's business.
            FileOption::PreferBinary
            | FileOption::OnlyBinary(_)
            | FileOption::RequireHashes
            | FileOption::NoRequireHashes
            | FileOption::UseFeature(_) => {}
        }
    }
}
