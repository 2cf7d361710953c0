//! Who is attached and which replies are on their way: the decisions, without locks and channels.

use std::collections::{BTreeMap, HashMap, VecDeque};

/// Deliveries that are remembered as flushed, over all sessions; the oldest are forgotten first.
pub(crate) const REMEMBERED_MAX: usize = 16_384;

/// A connection's number; counts up, so that the newest is the largest.
pub(crate) type Number = u64;

/// How the wait for one delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The client has it.
    Flushed {
        /// The session's name.
        session: String,
    },
    /// The frame was never given to the connection.
    NotHanded,
    /// It was, and nothing more is known.
    Handed,
}

/// Where a delivery goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// This session has flushed it before.
    Already {
        /// The session's name.
        session: String,
    },
    /// No attached session takes it now.
    Nobody,
    /// To this connection.
    To(Number),
}

#[derive(Debug)]
struct Entry {
    session: String,
    chat: String,
    /// It let a delivery's time run out; it gets no other until it speaks of one again.
    stalled: bool,
}

#[derive(Debug)]
struct Delivery {
    to: Number,
    handed: bool,
}

/// The table of sessions and deliveries.
#[derive(Debug, Default)]
pub(crate) struct Table {
    last: Number,
    entries: BTreeMap<Number, Entry>,
    deliveries: HashMap<i64, Delivery>,
    flushed: HashMap<i64, String>,
    flushed_order: VecDeque<i64>,
}

impl Table {
    /// A session comes; an older connection of the same name must go. Deliveries it reports are settled first.
    pub(crate) fn attach(
        &mut self,
        session: &str,
        chat: &str,
        flushed: &[i64],
    ) -> (Number, Option<Number>, Vec<(i64, Ended)>) {
        let mut ended = Vec::new();
        for delivery in flushed {
            // What is on its way to another session is that one's to speak of.
            let to = self.deliveries.get(delivery).and_then(|d| self.entries.get(&d.to));
            if to.is_some_and(|entry| entry.session != session) {
                continue;
            }
            self.remember(*delivery, session);
            if self.deliveries.remove(delivery).is_some() {
                ended.push((*delivery, Ended::Flushed { session: session.to_owned() }));
            }
        }
        let older = self.entries.iter().find(|(_, e)| e.session == session).map(|(number, _)| *number);
        if let Some(older) = older {
            ended.extend(self.detach(older));
        }
        self.last += 1;
        self.entries.insert(self.last, Entry { session: session.to_owned(), chat: chat.to_owned(), stalled: false });
        (self.last, older, ended)
    }

    /// A connection is gone: what was on its way to it ends.
    pub(crate) fn detach(&mut self, number: Number) -> Vec<(i64, Ended)> {
        self.entries.remove(&number);
        let gone: Vec<i64> = self.deliveries.iter().filter(|(_, d)| d.to == number).map(|(id, _)| *id).collect();
        gone.into_iter().filter_map(|id| self.deliveries.remove(&id).map(|d| (id, how(d.handed)))).collect()
    }

    /// Some session takes replies for this chat now.
    pub(crate) fn is_ready(&self, chat: &str) -> bool {
        self.entries.values().any(|e| e.chat == chat && !e.stalled)
    }

    /// Chooses who gets a reply: the session whose event it answers, else the newest of the chat.
    pub(crate) fn begin(&mut self, delivery: i64, event: &str, chat: &str) -> Begin {
        if let Some(session) = self.flushed.get(&delivery) {
            return Begin::Already { session: session.clone() };
        }
        let asked_by = session_of(event);
        let takes = |e: &Entry| e.chat == chat && !e.stalled;
        let own = self.entries.iter().find(|(_, e)| takes(e) && e.session == asked_by);
        let Some((to, _)) = own.or_else(|| self.entries.iter().rev().find(|(_, e)| takes(e))) else {
            return Begin::Nobody;
        };
        let to = *to;
        self.deliveries.insert(delivery, Delivery { to, handed: false });
        Begin::To(to)
    }

    /// Somebody waits for this delivery by this connection.
    pub(crate) fn awaits(&self, number: Number, delivery: i64) -> bool {
        self.deliveries.get(&delivery).is_some_and(|waiting| waiting.to == number)
    }

    /// The connection is about to be given the frame. `false`: nobody waits for it any more, don't.
    pub(crate) fn hand(&mut self, number: Number, delivery: i64) -> bool {
        match self.deliveries.get_mut(&delivery) {
            Some(waiting) if waiting.to == number => {
                waiting.handed = true;
                true
            }
            _ => false,
        }
    }

    /// The client says that it has flushed a delivery. Gives whether someone waits for that, and the chat that is ready
    /// again because of it.
    pub(crate) fn flush(&mut self, number: Number, delivery: i64) -> (Option<Ended>, Option<String>) {
        let Some(entry) = self.entries.get_mut(&number) else { return (None, None) };
        let again = std::mem::take(&mut entry.stalled).then(|| entry.chat.clone());
        let session = entry.session.clone();
        if self.deliveries.get(&delivery).is_some_and(|waiting| waiting.to != number) {
            return (None, again);
        }
        self.remember(delivery, &session);
        (self.deliveries.remove(&delivery).map(|_| Ended::Flushed { session }), again)
    }

    /// A delivery's time has run out.
    pub(crate) fn give_up(&mut self, delivery: i64) -> Ended {
        let Some(waiting) = self.deliveries.remove(&delivery) else { return Ended::NotHanded };
        if let Some(entry) = self.entries.get_mut(&waiting.to).filter(|_| waiting.handed) {
            entry.stalled = true;
        }
        how(waiting.handed)
    }

    /// Who has flushed a delivery, as far as it is remembered.
    pub(crate) fn who_flushed(&self, delivery: i64) -> Option<&str> {
        self.flushed.get(&delivery).map(String::as_str)
    }

    /// The attached sessions: name, chat, deliveries on their way, stalled.
    pub(crate) fn list(&self) -> impl Iterator<Item = (&str, &str, usize, bool)> {
        self.entries.iter().map(|(number, e)| {
            let open = self.deliveries.values().filter(|d| d.to == *number).count();
            (e.session.as_str(), e.chat.as_str(), open, e.stalled)
        })
    }

    fn remember(&mut self, delivery: i64, session: &str) {
        if self.flushed.insert(delivery, session.to_owned()).is_some() {
            return;
        }
        self.flushed_order.push_back(delivery);
        if self.flushed_order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.flushed_order.pop_front()
        {
            self.flushed.remove(&oldest);
        }
    }
}

fn how(handed: bool) -> Ended {
    if handed { Ended::Handed } else { Ended::NotHanded }
}

/// The session whose event this is: what stands before the last colon.
pub(crate) fn session_of(event: &str) -> &str {
    event.rsplit_once(':').map_or("", |(session, _)| session)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: &str = "home/general";

    #[test]
    fn a_reply_goes_to_who_asked_and_else_to_the_newest_of_the_chat() {
        let mut table = Table::default();
        let (a, ..) = table.attach("a", CHAT, &[]);
        let (b, ..) = table.attach("b", CHAT, &[]);
        table.attach("c", "home/other", &[]);
        assert_eq!(table.begin(1, "a:7", CHAT), Begin::To(a));
        assert_eq!(table.begin(2, "gone:7", CHAT), Begin::To(b));
        assert_eq!(table.begin(3, "c:1", "home/empty"), Begin::Nobody);
        assert!(table.is_ready(CHAT) && !table.is_ready("home/empty"));
    }

    #[test]
    fn a_session_that_goes_before_the_hand_over_leaves_no_doubt_and_after_it_does() {
        let mut table = Table::default();
        let (a, ..) = table.attach("a", CHAT, &[]);
        table.begin(1, "a:1", CHAT);
        table.begin(2, "a:2", CHAT);
        assert!(table.hand(a, 1));
        let mut ended = table.detach(a);
        ended.sort_by_key(|(id, _)| *id);
        assert_eq!(ended, [(1, Ended::Handed), (2, Ended::NotHanded)]);
        assert!(!table.is_ready(CHAT));
    }

    #[test]
    fn what_was_flushed_once_is_never_sent_again() {
        let mut table = Table::default();
        let (a, ..) = table.attach("a", CHAT, &[]);
        table.begin(1, "a:1", CHAT);
        table.hand(a, 1);
        assert_eq!(table.flush(a, 1), (Some(Ended::Flushed { session: "a".into() }), None));
        assert_eq!(table.begin(1, "a:1", CHAT), Begin::Already { session: "a".into() });
        assert_eq!(table.who_flushed(1), Some("a"));
        assert_eq!(table.who_flushed(2), None);
    }

    #[test]
    fn a_session_that_comes_back_answers_for_what_it_flushed_before() {
        let mut table = Table::default();
        let (first, ..) = table.attach("a", CHAT, &[]);
        table.begin(1, "a:1", CHAT);
        table.begin(2, "a:2", CHAT);
        table.hand(first, 1);
        table.hand(first, 2);
        let (second, replaced, ended) = table.attach("a", CHAT, &[1]);
        assert_eq!(replaced, Some(first));
        assert_eq!(ended, [(1, Ended::Flushed { session: "a".into() }), (2, Ended::Handed)]);
        assert!(second > first);
    }

    #[test]
    fn nobody_speaks_for_a_delivery_that_is_on_its_way_to_another() {
        let mut table = Table::default();
        let (a, ..) = table.attach("a", CHAT, &[]);
        let (b, ..) = table.attach("b", "home/other", &[]);
        table.begin(1, "a:1", CHAT);
        table.hand(a, 1);
        assert_eq!(table.flush(b, 1), (None, None));
        let (.., ended) = table.attach("c", CHAT, &[1]);
        assert_eq!((ended, table.who_flushed(1)), (vec![], None));
        assert_eq!(table.flush(a, 1), (Some(Ended::Flushed { session: "a".into() }), None));
    }

    #[test]
    fn a_withdrawn_delivery_is_not_handed_over() {
        let mut table = Table::default();
        let (a, ..) = table.attach("a", CHAT, &[]);
        table.begin(1, "a:1", CHAT);
        assert_eq!(table.give_up(1), Ended::NotHanded);
        assert!(!table.hand(a, 1));
        assert!(table.is_ready(CHAT), "nothing was handed, so it has not stalled");
    }

    #[test]
    fn a_reader_that_sleeps_costs_one_doubt_and_not_one_for_each_reply() {
        let mut table = Table::default();
        let (a, ..) = table.attach("a", CHAT, &[]);
        table.begin(1, "a:1", CHAT);
        table.hand(a, 1);
        assert_eq!(table.give_up(1), Ended::Handed);
        assert!(!table.is_ready(CHAT));
        assert_eq!(table.begin(2, "a:2", CHAT), Begin::Nobody);
        assert_eq!(table.flush(a, 1), (None, Some(CHAT.into())));
        assert!(table.is_ready(CHAT));
    }

    #[test]
    fn memory_of_what_was_flushed_is_bounded() {
        let mut table = Table::default();
        let all: Vec<i64> = (0..=i64::try_from(REMEMBERED_MAX).unwrap()).collect();
        table.attach("a", CHAT, &all);
        assert_eq!(table.flushed.len(), REMEMBERED_MAX);
        assert_eq!(table.who_flushed(0), None);
        assert_eq!(table.who_flushed(1), Some("a"));
    }
}
