//! `mlresolve cache`

use std::time::Duration;

use clap::{Args, Subcommand};
use mlresolve::index::{Cache, CacheSize};

use super::{Outcome, session};
use crate::args::Global;
use crate::failure::Failure;
use crate::output::{Output, size};

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

/// Look at and clear what is kept between runs
#[derive(Debug, Args)]
#[command(
    after_long_help = "JSON: {\"dir\": PATH, \"entries\": COUNT, \"bytes\"}; after prune and clean, these count what was \
                             removed; dir gives the path alone."
)]
pub(crate) struct CacheArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the cache's folder
    Dir,
    /// Print how much is kept
    Size,
    /// Remove what was not renewed for a while
    Prune {
        /// Remove what was last written or renewed more than so many days ago
        #[arg(long, value_name = "DAYS", default_value_t = 30)]
        older_than: u64,
    },
    /// Remove everything that is kept
    Clean,
}

/// Runs the command.
pub(crate) fn run(arguments: &CacheArguments, global: &Global, output: Output) -> Outcome {
    let dir = session::cache_dir(global).ok_or_else(|| {
        let problem = if global.no_cache {
            "--no-cache leaves no cache to look at"
        } else {
            "there is no place for a cache: neither --cache-dir, XDG_CACHE_HOME nor HOME says where"
        };
        Failure::bad_input(problem)
    })?;
    let cache = Cache::at(&dir);
    let (counted, removed) = match arguments.action {
        Action::Dir => {
            let json = output.json().then(|| serde_json::json!({ "dir": dir }).to_string());
            output.data(&json.unwrap_or_else(|| dir.display().to_string()));
            return Ok(());
        }
        Action::Size => (cache.size(), false),
        Action::Prune { older_than } => {
            (cache.prune(Duration::from_secs(older_than.saturating_mul(SECONDS_PER_DAY))), true)
        }
        Action::Clean => (cache.clean(), true),
    };
    let CacheSize { entries, bytes } = counted.map_err(|error| Failure::bad_input(error.to_string()))?;
    if output.json() {
        output.data(&serde_json::json!({ "dir": dir, "entries": entries, "bytes": bytes }).to_string());
        return Ok(());
    }
    let amount = format!("{} in {entries} {}", size(bytes), if entries == 1 { "entry" } else { "entries" });
    if removed {
        output.say(&format!("removed {amount} from {}", dir.display()));
    } else {
        output.data(&amount);
    }
    Ok(())
}
