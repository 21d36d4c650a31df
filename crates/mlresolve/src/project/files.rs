//! Requirements files, as pip reads them.

use std::io::Read as _;
use std::path::Path;

use mlresolve_packaging::FormatOption;
use mlresolve_packaging::requirements_txt::{
    Entry, EntryKind, FileOption, RequirementsFile, Variables, decode, parse_with_includes,
};
use mlresolve_packaging::{Requirement, RequirementSource};

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
    let entries: Vec<RequestedRequirement> = file.entries.iter().map(requested).collect();
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
        gathered.constraints.push(requested(entry));
    }
    Ok(file)
}

fn requested(entry: &Entry) -> RequestedRequirement {
    let near = |path: &str| beside(path, &entry.place.file);
    let (text, extras, marker) = match &entry.kind {
        EntryKind::Requirement(requirement) => {
            let mut requirement = requirement.clone();
            if let RequirementSource::Url(address) = &mut requirement.source
                && is_path(address)
            {
                *address = near(address);
            }
            (requirement.to_string(), &[][..], &None)
        }
        EntryKind::Url { url, name: Some(name), extras, marker } => {
            let source = RequirementSource::Url(url.clone());
            let named =
                Requirement { name: name.clone(), extras: extras.clone(), source, marker: marker.clone() };
            (named.to_string(), &[][..], &None)
        }
        EntryKind::Url { url, name: None, extras, marker } => (url.clone(), extras.as_slice(), marker),
        EntryKind::Path { path, extras, marker } => (near(path), extras.as_slice(), marker),
    };
    RequestedRequirement {
        text,
        extras: extras.iter().map(ToString::to_string).collect(),
        marker: marker.as_ref().map(ToString::to_string),
        editable: entry.editable,
        origin: Some(entry.place.to_string()),
        hashes: entry.hashes.iter().map(|hash| format!("{}:{}", hash.algorithm, hash.digest)).collect(),
    }
}

fn is_path(address: &str) -> bool {
    !address.contains("://") && !address.starts_with("file:")
}

/// A path of a requirements file as the current folder sees it: pip and uv count it from the current folder; where
/// nothing is there, it counts from the folder of the file.
fn beside(path: &str, file: &str) -> String {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    let there = match path.strip_prefix("~/").zip(std::env::home_dir()) {
        Some((rest, home)) => home.join(rest),
        None if Path::new(path).exists() || file == "-" => Path::new(path).to_owned(),
        None => folder.join(path),
    };
    let text = there.to_string_lossy().into_owned();
    if text.starts_with(['.', '/']) { text } else { format!("./{text}") }
}

fn take_options(file: &RequirementsFile, gathered: &mut Gathered) {
    for option in &file.options {
        let mut ignored = |what: &str| gathered.warnings.push(format!("{}: {what} is ignored", option.place));
        match &option.value {
            FileOption::IndexUrl(url) => gathered.index_url = Some(url.clone()),
            FileOption::ExtraIndexUrl(url) => gathered.extra_index_urls.push(url.clone()),
            FileOption::FindLinks(place) if is_path(place) => {
                gathered.find_links.push(beside(place, &option.place.file));
            }
            FileOption::FindLinks(place) => gathered.find_links.push(place.clone()),
            FileOption::TrustedHost(host) => gathered.trusted_hosts.push(host.clone()),
            FileOption::Pre => gathered.prereleases = true,
            FileOption::OnlyBinary(value) => {
                gathered.formats.push((FormatOption::OnlyBinary, value.clone(), option.place.to_string()));
            }
            FileOption::NoBinary(value) => {
                gathered.formats.push((FormatOption::NoBinary, value.clone(), option.place.to_string()));
            }
            FileOption::NoIndex => gathered.no_index = true,
            FileOption::AllReleases(_) => ignored("--all-releases"),
            FileOption::OnlyFinal(_) => ignored("--only-final"),
            // What these ask for is done anyway, or is none of a lock's business.
            FileOption::PreferBinary
            | FileOption::RequireHashes
            | FileOption::NoRequireHashes
            | FileOption::UseFeature(_) => {}
        }
    }
}
