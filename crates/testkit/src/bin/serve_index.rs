//! Serves a recording for hand use: `serve_index RECORDING [PORT]`, until it is interrupted.
#![expect(clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;

use mlresolve_testkit::{IndexServer, PyTorchIndex, Recording, RecordingError, ServerOptions, Universe};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, port) = match arguments.as_slice() {
        [path] => (path, Ok(0)),
        [path, port] => (path, port.parse()),
        _ => {
            eprintln!("usage: serve_index RECORDING [PORT]");
            return ExitCode::from(2);
        }
    };
    let Ok(port) = port else {
        eprintln!("serve_index: the port is a number from 0 to 65535");
        return ExitCode::from(2);
    };
    let _server = match serve(path, port) {
        Ok(server) => server,
        Err(error) => {
            eprintln!("serve_index: {error}");
            return ExitCode::FAILURE;
        }
    };
    loop {
        std::thread::park();
    }
}

/// Serves a recording, of PyTorch's index or of another.
fn serve(path: &str, port: u16) -> Result<IndexServer, RecordingError> {
    match Recording::load(path) {
        Ok(recording) => {
            let server = IndexServer::start_on(port, recording.universe(), ServerOptions::default());
            eprintln!("serving {} projects at {}", recording.projects.len(), server.index_url());
            Ok(server)
        }
        Err(RecordingError::Format { .. }) => {
            let index = PyTorchIndex::load(path)?;
            let server = IndexServer::start_on(port, Universe::new(), ServerOptions::pytorch());
            eprintln!("serving {} wheels at {}", index.len(), server.torch_index_url());
            server.set_pytorch(index);
            Ok(server)
        }
        Err(error) => Err(error),
    }
}
