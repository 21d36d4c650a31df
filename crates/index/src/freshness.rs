//! How long a page may be used without asking again (RFC 9111), and how to ask whether it changed (RFC 9110
//! §13).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::{Deserialize, Serialize};

/// What an index said about the life of a page. Times are seconds since 1970.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Freshness {
    etag: Option<String>,
    last_modified: Option<String>,
    fetched_at: i64,
    fresh_until: i64,
}

/// What the headers of an answer say about keeping it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Keep {
    /// It may not be stored.
    No,
    /// It may.
    Yes(Freshness),
}

impl Freshness {
    /// Whether the page can be used without asking. A page from the future is not fresh: the clock went
    /// back, and how old it is cannot be known.
    pub(crate) fn is_fresh(&self, now: i64) -> bool {
        self.fetched_at <= now && now < self.fresh_until
    }

    /// The headers that ask for the page only if it has changed.
    pub(crate) fn condition(&self) -> HeaderMap {
        let condition = |name: HeaderName, value: &Option<String>| {
            Some((name, HeaderValue::from_str(value.as_deref()?).ok()?))
        };
        let conditions = [
            condition(header::IF_NONE_MATCH, &self.etag),
            condition(header::IF_MODIFIED_SINCE, &self.last_modified),
        ];
        conditions.into_iter().flatten().collect()
    }

    /// The same page after the index said that it has not changed (304).
    pub(crate) fn renewed(self, headers: &HeaderMap, now: i64, default_max_age: Duration) -> Keep {
        match Keep::from_headers(headers, now, default_max_age) {
            Keep::No => Keep::No,
            Keep::Yes(new) => Keep::Yes(Self {
                etag: new.etag.or(self.etag),
                last_modified: new.last_modified.or(self.last_modified),
                ..new
            }),
        }
    }
}

impl Keep {
    /// Reads `Cache-Control`, `Age`, `ETag` and `Last-Modified`. `default_max_age` holds for a page without
    /// `Cache-Control`; one that has it but no `max-age` is stored and never fresh.
    pub(crate) fn from_headers(headers: &HeaderMap, now: i64, default_max_age: Duration) -> Self {
        let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.trim().to_owned());
        let mut max_age: i64 = match headers.contains_key(header::CACHE_CONTROL) {
            true => 0,
            false => default_max_age.as_secs().try_into().unwrap_or(i64::MAX),
        };
        let mut no_cache = false;
        for value in headers.get_all(header::CACHE_CONTROL) {
            for directive in value.to_str().unwrap_or_default().split(',') {
                let directive = directive.trim().to_ascii_lowercase();
                match directive.split_once('=').unwrap_or((&directive, "")) {
                    ("no-store", _) => return Self::No,
                    ("no-cache", _) => no_cache = true,
                    ("max-age", seconds) => max_age = seconds.trim_matches('"').parse().unwrap_or(0),
                    _ => {}
                }
            }
        }
        let age: i64 = text(header::AGE).and_then(|age| age.parse().ok()).unwrap_or(0);
        let life = if no_cache { 0 } else { max_age.saturating_sub(age.max(0)) };
        Self::Yes(Freshness {
            etag: text(header::ETAG),
            last_modified: text(header::LAST_MODIFIED),
            fetched_at: now,
            fresh_until: now.saturating_add(life),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn kept(pairs: &[(&'static str, &str)]) -> Freshness {
        match Keep::from_headers(&headers(pairs), 1000, Duration::ZERO) {
            Keep::Yes(freshness) => freshness,
            Keep::No => panic!("not kept"),
        }
    }

    #[test]
    fn a_page_is_fresh_for_max_age_less_the_age_it_came_with() {
        let page = kept(&[("cache-control", "public, max-age=600"), ("age", "100")]);
        assert!(page.is_fresh(1000) && page.is_fresh(1499) && !page.is_fresh(1500));
        assert!(!page.is_fresh(999), "the clock went back");
    }

    #[test]
    fn without_a_promise_a_page_is_asked_for_again() {
        for pairs in [
            &[][..],
            &[("cache-control", "no-cache, max-age=600")],
            &[("cache-control", "max-age=soon")],
            &[("cache-control", "max-age=600"), ("age", "601")],
            &[("cache-control", "s-maxage=600")],
        ] {
            assert!(!kept(pairs).is_fresh(1000), "{pairs:?}");
        }
        assert!(kept(&[("cache-control", "Max-Age=\"9223372036854775807\"")]).is_fresh(i64::MAX - 1));
        assert_eq!(
            Keep::from_headers(&headers(&[("cache-control", "no-store")]), 0, Duration::ZERO),
            Keep::No
        );
    }

    #[test]
    fn a_304_renews_and_keeps_what_it_does_not_repeat() {
        let page = kept(&[("etag", "\"a\""), ("last-modified", "Sat, 21 Nov 2026 12:00:00 GMT")]);
        assert_eq!(page.condition().len(), 2);
        let Keep::Yes(renewed) =
            page.renewed(&headers(&[("cache-control", "max-age=10")]), 2000, Duration::ZERO)
        else {
            panic!("not kept")
        };
        assert!(renewed.is_fresh(2009));
        assert_eq!(renewed.condition()[header::IF_NONE_MATCH], "\"a\"");
    }

    #[test]
    fn the_default_holds_only_where_nothing_is_said() {
        let fresh = |pairs: &[(&'static str, &str)]| {
            let default = Duration::from_secs(60);
            let keep = Keep::from_headers(&headers(pairs), 1000, default);
            matches!(keep, Keep::Yes(page) if page.is_fresh(1059) && !page.is_fresh(1060))
        };
        assert!(fresh(&[("etag", "\"a\"")]));
        for said in ["no-cache", "public", "max-age=10"] {
            assert!(!fresh(&[("cache-control", said)]), "{said}");
        }
    }
}
