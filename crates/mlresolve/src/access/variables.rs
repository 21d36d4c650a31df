//! What environment variables say of the way to an index: the ones that curl, OpenSSL, pip and uv share.

use std::ffi::OsString;
use std::path::PathBuf;

use mlresolve_index::{Proxies, ProxyUrl};

use super::{Access, KeyringProvider};
use crate::error::Error;

/// A file of certificates to trust, the first that is set.
const CERTIFICATES: [&str; 4] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"];

/// Lower case comes first, as with curl and Python.
const PROXIES: [&str; 8] = [
    "https_proxy",
    "HTTPS_PROXY",
    "http_proxy",
    "HTTP_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
];

impl Access {
    /// Takes from the environment what was not said yet: `NETRC`, `HOME` with its `.netrc`, `SSL_CERT_FILE`,
    /// `SSL_CERT_DIR`, `REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`, `PIP_CERT`, `SSL_CLIENT_CERT`, `UV_KEYRING_PROVIDER`,
    /// `PIP_KEYRING_PROVIDER` and the variables of proxies. `variable` gives the value of a variable.
    ///
    /// # Errors
    /// [`Error::Input`] for a value that means nothing.
    pub fn take_variables(&mut self, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<(), Error> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| set(name).map(|value| value.to_string_lossy().into_owned());
        if self.netrc.is_empty() {
            let of_home = |home: OsString| [".netrc", "_netrc"].map(|name| PathBuf::from(&home).join(name));
            self.netrc = match set("NETRC") {
                Some(path) => vec![path.into()],
                None => set("HOME").map(of_home).into_iter().flatten().collect(),
            };
        }
        if self.certificates.is_none() && self.certificate_dirs.is_empty() {
            // A folder without a file beside it stands for itself, before the variables of other programs.
            let folders = set("SSL_CERT_DIR");
            let names = if folders.is_some() { &CERTIFICATES[..1] } else { &CERTIFICATES };
            self.certificates = names.iter().find_map(|name| set(name)).map(PathBuf::from);
            self.certificate_dirs =
                folders.iter().flat_map(|folders| std::env::split_paths(folders)).collect();
        }
        if self.client_certificate.is_none() {
            self.client_certificate = set("SSL_CLIENT_CERT").map(PathBuf::from);
        }
        for name in ["UV_KEYRING_PROVIDER", "PIP_KEYRING_PROVIDER"] {
            if let (KeyringProvider::Disabled, Some(value)) = (self.keyring, text(name)) {
                self.keyring = KeyringProvider::parse(name, &value)?;
            }
        }
        if self.proxy_variables.is_empty() {
            let there = PROXIES.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?)));
            self.proxy_variables = there.collect();
        }
        Ok(())
    }
}

impl KeyringProvider {
    /// Reads a provider by the names that pip and uv have for it. `place` is where it stands.
    ///
    /// # Errors
    /// [`Error::Input`] for another name.
    pub fn parse(place: &str, text: &str) -> Result<Self, Error> {
        match text.trim() {
            "disabled" | "auto" => Ok(Self::Disabled),
            "subprocess" | "import" => Ok(Self::Subprocess),
            _ => Err(Error::input(place, "not a provider of passwords; there is disabled and subprocess")),
        }
    }
}

/// The proxies: the one that was named, or those of the variables. Either way `NO_PROXY` holds.
pub(super) fn proxies(access: &Access) -> Result<Proxies, Error> {
    let variable = |kind: &str| {
        let mut variables = access.proxy_variables.iter();
        variables
            .find(|(name, _)| name.eq_ignore_ascii_case(kind))
            .map(|(name, value)| (name.as_str(), value))
    };
    let named = access.proxy.as_ref().map(|url| ("proxy", url));
    let url = |kind: &str| -> Result<Option<ProxyUrl>, Error> {
        let Some((place, text)) = named.or_else(|| variable(kind)).or_else(|| variable("ALL_PROXY")) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|error| Error::input(place, error))
    };
    let except = variable("NO_PROXY").map(|(_, value)| value.clone());
    Ok(Proxies { http: url("HTTP_PROXY")?, https: url("HTTPS_PROXY")?, except })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(variables: &[(&str, &str)]) -> Result<Access, Error> {
        let mut access = Access::default();
        let find = |name: &str| variables.iter().find(|(known, _)| *known == name);
        access.take_variables(&|name| find(name).map(|(_, value)| value.into()))?;
        Ok(access)
    }

    fn ok(variables: &[(&str, &str)]) -> Access {
        taken(variables).unwrap()
    }

    #[test]
    fn netrc_is_where_the_variable_says_or_at_home() {
        assert_eq!(ok(&[("HOME", "/home/ann"), ("NETRC", "/n")]).netrc, [PathBuf::from("/n")]);
        let at_home = ["/home/ann/.netrc", "/home/ann/_netrc"].map(PathBuf::from);
        assert_eq!(ok(&[("HOME", "/home/ann")]).netrc, at_home);
    }

    #[test]
    fn variables_of_other_programs_count_where_ours_are_absent() {
        let certificates = |variables: &[(&str, &str)]| {
            let access = ok(variables);
            (access.certificates, access.certificate_dirs)
        };
        let (ssl, pip) = (("SSL_CERT_FILE", "/ssl.pem"), ("PIP_CERT", "/pip.pem"));
        assert_eq!(certificates(&[ssl, pip]), (Some("/ssl.pem".into()), vec![]));
        assert_eq!(certificates(&[("SSL_CERT_FILE", ""), pip]), (Some("/pip.pem".into()), vec![]));
        let folders = ("SSL_CERT_DIR", "/a:/b");
        assert_eq!(certificates(&[folders, pip]), (None, vec!["/a".into(), "/b".into()]));
        assert_eq!(ok(&[("PIP_KEYRING_PROVIDER", "subprocess")]).keyring, KeyringProvider::Subprocess);
        let wrong = taken(&[("UV_KEYRING_PROVIDER", "magic")]).err().unwrap().to_string();
        assert_eq!(
            wrong,
            "UV_KEYRING_PROVIDER: not a provider of passwords; there is disabled and subprocess"
        );
    }

    #[test]
    fn a_proxy_is_chosen_by_scheme_and_a_wrong_one_is_named() {
        let shown = |variables: &[(&str, &str)]| {
            let proxies = proxies(&ok(variables)).unwrap();
            [proxies.http, proxies.https]
                .map(|proxy| proxy.map(|proxy| proxy.to_string()).unwrap_or_default())
        };
        let (lower, all) = (("https_proxy", "http://lower.example:1"), ("ALL_PROXY", "all.example:2"));
        assert_eq!(shown(&[]), ["", ""]);
        assert_eq!(
            shown(&[("HTTPS_PROXY", "http://upper.example:1"), lower, all]),
            ["http://all.example:2/", "http://lower.example:1/"]
        );
        let wrong = ok(&[("HTTPS_PROXY", "http://ann:hunter2@proxy.example:port")]);
        let error = proxies(&wrong).err().unwrap().to_string();
        assert_eq!(
            error,
            "HTTPS_PROXY: not the address of a proxy (invalid port number); one is given as http://host:port"
        );
    }
}
