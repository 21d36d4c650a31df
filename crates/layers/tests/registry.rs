//! Images of registries: a registry on loopback that is good, strange or hostile.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod making;
mod serving;

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use making::{MANIFEST, Made, amd64, layer};
use mlresolve_layers::Digest;
use mlresolve_layers::oci::{BaseImage, Layout, Platform};
use mlresolve_layers::registry::{
    ATTEMPTS, Client, Credentials, Reference, RegistryError, Request, Response, Secret, Transport,
    TransportError,
};
use serde_json::json;
use serving::{Answer, Plain, Seen, Server, stored};
use tempfile::TempDir;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// An image in a registry, and an empty layout.
struct Setting {
    folder: TempDir,
    root: PathBuf,
    /// What the tag stands for.
    tagged: String,
    into: Layout,
}

fn setting() -> Setting {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("registry"));
    let (mut amd, mut arm) = (made.image("amd64", &["one", "two"]), made.image("arm64", &["arm"]));
    amd["platform"] = json!({"os": "linux", "architecture": "amd64"});
    arm["platform"] = json!({"os": "linux", "architecture": "arm64", "variant": "v8"});
    let list =
        made.document(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [amd, arm]}));
    let into = Layout::create(folder.path().join("into")).unwrap();
    Setting { root: made.root, tagged: list["digest"].as_str().unwrap().to_owned(), folder, into }
}

impl Setting {
    /// A registry that has the image, where `change` may answer otherwise.
    fn serve(&self, change: impl Fn(&Seen, usize, Answer) -> Answer + Send + 'static) -> Server {
        let (root, tagged) = (self.root.clone(), self.tagged.clone());
        Server::start(move |seen, number| change(seen, number, stored(&root, &tagged, seen)))
    }

    fn pull(&self, server: &Server) -> Result<BaseImage, RegistryError> {
        self.pull_as(server, None)
    }

    fn pull_as(&self, server: &Server, credentials: Option<Credentials>) -> Result<BaseImage, RegistryError> {
        let (plain, find) = (Plain::default(), move |_: &Reference| credentials.clone());
        Client::new(&plain, &find).pull(&server.image("team/base:1"), &amd64(), &self.into)
    }

    /// The digest of the blob of the first layer.
    fn first_layer(&self) -> Digest {
        let server = self.serve(|_, _, answer| answer);
        let into = Layout::create(self.folder.path().join("elsewhere")).unwrap();
        let (plain, none) = (Plain::default(), |_: &Reference| None);
        let image = Client::new(&plain, &none).pull(&server.image("team/base:1"), &amd64(), &into).unwrap();
        image.layers[0].descriptor.digest
    }
}

fn password() -> Option<Credentials> {
    Some(Credentials::Password { user: "user".to_owned(), password: Secret::new("hunter2") })
}

#[track_caller]
fn check(image: &BaseImage) {
    let mut archive = Vec::new();
    image.read_layer(1).unwrap().read_to_end(&mut archive).unwrap();
    assert_eq!(archive, layer("two"));
    assert_eq!(image.layers.len(), 2);
}

#[test]
fn an_image_is_pulled_and_pinned() {
    let setting = setting();
    let server = setting.serve(|_, _, answer| answer);
    let image = setting.pull(&server).unwrap();
    check(&image);
    assert_eq!(image.name, format!("{}/team/base:1", server.address));
    assert_eq!(image.pinned, Some(format!("{}/team/base:1@{}", server.address, setting.tagged)));
    assert_ne!(image.digest.to_string(), setting.tagged);
    // The list, the manifest, the configuration and two layers.
    assert_eq!(server.paths().len(), 5);
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_empty()));

    // Once more: only the tag is asked for.
    assert_eq!(setting.pull(&server).unwrap().layers, image.layers);
    assert_eq!(server.paths()[5..], ["/v2/team/base/manifests/1"]);
    // By its digest, nothing is.
    let pinned: Reference = image.pinned.unwrap().parse().unwrap();
    let (plain, none) = (Plain::default(), |_: &Reference| None);
    check(&Client::new(&plain, &none).pull(&pinned, &amd64(), &setting.into).unwrap());
    assert_eq!(server.paths().len(), 6);
    // What was damaged is fetched again.
    let blob = setting.into.blob_path(&image.layers[1].descriptor.digest);
    std::fs::write(&blob, "damaged").unwrap();
    check(&setting.pull(&server).unwrap());
}

#[test]
fn a_platform_that_is_not_there() {
    let setting = setting();
    let server = setting.serve(|_, _, answer| answer);
    let (plain, none) = (Plain::default(), |_: &Reference| None);
    let client = Client::new(&plain, &none);
    let image = server.image("team/base:1");
    assert_eq!(client.pull(&image, &Platform::linux("arm64"), &setting.into).unwrap().layers.len(), 1);
    let error = client.pull(&image, &Platform::linux("s390x"), &setting.into).unwrap_err().to_string();
    assert!(error.contains("has no image for linux/s390x; it has: linux/amd64 sha256:"), "{error}");
    assert!(error.contains("linux/arm64/v8"), "{error}");
    let error = client.pull(&server.image("team/base:2"), &amd64(), &setting.into).unwrap_err().to_string();
    // What the registry says is shown without what would speak to a terminal.
    let expected = format!(
        "{0} has no {0}/team/base:2 (manifest unknown[31m); look at its name and tag",
        server.address
    );
    assert_eq!(error, expected);
}

/// A registry that wants a token, and the service that gives it.
fn guarded(setting: &Setting, realm_of: impl Fn(&Seen) -> String + Send + 'static) -> Server {
    setting.serve(move |seen, _, answer| {
        if let Some(query) = seen.path.strip_prefix("/token") {
            let good = match seen.method.as_str() {
                "POST" => {
                    seen.body.contains("grant_type=refresh_token")
                        && seen.body.contains("refresh_token=id-token")
                }
                // user:hunter2
                _ => {
                    matches!(seen.header("authorization"), "" | "Basic dXNlcjpodW50ZXIy")
                        && query.contains("scope=repository%3Ateam%2Fbase%3Apull")
                }
            };
            let named = !seen.header("authorization").is_empty() || seen.method == "POST";
            let token = if named { "named" } else { "anonymous" };
            return if good {
                Answer::new(200, format!(r#"{{"token":"{token}"}}"#))
            } else {
                Answer::new(401, "")
            };
        }
        if seen.header("authorization") == "Bearer named" {
            return answer;
        }
        let challenge =
            format!(r#"Bearer realm="{}",service="here",scope="repository:team/base:pull""#, realm_of(seen));
        Answer::new(401, r#"{"errors":[{"code":"UNAUTHORIZED","message":""}]}"#)
            .with("WWW-Authenticate", challenge)
    })
}

fn own_realm(seen: &Seen) -> String {
    format!("http://{}/token", seen.header("host"))
}

#[test]
fn a_token_is_fetched_once() {
    for credentials in [password(), Some(Credentials::IdentityToken(Secret::new("id-token")))] {
        let setting = setting();
        let server = guarded(&setting, own_realm);
        check(&setting.pull_as(&server, credentials).unwrap());
        let tokens = server.paths().iter().filter(|path| *path == "/token").count();
        // A refused request, the token, and the five of the image.
        assert_eq!((tokens, server.paths().len()), (1, 7));
    }
    let setting = setting();
    let server = guarded(&setting, own_realm);
    let token = Credentials::RegistryToken(Secret::new("named"));
    check(&setting.pull_as(&server, Some(token)).unwrap());
    assert!(!server.paths().contains(&"/token".to_owned()));
}

#[test]
fn a_token_that_runs_out_is_fetched_anew() {
    let setting = setting();
    let server = setting.serve(|seen, number, answer| {
        if seen.path.starts_with("/token") {
            return Answer::new(200, format!(r#"{{"access_token":"t{number}"}}"#));
        }
        // Tokens are for three requests.
        let given: Option<usize> =
            seen.header("authorization").strip_prefix("Bearer t").map(|at| at.parse().unwrap());
        match given {
            Some(given) if number <= given + 3 => answer,
            _ => Answer::new(401, "")
                .with("WWW-Authenticate", format!(r#"Bearer realm="{}""#, own_realm(seen))),
        }
    });
    check(&setting.pull(&server).unwrap());
    assert_eq!(server.paths().iter().filter(|path| *path == "/token").count(), 2);
}

#[test]
fn who_may_not_see_an_image_is_told_what_to_do() {
    let setting = setting();
    let server = guarded(&setting, own_realm);
    let error = setting.pull(&server).unwrap_err().to_string();
    let image = format!("{0} does not give out {0}/team/base:1", server.address);
    assert_eq!(
        error,
        format!(
            "{image} (UNAUTHORIZED): it is not there, or is not for everyone; log in with `docker login` or `podman login`"
        )
    );
    let wrong = Credentials::Password { user: "user".to_owned(), password: Secret::new("wrong-secret") };
    let error = setting.pull_as(&server, Some(wrong)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{image}: it is not there, or the credentials are not good for it; log in anew")
    );
    assert!(!format!("{error:?}").contains("wrong-secret"));
}

#[test]
fn basic_is_enough_for_some() {
    let setting = setting();
    let server = setting.serve(|seen, _, answer| match seen.header("authorization") {
        "Basic dXNlcjpodW50ZXIy" => answer,
        _ => Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
    });
    check(&setting.pull_as(&server, password()).unwrap());
    assert!(matches!(setting.pull(&server), Err(RegistryError::Denied { .. })));
}

#[test]
fn blobs_on_other_hosts_see_no_secret() {
    let setting = setting();
    let (root, tagged) = (setting.root.clone(), setting.tagged.clone());
    let store = Server::start(move |seen, _| {
        let path = seen.path.split('?').next().unwrap().to_owned();
        stored(&root, &tagged, &Seen { path, ..seen.clone() })
    });
    let elsewhere = store.address;
    let server = setting.serve(move |seen, _, answer| {
        if seen.header("authorization") != "Basic dXNlcjpodW50ZXIy" {
            return Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\"");
        }
        if !seen.path.contains("/blobs/") {
            return answer;
        }
        Answer::new(307, "").with("Location", format!("http://{elsewhere}{}?signature=secret", seen.path))
    });
    check(&setting.pull_as(&server, password()).unwrap());
    assert_eq!(store.seen().len(), 3);
    assert!(store.seen().iter().all(|seen| !seen.headers.contains_key("authorization")));

    // Where the other host refuses, its address, which is a secret, is not shown.
    let setting = self::setting();
    let store = Server::start(|_, _| Answer::new(403, "<Error>"));
    let elsewhere = store.address;
    let server = setting.serve(move |seen, _, answer| {
        if !seen.path.contains("/blobs/") {
            return answer;
        }
        Answer::new(302, "").with("Location", format!("//{elsewhere}/x?signature=secret"))
    });
    let error = setting.pull(&server).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("signature"), "{error:?}");
    assert!(error.to_string().contains(&elsewhere.to_string()), "{error}");
}

#[test]
fn redirects_without_end_and_to_nowhere() {
    let setting = setting();
    for (location, problem) in [
        ("/v2/again", "it redirects more than REDIRECTS_LIMIT = 10 times"),
        ("file:///etc/passwd", "it redirects to what is not HTTPS"),
        ("http://user:secret@127.0.0.1/", "it redirects to what is not HTTPS"),
        ("http://", "it redirects to nowhere"),
    ] {
        let server = setting.serve(move |_, _, _| Answer::new(302, "").with("Location", location));
        let error = setting.pull(&server).unwrap_err().to_string();
        assert_eq!(error, format!("{} does not speak as a registry: {problem}", server.address));
    }
}

#[test]
fn what_breaks_off_goes_on() {
    let setting = setting();
    let first = setting.first_layer().to_string();
    // Each answer brings fifty bytes and no more.
    let server = setting.serve(move |seen, _, answer| {
        let cut = seen.path.ends_with(&first).then(|| answer.body.len().min(50));
        Answer { cut, ..answer }
    });
    check(&setting.pull(&server).unwrap());
    let ranges: Vec<String> = server.seen().iter().map(|seen| seen.header("range").to_owned()).collect();
    assert!(
        ranges.contains(&"bytes=50-".to_owned()) && ranges.contains(&"bytes=100-".to_owned()),
        "{ranges:?}"
    );
}

#[test]
fn registries_that_cannot_go_on_begin_anew() {
    let setting = setting();
    let first = setting.first_layer().to_string();
    type Change = fn(&Seen, Answer) -> Answer;
    let whole: Change = |_, answer| answer;
    let other_range: Change =
        |_, answer| Answer { headers: vec![("Content-Range", "bytes 1-2/3".to_owned())], ..answer };
    let none: Change = |_, _| Answer::new(416, "");
    // Bytes that belong to something else, under the right range.
    let mixed: Change = |_, answer| Answer { body: vec![0; answer.body.len()], ..answer };
    for (name, change) in
        [("other range", other_range), ("no range", none), ("mixed", mixed), ("good", whole)]
    {
        let first = first.clone();
        let server = setting.serve(move |seen, _, answer| {
            if !seen.path.ends_with(&first) {
                return answer;
            }
            if !seen.headers.contains_key("range") {
                return Answer { cut: Some(70), ..answer };
            }
            change(seen, answer)
        });
        let result = setting.pull(&server);
        let asked = server.paths().iter().filter(|path| path.contains("/blobs/")).count();
        match name {
            "good" => check(&result.unwrap()),
            "mixed" => assert!(
                matches!(result, Err(RegistryError::Digest { .. } | RegistryError::Broken { .. })),
                "{result:?}"
            ),
            _ => assert!(matches!(result, Err(RegistryError::Broken { .. })), "{name}: {result:?}"),
        }
        assert!(asked <= 3 + 2 * ATTEMPTS as usize, "{name}: {asked}");
    }
}

#[test]
fn busy_registries_are_waited_for() {
    let setting = setting();
    let server = setting.serve(|_, number, answer| match number {
        0 => Answer::new(429, "").with("Retry-After", "7"),
        1 => Answer::new(503, ""),
        2 => Answer { cut: Some(10), ..answer },
        _ => answer,
    });
    let (plain, none) = (Plain::default(), |_: &Reference| None);
    let image = Client::new(&plain, &none).pull(&server.image("team/base:1"), &amd64(), &setting.into);
    check(&image.unwrap());
    assert_eq!(
        *plain.waits.borrow(),
        [Duration::from_secs(7), Duration::from_secs(2), Duration::from_secs(4)]
    );

    let server = setting.serve(|_, _, _| {
        Answer::new(429, r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#)
            .with("Retry-After", "99999")
    });
    let plain = Plain::default();
    let result = Client::new(&plain, &none).pull(&server.image("team/base:1"), &amd64(), &setting.into);
    let error = result.unwrap_err().to_string();
    assert!(
        error.ends_with(
            "takes no more requests for now (slow down); wait, or log in, which registries allow more"
        ),
        "{error}"
    );
    assert_eq!(server.seen().len(), ATTEMPTS as usize);
    assert_eq!(*plain.waits.borrow(), [Duration::from_secs(60); ATTEMPTS as usize - 1]);
}

#[test]
fn bytes_that_are_others() {
    let setting = setting();
    let first = setting.first_layer().to_string();
    let blob = first.clone();
    let layer = setting.serve(move |seen, _, mut answer| {
        if seen.path.ends_with(&blob) {
            answer.body[20] ^= 1;
        }
        answer
    });
    let tag = setting.serve(|_, _, answer| Answer { body: [answer.body, b" ".to_vec()].concat(), ..answer });
    let manifest = setting.serve(|seen, _, answer| match seen.path.ends_with("/manifests/1") {
        true => answer,
        false => Answer { body: [answer.body, b" ".to_vec()].concat(), ..answer },
    });
    let longer = setting.serve(|_, _, _| Answer::new(200, vec![b' '; 4 * 1024 * 1024 + 1]));
    for (name, server, problem) in [
        ("a layer", layer, "sent something else for "),
        ("a tag", tag, "sent something else for "),
        ("a manifest", manifest, "sent something else for "),
        ("too long", longer, "DOCUMENT_BYTES_LIMIT"),
    ] {
        // With a layout of its own, so that nothing is there already.
        let into = Layout::create(setting.into.root().join(name)).unwrap();
        let (plain, none) = (Plain::default(), |_: &Reference| None);
        let result = Client::new(&plain, &none).pull(&server.image("team/base:1"), &amd64(), &into);
        let error = result.unwrap_err().to_string();
        assert!(error.contains(problem), "{name}: {error}");
        assert_whole(&into);
    }
}

/// Holds each blob of a layout to its name.
#[track_caller]
fn assert_whole(layout: &Layout) {
    for blob in std::fs::read_dir(layout.root().join("blobs/sha256")).unwrap().map(Result::unwrap) {
        let digest = Digest::of(&std::fs::read(blob.path()).unwrap());
        assert_eq!(blob.file_name().to_str().unwrap(), digest.hex());
    }
}

#[test]
fn an_image_without_a_list() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::new(folder.path().join("registry"));
    let image = made.image("amd64", &["one", "two"]);
    assert_eq!(image["mediaType"], MANIFEST);
    let tagged = image["digest"].as_str().unwrap().to_owned();
    let root = made.root.clone();
    let answered = tagged.clone();
    let server = Server::start(move |seen, _| stored(&root, &answered, seen));
    let into = Layout::create(folder.path().join("into")).unwrap();
    let (plain, none) = (Plain::default(), |_: &Reference| None);
    let client = Client::new(&plain, &none);
    let pulled = client.pull(&server.image("team/base:1"), &amd64(), &into).unwrap();
    check(&pulled);
    assert_eq!(pulled.digest.to_string(), tagged);
    let error = client.pull(&server.image("team/base:1"), &Platform::linux("arm64"), &into).unwrap_err();
    assert!(error.to_string().contains("no image for linux/arm64; it has: linux/amd64"), "{error}");
}

/// `MLRESOLVE_IMAGE=127.0.0.1:5000/team/base:1` names an image in a registry that runs here.
#[test]
#[ignore = "needs a registry with an image"]
fn an_image_of_a_registry_that_is_not_ours() {
    let name: Reference = std::env::var("MLRESOLVE_IMAGE").unwrap().parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let into = Layout::create(folder.path()).unwrap();
    let (plain, none) = (Plain::default(), |_: &Reference| None);
    let image = Client::new(&plain, &none).pull(&name, &amd64(), &into).unwrap();
    for index in 0..image.layers.len() {
        assert!(!image.list_layer(index, &mut |_, _, _| Ok(None)).unwrap().entries.is_empty());
    }
    let missing = format!("{}/{}:no-such-tag", name.host(), name.repository()).parse().unwrap();
    let error = Client::new(&plain, &none).pull(&missing, &amd64(), &into).unwrap_err();
    assert!(matches!(error, RegistryError::NotFound { .. }), "{error}");
}

/// Answers without a network.
struct Told<F>(F);

impl<F: Fn(&Request) -> Result<Response, TransportError>> Transport for Told<F> {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        (self.0)(request)
    }

    fn wait(&self, _: Duration) -> Result<(), TransportError> {
        Err(TransportError { problem: "it is given up".to_owned(), again: false })
    }
}

fn answered(status: u16, headers: &[(&str, &str)]) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: Box::new(&b"{}"[..]) }
}

/// The addresses that are asked for an image, and the error.
fn told(
    image: &str,
    insecure: &[&str],
    answer: impl Fn(&Request) -> Result<Response, TransportError>,
) -> (Vec<String>, String) {
    let asked = std::cell::RefCell::new(Vec::new());
    let transport = Told(|request: &Request| {
        asked.borrow_mut().push(format!("{request:?}"));
        answer(request)
    });
    let find = |_: &Reference| password();
    let client = Client::new(&transport, &find).insecure(insecure.iter().map(|host| (*host).to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let into = Layout::create(folder.path()).unwrap();
    let error = client.pull(&image.parse().unwrap(), &amd64(), &into).unwrap_err();
    let text = format!("{error}");
    assert!(!format!("{error:?} {text} {asked:?} {client:?}").contains("hunter2"));
    (asked.into_inner(), text)
}

#[test]
fn addresses() {
    let hub = ["docker", "io"].join(".");
    for (image, insecure, url) in [
        ("python:3.12", "", format!("https://registry-1.{hub}/v2/library/python/manifests/3.12")),
        ("registry.example/a/b", "", "https://registry.example/v2/a/b/manifests/latest".to_owned()),
        (
            "registry.example:5000/a",
            "registry.example:5000",
            "http://registry.example:5000/v2/a/manifests/latest".to_owned(),
        ),
        (
            "registry.example:5000/a",
            "registry.example",
            "http://registry.example:5000/v2/a/manifests/latest".to_owned(),
        ),
        (
            "registry.example:5000/a",
            "other.example",
            "https://registry.example:5000/v2/a/manifests/latest".to_owned(),
        ),
        ("localhost:5000/a", "", "http://localhost:5000/v2/a/manifests/latest".to_owned()),
        ("localhost.example/a", "", "https://localhost.example/v2/a/manifests/latest".to_owned()),
        ("127.9.9.9/a", "", "http://127.9.9.9/v2/a/manifests/latest".to_owned()),
        ("[::1]:5000/a", "", "http://[::1]:5000/v2/a/manifests/latest".to_owned()),
    ] {
        let (asked, _) = told(image, &[insecure], |_| Ok(answered(404, &[])));
        assert_eq!(asked, [format!("GET {url}")]);
    }
}

#[test]
fn hostile_challenges_get_no_secret() {
    let challenge = |value: &'static str| {
        told("registry.example/a", &[], move |_| Ok(answered(401, &[("WWW-Authenticate", value)])))
    };
    for (value, problem) in [
        ("Bearer realm=\"http://auth.example/token\"", "not reached by HTTPS"),
        ("Bearer realm=\"file:///etc/passwd\"", "not reached by HTTPS"),
        ("Bearer realm=\"/token\"", "not reached by HTTPS"),
        ("Digest realm=\"x\"", "not how that is said"),
    ] {
        let (asked, error) = challenge(value);
        assert_eq!(asked.len(), 1, "{value}");
        assert!(error.contains(problem), "{value}: {error}");
    }
    // A token that would be two headers.
    let (_, error) = told("registry.example/a", &[], |request| {
        if request.url.contains("auth.example") {
            let body: &[u8] = br#"{"token":"a\r\nX-Evil: 1"}"#;
            return Ok(Response { body: Box::new(body), ..answered(200, &[]) });
        }
        Ok(answered(401, &[("WWW-Authenticate", "Bearer realm=\"https://auth.example/token\"")]))
    });
    assert!(error.contains("characters that no token has"), "{error}");
}

#[test]
fn networks_that_fail() {
    let failing = |again| {
        told("registry.example/a", &[], move |_| {
            Err(TransportError { problem: "no route to host".to_owned(), again })
        })
    };
    let (asked, error) = failing(false);
    assert_eq!((asked.len(), error.as_str()), (1, "cannot reach registry.example: no route to host"));
    // Whoever waits may give up.
    let (asked, error) = failing(true);
    assert_eq!((asked.len(), error.as_str()), (1, "cannot reach registry.example: it is given up"));
}
