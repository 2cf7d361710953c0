//! A network namespace: a process that does nothing holds it, and it ends with that process and those started in it.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tun_rs::{DeviceBuilder, SyncDevice};

/// Brings the loopback device up, says so, and waits until its input ends: with the test, even if that is killed.
const HOLD: &str = "ip link set lo up && echo held && exec cat >/dev/null";
/// Bytes of a packet.
pub(super) const MTU: u16 = 1_500;
/// The length of the network's part of an address.
const PREFIX: u8 = 24;

/// Why no namespace can be had here; `None`: it can.
#[must_use]
pub fn refused() -> Option<String> {
    let tried = Namespace::new().and_then(|namespace| namespace.device(Ipv4Addr::new(10, 77, 0, 1)).map(drop));
    tried.err().map(|error| format!("{error:#}"))
}

#[derive(Debug)]
pub(super) struct Namespace {
    holder: Child,
}

impl Namespace {
    /// # Errors
    /// When the system does not let us, or programs are missing.
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", HOLD]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let holder = command.spawn().context("`unshare` of util-linux")?;
        let mut namespace = Self { holder };
        let mut line = String::new();
        let out = namespace.holder.stdout.take().context("a pipe")?;
        BufReader::new(out).read_line(&mut line)?;
        if line.trim() != "held" {
            let mut why = String::new();
            let err = namespace.holder.stderr.take().context("a pipe")?;
            BufReader::new(err).read_line(&mut why)?;
            bail!("no network namespace (it needs root, util-linux and iproute2): {}", why.trim());
        }
        Ok(namespace)
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.holder.id()))
    }

    /// What starts a command in it, and becomes that command.
    pub(super) fn through(&self) -> Vec<String> {
        vec!["nsenter".to_owned(), format!("--net={}", self.path().display()), "--".to_owned()]
    }

    /// Its one device, which gives and takes packets; it is gone when this is dropped.
    ///
    /// # Errors
    /// When the system does not let us.
    pub(super) fn device(&self, address: Ipv4Addr) -> anyhow::Result<SyncDevice> {
        let path = self.path();
        // A thread that has moved into a namespace is of no other use.
        let made = std::thread::spawn(move || -> anyhow::Result<SyncDevice> {
            let namespace = File::open(&path)?;
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            let device = DeviceBuilder::new().name("wire").mtu(MTU).ipv4(address, PREFIX, None).build_sync();
            device.context("a TUN device (it needs /dev/net/tun)")
        });
        let made = made.join();
        ensure!(made.is_ok(), "the thread that makes a device has panicked");
        made.unwrap_or_else(|_| bail!("no device"))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // One that has ended needs no killing.
        self.holder.kill().ok();
        self.holder.wait().ok();
    }
}
