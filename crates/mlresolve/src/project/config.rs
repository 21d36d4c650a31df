//! Targets and settings: what the files declare, under what the user says.

use std::path::PathBuf;

use mlresolve_packaging::pyproject::{Config, PyProject, TargetConfig, UvSettings};
use mlresolve_packaging::{
    ExtraName, FormatControl, FormatOption, GroupName, PackageName, Requirement, SpecifierSet, parse_version,
};

use mlresolve_target::facts;

use super::sources::Sources;
use super::{Gathered, ProjectOptions, ReadProject, own};
use crate::declared::requested;
use crate::error::Error;
use crate::prepare::refuse_auto;
use crate::request::{AlignmentRequest, LockRequest, RequestedRequirement, TargetRequest};
use crate::settings::Merged;

/// The Python that is assumed where nothing says otherwise.
const DEFAULT_MINOR: i64 = 12;

/// Makes the requests of a project. `file` is what stands in the folder, `pyproject` the same where it says what is
/// required.
#[expect(clippy::too_many_arguments, reason = "each is one source of what a project says")]
pub(super) fn apply(
    options: &ProjectOptions,
    config: &Config,
    place: &str,
    file: Option<&PyProject>,
    pyproject: Option<&PyProject>,
    gathered: &Gathered,
    settings: Merged,
    dir: PathBuf,
) -> Result<ReadProject, Error> {
    let sources = Sources::new(config, file, settings.indexes.named_indexes.clone());
    check_chosen(options, config, place)?;
    for (name, target) in &config.targets {
        refuse_auto(
            target.accelerator.as_deref().unwrap_or_default(),
            &format!("target {name}, accelerator"),
        )?;
    }
    let alignment = AlignmentRequest {
        align: options.align.or(config.align).unwrap_or(true),
        unaligned: config
            .unaligned
            .iter()
            .map(ToString::to_string)
            .chain(options.unaligned.clone())
            .collect(),
    };
    let requires_python = pyproject.and_then(|file| file.project.as_ref()?.requires_python.clone());
    let warnings = gathered.warnings.clone();
    let mut targets = config.targets.clone();
    if targets.is_empty() {
        targets.push(("default".to_owned(), TargetConfig::default()));
    }
    let wanted = |name: &String| options.targets.is_empty() || options.targets.contains(name);
    // What others ask for decides too where targets are aligned.
    if !alignment.align {
        targets.retain(|(name, _)| wanted(name));
    }
    let chosen: Vec<usize> =
        targets.iter().enumerate().filter(|(_, (name, _))| wanted(name)).map(|(at, _)| at).collect();
    if let (Some(option), true) = (target_option(options), chosen.len() > 1) {
        let problem = "it is for one target, and several are declared; choose one with --target NAME";
        return Err(Error::input(option, problem));
    }
    let mut requests = Vec::new();
    for (at, (name, target)) in targets.into_iter().enumerate() {
        let target = if chosen.contains(&at) { with_options(options, target) } else { target };
        let target = with_image(&name, target)?;
        let mut request =
            request(options, config, place, pyproject, gathered, requires_python.as_ref(), name, &target)?;
        take_uv(file.and_then(|file| file.uv.as_ref()), config, &mut request);
        let extras: Vec<ExtraName> = request.extras.iter().filter_map(|name| name.parse().ok()).collect();
        let groups: Vec<GroupName> = request.groups.iter().filter_map(|name| name.parse().ok()).collect();
        request.sources = sources.requests(&dir, &extras, &groups, &request.requirements)?;
        request.exclude_newer.clone_from(&settings.exclude_newer);
        request.prerelease.clone_from(&settings.prerelease);
        request.resolution.clone_from(&settings.resolution);
        request.root.clone_from(&dir);
        request.metadata = config.metadata.iter().map(requested).collect();
        if let (true, Some(uv)) = (config.metadata.is_empty(), file.and_then(|file| file.uv.as_ref())) {
            request.metadata = uv.metadata.iter().map(requested).collect();
        }
        requests.push(request);
    }
    Ok(ReadProject {
        requests,
        chosen,
        alignment,
        indexes: settings.indexes,
        dir,
        declares_targets: !config.targets.is_empty(),
        declares_several: config.targets.len() > 1,
        warnings,
        notes: settings.notes,
    })
}

/// The constraints and overrides of `[tool.uv]`, where our own settings have none.
fn take_uv(uv: Option<&UvSettings>, config: &Config, request: &mut LockRequest) {
    let Some(uv) = uv else { return };
    let with = |list: &[Requirement], key: &str| -> Vec<RequestedRequirement> {
        let origin = format!("pyproject.toml, tool.uv.{key}");
        let requested = |one: &Requirement| RequestedRequirement {
            origin: Some(origin.clone()),
            ..RequestedRequirement::new(one.to_string())
        };
        list.iter().map(requested).collect()
    };
    if config.constraints.is_empty() {
        request.constraints.extend(with(&uv.constraints, "constraint-dependencies"));
    }
    if config.overrides.is_empty() {
        request.overrides.extend(with(&uv.overrides, "override-dependencies"));
    }
}

/// The first option that says something of one target.
fn target_option(options: &ProjectOptions) -> Option<&'static str> {
    let given = [
        ("--python-version", options.python.is_some()),
        ("--platform", options.platform.is_some()),
        ("--glibc", options.glibc.is_some()),
        ("--accelerator", options.accelerator.is_some()),
        ("--driver", options.driver.is_some()),
        ("--gpu", !options.gpus.is_empty()),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(option, _)| option)
}

/// A declared target with what the user says instead.
fn with_options(options: &ProjectOptions, target: TargetConfig) -> TargetConfig {
    TargetConfig {
        python: options.python.clone().or(target.python),
        platform: options.platform.clone().or(target.platform),
        glibc: options.glibc.clone().or(target.glibc),
        accelerator: options.accelerator.clone().or(target.accelerator),
        driver: options.driver.clone().or(target.driver.filter(|_| !options.whole_equipment)),
        gpu: if options.gpus.is_empty() && !options.whole_equipment {
            target.gpu
        } else {
            options.gpus.clone()
        },
        ..target
    }
}

/// A target with what follows from its image where it says nothing itself.
fn with_image(name: &str, target: TargetConfig) -> Result<TargetConfig, Error> {
    let Some(image) = &target.image else { return Ok(target) };
    match facts::image(image) {
        Some(known) => Ok(TargetConfig {
            python: target.python.clone().or(known.python),
            glibc: target.glibc.clone().or_else(|| Some(known.glibc.to_string())),
            ..target
        }),
        None if target.glibc.is_some() => Ok(target),
        None => {
            let problem = format!(
                "the image {image} is not known; say its glibc instead, which `ldd --version` prints in it, and its python"
            );
            Err(Error::input(format!("target {name}, image"), problem))
        }
    }
}

fn check_chosen(options: &ProjectOptions, config: &Config, place: &str) -> Result<(), Error> {
    for wanted in &options.targets {
        if !config.targets.iter().any(|(name, _)| name == wanted) {
            let names: Vec<&str> = config.targets.iter().map(|(name, _)| name.as_str()).collect();
            let there = if names.is_empty() {
                "none is declared".to_owned()
            } else {
                format!("there is {}", names.join(", "))
            };
            return Err(Error::input(place, format!("there is no target {wanted}; {there}")));
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "each is one source of what a request says")]
fn request(
    options: &ProjectOptions,
    config: &Config,
    place: &str,
    pyproject: Option<&PyProject>,
    gathered: &Gathered,
    requires_python: Option<&SpecifierSet>,
    name: String,
    target: &TargetConfig,
) -> Result<LockRequest, Error> {
    let extras = names(&options.extras, "--extra", &target.extras)?;
    let groups = names(&options.groups, "--group", &target.groups)?;
    let mut requirements = gathered.requirements.clone();
    match pyproject {
        Some(pyproject) => requirements.extend(own::requirements(pyproject, &extras, &groups)?),
        None if !extras.is_empty() || !groups.is_empty() => {
            let problem = "extras and dependency groups are a project's; a requirements file has none";
            return Err(Error::input("--extra and --group", problem));
        }
        None => {}
    }
    let formats = formats(options, config, place, gathered)?;
    let with = |list: &[Requirement], key: &str| {
        let origin = || Some(format!("{place}.{key}"));
        let requested = |one: &Requirement| RequestedRequirement {
            text: one.to_string(),
            origin: origin(),
            ..RequestedRequirement::default()
        };
        list.iter().map(requested).collect::<Vec<_>>()
    };
    Ok(LockRequest {
        requirements,
        constraints: [gathered.constraints.clone(), with(&config.constraints, "constraints")].concat(),
        overrides: [gathered.overrides.clone(), with(&config.overrides, "overrides")].concat(),
        target: TargetRequest {
            name,
            python: target_python(target.python.clone(), requires_python)?,
            platform: target.platform.clone().unwrap_or_else(|| TargetRequest::default().platform),
            glibc: target.glibc.clone(),
            accelerator: target.accelerator.clone(),
            driver: target.driver.clone(),
            gpu: target.gpu.clone(),
        },
        only_binary: formats.list(FormatOption::OnlyBinary),
        no_binary: formats.list(FormatOption::NoBinary),
        allow_build: [config.allow_build.clone(), options.allow_build.clone()].concat(),
        providers: config.providers.iter().map(|(import, name)| (import.clone(), name.to_string())).collect(),
        allow_held_back: with_names(&config.allow_held_back, &options.allow_held_back),
        allow_overlap: with_names(&config.allow_overlap, &options.allow_overlap),
        any_cuda: with_names(&config.any_cuda, &options.any_cuda),
        upgrade: options.upgrade.clone(),
        extras: extras.iter().map(ToString::to_string).collect(),
        groups: groups.iter().map(ToString::to_string).collect(),
        ..LockRequest::default()
    })
}

fn with_names(own: &[PackageName], given: &[String]) -> Vec<String> {
    own.iter().map(ToString::to_string).chain(given.iter().cloned()).collect()
}

/// What the settings say of wheels and sources, then the requirements files, then the user.
fn formats(
    options: &ProjectOptions,
    config: &Config,
    place: &str,
    gathered: &Gathered,
) -> Result<FormatControl, Error> {
    let mut formats = FormatControl::default();
    formats
        .follow_both(&config.only_binary, &config.no_binary)
        .map_err(|error| Error::input(place, error))?;
    for (option, value, place) in &gathered.formats {
        formats.follow(*option, value).map_err(|error| Error::input(place, error))?;
    }
    formats
        .follow_both(&options.only_binary, &options.no_binary)
        .map_err(|error| Error::input("--only-binary and --no-binary", error))?;
    Ok(formats)
}

fn names<T>(given: &[String], option: &str, declared: &[T]) -> Result<Vec<T>, Error>
where
    T: std::str::FromStr<Err = mlresolve_packaging::NameError> + Clone + Ord,
{
    let given = given.iter().map(|name| name.parse::<T>().map_err(|error| Error::input(option, error)));
    let mut names: Vec<T> = given.collect::<Result<_, _>>()?;
    names.extend(declared.iter().cloned());
    names.sort();
    names.dedup();
    Ok(names)
}

/// The target's Python: what was asked for, or Python 3.12, or the minor nearest to it that the project takes.
fn target_python(given: Option<String>, requires_python: Option<&SpecifierSet>) -> Result<String, Error> {
    // A bound such as `>=3.12.4` takes a later release of the minor.
    let fits = |python: &str| {
        let releases = [python.to_owned(), format!("{python}.0"), format!("{python}.99")];
        let takes = |text: &String| {
            parse_version(text).is_ok_and(|version| requires_python.is_none_or(|all| all.contains(&version)))
        };
        releases.iter().any(takes)
    };
    let required = || requires_python.map(ToString::to_string).unwrap_or_default();
    if let Some(python) = given {
        if !fits(python.trim_end_matches('t')) && parse_version(&python).is_ok() {
            let problem = format!("the project requires Python {}, and the target has {python}", required());
            return Err(Error::input("requires-python", problem));
        }
        return Ok(python);
    }
    let minors = (8..20).filter(|minor| fits(&format!("3.{minor}")));
    match minors.min_by_key(|minor: &i64| ((minor - DEFAULT_MINOR).abs(), *minor)) {
        Some(minor) => Ok(format!("3.{minor}")),
        None => {
            let problem =
                format!("no Python from 3.8 to 3.19 is one that the project requires ({})", required());
            Err(Error::input("requires-python", problem))
        }
    }
}
