//! A wheel is installed into the environment of a build (PyPA's binary distribution format).
//!
//! Done here and not by pip, which is one thing less that a machine must have: many Pythons come without `ensurepip`.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use mlresolve_packaging::WheelFilename;

use super::environment::Environment;
use super::error::BuildError;
use super::gate::{Gate, MemberName};

/// The largest script or `entry_points.txt` that is read, in bytes.
const TEXT_LIMIT: u64 = 4 << 20;

/// Installs a wheel of this file name.
pub(super) fn install(wheel: &Path, filename: &str, environment: &Environment) -> Result<(), BuildError> {
    install_checked(wheel, filename, environment)
        .map_err(|reason| BuildError::Wheel { wheel: filename.to_owned(), reason })
}

/// Where a member goes.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    File(MemberName),
    Script(MemberName),
}

fn install_checked(wheel: &Path, filename: &str, environment: &Environment) -> Result<(), String> {
    let parsed: WheelFilename = filename.parse().map_err(|error| format!("{error}"))?;
    let file = File::open(wheel).map_err(|error| error.to_string())?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|error| error.to_string())?;
    let mut gate = Gate::into(&environment.root);
    let mut entry_points = String::new();
    for number in 0..archive.len() {
        gate.count()?;
        let mut member = archive.by_index(number).map_err(|error| error.to_string())?;
        if member.is_dir() {
            continue;
        }
        let name = MemberName::parse(member.name_raw())?;
        if member.is_symlink() {
            return Err(format!("{:?} is a link", name.parts().join("/")));
        }
        let executable = member.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
        if let [folder, last] = name.parts()
            && folder.ends_with(".dist-info")
            && last == "entry_points.txt"
        {
            member
                .by_ref()
                .take(TEXT_LIMIT)
                .read_to_string(&mut entry_points)
                .map_err(|error| error.to_string())?;
            let name = name.moved(0, &environment.packages);
            gate.file(&name, &mut entry_points.as_bytes(), executable)?;
            continue;
        }
        match place(&name, &parsed, environment)? {
            Place::File(name) => gate.file(&name, &mut member, executable)?,
            Place::Script(name) => {
                let mut script = Vec::new();
                member.take(TEXT_LIMIT).read_to_end(&mut script).map_err(|error| error.to_string())?;
                gate.file(&name, &mut with_interpreter(script, environment).as_slice(), true)?;
            }
        }
    }
    for (name, code) in console_scripts(&entry_points, environment) {
        let name = MemberName::parse(name.as_bytes())?.moved(0, &environment.scripts);
        gate.file(&name, &mut code.as_bytes(), true)?;
    }
    Ok(())
}

/// Where a member goes: into the packages, or where its scheme in the `.data` folder says.
fn place(name: &MemberName, wheel: &WheelFilename, environment: &Environment) -> Result<Place, String> {
    let packages = || Place::File(name.moved(0, &environment.packages));
    let [top, rest @ ..] = name.parts() else { return Ok(packages()) };
    if !top.ends_with(".data") || !is_of(top, wheel) {
        return Ok(packages());
    }
    match rest.first().map(String::as_str) {
        Some("purelib" | "platlib") => Ok(Place::File(name.moved(2, &environment.packages))),
        Some("scripts") => Ok(Place::Script(name.moved(2, &environment.scripts))),
        Some("data") => Ok(Place::File(name.moved(2, &[]))),
        Some("headers") => {
            let folder = ["include", "site", wheel.name.as_ref()].map(str::to_owned);
            Ok(Place::File(name.moved(2, &folder)))
        }
        _ => Err(format!("{:?} is of no known scheme", name.parts().join("/"))),
    }
}

/// Whether a `.data` folder is the wheel's own.
fn is_of(folder: &str, wheel: &WheelFilename) -> bool {
    let stem = folder.strip_suffix(".data").and_then(|stem| stem.rsplit_once('-'));
    stem.is_some_and(|(name, version)| {
        name.parse().is_ok_and(|name: mlresolve_packaging::PackageName| name == wheel.name)
            && mlresolve_packaging::parse_version(version).is_ok_and(|version| version == wheel.version)
    })
}

/// A script with the environment's Python where it asks for any.
fn with_interpreter(script: Vec<u8>, environment: &Environment) -> Vec<u8> {
    let Some(rest) = script.strip_prefix(b"#!python") else { return script };
    let rest = rest.strip_prefix(b"w").unwrap_or(rest);
    [b"#!", environment.python.as_os_str().as_encoded_bytes(), rest].concat()
}

/// The programs that a wheel declares (PyPA's entry points specification), by name, with their code. What is malformed
/// is no program: a build that needs it says so.
fn console_scripts(entry_points: &str, environment: &Environment) -> Vec<(String, String)> {
    let mut inside = false;
    let mut scripts = Vec::new();
    for line in entry_points.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[console_scripts]";
        } else if let Some((name, object)) = line.split_once('=').filter(|_| inside) {
            let object = object.split('[').next().unwrap_or_default().trim();
            let Some((module, function)) = object.split_once(':') else { continue };
            let (name, module, function) = (name.trim(), module.trim(), function.trim());
            if is_script_name(name) && is_path(module) && is_path(function) {
                let python = environment.python.display();
                let code = format!(
                    "#!{python}\nimport sys\nfrom importlib import import_module\n\
                     found = import_module('{module}')\n\
                     for name in '{function}'.split('.'):\n    found = getattr(found, name)\n\
                     sys.exit(found())\n"
                );
                scripts.push((name.to_owned(), code));
            }
        }
    }
    scripts
}

/// Whether a program may have this name. The environment's Python is nobody's to replace.
fn is_script_name(name: &str) -> bool {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    !name.is_empty() && name.chars().all(safe) && !name.starts_with('.') && !name.starts_with("python")
}

fn is_path(path: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    path.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::PathBuf;

    use super::*;

    fn environment(root: &Path) -> Environment {
        Environment {
            root: root.to_owned(),
            python: PathBuf::from("/environment/bin/python"),
            packages: vec!["lib".to_owned(), "packages".to_owned()],
            scripts: vec!["bin".to_owned()],
        }
    }

    /// Installs a wheel of these members, and lists the files that are there then.
    fn installed(members: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("environment");
        std::fs::create_dir(&root).unwrap();
        let path = folder.path().join("wheel");
        let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
        for (name, text) in members {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap();
        install_checked(&path, "back_end-1.0-py3-none-any.whl", &environment(&root))?;
        let (mut files, mut open) = (Vec::new(), vec![root.clone()]);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.path().is_dir() {
                    open.push(entry.path());
                } else {
                    files.push(entry.path().strip_prefix(&root).unwrap().display().to_string());
                }
            }
        }
        files.sort();
        assert!(!folder.path().join("out").exists());
        Ok(files)
    }

    #[test]
    fn each_scheme_has_its_place() {
        let files = installed(&[
            ("back_end/__init__.py", ""),
            ("back_end-1.0.data/purelib/pure.py", ""),
            ("back_end-1.0.data/scripts/tool", "#!python\n"),
            ("back_end-1.0.data/data/share/x", ""),
            ("back_end-1.0.data/headers/x.h", ""),
            ("other-1.0.data/purelib/x.py", ""),
            ("back_end-1.0.dist-info/entry_points.txt", "[console_scripts]\nrun = back_end:main\n"),
        ]);
        let expected = [
            "bin/run",
            "bin/tool",
            "include/site/back-end/x.h",
            "lib/packages/back_end-1.0.dist-info/entry_points.txt",
            "lib/packages/back_end/__init__.py",
            "lib/packages/other-1.0.data/purelib/x.py",
            "lib/packages/pure.py",
            "share/x",
        ];
        assert_eq!(files.unwrap(), expected);
    }

    #[test]
    fn nothing_leads_out_of_the_environment() {
        for hostile in [
            "../out",
            "/out",
            "a/../../out",
            "back_end-1.0.data/data/../../../out",
            "back_end-1.0.data/scripts/../../out",
            "back_end-1.0.data/elsewhere/x",
        ] {
            assert!(installed(&[(hostile, "")]).is_err(), "{hostile}");
        }
    }

    #[test]
    fn a_program_has_a_plain_name_and_calls_a_plain_function() {
        let environment = environment(Path::new("/environment"));
        let entry_points = "[other]\nx = a:b\n[console_scripts]\ngood = a.b:c.d [extra]\n../out = a:b\n\
                            python3 = a:b\ncode = a:b(); import os\nnone = a\n.. = a:b\n";
        let scripts = console_scripts(entry_points, &environment);
        assert_eq!(scripts.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["good"]);
        assert!(scripts[0].1.starts_with("#!/environment/bin/python\n"));
    }
}
