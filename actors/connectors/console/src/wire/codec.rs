//! Cuts bytes into frames: a JSON object and a line feed, [`FRAME_BYTES_MAX`] at most.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::bytes::{BufMut as _, BytesMut};
use tokio_util::codec::Decoder;

use super::FRAME_BYTES_MAX;

/// Why a frame can't be read or written. The connection is of no use after it.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The frame is longer than [`FRAME_BYTES_MAX`].
    #[error("a frame is longer than {bytes_max} bytes; send less at once")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// The frame is not what this version speaks.
    #[error("a frame can't be read ({why}); use a client of the node's own version")]
    Malformed {
        /// What the parser says.
        why: String,
    },
    /// The stream failed.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
}

/// Appends `frame` and its line feed to `out`. On error `out` is as it was.
///
/// # Errors
/// [`WireError::TooLong`], [`WireError::Malformed`] when it can't be put into JSON.
pub fn encode<T: Serialize>(frame: &T, out: &mut BytesMut) -> Result<(), WireError> {
    let before = out.len();
    let written = serde_json::to_writer((&mut *out).writer(), frame);
    if let Err(error) = written {
        out.truncate(before);
        return Err(WireError::Malformed { why: error.to_string() });
    }
    if out.len() - before > FRAME_BYTES_MAX {
        out.truncate(before);
        return Err(WireError::TooLong { bytes_max: FRAME_BYTES_MAX });
    }
    out.put_u8(b'\n');
    Ok(())
}

/// Reads frames of one kind.
#[derive(Debug)]
pub struct Frames<T> {
    /// Bytes that are known to hold no line feed.
    searched: usize,
    kind: PhantomData<fn() -> T>,
}

impl<T> Default for Frames<T> {
    fn default() -> Self {
        Self { searched: 0, kind: PhantomData }
    }
}

impl<T: DeserializeOwned> Decoder for Frames<T> {
    type Item = T;
    type Error = WireError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<T>, WireError> {
        let too_long = Err(WireError::TooLong { bytes_max: FRAME_BYTES_MAX });
        let fresh = bytes.get(self.searched..).unwrap_or_default();
        let Some(end) = fresh.iter().position(|b| *b == b'\n').map(|at| at + self.searched) else {
            self.searched = bytes.len();
            return if bytes.len() > FRAME_BYTES_MAX { too_long } else { Ok(None) };
        };
        self.searched = 0;
        let line = bytes.split_to(end + 1);
        if end > FRAME_BYTES_MAX {
            return too_long;
        }
        serde_json::from_slice(&line).map(Some).map_err(|error| WireError::Malformed { why: error.to_string() })
    }

    // A frame that the end of the stream cuts off never happened: its event was not accepted.
    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<T>, WireError> {
        let frame = self.decode(bytes)?;
        if frame.is_none() {
            bytes.clear();
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_however_the_bytes_are_cut() {
        let mut sent = BytesMut::new();
        for n in 0..20 {
            encode(&vec!["x".repeat(n)], &mut sent).unwrap();
        }
        let (mut decoder, mut bytes, mut got) = (Frames::<Vec<String>>::default(), BytesMut::new(), Vec::new());
        for piece in sent.chunks(3) {
            bytes.extend_from_slice(piece);
            while let Some(frame) = decoder.decode(&mut bytes).unwrap() {
                got.push(frame);
            }
        }
        assert_eq!(got, (0..20).map(|n| vec!["x".repeat(n)]).collect::<Vec<_>>());
    }

    #[test]
    fn a_frame_of_the_limit_passes_and_one_byte_more_does_not() {
        let text = "x".repeat(FRAME_BYTES_MAX - 2);
        let mut bytes = BytesMut::new();
        encode(&text, &mut bytes).unwrap();
        assert_eq!(Frames::<String>::default().decode(&mut bytes).unwrap(), Some(text.clone()));
        let before = bytes.len();
        assert!(matches!(encode(&format!("{text}x"), &mut bytes), Err(WireError::TooLong { .. })));
        assert_eq!(bytes.len(), before);
        let mut endless = BytesMut::from(vec![b'x'; FRAME_BYTES_MAX + 1].as_slice());
        assert!(matches!(Frames::<String>::default().decode(&mut endless), Err(WireError::TooLong { .. })));
    }

    #[test]
    fn a_frame_that_was_cut_off_is_not_read() {
        let mut bytes = BytesMut::from(&b"\"whole\"\n\"hal"[..]);
        let mut decoder = Frames::<String>::default();
        assert_eq!(decoder.decode_eof(&mut bytes).unwrap(), Some("whole".into()));
        assert_eq!(decoder.decode_eof(&mut bytes).unwrap(), None);
        assert!(bytes.is_empty());
    }

    #[test]
    fn what_is_no_frame_is_named_as_such() {
        let mut bytes = BytesMut::from(&b"{]\n"[..]);
        assert!(matches!(Frames::<String>::default().decode(&mut bytes), Err(WireError::Malformed { .. })));
    }
}
