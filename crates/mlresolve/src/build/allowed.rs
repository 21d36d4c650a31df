//! Which packages the user allows to be built.

use std::collections::BTreeSet;

use mlresolve_packaging::{NameError, PackageName};

const ALL: &str = ":all:";

/// The packages whose builds may run. None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AllowedBuilds {
    all: bool,
    names: BTreeSet<PackageName>,
}

impl AllowedBuilds {
    /// Reads names, each alone or several divided by commas, and `:all:`.
    ///
    /// # Errors
    /// When one is no name of a package.
    pub(crate) fn read(values: &[String]) -> Result<Self, NameError> {
        let mut allowed = Self::default();
        for value in values.iter().flat_map(|value| value.split(',')).map(str::trim) {
            match value {
                ALL => allowed.all = true,
                name => drop(allowed.names.insert(name.parse()?)),
            }
        }
        Ok(allowed)
    }

    /// Whether a package's build may run.
    pub(crate) fn contains(&self, name: &PackageName) -> bool {
        self.all || self.names.contains(name)
    }

    /// Whether the build of any package may run, also of one whose name is not known yet.
    pub(crate) fn all(&self) -> bool {
        self.all
    }

    /// `:all:` alone, or the names, sorted.
    pub(crate) fn list(&self) -> Vec<String> {
        if self.all {
            return vec![ALL.to_owned()];
        }
        self.names.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> AllowedBuilds {
        AllowedBuilds::read(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn only_what_is_named_is_allowed() {
        let (flash, other) = ("flash-attn".parse().unwrap(), "other".parse().unwrap());
        let allowed = read(&["Flash_Attn, b"]);
        assert!(allowed.contains(&flash) && !allowed.contains(&other));
        assert_eq!(allowed.list(), ["b", "flash-attn"]);
        assert!(!read(&[]).contains(&flash));
        let all = read(&["b", ":all:"]);
        assert!(all.contains(&flash) && all.contains(&other));
        assert_eq!(all.list(), [":all:"]);
        assert!(AllowedBuilds::read(&["a b".to_owned()]).is_err());
    }
}
