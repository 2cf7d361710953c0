//! Splits a body into server-sent events. Pure and bounded.
//!
//! Follows the HTML standard, section 9.2.6 "Interpreting an event stream": lines end with CR, LF or CRLF, a blank line
//! ends an event, `data` lines are joined by a line break, other fields and comments are left out. Unlike the standard,
//! complete `data` lines at the end of the body count even without the blank line: some servers leave it out.

/// The longest event in bytes.
pub(crate) const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Why a body is not a stream of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SseError {
    /// An event is longer than [`EVENT_BYTES_MAX`].
    TooLarge,
    /// An event is not UTF-8.
    NotUtf8,
}

/// What came so far of the event that is not complete.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    line: Vec<u8>,
    data: String,
    has_data: bool,
    after_cr: bool,
    begun: bool,
    events: std::collections::VecDeque<String>,
}

impl Splitter {
    /// Takes the next bytes of the body, cut anywhere. Complete events wait in [`Splitter::next`].
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Result<(), SseError> {
        if self.after_cr && !bytes.is_empty() {
            self.after_cr = false;
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|b| matches!(b, b'\n' | b'\r')) {
            let (head, tail) = bytes.split_at(end);
            self.extend(head)?;
            let mut line = std::mem::take(&mut self.line);
            self.line_ended(&line)?;
            line.clear();
            self.line = line;
            bytes = match tail {
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
                [] => tail,
            };
            self.after_cr = tail == b"\r";
        }
        self.extend(bytes)
    }

    /// The next complete event's data.
    pub(crate) fn next(&mut self) -> Option<String> {
        self.events.pop_front()
    }

    /// The body has ended. A line that was cut in the middle is dropped.
    pub(crate) fn end(&mut self) {
        if self.line.is_empty() {
            self.event_ended();
        }
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), SseError> {
        if self.line.len() + self.data.len() + bytes.len() > EVENT_BYTES_MAX {
            return Err(SseError::TooLarge);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn line_ended(&mut self, line: &[u8]) -> Result<(), SseError> {
        let line = if self.begun { line } else { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) };
        self.begun = true;
        if line.is_empty() {
            self.event_ended();
            return Ok(());
        }
        let value = match line.strip_prefix(b"data") {
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            Some([]) => &[],
            _ => return Ok(()),
        };
        if self.has_data {
            self.data.push('\n');
        }
        self.has_data = true;
        self.data.push_str(std::str::from_utf8(value).map_err(|_| SseError::NotUtf8)?);
        Ok(())
    }

    fn event_ended(&mut self) {
        if std::mem::take(&mut self.has_data) {
            self.events.push_back(std::mem::take(&mut self.data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(chunks: &[&[u8]]) -> Result<Vec<String>, SseError> {
        let mut splitter = Splitter::default();
        for chunk in chunks {
            splitter.push(chunk)?;
        }
        splitter.end();
        Ok(std::iter::from_fn(|| splitter.next()).collect())
    }

    #[test]
    fn events_are_split_as_the_standard_says() {
        for (body, events) in [
            ("data: a\n\ndata: b\n\n", vec!["a", "b"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", vec!["a", "b"]),
            ("data: a\r\rdata: b\r\r", vec!["a", "b"]),
            ("\u{feff}data:a\n\n", vec!["a"]),
            (": ping\n\nevent: x\nid: 1\ndata: a\ndata:  b\n\n", vec!["a\n b"]),
            ("data\n\n", vec![""]),
            ("database: no\n\n", vec![]),
            ("data: a\n", vec!["a"]),
            ("data: a\n\ndata: cut in the mid", vec!["a"]),
            ("", vec![]),
        ] {
            assert_eq!(split(&[body.as_bytes()]).unwrap(), events, "{body:?}");
        }
    }

    #[test]
    fn an_event_longer_than_the_limit_is_refused_however_it_arrives() {
        let fits = vec![b'x'; EVENT_BYTES_MAX - "data: ".len()];
        assert_eq!(split(&[b"data: ", &fits, b"\n\n"]).unwrap()[0].len(), fits.len());
        assert_eq!(split(&[b"data: ", &fits, b"y\n\n"]), Err(SseError::TooLarge));
        let halves = vec![b'x'; EVENT_BYTES_MAX / 2];
        assert_eq!(split(&[b"data: ", &halves, b"\ndata: ", &halves, b"\n\n"]), Err(SseError::TooLarge));
        assert_eq!(split(&[b": ", &fits, b"yyyyyyyy\n\n"]), Err(SseError::TooLarge));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_at_once() {
        assert_eq!(split(&[b"data: a\xFFb\n", b"\n"]), Err(SseError::NotUtf8));
    }

    proptest! {
        #[test]
        fn where_the_body_is_cut_makes_no_difference(
            events in prop::collection::vec("[ -~äß€🙂]{1,20}", 0..6),
            crlf in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let eol = if crlf { "\r\n" } else { "\n" };
            let body: String = events.iter().map(|e| format!("data: {e}{eol}{eol}")).collect();
            let mut at: Vec<_> = cuts.iter().map(|c| c.index(body.len() + 1)).collect();
            at.extend([0, body.len()]);
            at.sort_unstable();
            let chunks: Vec<_> = at.windows(2).map(|w| &body.as_bytes()[w[0]..w[1]]).collect();
            prop_assert_eq!(split(&chunks).unwrap(), events);
        }
    }
}
