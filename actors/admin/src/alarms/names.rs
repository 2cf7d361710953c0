//! All alarms, as `docs/operations.md` lists them; a test keeps the page.

/// One alarm.
#[derive(Debug, Clone, Copy)]
pub struct AlarmName {
    /// What stands before the colon of its id.
    pub name: &'static str,
    /// What it means, and when it is over.
    pub means: &'static str,
    /// What to do next.
    pub next: &'static str,
}

const fn named(name: &'static str, means: &'static str, next: &'static str) -> AlarmName {
    AlarmName { name, means, next }
}

/// In the order of their names.
pub const ALARMS: [AlarmName; 16] = [
    named(
        "broken",
        "A file that people write (`workspace.md`, `context.md`) can't be read; the last good version is in force.",
        "`agent-runtime context show NAME` says the line and the reason; mend the file",
    ),
    named(
        "clock",
        "The wall clock jumped against the steady one by more than 30 s. Over after ten minutes without another jump.",
        "`timedatectl` shows whether the time is kept; `agent-runtime status` shows what waits",
    ),
    named(
        "disk",
        "Less of the disk of the data folder is free than `[alarms]` allows. Over at a tenth above it.",
        "`df -h DATA`; free space before it is full, for then nothing is accepted",
    ),
    named(
        "doubt",
        "For more than a day, and less than eight, it has not been known whether a reply was delivered or a step of a task done.",
        "`agent-runtime verify` names replies, `agent-runtime tasks` tasks; `tasks retry ID` or `tasks cancel ID`",
    ),
    named(
        "http",
        "This address could not take a connection; it goes on by itself.",
        "`agent-runtime status` says why; most likely too many files are open: raise `LimitNOFILE`",
    ),
    named(
        "hub",
        "This node of a cluster has no link to its hub. Nothing is accepted or finished here, and nothing is lost.",
        "`agent-runtime nodes` at the hub shows who is there; the log of this node says why it has no link",
    ),
    named(
        "mailbox",
        "For 15 s, a message of an actor of one kind has waited longer than `alarms.mailbox_wait_s`. Over at half of it.",
        "`agent-runtime actors` shows its mailbox and what it is doing",
    ),
    named(
        "memory",
        "A conversation can't go into memory; nothing is lost, and it is tried again.",
        "`agent-runtime status` says why",
    ),
    named(
        "model",
        "A model refuses: no or a wrong key, no credit, a used up quota. Over with its next answer.",
        "`agent-runtime model test NAME` asks it for real and says what to do",
    ),
    named(
        "opening",
        "An address can't be opened: most often another node holds the workspace.",
        "`agent-runtime status` names who holds it",
    ),
    named(
        "records",
        "Record files of tasks can't be written; the tasks go on.",
        "`agent-runtime status` says which and why",
    ),
    named(
        "stopped",
        "Actors failed too often (a restart storm) and stay down.",
        "`agent-runtime status` names them with the last error; `agent-runtime actors restart ADDRESS`",
    ),
    named(
        "store",
        "The store refuses commits or can't be read, and with it the audit chain. Nothing is accepted and nothing is lost.",
        "`agent-runtime status` says why; it goes on by itself when the disk works",
    ),
    named(
        "units",
        "The hub of a cluster knows as many workspaces as it may, or this node has named as many new ones as one may. Over with the hub's next start.",
        "`agent-runtime status` says which are nobody's; take folders away, then start the hub again",
    ),
    named(
        "waits",
        "At the hub of a cluster: for 10 s no node that is there has been able to hold this workspace or account.",
        "`agent-runtime placement` says which node it waits for; start that one again, or give another one the files",
    ),
    named(
        "workspaces",
        "The folder of workspaces of this node of a cluster can't be read, or has more than one node may hold; what it holds stays as it is.",
        "`agent-runtime status` says why: most often a disk that is not mounted",
    ),
];
