//! Conformance with PyPA's `packaging`: every vector that `tools/vectors/generate.py` has written, and a list of
//! all that differ. Where we differ on purpose, the case has a name and a count here.

#![expect(clippy::unwrap_used, reason = "a vector that cannot be read fails the test")]

use std::collections::BTreeMap;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use mlresolve_packaging::range::range_of;
use mlresolve_packaging::{
    ExtraName, GroupName, Marker, MarkerEnvironment, Requirement, RequirementSource, SpecifierSet, Version,
    VersionPoint, VersionRange, parse_version,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[test]
fn versions() {
    #[derive(Deserialize)]
    struct Vectors {
        ordered: Vec<Vec<(String, String)>>,
        invalid: Vec<String>,
        beyond_limits: Vec<String>,
        local_beyond_limits: Vec<String>,
    }
    let vectors: Vectors = read(include_str!("vectors/versions.json"));
    let mut report = Report::default();

    let mut ranked: Vec<(usize, &str, Version)> = Vec::new();
    for (rank, class) in vectors.ordered.iter().enumerate() {
        for (text, normal) in class {
            match parse_version(text) {
                Ok(version) => {
                    report.same("normal form", text, version.to_string().as_str(), normal);
                    ranked.push((rank, text, version));
                }
                Err(error) => report.differs(format!("{text:?} is a version, not: {error}")),
            }
        }
    }
    for (left_rank, left_text, left) in &ranked {
        for (right_rank, right_text, right) in &ranked {
            report.same(
                "order",
                (left_text, right_text),
                (left.cmp(right), left == right),
                (left_rank.cmp(right_rank), left_rank == right_rank),
            );
        }
    }
    for text in &vectors.invalid {
        report.same("invalid version", text, parse_version(text).is_err(), true);
    }
    // Numbers of a version are kept in 64 bits, so that versions compare fast; no package has ever had a larger.
    for text in &vectors.beyond_limits {
        report.same("version beyond 64 bits", text, parse_version(text).is_err(), true);
        report.except("numbers over 64 bits");
    }
    // In a local version such a number is kept as text: it lasts, though it sorts among the words.
    for text in &vectors.local_beyond_limits {
        report.same("local beyond 64 bits", text, parse_version(text).unwrap().to_string().as_str(), text);
        report.except("local numbers over 64 bits");
    }
    report.finish(1_000_000, &[("local numbers over 64 bits", 2), ("numbers over 64 bits", 7)]);
}

#[test]
fn specifiers_and_ranges() {
    #[derive(Deserialize)]
    struct Vectors {
        versions: Vec<String>,
        grid: Vec<(String, String)>,
        pairs: Vec<(String, String, u8)>,
        invalid: Vec<String>,
    }
    let vectors: Vectors = read(include_str!("vectors/specifiers.json"));
    let versions: Vec<Version> = vectors.versions.iter().map(|text| parse_version(text).unwrap()).collect();
    let mut report = Report::default();

    for (text, digits) in &vectors.grid {
        if is_arbitrary_of_nothing(&mut report, text) {
            continue;
        }
        let Some(specifiers) = report.parsed::<SpecifierSet>(text) else { continue };
        report.same("display and back", text, specifiers.to_string().parse().as_ref(), Ok(&specifiers));
        for (version, digit) in versions.iter().zip(digits.chars()) {
            contains(&mut report, text, &specifiers, version, digit == '1');
        }
    }
    for (text, version, takes) in &vectors.pairs {
        let Some(specifiers) = report.parsed::<SpecifierSet>(text) else { continue };
        contains(&mut report, text, &specifiers, &parse_version(version).unwrap(), *takes == 1);
    }
    for text in &vectors.invalid {
        report.same("invalid specifiers", text, text.parse::<SpecifierSet>().is_err(), true);
    }
    report.finish(200_000, &[("=== by another spelling", 91), ("=== of nothing", 2)]);
}

/// Whether a text is `===` with nothing behind it, which `packaging` reads and PEP 508's grammar does not: we refuse it.
fn is_arbitrary_of_nothing(report: &mut Report, text: &str) -> bool {
    let found = text.trim() == "===";
    if found {
        report.same("=== of nothing", text, text.parse::<SpecifierSet>().is_err(), true);
        report.except("=== of nothing");
    }
    found
}

/// Compares what a set of specifiers and its range say of one version with what they should.
fn contains(report: &mut Report, text: &str, specifiers: &SpecifierSet, version: &Version, expected: bool) {
    report.same("specifiers take", (text, version), specifiers.contains(version), expected);
    let range: VersionRange = range_of(specifiers);
    let point = VersionPoint::at(version.clone());
    // `===` asks for a spelling, which a version in a range does not have: `===1.0` has the range of all spellings.
    if text.contains("===") && !expected && range.contains(&point) {
        report.except("=== by another spelling");
        return;
    }
    report.same("range contains", (text, version), range.contains(&point), expected);
    report.same("complement contains", (text, version), range.complement().contains(&point), !expected);
}

#[test]
fn markers() {
    #[derive(Deserialize)]
    struct Vectors {
        environments: Vec<MarkerEnvironment>,
        contexts: Vec<(usize, String)>,
        lock_contexts: Vec<(usize, Vec<String>, Vec<String>)>,
        metadata: Vec<(String, String)>,
        lock: Vec<(String, String)>,
        invalid: Vec<String>,
        sides_alike: Vec<String>,
    }
    let vectors: Vectors = read(include_str!("vectors/markers.json"));
    let mut report = Report::default();

    for (text, digits) in &vectors.metadata {
        let Some(marker) = report.parsed::<Marker>(text) else { continue };
        for ((environment, extra), digit) in vectors.contexts.iter().zip(digits.chars()) {
            let extras: Vec<ExtraName> = extra.parse().into_iter().collect();
            let holds = marker.evaluate(&vectors.environments[*environment], &extras);
            evaluated(&mut report, text, (environment, extra), holds, digit);
        }
    }
    for (text, digits) in &vectors.lock {
        let Some(marker) = report.parsed::<Marker>(text) else { continue };
        for ((environment, extras, groups), digit) in vectors.lock_contexts.iter().zip(digits.chars()) {
            let extra_names: Vec<ExtraName> = extras.iter().map(|extra| extra.parse().unwrap()).collect();
            let group_names: Vec<GroupName> = groups.iter().map(|group| group.parse().unwrap()).collect();
            let holds = marker.evaluate_lock(&vectors.environments[*environment], &extra_names, &group_names);
            evaluated(&mut report, text, (environment, extras, groups), holds, digit);
        }
    }
    for text in &vectors.invalid {
        let refused = text.parse::<Marker>().is_err();
        refuses(&mut report, "invalid marker", text, refused);
    }
    // PyPA's grammar lets them pass, and they mean nothing: a comparison without a variable asks nothing of the
    // machine, and one with two is evaluated as if the second were its own name in quotes.
    for text in &vectors.sides_alike {
        report.same("marker without one variable", text, text.parse::<Marker>().is_err(), true);
        report.except("sides alike");
    }
    report.finish(
        14_000,
        &[
            ("backslash in quotes", 2),
            ("no such variable", 68),
            ("sides alike", 3),
            ("undefined comparison", 2_305),
        ],
    );
}

/// Compares one evaluation with its digit in the vectors.
///
/// Where `packaging` raises an error, for a comparison that is not defined or a variable that the context lacks, we
/// say that the comparison does not hold: a package must not become impossible to install for such a marker.
fn evaluated(report: &mut Report, text: &str, context: impl Debug, holds: bool, digit: char) {
    match digit {
        'u' | 'k' => {
            report.except(if digit == 'u' { "undefined comparison" } else { "no such variable" });
            if !text.contains(" and ") && !text.contains(" or ") && digit == 'u' {
                report.same("undefined comparison holds", (text, &context), holds, false);
            }
        }
        digit => report.same("marker holds", (text, &context), holds, digit == '1'),
    }
}

#[test]
fn requirements() {
    type Row = (String, String, Vec<String>, Option<String>, Option<String>, Option<String>);
    #[derive(Deserialize)]
    struct Vectors {
        valid: Vec<Row>,
        invalid: Vec<String>,
    }
    let vectors: Vectors = read(include_str!("vectors/requirements.json"));
    let mut report = Report::default();

    for (text, name, extras, specifiers, url, marker) in &vectors.valid {
        // `packaging` takes a name that ends with `_`, against the names specification: it starts and ends with a
        // letter or a digit.
        if name.ends_with('-') {
            report.same("name that ends in a sign", text, text.parse::<Requirement>().is_err(), true);
            report.except("name that ends in a sign");
            continue;
        }
        let Some(requirement) = report.parsed::<Requirement>(text) else { continue };
        report.same("name", text, requirement.name.as_str(), name);
        let found: Vec<&str> = requirement.extras.iter().map(ExtraName::as_str).collect();
        report.same("extras", text, found, extras.iter().map(String::as_str).collect());
        match &requirement.source {
            RequirementSource::Specifiers(found) => {
                let expected = specifiers.as_deref().map(sorted);
                report.same("specifiers", text, Some(sorted(&found.to_string())), expected);
            }
            RequirementSource::Url(found) => report.same("url", text, Some(found), url.as_ref()),
        }
        let found = requirement.marker.as_ref().map(|found| comparable(found.as_str()));
        report.same("marker", text, found, marker.as_deref().map(comparable));
        let again = requirement.to_string().parse::<Requirement>();
        report.same("display and back", text, again.as_ref(), Ok(&requirement));
    }
    for text in &vectors.invalid {
        let refused = text.parse::<Requirement>().is_err();
        refuses(&mut report, "invalid requirement", text, refused);
    }
    report.finish(3_000, &[("backslash in quotes", 2), ("name that ends in a sign", 11)]);
}

/// Compares what `packaging` refuses.
///
/// It reads quoted text as a Python literal, whose escapes must be sound. The specification has no escapes, so to us
/// a backslash is itself.
fn refuses(report: &mut Report, what: &str, text: &str, refused: bool) {
    if text.contains('\\') && !refused {
        report.except("backslash in quotes");
    } else {
        report.same(what, text, refused, true);
    }
}

/// A set of specifiers in one spelling: each in its normal form, once, in the order of the alphabet.
fn sorted(text: &str) -> Vec<String> {
    let specifiers: SpecifierSet = text.parse().unwrap();
    let mut words: Vec<String> = specifiers.iter().map(ToString::to_string).collect();
    words.sort();
    words.dedup();
    words
}

/// A marker without what its spelling may vary in.
fn comparable(text: &str) -> String {
    text.replace('\'', "\"").replace([' ', '\t'], "").to_lowercase().replace('_', "-")
}

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap()
}

/// What was compared, what differed, and what may differ.
#[derive(Default)]
struct Report {
    compared: usize,
    differences: Vec<String>,
    exceptions: BTreeMap<&'static str, usize>,
}

impl Report {
    /// How many of the differences are shown.
    const SHOWN: usize = 100;

    #[expect(clippy::needless_pass_by_value, reason = "a comparison reads best without references")]
    fn same<T: PartialEq + Debug>(&mut self, what: &str, case: impl Debug, found: T, expected: T) {
        self.compared += 1;
        if found != expected {
            self.differs(format!("{what}: {case:?}: found {found:?}, expected {expected:?}"));
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, text: &str) -> Option<T> {
        match text.parse() {
            Ok(value) => {
                self.compared += 1;
                Some(value)
            }
            Err(error) => {
                self.differs(format!("{text:?} is valid, not: {error}"));
                None
            }
        }
    }

    fn differs(&mut self, difference: String) {
        self.differences.push(difference);
    }

    fn except(&mut self, name: &'static str) {
        *self.exceptions.entry(name).or_default() += 1;
    }

    /// Fails if anything differed, if fewer cases than expected were compared, or other exceptions made.
    fn finish(self, at_least: usize, exceptions: &[(&'static str, usize)]) {
        let shown = self.differences.iter().take(Self::SHOWN).cloned().collect::<Vec<_>>().join("\n");
        let count = self.differences.len();
        assert!(count == 0, "{count} of {} differ:\n{shown}", self.compared);
        assert!(self.compared >= at_least, "only {} were compared", self.compared);
        assert_eq!(self.exceptions, exceptions.iter().copied().collect(), "other exceptions than expected");
    }
}
