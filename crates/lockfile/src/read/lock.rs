use mlresolve_packaging::{ExtraName, GroupName};

use super::ReadError;
use super::package::package;
use super::section::Section;
use super::tool;
use super::warning::{Warning, WarningKind};
use crate::invalid::{InvalidLock, PackagePlace, Problem};
use crate::model::{Lock, LockVersion, Package, Table, Value};

pub(super) fn lock(table: Table, warnings: &mut Vec<Warning>) -> Result<Lock, ReadError> {
    let mut section = Section::new("", table, warnings);
    let lock_version = lock_version(&mut section)?;
    let environments = section.parsed_list("environments")?;
    let requires_python = section.parsed("requires-python")?;
    let extras: Vec<ExtraName> = normalised_list(&mut section, "extras")?;
    let dependency_groups: Vec<GroupName> = section.parsed_list("dependency-groups")?;
    let default_groups = section.parsed_list("default-groups")?;
    let created_by = section.string("created-by")?;
    let created_by = section.required("created-by", created_by)?;
    let mut tools = section.table("tool")?.unwrap_or_default();
    let present = section.contains("packages");
    let entries = section.tables("packages")?;
    section.required("packages", present.then_some(()))?;
    section.finish();

    let tool = tool::of_lock(&mut tools, warnings)?;
    // Entries of a section that a newer mlresolve wrote may mean something else.
    let ours = !tools.contains_key(tool::NAME);
    let packages = packages(entries, ours, warnings)?;
    Ok(Lock {
        lock_version,
        environments,
        requires_python,
        extras,
        dependency_groups,
        default_groups,
        created_by,
        packages,
        tool,
        other_tools: tool::others(tools, warnings)?,
    })
}

fn packages(
    entries: Vec<Table>,
    ours: bool,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Package>, InvalidLock> {
    let mut packages = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let name = match entry.get("name") {
            Some(Value::String(name)) => Some(name.chars().take(256).collect()),
            _ => None,
        };
        let place = PackagePlace { index, name };
        let earlier = warnings.len();
        let package = package(Section::new("", entry, warnings), ours).map_err(|mut error| {
            error.place.package = Some(place.clone());
            error
        })?;
        for warning in &mut warnings[earlier..] {
            warning.place.package = Some(place.clone());
        }
        packages.push(package);
    }
    Ok(packages)
}

fn lock_version(section: &mut Section<'_>) -> Result<LockVersion, ReadError> {
    const KEY: &str = "lock-version";
    let text = section.string(KEY)?;
    let text = section.required(KEY, text)?;
    let number = |digits: &str| -> Option<u32> {
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    };
    let (major, minor) = text.split_once('.').unwrap_or((&text, "0"));
    let (Some(major), Some(minor)) = (number(major), number(minor)) else {
        let problem = Problem::Malformed(format!("{text:?} is not a format version such as \"1.0\""));
        return Err(section.fault(KEY, problem).into());
    };
    if major != 1 {
        return Err(ReadError::UnsupportedVersion { found: text });
    }
    if minor > 0 {
        section.warn(KEY, WarningKind::NewerFormat);
    }
    Ok(LockVersion { major, minor })
}

/// Names that PEP 751 says must be in normal form.
pub(super) fn normalised_list(section: &mut Section<'_>, key: &str) -> Result<Vec<ExtraName>, InvalidLock> {
    let texts = section.strings(key)?;
    let mut names = Vec::with_capacity(texts.len());
    for (position, text) in texts.iter().enumerate() {
        let key = format!("{key}[{position}]");
        let name: ExtraName = section.parse(&key, text)?;
        if name.as_str() != text {
            let problem = Problem::NotNormalized { found: text.clone(), normal: name.to_string() };
            return Err(section.fault(&key, problem));
        }
        names.push(name);
    }
    Ok(names)
}
