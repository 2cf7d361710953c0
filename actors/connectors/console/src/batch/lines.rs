//! Lines of an input that may hold anything: read with bounded memory, numbered, and the bad ones named.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::session::core::too_long;
use crate::wire::TEXT_BYTES_MAX;

/// A line of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Counted from 1, empty ones too.
    pub(crate) number: u64,
    /// Its words without the line end, or why it can't be an event.
    pub(crate) text: Result<String, String>,
}

/// Reads lines. A longer line than an event may be is skipped to its end while its bytes are counted.
pub(crate) struct Lines<R> {
    input: R,
    number: u64,
    /// The beginning of the line that is being read.
    kept: Vec<u8>,
    /// Its length so far.
    bytes: usize,
    ended: bool,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, number: 0, kept: Vec::new(), bytes: 0, ended: false }
    }

    /// The next line that is not blank; `None` at the end. Can be dropped while it waits; nothing is lost.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        while !self.ended {
            let got = self.input.fill_buf().await?;
            if got.is_empty() {
                self.ended = true;
                if self.bytes == 0 {
                    return Ok(None);
                }
            }
            let end = got.iter().position(|b| *b == b'\n');
            let part = got.get(..end.unwrap_or(got.len())).unwrap_or_default();
            // Room for a carriage return that is no part of the text, and for one byte that shows that it is too long.
            let room = (TEXT_BYTES_MAX + 2).saturating_sub(self.kept.len()).min(part.len());
            self.kept.extend_from_slice(part.get(..room).unwrap_or_default());
            self.bytes += part.len();
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if (end.is_some() || self.ended)
                && let Some(line) = self.line()
            {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// The line that has ended; `None` when it is blank.
    fn line(&mut self) -> Option<Line> {
        self.number += 1;
        let (mut kept, mut bytes) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.bytes));
        if kept.len() == bytes && kept.last() == Some(&b'\r') {
            kept.pop();
            bytes -= 1;
        }
        let text = if bytes > TEXT_BYTES_MAX { Err(too_long(bytes)) } else { words(kept) };
        let blank = text.as_ref().is_ok_and(|text| text.trim().is_empty());
        (!blank).then_some(Line { number: self.number, text })
    }
}

fn words(bytes: Vec<u8>) -> Result<String, String> {
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to() + 1;
        format!("the line is not UTF-8 at its byte {at}; convert the input, with iconv for example")
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::BufReader;

    use super::*;

    async fn all(input: &[u8], buffer: usize) -> Vec<(u64, Result<String, String>)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, input));
        let mut got = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            got.push((line.number, line.text));
        }
        got
    }

    #[tokio::test]
    async fn lines_are_numbered_and_blank_ones_are_skipped() {
        let got = all(b"one\r\n\n  \nfour\nlast", 3).await;
        assert_eq!(got, [(1, Ok("one".into())), (4, Ok("four".into())), (5, Ok("last".into()))]);
        assert!(all(b"", 8).await.is_empty());
        assert!(all(b"\n\n", 8).await.is_empty());
    }

    #[tokio::test]
    async fn a_line_of_the_limit_is_read_and_a_longer_one_is_named_and_skipped() {
        for end in ["\n", "\r\n"] {
            let whole = "x".repeat(TEXT_BYTES_MAX);
            let input = format!("{whole}{end}{whole}x{end}{}{end}after{end}", "y".repeat(1_000_000));
            let got = all(input.as_bytes(), 8_192).await;
            assert_eq!(got[0], (1, Ok(whole)));
            assert!(got[1].1.as_ref().unwrap_err().contains("65537 bytes"), "{:?}", got[1]);
            assert!(got[2].1.as_ref().unwrap_err().contains("65536"), "{:?}", got[2]);
            assert_eq!(got[3], (4, Ok("after".into())));
        }
    }

    #[tokio::test]
    async fn a_line_that_is_not_utf_8_costs_no_other() {
        let got = all(b"a\nb\xffc\n\xe2\x82\nd\n", 4).await;
        assert_eq!((got[0].clone(), got[3].clone()), ((1, Ok("a".into())), (4, Ok("d".into()))));
        assert!(got[1].1.as_ref().unwrap_err().contains("byte 2") && got[2].1.is_err());
    }

    #[tokio::test]
    async fn control_and_invisible_characters_are_kept() {
        let got = all("a\u{1b}\u{0}\u{200b}b\n\u{200b}\n".as_bytes(), 5).await;
        assert_eq!(got, [(1, Ok("a\u{1b}\u{0}\u{200b}b".into())), (2, Ok("\u{200b}".into()))]);
    }

    proptest! {
        #[test]
        fn no_line_is_lost_however_the_input_is_cut(lines in prop::collection::vec("[a-z]{1,9}", 0..30), buffer in 1..40_usize) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let input = lines.join("\n");
            let got = runtime.block_on(all(input.as_bytes(), buffer));
            let texts: Vec<String> = got.into_iter().map(|(_, text)| text.unwrap()).collect();
            prop_assert_eq!(texts, lines);
        }
    }
}
