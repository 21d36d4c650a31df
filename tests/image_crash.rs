//! Builds that are killed, interrupted, or run out of room: what is seen is the old image, the new one, or none.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mlresolve::layers::oci::{Layout, write_archive};
use mlresolve_testkit::{Fault, IndexServer, Latency, ServerOptions, Universe, WheelBuilder};

use crate::bases::{files_below, noise, python_and, read, unfinished, write_base};
use crate::support::{Project, Random, Run};

/// How many runs are killed while they work.
const KILLS: u32 = 50;
/// How many are interrupted.
const INTERRUPTS: u32 = 12;
/// How many runs may be tried for each that is hit: how long one takes depends on what else the machine does.
const TRIES: u32 = 20;
/// Names the sequence of delays.
const SEED: u64 = 20_261_123;
/// What every answer of the index takes.
const LATENCY: Duration = Duration::from_millis(20);
/// When a run counts as hanging.
const HANGS: Duration = Duration::from_secs(60);
/// How much of a wheel is noise.
const WHEEL_BYTES: usize = 2_500_000;

fn universe() -> Universe {
    let wheel = |name: &str, version: &str, seed: u64| {
        let file = format!("{name}/data.bin");
        WheelBuilder::new(name, version).file(&file, noise(seed, WHEEL_BYTES)).build()
    };
    Universe::new()
        .distribution("model", wheel("model", "1.0", 1))
        .distribution("model", wheel("model", "2.0", 2))
        .distribution("weights", wheel("weights", "1.0", 3))
        .distribution("tools", wheel("tools", "1.0", 4))
}

/// Two locks, a base, and the images that undisturbed runs make of them.
struct Setting {
    project: Project,
    /// How long a run takes without a cache, and with one.
    times: [Duration; 2],
}

/// The two forms of an image.
const OUTPUTS: [&str; 2] = ["image", "out/image.tar"];

impl Setting {
    fn new() -> Self {
        let options = ServerOptions { latency: Latency::Fixed(LATENCY), ..ServerOptions::default() };
        let project = Project::beside(IndexServer::start_with(universe(), options));
        write_base(&project.path("base"), &python_and("usr/share/noise", noise(5, 1_000_000)));
        for folder in ["out", "old", "new"] {
            std::fs::create_dir_all(project.path(folder)).unwrap();
        }
        for (state, requirements) in [("old", "model==1.0\nweights\n"), ("new", "model\nweights\ntools\n")] {
            project.write("requirements.txt", requirements);
            project.run(&format!("lock -o pylock.{state}.toml")).success();
            for output in ["image", "image.tar"] {
                let arguments = format!("build pylock.{state}.toml --base base -o {state}/{output}");
                project.run(&arguments).success();
            }
            assert_eq!(
                read(&project.path(&format!("{state}/image"))).digest,
                read(&project.path(&format!("{state}/image.tar"))).digest
            );
        }
        let timed = |arguments: &str| {
            let started = Instant::now();
            project.run(arguments).success();
            started.elapsed()
        };
        std::fs::remove_dir_all(project.cache()).unwrap();
        let times =
            ["cold", "warm"].map(|name| timed(&format!("build pylock.new.toml --base base -o {name}")));
        for name in ["cold", "warm"] {
            std::fs::remove_dir_all(project.path(name)).unwrap();
        }
        Self { project, times }
    }

    fn arguments(output: &str) -> [&str; 6] {
        ["build", "pylock.new.toml", "--base", "base", "-o", output]
    }

    /// The image that an undisturbed run wrote.
    fn clean(&self, state: &str, output: &str) -> PathBuf {
        self.project.path(&format!("{state}/{}", output.trim_start_matches("out/")))
    }

    /// Puts the old image, or none, where the new one is to be.
    fn prepare(&self, output: &str, has_old: bool) {
        let path = self.project.path(output);
        if path.is_dir() {
            std::fs::remove_dir_all(&path).unwrap();
        } else if path.exists() {
            std::fs::remove_file(&path).unwrap();
        }
        if !has_old {
            return;
        }
        let clean = self.clean("old", output);
        if clean.is_file() {
            std::fs::copy(clean, path).unwrap();
            return;
        }
        for file in files_below(&clean) {
            let to = path.join(file.strip_prefix(&clean).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::copy(file, to).unwrap();
        }
    }

    /// Which image is seen: every byte of it is there.
    #[track_caller]
    fn seen(&self, output: &str) -> Option<&'static str> {
        let path = self.project.path(output);
        let face = if output.ends_with(".tar") { path.clone() } else { path.join("index.json") };
        if !face.exists() {
            return None;
        }
        let is = |state: &str| {
            let clean = self.clean(state, output);
            let name = if clean.is_dir() { clean.join("index.json") } else { clean.clone() };
            same(&face, &name).then_some(clean)
        };
        let (state, clean) = ["old", "new"]
            .into_iter()
            .find_map(|state| Some((state, is(state)?)))
            .unwrap_or_else(|| panic!("{output} is an image that nobody made"));
        for file in files_below(&clean) {
            let inside = file.strip_prefix(&clean).unwrap();
            let here = if clean.is_dir() { path.join(inside) } else { path.clone() };
            assert!(same(&here, &file), "{} of the {state} image is not whole", inside.display());
        }
        Some(state)
    }

    /// Runs undisturbed, which gives the new image and leaves nothing else.
    #[track_caller]
    fn finish(&self, output: &str) {
        self.project.run_with(&Self::arguments(output), &[]).success();
        assert_eq!(self.seen(output), Some("new"));
        let folder = if output == "image" { "image" } else { "out" };
        assert_eq!(unfinished(&self.project.path(folder)), Vec::<PathBuf>::new(), "beside {output}");
        assert_eq!(unfinished(&self.project.cache()), Vec::<PathBuf>::new(), "in the cache");
    }

    fn clear_cache(&self) {
        if self.project.cache().exists() {
            std::fs::remove_dir_all(self.project.cache()).unwrap();
        }
    }

    fn spawn(&self, output: &str) -> Child {
        let mut command = self.project.command(&Self::arguments(output), &[]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

fn same(left: &Path, right: &Path) -> bool {
    matches!((std::fs::read(left), std::fs::read(right)), (Ok(left), Ok(right)) if left == right)
}

#[test]
fn a_build_that_is_killed_anywhere_leaves_the_old_image_or_the_new_one() {
    let setting = Setting::new();
    let mut random = Random(SEED);
    let mut killed = 0;
    let mut states = [0; 3];
    for kill in 0..KILLS * TRIES {
        if killed == KILLS {
            break;
        }
        let output = OUTPUTS[kill as usize % 2];
        let is_warm = kill % 4 >= 2;
        let has_old = kill % 8 >= 4;
        if !is_warm {
            setting.clear_cache();
        }
        setting.prepare(output, has_old);
        let mut process = setting.spawn(output);
        std::thread::sleep(setting.times[usize::from(is_warm)].mul_f64(random.fraction()));
        killed += u32::from(process.try_wait().unwrap().is_none());
        process.kill().unwrap();
        wait(&mut process);
        let seen = setting.seen(output);
        assert!(seen != Some("old") || has_old, "kill {kill}");
        assert!(seen.is_some() || !has_old, "kill {kill} took the old image away");
        states[["old", "new"].iter().position(|state| seen == Some(*state)).unwrap_or(2)] += 1;
        // The next run works with what is there, and is as good as one that starts anew.
        if kill % 5 == 0 {
            setting.finish(output);
        }
    }
    assert_eq!(killed, KILLS, "so many runs were still there to be killed");
    assert!(states[0] > 0 && states[2] > 0, "runs were killed before they were done: {states:?}");
    OUTPUTS.into_iter().for_each(|output| setting.finish(output));
    // What lies unfinished in the cache goes with the rest of it.
    let project = &setting.project;
    std::fs::write(project.cache().join("files-v1/abc.part"), "half").unwrap();
    project.run("cache clean").success();
    assert_eq!(unfinished(&project.cache()), Vec::<PathBuf>::new());
    assert_eq!(project.run("cache size --json").success().stdout().matches("\"entries\":0").count(), 1);
}

#[test]
fn what_a_killed_build_left_goes_with_the_next_one() {
    let setting = Setting::new();
    for output in OUTPUTS {
        setting.prepare(output, true);
        setting.finish(output);
        let folder = if output == "image" { "image/blobs/sha256" } else { "out" };
        setting.project.write(&format!("{folder}/.mlresolve-AbCdEf"), "half of a file");
        for folder in ["layers-v1", "files-v1", "blobs-v1/blobs/sha256"] {
            std::fs::write(setting.project.cache().join(folder).join(".mlresolve-AbCdEf"), "half").unwrap();
        }
        setting.finish(output);
    }
}

#[test]
fn a_build_that_is_interrupted_anywhere_says_so_and_leaves_nothing_unfinished() {
    let setting = Setting::new();
    let mut random = Random(SEED + 1);
    let mut interrupted = 0;
    for interrupt in 0..INTERRUPTS * TRIES {
        if interrupted == INTERRUPTS {
            break;
        }
        let output = OUTPUTS[interrupt as usize % 2];
        let is_warm = interrupt % 4 >= 2;
        if !is_warm {
            setting.clear_cache();
        }
        setting.prepare(output, true);
        let mut process = setting.spawn(output);
        // Until the program has begun it is ended by the signal itself.
        std::thread::sleep(Duration::from_millis(30));
        std::thread::sleep(setting.times[usize::from(is_warm)].mul_f64(random.fraction()));
        interrupt_process(&process);
        let (code, said) = ended(&mut process);
        let seen = setting.seen(output);
        match code {
            Some(0) => assert_eq!(seen, Some("new")),
            Some(130) => {
                assert_eq!(said, "error: cancelled\n");
                assert!(seen.is_some(), "interrupt {interrupt} took the old image away");
                interrupted += 1;
            }
            code => panic!("interrupt {interrupt} ended with {code:?}: {said}"),
        }
        let left = [setting.project.path("image"), setting.project.path("out")];
        let left: Vec<PathBuf> = left.iter().flat_map(|folder| unfinished(folder)).collect();
        assert_eq!(left, Vec::<PathBuf>::new(), "interrupt {interrupt}");
        if interrupt % 3 == 0 {
            setting.finish(output);
        }
    }
    assert_eq!(interrupted, INTERRUPTS, "so many runs were still there to be interrupted");
}

#[test]
fn an_interrupted_download_is_taken_up_again() {
    let project = Project::beside(IndexServer::start(universe()));
    project.write("requirements.txt", "model\n").run("lock").success();
    let path = "/files/model-2.0-py3-none-any.whl";
    project.index.fault(path, Fault::Slow { interval: Duration::from_millis(1) });
    let mut command = project.command(&["build", "--layers-only"], &[]);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let part =
        || unfinished(&project.cache()).first().map_or(0, |part| std::fs::metadata(part).unwrap().len());
    let started = Instant::now();
    while part() < 100 {
        assert!(started.elapsed() < HANGS, "the download begins");
        std::thread::sleep(Duration::from_millis(10));
    }
    interrupt_process(&process);
    let (code, said) = ended(&mut process);
    assert_eq!(code, Some(130), "{said}");
    assert!(!project.path("image/index.json").exists());
    let there = part();
    project.index.clear_faults();
    project.index.clear_requests();
    project.run("build --layers-only").success();
    let requests = project.index.requests();
    let ranges: Vec<Option<&str>> = requests
        .iter()
        .filter(|request| request.path == path)
        .map(|request| request.header("range"))
        .collect();
    assert_eq!(ranges, [Some(format!("bytes={there}-").as_str())]);
    assert_eq!(unfinished(&project.cache()), Vec::<PathBuf>::new());
    read(&project.path("image"));
}

/// Runs the program where no file may be longer than about this many bytes, as on a disk that is full.
fn run_limited(project: &Project, bytes: usize, arguments: &str) -> Run {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    let program = project.command(&arguments, &[]);
    let mut shell = Command::new("sh");
    // Blocks of 512 bytes (POSIX); the signal that comes with the failure would end the program.
    let line = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes / 512);
    shell.args(["-c", &line, "sh"]).arg(program.get_program()).args(program.get_args());
    shell.current_dir(program.get_current_dir().unwrap()).env_clear();
    shell
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", "/usr/bin:/bin");
    project.run_of(shell.output().unwrap())
}

#[test]
fn where_the_disk_is_full_the_path_and_the_reason_are_named() {
    let project = Project::beside(IndexServer::start(universe()));
    project.write("requirements.txt", "model\n").run("lock").success();
    write_base(&project.path("base"), &python_and("usr/share/noise", noise(5, 1_500_000)));
    let digest = |output: &str| read(&project.path(output)).digest;
    let fails = |arguments: &str, path: &str| {
        let run = run_limited(&project, 1_000_000, arguments);
        let text = run.stderr();
        assert_eq!(run.code(), 2, "{}", run.snapshot());
        assert!(text.contains("File too large") && text.contains(path), "{}", run.snapshot());
        assert!(!text.contains("fault of mlresolve"), "{}", run.snapshot());
        assert_eq!(unfinished(&project.path("")), Vec::<PathBuf>::new());
    };
    let clean = "build --base base -o clean --no-cache";
    project.run(clean).success();
    // A wheel.
    let cache = project.cache().display().to_string();
    fails("build --base base", &cache);
    assert!(!project.path("image/index.json").exists());
    project.run("build --base base").success();
    assert_eq!(digest("image"), digest("clean"));
    // A layer.
    fails("build --base base --prefix /srv/env -o other", &cache);
    assert!(!project.path("other/index.json").exists());
    project.run("build --base base --prefix /srv/env -o other").success();
    read(&project.path("other"));
    // An archive.
    fails("build --base base -o image.tar", "image.tar");
    assert!(!project.path("image.tar").exists());
    project.run("build --base base -o image.tar").success();
    assert_eq!(digest("image.tar"), digest("clean"));
    // A layer of a base that is an archive, and the old image is still there.
    let base = project.path("other-base");
    write_base(&base, &python_and("usr/share/noise", noise(6, 1_500_000)));
    let layout = Layout::create(&base).unwrap();
    let file = File::create(project.path("base.tar")).unwrap();
    write_archive(&layout, &layout.read_index().unwrap(), file).unwrap();
    let before = digest("image");
    fails("build --base base.tar", "image");
    assert_eq!(digest("image"), before);
    project.run("build --base base.tar").success();
    assert_ne!(digest("image"), before);
}

fn interrupt_process(process: &Child) {
    let done = Command::new("kill").args(["-INT", &process.id().to_string()]).stderr(Stdio::null()).status();
    // One that has ended already cannot be interrupted.
    done.unwrap();
}

/// The exit code of a process and what it said, after a wait that is bounded.
fn ended(process: &mut Child) -> (Option<i32>, String) {
    wait(process);
    let mut said = String::new();
    std::io::Read::read_to_string(process.stderr.as_mut().unwrap(), &mut said).unwrap();
    (process.try_wait().unwrap().unwrap().code(), said)
}

/// Waits for a process, but not for ever.
fn wait(process: &mut Child) {
    let started = Instant::now();
    while process.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < HANGS, "a process that was told to end ends");
        std::thread::sleep(Duration::from_millis(1));
    }
}
