//! The line editor. It blocks, so it has a thread of its own and is spoken to by channels.

use std::fs::{OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc as blocking;
use std::thread;

use reedline::{DefaultPrompt, DefaultPromptSegment, FileBackedHistory, Reedline, Signal};
use tokio::sync::mpsc;

/// Lines that the history keeps.
const HISTORY_LINES_MAX: usize = 2_000;

/// What came of a prompt.
#[derive(Debug)]
pub(super) enum Typed {
    /// A line.
    Line(String),
    /// The prompt was taken away ([`Prompt::interrupt`]). What stood in it is there again with the next.
    Broken,
    /// The person leaves.
    Leave,
    /// The terminal failed.
    Failed(io::Error),
}

/// The editor's near end.
pub(super) struct Prompt {
    asks: blocking::SyncSender<()>,
    typed: mpsc::Receiver<Typed>,
    interrupt: Arc<AtomicBool>,
}

impl Prompt {
    /// Starts the editor's thread. It ends when the prompt is dropped and what is being typed has ended.
    pub(super) fn open(history: &Path, words: &str) -> io::Result<Self> {
        let interrupt = Arc::new(AtomicBool::new(false));
        let mut editor = editor(history)?.with_break_signal(interrupt.clone());
        let prompt = DefaultPrompt::new(DefaultPromptSegment::Basic(words.to_owned()), DefaultPromptSegment::Empty);
        let (asks, asked) = blocking::sync_channel::<()>(1);
        let (sender, typed) = mpsc::channel(1);
        thread::Builder::new().name("line-editor".into()).spawn(move || {
            while let Ok(()) = asked.recv() {
                if sender.blocking_send(read(&mut editor, &prompt)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { asks, typed, interrupt })
    }

    #[cfg(test)]
    pub(super) fn of(asks: blocking::SyncSender<()>, typed: mpsc::Receiver<Typed>, interrupt: Arc<AtomicBool>) -> Self {
        Self { asks, typed, interrupt }
    }

    /// Shows the prompt.
    pub(super) fn ask(&self) {
        self.interrupt.store(false, Ordering::SeqCst);
        // The editor is gone only if its thread is, and then `typed` says so.
        self.asks.try_send(()).unwrap_or_default();
    }

    /// What was typed.
    pub(super) async fn typed(&mut self) -> Typed {
        let gone = || Typed::Failed(io::Error::other("the line editor has ended"));
        self.typed.recv().await.unwrap_or_else(gone)
    }

    /// Takes the prompt away, so that something can be shown; [`Typed::Broken`] follows unless a line comes first.
    pub(super) fn interrupt(&self) {
        self.interrupt.store(true, Ordering::SeqCst);
    }
}

fn editor(history: &Path) -> io::Result<Reedline> {
    // What a person typed is nobody else's to read.
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(history)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    let lines = FileBackedHistory::with_file(HISTORY_LINES_MAX, history.to_owned()).map_err(io::Error::other)?;
    Ok(Reedline::create().with_history(Box::new(lines)))
}

fn read(editor: &mut Reedline, prompt: &DefaultPrompt) -> Typed {
    loop {
        match editor.read_line(prompt) {
            Ok(Signal::Success(line)) => return Typed::Line(line),
            // The editor keeps its buffer; putting the words in again would double them.
            Ok(Signal::ExternalBreak(_)) => return Typed::Broken,
            Ok(Signal::CtrlD) => return Typed::Leave,
            // Ctrl-C at the prompt clears it.
            Ok(_) => {}
            Err(error) => return Typed::Failed(error),
        }
    }
}
