//! Serves a recording for hand use: `serve_index RECORDING [PORT]`, until it is interrupted.
#![expect(clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;

use mlresolve_testkit::{IndexServer, Recording, ServerOptions};

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
    let recording = match Recording::load(path) {
        Ok(recording) => recording,
        Err(error) => {
            eprintln!("serve_index: {error}");
            return ExitCode::FAILURE;
        }
    };
    let server = IndexServer::start_on(port, recording.universe(), ServerOptions::default());
    eprintln!("serving {} projects at {}", recording.projects.len(), server.index_url());
    loop {
        std::thread::park();
    }
}
