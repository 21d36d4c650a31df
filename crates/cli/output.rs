//! Where words go: data to standard output, everything for people to standard error.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::args::{ColorChoice, Global};

/// Set once data could not be written, which makes the whole run a failure.
static DATA_WAS_LOST: AtomicBool = AtomicBool::new(false);

/// Whether some data could not be written to standard output.
pub(crate) fn data_was_lost() -> bool {
    DATA_WAS_LOST.load(Ordering::Relaxed)
}

/// How much and in which form to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    color: bool,
    data_color: bool,
}

/// A style of text on a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Style {
    /// What matters most on a line.
    Strong,
    /// What only helps.
    Faint,
    /// Something good.
    Good,
    /// Something to read.
    Caution,
    /// Something wrong.
    Bad,
}

impl Output {
    /// As the command line asks for it.
    pub(crate) fn new(global: &Global) -> Self {
        let color = |terminal: bool| match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => std::env::var_os("NO_COLOR").is_none() && terminal,
        };
        Self {
            json: global.json,
            quiet: global.quiet,
            color: color(std::io::stderr().is_terminal()),
            data_color: color(std::io::stdout().is_terminal()),
        }
    }

    /// Whether results are printed as JSON.
    pub(crate) fn json(self) -> bool {
        self.json
    }

    /// Whether a progress bar makes sense.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && !self.json && std::io::stderr().is_terminal()
    }

    /// Prints data. That nobody reads it any more is no error; that it could not be written is one, see
    /// [`data_was_lost`].
    pub(crate) fn data(self, text: &str) {
        let mut out = std::io::stdout().lock();
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        if let Err(error) = write!(out, "{text}{newline}").and_then(|()| out.flush())
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            DATA_WAS_LOST.store(true, Ordering::Relaxed);
            self.error(&format!("cannot write to standard output: {error}"), None);
        }
    }

    /// Prints a line for people.
    pub(crate) fn say(self, text: &str) {
        if !self.quiet && !self.json {
            Self::line(text);
        }
    }

    /// Prints a warning, even when quiet was not asked for by mistake.
    pub(crate) fn warn(self, text: &str) {
        if !self.quiet && !self.json {
            let text = mlresolve::without_secrets(text);
            Self::line(&format!("{}: {text}", self.paint(Style::Caution, "warning")));
        }
    }

    /// Prints a failure.
    pub(crate) fn error(self, message: &str, hint: Option<&str>) {
        Self::line(&format!("{}: {message}", self.paint(Style::Bad, "error")));
        if let Some(hint) = hint {
            Self::line(&format!("{}: {hint}", self.paint(Style::Strong, "hint")));
        }
    }

    /// Text for people in a style, where the terminal shows one.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        painted(self.color, style, text)
    }

    /// Text of data in a style, where standard output is a terminal that shows one.
    pub(crate) fn paint_data(self, style: Style, text: &str) -> String {
        painted(self.data_color, style, text)
    }

    fn line(text: &str) {
        let mut out = std::io::stderr().lock();
        drop(writeln!(out, "{}", text.trim_end()));
    }
}

fn painted(color: bool, style: Style, text: &str) -> String {
    if !color || text.is_empty() {
        return text.to_owned();
    }
    let code = match style {
        Style::Strong => "1",
        Style::Faint => "2",
        Style::Good => "32",
        Style::Caution => "1;33",
        Style::Bad => "1;31",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// A size in bytes as people read it, in powers of ten.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    for (unit, name) in UNITS {
        if bytes >= unit {
            let tenths = (u128::from(bytes) * 10 + u128::from(unit) / 2) / u128::from(unit);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}
