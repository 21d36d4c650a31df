//! An index of one's own: behind a password, a private certificate authority, a proxy. No secret is in anything that is
//! printed or left.

use insta::assert_snapshot;
use mlresolve_testkit::{
    Certificates, Credentials, IndexServer, ProxyServer, ServerOptions, Sidecars, TlsFront, Universe,
};
use tempfile::TempDir;

use crate::support::{Project, Run, locked_packages};

const RELEASES: &str = "app 1.0: web>=2\nweb 1.0 2.0";
const USER: &str = "reader";
const PASSWORD: &str = "canary-of-the-index";
const PROXY_PASSWORD: &str = "canary-of-the-proxy";
const SIGNATURE: &str = "canary-of-the-signature";

/// A project that needs `app`, beside an index that asks for a password, has signed addresses, and speaks TLS.
struct Private {
    project: Project,
    front: TlsFront,
    /// Files with secrets in them, outside of what is searched for secrets.
    vault: TempDir,
}

impl Private {
    fn new() -> Self {
        Self::asking_for_certificate(false)
    }

    fn asking_for_certificate(asks: bool) -> Self {
        let options = ServerOptions {
            credentials: Some(Credentials::new(USER, PASSWORD)),
            files_query: format!("?X-Amz-Signature={SIGNATURE}"),
            ..ServerOptions::default()
        };
        let index = IndexServer::start_with(Universe::new().text(RELEASES), options);
        let certificates = Certificates::for_server(&["127.0.0.1", "index.example"]);
        let front = TlsFront::start(index.address(), &certificates, asks);
        let project = Project::beside(index);
        project.write("requirements.txt", "app\n");
        let private = Self { project, front, vault: TempDir::new().unwrap() };
        private.keep("authority.pem", &certificates.authority);
        private.keep("client.pem", &certificates.client);
        private.keep("netrc", &format!("machine 127.0.0.1 login {USER} password {PASSWORD}\n"));
        private
    }

    /// Keeps a file in the vault.
    fn keep(&self, name: &str, text: &str) -> String {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn file(&self, name: &str) -> String {
        self.vault.path().join(name).display().to_string()
    }

    /// The address of the index, with this before its host.
    fn address(&self, userinfo: &str) -> String {
        format!("https://{userinfo}{}/simple/", self.front.address())
    }

    /// Locks as loudly as can be with these arguments, beside variables that name the authority and the netrc file.
    fn lock(&self, userinfo: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let (authority, netrc) = (self.file("authority.pem"), self.file("netrc"));
        let usual = [("SSL_CERT_FILE", authority.as_str()), ("NETRC", netrc.as_str())];
        self.lock_bare(userinfo, arguments, &[&usual, variables].concat())
    }

    /// As [`Self::lock`], without those variables.
    fn lock_bare(&self, userinfo: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let address = self.address(userinfo);
        let index = [("MLRESOLVE_INDEX_URL", address.as_str())];
        let run =
            self.project.run_with(&[&["lock", "-vv"], arguments].concat(), &[&index, variables].concat());
        self.project.assert_hidden(&run, &[PASSWORD, PROXY_PASSWORD, SIGNATURE, "wrong-secret"]);
        let basic = [(USER, PASSWORD), (USER, PROXY_PASSWORD), (USER, "wrong-secret")];
        for (user, password) in basic {
            let header = Credentials::new(user, password).authorization();
            let encoded = header.trim_start_matches("Basic ").trim_end_matches('=');
            self.project.assert_hidden(&run, &[encoded]);
        }
        run
    }

    /// A run that fails: its end, as a snapshot may hold it.
    fn failure(&self, run: &Run) -> String {
        let host = self.front.address().to_string();
        let text = run.snapshot().replace(&host, "[PRIVATE]").replace(&self.file(""), "[VAULT]/");
        assert!(!self.project.path("pylock.toml").exists(), "{text}");
        let said: Vec<&str> = text
            .lines()
            .filter(|line| ["exit", "error", "hint"].iter().any(|word| line.starts_with(word)))
            .collect();
        said.join("\n")
    }

    #[track_caller]
    fn assert_locked(&self, run: Run) {
        run.success();
        let lock = self.project.raw("pylock.toml");
        assert_eq!(locked_packages(&lock), ["app 1.0", "web 2.0"]);
        std::fs::remove_file(self.project.path("pylock.toml")).unwrap();
    }
}

#[test]
fn a_password_comes_from_the_address_or_from_netrc() {
    let private = Private::new();
    private.assert_locked(private.lock("", &[], &[]));
    private.assert_locked(private.lock(&format!("{USER}@"), &["--refresh"], &[]));
    let nowhere = [("NETRC", "/nowhere")];
    private.assert_locked(private.lock(&format!("{USER}:{PASSWORD}@"), &["--refresh"], &nowhere));
    let at_home = private.project.path("../.netrc");
    std::fs::copy(private.file("netrc"), &at_home).unwrap();
    let address = private.address("");
    let authority = private.file("authority.pem");
    let run = private.project.run_with(&["lock", "--refresh", "-i", &address, "--cert", &authority], &[]);
    private.assert_locked(run);
}

#[test]
fn metadata_and_wheels_are_fetched_with_the_password_too() {
    let private = Private::new();
    let credentials = Some(Credentials::new(USER, PASSWORD));
    let options = ServerOptions { credentials, sidecars: Sidecars::Off, ..ServerOptions::default() };
    private.project.index.set_options(options);
    private.assert_locked(private.lock("", &[], &[]));
}

#[test]
fn a_password_that_is_wrong_or_not_there() {
    let private = Private::new();
    assert_snapshot!(private.failure(&private.lock(&format!("{USER}:wrong-secret@"), &[], &[])), @"
    exit code 5
    error: index https://****@[PRIVATE]/simple/ refused access to https://[PRIVATE]/simple/app/ (HTTP status 401): it does not accept the credentials in its address
    hint: put user and password into ~/.netrc or the index's address (https://user:password@…), or ask keyring with --keyring-provider subprocess
    ");
    private.keep("netrc", &format!("machine 127.0.0.1 login {USER} password wrong-secret"));
    assert_snapshot!(private.failure(&private.lock("", &[], &[])), @"
    exit code 5
    error: index https://[PRIVATE]/simple/ refused access to https://[PRIVATE]/simple/app/ (HTTP status 401): it does not accept the credentials in [VAULT]/netrc
    hint: put user and password into ~/.netrc or the index's address (https://user:password@…), or ask keyring with --keyring-provider subprocess
    ");
    private.keep("netrc", &format!("machine 127.0.0.1 login {USER} pasword {PASSWORD}"));
    assert_snapshot!(private.failure(&private.lock("", &[], &[])), @"
    exit code 5
    error: index https://[PRIVATE]/simple/ refused access to https://[PRIVATE]/simple/app/ (HTTP status 401): it was asked without credentials; [VAULT]/netrc cannot be used: line 1: a word that means nothing there
    hint: put user and password into ~/.netrc or the index's address (https://user:password@…), or ask keyring with --keyring-provider subprocess
    ");
}

#[test]
fn the_authority_of_the_index_has_to_be_known() {
    let private = Private::new();
    let netrc = private.file("netrc");
    let netrc = [("NETRC", netrc.as_str())];
    assert_snapshot!(private.failure(&private.lock_bare("", &[], &netrc)), @"
    exit code 5
    error: no secure connection to https://[PRIVATE]/simple/app/: error sending request: client error (Connect): invalid peer certificate: UnknownIssuer
    hint: name the certificate of a private authority with --cert or SSL_CERT_FILE, and a client's own with --client-cert
    ");
    let other = private.keep("other.pem", &Certificates::for_server(&["127.0.0.1"]).authority);
    assert_snapshot!(private.failure(&private.lock_bare("", &["--cert", &other], &netrc)), @"
    exit code 5
    error: no secure connection to https://[PRIVATE]/simple/app/: error sending request: client error (Connect): invalid peer certificate: BadSignature
    hint: name the certificate of a private authority with --cert or SSL_CERT_FILE, and a client's own with --client-cert
    ");

    let authority = private.file("authority.pem");
    for variable in ["MLRESOLVE_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"] {
        let variables = [netrc[0], (variable, authority.as_str())];
        private.assert_locked(private.lock_bare("", &["--refresh"], &variables));
    }
    let folder = private.vault.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(&authority, folder.join("0a1b2c3d.0")).unwrap();
    let folder = folder.display().to_string();
    private.assert_locked(private.lock_bare("", &["--refresh"], &[netrc[0], ("SSL_CERT_DIR", &folder)]));
}

#[test]
fn certificates_that_cannot_be_used_are_not_replaced_by_others() {
    let private = Private::new();
    let missing = private.file("missing.pem");
    assert_snapshot!(private.failure(&private.lock("", &[], &[("SSL_CERT_FILE", &missing)])), @"
    exit code 2
    error: cannot use the certificates in [VAULT]/missing.pem: No such file or directory (os error 2)
    hint: the file was named by --cert, --client-cert, SSL_CERT_FILE, SSL_CERT_DIR, SSL_CLIENT_CERT or a variable of pip or curl; no other certificates were trusted instead
    ");
    let empty = private.keep("empty.pem", "");
    assert_snapshot!(private.failure(&private.lock("", &["--cert", &empty], &[])), @"
    exit code 2
    error: cannot use the certificates in [VAULT]/empty.pem: there is no certificate in PEM form
    hint: the file was named by --cert, --client-cert, SSL_CERT_FILE, SSL_CERT_DIR, SSL_CLIENT_CERT or a variable of pip or curl; no other certificates were trusted instead
    ");
    let no_key = private.file("authority.pem");
    assert_snapshot!(private.failure(&private.lock("", &["--client-cert", &no_key], &[])), @"
    exit code 2
    error: cannot use the certificates in [VAULT]/authority.pem: it does not hold a certificate and its private key, both in PEM form and not encrypted
    hint: the file was named by --cert, --client-cert, SSL_CERT_FILE, SSL_CERT_DIR, SSL_CLIENT_CERT or a variable of pip or curl; no other certificates were trusted instead
    ");
}

#[test]
fn an_index_that_asks_for_a_certificate_gets_it() {
    let private = Private::asking_for_certificate(true);
    // Where in the exchange the refusal is met is a matter of time.
    let refused = private.failure(&private.lock("", &[], &[]));
    assert!(
        refused.starts_with("exit code 5\nerror: no secure connection to https://[PRIVATE]/simple/app/"),
        "{refused}"
    );
    assert!(
        refused.contains("received fatal alert: CertificateRequired\nhint: name the certificate of"),
        "{refused}"
    );
    let client = private.file("client.pem");
    private.assert_locked(private.lock("", &["--client-cert", &client], &[]));
    private.assert_locked(private.lock("", &["--refresh"], &[("SSL_CLIENT_CERT", &client)]));
}

#[test]
fn a_host_that_is_trusted_by_name_needs_no_authority() {
    let private = Private::new();
    let netrc = private.file("netrc");
    let netrc = [("NETRC", netrc.as_str())];
    private.assert_locked(private.lock_bare("", &["--allow-insecure-host", "127.0.0.1"], &netrc));
    let wrong_port = private.lock_bare("", &["--trusted-host", "127.0.0.1:1", "--refresh"], &netrc);
    assert_eq!(wrong_port.code(), 5);
    let host = private.front.address();
    private.project.write("requirements.txt", &format!("--trusted-host {host}\napp\n"));
    private.assert_locked(private.lock_bare("", &["--refresh"], &netrc));
}

/// A `keyring` that gives the password for one user and notes how it was asked.
#[cfg(unix)]
fn keyring(private: &Private, script: &str) -> String {
    use std::os::unix::fs::PermissionsExt as _;
    let asked = private.file("asked");
    let program = private.keep("keyring", &format!("#!/bin/sh\necho \"$*\" >> '{asked}'\n{script}\n"));
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let system = std::env::var("PATH").unwrap_or_default();
    format!("{}:{system}", private.vault.path().display())
}

#[cfg(unix)]
#[test]
fn keyring_is_asked_once_and_only_where_a_password_is_missing() {
    let private = Private::new();
    let path = keyring(
        &private,
        &format!("case \"$*\" in *://*) exit 1;; *creds*) echo {USER};; esac\necho {PASSWORD}"),
    );
    let asked = || {
        let asked = std::fs::read_to_string(private.file("asked")).unwrap_or_default();
        drop(std::fs::remove_file(private.file("asked")));
        asked.replace(&private.front.address().to_string(), "[HOST]")
    };
    let variables = [("PATH", path.as_str()), ("NETRC", "/nowhere")];
    let disabled = private.lock(&format!("{USER}@"), &[], &variables);
    assert_eq!(disabled.code(), 5);
    assert_eq!(asked(), "");

    // A user without a password: keyring comes before the index.
    let on = ["--refresh", "--keyring-provider", "subprocess"];
    private.assert_locked(private.lock(&format!("{USER}@"), &on, &variables));
    assert_snapshot!(asked(), @"
    get https://[HOST]/simple/ reader
    get https://[HOST]/simple reader
    get [HOST] reader
    ");
    // Nobody: the index is asked first, and keyring after it refused.
    private.assert_locked(private.lock(
        "",
        &["--refresh"],
        &[&variables[..], &[("UV_KEYRING_PROVIDER", "subprocess")]].concat(),
    ));
    assert_snapshot!(asked(), @"
    --mode creds get https://[HOST]/simple/
    --mode creds get https://[HOST]/simple
    --mode creds get [HOST]
    ");
    // A user and a password that will do.
    private.assert_locked(private.lock(&format!("{USER}:{PASSWORD}@"), &on, &variables));
    assert_eq!(asked(), "");
}

#[cfg(unix)]
#[test]
fn a_keyring_that_does_not_help_is_named() {
    let private = Private::new();
    let on = ["--keyring-provider", "subprocess"];
    let path = keyring(&private, "exit 1");
    let variables = [("PATH", path.as_str()), ("NETRC", "/nowhere")];
    assert_snapshot!(private.failure(&private.lock("", &on, &variables)), @"
    exit code 5
    error: index https://[PRIVATE]/simple/ refused access to https://[PRIVATE]/simple/app/ (HTTP status 401): it was asked without credentials; keyring knows none for it
    hint: put user and password into ~/.netrc or the index's address (https://user:password@…), or ask keyring with --keyring-provider subprocess
    ");
    let path = keyring(&private, "echo wrong-secret");
    let variables = [("PATH", path.as_str()), ("NETRC", "/nowhere")];
    assert_snapshot!(private.failure(&private.lock(&format!("{USER}@"), &on, &variables)), @"
    exit code 5
    error: index https://****@[PRIVATE]/simple/ refused access to https://[PRIVATE]/simple/app/ (HTTP status 401): it does not accept the credentials that keyring gave
    hint: put user and password into ~/.netrc or the index's address (https://user:password@…), or ask keyring with --keyring-provider subprocess
    ");
    let variables = [("PATH", "/nowhere"), ("NETRC", "/nowhere")];
    assert_snapshot!(private.failure(&private.lock("", &on, &variables)), @"
    exit code 5
    error: index https://[PRIVATE]/simple/ refused access to https://[PRIVATE]/simple/app/ (HTTP status 401): it was asked without credentials; keyring cannot be run: No such file or directory (os error 2)
    hint: put user and password into ~/.netrc or the index's address (https://user:password@…), or ask keyring with --keyring-provider subprocess
    ");
}

#[test]
fn a_proxy_leads_to_the_index() {
    let private = Private::new();
    private.keep("netrc", &format!("machine index.example login {USER} password {PASSWORD}\n"));
    let (authority, netrc) = (private.file("authority.pem"), private.file("netrc"));
    let lock = |index: &str, proxy: &str, variable: &str| {
        let variables = [
            ("MLRESOLVE_INDEX_URL", index),
            ("SSL_CERT_FILE", authority.as_str()),
            ("NETRC", netrc.as_str()),
            (variable, proxy),
        ];
        let run = private.project.run_with(&["lock", "-vv", "--refresh"], &variables);
        private.project.assert_hidden(&run, &[PASSWORD, PROXY_PASSWORD, SIGNATURE]);
        run
    };
    let credentials = Credentials::new(USER, PROXY_PASSWORD);
    // Tunnels for https, requests for http.
    let tunnel = ProxyServer::start(private.front.address(), Some(credentials.clone()));
    let plain = ProxyServer::start(private.project.index.address(), Some(credentials));
    let with_password = |proxy: &ProxyServer| format!("http://{USER}:{PROXY_PASSWORD}@{}", proxy.address());
    let (https, http) = ("https://index.example/simple/", "http://index.example/simple/");
    private.assert_locked(lock(https, &with_password(&tunnel), "HTTPS_PROXY"));
    private.assert_locked(lock(http, &with_password(&plain), "http_proxy"));
    private.assert_locked(lock(https, &with_password(&tunnel), "ALL_PROXY"));
    private.assert_locked(lock(https, &with_password(&tunnel), "MLRESOLVE_PROXY"));
    assert_eq!(tunnel.requests()[0], "CONNECT index.example:443");
    assert_eq!(plain.requests()[0], "GET http://index.example/simple/app/");

    assert_snapshot!(private.failure(&lock(https, &tunnel.address().to_string(), "HTTPS_PROXY")), @"
    exit code 5
    error: the proxy on the way to https://index.example/simple/app/ refused us (HTTP status 407)
    hint: put user and password into the proxy's address: http://user:password@…
    ");
    assert_snapshot!(private.failure(&lock(http, &format!("http://{}", plain.address()), "HTTP_PROXY")), @"
    exit code 5
    error: the proxy on the way to http://index.example/simple/app/ refused us (HTTP status 407)
    hint: put user and password into the proxy's address: http://user:password@…
    ");
    let malformed = format!("http://{USER}:{PROXY_PASSWORD}@proxy.example:port");
    assert_snapshot!(private.failure(&lock(https, &malformed, "HTTPS_PROXY")), @"
    exit code 2
    error: HTTPS_PROXY: not the address of a proxy (invalid port number); one is given as http://host:port
    ");
}

#[test]
fn what_is_reached_without_a_proxy_is_not_asked_through_one() {
    let private = Private::new();
    // The variables of the tests' program except this address from proxies.
    private.assert_locked(private.lock("", &["--proxy", "http://127.0.0.1:9"], &[]));
    let proxied = private.lock("", &["--refresh"], &[("NO_PROXY", ""), ("ALL_PROXY", "http://127.0.0.1:9")]);
    assert_eq!(proxied.code(), 5);
}

#[test]
fn credentials_stay_with_their_index() {
    let private = Private::new();
    let files = IndexServer::start(Universe::new().text(RELEASES));
    let credentials = Some(Credentials::new(USER, PASSWORD));
    let files_url = files.url("/files/");
    private.project.index.set_options(ServerOptions { credentials, files_url, ..ServerOptions::default() });
    let address = private.project.index.index_url();
    let netrc = private.file("netrc");
    let variables = [("MLRESOLVE_INDEX_URL", address.as_str()), ("NETRC", netrc.as_str())];
    private.assert_locked(private.project.run_with(&["lock"], &variables));
    let requests = files.requests();
    assert!(!requests.is_empty());
    assert!(requests.iter().all(|request| request.header("authorization").is_none()), "{requests:?}");

    // A host of files that wants them as well is told apart from an index that refuses them.
    files.set_options(ServerOptions {
        credentials: Some(Credentials::new(USER, PASSWORD)),
        ..ServerOptions::default()
    });
    let refused = private.project.run_with(&["lock", "--no-cache"], &variables);
    assert_eq!(refused.code(), 5, "{}", refused.snapshot());
    assert!(refused.stderr().contains("another host than the index, where its credentials do not go"));
}
