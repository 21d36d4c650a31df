use super::text::{self, Writer};
use crate::model::{OptionsSection, PackageTool, TargetSection, ToolSection};

pub(super) fn of_lock(out: &mut Writer, tool: &ToolSection) {
    out.header("[tool.mlresolve]");
    out.raw("version", &tool.version.to_string());
    out.optional("input-digest", tool.input_digest.as_ref());
    requirements(out, "requirements", &tool.requirements);
    requirements(out, "constraints", &tool.constraints);
    requirements(out, "overrides", &tool.overrides);
    requirements(out, "warnings", &tool.warnings);
    out.table(&tool.unknown);
    if let Some(section) = &tool.target {
        out.header("[tool.mlresolve.target]");
        target(out, section);
    }
    if let Some(section) = &tool.options {
        out.header("[tool.mlresolve.options]");
        options(out, section);
    }
}

pub(super) fn of_package(out: &mut Writer, tool: &PackageTool) {
    out.header("[packages.tool.mlresolve]");
    requirements(out, "requires", &tool.requires);
    out.list("extras", &tool.extras);
    out.optional("metadata", tool.metadata.as_ref());
    out.optional("held-back", tool.held_back.as_ref());
    out.table(&tool.unknown);
}

fn target(out: &mut Writer, target: &TargetSection) {
    out.optional("name", target.name.as_ref());
    out.string("python", &target.python);
    out.string("platform", &target.platform);
    out.optional("glibc", target.glibc.as_ref());
    out.optional("accelerator", target.accelerator.as_ref());
    out.optional("driver", target.driver.as_ref());
    out.list("gpu", &target.gpu);
    out.optional("variant", target.variant.as_ref());
    out.table(&target.unknown);
}

fn options(out: &mut Writer, options: &OptionsSection) {
    out.optional("exclude-newer", options.exclude_newer.as_ref());
    out.optional("resolution", options.resolution.as_ref());
    out.optional("prerelease", options.prerelease.as_ref());
    out.list("only-binary", &options.only_binary);
    out.list("no-binary", &options.no_binary);
    out.list("allow-build", &options.allow_build);
    out.list("providers", &options.providers);
    out.list("allow-held-back", &options.allow_held_back);
    out.list("allow-overlap", &options.allow_overlap);
    out.list("any-cuda", &options.any_cuda);
    out.list("extras", &options.extras);
    out.list("groups", &options.groups);
    out.table(&options.unknown);
}

fn requirements(out: &mut Writer, key: &str, texts: &[String]) {
    out.lines(key, texts.iter().map(text::quoted));
}
