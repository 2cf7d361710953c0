//! The loop of a member: hears what comes by its links, from its own actors and from the clock, lets hub and holder decide,
//! and does what they decided.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use messages::Slug;
use messages::cluster::{Holds, NodeFacts, ToHub, ToNode, Unit};
use messages::membership::Msg;
use placement::holder::{Action, Event as HolderEvent};
use placement::hub::{Action as HubAction, Event as HubEvent, LinkId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::lanes::Job;
use super::reign::{Reign, SELF};
use super::waits::{self, Waits};
use super::{Event, Member, certificates, declare, is_told, tell};
use crate::links::Up;

/// After so long without a lease, the hub is told once more what this node is.
const SAY_AGAIN: Duration = Duration::from_secs(3);
/// What is kept of a node whose link is not up at this end yet: it says little before it has heard anything.
const EARLY_MAX: usize = 8;

/// What runs on behalf of a member until it is dropped.
pub(super) struct Loop {
    member: Arc<Member>,
    reign: Option<Reign>,
    jobs: mpsc::Sender<Job>,
    up: watch::Receiver<Up>,
    /// Peers of whom hub or holder were told that their links are up, and which links.
    announced: BTreeMap<String, u64>,
    /// What nodes have said by links that are not up at this end yet, of each the last.
    early: BTreeMap<String, Early>,
    /// When the hub last granted a lease, or was last told what this node is.
    granted: Instant,
    /// Its link or its lease has ended since the last lease that was granted: commits wait.
    is_without_lease: bool,
    waits: Waits,
    work: JoinSet<()>,
}

/// What a node has said of itself, by which link, and what it said then.
struct Early {
    link: u64,
    facts: NodeFacts,
    then: Vec<ToHub>,
}

/// What is still to be decided of one event.
enum Next {
    Hub(HubEvent),
    Holder(HolderEvent),
}

impl Loop {
    pub(super) fn new(
        member: Arc<Member>,
        reign: Option<Reign>,
        jobs: mpsc::Sender<Job>,
        up: watch::Receiver<Up>,
    ) -> Self {
        Self {
            member,
            reign,
            jobs,
            up,
            announced: BTreeMap::new(),
            early: BTreeMap::new(),
            granted: Instant::now(),
            is_without_lease: false,
            waits: Waits::default(),
            work: JoinSet::new(),
        }
    }

    pub(super) async fn run(mut self, mut heard: mpsc::Receiver<Event>) {
        if self.reign.is_some() {
            self.joins(SELF, self.member.facts()).await;
            self.decide([Next::Holder(HolderEvent::Up)]).await;
        }
        loop {
            let wait = self.wait();
            while self.work.try_join_next().is_some() {}
            tokio::select! {
                event = heard.recv() => match event {
                    Some(event) => self.hear(event).await,
                    None => return,
                },
                changed = self.up.changed() => match changed {
                    Ok(()) => self.links_changed().await,
                    Err(_) => return,
                },
                () = tokio::time::sleep(wait) => {
                    self.say_again().await;
                    self.tell_waits();
                    self.decide([Next::Hub(HubEvent::Tick), Next::Holder(HolderEvent::Tick)]).await;
                }
            }
        }
    }

    /// A hub that grants nothing may not have heard who we are, or waits until the lease of an earlier start has ended.
    async fn say_again(&mut self) {
        if self.granted.elapsed() <= SAY_AGAIN {
            return;
        }
        self.granted = Instant::now();
        self.says(self.member.facts()).await;
    }

    /// Tells the hub what this node is, by a link or here. `false`: there is no room on the link. Without a link nothing is
    /// said: the next one begins with it.
    async fn says(&mut self, facts: NodeFacts) -> bool {
        if self.reign.is_some() {
            self.joins(SELF, facts).await;
            return true;
        }
        self.member.hub().is_none_or(|hub| is_told(&hub, &Msg::Facts(facts)))
    }

    /// At the hub: units that wait for a node are alarms, so that somebody brings the node back.
    fn tell_waits(&mut self) {
        if let (Some(reign), Some(system)) = (&self.reign, self.member.system.get()) {
            self.waits.tell(&reign.hub, system, self.member.now());
        }
    }

    /// Until hub or holder want to be called.
    fn wait(&self) -> Duration {
        let hub = self.reign.as_ref().map(|reign| reign.hub.due());
        let due = hub.into_iter().chain(self.member.holder().due()).min();
        let ms = due.map_or(500, |due| due.0.saturating_sub(self.member.now().0));
        Duration::from_millis(ms.clamp(1, 500))
    }

    async fn hear(&mut self, event: Event) {
        match event {
            Event::Heard { node, link, message } => self.heard(&node, link, message).await,
            Event::Opened { unit, epoch, is_open } => {
                self.decide([Next::Holder(HolderEvent::Opened { unit, epoch, is_open })]).await;
            }
            Event::Finished { unit, epoch } => self.decide([Next::Holder(HolderEvent::Finished { unit, epoch })]).await,
            Event::Fenced { unit, epoch } => self.decide([Next::Holder(HolderEvent::Fenced { unit, epoch })]).await,
            Event::Drain(away) => self.decide([Next::Holder(HolderEvent::Drain(away))]).await,
            Event::Describe(asked) => {
                let mut view = self.member.view();
                if let Some(reign) = &self.reign {
                    reign.explain(&mut view, self.member.now());
                }
                asked.send(view).unwrap_or_default();
            }
            Event::Waits(unit, asked) => {
                let at = self.member.now();
                let told = self.reign.as_ref().and_then(|reign| waits::of(&reign.hub, &unit, at));
                asked.send(told).unwrap_or_default();
            }
            Event::Follow(trace) => {
                if let Some(follows) = self.member.follow(trace) {
                    self.work.spawn(follows);
                }
            }
            Event::Declares(holds) => self.declares(holds).await,
            Event::Row(event) => self.decide([Next::Hub(event)]).await,
            Event::Goodbye(done) => {
                self.decide([Next::Holder(HolderEvent::Goodbye)]).await;
                // Behind everything that is still to be closed.
                drop(self.jobs.send(Job::Done(done)).await);
            }
        }
    }

    async fn heard(&mut self, node: &str, link: u64, message: Msg) {
        let Ok(name) = Slug::parse(node) else { return };
        match message {
            Msg::Facts(facts) if self.reign.is_some() => self.facts(node, link, facts).await,
            Msg::ToHub(message) if self.reign.is_some() => {
                // A renewal that was lost here would be said again after a second.
                if let Some(early) = self.early.get_mut(node).filter(|early| early.link == link) {
                    if early.then.len() < EARLY_MAX {
                        early.then.push(message);
                    }
                    return;
                }
                self.decide([Next::Hub(HubEvent::Heard { node: name, link: LinkId(link), message })]).await;
            }
            Msg::ToNode(message) if self.announced.get(node) == Some(&link) && self.reign.is_none() => {
                self.hub_says(message).await;
            }
            message @ (Msg::List(_) | Msg::Renew(_) | Msg::Certificate(_)) => {
                let up = self.up.borrow().get(node).filter(|up| up.id() == link).cloned();
                if let Some(work) = up.and_then(|up| certificates::heard(&self.member, &up, message)) {
                    self.work.spawn(work);
                }
            }
            _ => {}
        }
    }

    /// A node says what it is. Its end of the link may be ready a moment before ours is.
    async fn facts(&mut self, node: &str, link: u64, facts: NodeFacts) {
        if self.up.borrow().get(node).is_none_or(|up| up.id() < link) {
            self.early.insert(node.to_owned(), Early { link, facts, then: Vec::new() });
            return;
        }
        if !self.is_true(node, link, &facts) {
            return;
        }
        self.announced.insert(node.to_owned(), link);
        self.joins(link, facts).await;
    }

    /// A node is there, and with it what it declares.
    async fn joins(&mut self, link: u64, facts: NodeFacts) {
        let own = declare::units(&facts);
        if let Some(system) = self.member.system.get() {
            // Wakes for what it holds were lost while it had no link.
            system.again().sweep_soon();
        }
        self.decide([Next::Hub(HubEvent::Up { link: LinkId(link), facts })]).await;
        self.decide(own.into_iter().map(|unit| Next::Hub(HubEvent::Added(unit)))).await;
    }

    /// Workspaces have come or gone. Where that can't be told now, the next look finds it again.
    async fn declares(&mut self, holds: Holds) {
        let facts = NodeFacts { holds: holds.clone(), ..self.member.facts() };
        if self.says(facts).await {
            *self.member.holds() = holds;
        }
    }

    /// What a node says of itself is what its certificate and its hello say.
    fn is_true(&self, node: &str, link: u64, facts: &NodeFacts) -> bool {
        let up = self.up.borrow().get(node).cloned();
        up.is_some_and(|up| {
            let peer = up.peer();
            up.id() == link
                && facts.node.as_str() == peer.node
                && facts.incarnation.to_string() == peer.incarnation
                && facts.roles == peer.roles
        })
    }

    async fn hub_says(&mut self, message: ToNode) {
        if matches!(message, ToNode::Renewed(_)) {
            self.granted = Instant::now();
        }
        if let ToNode::Table(table) = message {
            drop(self.member.table().apply(table));
            return;
        }
        self.decide([Next::Holder(HolderEvent::Heard(message))]).await;
    }

    /// Commits are taken again: by a new link, or under a lease that had ended.
    fn store_is_back(&self) {
        if let Some(system) = self.member.system.get() {
            system.again().store_is_back();
        }
    }

    async fn links_changed(&mut self) {
        let up = self.up.borrow_and_update().clone();
        if self.reign.is_some() {
            let gone: Vec<(String, u64)> = self
                .announced
                .iter()
                .filter(|(node, link)| up.get(*node).is_none_or(|up| up.id() != **link))
                .map(|(node, link)| (node.clone(), *link))
                .collect();
            for (node, link) in gone {
                self.announced.remove(&node);
                if let Ok(node) = Slug::parse(&node) {
                    self.decide([Next::Hub(HubEvent::Down { node, link: LinkId(link) })]).await;
                }
            }
            for (node, Early { link, facts, then }) in std::mem::take(&mut self.early) {
                self.facts(&node, link, facts).await;
                for message in then {
                    self.heard(&node, link, Msg::ToHub(message)).await;
                }
            }
            return;
        }
        let hub = self.member.hub();
        self.tell_link(hub.is_some());
        let known = self.announced.values().next().copied();
        if hub.as_ref().map(|hub| hub.id()) == known {
            return;
        }
        if known.is_some() {
            self.announced.clear();
            self.is_without_lease = true;
            self.decide([Next::Holder(HolderEvent::Down)]).await;
        }
        if let Some(hub) = hub {
            tell(&hub, &Msg::Facts(self.member.facts()));
            self.announced.insert(hub.peer().node.clone(), hub.id());
            self.decide([Next::Holder(HolderEvent::Up)]).await;
        }
    }

    /// A node without its hub accepts nothing and finishes nothing.
    fn tell_link(&self, is_up: bool) {
        if let Some(system) = self.member.system.get() {
            let why = "the link to the hub is down: nothing is accepted here until it is back";
            system.alarm("hub", Some(why.to_owned()).filter(|_| !is_up));
        }
    }

    /// Lets hub and holder decide, also on what they say to each other where both are here.
    async fn decide(&mut self, events: impl IntoIterator<Item = Next>) {
        let mut next: VecDeque<Next> = events.into_iter().collect();
        while let Some(event) = next.pop_front() {
            match event {
                Next::Hub(event) => next.extend(self.hub(event).into_iter().map(Next::Holder)),
                Next::Holder(event) => next.extend(self.holder(event).await.into_iter().map(Next::Hub)),
            }
        }
    }

    fn hub(&mut self, event: HubEvent) -> Vec<HolderEvent> {
        let Some(reign) = &mut self.reign else { return Vec::new() };
        let actions = reign.hub.decide(event, self.member.now());
        let mut to_holder = Vec::new();
        let is_given = |action: &HubAction| matches!(action, HubAction::Send { message: ToNode::Assign { .. }, .. });
        if actions.iter().any(is_given)
            && let Some(system) = self.member.system.get()
        {
            // What waited for the unit while nobody held it is woken by its rows.
            system.again().sweep_soon();
        }
        for message in reign.perform(&self.member, actions, &mut self.work) {
            match message {
                ToNode::Table(table) => drop(self.member.table().apply(table)),
                message @ ToNode::Renewed(_) => {
                    self.granted = Instant::now();
                    to_holder.push(HolderEvent::Heard(message));
                }
                message => to_holder.push(HolderEvent::Heard(message)),
            }
        }
        to_holder
    }

    async fn holder(&mut self, event: HolderEvent) -> Vec<HubEvent> {
        let table = self.member.table().version();
        // What has finished is closed: that it is free need not wait for all that is still to be closed.
        let finished = if let HolderEvent::Finished { unit, .. } = &event { Some(unit.clone()) } else { None };
        let is_lease = matches!(&event, HolderEvent::Heard(ToNode::Renewed(renewed)) if renewed.ttl_ms > 0);
        let actions = self.member.holder().decide(event, table, self.member.now());
        let mut to_hub = Vec::new();
        for action in actions {
            match action {
                // What is given back is closed first; nothing else waits for what opens and closes.
                Action::Send(message) if is_free(&message, finished.as_ref()) => {
                    if self.reign.is_some() {
                        let (node, link) = (self.member.facts.node.clone(), LinkId(SELF));
                        to_hub.push(HubEvent::Heard { node, link, message });
                    } else {
                        self.member.say_to_hub(message);
                    }
                }
                action => {
                    self.is_without_lease |= matches!(action, Action::Suspend(..));
                    // There is room for more than can be; a node that stops takes none any more.
                    drop(self.jobs.send(Job::Do(action)).await);
                }
            }
        }
        if is_lease && std::mem::take(&mut self.is_without_lease) {
            self.store_is_back();
        }
        to_hub
    }
}

/// What is said at once, and not behind what is still to be opened and closed.
fn is_free(message: &ToHub, finished: Option<&Unit>) -> bool {
    match message {
        ToHub::Released { unit, .. } => finished == Some(unit),
        ToHub::Goodbye => false,
        _ => true,
    }
}
