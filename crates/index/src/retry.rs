//! When a failed request is worth another try, and how long to wait before it.

use std::error::Error;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;

/// The longest wait that a server's `Retry-After` can ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);
/// The longest wait between two tries when the server asks for none.
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// Whether a status says that the same request may succeed later.
pub(crate) fn is_transient_status(status: StatusCode) -> bool {
    matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) || status.is_server_error()
}

/// Whether a failure to get an answer may go away: connections that break do, a certificate that does not
/// verify and a request that cannot be built do not.
pub(crate) fn is_transient_error(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<rustls::Error>() {
            return false;
        }
        // An I/O error leaves out the error that it wraps when it is asked for its source.
        cause = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    !error.is_builder()
}

/// The wait before the try that follows `failures` failed ones: it doubles, up to a bound. There is no
/// randomness, so that a run can be repeated.
pub(crate) fn backoff(first: Duration, failures: u32) -> Duration {
    first.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_BACKOFF.max(first))
}

/// The wait that a `Retry-After` header asks for (RFC 9110 §10.2.3: seconds, or a date), at most a minute.
/// `None` if there is none, or none that can be read.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Digits that do not fit are more than any bound.
        Duration::from_secs(if text.is_empty() { return None } else { text.parse().unwrap_or(u64::MAX) })
    } else {
        let until = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Option<Duration> {
        let now = "2026-11-21T12:00:00Z".parse().unwrap();
        retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]), now)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_has_a_bound() {
        assert_eq!(after("3"), Some(Duration::from_secs(3)));
        assert_eq!(after("0"), Some(Duration::ZERO));
        assert_eq!(after("Sat, 21 Nov 2026 12:00:07 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sat, 21 Nov 2026 11:00:00 GMT"), Some(Duration::ZERO));
        for long in ["1000000000", "99999999999999999999999999", "Sat, 21 Nov 2099 12:00:07 GMT"] {
            assert_eq!(after(long), Some(LONGEST_RETRY_AFTER), "{long}");
        }
        for garbage in ["", "-3", "soon", "3.5"] {
            assert_eq!(after(garbage), None, "{garbage}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn the_statuses_worth_another_try() {
        let transient: Vec<u16> = (100..=599)
            .filter(|status| is_transient_status(StatusCode::from_u16(*status).unwrap()))
            .filter(|status| *status < 500)
            .collect();
        assert_eq!(transient, [408, 429]);
        assert!(is_transient_status(StatusCode::BAD_GATEWAY));
    }

    #[test]
    fn the_wait_doubles_up_to_a_bound() {
        let first = Duration::from_millis(250);
        let waits: Vec<u128> = (1..=7).map(|failures| backoff(first, failures).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(backoff(first, u32::MAX), LONGEST_BACKOFF);
    }
}
