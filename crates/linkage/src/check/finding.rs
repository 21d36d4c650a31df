use std::fmt;

use serde::{Deserialize, Serialize};

use super::Source;
use crate::{Fault, Machine, Owner};

/// One thing that is wrong with one owner's libraries. Displayed in one line: whose it is, what, and the way out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// Whose libraries they are.
    pub owner: Owner,
    /// What is wrong.
    pub problem: Problem,
    /// The paths of the libraries that it is wrong with, sorted.
    pub libraries: Vec<String>,
    /// The paths of what Python loads of this owner and what fails with them, sorted.
    pub imports: Vec<String>,
    /// What can be done: one of these.
    pub fixes: Vec<String>,
    /// Where it was read that this is how it is, for what a table knows.
    pub source: Option<Source>,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Something that Python imports does not load.
    Error,
    /// It may not load, or only when it is used: what it needs is in another package alone, which is not known to load it for
    /// others; none of several libraries for the same purpose loads.
    Warning,
    /// Nothing is known to fail: what nothing asks for by name, what is optional, what is loaded by another road.
    Note,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Problem {
    /// Libraries are needed that are nowhere.
    Missing {
        /// Their names.
        names: Vec<String>,
    },
    /// A library is there, and older than needed.
    Version {
        /// Its name.
        library: String,
        /// Whose it is.
        of: Owner,
        /// The newest version that is needed of it.
        needed: String,
        /// The newest version of this family that it has.
        newest: Option<String>,
    },
    /// A library is for another processor.
    Machine {
        /// The one that it is for.
        built_for: Machine,
        /// The image's.
        machine: Machine,
    },
    /// A library needs an executable stack, which glibc refuses from 2.41 on to what is loaded later than the program.
    ExecutableStack {
        /// The image's glibc.
        glibc: String,
    },
    /// Of several libraries that do the same, none loads.
    NoneOf {
        /// What they do.
        purpose: String,
        /// What the one that lacks least lacks.
        names: Vec<String>,
    },
    /// Libraries are needed that the loader does not find, but packages have them and load them first.
    Elsewhere {
        /// Each with the package that has it.
        names: Vec<Absent>,
    },
    /// What is lacking is known to be optional.
    Optional {
        /// The names of what is needed.
        names: Vec<String>,
        /// Why it is.
        reason: String,
    },
    /// A library could not be read.
    Unread {
        /// Why.
        fault: Fault,
    },
}

/// A library that the loader does not find, with its owner.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Absent {
    /// Its name.
    pub name: String,
    /// Who has it.
    pub owner: Owner,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.owner)?;
        // What is imported says more to a person than what lies behind it.
        let subjects = if self.imports.is_empty() { &self.libraries } else { &self.imports };
        let shown = subjects.first().map_or("it", |path| inside(path));
        let others = subjects.len().saturating_sub(1);
        let need = if others > 0 { "need" } else { "needs" };
        match others {
            0 => f.write_str(shown)?,
            1 => write!(f, "{shown} and another")?,
            others => write!(f, "{shown} and {others} others")?,
        }
        match &self.problem {
            Problem::Missing { names } => write!(f, " {need} {}, which the base lacks", list(names))?,
            Problem::Version { library, of, needed, newest } => {
                write!(f, " {need} {needed} of {library}, but that of {of} has ")?;
                match newest {
                    Some(newest) => write!(f, "nothing newer than {newest}")?,
                    None => f.write_str("none of these")?,
                }
            }
            Problem::Machine { built_for, machine } => {
                let is = if others > 0 { "are" } else { "is" };
                write!(f, " {is} built for {built_for}, and the image is for {machine}")?;
            }
            Problem::ExecutableStack { glibc } => {
                write!(f, " {need} an executable stack, which glibc {glibc} refuses")?;
            }
            Problem::NoneOf { purpose, names } => {
                write!(f, ", of which one has to load ({purpose}): lacking is {}", list(names))?;
            }
            Problem::Elsewhere { names } => {
                let have = if names.len() > 1 { "have" } else { "has" };
                let names: Vec<String> =
                    names.iter().map(|absent| format!("{} of {}", absent.name, absent.owner)).collect();
                write!(f, " {need} {}, which {have} to be loaded first", list(&names))?;
            }
            Problem::Optional { names, reason } => {
                write!(f, " {need} {}, which the base lacks; {reason}", list(names))?;
            }
            Problem::Unread { fault } => write!(f, " cannot be judged: {fault}")?,
        }
        for (at, fix) in self.fixes.iter().enumerate() {
            write!(f, "{}{fix}", if at == 0 { ": " } else { ", or " })?;
        }
        match &self.source {
            Some(source) => write!(f, " [{source}]"),
            None => Ok(()),
        }
    }
}

/// The part of a path that a person knows it by: what is below the folder of packages.
fn inside(path: &str) -> &str {
    ["/site-packages/", "/dist-packages/"]
        .iter()
        .find_map(|folder| path.rfind(folder).map(|at| &path[at + folder.len()..]))
        .unwrap_or(path)
}

/// How many names are shown.
const SHOWN: usize = 8;

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] if names.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        names => format!("{} and {} more", names[..SHOWN].join(", "), names.len() - SHOWN),
    }
}
