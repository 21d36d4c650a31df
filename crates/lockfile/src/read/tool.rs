//! What stands under `[tool.mlresolve]` and `[packages.tool.mlresolve]`, and what other tools keep
//! beside it.

use std::collections::BTreeMap;

use super::section::Section;
use super::warning::{Warning, WarningKind};
use crate::invalid::{InvalidLock, Problem};
use crate::model::{
    OptionsSection, PackageTool, TOOL_FORMAT_VERSION, Table, TargetSection, ToolSection, Value,
};

/// The tables of other tools by name, none of them understood.
pub(super) type OtherTools = BTreeMap<String, Table>;

/// The key of this project under `tool`.
pub(super) const NAME: &str = "mlresolve";

/// Takes `mlresolve` out of the top-level `tool` table, or leaves it there when its format is newer.
pub(super) fn of_lock(
    tools: &mut Table,
    warnings: &mut Vec<Warning>,
) -> Result<Option<ToolSection>, InvalidLock> {
    let Some(value) = tools.get(NAME) else { return Ok(None) };
    let newest = i64::from(TOOL_FORMAT_VERSION);
    if let Value::Table(table) = value
        && matches!(table.get("version"), Some(Value::Integer(version)) if *version > newest)
    {
        Section::new("tool.", Table::new(), warnings).warn(NAME, WarningKind::NewerToolFormat);
        return Ok(None);
    }
    let mut section = Section::new("tool.", std::mem::take(tools), warnings);
    let tool = section.section(NAME)?.map(tool_section).transpose()?;
    *tools = section.into_rest();
    Ok(tool)
}

/// The tables of other tools, which PEP 751 says to leave alone.
pub(super) fn others(tools: Table, warnings: &mut Vec<Warning>) -> Result<OtherTools, InvalidLock> {
    Section::new("tool.", tools, warnings).into_tables()
}

/// Reads the `tool` table of a package.
pub(super) fn of_package(
    mut tools: Section<'_>,
    ours: bool,
) -> Result<(Option<PackageTool>, OtherTools), InvalidLock> {
    let tool = if ours { tools.section(NAME)?.map(package_tool).transpose()? } else { None };
    Ok((tool, tools.into_tables()?))
}

fn tool_section(mut section: Section<'_>) -> Result<ToolSection, InvalidLock> {
    let version = section.integer("version")?;
    let version = section.required("version", version)?;
    let version = u32::try_from(version).ok().filter(|version| *version > 0).ok_or_else(|| {
        section.fault("version", Problem::Malformed(format!("{version} is not a format version")))
    })?;
    Ok(ToolSection {
        version,
        input_digest: section.string("input-digest")?.map(|digest| digest.to_ascii_lowercase()),
        requirements: section.strings("requirements")?,
        constraints: section.strings("constraints")?,
        overrides: section.strings("overrides")?,
        warnings: section.strings("warnings")?,
        target: section.section("target")?.map(target).transpose()?,
        options: section.section("options")?.map(options).transpose()?,
        unknown: section.keep(),
    })
}

fn target(mut section: Section<'_>) -> Result<TargetSection, InvalidLock> {
    let python = section.string("python")?;
    let platform = section.string("platform")?;
    Ok(TargetSection {
        name: section.string("name")?,
        python: section.required("python", python)?,
        platform: section.required("platform", platform)?,
        glibc: section.string("glibc")?,
        accelerator: section.string("accelerator")?,
        driver: section.string("driver")?,
        gpu: section.strings("gpu")?,
        variant: section.string("variant")?,
        unknown: section.keep(),
    })
}

fn options(mut section: Section<'_>) -> Result<OptionsSection, InvalidLock> {
    Ok(OptionsSection {
        exclude_newer: section.string("exclude-newer")?,
        resolution: section.string("resolution")?,
        prerelease: section.string("prerelease")?,
        only_binary: section.strings("only-binary")?,
        no_binary: section.strings("no-binary")?,
        allow_build: section.strings("allow-build")?,
        providers: section.strings("providers")?,
        allow_held_back: section.strings("allow-held-back")?,
        allow_overlap: section.strings("allow-overlap")?,
        any_cuda: section.strings("any-cuda")?,
        extras: section.parsed_list("extras")?,
        groups: section.parsed_list("groups")?,
        unknown: section.keep(),
    })
}

fn package_tool(mut section: Section<'_>) -> Result<PackageTool, InvalidLock> {
    Ok(PackageTool {
        requires: section.strings("requires")?,
        extras: section.parsed_list("extras")?,
        metadata: section.string("metadata")?,
        held_back: section.string("held-back")?,
        unknown: section.keep(),
    })
}
