mod opening;

use std::sync::{Arc, Mutex};

use messages::index::{Index, Msg, Reply};
use messages::store::{
    CommitError, EntryOf, EntryRow, FileStamp, InboundKind, InboxRow, InboxState, LogRow, QueryError, Rows,
};
use messages::turn::Chat;
use messages::{Address, InboundId, Moment, Slug, Trace};
use policy::Policy;
use runtime::testing::{ScriptedStore, system};
use runtime::{Child, Children, Intensity, ReplyPort, Restart, Service, ServiceCx, ServiceError, Strategy, System};

use super::*;
use crate::context::ContextDeps;
use crate::{Layout, WorkFacts, log_path, render};

struct Desk {
    folder: tempfile::TempDir,
    world: World<Context>,
    log: LogRow,
    whole: String,
    forgotten: Forgotten,
    asked: Arc<Mutex<Vec<u64>>>,
}

type Forgotten = Arc<Mutex<Vec<(String, Option<Vec<u64>>)>>>;

/// An index that only forgets.
struct FakeIndex(Forgotten);

impl Service for FakeIndex {
    type Proto = Index;

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Index>, _: &ServiceCx) -> Result<(), ServiceError> {
        let Msg::Forget { record, entries } = msg else { return Ok(()) };
        self.0.lock().unwrap().push((record, entries));
        reply.send(Reply::Done);
        Ok(())
    }
}

async fn with_index(system: &System, forgotten: &Forgotten) {
    let forgotten = forgotten.clone();
    let index = Address::index(&Slug::parse("home").unwrap());
    let list = vec![Child::service(index, Restart::Permanent, move || {
        let forgotten = forgotten.clone();
        Box::pin(async move { Ok(FakeIndex(forgotten)) })
    })];
    system.start(Children { strategy: Strategy::OneForOne, intensity: Intensity::STOP_CHILD, list }).await.unwrap();
}

/// Entries of most logs here.
const FEW: i64 = 3;

/// The log as it is when nothing was erased.
fn whole() -> String {
    entries("home/logs/console/general.md", FEW, &[]).iter().map(render::entry).collect()
}

fn row(seq: i64, redacted: bool) -> InboxRow {
    let id = InboundId::of("console", &seq.to_string());
    InboxRow {
        seq,
        trace: Trace::of(&id),
        id,
        event: seq.to_string(),
        context: Address::parse("ws/home/context/general").unwrap(),
        chat: Chat { connector: "console".into(), chat: "home/general".into() },
        user: "ann".into(),
        kind: InboundKind::Message,
        target: None,
        text: if redacted { String::new() } else { format!("words number {seq}") },
        salt: [0; 16],
        received_at: Moment(seq),
        state: InboxState::Settled,
        turn: None,
        outcome: None,
        reason: String::new(),
        settled_at: None,
        redacted,
    }
}

/// The first entries of a log; those in `redacted` were erased after they had been written.
fn entries(log: &str, many: i64, redacted: &[i64]) -> Vec<EntryRow> {
    let mut offset = 0;
    let entry = |seq| {
        let length = u32::try_from(render::inbound(&row(seq, false)).len()).unwrap();
        let of = EntryOf::Inbound(Box::new(row(seq, redacted.contains(&seq))));
        let entry = EntryRow { log: log.to_owned(), offset, length, of };
        offset += u64::from(length);
        entry
    };
    (1..=many).map(entry).collect()
}

impl Desk {
    async fn new(redacted: &[i64]) -> Self {
        Self::of(FEW, redacted).await
    }

    async fn of(many: i64, redacted: &[i64]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let context = row(1, false).context;
        let name = log_path(&context.workspace_of().unwrap(), &row(1, false).chat);
        let rows = entries(&name, many, redacted);
        let whole: String = rows.iter().map(render::entry).collect();
        let asked = Arc::<Mutex<Vec<u64>>>::default();
        let notes = asked.clone();
        let answer = move |query: &Query| match query {
            Query::Entries { from, limit, .. } => {
                notes.lock().unwrap().push(*from);
                let page = rows.iter().filter(|e| e.offset >= *from).take(*limit as usize);
                Ok(Rows::Entries(page.cloned().collect()))
            }
            Query::EntriesOf { seq } => {
                let of = |e: &&EntryRow| matches!(&e.of, EntryOf::Inbound(row) if row.seq == *seq);
                Ok(Rows::Entries(rows.iter().filter(of).cloned().collect()))
            }
            _ => Err(QueryError::Unavailable("not asked here".into())),
        };
        let store = ScriptedStore::new(|_| Err(CommitError::Refused("not asked here".into())), answer);
        let (system, forgotten) = (system(store, Vec::new(), runtime::Options::default()), Forgotten::default());
        with_index(&system, &forgotten).await;
        let world = World {
            address: context,
            system,
            deps: ContextDeps::new(Layout::of_data(folder.path())),
            facts: Arc::new(WorkFacts {
                policy: Policy::built_in(),
                account: "ann".into(),
                offers: Arc::default(),
                tools: Arc::default(),
                limits: messages::task::WorkLimits::default(),
            }),
        };
        let size = whole.len() as u64;
        let log = LogRow { log: name, size, synced: 0, stamp: FileStamp::default() };
        Self { folder, world, log, whole, forgotten, asked }
    }

    /// What the index was asked to forget.
    fn forgotten(&self) -> Vec<(String, Option<Vec<u64>>)> {
        self.forgotten.lock().unwrap().clone()
    }

    fn path(&self) -> std::path::PathBuf {
        let layout = Layout::of_data(self.folder.path());
        layout.workspaces().join(&self.log.log)
    }

    fn write(&self, text: &str) {
        std::fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        std::fs::write(self.path(), text).unwrap();
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    fn set_aside(&self) -> Vec<String> {
        let all = std::fs::read_dir(self.path().parent().unwrap()).unwrap();
        let others = all.map(|found| found.unwrap().path()).filter(|path| *path != self.path());
        others.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// From which offsets entries were asked for, since that was last looked at.
    fn asked(&self) -> Vec<u64> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Where an entry of the log begins.
    fn at(&self, entry: usize) -> usize {
        let many = 1 + i64::try_from(entry).unwrap();
        usize::try_from(entries(&self.log.log, many, &[]).last().unwrap().offset).unwrap()
    }

    /// The log as the store has it when so much of it was synced.
    fn synced(&self, synced: usize) -> LogRow {
        let stamp = self.world.deps.logs.stamp(&self.log.log).unwrap_or_default();
        LogRow { synced: synced as u64, stamp, ..self.log.clone() }
    }

    async fn recover(&self, row: &LogRow) -> Option<Event> {
        perform(&Effect::RecoverLog(row.clone()), &self.world).await
    }

    /// What another process does with these files: it remembers nothing.
    fn other(self) -> Self {
        let deps = ContextDeps::new(Layout::of_data(self.folder.path()));
        Self { world: World { deps, ..self.world.clone() }, ..self }
    }

    /// What the date does, page after page.
    async fn prove(&self, end: usize) -> Event {
        let mut part = 0..end as u64;
        loop {
            let effect = Effect::ProveLog { log: self.log.log.clone(), part: part.clone() };
            match perform(&effect, &self.world).await.unwrap() {
                Event::LogProven { to, .. } if to < part.end => part.start = to,
                event => return event,
            }
        }
    }

    async fn mend(&self) -> Option<Event> {
        perform(&Effect::MendLog(self.log.clone()), &self.world).await
    }
}

fn is_written(event: Option<&Event>) -> bool {
    matches!(event, Some(Event::LogWritten { problem: None, .. }))
}

#[tokio::test]
async fn what_a_crash_left_unwritten_or_torn_is_written_again() {
    let whole = whole();
    let torn = |at: usize, zeros: usize| format!("{}{}", &whole[..at], "\0".repeat(zeros));
    for left in [String::new(), torn(10, 0), torn(whole.len() - 3, 0), torn(70, whole.len() - 70)] {
        let desk = Desk::new(&[]).await;
        desk.write(&left);
        assert!(is_written(desk.mend().await.as_ref()), "{left:?}");
        assert_eq!((desk.text(), desk.set_aside().len()), (whole.clone(), 0));
    }
}

#[tokio::test]
async fn a_log_that_was_removed_is_made_again() {
    let desk = Desk::new(&[]).await;
    assert!(is_written(desk.mend().await.as_ref()));
    assert_eq!(desk.text(), desk.whole);
}

#[tokio::test]
async fn a_log_that_somebody_edited_is_set_aside_whole_and_written_anew() {
    for edit in [|text: &str| text.replace("number 2", "number II"), |text: &str| format!("{text}a note of mine\n")] {
        let desk = Desk::new(&[]).await;
        let edited = edit(&desk.whole);
        desk.write(&edited);
        assert!(matches!(desk.mend().await, Some(Event::LogSetAside { .. })));
        assert_eq!((desk.text(), desk.set_aside()), (desk.whole.clone(), vec![edited]));
    }
}

#[tokio::test]
async fn words_that_were_erased_in_the_store_are_erased_in_the_file_and_not_set_aside() {
    for redacted in [1, 2, 3] {
        let desk = Desk::new(&[redacted]).await;
        desk.write(&whole());
        assert!(is_written(desk.mend().await.as_ref()));
        assert_eq!((desk.text(), desk.set_aside().len()), (desk.whole.clone(), 0));
        assert!(!desk.text().contains(&format!("words number {redacted}")));
        assert_eq!(desk.forgotten(), [("logs/console/general.md".to_owned(), None)]);
    }
}

#[tokio::test]
async fn a_write_that_waited_while_the_log_was_set_aside_leaves_it_right() {
    let desk = Desk::new(&[]).await;
    let (logs, at) = (&desk.world.deps.logs, desk.whole.len() / 2);
    logs.write(&desk.log.log, 0, &desk.whole.as_bytes()[..at]).unwrap();
    desk.write("something else\n");
    let rest = |offset: usize| Effect::WriteLog {
        log: desk.log.log.clone(),
        offset: offset as u64,
        bytes: desk.whole.as_bytes()[offset..].to_vec(),
    };
    let (first, second) = (rest(at), rest(desk.whole.len() - 5));
    assert!(matches!(perform(&first, &desk.world).await, Some(Event::LogSetAside { .. })));
    assert!(perform(&second, &desk.world).await.is_none());
    assert_eq!((desk.text(), desk.set_aside()), (desk.whole.clone(), vec!["something else\n".to_owned()]));
}

#[tokio::test]
async fn a_hole_that_a_failed_write_left_is_filled() {
    let desk = Desk::new(&[]).await;
    let (logs, at) = (&desk.world.deps.logs, desk.whole.len() / 2);
    logs.write(&desk.log.log, at as u64, &desk.whole.as_bytes()[at..]).unwrap();
    assert!(is_written(desk.mend().await.as_ref()));
    assert_eq!((desk.text(), desk.set_aside().len()), (desk.whole.clone(), 0));
}

#[tokio::test]
async fn an_erasure_writes_one_entry_and_leaves_its_neighbours() {
    let desk = Desk::new(&[2]).await;
    let logs = &desk.world.deps.logs;
    logs.write(&desk.log.log, 0, whole().as_bytes()).unwrap();
    let erase = Effect::Erase { seq: 2, log: desk.log.log.clone() };
    assert!(is_written(perform(&erase, &desk.world).await.as_ref()));
    assert_eq!((desk.text(), desk.set_aside().len()), (desk.whole.clone(), 0));
    let second = entries(&desk.log.log, FEW, &[])[1].offset;
    assert_eq!(desk.forgotten(), [("logs/console/general.md".to_owned(), Some(vec![second]))]);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_leaves_the_file_and_says_so() {
    let desk = Desk::new(&[]).await;
    let away = |_: &Query| Err(QueryError::Unavailable("away".into()));
    let store = ScriptedStore::new(|_| Err(CommitError::Refused(String::new())), away);
    let system = system(store, Vec::new(), runtime::Options::default());
    with_index(&system, &Forgotten::default()).await;
    let world = World { system, ..desk.world.clone() };
    desk.write("as it was");
    for effect in
        [Effect::MendLog(LogRow { size: 999, ..desk.log.clone() }), Effect::Erase { seq: 1, log: desk.log.log.clone() }]
    {
        let told = perform(&effect, &world).await;
        assert!(matches!(told, Some(Event::LogWritten { problem: Some(_), .. })), "{told:?}");
        assert_eq!(desk.text(), "as it was");
    }
}

#[tokio::test]
async fn what_a_node_that_was_frozen_wrote_late_is_no_edit_and_the_log_is_as_its_entries_say() {
    let at = whole().len() / 2;
    // The same words again; the words of an entry that was erased meanwhile; a write that was cut off.
    for (redacted, late) in [(&[][..], whole()), (&[2], whole()), (&[], whole()[..at].to_owned())] {
        for sync in [false, true] {
            let desk = Desk::new(redacted).await;
            let logs = &desk.world.deps.logs;
            logs.write(&desk.log.log, 0, &desk.whole.as_bytes()[..at]).unwrap();
            desk.write(&late);
            let (log, bytes) = (desk.log.log.clone(), desk.whole.as_bytes()[at..].to_vec());
            let effect = if sync { Effect::SyncLog(log) } else { Effect::WriteLog { log, offset: at as u64, bytes } };
            assert!(is_written(perform(&effect, &desk.world).await.as_ref()), "{late:?}");
            assert_eq!((desk.text(), desk.set_aside().len()), (desk.whole.clone(), 0));
        }
    }
}
