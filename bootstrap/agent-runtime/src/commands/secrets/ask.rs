//! A value from standard input: all of it where that is a file or a pipe; at a terminal one line that is not shown.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrets::VALUE_BYTES_MAX;
use zeroize::Zeroizing;

/// A value, its line break, and one more by which it is known to be too long.
const ROOM: usize = VALUE_BYTES_MAX + 3;

/// The value of the secret of this name.
pub(super) fn value(name: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    if io::stdin().is_terminal() { typed(name) } else { piped() }
}

fn piped() -> anyhow::Result<Zeroizing<Vec<u8>>> {
    // It never grows, so that no copy is left behind; nor is it read through a buffer that is not ours.
    let mut read = Zeroizing::new(vec![0; ROOM]);
    let mut length = 0;
    while let Some(room) = read.get_mut(length..).filter(|room| !room.is_empty()) {
        match rustix::io::read(io::stdin(), room) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("the value can't be read from standard input"),
        }
    }
    read.truncate(length);
    Ok(read)
}

fn typed(name: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let quiet = Quiet::begin().context("the terminal can't be kept from showing what is typed; give it by a pipe")?;
    prompt(&format!("value of `{name}` (it is not shown): "));
    let mut line = Line::default();
    let done = loop {
        let mut byte = Zeroizing::new([0]);
        match rustix::io::read(io::stdin(), &mut byte[..]) {
            Ok(0) => break Step::End,
            Ok(_) => {
                let [key] = *byte;
                match line.take(key) {
                    Step::On => {}
                    step => break step,
                }
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("the terminal can't be read"),
        }
    };
    drop(quiet);
    prompt("\n");
    match done {
        Step::Cancel => bail!("nothing was changed"),
        Step::On | Step::End => Ok(line.0),
    }
}

/// Nobody is left to be asked when this fails.
fn prompt(words: &str) {
    drop(io::stderr().write_all(words.as_bytes()).and_then(|()| io::stderr().flush()));
}

/// What a key does.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    On,
    End,
    Cancel,
}

/// The line as it is typed. The system's own editing would cut it at 4,095 bytes.
struct Line(Zeroizing<Vec<u8>>);

impl Default for Line {
    fn default() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(ROOM)))
    }
}

impl Line {
    fn take(&mut self, byte: u8) -> Step {
        match byte {
            b'\r' | b'\n' | 0x04 => return Step::End,
            0x03 => return Step::Cancel,
            // Back by a character: what continues one goes with it.
            0x7f | 0x08 => while self.0.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            0x15 => self.0.clear(),
            byte if self.0.len() < ROOM => self.0.push(byte),
            _ => {}
        }
        Step::On
    }
}

/// A terminal that shows nothing and gives each key at once, until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> rustix::io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.0).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[u8]) -> (Vec<u8>, Step) {
        let mut line = Line::default();
        let last = keys.iter().map(|key| line.take(*key)).find(|step| *step != Step::On);
        (line.0.to_vec(), last.unwrap_or(Step::On))
    }

    #[test]
    fn a_line_is_typed_and_mended() {
        for (keys, line, step) in [
            ("abc\r", "abc", Step::End),
            ("abc\n", "abc", Step::End),
            ("abc\u{4}", "abc", Step::End),
            ("ab\u{7f}\u{8}c\r", "c", Step::End),
            ("\u{7f}aä\u{7f}\r", "a", Step::End),
            ("abc\u{15}d\r", "d", Step::End),
            ("abc\u{3}", "abc", Step::Cancel),
            ("abc", "abc", Step::On),
        ] {
            assert_eq!(typed(keys.as_bytes()), (line.as_bytes().to_vec(), step), "{keys:?}");
        }
        assert_eq!(typed(&[b'x'; ROOM + 9]).0.len(), ROOM);
    }
}
