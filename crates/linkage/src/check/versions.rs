use std::cmp::Ordering;

/// `GLIBC_2.34` as numbers.
pub(super) fn glibc(version: &str) -> Option<(u32, u32)> {
    numbers(version.strip_prefix("GLIBC_")?)
}

/// The first two numbers of a version such as `2.34`.
pub(super) fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The family of a version: `GLIBCXX` of `GLIBCXX_3.4.32`.
pub(super) fn family(version: &str) -> &str {
    version.split_once('_').map_or(version, |(family, _)| family)
}

/// Orders versions of one family by their numbers.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        let parts = text.split(|character: char| !character.is_ascii_digit());
        parts.filter_map(|part| part.parse().ok()).collect()
    };
    (family(left), numbers(left), left).cmp(&(family(right), numbers(right), right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_go_by_their_numbers() {
        assert_eq!(glibc("GLIBC_2.2.5"), Some((2, 2)));
        assert_eq!(glibc("GLIBC_2.34"), Some((2, 34)));
        assert_eq!((glibc("GLIBC_PRIVATE"), glibc("GLIBCXX_3.4")), (None, None));
        assert_eq!(compare("GLIBC_2.9", "GLIBC_2.34"), Ordering::Less);
        assert_eq!(compare("GLIBCXX_3.4.32", "GLIBCXX_3.4.4"), Ordering::Greater);
    }
}
