//! What an entry of an archive may be called.
//!
//! A name is refused and never repaired: what one installer repairs and another refuses is installed in two places.

use std::ops::RangeInclusive;

/// The longest name, in bytes: what file systems take in one path below a prefix.
pub(crate) const NAME_LIMIT: usize = 1024;
/// The longest part of a name, in bytes: what file systems take.
pub(crate) const PART_LIMIT: usize = 255;
/// What image layers start a name with that deletes another file (OCI image specification, "Whiteouts").
const WHITEOUT: &str = ".wh.";

/// What is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// It is empty or has an empty part.
    #[error("has a name with an empty part")]
    Empty,
    /// It is not UTF-8.
    #[error("has a name that is not UTF-8")]
    NotUtf8,
    /// It is not ASCII, and the flag that says that it is UTF-8 is not set, so that readers differ on what it is.
    #[error("has a name that is not ASCII, without the flag for UTF-8")]
    NotMarkedUtf8,
    /// It is too long as a whole.
    #[error("has a name of {0} bytes, which is over the limit of {NAME_LIMIT} (entry name)")]
    TooLong(usize),
    /// A part of it is too long.
    #[error("has a part of {0} bytes in its name, which is over the limit of {PART_LIMIT} (name part)")]
    PartTooLong(usize),
    /// It has a control, format, private or unassigned character.
    #[error("has the character {0:?} in its name, which nobody can see")]
    Invisible(char),
    /// It has a backslash, which divides paths on Windows.
    #[error("has a backslash in its name")]
    Backslash,
    /// It is absolute or starts with a drive.
    #[error("has an absolute name")]
    Absolute,
    /// A part of it is `.` or `..`.
    #[error("has a name that leads out of its folder or to itself")]
    Dots,
    /// A part of it would delete a file in an image.
    #[error("has a part in its name that starts with .wh., which deletes files in container images")]
    Whiteout,
}

/// Judges the name of an entry; a slash at the end, which makes it a folder, is cut off by the caller.
pub(crate) fn check_name(name: &str) -> Result<(), NameFault> {
    if name.len() > NAME_LIMIT {
        return Err(NameFault::TooLong(name.len()));
    }
    if let Some(character) = name.chars().find(|character| is_invisible(*character)) {
        return Err(NameFault::Invisible(character));
    }
    if name.contains('\\') {
        return Err(NameFault::Backslash);
    }
    let bytes = name.as_bytes();
    let has_drive = bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.get(1) == Some(&b':');
    if name.starts_with('/') || has_drive {
        return Err(NameFault::Absolute);
    }
    name.split('/').try_for_each(|part| match part {
        "" => Err(NameFault::Empty),
        "." | ".." => Err(NameFault::Dots),
        part if part.len() > PART_LIMIT => Err(NameFault::PartTooLong(part.len())),
        part if part.starts_with(WHITEOUT) => Err(NameFault::Whiteout),
        _ => Ok(()),
    })
}

/// Whether some file systems cannot hold a name, or hold it as another: Windows' reserved names and characters, dots and
/// spaces at the end of a part, and marks that are composed on some systems.
pub(crate) fn is_portable(name: &str) -> bool {
    let is_reserved = |part: &str| {
        let stem = part.split('.').next().unwrap_or_default().trim_end();
        let device = |name: &str| stem.eq_ignore_ascii_case(name);
        let numbered = |name: &str| {
            let end = stem.get(name.len()..);
            stem.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
                && end.is_some_and(|end| end.len() == 1 && end.bytes().all(|byte| byte.is_ascii_digit()))
        };
        ["con", "prn", "aux", "nul"].into_iter().any(device) || ["com", "lpt"].into_iter().any(numbered)
    };
    let combining = |character: char| matches!(character, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{3099}' | '\u{309a}');
    !name.contains(['<', '>', ':', '"', '|', '?', '*'])
        && !name.contains(combining)
        && !name.split('/').any(|part| part.ends_with(['.', ' ']) || is_reserved(part))
}

/// The characters of the Unicode categories for format, private use and noncharacters; control is the standard library's.
const INVISIBLE: &[RangeInclusive<char>] = &[
    '\u{ad}'..='\u{ad}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{e000}'..='\u{f8ff}',
    '\u{fdd0}'..='\u{fdef}',
    '\u{feff}'..='\u{feff}',
    '\u{fff0}'..='\u{fffb}',
    '\u{fffe}'..='\u{ffff}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{10ffff}',
];

fn is_invisible(character: char) -> bool {
    character.is_control() || INVISIBLE.iter().any(|range| range.contains(&character))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_wheels_have_them_pass() {
        for name in ["a", "a/b.py", "a-1.0.dist-info/RECORD", "a/é b+~@.txt", "a/..b", "a/.hidden", "ab:c"] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn only_some_names_are_portable() {
        for name in ["a/b.py", "console.py", "com.py", "com10", "é", "auxiliary/x"] {
            assert!(is_portable(name), "{name:?}");
        }
        for name in ["CON", "a/aux.txt", "com1.py", "LPT9/x", "a./b", "a /b", "a:ads", "e\u{301}", "a?"] {
            assert!(!is_portable(name), "{name:?}");
        }
    }
}
