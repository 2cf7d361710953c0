//! Measuring this machine: a node in a process of its own, a model stub in another, the load in this one.

mod all;
mod child;
mod cluster;
mod contexts;
mod load;
mod numbers;
mod recovery;
mod search;
mod stub;
mod tasks;
mod turns;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Turns a second, CPU a turn, and added latency; the model is a stub that streams five chunks over HTTP.
    Turns {
        /// Contexts that talk at once.
        #[arg(long, default_value_t = 100)]
        contexts: usize,
        /// Turns under way at once, over all contexts.
        #[arg(long, default_value_t = 256)]
        in_flight: usize,
        /// Seconds that are counted, of each run.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Rates, in turns a second, at which latency is measured.
        #[arg(long, value_delimiter = ',', default_value = "200,1000")]
        rates: Vec<u32>,
        /// Let each turn search its workspace, too; without it a turn is inbox, model, reply, log.
        #[arg(long)]
        search: bool,
    },
    /// Tasks a second and CPU a task: each a model call, a tool call and a model call, made in chat and told there.
    Tasks {
        /// Workspaces, five slots each.
        #[arg(long, default_value_t = 20)]
        workspaces: usize,
        /// Contexts of each workspace.
        #[arg(long, default_value_t = 3)]
        contexts: usize,
        /// Tasks under way at once, over all workspaces.
        #[arg(long, default_value_t = 256)]
        in_flight: usize,
        /// Seconds that are counted.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// How much longer a chat turn takes while so many tasks are queued: the model takes its time for each.
    Starvation {
        /// Tasks that are queued.
        #[arg(long, default_value_t = 1_000)]
        tasks: usize,
        /// Chat turns of each half, one after the other.
        #[arg(long, default_value_t = 200)]
        turns: usize,
    },
    /// Time until ready and memory, with many contexts known and some active.
    Contexts {
        /// Contexts that exist.
        #[arg(long, default_value_t = 100_000)]
        known: usize,
        /// Turns that have been taken and settled.
        #[arg(long, default_value_t = 1_000_000)]
        turns: usize,
        /// Contexts that become active.
        #[arg(long, default_value_t = 1_000)]
        active: usize,
    },
    /// Time until all is under way again, and until all is settled, after `kill -9` with turns in flight.
    Recovery {
        /// Turns in flight at the kill; each has a context of its own.
        #[arg(long, default_value_t = 1_000)]
        in_flight: usize,
    },
    /// How well the search engine finds, by a set of questions with the pages that answer them, and what it costs.
    Search {
        /// A folder with `pages/` and `queries.toml`.
        #[arg(long, value_name = "DIR", default_value = "tests/corpus")]
        set: std::path::PathBuf,
        /// Weights of meaning against words that are compared; 0 is words alone.
        #[arg(long, value_delimiter = ',', default_value = "0,0.3")]
        weights: Vec<f64>,
        /// Files of 2.3 KB that are indexed and searched; 0: none.
        #[arg(long, default_value_t = 10_000)]
        files: usize,
        /// Tell each question whose best page is not among the first ten.
        #[arg(long)]
        misses: bool,
    },
    /// One process against hub, connector and worker on this machine; asks between two nodes; how soon a node that joins is
    /// of use; what nodes cost that have nothing to do.
    Cluster {
        /// Contexts that talk at once.
        #[arg(long, default_value_t = 100)]
        contexts: usize,
        /// Turns under way at once, over all contexts.
        #[arg(long, default_value_t = 256)]
        in_flight: usize,
        /// Seconds that are counted, of each run.
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// The rate, in turns a second, at which latency is measured.
        #[arg(long, default_value_t = 200)]
        rate: u32,
        /// Contexts that the hub knows when a node joins.
        #[arg(long, default_value_t = 100_000)]
        known: usize,
        /// Contexts that become active on the worker.
        #[arg(long, default_value_t = 10_000)]
        active: usize,
    },
    /// All of the above, each in a process of its own: one table with the machine it was measured on.
    All {
        /// Small loads and one run of each: whether it works, not how fast it is.
        #[arg(long)]
        quick: bool,
        /// The table as JSON.
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
        /// The table as Markdown.
        #[arg(long)]
        markdown: bool,
        /// Put the table into this file, too, between its markers.
        #[arg(long, value_name = "FILE")]
        into: Option<std::path::PathBuf>,
    },
    /// The model stub that the others start: answers every question with five chunks.
    #[command(hide = true)]
    Stub,
    /// The node that `cluster` asks: answers every ask with what was asked.
    #[command(hide = true)]
    Echo {
        /// Its data folder, which has its certificate.
        data: std::path::PathBuf,
    },
}

pub(crate) async fn run(bench: Bench) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Turns { contexts, in_flight, seconds, rates, search } => {
            turns::run(&turns::Plan { contexts, in_flight, seconds, rates, search }).await?;
        }
        Bench::Tasks { workspaces, contexts, in_flight, seconds } => {
            tasks::run(&tasks::Plan { workspaces, contexts, in_flight, seconds }).await?;
        }
        Bench::Starvation { tasks, turns } => tasks::starve(tasks, turns).await?,
        Bench::Contexts { known, turns, active } => contexts::run(known, turns, active).await?,
        Bench::Recovery { in_flight } => recovery::run(in_flight).await?,
        Bench::Cluster { contexts, in_flight, seconds, rate, known, active } => {
            cluster::run(&cluster::Plan { contexts, in_flight, seconds, rate, known, active }).await?;
        }
        Bench::Search { set, weights, files, misses } => {
            search::run(&search::Plan { set, weights, files, misses })?;
        }
        Bench::All { quick, json, markdown, into } => return all::run(quick, &all::Told { json, markdown, into }),
        Bench::Stub => stub::serve().await?,
        Bench::Echo { data } => cluster::echo(&data).await?,
    }
    Ok(ExitCode::SUCCESS)
}
