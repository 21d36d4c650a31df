//! Ranges as a person would write them.

use std::ops::Bound;

use mlresolve_packaging::{Version, VersionPoint, VersionRange};

/// The most intervals that are written out.
const SEGMENT_LIMIT: usize = 4;

/// A range as specifiers, such as `>=1.2,<2`; empty for the range of all versions.
#[must_use]
pub fn show_range(range: &VersionRange) -> String {
    if *range == VersionRange::full() {
        return String::new();
    }
    if range.is_empty() {
        return "<0".to_owned();
    }
    let segments: Vec<_> = range.iter().collect();
    if segments.len() > 1
        && let Some(text) = with_exclusions(range, &segments)
    {
        return text;
    }
    let shown: Vec<String> =
        segments.iter().take(SEGMENT_LIMIT).map(|(low, high)| segment(*low, *high)).collect();
    let rest = segments.len().saturating_sub(SEGMENT_LIMIT);
    match rest {
        0 => shown.join(" or "),
        _ => format!("{} or {rest} other ranges", shown.join(" or ")),
    }
}

/// `>=1,!=1.5`: one interval with a few versions or series taken out.
fn with_exclusions(
    range: &VersionRange,
    segments: &[(Bound<&VersionPoint>, Bound<&VersionPoint>)],
) -> Option<String> {
    let (low, high) = range.bounding_range()?;
    let whole = VersionRange::from_range_bounds((low.cloned(), high.cloned()));
    let gaps = whole.intersection(&range.complement());
    if segments.len() > SEGMENT_LIMIT * 2 {
        return None;
    }
    let excluded: Option<Vec<String>> = gaps
        .iter()
        .map(|(low, high)| segment(low, high).strip_prefix("==").map(|version| format!("!={version}")))
        .collect();
    let mut parts = excluded?;
    if whole != VersionRange::full() {
        parts.insert(0, segment(low, high));
    }
    Some(parts.join(","))
}

fn segment(low: Bound<&VersionPoint>, high: Bound<&VersionPoint>) -> String {
    if let (Bound::Included(from), Bound::Included(to) | Bound::Excluded(to)) = (low, high) {
        if from.is_version() && from.version() == to.version() {
            return format!("=={}", from.version());
        }
        if let Some(prefix) = prefix_of(from.version(), to) {
            return format!("=={prefix}.*");
        }
    }
    let low = match low {
        Bound::Unbounded => None,
        Bound::Included(point) if point.is_version() => Some(format!(">={}", without_dev0(point.version()))),
        Bound::Included(point) | Bound::Excluded(point) => Some(format!(">{}", point.version())),
    };
    let high = match high {
        Bound::Unbounded => None,
        Bound::Excluded(point) if point.is_version() => Some(format!("<{}", without_dev0(point.version()))),
        Bound::Included(point) | Bound::Excluded(point) => Some(format!("<={}", point.version())),
    };
    let parts: Vec<String> = low.into_iter().chain(high).collect();
    parts.join(",")
}

/// The series that an interval from `1.2.dev0` up to `1.3.dev0` is.
fn prefix_of(low: &Version, high: &VersionPoint) -> Option<Version> {
    let high = high.version();
    let is_series_start =
        |version: &Version| version.dev() == Some(0) && version.pre().is_none() && !version.is_post();
    if !is_series_start(low) || !is_series_start(high) || low.epoch() != high.epoch() {
        return None;
    }
    let (from, to) = (low.release(), high.release());
    let same_start = from.len() == to.len() && from[..from.len() - 1] == to[..to.len() - 1];
    (same_start && from[from.len() - 1] + 1 == to[to.len() - 1]).then(|| without_dev0(low))
}

/// `2.0.dev0` is where `<2` ends.
fn without_dev0(version: &Version) -> Version {
    if version.dev() == Some(0) && version.pre().is_none() && !version.is_post() {
        version.clone().with_dev(None)
    } else {
        version.clone()
    }
}

#[cfg(test)]
mod tests {
    use mlresolve_packaging::range::range_of;

    use super::*;

    #[test]
    fn specifiers_come_back_as_they_were_written() {
        for text in [
            ">=1.2,<2",
            "==1.2",
            "==1.2.*",
            "!=1.5",
            ">=1,!=1.5",
            ">=1,<2,!=1.3.*,!=1.5",
            ">1",
            "<=3.1",
            "<1!2",
            "==1+cpu",
            ">=2.0rc1",
            "",
        ] {
            assert_eq!(show_range(&range_of(&text.parse().unwrap())), text);
        }
        assert_eq!(show_range(&range_of(&"~=1.4.2".parse().unwrap())), ">=1.4.2,<1.5");
    }
}
