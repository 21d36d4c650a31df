//! A line on the terminal that tells how far a run is.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mlresolve::{CancellationToken, Event, Watch};

use crate::output::{Output, size};

/// A spinner, where there is a terminal to show it.
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// Starts a spinner with this word.
    pub(crate) fn start(output: Output, word: &'static str) -> Self {
        if !output.shows_progress() {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(word);
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(Some(bar))
    }

    /// The library's side of it.
    pub(crate) fn watch(&self, cancellation: CancellationToken) -> Watch {
        let observer = self.0.clone().map(|bar| {
            let show: Arc<dyn Fn(Event) + Send + Sync> = Arc::new(move |event| show(&bar, event));
            show
        });
        Watch { observer, cancellation }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn show(bar: &ProgressBar, event: Event) {
    match event {
        Event::PackageKnown { name, known } => bar.set_message(format!("{known} packages, {name}")),
        Event::Building { package } => bar.set_message(format!("building {package}")),
        Event::Explaining => bar.set_message("no solution; finding out why"),
        Event::Fetched { bytes, total } => {
            bar.set_message(format!("fetched {} of {}", size(bytes), size(total)));
        }
        Event::LayerMade { made, count } => bar.set_message(format!("{made} of {count} layers")),
        Event::Hashing { file } => bar.set_message(format!("hashing {file}")),
        _ => {}
    }
}
