//! The actor at `tools`: its mailbox never waits for a disk or for an index.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gate::{Mount, check_mounts, roots};
use messages::index::{self, Index};
use messages::tool::{Class, Failure, Msg, Repeat, Reply, ToolSpec, Tools, Use};
use messages::turn::Scope;
use messages::{Address, AskError};
use runtime::{Ref, ReplyPort, Service, ServiceCx, ServiceError, System};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::arguments::{Search, arguments};
use crate::core::hits;
use crate::files::{Asked, Files, Key};
use crate::limits::{LIMITS, Limit};
use crate::registry::{MD_LIST, MD_READ, MD_WRITE, SEARCH, registry};
use crate::throttle::{Inside, Throttle, Turn};

/// Uses that run or wait on the whole node; one more is refused.
const USES_MAX: usize = 4_096;
/// Uses that are at files at once on the whole node: each holds a thread.
const FILES_AT_ONCE: usize = 16;
/// When who was turned away may try again.
const BUSY_RETRY_AFTER: Duration = Duration::from_millis(200);
/// The longest that one use of files is waited for: a disk that hangs.
const FILES_WAIT_MAX: Duration = Duration::from_secs(60);
/// The longest that an index is waited for; above its own limits.
const SEARCH_WAIT_MAX: Duration = Duration::from_secs(15);

/// Where the workspaces are and what is mounted into them.
#[derive(Debug, Clone, Default)]
pub struct ToolsConfig {
    /// The folder that holds all workspaces.
    pub workspaces: PathBuf,
    /// Folders that are read beside a workspace's own, by the workspace's id.
    pub mounts: BTreeMap<String, Vec<Mount>>,
}

/// Performs the tools that need I/O.
pub struct ToolsService {
    shared: Arc<Shared>,
    specs: Vec<ToolSpec>,
}

struct Shared {
    config: ToolsConfig,
    throttle: Arc<Throttle>,
    files: Arc<Semaphore>,
}

/// A call whose arguments were read.
enum Call {
    Files(Asked),
    Search(Search),
}

impl ToolsService {
    /// Opens `tools`. Nothing is read yet.
    ///
    /// # Errors
    /// [`ServiceError`] when a mount's name can't be used.
    pub fn open(config: ToolsConfig) -> Result<Self, ServiceError> {
        config.mounts.values().try_for_each(|mounts| check_mounts(mounts)).map_err(ServiceError::new)?;
        let (throttle, files) = (Arc::default(), Arc::new(Semaphore::new(FILES_AT_ONCE)));
        Ok(Self { shared: Arc::new(Shared { config, throttle, files }), specs: registry() })
    }

    fn perform(&self, used: Box<Use>, reply: ReplyPort<Tools>, cx: &ServiceCx) {
        let (call, limit) = match self.judge(&used) {
            Ok(judged) => judged,
            Err(failure) => return reply.send(Reply::Failed(failure)),
        };
        if cx.running() >= USES_MAX {
            return reply.fail(busy(format!("{USES_MAX} uses of tools run or wait")));
        }
        let inside = match self.shared.throttle.enter(limit, limit.key(&used.scope)) {
            Ok(inside) => inside,
            Err(full) => {
                let (tool, running, waiting) = (limit.tool, full.running, full.waiting);
                return reply
                    .fail(busy(format!("{running} uses of `{tool}` run in this workspace and {waiting} wait")));
            }
        };
        let index = cx.system.to::<Index>(&Address::index(&used.scope.workspace));
        let (shared, system) = (self.shared.clone(), cx.system.clone());
        cx.spawn("use a tool", async move {
            let mut reply = reply;
            let answered = tokio::select! {
                biased;
                // A write that has begun goes on; who asks again is told whether it was done.
                () = reply.closed() => return,
                answered = shared.answer(&used, call, (inside, index), &system) => answered,
            };
            tracing::debug!(tool = %used.call.name, trace = %used.trace, ok = matches!(answered, Ok(Reply::Done(_))), "used");
            match answered {
                Ok(answer) => reply.send(answer),
                Err(error) => reply.fail(error),
            }
        });
    }

    fn judge(&self, used: &Use) -> Result<(Call, &'static Limit), Failure> {
        let name = used.call.name.as_str();
        let no_such = |message| Failure { class: Class::NoSuchTool, message };
        let Some(spec) = self.specs.iter().find(|spec| spec.name == name) else {
            let have = self.specs.iter().map(|spec| spec.name.as_str()).collect::<Vec<_>>().join(", ");
            let shown = markdown::text::clean_line(name, 64);
            return Err(no_such(format!("There is no tool `{shown}`; there are {have}.")));
        };
        let limit = Limit::of(name).filter(|_| spec.repeat != Repeat::InCommit);
        let limit = limit.ok_or_else(|| no_such(format!("`{name}` is done by who uses it, and not here.")))?;
        let call = match name {
            MD_READ => Call::Files(Asked::Read(arguments(spec, &used.call)?)),
            MD_LIST => Call::Files(Asked::List(arguments(spec, &used.call)?)),
            MD_WRITE => Call::Files(Asked::Write(arguments(spec, &used.call)?)),
            SEARCH => Call::Search(arguments(spec, &used.call)?),
            _ => return Err(no_such(format!("`{name}` can't be used in this release."))),
        };
        Ok((call, limit))
    }

    fn lines(&self) -> Vec<String> {
        let line = |limit: &Limit| {
            let Limit { tool, at_once, waiting, .. } = limit;
            let inside = self.shared.throttle.inside(tool);
            format!("{tool}: {inside} run or wait; {at_once} at once and {waiting} waiting in a workspace")
        };
        LIMITS.iter().map(line).collect()
    }
}

impl Shared {
    async fn answer(
        &self,
        used: &Use,
        call: Call,
        (inside, index): (Inside, Ref<Index>),
        system: &System,
    ) -> Result<Reply, AskError> {
        let turn = inside.turn().await.ok_or_else(|| AskError::Failed("the tools are being closed".into()))?;
        match call {
            Call::Search(search) => found(&search, &used.scope, &index).await,
            Call::Files(asked) => self.at_files(used, asked, turn, system).await,
        }
    }

    async fn at_files(&self, used: &Use, asked: Asked, turn: Turn, system: &System) -> Result<Reply, AskError> {
        let closed = |error: tokio::sync::AcquireError| AskError::Failed(error.to_string());
        let permit = self.files.clone().acquire_owned().await.map_err(closed)?;
        let files = self.files_of(&used.scope);
        let key = Key { name: format!("{}-{}", used.work.as_str(), used.seq), again: used.again };
        let is_write = matches!(asked, Asked::Write(_));
        // Who stops waiting does not stop the thread: the places are given back when it is through.
        let (system, unit) = (system.clone(), Address::workspace(&used.scope.workspace));
        let work = spawn_blocking(move || {
            let _held = (turn, permit);
            if is_write {
                // A node that was frozen past its lease: the files are another's to write, perhaps.
                system.may_act(&unit).map_err(busy)?;
            }
            Ok(files.perform(&asked, &key))
        });
        let why = match timeout(FILES_WAIT_MAX, work).await {
            Ok(Ok(reply)) => return reply,
            Ok(Err(ended)) => ended.to_string(),
            Err(_) => format!("the disk has not answered within {FILES_WAIT_MAX:?}"),
        };
        let what = markdown::text::clean_line(&used.call.name, 64);
        Ok(if is_write {
            Reply::Unknown(format!("Whether `{what}` was done is not known: {why}."))
        } else {
            Reply::Failed(Failure { class: Class::Failed, message: format!("`{what}` was not done: {why}.") })
        })
    }

    fn files_of(&self, scope: &Scope) -> Files {
        let workspace = scope.workspace.as_str();
        let mounts = self.config.mounts.get(workspace).map(Vec::as_slice).unwrap_or_default();
        Files { roots: roots(&self.config.workspaces.join(workspace), mounts), paths: scope.paths.clone() }
    }
}

/// Asks the index. That it is busy is told as such: nothing was done, and another try makes sense.
async fn found(search: &Search, scope: &Scope, index: &Ref<Index>) -> Result<Reply, AskError> {
    let (query, limit) = (search.query.clone(), search.limit);
    let reach = index::Reach::of(scope);
    let failed = |why: &str| {
        let message = format!("The search was not done: {why}. Try again, or read with md_list and md_read.");
        Ok(Reply::Failed(Failure { class: Class::Failed, message }))
    };
    match index.ask(index::Msg::Search { query, limit, reach }, SEARCH_WAIT_MAX).await {
        Ok(index::Reply::Found(index::Found { problem: Some(problem), .. })) => {
            let message = format!("The query can't be understood: {problem}.");
            Ok(Reply::Failed(Failure { class: Class::Arguments, message }))
        }
        Ok(index::Reply::Found(found)) => Ok(Reply::Done(hits(&search.query, &found.hits))),
        Ok(_) => failed("the index gave another answer"),
        Err(busy @ AskError::Busy { .. }) => Err(busy),
        Err(error) => failed(&error.to_string()),
    }
}

fn busy(what: String) -> AskError {
    AskError::Busy { what, retry_after: BUSY_RETRY_AFTER }
}

impl Service for ToolsService {
    type Proto = Tools;

    async fn handle(&mut self, msg: Msg, reply: ReplyPort<Tools>, cx: &ServiceCx) -> Result<(), ServiceError> {
        match msg {
            Msg::Use(used) => self.perform(used, reply, cx),
            Msg::Describe => reply.send(Reply::Described(self.lines())),
        }
        Ok(())
    }
}
