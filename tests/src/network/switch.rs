//! Hosts, and what passes packets between them.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tun_rs::AsyncDevice;

use super::namespace::{MTU, Namespace};
use super::way::{Fate, Way};

/// Packets that are on their way in one direction of a pair; what comes on top is lost, as in any switch.
const UNDER_WAY_MAX: usize = 4_096;
/// Where an IPv4 packet says to whom it goes.
const TO: std::ops::Range<usize> = 16..20;

/// Hosts with namespaces and addresses of their own, and all ways between them. Dropped, nothing of it is left.
#[derive(Debug)]
pub struct Network {
    hosts: Vec<Host>,
    ways: Arc<Ways>,
    _tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Host {
    name: String,
    address: Ipv4Addr,
    namespace: Namespace,
}

/// How packets go now, by the numbers of two hosts, and how many have gone like this.
#[derive(Debug, Default)]
struct Ways {
    ways: Mutex<HashMap<(usize, usize), (Way, u64)>>,
}

impl Ways {
    fn lock(&self) -> MutexGuard<'_, HashMap<(usize, usize), (Way, u64)>> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self, from: usize, to: usize) -> Fate {
        let mut ways = self.lock();
        let Some((way, gone)) = ways.get_mut(&(from, to)) else { return Way::default().fate(0) };
        let number = *gone;
        *gone += 1;
        way.fate(number)
    }
}

/// A packet, and when it is to arrive.
type Packet = (Instant, Vec<u8>);

impl Network {
    /// A host for each name, and clear ways between all.
    ///
    /// # Errors
    /// When the system does not let us: see [`super::refused`].
    pub fn start(names: &[&str]) -> anyhow::Result<Self> {
        let (mut hosts, mut devices) = (Vec::new(), Vec::new());
        for (last, name) in (1..=u8::MAX).zip(names) {
            let (namespace, address) = (Namespace::new()?, Ipv4Addr::new(10, 77, 0, last));
            devices.push(Arc::new(AsyncDevice::new(namespace.device(address)?)?));
            hosts.push(Host { name: (*name).to_owned(), address, namespace });
        }
        let ways = Arc::<Ways>::default();
        let mut tasks = JoinSet::new();
        for (from, device) in devices.iter().enumerate() {
            let mut queues = HashMap::new();
            for (to, host) in hosts.iter().enumerate().filter(|(to, _)| *to != from) {
                let (queue, packets) = mpsc::channel(UNDER_WAY_MAX);
                tasks.spawn(arrive(packets, devices.get(to).context("a device")?.clone()));
                queues.insert(host.address, (to, queue));
            }
            tasks.spawn(leave(device.clone(), from, queues, ways.clone()));
        }
        Ok(Self { hosts, ways, _tasks: tasks })
    }

    fn host(&self, name: &str) -> anyhow::Result<(usize, &Host)> {
        self.hosts.iter().enumerate().find(|(_, host)| host.name == name).with_context(|| format!("no host {name}"))
    }

    /// The address of a host.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn address(&self, name: &str) -> anyhow::Result<Ipv4Addr> {
        Ok(self.host(name)?.1.address)
    }

    /// A command that starts another on a host, and becomes it.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn through(&self, name: &str) -> anyhow::Result<Vec<String>> {
        Ok(self.host(name)?.1.namespace.through())
    }

    /// From now on packets go like this in one direction.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn set(&self, from: &str, to: &str, way: Way) -> anyhow::Result<()> {
        let pair = (self.host(from)?.0, self.host(to)?.0);
        self.ways.lock().insert(pair, (way, 0));
        Ok(())
    }

    /// The same in both directions.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn set_both(&self, one: &str, other: &str, way: Way) -> anyhow::Result<()> {
        self.set(one, other, way)?;
        self.set(other, one, way)
    }

    /// All ways are clear again.
    pub fn heal(&self) {
        self.ways.lock().clear();
    }
}

/// Takes what a host sends, and decides on it.
async fn leave(
    device: Arc<AsyncDevice>,
    from: usize,
    queues: HashMap<Ipv4Addr, (usize, mpsc::Sender<Packet>)>,
    ways: Arc<Ways>,
) {
    let mut packet = vec![0; usize::from(MTU)];
    while let Ok(length) = device.recv(&mut packet).await {
        let Some(bytes) = packet.get(..length) else { continue };
        let Some((to, queue)) = receiver(bytes).and_then(|address| queues.get(&address)) else { continue };
        if let Fate::After(delay) = ways.fate(from, *to) {
            // A full queue loses it.
            queue.try_send((Instant::now() + delay, bytes.to_vec())).ok();
        }
    }
}

/// To whom an IPv4 packet goes; nothing else is passed.
fn receiver(packet: &[u8]) -> Option<Ipv4Addr> {
    let is_v4 = packet.first()? >> 4 == 4;
    let octets: [u8; 4] = packet.get(TO)?.try_into().ok()?;
    is_v4.then(|| Ipv4Addr::from(octets))
}

/// Gives packets to a host when they are due, in their order.
async fn arrive(mut packets: mpsc::Receiver<Packet>, device: Arc<AsyncDevice>) {
    while let Some((due, packet)) = packets.recv().await {
        tokio::time::sleep_until(due).await;
        // A device that takes no more has lost it.
        device.send(&packet).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packets_of_ipv4_have_a_receiver() {
        let mut packet = [0; 20];
        packet[0] = 0x45;
        packet[16..].copy_from_slice(&[10, 77, 0, 2]);
        assert_eq!(receiver(&packet), Some(Ipv4Addr::new(10, 77, 0, 2)));
        packet[0] = 0x60;
        assert_eq!(receiver(&packet), None);
        assert_eq!(receiver(&packet[..19]), None);
        assert_eq!(receiver(&[]), None);
    }
}
