//! The compact text form of releases; its grammar is with `Universe::text`.

use super::{Release, Universe};

pub(super) fn publish(mut universe: Universe, text: &str) -> Universe {
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let head_end = line.find([':', ';']).unwrap_or(line.len());
        let (head, rest) = line.split_at(head_end);
        let mut words = head.split_whitespace();
        let name = words.next().unwrap_or_default();
        let versions: Vec<&str> = words.collect();
        assert!(!versions.is_empty(), "no version in the line `{line}`");
        for version in versions {
            universe = universe.package(name, version, |release| describe(release, rest, line));
        }
    }
    universe
}

/// Applies what follows the versions: `: requirements; attribute; …`.
fn describe(mut release: Release, rest: &str, line: &str) -> Release {
    let (requirements, attributes) = match rest.strip_prefix(':') {
        Some(rest) => rest.split_once(';').unwrap_or((rest, "")),
        None => ("", rest.strip_prefix(';').unwrap_or_default()),
    };
    for requirement in split_requirements(requirements) {
        release = release.requires(&requirement);
    }
    for attribute in attributes.split(';').map(str::trim).filter(|attribute| !attribute.is_empty()) {
        release = apply(release, attribute, line);
    }
    release
}

fn apply(mut release: Release, attribute: &str, line: &str) -> Release {
    if let Some((extra, requirements)) = attribute.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        release = release.extra(extra.trim());
        for requirement in split_requirements(requirements) {
            release = release.extra_requires(extra.trim(), &requirement);
        }
        return release;
    }
    let word_end =
        attribute.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(attribute.len());
    let (word, value) = attribute.split_at(word_end);
    let value = value.trim();
    match word {
        "python" => release.requires_python(value),
        "yanked" => release.yanked(value),
        "wheel" => value.split_whitespace().fold(release, Release::wheel),
        "sdist" => release.sdist(),
        "time" => release.upload_time(value),
        "hash" if value == "none" => release.without_hash(),
        "hash" => release.sha256(value),
        "size" => {
            release.size(value.parse().unwrap_or_else(|_| panic!("no size in bytes in the line `{line}`")))
        }
        _ => panic!("`{attribute}` is no attribute, in the line `{line}`"),
    }
}

/// Parts a list of requirements, and writes ` if MARKER` as `; MARKER`.
fn split_requirements(text: &str) -> Vec<String> {
    let mut requirements = vec![String::new()];
    let mut depth = 0_i32;
    for (position, character) in text.char_indices() {
        match character {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            _ => {}
        }
        let next = text[position + character.len_utf8()..].trim_start().chars().next();
        if character == ',' && depth == 0 && next.is_some_and(char::is_alphanumeric) {
            requirements.push(String::new());
        } else if let Some(last) = requirements.last_mut() {
            last.push(character);
        }
    }
    requirements
        .iter()
        .map(|requirement| requirement.trim().replacen(" if ", "; ", 1))
        .filter(|requirement| !requirement.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::universe::{Sidecar, Yanked};

    fn metadata(universe: &Universe, filename: &str) -> String {
        match &universe.find(filename).unwrap().sidecar {
            Sidecar::Present(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            other => panic!("{filename} has no metadata beside it: {other:?}"),
        }
    }

    #[test]
    fn a_line_says_all_there_is_to_say() {
        let universe = Universe::new().text(
            "# a comment
             a 1.0 1!2.0: b>=2,<3, c[x,y]~=1.0, d if python_version < '3.10'; [gpu] torch>=2, e if os_name == 'nt'; [empty]; python>=3.9; size 7
             b 2.0+cu128; time 2025-06-01T12:00:00Z; yanked bad build; wheel cp312-cp312-linux_x86_64 1-py3-none-any; sdist
             c 1.0",
        );
        assert_eq!(
            metadata(&universe, "a-1.0-py3-none-any.whl"),
            "Metadata-Version: 2.1\nName: a\nVersion: 1.0\nRequires-Python: >=3.9\nRequires-Dist: b>=2,<3\n\
             Requires-Dist: c[x,y]~=1.0\nRequires-Dist: d; python_version < '3.10'\n\
             Requires-Dist: torch>=2 ; extra == \"gpu\"\nRequires-Dist: e ; (os_name == 'nt') and extra == \"gpu\"\n\
             Provides-Extra: gpu\nProvides-Extra: empty\n"
        );
        assert!(metadata(&universe, "a-1!2.0-py3-none-any.whl").contains("Version: 1!2.0\n"));
        assert_eq!(universe.find("a-1.0-py3-none-any.whl").unwrap().size, Some(7));
        let files = &universe.project("b").unwrap().files;
        let names: Vec<&str> = files.iter().map(|file| file.filename.as_str()).collect();
        assert_eq!(
            names,
            [
                "b-2.0+cu128-cp312-cp312-linux_x86_64.whl",
                "b-2.0+cu128-1-py3-none-any.whl",
                "b-2.0+cu128.tar.gz"
            ]
        );
        assert_eq!(files[1].yanked, Yanked::Yes(Some("bad build".to_owned())));
        assert_eq!(files[1].upload_time.as_deref(), Some("2025-06-01T12:00:00Z"));
        assert!(universe.find("c-1.0-py3-none-any.whl").is_some());
    }

    #[test]
    #[should_panic(expected = "`pyton>=3` is no attribute, in the line `a 1: b; pyton>=3`")]
    fn a_misspelt_attribute_is_named() {
        let _universe = Universe::new().text("a 1: b; pyton>=3");
    }
}
