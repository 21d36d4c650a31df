//! A project in a temporary folder, and the program run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mlresolve_testkit::{IndexServer, Recording, Universe};
use tempfile::TempDir;

/// A project's folder with a cache of its own, beside an index.
pub(crate) struct Project {
    folder: TempDir,
    pub(crate) index: IndexServer,
}

/// The releases of [`locked`].
const RELEASES: &str = "
app 1.0: web>=2, tools[fast]
web 1.0
web 2.0: http
web 2.1: http>=1.1
http 1.0
http 1.1
tools 1.0: http; [fast] speedups
speedups 0.9
torch 2.9.1: http; size 899750000
new-package 3.0
";

/// A project whose lock has a few packages, one of them large and one needed by several.
pub(crate) fn locked() -> Project {
    let project = Project::new(RELEASES);
    project.write("requirements.txt", "app\ntorch\n").run("lock").success();
    project
}

/// A sequence of numbers from 0 to 1 that is the same in every run (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(((mixed ^ (mixed >> 31)) >> 32) as u32) / f64::from(u32::MAX)
    }
}

/// What a run of the program printed.
pub(crate) struct Run {
    output: Output,
    replacements: Vec<(String, &'static str)>,
}

impl Project {
    /// An empty project beside an index of these releases, in the text form of [`Universe::text`].
    pub(crate) fn new(releases: &str) -> Self {
        Self::beside(IndexServer::start(Universe::new().text(releases)))
    }

    /// An empty project beside this index.
    pub(crate) fn beside(index: IndexServer) -> Self {
        Self { folder: TempDir::new().unwrap(), index }
    }

    /// An empty project beside the replay of a recording, named without its suffix.
    pub(crate) fn replaying(recording: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
        let recording = Recording::load(folder.join(format!("{recording}.jsonl.zst"))).unwrap();
        Self::beside(IndexServer::replay(&recording))
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Reads a file of the project, as it may stand in a snapshot.
    pub(crate) fn read(&self, name: &str) -> String {
        self.filtered(&std::fs::read_to_string(self.path(name)).unwrap())
    }

    /// Reads a file of the project as it is.
    pub(crate) fn raw(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("project").join(name)
    }

    /// Runs the program in the project with this index and these arguments, divided by spaces.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        self.run_with(&arguments, &[])
    }

    /// Runs the program with these arguments and environment variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        self.run_of(self.command(arguments, variables).output().unwrap())
    }

    /// What a run of the program printed, with what is this project's taken out.
    pub(crate) fn run_of(&self, output: Output) -> Run {
        Run { output, replacements: self.replacements() }
    }

    /// Runs the program with these arguments and variables and no index of our own, so that other settings count.
    pub(crate) fn run_without_index(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let output = self.command(arguments, variables).env_remove("MLRESOLVE_INDEX_URL").output().unwrap();
        Run { output, replacements: self.replacements() }
    }

    /// The program with these arguments and environment variables, to be run or spawned.
    pub(crate) fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let project = self.folder.path().join("project");
        std::fs::create_dir_all(&project).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_mlresolve"));
        command
            .args(arguments)
            .current_dir(project)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("MLRESOLVE_CACHE_DIR", self.cache())
            .env("MLRESOLVE_INDEX_URL", self.index.index_url())
            // The settings of whoever runs the tests are none of the tests' business.
            .env("PIP_CONFIG_FILE", "/dev/null")
            .env("UV_NO_CONFIG", "1")
            .env("NO_PROXY", "127.0.0.1")
            .envs(variables.iter().copied());
        command
    }

    /// Checks that these secrets are in nothing that a run printed, and in no name or content of a file that is left in
    /// the project or the cache.
    #[track_caller]
    pub(crate) fn assert_hidden(&self, run: &Run, secrets: &[&str]) {
        self.assert_hidden_in_output(run, secrets);
        let mut folders = vec![self.cache(), self.path("")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                let bytes = if path.is_dir() { Vec::new() } else { std::fs::read(&path).unwrap() };
                for secret in secrets {
                    let name = path.as_os_str().as_encoded_bytes();
                    assert!(
                        !holds(name, secret) && !holds(&bytes, secret),
                        "{secret} is in {}",
                        path.display()
                    );
                }
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
    }

    /// Checks that these secrets are in nothing that a run printed, where files of the project have to hold them.
    #[track_caller]
    pub(crate) fn assert_hidden_in_output(&self, run: &Run, secrets: &[&str]) {
        for secret in secrets {
            for bytes in [&run.output.stdout, &run.output.stderr] {
                assert!(!holds(bytes, secret), "{secret} is printed: {}", run.snapshot());
            }
        }
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn filtered(&self, text: &str) -> String {
        filter(text, &self.replacements())
    }

    fn replacements(&self) -> Vec<(String, &'static str)> {
        let shown = |path: &Path| path.display().to_string();
        let canonical = self.folder.path().canonicalize().unwrap();
        vec![
            (self.index.origin().trim_end_matches('/').to_owned(), "[INDEX]"),
            (shown(&canonical), "[DIR]"),
            (shown(self.folder.path()), "[DIR]"),
        ]
    }
}

impl Run {
    /// The whole of what was printed, with the exit code, for a snapshot.
    pub(crate) fn snapshot(&self) -> String {
        let code = self.output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
        let part = |name: &str, bytes: &[u8]| {
            let text = filter(&String::from_utf8_lossy(bytes), &self.replacements);
            if text.is_empty() { String::new() } else { format!("--- {name}\n{text}") }
        };
        let (stdout, stderr) = (part("stdout", &self.output.stdout), part("stderr", &self.output.stderr));
        format!("exit code {code}\n{stdout}{stderr}")
    }

    /// The exit code.
    pub(crate) fn code(&self) -> i32 {
        self.output.status.code().unwrap()
    }

    /// Standard output as it is.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.output.stdout.clone()).unwrap()
    }

    /// Standard error as it is.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.output.stderr.clone()).unwrap()
    }

    /// The same run, after checking that it ended well.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert_eq!(self.code(), 0, "{}", self.snapshot());
        self
    }
}

/// Whether bytes hold a text.
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|at| at == text.as_bytes())
}

/// The packages of a lock as `name version`, in its order.
pub(crate) fn locked_packages(lock: &str) -> Vec<String> {
    let packages = lock.split("\n[[packages]]\n").skip(1);
    let field = |package: &str, key: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")).unwrap();
        line.trim_end_matches('"').to_owned()
    };
    packages.map(|package| format!("{} {}", field(package, "name"), field(package, "version"))).collect()
}

/// Takes out what differs from run to run: folders, ports, times, sizes in bytes of built wheels stay.
fn filter(text: &str, replacements: &[(String, &'static str)]) -> String {
    let mut text = text.to_owned();
    for (from, to) in replacements {
        text = text.replace(from.as_str(), to);
    }
    let lines = text.lines().map(without_seconds).map(|line| without_digest(&line));
    let joined = lines.collect::<Vec<_>>().join("\n");
    if text.ends_with('\n') { format!("{joined}\n") } else { joined }
}

/// `…, 0.03 s` at the end of a line.
fn without_seconds(line: &str) -> String {
    let Some(rest) = line.strip_suffix(" s") else { return line.to_owned() };
    let digits = |character: char| character.is_ascii_digit() || character == '.';
    let head = rest.trim_end_matches(digits);
    if head.len() == rest.len() { line.to_owned() } else { format!("{head}[TIME] s") }
}

/// The digest of a lock's input covers the index's address, and with it a port that changes.
fn without_digest(line: &str) -> String {
    if line.starts_with("input-digest = ") {
        "input-digest = \"[DIGEST]\"".to_owned()
    } else {
        line.to_owned()
    }
}
