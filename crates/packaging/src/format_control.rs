//! Which forms of distribution may be used: pip's `--only-binary` and `--no-binary`.
//!
//! Source: pip's documentation of the two options. A package's own name counts before `:all:`, what is said later before
//! what was said earlier, and `:none:` takes back what the same option said.

use std::collections::BTreeSet;

use crate::name::{NameError, PackageName};

const ALL: &str = ":all:";
const NONE: &str = ":none:";

/// Which forms of distribution may be used, of which packages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormatControl {
    only_binary: Choice,
    no_binary: Choice,
}

/// The packages that one option names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Choice {
    all: bool,
    names: BTreeSet<PackageName>,
}

/// Which of the two options is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatOption {
    /// `--only-binary`: no source distribution is used.
    OnlyBinary,
    /// `--no-binary`: no wheel is used.
    NoBinary,
}

/// Why the two options cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A part of a list is no name.
    #[error("{0}; or say :all: or :none:")]
    Name(#[from] NameError),
    /// Both options are for the same packages, which would leave nothing to use.
    #[error(
        "only-binary and no-binary are both for {0}, which leaves no file to use; take it out of one of them"
    )]
    Both(String),
}

impl FormatControl {
    /// Follows one option, in the order in which pip meets them: what it says replaces what the other said before.
    ///
    /// # Errors
    /// When a part of the value, divided by commas, is neither a name nor `:all:` or `:none:`.
    pub fn follow(&mut self, option: FormatOption, value: &str) -> Result<(), FormatError> {
        let (target, other) = match option {
            FormatOption::OnlyBinary => (&mut self.only_binary, &mut self.no_binary),
            FormatOption::NoBinary => (&mut self.no_binary, &mut self.only_binary),
        };
        for part in value.split(',').map(str::trim) {
            match part {
                ALL => {
                    *other = Choice::default();
                    *target = Choice { all: true, names: BTreeSet::new() };
                }
                NONE => *target = Choice::default(),
                name => {
                    let name: PackageName = name.parse()?;
                    other.names.remove(&name);
                    target.names.insert(name);
                }
            }
        }
        Ok(())
    }

    /// Follows the lists of both options whose order is not known, on top of what was said before.
    ///
    /// # Errors
    /// As [`Self::follow`], and when both name the same packages.
    pub fn follow_both(&mut self, only_binary: &[String], no_binary: &[String]) -> Result<(), FormatError> {
        let mut alone = [Self::default(), Self::default()];
        for value in only_binary {
            alone[0].follow(FormatOption::OnlyBinary, value)?;
        }
        for value in no_binary {
            alone[1].follow(FormatOption::NoBinary, value)?;
        }
        let [only, no] = [&alone[0].only_binary, &alone[1].no_binary];
        if only.all && no.all {
            return Err(FormatError::Both("every package".to_owned()));
        }
        if let Some(name) = only.names.intersection(&no.names).next() {
            return Err(FormatError::Both(name.to_string()));
        }
        let given = [(FormatOption::OnlyBinary, only_binary), (FormatOption::NoBinary, no_binary)];
        let none = |values: &[String]| values.iter().any(|value| value.contains(NONE));
        for (option, _) in given.iter().filter(|(_, values)| none(values)) {
            self.follow(*option, NONE)?;
        }
        // `:all:` takes back what the other said of names, so it comes before every name.
        for of_all in [true, false] {
            for ((option, _), alone) in given.iter().zip(&alone) {
                for part in alone.list(*option).iter().filter(|part| (*part == ALL) == of_all) {
                    self.follow(*option, part)?;
                }
            }
        }
        Ok(())
    }

    /// Whether wheels of a package may be used.
    #[must_use]
    pub fn allows_wheels(&self, name: &PackageName) -> bool {
        self.only_binary.names.contains(name)
            || !(self.no_binary.names.contains(name) || self.no_binary.all && !self.only_binary.all)
    }

    /// Whether source distributions of a package may be used.
    #[must_use]
    pub fn allows_sources(&self, name: &PackageName) -> bool {
        !self.only_binary.names.contains(name)
            && (self.no_binary.names.contains(name) || !self.only_binary.all)
    }

    /// The packages of an option, sorted, with `:all:` in front.
    #[must_use]
    pub fn list(&self, option: FormatOption) -> Vec<String> {
        let choice = match option {
            FormatOption::OnlyBinary => &self.only_binary,
            FormatOption::NoBinary => &self.no_binary,
        };
        let all = choice.all.then(|| ALL.to_owned());
        all.into_iter().chain(choice.names.iter().map(ToString::to_string)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::FormatOption::{NoBinary, OnlyBinary};
    use super::*;

    /// Whether wheels and sources of `a` may be used, then of `b`.
    fn allowed(control: &FormatControl) -> [(bool, bool); 2] {
        ["a", "b"].map(|name| {
            let name = name.parse().unwrap();
            (control.allows_wheels(&name), control.allows_sources(&name))
        })
    }

    fn followed(options: &[(FormatOption, &str)]) -> [(bool, bool); 2] {
        let mut control = FormatControl::default();
        for (option, value) in options {
            control.follow(*option, value).unwrap();
        }
        allowed(&control)
    }

    const ANY: (bool, bool) = (true, true);
    const WHEELS: (bool, bool) = (true, false);
    const SOURCES: (bool, bool) = (false, true);

    #[test]
    fn options_mean_what_they_mean_to_pip() {
        assert_eq!(followed(&[]), [ANY, ANY]);
        assert_eq!(followed(&[(OnlyBinary, "A")]), [WHEELS, ANY]);
        assert_eq!(followed(&[(NoBinary, "a, b")]), [SOURCES, SOURCES]);
        assert_eq!(followed(&[(OnlyBinary, ":all:"), (NoBinary, "a")]), [SOURCES, WHEELS]);
        assert_eq!(followed(&[(NoBinary, "a"), (OnlyBinary, ":all:")]), [WHEELS, WHEELS]);
        assert_eq!(followed(&[(NoBinary, ":all:"), (OnlyBinary, "a")]), [WHEELS, SOURCES]);
        assert_eq!(followed(&[(NoBinary, ":all:"), (NoBinary, ":none:")]), [ANY, ANY]);
        assert_eq!(followed(&[(NoBinary, ":all:,:none:,b")]), [ANY, SOURCES]);
        assert_eq!(followed(&[(NoBinary, "a"), (OnlyBinary, "a")]), [WHEELS, ANY]);
        assert!(FormatControl::default().follow(NoBinary, "a b").is_err());
        assert!(FormatControl::default().follow(NoBinary, "").is_err());
    }

    #[test]
    fn lists_without_an_order_may_not_contradict_each_other() {
        let both = |only: &[&str], no: &[&str]| {
            let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let mut control = FormatControl::default();
            control.follow_both(&list(only), &list(no)).map(|()| control)
        };
        let control = both(&["b", ":all:"], &["a"]).unwrap();
        assert_eq!(allowed(&control), [SOURCES, WHEELS]);
        assert_eq!(control.list(OnlyBinary), [":all:"]);
        assert_eq!(allowed(&both(&["b"], &[":all:"]).unwrap()), [SOURCES, WHEELS]);
        assert_eq!(both(&[":all:"], &[":all:"]), Err(FormatError::Both("every package".into())));
        assert_eq!(both(&["b", "a"], &["A"]), Err(FormatError::Both("a".into())));
        assert!(both(&["b", "a", ":none:"], &["A"]).is_ok());
        let mut control = both(&[], &["a"]).unwrap();
        control.follow_both(&[], &[":none:,b".to_owned()]).unwrap();
        assert_eq!(allowed(&control), [ANY, SOURCES]);
    }
}
