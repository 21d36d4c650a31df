//! `mlresolve build`

mod layout;

use std::path::Path;

use insta::assert_snapshot;
use mlresolve_testkit::{Fault, IndexServer, Universe, WheelBuilder};

use self::layout::{PYTHON, listed, open, text, write_base, write_base_with};
use crate::support::Project;

/// A large package with a command, and two small ones of which one has data and scripts.
fn universe() -> Universe {
    let large: Vec<u8> = noise(11_000_000);
    let app = WheelBuilder::new("app", "1.0")
        .requires("torch")
        .requires("tools")
        .file("app/__init__.py", "import torch\n")
        .dist_info_file("entry_points.txt", "[console_scripts]\nrun-app = app:main\n");
    let tools = WheelBuilder::new("tools", "2.0")
        .file("tools.py", "pass\n")
        .file("tools-2.0.data/scripts/tool", "#!python\nprint('tool')\n")
        .file("tools-2.0.data/data/share/tools/example.txt", "an example\n");
    let torch = WheelBuilder::new("torch", "2.9.1")
        .file("torch/__init__.py", "")
        .file("torch/lib/libtorch.so", large);
    let mut universe = Universe::new();
    for (name, wheel) in [("app", app), ("tools", tools), ("torch", torch)] {
        universe = universe.distribution(name, wheel.build());
    }
    universe
}

/// Bytes that do not compress, the same every time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    });
    next.take(length).collect()
}

/// A project with a lock of [`universe`], and a base beside it.
fn locked() -> Project {
    let project = Project::beside(IndexServer::start(universe()));
    project.write("requirements.txt", "app\n").run("lock").success();
    write_base(&project.path("base"), &PYTHON);
    project
}

fn index(project: &Project, image: &str) -> String {
    project.raw(&format!("{image}/index.json"))
}

#[test]
fn a_lock_becomes_an_image() {
    let project = locked();
    project.write("src/main.py", "print('hello')\n").write("src/.env", "SECRET=1\n");
    let arguments =
        ["build", "--base", "base", "--app", "src", "--entrypoint", "python main.py", "-t", "team/app:1"];
    let run = project.run_with(&arguments, &[]);
    assert_snapshot!(run.snapshot(), @"
    exit code 0
    --- stderr
    default for linux/amd64: 5 layers, 11.0 MB, 11.0 MB unpacked
        11.0 MB  torch 2.9.1
         1.1 kB  tools 2.0
         1.3 kB  app 1.0
          545 B  the environment
          165 B  the application
    wrote image: sha256:11b7c0ea713a091dd42dce3581f7eeb8e34c674207a5ec0fff76623550323d65, [TIME] s
    ");
    let image = open(&project.path("image"));
    assert_eq!(image.layers.len(), 6);
    assert_snapshot!(listed(&image, 1), @"
    755 0:0     / opt
    755 0:0     / opt/venv
    755 0:0     / opt/venv/lib
    755 0:0     / opt/venv/lib/python3.12
    755 0:0     / opt/venv/lib/python3.12/site-packages
    755 0:0     / opt/venv/lib/python3.12/site-packages/torch-2.9.1.dist-info
    644 0:0    10 opt/venv/lib/python3.12/site-packages/torch-2.9.1.dist-info/INSTALLER
    644 0:0    49 opt/venv/lib/python3.12/site-packages/torch-2.9.1.dist-info/METADATA
    644 0:0   437 opt/venv/lib/python3.12/site-packages/torch-2.9.1.dist-info/RECORD
    644 0:0    88 opt/venv/lib/python3.12/site-packages/torch-2.9.1.dist-info/WHEEL
    755 0:0     / opt/venv/lib/python3.12/site-packages/torch
    644 0:0     0 opt/venv/lib/python3.12/site-packages/torch/__init__.py
    755 0:0     / opt/venv/lib/python3.12/site-packages/torch/lib
    644 0:0 11000000 opt/venv/lib/python3.12/site-packages/torch/lib/libtorch.so
    ");
    assert_snapshot!(listed(&image, 2), @"
    755 0:0     / opt
    755 0:0     / opt/venv
    755 0:0     / opt/venv/bin
    755 0:0    37 opt/venv/bin/tool
    755 0:0     / opt/venv/lib
    755 0:0     / opt/venv/lib/python3.12
    755 0:0     / opt/venv/lib/python3.12/site-packages
    755 0:0     / opt/venv/lib/python3.12/site-packages/tools-2.0.dist-info
    644 0:0    10 opt/venv/lib/python3.12/site-packages/tools-2.0.dist-info/INSTALLER
    644 0:0    47 opt/venv/lib/python3.12/site-packages/tools-2.0.dist-info/METADATA
    644 0:0   497 opt/venv/lib/python3.12/site-packages/tools-2.0.dist-info/RECORD
    644 0:0    88 opt/venv/lib/python3.12/site-packages/tools-2.0.dist-info/WHEEL
    644 0:0     5 opt/venv/lib/python3.12/site-packages/tools.py
    755 0:0     / opt/venv/share
    755 0:0     / opt/venv/share/tools
    644 0:0    11 opt/venv/share/tools/example.txt
    ");
    assert_snapshot!(listed(&image, 4), @"
    755 0:0     / etc
    644 0:0    71 etc/passwd
    755 0:0     / home
    775 65532:0     / home/app
    775 65532:0     / home/app/.cache
    755 0:0     / opt
    755 0:0     / opt/venv
    755 0:0     / opt/venv/bin
    777 0:0     > opt/venv/bin/python -> /usr/bin/python3.12
    777 0:0     > opt/venv/bin/python3 -> python
    777 0:0     > opt/venv/bin/python3.12 -> python
    644 0:0    68 opt/venv/pyvenv.cfg
    ");
    assert_snapshot!(listed(&image, 5), @"
    755 0:0     / app
    644 0:0    15 app/main.py
    ");
    assert_snapshot!(text(&image, 4, "opt/venv/pyvenv.cfg"), @"
    home = /usr/bin
    include-system-site-packages = false
    version = 3.12
    ");
    assert_snapshot!(text(&image, 4, "etc/passwd"), @"
    root:x:0:0:root:/root:/bin/bash
    app:x:65532:0:app:/home/app:/bin/false
    ");
    assert_snapshot!(serde_json::to_string_pretty(&image.config).unwrap(), @r#"
    {
      "created": "2024-01-01T00:00:00Z",
      "architecture": "amd64",
      "os": "linux",
      "config": {
        "User": "65532:0",
        "Env": [
          "PATH=/opt/venv/bin:/usr/bin:/bin",
          "LANG=C.UTF-8",
          "VIRTUAL_ENV=/opt/venv",
          "PYTHONUNBUFFERED=1",
          "PYTHONDONTWRITEBYTECODE=1",
          "USER=app",
          "HOME=/home/app",
          "XDG_CACHE_HOME=/home/app/.cache",
          "HF_HOME=/home/app/.cache/huggingface",
          "TORCH_HOME=/home/app/.cache/torch",
          "TORCHINDUCTOR_CACHE_DIR=/home/app/.cache/torchinductor",
          "TRITON_CACHE_DIR=/home/app/.cache/triton",
          "CUDA_CACHE_PATH=/home/app/.cache/cuda",
          "NUMBA_CACHE_DIR=/home/app/.cache/numba",
          "MPLCONFIGDIR=/home/app/.cache/matplotlib"
        ],
        "Entrypoint": [
          "python",
          "main.py"
        ],
        "WorkingDir": "/app",
        "Labels": {
          "vendor": "a test"
        }
      },
      "rootfs": {
        "type": "layers",
        "diff_ids": [
          "sha256:6442f0680bbf8e6e106d33cd07ca2e2282257883bcbe995ebdc3b88d81e1b4e4",
          "sha256:d53a38ff2e3ee2d197a3aabf82769e5342c15f3c4b85315b3dc5a3bb062ee7ee",
          "sha256:f27b9855d28bf46f41c76abfd9eb0f14478e1f461c2380cdf1a1fdccf42d9422",
          "sha256:c60bd5557417a910b24ee44a31644af99c100718c2404e523f452d22ed0fa20e",
          "sha256:a015706f82fa0ecb5aea260159844eb39d8c0a1c24326831767f11f9c7c8efbe",
          "sha256:12322e7509b3c85b6bd15705d89899a666bfe5df89308a7bb2612830fbc32557"
        ]
      },
      "history": [
        {
          "comment": "the base"
        },
        {
          "created": "2024-01-01T00:00:00Z",
          "created_by": "mlresolve: torch 2.9.1"
        },
        {
          "created": "2024-01-01T00:00:00Z",
          "created_by": "mlresolve: tools 2.0"
        },
        {
          "created": "2024-01-01T00:00:00Z",
          "created_by": "mlresolve: app 1.0"
        },
        {
          "created": "2024-01-01T00:00:00Z",
          "created_by": "mlresolve: the environment /opt/venv"
        },
        {
          "created": "2024-01-01T00:00:00Z",
          "created_by": "mlresolve: the application"
        }
      ]
    }
    "#);
    assert_snapshot!(index(&project, "image"), @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:11b7c0ea713a091dd42dce3581f7eeb8e34c674207a5ec0fff76623550323d65","size":1366,"platform":{"architecture":"amd64","os":"linux"},"annotations":{"io.containerd.image.name":"team/app:1","org.opencontainers.image.ref.name":"team/app:1"}}]}"#);
}

#[test]
fn the_same_lock_gives_the_same_bytes_everywhere() {
    let first = locked();
    first.run("build --base base").success();
    let expected = index(&first, "image");
    // Another cache, folder, time zone, locale and mask; fetched in another order, on one processor.
    let second = locked();
    second.write(
        "pylock.toml",
        &first.raw("pylock.toml").replace(&first.index.origin(), &second.index.origin()),
    );
    second.index.delay("/files/torch*", std::time::Duration::from_millis(100));
    let variables = [("TZ", "Asia/Tokyo"), ("LC_ALL", "tr_TR.UTF-8"), ("SOURCE_DATE_EPOCH", "")];
    let program = second.command(&["build", "--base", "base", "-o", "elsewhere"], &variables);
    let mut shell = std::process::Command::new("sh");
    let line = "umask 077; exec taskset -c 0 \"$@\" || exec \"$@\"";
    shell.args(["-c", line, "sh"]).arg(program.get_program()).args(program.get_args());
    shell.current_dir(program.get_current_dir().unwrap()).env_clear();
    shell
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("PATH", "/usr/bin:/bin");
    assert!(shell.status().unwrap().success());
    assert_eq!(index(&second, "elsewhere"), expected);
    // And from what the cache keeps.
    first.run("build --base base -o again --offline").success();
    assert_eq!(index(&first, "again"), expected);
}

#[test]
fn an_archive_holds_the_same_image() {
    let project = locked();
    let folder = project.run("build --base base --json").success().stdout();
    let archive = project.run("build --base base -o image.tar --json").success().stdout();
    let digest = |report: &str| serde_json::from_str::<serde_json::Value>(report).unwrap()["digest"].clone();
    assert_eq!(digest(&folder), digest(&archive));
    let (folder, archive) = (open(&project.path("image")), open(&project.path("image.tar")));
    assert_eq!((folder.digest, folder.layers), (archive.digest, archive.layers));
}

#[test]
fn layers_of_packages_can_stand_alone() {
    let project = locked();
    assert_snapshot!(project.run("build --layers-only").snapshot(), @"
    exit code 0
    --- stderr
    default for linux/amd64: 3 layers, 11.0 MB, 11.0 MB unpacked
        11.0 MB  torch 2.9.1
         1.1 kB  tools 2.0
         1.3 kB  app 1.0
    wrote image: sha256:fa62502cb8a66d4209e0d7dd0295e609eccd07e2816e0960a0403f2f22ed593c, [TIME] s
    ");
    project.run("build --base base -o whole").success();
    let (alone, whole) = (open(&project.path("image")), open(&project.path("whole")));
    assert_eq!(alone.layers[..], whole.layers[1..alone.layers.len() + 1]);
}

#[test]
fn zstd_is_another_form_of_the_same_layers() {
    let project = locked();
    project.run("build --base base").success();
    project.run("build --base base --compression zstd -o zstd").success();
    let (gzip, zstd) = (open(&project.path("image")), open(&project.path("zstd")));
    let archives = |image: &mlresolve::layers::oci::BaseImage| {
        image.layers.iter().map(|layer| layer.diff_id).collect::<Vec<_>>()
    };
    assert_eq!(archives(&gzip), archives(&zstd));
    assert!(zstd.layers[1].descriptor.media_type.ends_with("tar+zstd"));
}

#[test]
fn bases_that_do_not_fit_are_refused() {
    let project = locked();
    let refused = |name: &str, files: &[(&str, &str)]| {
        write_base(&project.path(name), files);
        project.run(&format!("build --base {name}")).snapshot()
    };
    let without =
        |name: &str| PYTHON.into_iter().filter(|(path, _)| !path.contains(name)).collect::<Vec<_>>();
    let with = |file| PYTHON.into_iter().chain([file]).collect::<Vec<_>>();
    assert_snapshot!(refused("empty", &without("python")), @"
    exit code 2
    --- stderr
    error: the base empty cannot be used: it has no Python, and the lock is for 3.12; name a base with Python 3.12, or bring one with --interpreter ARCHIVE
    ");
    let older: Vec<(&str, &str)> = [("usr/bin/python3.11", "x"), ("usr/local/bin/python3.13", "x")].into();
    assert_snapshot!(refused("older", &older), @"
    exit code 2
    --- stderr
    error: the base older cannot be used: it has Python 3.11 in /usr/bin and Python 3.13 in /usr/local/bin, and the lock is for 3.12; name a base with Python 3.12, or lock with --python-version
    ");
    assert_snapshot!(refused("minimal", &without("contextvars")), @"
    exit code 2
    --- stderr
    error: the base minimal cannot be used: its /usr/bin/python3.12 lacks much of the standard library, which packages need; install the whole of it (of Debian `python3`, not `python3-minimal`)
    ");
    assert_snapshot!(refused("occupied", &with(("opt/venv/bin/python", "x"))), @"
    exit code 2
    --- stderr
    error: the base occupied cannot be used: it has an environment in /opt/venv already, which would be mixed with this one; name another folder with --prefix
    ");
    assert_snapshot!(refused("linked", &with(("opt", "-> var/opt"))), @"
    exit code 2
    --- stderr
    error: the base linked cannot be used: /opt is a link to var/opt in it, and a layer that has a folder there would replace it; name another folder with --prefix, or another base
    ");
    assert_snapshot!(project.run("build --base ./nowhere").snapshot(), @"
    exit code 2
    --- stderr
    error: --base ./nowhere: there is no such layout or archive here
    ");
    assert_snapshot!(project.run("build").snapshot(), @"
    exit code 2
    --- stderr
    error: no base is named, and an image needs an operating system with Python
    hint: --base python:3.12-slim, the path of an image, or --layers-only for the layers of packages alone
    ");
    assert!(!project.path("image/index.json").exists());
}

#[test]
fn a_file_that_is_another_is_refused_and_one_that_broke_off_is_taken_up_again() {
    let project = locked();
    project.index.fault_times("/files/torch-2.9.1-py3-none-any.whl", 1, Fault::Truncated { keep: 5_000_000 });
    project.index.clear_requests();
    project.run("build --layers-only").success();
    let ranges: Vec<String> = project
        .index
        .requests()
        .into_iter()
        .filter(|request| request.path.contains("torch-2.9.1") && request.path.ends_with(".whl"))
        .map(|request| request.header("range").unwrap_or("all").to_owned())
        .collect();
    assert_eq!(ranges[0], "all");
    assert!(ranges[1].starts_with("bytes=") && ranges[1] != "bytes=0-", "{ranges:?}");

    let project = locked();
    project.index.fault("/files/tools-2.0-py3-none-any.whl", Fault::Corrupt);
    let run = project.run("build --layers-only");
    assert_snapshot!(run.snapshot(), @"
    exit code 4
    --- stderr
    error: tools-2.0-py3-none-any.whl is not the locked file: the lock has sha256 b36e3e34370dc7ab6b4152d408afa8a5fea014a6f9c44dac677e3df8e00638da, the bytes have 1b08867f3289219782f93c2f92e6e7de85e14c0807386aac50e8ef78a17b0b02
    hint: it was replaced, or something on the way to it changed it; nothing was written. If it is to be the new one, lock it anew
    ");
    assert!(!project.path("image/index.json").exists());
}

#[test]
fn what_is_damaged_in_the_cache_is_made_anew() {
    let project = locked();
    project.run("build --layers-only").success();
    let expected = index(&project, "image");
    let damage = |folder: &str| {
        for entry in std::fs::read_dir(project.cache().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            // A new file: the image shares the old one.
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, bytes).unwrap();
        }
    };
    damage("blobs-v1/blobs/sha256");
    project.run("build --layers-only -o second").success();
    assert_eq!(index(&project, "second"), expected);
    damage("layers-v1");
    damage("files-v1");
    project.run("build --layers-only -o third").success();
    assert_eq!(index(&project, "third"), expected);
}

#[test]
fn a_wheel_that_is_not_what_it_says_is_refused() {
    let refused = |wheel: WheelBuilder| {
        let project =
            Project::beside(IndexServer::start(Universe::new().distribution("tools", wheel.build())));
        project.write("requirements.txt", "tools\n").run("lock").success();
        let snapshot = project.run("build --layers-only").snapshot();
        assert!(!project.path("image/index.json").exists());
        snapshot
    };
    let wheel = || WheelBuilder::new("tools", "2.0").file("tools.py", "pass\n");
    assert_snapshot!(refused(wheel().file(".wh.tools", "")), @r#"
    exit code 4
    --- stderr
    error: tools-2.0-py3-none-any.whl: entry ".wh.tools" has a part in its name that starts with .wh., which deletes files in container images
    "#);
    assert_snapshot!(refused(wheel().file("tools-2.0.data/scripts/python3", "#!/bin/sh\n")), @r#"
    exit code 4
    --- stderr
    error: tools-2.0-py3-none-any.whl: would install "bin/python3", which belongs to the interpreter
    "#);
}

#[test]
fn of_two_packages_with_one_file_the_later_one_wins() {
    use mlresolve::layers::plan::bucket;
    // Two names that share a layer, and one that does not.
    let other = (b'c'..=b'z').map(|letter| format!("name-{}", char::from(letter)));
    let (together, apart): (Vec<String>, Vec<String>) =
        other.partition(|name| bucket(name) == bucket("name-b"));
    for other in [&together[0], &apart[0]] {
        let wheel = |name: &str| WheelBuilder::new(name, "1.0").file("shared.py", name).build();
        let universe =
            Universe::new().distribution("name-b", wheel("name-b")).distribution(other, wheel(other));
        let project = Project::beside(IndexServer::start(universe));
        project.write("requirements.txt", &format!("name-b\n{other}\n"));
        project.run("lock --allow-overlap name-b").success();
        project.run("build --layers-only").success();
        let image = open(&project.path("image"));
        let path = "opt/venv/lib/python3.12/site-packages/shared.py";
        let last = image.layers.len() - 1;
        let winner = if last == 0 || bucket(other) > bucket("name-b") { other } else { "name-b" };
        assert_eq!(text(&image, last, path), winner);
        assert_eq!(listed(&image, last).matches("shared.py").count(), 1);
    }
}

#[test]
fn an_image_is_written_beside_and_what_it_replaces_goes() {
    let project = locked();
    project.run("build --layers-only").success();
    let before = blobs(&project.path("image"));
    project.write("requirements.txt", "tools\n").run("lock").success();
    project.write("image/blobs/sha256/mine", "a file of somebody else");
    project.run("build --layers-only").success();
    let after = blobs(&project.path("image"));
    assert!(after.contains(&"mine".to_owned()));
    assert_eq!(
        after.len(),
        4,
        "a layer, a configuration, a manifest and what is not ours: {after:?}, before {before:?}"
    );
    project.write("full/notes.txt", "");
    assert_snapshot!(project.run("build --layers-only -o full").snapshot(), @"
    exit code 2
    --- stderr
    error: full: is a folder that holds something else; name another one
    ");
    assert_snapshot!(project.run("build --layers-only -o requirements.txt").snapshot(), @"
    exit code 2
    --- stderr
    error: requirements.txt: is a file; a name that ends in .tar gives an archive, any other a folder
    ");
}

fn blobs(image: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(image.join("blobs/sha256")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn settings_of_the_base_are_kept() {
    let project = locked();
    write_base_with(&project.path("base"), &PYTHON, &["PATH=/opt/tool/bin:/usr/bin", "TZ=UTC", "HOME=/root"]);
    project.run("build --base base --user 1000 --prefix /srv/env").success();
    let image = open(&project.path("image"));
    let config = &image.config.config;
    assert!(config.env.contains(&"PATH=/srv/env/bin:/opt/tool/bin:/usr/bin".to_owned()), "{:?}", config.env);
    assert!(config.env.contains(&"HOME=/home/app".to_owned()) && config.env.contains(&"TZ=UTC".to_owned()));
    assert_eq!(config.env.iter().filter(|pair| pair.starts_with("HOME=")).count(), 1);
    assert_eq!((config.user.as_deref(), config.labels["vendor"].as_str()), (Some("1000:0"), "a test"));
    assert!(text(&image, 4, "etc/passwd").contains("app:x:1000:0:"));
}

#[test]
fn targets_for_several_platforms_are_one_image() {
    use mlresolve::layers::oci::{BaseImage, Platform};
    let wheel = |tag: &str| WheelBuilder::new("fast", "1.0").tag(tag).file("fast.py", tag).build();
    let universe = Universe::new()
        .distribution("fast", wheel("cp312-cp312-manylinux_2_28_x86_64"))
        .distribution("fast", wheel("cp312-cp312-manylinux_2_28_aarch64"));
    let project = Project::beside(IndexServer::start(universe));
    project.write(
        "mlresolve.toml",
        "[targets.server]\nplatform = \"linux-x86_64\"\n[targets.edge]\nplatform = \"linux-aarch64\"\n\
         [targets.other]\nplatform = \"linux-x86_64\"\n",
    );
    project.write("requirements.txt", "fast\n").run("lock").success();
    project.run("build --layers-only --target server --target edge -t team/fast:1").success();
    project.run("build --layers-only --target server --target edge -o image.tar").success();
    let both = [("amd64", "x86_64"), ("arm64", "aarch64")];
    for ((architecture, tag), place) in both.into_iter().flat_map(|one| [(one, "image"), (one, "image.tar")])
    {
        let platform = Platform::linux(architecture);
        let image = BaseImage::open(&project.path(place), None, &platform).unwrap();
        let path = "opt/venv/lib/python3.12/site-packages/fast.py";
        assert!(text(&image, 0, path).ends_with(tag));
    }
    assert_snapshot!(project.run("build --layers-only --target server --target other -o second").snapshot(), @"
    exit code 2
    --- stderr
    error: --target: server and other are both for linux/amd64, and one image has one of them; build each by itself, with --target and its own -o
    ");
    // A run that fails leaves nothing where nothing was.
    assert!(!project.path("second").exists());
}

#[test]
fn what_a_change_costs_is_said_before_and_is_what_it_costs() {
    let project = locked();
    assert_snapshot!(project.run("layers").snapshot(), @"
    exit code 0
    --- stdout
         COSTS  WHEN ONE OF THESE CHANGES
      ~11.0 MB  torch 2.9.1
       ~1.3 kB  tools 2.0
       ~1.1 kB  app 1.0
       11.0 MB  all of 3 layers
    ");
    project.run("build --layers-only").success();
    let old = project.raw("pylock.toml");
    project.write("old/pylock.toml", &old);
    // A new version of a small package.
    let tools = WheelBuilder::new("tools", "2.1").file("tools.py", "pass # at all\n").build();
    project.index.set_universe(universe().distribution("tools", tools));
    project.run("lock -P tools --refresh").success();
    assert_snapshot!(project.run("layers --since old").snapshot(), @"
    exit code 0
    --- stdout
        ~834 B  tools 2.1
    about 834 B of 11.0 MB is fetched: 1 of 3 layers
    ");
    project.run("build --layers-only -o new").success();
    let report: serde_json::Value =
        serde_json::from_str(&project.run("layers --since old --json").success().stdout()).unwrap();
    let (before, after) = (open(&project.path("image")), open(&project.path("new")));
    let changed = after.layers.iter().filter(|layer| !before.layers.contains(layer));
    let bytes: u64 = changed.clone().map(|layer| layer.descriptor.size).sum();
    assert_eq!(changed.count(), 1);
    assert_eq!(report["changes"]["bytes"], bytes);
    assert_eq!(report["changes"]["is-exact"], true);
}

#[test]
fn a_package_for_later_releases_of_the_locked_minor_version_goes_in() {
    let wheel = WheelBuilder::new("late", "1.0").requires_python(">=3.12.5").file("late.py", "");
    let wheel = wheel.tag("cp312-cp312-manylinux_2_28_x86_64").build();
    let project = Project::beside(IndexServer::start(Universe::new().distribution("late", wheel)));
    project.write("requirements.txt", "late\n").run("lock").success();
    project.run("build --layers-only").success();
    // In the lock of another tool as well.
    let lock = project.raw("pylock.toml");
    let (others, _) = lock.split_once("[tool.mlresolve]").unwrap();
    project.write("others/pylock.toml", others);
    project.run("build --layers-only others -o other").success();
    assert_eq!(open(&project.path("image")).layers, open(&project.path("other")).layers);
}
