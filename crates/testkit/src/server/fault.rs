//! What can go wrong, and where it does.

use std::time::Duration;

use super::matches;

/// A way to misbehave, set for a path with [`IndexServer::fault`](super::IndexServer::fault).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A status with an empty body.
    Status(u16),
    /// A status, such as 429 or 503, with `Retry-After` in seconds.
    RetryAfter {
        /// The status.
        status: u16,
        /// The value of `Retry-After`.
        seconds: u64,
    },
    /// A redirect; the location may be a path on this server or an address on another.
    Redirect {
        /// The status: 301, 302, 303, 307 or 308.
        status: u16,
        /// The value of `Location`.
        location: String,
    },
    /// The connection is reset before a byte of the answer.
    Reset,
    /// All bytes are promised, the first `keep` are sent, and the connection breaks.
    Truncated {
        /// How many bytes are sent.
        keep: usize,
    },
    /// The body comes one byte at a time.
    Slow {
        /// The wait after each byte.
        interval: Duration,
    },
    /// The body is followed by spaces without end.
    Endless,
    /// The body has one bit wrong, in the middle.
    Corrupt,
    /// The body is sent under another content type.
    ContentType(String),
    /// Another body is sent, with status 200.
    Body {
        /// Its content type.
        content_type: String,
        /// The body.
        bytes: Vec<u8>,
    },
    /// The body is compressed, with `Content-Encoding: gzip`.
    Gzip,
    /// A gzip body that inflates to this many zeros is sent, with `Content-Encoding: gzip`.
    GzipBomb {
        /// Size of the inflated body in bytes.
        inflated: u64,
    },
    /// The page gives every file a SHA-256 that is not its own.
    WrongHashes,
}

/// Faults in the order they were set.
#[derive(Debug, Default)]
pub(crate) struct FaultRules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    /// How many times more; `None` is for ever.
    left: Option<u32>,
    fault: Fault,
}

impl FaultRules {
    pub(crate) fn add(&mut self, pattern: &str, times: Option<u32>, fault: Fault) {
        self.rules.push(Rule { pattern: pattern.to_owned(), left: times, fault });
    }

    /// The fault for a request, which counts as one use of it.
    pub(crate) fn take(&mut self, path: &str) -> Option<Fault> {
        let rule = self.rules.iter_mut().find(|rule| rule.left != Some(0) && matches(&rule.pattern, path))?;
        if let Some(left) = &mut rule.left {
            *left -= 1;
        }
        Some(rule.fault.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_wear_off_in_order() {
        let mut rules = FaultRules::default();
        rules.add("/simple/a/", Some(1), Fault::Status(500));
        rules.add("/simple/*", Some(1), Fault::Reset);
        rules.add("/simple/a/", None, Fault::Endless);
        assert_eq!(rules.take("/files/a"), None);
        assert_eq!(rules.take("/simple/a/"), Some(Fault::Status(500)));
        assert_eq!(rules.take("/simple/a/"), Some(Fault::Reset));
        assert_eq!(rules.take("/simple/b/"), None);
        assert_eq!(rules.take("/simple/a/"), Some(Fault::Endless));
        assert_eq!(rules.take("/simple/a/"), Some(Fault::Endless));
    }
}
