//! Small locks for tests.

use mlresolve_packaging::MarkerEnvironment;

use crate::model::{Lock, Package, PackageTool, TargetSection, ToolSection, Wheel};

/// A lock of two packages: `filelock` and `torch`, which needs it.
pub(crate) fn lock() -> Lock {
    let mut lock = Lock::new("mlresolve");
    lock.requires_python = Some("==3.12.*".parse().unwrap());
    lock.environments = vec!["sys_platform == 'linux' and platform_machine == 'x86_64'".parse().unwrap()];
    let mut filelock = package("filelock", "3.20.0");
    filelock.index = Some("https://index.example/simple/".into());
    filelock.wheels[0].size = Some(16_000);
    filelock.wheels[0].hashes.insert("sha256".into(), "1".repeat(64));
    let mut torch = package("torch", "2.9.1+cu128");
    torch.index = Some("https://torch.example/whl/cu128/".into());
    torch.wheels[0].size = Some(899_750_000);
    torch.wheels[0].hashes.insert("sha256".into(), "2".repeat(64));
    torch.tool = Some(PackageTool { requires: vec!["filelock>=3".into()], ..PackageTool::default() });
    filelock.tool = Some(PackageTool { metadata: Some("wheel".into()), ..PackageTool::default() });
    lock.packages = vec![filelock, torch];
    lock.tool = Some(ToolSection {
        input_digest: Some("a".repeat(64)),
        requirements: vec!["torch>=2.9".into()],
        target: Some(TargetSection {
            name: Some("train".into()),
            python: "3.12".into(),
            platform: "linux-x86_64".into(),
            glibc: Some("2.35".into()),
            ..TargetSection::default()
        }),
        ..ToolSection::default()
    });
    lock
}

/// A package with one wheel that fits everywhere.
pub(crate) fn package(name: &str, version: &str) -> Package {
    let mut package = Package::new(name.parse().unwrap());
    package.version = Some(version.parse().unwrap());
    let file = format!("{}-{version}-py3-none-any.whl", name.replace('-', "_"));
    package.wheels.push(Wheel {
        url: Some(format!("https://files.example/{}", file.replace('+', "%2B"))),
        name: file,
        upload_time: Some("2026-01-01T00:00:00Z".parse().unwrap()),
        path: None,
        size: Some(1_000),
        hashes: [("sha256".to_owned(), "0".repeat(64))].into(),
    });
    package
}

/// CPython 3.12 on x86-64 Linux.
pub(crate) fn environment() -> MarkerEnvironment {
    let text = str::to_owned;
    MarkerEnvironment {
        implementation_name: text("cpython"),
        implementation_version: text("3.12.0"),
        os_name: text("posix"),
        platform_machine: text("x86_64"),
        platform_python_implementation: text("CPython"),
        platform_release: String::new(),
        platform_system: text("Linux"),
        platform_version: String::new(),
        python_full_version: text("3.12.0"),
        python_version: text("3.12"),
        sys_platform: text("linux"),
    }
}
