/// Why a command line cannot be divided into arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// A quotation that does not end.
    #[error("a quotation mark is missing")]
    OpenQuote,
    /// Nothing but spaces.
    #[error("there is no command")]
    Empty,
}

/// Divides a command line into arguments as a shell does: at spaces that stand in no quotes. Nothing is expanded.
///
/// # Errors
/// When a quote does not end, or there is no word.
pub fn split_command(text: &str) -> Result<Vec<String>, CommandError> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                // An empty quotation is an argument too.
                current.get_or_insert_default();
            }
            (None | Some('"'), '\\') => current.get_or_insert_default().extend(letters.next()),
            (None, _) if letter.is_whitespace() => arguments.extend(current.take()),
            _ => current.get_or_insert_default().push(letter),
        }
    }
    arguments.extend(current);
    match (quote, arguments.is_empty()) {
        (Some(_), _) => Err(CommandError::OpenQuote),
        (None, true) => Err(CommandError::Empty),
        (None, false) => Ok(arguments),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_divided_as_a_shell_does() {
        let split = |text| split_command(text).unwrap().join("|");
        assert_eq!(split(" python -m  train "), "python|-m|train");
        assert_eq!(
            split(r#"sh -c 'exec "$0"' "a \"b\"" c\ d '' x"y"z"#),
            r#"sh|-c|exec "$0"|a "b"|c d||xyz"#
        );
        assert_eq!(split_command("a 'b"), Err(CommandError::OpenQuote));
        assert_eq!(split_command("  "), Err(CommandError::Empty));
    }
}
