//! Times that a user sets.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};

/// A time before which a file must have been uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeLimit {
    /// As the user wrote it.
    pub(crate) text: String,
    /// Files uploaded at this time or later are not seen.
    pub(crate) instant: Timestamp,
}

impl TimeLimit {
    /// Reads a time (RFC 3339), a date, which means up to the end of that day in UTC, or an age such as `7 days`.
    pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Self, String> {
        let trimmed = text.trim();
        let instant = if let Ok(instant) = trimmed.parse::<Timestamp>() {
            Some(instant)
        } else if let Ok(date) = trimmed.parse::<Date>() {
            let next = date.tomorrow().ok();
            next.and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|zoned| zoned.timestamp())
        } else if let Ok(age) = trimmed.parse::<Span>() {
            before(now, age)
        } else {
            None
        };
        match instant {
            Some(instant) => Ok(Self { text: trimmed.to_owned(), instant }),
            None => Err(format!(
                "{trimmed:?} is no time: give a time such as 2026-11-15T00:00:00Z, a date such as 2026-11-15, or an \
                 age such as \"7 days\""
            )),
        }
    }
}

fn before(now: Timestamp, age: Span) -> Option<Timestamp> {
    let age = age.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    now.checked_sub(age.abs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Result<String, String> {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        TimeLimit::parse(text, now).map(|limit| limit.instant.to_string())
    }

    #[test]
    fn times_dates_and_ages_are_read() {
        assert_eq!(limit("2026-11-15T00:00:00Z").unwrap(), "2026-11-15T00:00:00Z");
        assert_eq!(limit("2026-11-15T02:00:00+02:00").unwrap(), "2026-11-15T00:00:00Z");
        assert_eq!(limit("2026-11-15").unwrap(), "2026-11-16T00:00:00Z");
        assert_eq!(limit("7 days").unwrap(), "2026-11-13T12:00:00Z");
        assert_eq!(limit("36 hours").unwrap(), "2026-11-19T00:00:00Z");
        assert_eq!(limit("P3D").unwrap(), "2026-11-17T12:00:00Z");
        assert_eq!(limit("2 weeks").unwrap(), "2026-11-06T12:00:00Z");
        assert!(limit("yesterday").unwrap_err().contains("is no time"));
        assert!(limit("").is_err());
    }
}
