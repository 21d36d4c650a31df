//! Machines made of files and shell scripts, on which the program is run.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::path::PathBuf;
use std::process::Command;

use crate::support::Run;
use crate::torch::{TorchProject, pypi, torch_index};

/// A machine beside a project.
pub(crate) struct Machine {
    pub(crate) torch: TorchProject,
}

pub(crate) const H100: &str = "550.54.14, NVIDIA H100 80GB HBM3, 9.0";
pub(crate) const V100: &str = "550.54.14, Tesla V100-SXM2-16GB, 7.0";

impl Machine {
    /// A machine with glibc 2.35, Python 3.12 and nothing to compute on.
    pub(crate) fn new() -> Self {
        let machine = Self { torch: TorchProject::new(pypi(), torch_index()) };
        machine.torch.project.write("requirements.txt", "torch\n");
        machine.program("getconf", "echo 'glibc 2.35'").program("python3.12", "echo 'Python 3.12.4'")
    }

    /// The same machine with an `nvidia-smi` that prints these lines.
    pub(crate) fn nvidia(self, lines: &[&str]) -> Self {
        let echoes: Vec<String> = lines.iter().map(|line| format!("echo '{line}'")).collect();
        self.program("nvidia-smi", &echoes.join("\n"))
    }

    /// The same machine with this program, a shell script. Another process writes it: one that this process holds open for
    /// writing, and a fork of another test with it, cannot be run.
    pub(crate) fn program(self, name: &str, script: &str) -> Self {
        let folder = self.place("programs");
        std::fs::create_dir_all(&folder).unwrap();
        let write = "printf '#!/bin/sh\nPATH=/usr/bin:/bin\n%s\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
        let path = folder.join(name);
        let status = Command::new("/bin/sh").args(["-c", write, "sh"]).arg(path).arg(script).status();
        assert!(status.unwrap().success());
        self
    }

    /// The same machine with this file.
    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        let path = self.place("root").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.torch.project.path("../machine").join(name)
    }

    /// Runs the program on this machine.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        let root = self.place("root");
        std::fs::create_dir_all(&root).unwrap();
        let (root, programs) = (root.display().to_string(), self.place("programs").display().to_string());
        self.torch.run_with(arguments, &[("MLRESOLVE_HOST_ROOT", &root), ("PATH", &programs)])
    }

    /// What a run on this machine prints.
    pub(crate) fn said(&self, arguments: &str) -> String {
        self.torch.filtered(&self.run(arguments).snapshot())
    }

    /// Locks torch with these options, and judges the lock.
    pub(crate) fn judged(&self, options: &str) -> String {
        self.run(&format!("lock --upgrade {options}")).success();
        self.doctor()
    }

    /// What is said of the locks, without the description of the machine.
    pub(crate) fn doctor(&self) -> String {
        let said = self.said("doctor");
        let (code, rest) = said.split_once('\n').unwrap();
        format!("{code}\n{}", rest.split_once("\n\n").map_or(rest, |(_, locks)| locks))
    }
}

/// A machine for each of two targets.
pub(crate) const TWO_TARGETS: &str = "
[tool.mlresolve.targets.train]
accelerator = 'cuda'
driver = '550.54'
gpu = ['H100']

[tool.mlresolve.targets.laptop]
platform = 'macos-arm64'
accelerator = 'mps'
";
