//! Canonical writing: one lock, one text, made to be compared line by line.
//!
//! Keys stand in the order of PEP 751, packages in the order of their names, every file on a line
//! of its own. Only TOML 1.0 is used, since installers need not read a later version.

mod package;
mod text;
mod tool;

#[cfg(test)]
mod tests;

use crate::invalid::InvalidLock;
use crate::model::Lock;
use crate::rules;
use text::Writer;

/// Writes a lock in canonical form. What is written can be read by [`crate::read`], and gives the
/// same lock after [`Lock::sort`].
///
/// # Errors
/// The first rule that the lock breaks; an address with credentials is one.
pub fn write(lock: &Lock) -> Result<String, InvalidLock> {
    rules::check(lock)?;
    let mut sorted = lock.clone();
    sorted.sort();
    Ok(render(&sorted))
}

fn render(lock: &Lock) -> String {
    let mut out = Writer::with_capacity(512 + 512 * lock.packages.len());
    out.string("lock-version", &lock.lock_version);
    out.lines("environments", lock.environments.iter().map(text::quoted));
    out.optional("requires-python", lock.requires_python.as_ref());
    out.list("extras", &lock.extras);
    out.list("dependency-groups", &lock.dependency_groups);
    out.list("default-groups", &lock.default_groups);
    out.string("created-by", &lock.created_by);
    if lock.packages.is_empty() {
        // Its absence would be another lock: PEP 751 requires the key.
        out.raw("packages", "[]");
    }
    for package in &lock.packages {
        out.header("[[packages]]");
        package::write(&mut out, package);
    }
    if let Some(tool) = &lock.tool {
        tool::of_lock(&mut out, tool);
    }
    for (name, table) in &lock.other_tools {
        out.header(&format!("[tool.{}]", text::key(name)));
        out.table(table);
    }
    out.finish()
}
