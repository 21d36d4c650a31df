//! Checks an unpacked root file system with packages in it: every folder with `*.dist-info` in it is one of packages.
//!
//!     cargo run --release -p mlresolve-linkage --example check -- ROOT FOLDER [--interpreter PATH] [--notes]
//!
//! FOLDER is a path inside of ROOT. What lies in other folders named like it is left out.

#![expect(clippy::print_stdout, reason = "a program for people")]

mod reading;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use mlresolve_linkage::{Machine, Options, Owner, Severity, World, check, glibc_of};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, folder, rest @ ..] = arguments.as_slice() else { return Err("ROOT and FOLDER".into()) };
    let after = |name: &str| rest.iter().skip_while(|word| *word != name).nth(1).cloned();
    let owners = owners(Path::new(root), folder)?;
    let mut world = World::new();
    let mut open = vec![String::new()];
    while let Some(place) = open.pop() {
        for entry in fs::read_dir(format!("{root}{place}/"))? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{place}/{name}");
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                world.add_symlink(&path, &fs::read_link(entry.path())?.to_string_lossy());
            } else if kind.is_dir() {
                let skipped = ["/proc", "/sys", "/dev"].contains(&path.as_str());
                let other = place == "/opt" && path != *folder;
                open.extend((!skipped && !other).then_some(path));
            } else if kind.is_file() {
                if path.starts_with("/etc/ld.so.conf") || path.ends_with("/os-release") {
                    world.add_text(&path, &fs::read_to_string(entry.path())?);
                }
                let owner = owners.get(&path).cloned().unwrap_or(Owner::Base);
                world.add_file(&path, owner, reading::read(&entry.path())?.map(Arc::new));
            }
        }
    }
    let mut options = Options::new(Machine::X86_64);
    options.interpreter = after("--interpreter");
    options.python = after("--python").and_then(|minor| minor.parse().ok());
    let started = std::time::Instant::now();
    let report = check(&world, &options);
    println!(
        "{} roots, {} libraries, glibc {:?}, from the driver {:?}, {:?}",
        report.roots,
        report.libraries,
        glibc_of(&world, Machine::X86_64),
        report.from_driver,
        started.elapsed()
    );
    for finding in &report.findings {
        if finding.severity == Severity::Error || rest.iter().any(|word| word == "--notes") {
            println!("{:?}: {finding}", finding.severity);
        }
        if rest.iter().any(|word| word == "--json") {
            println!("{}", serde_json::to_string_pretty(finding)?);
        }
    }
    Ok(())
}

/// The packages of the files that the RECORDs in a folder list.
fn owners(root: &Path, folder: &str) -> Result<BTreeMap<String, Owner>, Box<dyn Error>> {
    let mut owners = BTreeMap::new();
    for entry in fs::read_dir(root.join(&folder[1..]))? {
        let entry = entry?;
        let Some(name) =
            entry.file_name().to_str().and_then(|name| Some(name.strip_suffix(".dist-info")?.to_owned()))
        else {
            continue;
        };
        let package = name.split('-').next().unwrap_or_default().to_lowercase().replace('_', "-");
        let Ok(record) = fs::read_to_string(entry.path().join("RECORD")) else { continue };
        for line in record.lines() {
            let path = line.split(',').next().unwrap_or_default().trim_matches('"');
            owners.insert(format!("{folder}/{path}"), Owner::package(&package));
        }
    }
    Ok(owners)
}
