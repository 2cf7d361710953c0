//! Which node holds which unit: pure decisions.
//!
//! A *unit* is what is placed as one: a workspace (`ws/<id>`), a connector's or a mailbox's account. The hub alone
//! assigns; nodes hold. This crate decides both sides and does nothing: no task, no I/O, no clock, no chance. Who runs it
//! hands in events with the time, and performs the actions that come back, front to back.
//!
//! | core | where it runs | in | out |
//! |---|---|---|---|
//! | [`Hub`] ([`hub`]) | on the hub | links, messages, answers of the store, time | writes, messages; [`Hub::explain`] |
//! | [`Holder`] ([`holder`]) | on every node | messages, time | open, suspend, resume, drain, close; [`Holder::may_commit`] |
//! | [`Table`] ([`table`]) | in every router | tables | which units have another holder |
//!
//! What they say to each other is in [`messages::cluster`], every time in [`timers`] with its reason, the choice of a
//! node in [`weight`].
//!
//! # What is promised
//!
//! 1. **Two owners can exist for a moment, two writers cannot.** Every commit carries its unit's epoch; the writer takes
//!    only the newest. An epoch has one holder for ever, since the row {unit, node, incarnation, epoch} is written with
//!    the next epoch before anyone is told of it.
//! 2. **An exclusive unit has one user at a time.** Fences stop commits, not sends. So a sender compares
//!    [`Holder::hard_deadline`] with the clock right before it writes to a socket, and the hub gives such a unit away only
//!    when that time has passed for certain, or the holder said that it has stopped, or its process is dead.
//! 3. **Little moves.** A node that leaves moves only its own units, one that joins takes about its share, one whose link
//!    is dialled again within 300 ms moves nothing, and what no other node may have stays and goes on under its epoch.
//! 4. **It can be said why.** [`Hub::explain`] names the holder, the epoch, since when, and why it is there or waits.
//!
//! # The hand-off
//!
//! 1. `Yield` to the holder, which finishes what it began, forgets the unit, and says `Released`. Asked again with every
//!    renewal, since either may be lost; after 2 s a fenced unit moves all the same.
//! 2. One durable write: the new holder, the next epoch. Compare-and-set on the epoch before. One that the store could
//!    not take is tried again; one that was refused, or of which nobody knows, is read, and the row is believed.
//! 3. When it is written: `Assign` to the new holder, and a change of the table to every router, which sends again the
//!    asks that wait for units with another holder.
//!
//! `Assign` and `Yield` are hints. `Renewed`, the answer to each renewal, lists all that a node holds and is the truth: a
//! unit that it names is opened or resumed, one that it does not name is dropped, if the table in which it was assigned
//! is not newer than the answer. An epoch that is not above the highest seen is ignored, so nothing old comes back.
//!
//! ```text
//! hub     Free -a node may have it-> Writing -Written-> Held -Yield-> Held, asked
//!         Held, asked -Released-> Free;  -2 s, fenced-> Writing
//!         Held -goodbye | newer start of its node-> Free
//!         Held -link lost + 300 ms, fenced | end of lease, both; and another may have it-> Writing
//!         Writing -not written-> Free, in 250 ms;  Writing -refused | not known-> Reading -> as the row says
//! holder  None -Assign e | Renewed has (u, e)-> Owned e -lease over-> Suspended -Renewed has (u, e)-> Owned e
//!         Owned | Suspended -Fenced | missing in Renewed | higher epoch-> None
//!         Owned -Yield-> Draining -finished-> None, Released;  Draining -lease over-> None, Released
//! ```
//!
//! # Leases
//!
//! A node renews each second. Its lease lives 5 s from when it *sent* the renewal that was answered; the hub counts 5.1 s
//! from when it *heard* it, so the hub's always ends later, with clocks that drift apart by two in a hundred. The clock
//! counts sleep (`CLOCK_BOOTTIME`), and is looked at before anything is heard: who was frozen and wakes is suspended first.
//! The hub keeps leases in memory. After its start it believes that every holder of its rows has a lease that began then:
//! an exclusive unit whose holder does not come back waits 5.1 s, a fenced one until the hub has settled.
//!
//! A renewal says which answer the node heard last. One that has not heard for 1.5 s while it speaks is *deaf*: the answer
//! grants it nothing (`ttl_ms` 0) and it is given no unit, else a link that is cut one way would keep its units for ever.
//!
//! For 3 s after its start, or after it was called a second later than it asked, the hub moves nothing, and after such
//! a stall it forgives its peers first: what they said waits in its sockets. No move is: a unit that nobody ever held, and
//! one whose own node has begun anew; so a node by itself is at work at once.
//!
//! # What whoever runs it must keep
//!
//! - **One process a node's name.** A newer start of a node ([`messages::cluster::Incarnation`]) means that the older is
//!   dead: its data folder is locked by one process, and the hub's link layer ends the old link before it tells of the new.
//! - **One hub a store.** [`hub::Start::reign`] must grow with every start: claim a unit `hub` at start, and take its epoch.
//!   Put that fence into every commit of a [`hub::Action::Write`]: a hub that was replaced and wakes is then refused, and
//!   must end. Messages of an earlier hub are told by it.
//! - **Every write is answered** with `Written`, `NotWritten` or `Refused` (also for "not known"), and every read, when it
//!   can be read. `Write` is refused when the row's epoch is not `after`.
//! - **Messages of a link arrive in order or not at all**, those of an ended link never after those of the next.
//! - **Actions in order.** `Close` is over when nothing of the unit runs; only then the next. `Close` of a unit that has
//!   just finished by itself is nothing.
//! - **Clocks**: the hub's and each node's own, monotonic, counting sleep. Call `decide` with `Tick` at `due()`.
//!
//! # How it is tested
//!
//! `tests/simulation` runs whole clusters in simulated time by seeds: nodes killed, frozen, cut both ways and one way,
//! drained; the hub killed and frozen; a store that is busy or does not know; clocks that drift, and one that is set back. The
//! promises are checked after every event. Controls (no fence, exclusive placed as fenced, too much drift) must fail.
//! `SEED=17` runs one, `SEEDS=5000` more, `TRACE=n1,ws/w0` prints what names one of these.
//!
//! Simulated, 4 nodes, p50/max ms without anyone whose commits would be taken:
//!
//! | fault | fenced | exclusive |
//! |---|---|---|
//! | a node is killed | 307/314 | 4552/5075 |
//! | killed, begun again in 1 s | 301/309 | 1001/1016 |
//! | frozen, or cut both ways, or to the hub | 4554/5076 | 4554/5077 |
//! | cut from the hub | 4552/5076 | 6555/7083 |
//! | link ended and dialled again | 53/101 | 53/101 |
//! | drained | 8/14 | 9/13 |
//! | hub killed, begun again in 2 s | 2129/2359 | 2139/2359 |
//! | hub killed, begun again in 13 s | 13144/13370 | 13160/13370 |

pub mod holder;
pub mod hub;
mod rendezvous;
pub mod table;
pub mod timers;

pub use holder::Holder;
pub use hub::Hub;
pub use rendezvous::{rank, weight};
pub use table::Table;
pub use timers::Monotonic;
