//! `pki`: the authority is the crate `pki`'s; here it meets the data folder and the person.

mod issue;
mod reason;
mod revoke;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ::pki::{Authority, NodeFolder, UnixTime};
use runtime::{Clock as _, SystemClock};

use self::reason::explained;
use crate::cli::{Pki, Where};
use crate::node;

pub(super) async fn run(args: Pki) -> anyhow::Result<ExitCode> {
    tokio::task::spawn_blocking(move || match args {
        Pki::Init { place } => issue::init(&place),
        Pki::Node(args) => issue::first(args),
        Pki::Show(read) => show::run(&read),
        Pki::Renew(args) => issue::next(&args),
        Pki::Revoke(args) => revoke::run(args),
    })
    .await?
}

/// The folders of a data folder.
struct Folders {
    data: PathBuf,
    ca: PathBuf,
    node: NodeFolder,
}

impl Folders {
    fn of(place: &Where) -> anyhow::Result<Self> {
        let data = node::absolute(&node::load(place)?.node.data)?;
        let own = node::own_folder(&data);
        Ok(Self { ca: ::pki::ca_folder(&own), node: NodeFolder::new(::pki::node_folder(&own)), data })
    }

    fn authority(&self) -> anyhow::Result<Authority> {
        Authority::open(&self.ca).map_err(|error| explained(error, &self.ca))
    }
}

fn now() -> UnixTime {
    let ms = u64::try_from(SystemClock.now().0).unwrap_or_default();
    UnixTime::since_unix_epoch(Duration::from_millis(ms))
}

/// A date as people read it.
fn utc(secs: u64) -> String {
    markdown::civil::utc(millis(secs))
}

fn millis(secs: u64) -> i64 {
    i64::try_from(secs).unwrap_or(i64::MAX).saturating_mul(1_000)
}
