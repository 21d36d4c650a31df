//! The machine that this runs on, where it was asked for.

use std::ffi::OsString;

use mlresolve::host::{Host, HostView, look};

use crate::args::ProjectArguments;
use crate::output::Output;

/// The word that stands for this machine's own accelerator.
const AUTO: &str = "auto";
/// The variable that says where this machine's files begin. It is for tests.
const ROOT_VARIABLE: &str = "MLRESOLVE_HOST_ROOT";

/// What a target computes on, as the command line says it.
pub(super) struct Equipment {
    pub(super) accelerator: Option<String>,
    pub(super) driver: Option<String>,
    pub(super) gpus: Vec<String>,
    /// Whether this is all there is, so that what a declared target has of it does not count.
    pub(super) whole: bool,
    /// The platform of this machine, where it was looked at.
    pub(super) platform: Option<String>,
}

/// Looks at this machine.
pub(super) fn this_machine() -> Host {
    let variables = |name: &str| -> Option<OsString> { std::env::var_os(name) };
    let mut view = HostView::of_this_machine(&variables);
    if let Some(root) = variables(ROOT_VARIABLE) {
        view.root = root.into();
    }
    look(&view)
}

/// What the command line says of accelerator, driver and GPUs; where it says `auto`, what it does not say is that of this
/// machine.
pub(super) fn equipment(arguments: &ProjectArguments, output: Output) -> Equipment {
    let given = Equipment {
        accelerator: arguments.accelerator.clone(),
        driver: arguments.driver.clone(),
        gpus: arguments.gpus.clone(),
        whole: false,
        platform: None,
    };
    if given.accelerator.as_deref() != Some(AUTO) {
        return given;
    }
    let host = this_machine();
    let here = host.as_target();
    let mut taken = here.clone();
    taken.driver = given.driver.or(taken.driver);
    if !given.gpus.is_empty() {
        taken.gpu = given.gpus;
    }
    output.say(&format!("this machine: {}; taken: {}", here.lines.join(", "), taken.options()));
    for note in &host.notes {
        output.say(&format!("  {note}"));
    }
    Equipment {
        accelerator: Some(taken.accelerator),
        driver: taken.driver,
        gpus: taken.gpu,
        whole: true,
        platform: host.platform,
    }
}
