//! A fake model to try the runtime with: `fake-model --port 0`. The first line it prints is where it listens.

use std::io::Write as _;

use anyhow::Context as _;
use clap::Parser;
use tests::fake_model::{FakeModel, Mode};

/// A server that speaks the wire of an OpenAI-compatible model, and misbehaves on command.
#[derive(Parser)]
struct Arguments {
    /// The port on loopback; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How it behaves from the start, as JSON or as a name: `empty`, `random:7`, `{"mode":"normal","delay_ms":20}`.
    #[arg(long, default_value = "normal")]
    mode: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mode = match Mode::named(&arguments.mode) {
        Some(mode) => mode,
        None => serde_json::from_str(&arguments.mode).with_context(|| format!("{:?} is no mode", arguments.mode))?,
    };
    let fake =
        FakeModel::start(arguments.port).await.with_context(|| format!("can't listen on port {}", arguments.port))?;
    fake.set(mode);
    let mut out = std::io::stdout();
    writeln!(out, "listening on {}", fake.base_url())?;
    out.flush()?;
    tokio::signal::ctrl_c().await?;
    Ok(())
}
