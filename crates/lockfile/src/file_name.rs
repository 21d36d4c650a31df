//! The names that a lock file may have (PEP 751, "File name").

/// Why a file name is not that of a lock.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// The name is neither `pylock.toml` nor `pylock.<name>.toml`.
    #[error(
        "{0:?} is not the name of a lock: use `pylock.toml` or `pylock.<name>.toml`, with no dot in <name>"
    )]
    NotALock(String),
    /// The name of a target cannot be part of a file name.
    #[error("the target {0:?} cannot name a lock: use lower-case letters, digits, `_` and `-`")]
    Target(String),
}

/// Checks a file name, without its folder, and gives the part between the dots where there is one.
///
/// # Errors
/// When the name is neither `pylock.toml` nor `pylock.<name>.toml` with a dotless `<name>`.
pub fn validate_file_name(file_name: &str) -> Result<Option<&str>, FileNameError> {
    if file_name == "pylock.toml" {
        return Ok(None);
    }
    let name = file_name.strip_prefix("pylock.").and_then(|rest| rest.strip_suffix(".toml"));
    let legal = |name: &&str| {
        let illegal = |character: char| matches!(character, '.' | '/' | '\\') || character.is_control();
        !name.is_empty() && !name.contains(illegal)
    };
    match name.filter(legal) {
        Some(name) => Ok(Some(name)),
        None => Err(FileNameError::NotALock(file_name.to_owned())),
    }
}

/// The file name of the lock for a target, or for the only one.
///
/// # Errors
/// When the target's name is not made of `[a-z0-9_-]`.
pub fn file_name(target: Option<&str>) -> Result<String, FileNameError> {
    let Some(target) = target else { return Ok("pylock.toml".to_owned()) };
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    if !target.is_empty() && target.bytes().all(legal) {
        return Ok(format!("pylock.{target}.toml"));
    }
    Err(FileNameError::Target(target.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dotless_part_may_stand_between() {
        assert_eq!(validate_file_name("pylock.toml"), Ok(None));
        assert_eq!(validate_file_name("pylock.train.toml"), Ok(Some("train")));
        assert_eq!(validate_file_name("pylock.Ünï code.toml"), Ok(Some("Ünï code")));
        for name in
            ["pylock..toml", "pylock.a.b.toml", "pylock.toml.toml.x", "a.pylock.toml", "pylock.a/b.toml"]
        {
            assert_eq!(validate_file_name(name), Err(FileNameError::NotALock(name.to_owned())));
        }
        for name in ["", "pylock", "pylock.toml\n", "pylock.\0.toml", "Pylock.toml", "pylock.a\\b.toml"] {
            assert!(validate_file_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        assert_eq!(file_name(None).as_deref(), Ok("pylock.toml"));
        let name = file_name(Some("train_a-1")).unwrap();
        assert_eq!(validate_file_name(&name), Ok(Some("train_a-1")));
        for target in ["", "Train", "a.b", "../x", "a b"] {
            assert_eq!(file_name(Some(target)), Err(FileNameError::Target(target.to_owned())));
        }
    }
}
