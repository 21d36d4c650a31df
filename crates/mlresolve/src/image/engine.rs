//! Handing an image to a container engine on this machine.

use std::io::{BufWriter, Write as _};
use std::process::{Command, Stdio};

use mlresolve_layers::oci::{Index, Layout, LayoutError, write_archive};

use super::error::ImageError;
use crate::error::Error;
use crate::text::printable;

/// A container engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// `docker`.
    Docker,
    /// `podman`.
    Podman,
}

impl Engine {
    /// The name of its program.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }
}

/// Runs the engine's `load`, and writes the archive of an image into it.
pub(crate) fn load(engine: Engine, parts: &Layout, index: &Index) -> Result<(), Error> {
    let program = engine.program();
    let refused = |problem: String| Error::input(format!("--load {program}"), problem);
    let child = Command::new(program)
        .arg("load")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut child =
        child.map_err(|error| refused(format!("the program {program} cannot be run: {error}")))?;
    let Some(stdin) = child.stdin.take() else {
        return Err(Error::Internal(format!("{program} has no standard input")));
    };
    // What it says is read beside, since it may say more than a pipe holds.
    let said = child.stderr.take().map(|mut stderr| {
        std::thread::spawn(move || {
            let mut said = Vec::new();
            drop(std::io::copy(&mut stderr, &mut said));
            said
        })
    });
    let mut output = BufWriter::with_capacity(256 * 1024, stdin);
    let written = write_archive(parts, index, &mut output).map_err(ImageError::from).and_then(|()| {
        output.flush().map_err(|error| ImageError::from(LayoutError::Io { path: program.into(), error }))
    });
    drop(output);
    let status = child.wait().map_err(|error| refused(error.to_string()))?;
    let said = said.and_then(|said| said.join().ok()).unwrap_or_default();
    if !status.success() {
        let said = printable(String::from_utf8_lossy(&said).trim());
        return Err(refused(format!("`{program} load` does not take the image: {said}")));
    }
    Ok(written?)
}
