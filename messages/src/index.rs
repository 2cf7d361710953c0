//! What a workspace's index may be asked: passages for a question, and pages of a file for a person.

use serde::{Deserialize, Serialize};

use crate::id::Slug;
use crate::protocol::Protocol;
use crate::turn::Scope;

/// The most hits a search gives.
pub const HITS_MAX: u32 = 50;
/// The longest query in bytes; a longer one is cut at a character.
pub const QUERY_BYTES_MAX: usize = 4_096;
/// Bytes of a page of `Open`.
pub const OPEN_PAGE_BYTES: usize = 3_000;

/// The protocol of an index.
#[derive(Debug)]
pub enum Index {}

impl Protocol for Index {
    const KIND: &'static str = "index";
    type Msg = Msg;
    type Reply = Reply;
}

/// What may be seen by who asks. Whatever lies outside is as good as not there: in hits, counts and sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Path patterns of knowledge: `**`, `notes/**`, `*.md`.
    pub paths: Vec<String>,
    /// The context whose logs and memory are seen, too; `None`: knowledge alone.
    pub records_of: Option<Slug>,
}

impl Reach {
    /// All that a turn of this scope may see: knowledge, and its own context's logs and memory.
    #[must_use]
    pub fn of(scope: &Scope) -> Self {
        Self { records_of: Some(scope.context.clone()), ..Self::knowledge(scope.paths.clone()) }
    }

    /// Knowledge of these patterns alone.
    #[must_use]
    pub fn knowledge(paths: Vec<String>) -> Self {
        Self { paths, records_of: None }
    }
}

/// To an index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Find passages.
    Search {
        /// What a person typed, or a whole question.
        query: String,
        /// At most, up to [`HITS_MAX`].
        limit: u32,
        /// What may be searched.
        reach: Reach,
    },
    /// Read a file itself, behind the gate.
    Open {
        /// Its path as hits show it, `notes/plan.md`, or an unambiguous end of it; `#heading` behind it: that part.
        path: String,
        /// Which page, from 0.
        page: u32,
        /// What may be opened.
        reach: Reach,
    },
    /// How it stands; with a reach, only what lies in it.
    Describe(Option<Reach>),
    /// Why the best passages of all knowledge are found: for an operator.
    Explain {
        /// The query.
        query: String,
        /// At most, up to [`HITS_MAX`].
        limit: u32,
    },
    /// Make it again from nothing.
    Rebuild,
    /// Words of a context's record were erased or written again: what is indexed of it goes now.
    Forget {
        /// Its path below the workspace: `logs/console/general.md`.
        record: String,
        /// The entries of a log that are meant, by their offset; `None`: all of it.
        entries: Option<Vec<u64>>,
    },
}

/// From an index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Search`.
    Found(Found),
    /// To `Open`.
    Page(Page),
    /// To `Open`: one sentence that says why not and what to do. A file out of reach reads as one that is not there.
    NotOpened(String),
    /// To `Describe`.
    Described(View),
    /// To `Explain`, best first.
    Explained(Vec<Explained>),
    /// To `Rebuild`: it has begun. To `Forget`: it is gone.
    Done,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Best first.
    pub hits: Vec<Hit>,
    /// Files in reach that were searched. Counted only where nothing was found.
    pub files: u64,
    /// The operators of the query as they were understood, for people: `in notes/**, tagged roof`; empty: none.
    pub filters: String,
    /// What could not be understood in the query, one sentence; nothing was searched then.
    pub problem: Option<String>,
    /// Something in reach is not in the index yet.
    pub behind: bool,
}

/// Where a passage comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A file of knowledge.
    #[default]
    Knowledge,
    /// The log of the context that asks.
    Log,
    /// The memory of the context that asks.
    Memory,
}

impl Origin {
    /// The name in chat and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Knowledge => "knowledge",
            Self::Log => "log",
            Self::Memory => "memory",
        }
    }
}

/// A passage that fits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The file's path: `notes/…` for the user's folder, else relative to the workspace.
    pub path: String,
    /// Where it comes from.
    pub origin: Origin,
    /// The trail of headings above the passage, ` > ` between them; empty at the top.
    pub heading: String,
    /// The passage as it stands, 1,200 bytes at most.
    pub passage: String,
    /// The words that fit with a little around them, on one line.
    pub snippet: String,
    /// Larger is better, 1 at most; comparable within one search only.
    pub score: f64,
    /// How many different words of the query the passage holds.
    pub words_found: u32,
    /// How many different words the query has, without stop words.
    pub words_asked: u32,
}

/// A hit with the parts of its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The hit.
    pub hit: Hit,
    /// BM25 over title and body; 0: no word of the query is in it.
    pub bm25: f64,
    /// `bm25` by the largest among the candidates: 0 to 1.
    pub lexical: f64,
    /// Cosine of the passage's vector and the query's, -1 to 1; `None`: one of them has no vector.
    pub cosine: Option<f64>,
    /// `cosine` between the least and the largest among the candidates: 0 to 1.
    pub nearness: f64,
    /// The weight of `nearness`; that of `lexical` is one minus it.
    pub weight: f64,
    /// The words of the query that are in it, and those that are not.
    pub words: Vec<(String, bool)>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The file's whole path, with `#heading` where only that part is read.
    pub path: String,
    /// The text of this page.
    pub text: String,
    /// Which page this is, from 0.
    pub page: u32,
    /// How many there are.
    pub pages: u32,
}

/// How an index stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Files in it.
    pub files: u64,
    /// Passages in it.
    pub passages: u64,
    /// It is being brought up to date: files looked at so far.
    pub scanning: Option<u64>,
    /// Folders it covers, `notes -> /home/ann/notes`; empty where a reach was asked for.
    pub roots: Vec<String>,
    /// Files and folders that were left out, with the reason; the first 20.
    pub skipped: Vec<String>,
    /// How many were left out in all.
    pub skipped_total: u64,
    /// Scans that have ended since it was opened.
    pub scans: u64,
    /// Those of them that looked at everything.
    pub scans_of_all: u64,
    /// Bytes of the database; 0 where a reach was asked for.
    pub bytes: u64,
}
