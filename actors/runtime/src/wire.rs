//! The wire form of messages and replies: postcard, at most one mebibyte.

use messages::AskError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The most bytes of one message between actors; larger things go by reference.
pub const ENVELOPE_BYTES_MAX: usize = 1_048_576;

/// Encodes a message or a reply.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, AskError> {
    let bytes = postcard::to_stdvec(value).map_err(|e| AskError::Decode(e.to_string()))?;
    if bytes.len() > ENVELOPE_BYTES_MAX {
        return Err(AskError::TooLarge { bytes: bytes.len(), bytes_max: ENVELOPE_BYTES_MAX });
    }
    Ok(bytes)
}

/// Decodes what [`encode`] made.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, AskError> {
    postcard::from_bytes(bytes).map_err(|e| AskError::Decode(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_one_mebibyte_passes_and_a_byte_more_does_not() {
        // Three bytes of length prefix come before a string of this size.
        let fits = "a".repeat(ENVELOPE_BYTES_MAX - 3);
        assert_eq!(decode::<String>(&encode(&fits).unwrap()).unwrap(), fits);
        assert!(matches!(encode(&format!("{fits}a")), Err(AskError::TooLarge { .. })));
        assert!(matches!(decode::<String>(&[5, 1]), Err(AskError::Decode(_))));
    }
}
