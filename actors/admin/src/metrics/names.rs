//! All metrics, as `/metrics` gives them and `docs/operations.md` lists them; a test keeps the page.

/// One family of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Its whole name.
    pub name: &'static str,
    /// `gauge`, `counter`, `histogram`.
    pub kind: &'static str,
    /// Its labels, in the order in which they are given; none is an actor's id, a person or a context.
    pub labels: &'static [&'static str],
    /// What it is.
    pub help: &'static str,
}

const fn metric(name: &'static str, kind: &'static str, labels: &'static [&'static str], help: &'static str) -> Metric {
    Metric { name, kind, labels, help }
}

macro_rules! metrics {
    ($($const:ident = $name:literal $kind:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(crate) const $const: Metric = metric(concat!("agent_runtime_", $name), $kind, &[$($label),*], $help);)*
        /// In the order in which they are given.
        pub const METRICS: &[Metric] = &[$($const),*];
    };
}

metrics! {
    BUILD = "build_info" "gauge" ["node", "version"] "Always 1; which node and which version this is.";
    UPTIME = "uptime_seconds" "gauge" [] "Seconds since the node began.";
    READY = "ready" "gauge" [] "1 when /readyz says so, else 0.";
    ALARM = "alarm" "gauge" ["alarm"] "Alarms of this name that stand.";
    EVENTS = "events" "gauge" ["state"] "Events without an outcome: `waiting` to be looked at, `taken` in turns.";
    ACCEPTED = "events_accepted_total" "counter" [] "Events that were ever accepted, over all starts.";
    EVENT_AGE = "oldest_event_seconds" "gauge" [] "Age of the oldest event that nobody has looked at; 0 when there is none.";
    REPLIES = "replies" "gauge" ["state"] "Replies: `pending` to be sent, `sending`, `in_doubt` ever.";
    REPLY_AGE = "oldest_reply_seconds" "gauge" [] "Age of the oldest pending reply; one of a chat that nobody is attached to waits as long as that is so.";
    TASKS = "tasks" "gauge" ["state"] "Tasks that have not ended: `queued`, `running`, `waiting`, `in_doubt`; and `dead` that nobody has read.";
    ACTORS = "actors" "gauge" ["kind"] "Actors that live.";
    STOPPED = "actors_stopped" "gauge" ["kind"] "Actors that stay down after a restart storm.";
    RESTARTS = "actor_restarts_total" "counter" ["kind"] "Restarts after a failure.";
    MAILBOX = "mailbox_messages" "gauge" ["kind"] "Messages that wait in mailboxes.";
    MAILBOX_AGE = "mailbox_oldest_seconds" "gauge" ["kind"] "The longest wait of a message in a mailbox.";
    COMMIT = "commit_seconds" "histogram" [] "From a commit's being asked for to its answer.";
    GROUP = "commit_group_size" "histogram" [] "Commits in one transaction.";
    STALE = "commits_stale_total" "counter" ["of"] "Commits of other nodes that were refused: their unit (`ws`, `connector`) has a newer holder.";
    STORE_QUEUE = "store_queue" "gauge" ["of"] "`commits` that wait for the writer, `queries` that wait for a reader.";
    STORE_BYTES = "store_bytes" "gauge" [] "Bytes of the store's file and its write-ahead log.";
    AUDIT = "audit_records_total" "counter" [] "Records of the audit chain, over all starts.";
    DISK_FREE = "disk_free_bytes" "gauge" [] "Bytes of the data folder's disk that this account may still use.";
    DISK = "disk_bytes" "gauge" [] "Bytes of that disk.";
    INDEX_FILES = "index_files" "gauge" [] "Files in all search indexes.";
    INDEX_PASSAGES = "index_passages" "gauge" [] "Passages in all search indexes.";
    INDEX_SCANNING = "index_scanning" "gauge" [] "Search indexes that are looking at files now.";
    CALLS = "model_calls_total" "counter" ["model"] "Calls that a model was given.";
    FAILURES = "model_failures_total" "counter" ["model"] "Of those, such that gave no answer.";
    TOKENS = "model_tokens_total" "counter" ["direction", "model"] "Tokens: `input` read, `output` written, thinking included.";
    COST = "model_cost_dollars_total" "counter" ["model"] "Dollars by the table of prices, as far as it is known what was used.";
    RSS = "resident_memory_bytes" "gauge" [] "Resident memory of the process.";
    HEAP = "heap_bytes" "gauge" ["state"] "Memory of the process that is no file's: in use, or freed and not given back to the system.";
    FILES = "open_files" "gauge" [] "Open files and sockets of the process.";
}
