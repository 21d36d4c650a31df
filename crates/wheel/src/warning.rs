use mlresolve_packaging::Version;

/// What is odd about a wheel and no reason to refuse it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// WHEEL has other tags than the file's name. The name is what chose the wheel.
    Tags {
        /// The tags of the name that WHEEL lacks.
        only_in_name: Vec<String>,
        /// The tags of WHEEL that the name lacks.
        only_in_wheel: Vec<String>,
    },
    /// The local version of the file's name is not in METADATA: the file was renamed after it was built.
    LocalVersion {
        /// The version of the file's name.
        in_name: Version,
        /// The version of METADATA, which is what an installation shows.
        in_metadata: Version,
    },
    /// WHEEL is of a later minor version of the format than 1.0.
    FormatVersion(u32, u32),
    /// WHEEL has no `Root-Is-Purelib`; it is taken for platlib.
    NoRootIsPurelib,
    /// Names that not every file system can hold, or holds as another name.
    NotPortable {
        /// The first of them.
        entry: String,
        /// How many there are.
        count: usize,
    },
    /// Names that are one name to a file system without regard to case.
    CaseClash {
        /// The first of them.
        entry: String,
        /// The name that it clashes with.
        other: String,
        /// How many clashes there are.
        count: usize,
    },
    /// A file that is run whenever an interpreter of the environment starts.
    StartupFile(String),
    /// A file that says how a distribution was installed: it is made anew or left out.
    InstallerFile(String),
}

impl std::fmt::Display for Warning {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let others = |count: &usize| match count.saturating_sub(1) {
            0 => String::new(),
            others => format!(" (and {others} more)"),
        };
        match self {
            Self::Tags { only_in_name, only_in_wheel } => {
                let list = |tags: &[String]| {
                    let rest = tags.len().saturating_sub(3);
                    let shown = tags.get(..3).unwrap_or(tags).join(", ");
                    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
                };
                formatter.write_str("its WHEEL file contradicts its name:")?;
                if !only_in_name.is_empty() {
                    write!(formatter, " the name alone has {}", list(only_in_name))?;
                }
                if !only_in_wheel.is_empty() {
                    let comma = if only_in_name.is_empty() { "" } else { "," };
                    write!(formatter, "{comma} WHEEL alone has {}", list(only_in_wheel))?;
                }
                Ok(())
            }
            Self::LocalVersion { in_name, in_metadata } => {
                write!(formatter, "it is {in_name} by its name and {in_metadata} by its METADATA")
            }
            Self::FormatVersion(major, minor) => {
                write!(
                    formatter,
                    "it is of version {major}.{minor} of the wheel format, and 1.0 is understood"
                )
            }
            Self::NoRootIsPurelib => formatter.write_str("its WHEEL file has no Root-Is-Purelib"),
            Self::NotPortable { entry, count } => {
                write!(formatter, "{entry:?}{} is a name that some file systems cannot hold", others(count))
            }
            Self::CaseClash { entry, other, count } => write!(
                formatter,
                "{entry:?} and {other:?}{} are one file where case does not count",
                others(count)
            ),
            Self::StartupFile(path) => {
                write!(formatter, "{path:?} is run whenever Python starts")
            }
            Self::InstallerFile(path) => {
                write!(formatter, "{path:?} is for installers to write and is not taken")
            }
        }
    }
}
