//! Poetry's version constraints, as far as PEP 440 and PEP 508 can say them.
//!
//! Source: Poetry's documentation, *Dependency specification*, read 2026-11-22.

use crate::specifier::{Operator, Specifier, SpecifierSet};
use crate::version::{Version, parse_version};

/// The most alternatives (`||`) that one constraint may have.
const ALTERNATIVE_LIMIT: usize = 100;

/// Sets of specifiers, one of which must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Constraint(Vec<SpecifierSet>);

impl Constraint {
    /// Reads a constraint such as `^1.2 || >=3,<4`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // Both `|` and `||` divide alternatives.
        let alternatives: Vec<&str> = text.split("||").flat_map(|part| part.split('|')).collect();
        if alternatives.len() > ALTERNATIVE_LIMIT {
            return Err(format!(
                "{} alternatives are over the limit of {ALTERNATIVE_LIMIT} (alternative count)",
                alternatives.len()
            ));
        }
        alternatives.into_iter().map(alternative).collect::<Result<_, _>>().map(Self)
    }

    /// The constraint as one set of specifiers, where alternatives leave out only what `!=` can say.
    pub(super) fn specifiers(&self) -> Result<SpecifierSet, String> {
        if let [only] = &self.0[..] {
            return Ok(only.clone());
        }
        if self.0.iter().any(SpecifierSet::is_empty) {
            return Ok(SpecifierSet::default());
        }
        union(&self.0).ok_or_else(|| {
            let shown: Vec<String> = self.0.iter().map(ToString::to_string).collect();
            format!(
                "`{}` cannot be said as one set of version specifiers (PEP 440); give the package an entry for each \
                 alternative, or narrow it to one",
                shown.join(" || ")
            )
        })
    }

    /// The constraint on the Python version as a marker; `None` where it takes every one.
    pub(super) fn python_marker(&self) -> Option<String> {
        if self.0.iter().any(SpecifierSet::is_empty) {
            return None;
        }
        let alternatives: Vec<String> = self.0.iter().map(|set| all(set.iter().map(python_test))).collect();
        Some(match &alternatives[..] {
            [only] => only.clone(),
            several => several.iter().map(|one| format!("({one})")).collect::<Vec<_>>().join(" or "),
        })
    }
}

fn all(tests: impl Iterator<Item = String>) -> String {
    tests.collect::<Vec<_>>().join(" and ")
}

/// `python_version` has two numbers, so what speaks of a third asks for `python_full_version`.
fn python_test(specifier: &Specifier) -> String {
    let numbers = specifier.version().map_or(0, |version| version.release().len());
    // 3.9.1 is above 3.9, and its `python_version` is not.
    let full = numbers > 2 || matches!(specifier.operator(), Operator::Greater | Operator::LessOrEqual);
    let variable = if full { "python_full_version" } else { "python_version" };
    let text = specifier.to_string();
    let sign = specifier.operator().sign();
    format!("{variable} {sign} \"{}\"", text.strip_prefix(sign).unwrap_or_default())
}

fn alternative(text: &str) -> Result<SpecifierSet, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("an alternative of the constraint is empty; `*` takes every version".to_owned());
    }
    let mut specifiers = Vec::new();
    for part in parts(text) {
        specifiers.extend(comparison(&part)?);
    }
    Ok(specifiers.into_iter().collect())
}

/// The comparisons of an alternative: divided by commas or spaces, with or without a space behind the sign.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        let is_sign = |text: &str| text.chars().all(|character| "<>=!~^".contains(character));
        match parts.last_mut() {
            Some(last) if is_sign(last) => last.push_str(word),
            _ => parts.push(word.to_owned()),
        }
    }
    parts
}

fn comparison(text: &str) -> Result<Vec<Specifier>, String> {
    let wrong = |reason: &str| format!("{text:?} is no constraint of Poetry's: {reason}");
    let version =
        |text: &str| parse_version(text.trim_start_matches('v')).map_err(|error| wrong(&error.to_string()));
    let specifier = |text: String| text.parse::<Specifier>().map_err(|error| wrong(&error.to_string()));
    if text == "*" {
        return Ok(Vec::new());
    }
    if let Some(lowest) = text.strip_prefix('^') {
        let lowest = version(lowest)?;
        let release = lowest.release();
        // The first number that is not zero stays; of `0` and `0.0`, the last.
        let kept = release.iter().take(3).position(|number| *number > 0);
        let kept = kept.unwrap_or(release.len().min(3).saturating_sub(1));
        return between(&lowest, kept).map_err(|reason| wrong(&reason));
    }
    if let Some(lowest) = text.strip_prefix('~').filter(|rest| !rest.starts_with('=')) {
        let lowest = version(lowest)?;
        let kept = lowest.release().len().min(2).saturating_sub(1);
        return between(&lowest, kept).map_err(|reason| wrong(&reason));
    }
    let signed = text.starts_with(['<', '>', '!', '~']) || text.starts_with("==");
    let one = if signed {
        // `!=1.x` and `== v1` aside, these are PEP 440's own.
        specifier(text.to_owned())?
    } else {
        specifier(format!("=={}", text.trim_start_matches(['=', 'v'])))?
    };
    Ok(vec![one])
}

/// From a version up to the next in which the number at `kept` is higher, with as many numbers as were written.
fn between(lowest: &Version, kept: usize) -> Result<Vec<Specifier>, String> {
    let length = lowest.release().len().max(kept + 1);
    let mut next = vec![0; length];
    for (number, given) in next.iter_mut().zip(lowest.release()).take(kept + 1) {
        *number = *given;
    }
    next[kept] = next[kept].checked_add(1).ok_or("a number of the version is too high")?;
    let next: Vec<String> = next.iter().map(u64::to_string).collect();
    let epoch = if lowest.epoch() == 0 { String::new() } else { format!("{}!", lowest.epoch()) };
    let texts = [format!(">={lowest}"), format!("<{epoch}{}", next.join("."))];
    texts.iter().map(|text| text.parse::<Specifier>().map_err(|error| error.to_string())).collect()
}

/// An alternative as an interval: its lower and its upper bound.
type Interval<'set> = (Option<&'set Specifier>, Option<&'set Specifier>);

/// One set that takes what any of these takes, where the gaps between them are versions or families that `!=` names.
///
/// A gap such as `<2 || >=3` becomes `!=2.*`, which beyond Poetry's reading also takes pre-releases of 3.
fn union(sets: &[SpecifierSet]) -> Option<SpecifierSet> {
    let version = |specifier: Option<&Specifier>| specifier.and_then(Specifier::version).cloned();
    let mut intervals: Vec<Interval<'_>> = sets.iter().map(interval).collect::<Option<_>>()?;
    intervals.sort_by_key(|(low, _)| (version(*low), low.map(|low| low.operator() == Operator::Greater)));
    let mut intervals = intervals.into_iter();
    let (low, mut end) = intervals.next()?;
    let mut whole: Vec<Specifier> = low.cloned().into_iter().collect();
    for (start, high) in intervals {
        // Nothing is above an open end.
        let Some(last) = end else { break };
        if let Some(start) = start {
            whole.extend(gap(last, start)?);
        }
        let inclusive = |one: &Specifier| one.operator() == Operator::LessOrEqual;
        end = high.filter(|high| (high.version(), inclusive(high)) > (last.version(), inclusive(last)));
        end = if high.is_some() { end.or(Some(last)) } else { None };
    }
    whole.extend(end.cloned());
    Some(whole.into_iter().collect())
}

fn interval(set: &SpecifierSet) -> Option<Interval<'_>> {
    let (mut low, mut high) = (None, None);
    for specifier in set.iter() {
        match specifier.operator() {
            Operator::GreaterOrEqual | Operator::Greater if low.is_none() => low = Some(specifier),
            Operator::LessOrEqual | Operator::Less if high.is_none() => high = Some(specifier),
            _ => return None,
        }
    }
    Some((low, high))
}

/// What `!=` leaves out between the end of one interval and the start of the next; `None` where it cannot say that.
fn gap(end: &Specifier, start: &Specifier) -> Option<Option<Specifier>> {
    let (last, first) = (end.version()?, start.version()?);
    let open = (end.operator() == Operator::Less, start.operator() == Operator::Greater);
    if last > first || (last == first && open != (true, true)) {
        return Some(None);
    }
    if last == first {
        return format!("!={last}").parse().ok().map(Some);
    }
    // `<2 || >=3`: the family of 2. `<2.1 || >=2.2`: that of 2.1.
    let plain = |version: &Version| {
        !version.any_prerelease() && !version.is_post() && !version.is_local() && version.epoch() == 0
    };
    if open != (true, false) || !plain(last) || !plain(first) {
        return None;
    }
    let length = last.release().len().max(first.release().len());
    let padded = |version: &Version| -> Vec<u64> {
        let mut release = version.release().to_vec();
        release.resize(length, 0);
        release
    };
    let (last, first) = (padded(last), padded(first));
    let at = last.iter().zip(&first).position(|(low, high)| low != high)?;
    let zeros = last.iter().skip(at + 1).chain(first.iter().skip(at + 1)).all(|number| *number == 0);
    if !zeros || last[at].checked_add(1) != Some(first[at]) {
        return None;
    }
    let family: Vec<String> = last.iter().take(at + 1).map(u64::to_string).collect();
    format!("!={}.*", family.join(".")).parse().ok().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Result<String, String> {
        Constraint::parse(text)?.specifiers().map(|set| set.to_string())
    }

    #[test]
    fn carets_tildes_and_wildcards_mean_what_poetry_documents() {
        let facts = [
            ("^1.2.3", ">=1.2.3,<2.0.0"),
            ("^1.2", ">=1.2,<2.0"),
            ("^1", ">=1,<2"),
            ("^0.2.3", ">=0.2.3,<0.3.0"),
            ("^0.2", ">=0.2,<0.3"),
            ("^0.0.3", ">=0.0.3,<0.0.4"),
            ("^0.0", ">=0.0,<0.1"),
            ("^0", ">=0,<1"),
            ("^0.0.0", ">=0.0.0,<0.0.1"),
            ("^0.0.0.5", ">=0.0.0.5,<0.0.1.0"),
            ("^1.2.3b1", ">=1.2.3b1,<2.0.0"),
            ("^ 1.2", ">=1.2,<2.0"),
            ("~1.2.3", ">=1.2.3,<1.3.0"),
            ("~1.2", ">=1.2,<1.3"),
            ("~1", ">=1,<2"),
            ("~1.2.3.4", ">=1.2.3.4,<1.3.0.0"),
            ("~=1.4.5", "~=1.4.5"),
            ("*", ""),
            ("1.*", "==1.*"),
            ("1.2.*", "==1.2.*"),
            ("==1.2.*", "==1.2.*"),
            ("1.2.3", "==1.2.3"),
            ("=1.2.3", "==1.2.3"),
            ("v1.2.3", "==1.2.3"),
            (">=1.2,<1.5", ">=1.2,<1.5"),
            (">= 1.2 < 1.5", ">=1.2,<1.5"),
            ("^1.2,!=1.3.0", ">=1.2,<2.0,!=1.3.0"),
            ("2.9.1+cu128", "==2.9.1+cu128"),
        ];
        for (constraint, expected) in facts {
            assert_eq!(said(constraint).as_deref(), Ok(expected), "{constraint}");
        }
    }

    #[test]
    fn alternatives_are_said_as_far_as_pep_440_can() {
        let facts = [
            (">=1,<2 || >=3,<4", ">=1,!=2.*,<4"),
            ("<=1.5 || >=1.2,<2", "<2"),
            ("^1 | ^3.0", ">=1,!=2.*,<4.0"),
            ("^1.2 || ^2.0", ">=1.2,<3.0"),
            ("^3 || ^2", ">=2,<4"),
            ("<2.1 || >=2.2", "!=2.1.*"),
            ("<1.5 || >1.5", "!=1.5"),
            ("<1 || *", ""),
            (">=1 || >=2", ">=1"),
            (">=1,<5 || >=2,<3", ">=1,<5"),
        ];
        for (constraint, expected) in facts {
            assert_eq!(said(constraint).as_deref(), Ok(expected), "{constraint}");
        }
        for text in ["^1 || ^4", "==1 || ==2", "<2.1 || >=3", "<=1 || >=2", "<2.1.1 || >=2.2", "!=1 || >=2"] {
            let error = said(text).unwrap_err();
            assert!(error.contains("cannot be said as one set"), "{text}: {error}");
        }
        for text in
            ["", "^", "^x", "~", "1.0 ||", "1.0 || || 2", "^99999999999999999999999", "latest", ">=1.*"]
        {
            assert!(said(text).is_err(), "{text}");
        }
        assert!(said(&vec!["1"; 101].join("||")).unwrap_err().contains("alternative count"));
    }

    #[test]
    fn a_python_constraint_becomes_a_marker() {
        let marker = |text: &str| Constraint::parse(text).unwrap().python_marker();
        assert_eq!(marker("*"), None);
        assert_eq!(marker("^3.9").unwrap(), "python_version >= \"3.9\" and python_version < \"4.0\"");
        assert_eq!(
            marker("<3.11.2 || >=3.13").unwrap(),
            "(python_full_version < \"3.11.2\") or (python_version >= \"3.13\")"
        );
        assert_eq!(marker("3.11.*").unwrap(), "python_version == \"3.11.*\"");
    }

    proptest::proptest! {
        #[test]
        fn one_set_takes_what_an_alternative_takes(
            bounds in proptest::collection::vec((0u64..5, 0u64..3, 1u64..4), 1..4),
            major in 0u64..9, minor in 0u64..3,
        ) {
            let texts: Vec<String> =
                bounds.iter().map(|(low, dot, width)| format!(">={low}.{dot},<{}", low + width)).collect();
            let Ok(constraint) = Constraint::parse(&texts.join(" || ")) else { return Ok(()) };
            if let Ok(set) = constraint.specifiers() {
                let version: Version = format!("{major}.{minor}").parse().unwrap();
                let any = constraint.0.iter().any(|one| one.contains(&version));
                proptest::prop_assert_eq!(set.contains(&version), any, "{} as {}", texts.join(" || "), set);
            }
        }
    }
}
