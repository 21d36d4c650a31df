//! The programs that entry points become, and the first line of scripts.

use mlresolve_packaging::ScriptEntryPoint;

use crate::layout::Layout;

/// The longest first line that every kernel takes, in bytes with its line feed.
const FIRST_LINE_LIMIT: usize = 127;
/// How older tools called the launchers that they put into wheels.
const LAUNCHER_ENDINGS: [&str; 3] = [".exe", "-script.py", ".pya"];

/// The first line of a script, or the first lines, without the last line feed. Where the kernel would not take the path of
/// the interpreter, a shell starts it: to Python, the second and third line are a string.
pub(super) fn first_line(layout: &Layout) -> String {
    let interpreter = layout.interpreter();
    let length = "#!".len() + interpreter.len() + "\n".len();
    if length <= FIRST_LINE_LIMIT && !interpreter.contains(' ') {
        return format!("#!{interpreter}");
    }
    let quoted = interpreter.replace('\'', r#"'"'"'"#);
    format!("#!/bin/sh\n'''exec' '{quoted}' \"$0\" \"$@\"\n' '''")
}

/// The text of a launcher, the same as uv's, so that either can install over the other.
pub(super) fn text(script: &ScriptEntryPoint, layout: &Layout) -> String {
    let (first_line, module, attribute) = (first_line(layout), &script.module, &script.attribute);
    let imported = attribute.split('.').next().unwrap_or(attribute);
    let lines = [
        first_line.as_str(),
        "# -*- coding: utf-8 -*-",
        "import sys",
        &format!("from {module} import {imported}"),
        "if __name__ == \"__main__\":",
        "    if sys.argv[0].endswith(\"-script.pyw\"):",
        "        sys.argv[0] = sys.argv[0][:-11]",
        "    elif sys.argv[0].endswith(\".exe\"):",
        "        sys.argv[0] = sys.argv[0][:-4]",
        &format!("    sys.exit({attribute}())"),
        "",
    ];
    lines.join("\n")
}

/// The command that a file among the scripts would be a launcher of.
pub(super) fn command_of(name: &str) -> &str {
    LAUNCHER_ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_gets_short_paths_and_a_shell_the_others() {
        let line = |prefix: &str| first_line(&Layout::new(prefix, "3.12".parse().unwrap()).unwrap());
        assert_eq!(line("/opt/venv"), "#!/opt/venv/bin/python");
        assert_eq!(
            line("/o p/it's"),
            "#!/bin/sh\n'''exec' '/o p/it'\"'\"'s/bin/python' \"$0\" \"$@\"\n' '''"
        );
        let prefix = |length: usize| format!("/{}", "x".repeat(length - 1));
        let longest = FIRST_LINE_LIMIT - "#!/bin/python\n".len();
        assert!(line(&prefix(longest)).starts_with("#!/x"));
        assert!(line(&prefix(longest + 1)).starts_with("#!/bin/sh\n"));
    }
}
