//! Which files that two packages write matter to a program.
//!
//! An overwritten file does harm where a program would notice: a module that it imports, a library that it loads, a program
//! in `bin`. It does none where wheels merely carry the same things along:
//!
//! - the tests, documents and examples of a source tree, which no package imports at run time; licences and other texts;
//! - the short `__init__.py` of a namespace that both packages fill, of which either will do;
//! - a Python module where each of the two brings an import package of its own that the other has not, so that neither is
//!   there for the sake of what both have (`build_backend.py` of flashinfer-python and torch-c-dlpack-ext).
//!
//! A wheel that overwrites another for good has nothing of its own: `opencv-python-headless` is `cv2`, as `opencv-python` is.

use std::collections::BTreeSet;

use mlresolve_index::{WheelMember, WheelMembers};

/// What a file is to a program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// What is imported, loaded or run.
    Code,
    /// What code may read.
    Data,
    /// What is there by accident, or as well by any other package.
    ByCatch,
}

/// Folders at the top of a wheel that belong to a project's sources and not to what it offers for import.
const SOURCE_TREE: [&str; 18] = [
    "benchmark",
    "benchmarks",
    "demo",
    "demos",
    "doc",
    "docs",
    "example",
    "examples",
    "notebooks",
    "sample",
    "samples",
    "script",
    "scripts",
    "test",
    "testing",
    "tests",
    "tools",
    "tutorials",
];
/// Modules at the top of a wheel of which the same is true.
const SOURCE_FILES: [&str; 4] = ["conftest.py", "noxfile.py", "setup.py", "tasks.py"];
/// The most bytes of an `__init__.py` that only makes a namespace: a licence, and a line or two.
const NAMESPACE_BYTES: u64 = 2048;

/// What a file at a path is that two wheels have. `apart` says whether each has an import package of its own.
pub(super) fn kind(path: &str, both: [(&WheelMembers, &WheelMember<'_>); 2], apart: bool) -> Kind {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let top = folder.split('/').next().unwrap_or_default();
    let tests = folder.split('/').any(|part| matches!(part, "test" | "tests"));
    if tests || SOURCE_TREE.contains(&top) || folder.is_empty() && SOURCE_FILES.contains(&name) {
        return Kind::ByCatch;
    }
    if name == "__init__.py" && both.iter().all(|(wheel, member)| fills_namespace(wheel, member, folder)) {
        return Kind::ByCatch;
    }
    if folder == "{prefix}/bin" || is_code(name) {
        let module = folder != "{prefix}/bin" && name.ends_with(".py");
        return if apart && module { Kind::ByCatch } else { Kind::Code };
    }
    let text = [".md", ".rst", ".txt"].iter().any(|ending| name.ends_with(ending));
    if text || name.starts_with('.') || is_legal(name) { Kind::ByCatch } else { Kind::Data }
}

/// Whether each of two wheels, told by what it offers for import, has something that the other has not.
pub(super) fn are_apart(one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> bool {
    !one.is_subset(other) && !other.is_subset(one)
}

/// The names at the top of a wheel that can be imported.
pub(super) fn imports(wheel: &WheelMembers) -> BTreeSet<&str> {
    let mut imports = BTreeSet::new();
    for member in wheel.iter() {
        let (top, inside) =
            member.path.split_once('/').map_or((member.path, None), |(top, rest)| (top, Some(rest)));
        let name = if inside.is_some() { top } else { top.split('.').next().unwrap_or_default() };
        let known = imports.contains(name) || SOURCE_TREE.contains(&name) || SOURCE_FILES.contains(&top);
        let is_word =
            |name: &str| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric() || byte > 127);
        if !known && is_word(name) && is_code(member.path) && !member.path.ends_with(".pth") {
            imports.insert(name);
        }
    }
    imports
}

/// Whether an `__init__.py` is that of a namespace which the wheel fills: short, and with more in the same folder.
fn fills_namespace(wheel: &WheelMembers, member: &WheelMember<'_>, folder: &str) -> bool {
    let below = |path: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    member.bytes <= NAMESPACE_BYTES
        && wheel.iter().any(|other| other.path != member.path && below(other.path))
}

fn is_code(name: &str) -> bool {
    let module = [".py", ".pyc", ".pyd", ".so", ".dll", ".dylib", ".pth"];
    module.iter().any(|ending| name.ends_with(ending)) || is_versioned_library(name)
}

/// `libnccl.so.2`, `libfoo.so.1.2.3`.
fn is_versioned_library(name: &str) -> bool {
    let Some((_, version)) = name.rsplit_once(".so.") else { return false };
    version.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_legal(name: &str) -> bool {
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem).to_ascii_lowercase();
    [
        "license",
        "licence",
        "copying",
        "copyright",
        "notice",
        "authors",
        "readme",
        "changelog",
        "third_party_notices",
    ]
    .contains(&stem.as_str())
}
