//! Writes a sample lock, or its requirements file, to standard output, for other tools to read:
//! `cargo run -p mlresolve-lockfile --example sample_lock -- lock|requirements|canonical < LOCK`.

use std::error::Error;
use std::io::{Read as _, Write as _};

use mlresolve_lockfile::{
    Dependency, Lock, Package, PackageTool, RequirementsOptions, Sdist, TargetSection, ToolSection, Wheel,
};

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1).as_deref() {
        Some("lock") => mlresolve_lockfile::write(&sample()?)?,
        Some("requirements") => {
            let header = Some("made by mlresolve".to_owned());
            mlresolve_lockfile::requirements(&sample()?, &RequirementsOptions { header, index_urls: true })?
        }
        Some("canonical") => {
            let mut bytes = Vec::new();
            std::io::stdin().read_to_end(&mut bytes)?;
            let read = mlresolve_lockfile::read(&bytes)?;
            for warning in &read.warnings {
                writeln!(std::io::stderr(), "{warning}")?;
            }
            mlresolve_lockfile::write(&read.lock)?
        }
        _ => return Err("expected `lock`, `requirements` or `canonical`".into()),
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}

fn sample() -> Result<Lock, Box<dyn Error>> {
    let mut lock = Lock::new("mlresolve \"0.1\"\u{202e}");
    lock.requires_python = Some("==3.12.*".parse()?);
    lock.environments = vec!["sys_platform == 'linux' and platform_machine == 'x86_64'".parse()?];
    let mut torch = package("torch", "2.9.1+cu128", "cp312-cp312-manylinux_2_28_x86_64")?;
    torch.requires_python = Some(">=3.10".parse()?);
    torch.index = Some("https://torch.example/whl/cu128/".to_owned());
    torch.dependencies = vec![
        Dependency { name: "filelock".parse()?, version: Some("3.20.0".parse()?), extras: Vec::new() },
        Dependency { name: "sympy".parse()?, version: None, extras: Vec::new() },
    ];
    let requires = vec!["sympy>=1.13.3".to_owned(), "filelock".to_owned()];
    torch.tool = Some(PackageTool { requires, metadata: Some("wheel".to_owned()), ..PackageTool::default() });
    let mut sympy = package("sympy", "1.14.0", "py3-none-any")?;
    sympy.marker = Some("python_version >= '3.9'".parse()?);
    let sdist = "sympy-1.14.0.tar.gz".to_owned();
    sympy.sdist = Some(Sdist {
        url: Some(format!("https://files.example/{sdist}")),
        name: sdist,
        upload_time: None,
        path: None,
        size: Some(7_793_921),
        hashes: [("sha256".to_owned(), "3".repeat(64))].into(),
    });
    lock.packages = vec![torch, sympy, package("filelock", "3.20.0", "py3-none-any")?];
    lock.tool = Some(ToolSection {
        input_digest: Some("a".repeat(64)),
        requirements: vec!["torch>=2.9".to_owned()],
        target: Some(TargetSection {
            name: Some("train".to_owned()),
            python: "3.12".to_owned(),
            platform: "linux-x86_64".to_owned(),
            glibc: Some("2.35".to_owned()),
            gpu: vec!["sm_90".to_owned()],
            ..TargetSection::default()
        }),
        ..ToolSection::default()
    });
    Ok(lock)
}

fn package(name: &str, version: &str, tags: &str) -> Result<Package, Box<dyn Error>> {
    let mut package = Package::new(name.parse()?);
    package.version = Some(version.parse()?);
    let file = format!("{name}-{version}-{tags}.whl");
    package.wheels.push(Wheel {
        url: Some(format!("https://files.example/{}", file.replace('+', "%2B"))),
        name: file,
        upload_time: Some("2026-01-01T00:00:00.123456Z".parse()?),
        path: None,
        size: Some(1_000),
        hashes: [("sha256".to_owned(), "0".repeat(64))].into(),
    });
    Ok(package)
}
