//! The wire form of envelopes and of their answers.

use messages::AskError;
use messages::envelope::{Head, Whole};

/// An answer's first byte.
const ANSWERED: u8 = 0;
const FAILED: u8 = 1;
/// What follows is a [`Whole`]: the answer is fetched in parts.
const IN_PARTS: u8 = 2;

/// What an answer is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unpacked {
    Whole(Vec<u8>),
    InParts(Whole),
}

/// The most bytes of a message between actors, as `runtime` has it for messages within a node.
pub(crate) const BODY_BYTES_MAX: usize = 1_048_576;

pub(crate) fn pack(head: &Head, body: &[u8]) -> Result<Vec<u8>, AskError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(AskError::TooLarge { bytes: body.len(), bytes_max: BODY_BYTES_MAX });
    }
    let mut bytes = postcard::to_stdvec(head).map_err(|e| AskError::Decode(e.to_string()))?;
    bytes.extend_from_slice(body);
    Ok(bytes)
}

pub(crate) fn unpack(mut bytes: Vec<u8>) -> Result<(Head, Vec<u8>), AskError> {
    let (head, body) = postcard::take_from_bytes(&bytes).map_err(|e| AskError::Decode(e.to_string()))?;
    let length = bytes.len() - body.len();
    bytes.drain(..length);
    Ok((head, bytes))
}

/// An answer that is too large is told as such: the asker would wait for one that can't come.
pub(crate) fn pack_answer(answer: Result<Vec<u8>, AskError>) -> Vec<u8> {
    let answer = answer.and_then(|body| {
        let (bytes, bytes_max) = (body.len(), BODY_BYTES_MAX);
        if bytes > bytes_max { Err(AskError::TooLarge { bytes, bytes_max }) } else { Ok(body) }
    });
    match answer {
        Ok(body) => [&[ANSWERED][..], &body].concat(),
        Err(error) => [&[FAILED][..], &postcard::to_stdvec(&error).unwrap_or_default()].concat(),
    }
}

/// An answer that goes in parts.
pub(crate) fn pack_parts(whole: &Whole) -> Vec<u8> {
    [&[IN_PARTS][..], &postcard::to_stdvec(whole).unwrap_or_default()].concat()
}

pub(crate) fn unpack_answer(mut bytes: Vec<u8>) -> Result<Unpacked, AskError> {
    match bytes.split_first() {
        Some((&ANSWERED, _)) => {
            bytes.remove(0);
            Ok(Unpacked::Whole(bytes))
        }
        Some((&IN_PARTS, whole)) => {
            postcard::from_bytes(whole).map(Unpacked::InParts).map_err(|e| AskError::Decode(e.to_string()))
        }
        Some((&FAILED, error)) => Err(postcard::from_bytes(error).unwrap_or_else(|e| AskError::Decode(e.to_string()))),
        _ => Err(AskError::Decode("an answer that is none".into())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use messages::Address;
    use messages::envelope::Kind;

    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_up_to_one_mebibyte() {
        let to = Address::parse("ws/home/context/general").unwrap();
        let head = Head { token: [7; 16], to, from: None, trace: None, deadline_ms: 500, kind: Kind::Ask, whole: None };
        let body = vec![3; BODY_BYTES_MAX];
        let packed = pack(&head, &body).unwrap();
        assert_eq!(unpack(packed.clone()).unwrap(), (head.clone(), body));
        assert!(matches!(pack(&head, &vec![3; BODY_BYTES_MAX + 1]), Err(AskError::TooLarge { .. })));
        assert!(matches!(unpack(packed[..10].to_vec()), Err(AskError::Decode(_))));
    }

    #[test]
    fn an_answer_comes_back_as_it_was_also_when_it_is_a_failure() {
        let busy = AskError::Busy { what: "its mailbox".into(), retry_after: Duration::from_millis(50) };
        assert_eq!(unpack_answer(pack_answer(Ok(vec![1, 2]))), Ok(Unpacked::Whole(vec![1, 2])));
        assert_eq!(unpack_answer(pack_answer(Ok(Vec::new()))), Ok(Unpacked::Whole(Vec::new())));
        let whole = Whole { id: 7, length: 9, sha256: [1; 32] };
        assert_eq!(unpack_answer(pack_parts(&whole)), Ok(Unpacked::InParts(whole)));
        assert_eq!(unpack_answer(pack_answer(Err(busy.clone()))), Err(busy));
        let large = unpack_answer(pack_answer(Ok(vec![0; BODY_BYTES_MAX + 1])));
        assert!(matches!(large, Err(AskError::TooLarge { .. })));
        assert!(matches!(unpack_answer(Vec::new()), Err(AskError::Decode(_))));
    }
}
