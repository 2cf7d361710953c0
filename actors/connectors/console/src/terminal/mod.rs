//! A person at a terminal: lines are edited with a history, an answer shows while it is made, Ctrl-C stops the turn that
//! runs, Ctrl-D leaves.
//!
//! A reply is acknowledged to the node after it was written and flushed.

mod core;
mod prompt;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use self::core::{Screen, Seen, Show};
use self::prompt::{Prompt, Typed};
use crate::client::{Client, ClientError, Redial};
use crate::escape::for_one_line;
use crate::wire::FromNode;

/// How a terminal session is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The file of lines typed before, mode 0600; its folder exists. `<data>/agent-runtime/history`.
    pub history: PathBuf,
    /// How the node is found again when it is lost; `None`: it is not.
    pub redial: Option<Redial>,
}

/// Why a terminal session ended otherwise than by the person.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// The terminal can't be read or written.
    #[error("the terminal can't be used: {0}; without one, give the lines on standard input")]
    Terminal(#[from] io::Error),
    /// The node is gone, or ended the session.
    #[error("{0}")]
    Client(#[from] ClientError),
}

/// Talks with a person until they leave. Uses standard input, standard output (words) and standard error (all else),
/// and takes over Ctrl-C for the rest of the process.
///
/// # Errors
/// [`TerminalError`].
pub async fn run(client: Client, options: Options) -> Result<(), TerminalError> {
    let words = format!("{}/{}", client.welcome().workspace, client.welcome().context);
    let prompt = Prompt::open(&options.history, &words)?;
    let (interrupt, interrupts) = mpsc::channel(1);
    let mut talk = Talk {
        client,
        prompt,
        interrupts,
        redial: options.redial,
        face: Terminal::default(),
        screen: Screen::default(),
        number: 0,
    };
    let result = tokio::select! {
        result = talk.run() => result,
        error = hear_interrupts(interrupt) => Err(error.into()),
    };
    talk.face.spin(false);
    talk.client.leave().await;
    result
}

/// Passes each Ctrl-C on; one that comes before the last was heard is the same.
async fn hear_interrupts(interrupt: mpsc::Sender<()>) -> io::Error {
    loop {
        if let Err(error) = tokio::signal::ctrl_c().await {
            return error;
        }
        interrupt.try_send(()).unwrap_or_default();
    }
}

/// Where things are shown.
trait Face {
    fn words(&mut self, text: &str) -> io::Result<()>;
    fn note(&mut self, text: &str) -> io::Result<()>;
    /// Takes away the line in which the prompt stood.
    fn clear_line(&mut self) -> io::Result<()>;
    /// Something runs and nothing is to be seen of it.
    fn spin(&mut self, on: bool);
}

/// The terminal itself.
#[derive(Default)]
struct Terminal {
    spinner: Option<ProgressBar>,
}

impl Face for Terminal {
    fn words(&mut self, text: &str) -> io::Result<()> {
        self.spin(false);
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    fn note(&mut self, text: &str) -> io::Result<()> {
        self.spin(false);
        writeln!(io::stderr().lock(), "{text}")
    }

    fn clear_line(&mut self) -> io::Result<()> {
        // To the first column, then erase what is below (ECMA-48: ED 0).
        self.words("\r\u{1b}[J")
    }

    fn spin(&mut self, on: bool) {
        if let Some(spinner) = self.spinner.take_if(|_| !on) {
            spinner.finish_and_clear();
        } else if on && self.spinner.is_none() {
            let spinner =
                ProgressBar::new_spinner().with_style(ProgressStyle::default_spinner()).with_message("Ctrl-C stops it");
            spinner.enable_steady_tick(Duration::from_millis(100));
            self.spinner = Some(spinner);
        }
    }
}

struct Talk<F> {
    client: Client,
    prompt: Prompt,
    interrupts: mpsc::Receiver<()>,
    redial: Option<Redial>,
    face: F,
    screen: Screen,
    number: u64,
}

impl<F: Face> Talk<F> {
    async fn run(&mut self) -> Result<(), TerminalError> {
        for line in self.client.welcome().lines.clone() {
            self.face.note(&for_one_line(&line))?;
        }
        while let Some(line) = self.line().await? {
            if line.trim().is_empty() {
                continue;
            }
            match self.submit(&line) {
                Ok(inbound) => {
                    self.screen.begin(inbound);
                    self.wait().await?;
                }
                Err(why) => self.face.note(&for_one_line(&why))?,
            }
        }
        Ok(())
    }

    fn submit(&mut self, text: &str) -> Result<messages::InboundId, String> {
        self.number += 1;
        let event = format!("{}:{}", self.client.session(), self.number);
        self.client.submit(&event, text).map_err(|error| error.to_string())
    }

    /// The next line; `None` when the person leaves. What comes meanwhile is shown above the prompt.
    async fn line(&mut self) -> Result<Option<String>, TerminalError> {
        self.prompt.ask();
        loop {
            let typed = tokio::select! {
                typed = self.prompt.typed() => typed,
                frame = self.client.next() => {
                    let frame = self.heard(frame).await?;
                    let seen = frame.map(|frame| self.screen.see(&frame)).unwrap_or_default();
                    if seen.show.is_empty() {
                        continue;
                    }
                    self.prompt.interrupt();
                    let typed = self.prompt.typed().await;
                    if matches!(typed, Typed::Broken) {
                        self.face.clear_line()?;
                    }
                    self.show(seen)?;
                    typed
                }
            };
            match typed {
                Typed::Line(line) => return Ok(Some(line)),
                Typed::Broken => self.prompt.ask(),
                Typed::Leave => return Ok(None),
                Typed::Failed(error) => return Err(error.into()),
            }
        }
    }

    /// Waits for the turn that runs. The first Ctrl-C stops it, the second leaves it to itself.
    async fn wait(&mut self) -> Result<(), TerminalError> {
        // One that was pressed before this turn began is not for it.
        while self.interrupts.try_recv().is_ok() {}
        let mut stopping = false;
        self.face.spin(true);
        loop {
            tokio::select! {
                frame = self.client.next() => {
                    let Some(frame) = self.heard(frame).await? else { continue };
                    let seen = self.screen.see(&frame);
                    let done = seen.done;
                    self.show(seen)?;
                    if done {
                        self.face.spin(false);
                        return Ok(());
                    }
                }
                Some(()) = self.interrupts.recv() => {
                    if std::mem::replace(&mut stopping, true) {
                        self.screen.abandon();
                        return Ok(self.face.note("It goes on; what comes of it is shown when it comes.")?);
                    }
                    match self.submit("/stop") {
                        Ok(inbound) => self.screen.aside(inbound),
                        Err(why) => self.face.note(&for_one_line(&why))?,
                    }
                }
            }
        }
    }

    fn show(&mut self, seen: Seen) -> Result<(), TerminalError> {
        for show in seen.show {
            match show {
                Show::Words(words) => self.face.words(&words)?,
                Show::Note(note) => self.face.note(&note)?,
            }
        }
        if let Some(delivery) = seen.delivery {
            self.client.flushed(delivery)?;
        }
        Ok(())
    }

    /// A frame, or `None` after the node was lost and found again.
    async fn heard(&mut self, frame: Result<FromNode, ClientError>) -> Result<Option<FromNode>, TerminalError> {
        let error = match frame {
            Ok(frame) => return Ok(Some(frame)),
            Err(error) => error,
        };
        let (ClientError::Closed, Some(redial)) = (&error, &self.redial) else { return Err(error.into()) };
        self.face.note("The node was lost; it is looked for.")?;
        self.client.redial(redial).await?;
        self.face.note("The node is back.")?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
