//! Ports that nodes are told before they listen.
//!
//! A port from the system (`:0`) that is given back and used later is another's by then, now and then: other tests
//! ask at the same time, and every connection that goes out takes one of the same range. So these lie below that range
//! (`ip_local_port_range` begins at 32,768), and whoever has one holds a lock of its name: an abstract socket, which
//! ends with the process and leaves no file.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use anyhow::Context as _;

/// Above the ports of well-known services, below those that the system gives out.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// A port of the loopback addresses that no other test has for as long as this value lives.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _held: UnixListener,
}

impl Port {
    /// One that is free.
    ///
    /// # Errors
    /// When all are taken.
    pub fn free() -> anyhow::Result<Self> {
        // Each process begins elsewhere, so that few ask for the same.
        let begin = u16::try_from(std::process::id() % u32::from(COUNT))?;
        let mut numbers = (0..COUNT).map(|n| FIRST + (begin + n) % COUNT);
        numbers.find_map(Self::held).context("a free port between 20,000 and 30,000")
    }

    fn held(number: u16) -> Option<Self> {
        let name = SocketAddr::from_abstract_name(format!("agent-runtime/tests/port/{number}")).ok()?;
        let held = UnixListener::bind_addr(&name).ok()?;
        // Something that is no test may listen there.
        TcpListener::bind(("127.0.0.1", number)).ok()?;
        Some(Self { number, _held: held })
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::Port;

    #[test]
    fn no_two_have_the_same_port_at_once() {
        let ports: Vec<Port> = (0..64).map(|_| Port::free().unwrap()).collect();
        let numbers: std::collections::BTreeSet<u16> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), ports.len());
        assert!(numbers.iter().all(|number| (20_000..30_000).contains(number)));
    }
}
