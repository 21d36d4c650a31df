//! What a line requires: by name, by address or by path.

use crate::filename::{WheelFilename, has_distribution_extension};
use crate::marker::Marker;
use crate::name::{ExtraName, PackageName};
use crate::requirement::Requirement;
use crate::specifier::Repair;

use super::{EntryKind, Problem};

/// Reads the part of a line before its options.
pub(super) fn read_entry(text: &str) -> Result<(EntryKind, Option<Repair>), Problem> {
    if is_address(text) {
        return read_url(text).map(|kind| (kind, None));
    }
    if is_path(text) {
        return read_path(text).map(|kind| (kind, None));
    }
    let (requirement, repair) = Requirement::parse_lenient(text)?;
    Ok((EntryKind::Requirement(requirement), repair))
}

/// Reads the value of `-e`, which is an address or a folder.
pub(super) fn read_editable(text: &str) -> Result<EntryKind, Problem> {
    if is_address(text) { read_url(text) } else { read_path(text) }
}

/// Whether a text starts with a scheme, as `https:`, `git+ssh:` or `file:`.
pub(super) fn is_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme && (rest.starts_with("//") || scheme.eq_ignore_ascii_case("file"))
}

/// pip asks the disk; a path can be told from a name by its look, since no name has a `/` in it, or
/// starts with a dot, or ends like an archive.
fn is_path(text: &str) -> bool {
    let (path, _) = text.split_once(';').unwrap_or((text, ""));
    let path = path.split('[').next().unwrap_or_default().trim();
    !path.contains('@')
        && (path.starts_with(['.', '~']) || path.contains(['/', '\\']) || has_distribution_extension(path))
}

fn read_url(text: &str) -> Result<EntryKind, Problem> {
    // A `;` may be part of an address, so only one beside a space starts a marker.
    let marker_at = text.find("; ").into_iter().chain(text.find(" ;")).min();
    let (url, marker) = match marker_at {
        Some(at) => (&text[..at], Some(text[at..].trim_start_matches([' ', ';']))),
        None => (text, None),
    };
    let (location, fragment) = url.split_once('#').unwrap_or((url, ""));
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg="));
    let (name, extras) = match egg {
        Some(egg) => {
            let (name, extras) = split_extras(egg)?;
            (Some(name.parse::<PackageName>()?), extras)
        }
        None => (wheel_name(location), Vec::new()),
    };
    Ok(EntryKind::Url { url: url.to_owned(), name, extras, marker: read_marker(marker)? })
}

fn wheel_name(location: &str) -> Option<PackageName> {
    let path = location.split('?').next()?;
    let segment = path.rsplit('/').next()?;
    let filename = percent_encoding::percent_decode_str(segment).decode_utf8().ok()?;
    filename.parse::<WheelFilename>().ok().map(|wheel| wheel.name)
}

fn read_path(text: &str) -> Result<EntryKind, Problem> {
    let (path, marker) = match text.split_once(';') {
        Some((path, marker)) => (path, Some(marker)),
        None => (text, None),
    };
    let (path, extras) = split_extras(path.trim())?;
    Ok(EntryKind::Path { path: path.to_owned(), extras, marker: read_marker(marker)? })
}

fn read_marker(text: Option<&str>) -> Result<Option<Marker>, Problem> {
    Ok(text.map(|text| text.trim().parse()).transpose()?)
}

/// Splits `[a,b]` off the end.
fn split_extras(text: &str) -> Result<(&str, Vec<ExtraName>), Problem> {
    let Some(inner) = text.strip_suffix(']') else {
        return if text.contains('[') { Err(Problem::Brackets) } else { Ok((text, Vec::new())) };
    };
    let (front, list) = inner.rsplit_once('[').ok_or(Problem::Brackets)?;
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mut extras: Vec<ExtraName> = names.map(str::parse).collect::<Result<_, _>>()?;
    extras.sort_unstable();
    extras.dedup();
    Ok((front.trim_end(), extras))
}
