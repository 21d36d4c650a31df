use super::tables;
use crate::{Owner, World};

/// Ways out, in the words of the base's distribution.
pub(super) struct Advice {
    /// Whether packages of Debian can be added.
    debian: bool,
    /// Whether the packages have the names of Debian 13, whose times have 64 bits everywhere. `None` if it is unknown.
    new_names: Option<bool>,
}

impl Advice {
    /// Reads what the base calls itself (`os-release(5)`).
    pub(super) fn new(world: &World) -> Self {
        let text = world.text("/etc/os-release").or_else(|| world.text("/usr/lib/os-release"));
        let value = |key: &str| {
            let lines = text.into_iter().flat_map(str::lines);
            let found = lines.filter_map(|line| line.split_once('=')).find(|(name, _)| *name == key);
            found.map(|(_, value)| value.trim_matches(['"', '\''])).unwrap_or_default()
        };
        let (id, like) = (value("ID"), value("ID_LIKE"));
        let major = value("VERSION_ID").split('.').next().and_then(|major| major.parse::<u32>().ok());
        let new_names = match id {
            "debian" => major.map(|major| major >= 13),
            "ubuntu" => major.map(|major| major >= 24),
            _ => None,
        };
        let debian =
            id.is_empty() || [id, like].iter().any(|id| id.contains("debian") || id.contains("ubuntu"));
        Self { debian, new_names }
    }

    /// What to do where these libraries are nowhere.
    pub(super) fn missing(&self, owner: &Owner, names: &[String]) -> Vec<String> {
        let mut fixes = Vec::new();
        if let Owner::Package(package) = owner {
            fixes.extend(tables::instead(package, names).map(|other| format!("take {other}")));
        }
        let mut packages: Vec<String> = names.iter().filter_map(|name| self.package(name)).collect();
        packages.sort();
        packages.dedup();
        if !packages.is_empty() {
            let known = names.iter().all(|name| self.package(name).is_some());
            let packages = packages.join(" ");
            fixes.push(match (self.debian, known) {
                (true, true) => format!("add {packages} to the base"),
                (true, false) => format!("add {packages} to the base, and what has the others"),
                (false, _) => format!("add to the base what Debian has in {packages}"),
            });
        }
        fixes
    }

    fn package(&self, name: &str) -> Option<String> {
        if let Some(minor) = name.strip_prefix("libpython3.").and_then(|rest| rest.strip_suffix(".so.1.0")) {
            return Some(format!("libpython3.{minor}"));
        }
        let (before, since) = tables::debian_package(name)?;
        Some(match self.new_names {
            _ if before == since => before.to_owned(),
            Some(false) => before.to_owned(),
            Some(true) => since.to_owned(),
            None => format!("{before} ({since} from Debian 13 on)"),
        })
    }

    /// What to do where a library is too old.
    pub(super) fn version(&self, needed: &str, of: &Owner) -> Vec<String> {
        if let Owner::Package(package) = of {
            return vec![format!("take another release of {package}")];
        }
        if let Some(version) = needed.strip_prefix("GLIBC_").filter(|rest| rest.starts_with("2.")) {
            return vec![format!("take a base with glibc {version} or newer")];
        }
        match tables::compiler(needed) {
            Some(compiler) => vec![format!("take a base with the libraries of GCC {compiler} or newer")],
            None => vec!["take a newer base".to_owned()],
        }
    }

    /// What to do where an executable stack is needed.
    pub(super) fn executable_stack(&self, owner: &Owner) -> Vec<String> {
        vec![
            format!("take another release of {owner}"),
            "a base with a glibc before 2.41".to_owned(),
            "set GLIBC_TUNABLES=glibc.rtld.execstack=2 in the image".to_owned(),
        ]
    }
}
