use super::*;

fn files(list: &[(&str, &str)]) -> SourceFiles {
    let mut files = SourceFiles::default();
    for (path, text) in list {
        assert!(SourceFiles::wants(path), "{path}");
        files.insert(*path, text.as_bytes());
    }
    files
}

/// The metadata of `demo` 1.0: where it was read, and the requirements.
fn read(list: &[(&str, &str)]) -> Result<(&'static str, Vec<String>), String> {
    let (name, version) = ("demo".parse().unwrap(), "1.0".parse().unwrap());
    let expected = Expected { name: Some(&name), version: Some(&version) };
    match static_metadata(&files(list), expected) {
        Ok((metadata, origin)) => {
            assert_eq!((&metadata.name, &metadata.version), (&name, &version));
            Ok((origin.as_str(), metadata.requires_dist.iter().map(ToString::to_string).collect()))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn requires(origin: &'static str, requirements: &[&str]) -> Result<(&'static str, Vec<String>), String> {
    Ok((origin, requirements.iter().map(|text| (*text).to_owned()).collect()))
}

const OLD: &str = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: wrong\n";
const NEW: &str = "Metadata-Version: 2.2\nName: Demo\nVersion: 1.0\nRequires-Dist: six\n";

#[test]
fn pkg_info_counts_from_metadata_2_2_on() {
    assert_eq!(read(&[("PKG-INFO", NEW)]), requires("pkg-info", &["six"]));
    assert_eq!(
        read(&[("PKG-INFO", OLD)]).unwrap_err(),
        "PKG-INFO is of metadata version 2.1, which does not promise the requirements of a build; there is no \
         pyproject.toml; there is no .egg-info"
    );
    let other = NEW.replace("Demo", "other");
    assert!(read(&[("PKG-INFO", &other)]).unwrap_err().starts_with("PKG-INFO is of other;"));
    let later = NEW.replace("1.0", "2.0");
    assert!(read(&[("PKG-INFO", &later)]).unwrap_err().starts_with("PKG-INFO is of another version;"));
}

#[test]
fn a_dynamic_field_that_matters_is_no_promise() {
    for field in ["Requires-Dist", "provides-extra", "Requires-Python"] {
        let text = format!("{NEW}Dynamic: {field}\n");
        let error = read(&[("PKG-INFO", &text)]).unwrap_err();
        assert!(
            error.to_lowercase().contains(&format!("leaves {} to the build", field.to_lowercase())),
            "{error}"
        );
    }
    let text = format!("{NEW}Dynamic: License-File\nDynamic: Description\n");
    assert_eq!(read(&[("PKG-INFO", &text)]), requires("pkg-info", &["six"]));
}

#[test]
fn a_static_pyproject_counts_whatever_pkg_info_leaves_open() {
    let pyproject = "[project]\nname = \"demo\"\ndynamic = [\"version\", \"readme\"]\ndependencies = [\"six>=1\"]\n\
                     [project.optional-dependencies]\nall = [\"attrs; os_name == 'nt'\", \"demo[x]\"]\nx = []\n";
    let expected = ["six>=1", "attrs; (os_name == 'nt') and extra == 'all'", "demo[x]; extra == 'all'"];
    assert_eq!(read(&[("PKG-INFO", OLD), ("pyproject.toml", pyproject)]), requires("pyproject", &expected));
    let (metadata, _) =
        static_metadata(&files(&[("PKG-INFO", OLD), ("pyproject.toml", pyproject)]), Expected::default())
            .unwrap();
    assert_eq!(metadata.version.to_string(), "1.0", "the version of PKG-INFO");
    assert_eq!(metadata.provides_extra.len(), 2);
}

#[test]
fn what_pyproject_leaves_open_is_said() {
    let why = |text: &str| {
        let error = read(&[("pyproject.toml", text)]).unwrap_err();
        error.split("; ").nth(1).unwrap().to_owned()
    };
    for field in ["dependencies", "optional-dependencies", "requires-python"] {
        let text = format!("[project]\nname = \"demo\"\nversion = \"1.0\"\ndynamic = [\"{field}\"]\n");
        assert_eq!(why(&text), format!("pyproject.toml leaves {field} to the build"));
    }
    assert_eq!(why("[build-system]\nrequires = []\n"), "pyproject.toml has no [project] table");
    assert_eq!(why("[tool.poetry]\nname = \"demo\"\n"), "pyproject.toml has no [project] table");
    let poetry = "[project]\nname = \"demo\"\nversion = \"1.0\"\n[tool.poetry.dependencies]\nsix = \"*\"\n";
    assert_eq!(why(poetry), "pyproject.toml declares its dependencies for Poetry only");
    assert_eq!(why("[project]\nname = \"other\"\nversion = \"1.0\"\n"), "pyproject.toml is of other");
    assert_eq!(why("[project]\nname = \"demo\"\nversion = \"2\"\n"), "pyproject.toml is of another version");
    assert_eq!(why("[project\n"), "pyproject.toml cannot be read: line 1: unclosed table, expected `]`");
}

#[test]
fn egg_info_tells_what_setuptools_computed() {
    let folder =
        [("PKG-INFO", OLD), ("demo.egg-info/PKG-INFO", OLD), ("demo.egg-info/requires.txt", "six\n")];
    assert_eq!(read(&folder), requires("egg-info", &["six"]));
    let below_src = [("src/demo.egg-info/PKG-INFO", OLD), ("src/demo.egg-info/requires.txt", "[x]\nsix\n")];
    assert_eq!(read(&below_src), requires("egg-info", &["six; extra == 'x'"]));
}

#[test]
fn an_egg_info_without_requirements_requires_nothing() {
    assert_eq!(read(&[("demo.egg-info/PKG-INFO", OLD)]), requires("egg-info", &[]));
    let only_list = [("PKG-INFO", OLD), ("demo.egg-info/requires.txt", "six\n")];
    assert_eq!(read(&only_list), requires("egg-info", &["six"]));
}

#[test]
fn of_two_egg_infos_the_project_s_own_counts() {
    let other = OLD.replace("demo", "other");
    let two = [
        ("demo.egg-info/PKG-INFO", OLD),
        ("demo.egg-info/requires.txt", "six\n"),
        ("other.egg-info/PKG-INFO", &other),
        ("other.egg-info/requires.txt", "wrong\n"),
    ];
    assert_eq!(read(&two), requires("egg-info", &["six"]));
    assert!(read(&two[2..]).unwrap_err().ends_with(".egg-info is of other"));
    let differing = [
        ("demo.egg-info/PKG-INFO", OLD),
        ("demo.egg-info/requires.txt", "six\n"),
        ("src/demo.egg-info/PKG-INFO", OLD),
    ];
    assert!(read(&differing).unwrap_err().ends_with("there are several .egg-info folders, which differ"));
}

#[test]
fn an_egg_info_that_is_stale_or_broken_is_no_answer() {
    let stale = OLD.replace("1.0", "0.9");
    let ends = |list: &[(&str, &str)], end: &str| {
        let error = read(list).unwrap_err();
        assert!(error.ends_with(end), "{error}");
    };
    ends(&[("demo.egg-info/PKG-INFO", &stale)], ".egg-info is of another version");
    let broken = [("demo.egg-info/PKG-INFO", OLD), ("demo.egg-info/requires.txt", "-e .\n")];
    let error = read(&broken).unwrap_err();
    assert!(
        error.contains(".egg-info cannot be read: requires.txt: line 1: \"-e\" is not a valid name"),
        "{error}"
    );
    ends(&[("demo.egg-info/requires.txt", "six\n")], "there is no PKG-INFO in .egg-info");
}

#[test]
fn only_files_at_their_places_are_wanted() {
    for path in [
        "",
        "demo/PKG-INFO",
        "tests/demo.egg-info/PKG-INFO",
        "src/sub/demo.egg-info/requires.txt",
        "demo.egg-info/SOURCES.txt",
        "demo.egg-info/x/PKG-INFO",
        "demo.dist-info/PKG-INFO",
        "PKG-INFO/",
    ] {
        assert!(!SourceFiles::wants(path), "{path}");
    }
}

#[test]
fn a_folder_is_told_by_its_pyproject_alone() {
    let text = b"[project]\nname = \"demo\"\ndynamic = [\"version\"]\ndependencies = [\"six\"]\n";
    let error = static_metadata_of_folder(Some(text), Expected::default()).unwrap_err();
    assert_eq!(error.to_string(), "pyproject.toml leaves version to the build");
    let version = "3".parse().unwrap();
    let expected = Expected { name: None, version: Some(&version) };
    let (metadata, origin) = static_metadata_of_folder(Some(text), expected).unwrap();
    assert_eq!((metadata.version.to_string().as_str(), origin), ("3", MetadataOrigin::PyProject));
    let error = static_metadata_of_folder(None, Expected::default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no pyproject.toml");
}
