//! The layer of what is around the packages: the environment itself, a user without rights, and that user's home.

use mlresolve_layers::{Content, LayerFile, Mode, Owner};

use crate::error::Error;

/// The home of the user that the container runs as.
pub(crate) const HOME: &str = "/home/app";

/// The name of that user.
pub(crate) const USER_NAME: &str = "app";

/// The Python of an image that the environment uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BasePython {
    /// The executable itself, behind all links: `/usr/bin/python3.11`.
    pub(crate) executable: String,
    /// Such as `3.11` or `3.13t`.
    pub(crate) version: String,
}

/// The files of the layer. `passwd` and `group` are the base's own, empty where it has none.
pub(crate) fn files(
    prefix: &str,
    python: &BasePython,
    user: u32,
    passwd: &str,
    group: &str,
) -> Result<Vec<LayerFile>, Error> {
    let prefix = prefix.trim_start_matches('/');
    let (home, _) = python
        .executable
        .rsplit_once('/')
        .ok_or_else(|| Error::Internal(format!("{} is no path of an executable", python.executable)))?;
    let link = |name: &str, to: &str| {
        let path = format!("{prefix}/bin/{name}");
        LayerFile::new(path, Mode::Executable, Content::Symlink(to.to_owned()))
    };
    let text =
        |path: &str, text: String| LayerFile::new(path, Mode::Plain, Content::Bytes(text.into_bytes()));
    let own = |path: &str| {
        let path = path.trim_start_matches('/');
        let owner = Owner { user, group: 0 };
        LayerFile { owner, ..LayerFile::new(path, Mode::GroupWritable, Content::Directory) }
    };
    // PEP 405: where the Python is that the environment is for, and that its packages alone are seen.
    let home = if home.is_empty() { "/" } else { home };
    let configuration = format!(
        "home = {home}\ninclude-system-site-packages = false\nversion = {}\n",
        python.version.trim_end_matches('t')
    );
    let mut files = vec![
        text(&format!("{prefix}/pyvenv.cfg"), configuration),
        link("python", &python.executable),
        link("python3", "python"),
        link(&format!("python{}", python.version), "python"),
        own(HOME),
        own(&format!("{HOME}/.cache")),
    ];
    if let Some(passwd) = with_user(passwd, user) {
        files.push(text("etc/passwd", passwd));
    }
    if group.is_empty() {
        files.push(text("etc/group", "root:x:0:\n".to_owned()));
    }
    Ok(files)
}

/// `/etc/passwd` with a line for the user, unless it has one.
fn with_user(passwd: &str, user: u32) -> Option<String> {
    let number = user.to_string();
    if passwd.lines().any(|line| line.split(':').nth(2) == Some(&number)) {
        return None;
    }
    let mut passwd = match passwd {
        "" => "root:x:0:0:root:/root:/bin/sh\n".to_owned(),
        passwd => passwd.to_owned(),
    };
    if !passwd.ends_with('\n') {
        passwd.push('\n');
    }
    // The name may be taken by another number.
    let taken = passwd.lines().any(|line| line.split(':').next() == Some(USER_NAME));
    let name = if taken { format!("{USER_NAME}{user}") } else { USER_NAME.to_owned() };
    if user != 0 {
        passwd.push_str(&format!("{name}:x:{user}:0:{USER_NAME}:{HOME}:/bin/false\n"));
    }
    Some(passwd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_added_once_and_to_what_is_there() {
        let debian = "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin";
        let line = "app:x:65532:0:app:/home/app:/bin/false\n";
        assert_eq!(with_user(debian, 65532), Some(format!("{debian}\n{line}")));
        assert_eq!(with_user(line, 65532), None);
        assert_eq!(with_user("", 65532), Some(format!("root:x:0:0:root:/root:/bin/sh\n{line}")));
        let taken = "app:x:7:7::/:/bin/sh\n";
        assert_eq!(
            with_user(taken, 1000),
            Some(format!("{taken}app1000:x:1000:0:app:/home/app:/bin/false\n"))
        );
        assert_eq!(with_user("root:x:0:0:root:/root:/bin/sh\n", 0), None);
    }

    #[test]
    fn the_environment_is_that_of_the_base_s_python() {
        let python = BasePython { executable: "/usr/bin/python3.13t".into(), version: "3.13t".into() };
        let files = files("/opt/venv", &python, 65532, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n").unwrap();
        let shown: Vec<String> = files
            .iter()
            .map(|file| match &file.content {
                Content::Symlink(to) => format!("{} -> {to}", file.path),
                Content::Bytes(bytes) => format!("{}: {}", file.path, String::from_utf8_lossy(bytes)),
                _ => format!("{} {:o} {}:{}", file.path, file.mode.bits(), file.owner.user, file.owner.group),
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @"
        opt/venv/pyvenv.cfg: home = /usr/bin
        include-system-site-packages = false
        version = 3.13

        opt/venv/bin/python -> /usr/bin/python3.13t
        opt/venv/bin/python3 -> python
        opt/venv/bin/python3.13t -> python
        home/app 775 65532:0
        home/app/.cache 775 65532:0
        etc/passwd: root:x:0:0::/:/bin/sh
        app:x:65532:0:app:/home/app:/bin/false
        ");
    }
}
