//! Words from outside, as they may be shown to people.

/// The most characters of one foreign text that are shown.
const SHOWN_CHARACTERS: usize = 300;
/// The most names that are worth a look where one was not found.
const SIMILAR_NAMES: usize = 3;

/// Foreign text without control characters, which could rewrite what a terminal shows, and not longer than a few lines.
#[must_use]
pub fn printable(text: &str) -> String {
    let hostile = |character: &char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|character| !hostile(character)).take(SHOWN_CHARACTERS).collect()
}

/// The names that someone who wrote `name` may have meant, the likeliest first; at most three.
#[must_use]
pub fn similar_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let close = |other: &&str| {
        let distance = distance(name, other);
        let part = name.len() >= 3 && other.contains(name);
        let typing_error = distance <= 1 + name.chars().count() / 5;
        (part || typing_error).then_some((!typing_error, distance))
    };
    let mut similar: Vec<_> =
        known.into_iter().filter_map(|other| close(&other).map(|rank| (rank, other))).collect();
    similar.sort_unstable();
    similar.dedup();
    similar.into_iter().take(SIMILAR_NAMES).map(|(_, other)| other).collect()
}

/// How many letters must be put in, taken out or changed.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(SHOWN_CHARACTERS).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, letter) in left.chars().take(SHOWN_CHARACTERS).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

/// Names in a sentence: three of them, and how many more there are.
pub(crate) fn some_of(names: &[&str]) -> String {
    match names {
        [first, second, third, _, ..] => format!("{first}, {second}, {third} and {} more", names.len() - 3),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_rewrite_a_terminal_is_left_out() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}d\u{9b}e"), "a[31mbcde");
        assert_eq!(printable(&"x".repeat(5_000)).len(), SHOWN_CHARACTERS);
    }

    #[test]
    fn a_typing_error_or_a_part_of_a_name_finds_it() {
        let known = ["torch", "torchvision", "torchaudio", "numpy", "transformers", "triton"];
        assert_eq!(similar_names("trch", known), ["torch"]);
        assert_eq!(similar_names("nunpy", known), ["numpy"]);
        assert_eq!(similar_names("vision", known), ["torchvision"]);
        assert_eq!(similar_names("tranformer", known), ["transformers"]);
        assert_eq!(similar_names("torc", known), ["torch", "torchaudio", "torchvision"]);
        assert!(similar_names("zzz", known).is_empty() && similar_names("", known).is_empty());
    }
}
