//! What a workspace's index may be asked: passages for a question, and pages of a file for a person.

use serde::{Deserialize, Serialize};

use crate::protocol::Protocol;

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

/// To an index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Msg {
    /// Find passages.
    Search {
        /// What a person typed, or a whole question.
        query: String,
        /// At most, up to [`HITS_MAX`].
        limit: u32,
        /// Path patterns that may be searched: `**`, `notes/**`, `*.md`.
        paths: Vec<String>,
    },
    /// Read a file itself, behind the gate.
    Open {
        /// Its path as hits show it, `notes/plan.md`, or an unambiguous end of it.
        path: String,
        /// Which page, from 0.
        page: u32,
        /// Path patterns that may be opened.
        paths: Vec<String>,
    },
    /// How it stands.
    Describe,
}

/// From an index.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Reply {
    /// To `Search`, best first.
    Hits(Vec<Hit>),
    /// To `Open`.
    Page(Page),
    /// To `Open`: one sentence that says why not and what to do. A file out of scope reads as one that is not there.
    NotOpened(String),
    /// To `Describe`.
    Described(View),
}

/// A passage that fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// The file's path: `notes/…` for the user's folder, else relative to the workspace.
    pub path: String,
    /// The trail of headings above the passage, ` > ` between them; empty at the top.
    pub heading: String,
    /// The passage as it stands, 1,200 bytes at most.
    pub passage: String,
    /// The words that fit with a little around them, on one line.
    pub snippet: String,
    /// Larger is better; comparable within one search only.
    pub score: f64,
    /// How many different words of the query the passage holds.
    pub words_found: u32,
    /// How many different words the query has, without stop words.
    pub words_asked: u32,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The file's whole path.
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
    /// Folders it covers, `notes -> /home/ann/notes`.
    pub roots: Vec<String>,
    /// Files and folders that were left out, with the reason; the first 20.
    pub skipped: Vec<String>,
    /// How many were left out in all.
    pub skipped_total: u64,
    /// Scans that have ended since it was opened.
    pub scans: u64,
    /// Those of them that looked at everything.
    pub scans_of_all: u64,
}
