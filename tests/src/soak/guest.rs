//! A guest of one context: talks, changes what it said, comes and goes, and never forgets what it has open.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use console::client::{Client, ClientError, SubmitError, Who};
use console::wire::FromNode;
use messages::InboundId;
use tokio::net::UnixStream;

use super::ledger::{Kind, Ledger};
use super::stage::{Stage, context_name};
use super::words::{Said, words};
use crate::dice::Dice;
use crate::tap::Tap;

/// Events that a guest has open.
const OPEN_MAX: usize = 6;
/// Events of which it may still change the words.
const RECENT_MAX: usize = 32;
/// How often a node that is away is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// The longest that a slow client takes to read a frame.
const SLOW_MS_MAX: u64 = 300;

/// What guests are told.
#[derive(Default)]
pub(super) struct House {
    pub(super) ledger: Ledger,
    /// Counts cuts: who sees another number than before loses its connection.
    pub(super) cuts: AtomicU64,
    /// Nothing new is said.
    pub(super) draining: AtomicBool,
    /// Who has nothing open leaves; see also `given_up`.
    pub(super) over: AtomicBool,
    /// Who has something open leaves, too.
    pub(super) given_up: AtomicBool,
}

pub(super) struct Guest {
    n: usize,
    stage: Arc<Stage>,
    house: Arc<House>,
    dice: Dice,
    /// Milliseconds between two of its events, on average.
    pause_ms: u64,
    /// It reads slowly.
    is_slow: bool,
    next: u64,
    next_at: Instant,
    /// Without an outcome, by their place.
    open: BTreeMap<u64, (InboundId, Said)>,
    recent: VecDeque<u64>,
}

/// Why a conversation has ended.
enum Parted {
    /// It left.
    Left,
    /// The connection was lost.
    Lost,
}

impl Guest {
    pub(super) fn new(n: usize, (stage, house): (&Arc<Stage>, &Arc<House>), (seed, pause_ms): (u64, u64)) -> Self {
        Self {
            n,
            stage: stage.clone(),
            house: house.clone(),
            dice: Dice::new(seed.wrapping_mul(1_000).wrapping_add(n as u64)),
            pause_ms,
            is_slow: n == 0,
            next: 1,
            next_at: Instant::now(),
            open: BTreeMap::new(),
            recent: VecDeque::new(),
        }
    }

    fn who(&self) -> Who {
        Who {
            user: self.stage.account.clone(),
            workspace: "home".to_owned(),
            context: context_name(self.n),
            session: format!("soak{}", self.n),
            previews: self.n.is_multiple_of(2),
            only_asks: false,
        }
    }

    fn is_over(&self) -> bool {
        let has_left = self.open.is_empty() && self.house.over.load(Ordering::SeqCst);
        has_left || self.house.given_up.load(Ordering::SeqCst)
    }

    /// Talks until all is over.
    pub(super) async fn stay(mut self) -> anyhow::Result<()> {
        let mut kept: Option<Client> = None;
        while !self.is_over() {
            let socket = console::socket_path(&self.stage.data);
            let Ok(stream) = UnixStream::connect(socket).await else {
                tokio::time::sleep(LOOK).await;
                continue;
            };
            let (house, n) = (self.house.clone(), self.n);
            let tap = Tap::new(stream, move |frame: FromNode| house.ledger.saw(n, &frame));
            let Some(mut client) = self.attach(kept.take(), tap).await? else { continue };
            self.house.ledger.connected();
            match self.converse(&mut client).await {
                Ok(Parted::Left) => client.leave().await,
                // Half of them lose their memory with it, as a program does that is killed.
                Ok(Parted::Lost) | Err(ClientError::Closed | ClientError::Wire(_)) => {
                    kept = (self.dice.below(2) == 0).then_some(client);
                }
                Err(error) => return Err(error).with_context(|| format!("guest {}", self.n)),
            }
            self.stay_away().await;
        }
        Ok(())
    }

    async fn stay_away(&mut self) {
        if !self.house.draining.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(self.dice.below(500))).await;
        }
    }

    async fn attach(&mut self, kept: Option<Client>, stream: Tap) -> anyhow::Result<Option<Client>> {
        let attached = match kept {
            Some(mut client) => client.reattach(stream).await.map(|()| client),
            None => Client::over(stream, self.who()).await.and_then(|mut client| {
                for (n, (_, said)) in &self.open {
                    submit(&mut client, *n, said).map_err(|error| ClientError::Refused(error.to_string()))?;
                }
                Ok(client)
            }),
        };
        match attached {
            Ok(client) => Ok(Some(client)),
            Err(ClientError::Closed | ClientError::Wire(_) | ClientError::NoWelcome) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn converse(&mut self, client: &mut Client) -> Result<Parted, ClientError> {
        let cuts = self.house.cuts.load(Ordering::SeqCst);
        let leaves_at = Instant::now() + Duration::from_millis(2_000 + self.dice.below(60_000));
        while !self.is_over() {
            let is_draining = self.house.draining.load(Ordering::SeqCst);
            if self.house.cuts.load(Ordering::SeqCst) != cuts && self.dice.below(2) == 0 {
                return Ok(Parted::Lost);
            }
            if !is_draining && Instant::now() > leaves_at {
                return Ok(Parted::Left);
            }
            if !is_draining && self.open.len() < OPEN_MAX && Instant::now() >= self.next_at {
                self.say(client)?;
            }
            if self.is_slow && !is_draining {
                tokio::time::sleep(Duration::from_millis(self.dice.below(SLOW_MS_MAX))).await;
            }
            if let Ok(frame) = tokio::time::timeout(LOOK, client.next()).await {
                self.hear(frame?, client)?;
            }
        }
        Ok(Parted::Left)
    }

    fn say(&mut self, client: &mut Client) -> Result<(), ClientError> {
        self.next_at = Instant::now() + Duration::from_millis(self.dice.below(2 * self.pause_ms));
        let n = self.next;
        let said = words((self.n, n), &self.recent, &mut self.dice);
        let inbound = submit(client, n, &said).map_err(|error| ClientError::Refused(error.to_string()))?;
        self.house.ledger.submitted(self.n, &inbound, said.kind, said.token.clone());
        if said.kind == Kind::Talk {
            if self.recent.len() == RECENT_MAX {
                self.recent.pop_front();
            }
            self.recent.push_back(n);
        }
        self.recent.retain(|recent| said.erases != Some(*recent));
        self.open.insert(n, (inbound, said));
        self.next += 1;
        Ok(())
    }

    fn hear(&mut self, frame: FromNode, client: &mut Client) -> Result<(), ClientError> {
        match frame {
            FromNode::Reply(reply) => {
                client.flushed(reply.delivery)?;
                if reply.outcome.is_some() {
                    self.open.retain(|_, (inbound, _)| *inbound != reply.inbound);
                }
            }
            FromNode::Settled { inbound, .. } => self.open.retain(|_, (open, _)| *open != inbound),
            FromNode::NotAccepted { event, why } => {
                return Err(ClientError::Refused(format!("{event} was not accepted: {why}")));
            }
            _ => {}
        }
        Ok(())
    }
}

fn submit(client: &mut Client, n: u64, said: &Said) -> Result<InboundId, SubmitError> {
    let session = client.session().to_owned();
    let event = format!("{session}:{n}");
    let target = |target: u64| format!("{session}:{target}");
    match (said.erases, said.edits) {
        (Some(erased), _) => client.delete(&event, &target(erased)),
        (None, Some(edited)) => client.edit(&event, &target(edited), &said.text),
        (None, None) => client.submit(&event, &said.text),
    }
}
