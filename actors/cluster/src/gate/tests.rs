use proptest::prelude::*;

use super::core::Judged;
use super::protobuf::{put_bytes, put_number};
use super::*;

const OURS: u64 = 41;
const THEIRS: u64 = 1_007;
const NAME: &str = "worker#i1@worker";

fn gate() -> Gate {
    Gate::new(NAME.into(), OURS, THEIRS, 0x0102_0304_0506_0708)
}

/// `of { kind { body } }`.
fn frame(of: u32, kind: u32, body: &[u8]) -> Vec<u8> {
    let (mut message, mut frame) = (Vec::new(), Vec::new());
    put_bytes(&mut message, kind, body);
    put_bytes(&mut frame, of, &message);
    frame
}

fn call(to: u64, more: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut body = Vec::new();
    put_number(&mut body, 1, to);
    put_bytes(&mut body, 2, b"what");
    put_number(&mut body, 3, 1);
    more(&mut body);
    body
}

fn named(name: &str) -> Vec<u8> {
    let mut body = Vec::new();
    put_bytes(&mut body, 1, name.as_bytes());
    body
}

fn spawn(pids: &[u64]) -> Vec<u8> {
    let mut body = Vec::new();
    for pid in pids {
        let mut actor = Vec::new();
        put_number(&mut actor, 1, *pid);
        put_bytes(&mut actor, 2, b"store");
        put_bytes(&mut body, 1, &actor);
    }
    body
}

#[test]
fn a_call_to_the_region_is_stamped_with_the_link_it_came_by() {
    let judged = gate().judge(&frame(2, 2, &call(OURS, |_| {})));
    assert_eq!(judged, Judged::Append(vec![0x12, 12, 0x12, 10, 0x32, 8, 1, 2, 3, 4, 5, 6, 7, 8]));
}

#[test]
fn nothing_else_of_an_actor_passes_but_replies_of_the_peers_region() {
    let closes = |frame: Vec<u8>| matches!(gate().judge(&frame), Judged::Close(_));
    assert!(closes(frame(2, 2, &call(OURS + 1, |_| {}))), "a call to another actor");
    assert!(closes(frame(2, 2, &call(OURS, |body| put_bytes(body, 6, b"stamp")))), "a stamp of its own");
    assert!(closes(frame(2, 1, &call(OURS, |_| {}))), "a cast");
    assert!(closes(frame(2, 3, &call(OURS, |_| {}))), "a reply in another's name");
    assert!(closes(frame(2, 2, &call(OURS, |body| put_number(body, 1, OURS + 1)))), "two recipients");
    assert_eq!(gate().judge(&frame(2, 3, &call(THEIRS, |_| {}))), Judged::Pass);
    let twice = [frame(2, 2, &call(OURS, |_| {})), frame(2, 2, &call(OURS + 1, |_| {}))].concat();
    assert!(closes(twice), "two messages in one");
}

#[test]
fn the_handshake_is_under_the_certificates_name_and_ends() {
    let mut gate = gate();
    assert_eq!(gate.judge(&frame(1, 1, &named(NAME))), Judged::Pass);
    assert!(matches!(gate.judge(&frame(1, 4, &named("connector#i1@connector"))), Judged::Close(_)));
    assert!(matches!(gate.judge(&frame(1, 1, b"")), Judged::Close(_)), "no name");
    for _ in 0..5 {
        assert_eq!(gate.judge(&frame(1, 2, b"")), Judged::Pass);
    }
    assert!(matches!(gate.judge(&frame(1, 2, b"")), Judged::Close(_)));
}

#[test]
fn of_the_actors_that_a_peer_shows_its_region_is_made_once_and_without_a_name() {
    let mut gate = gate();
    assert_eq!(gate.judge(&frame(3, 1, &spawn(&[1, 2, 3]))), Judged::Drop);
    let mut actor = Vec::new();
    put_number(&mut actor, 1, THEIRS);
    let mut bare = Vec::new();
    put_bytes(&mut bare, 1, &actor);
    assert_eq!(gate.judge(&frame(3, 1, &spawn(&[1, THEIRS, 3]))), Judged::Replace(frame(3, 1, &bare)));
    assert_eq!(gate.judge(&frame(3, 1, &spawn(&[THEIRS]))), Judged::Drop);
}

#[test]
fn a_region_with_the_first_of_all_pids_is_shown_too() {
    let mut gate = Gate::new(NAME.into(), OURS, 0, 1);
    let mut body = Vec::new();
    put_bytes(&mut body, 1, b"");
    assert!(matches!(gate.judge(&frame(3, 1, &body)), Judged::Replace(_)));
    let mut reply = Vec::new();
    put_number(&mut reply, 2, 1);
    assert_eq!(gate.judge(&frame(2, 3, &reply)), Judged::Pass);
}

#[test]
fn groups_and_lists_of_nodes_go_nowhere_and_pings_pass() {
    let mut gate = gate();
    for kind in [5, 6, 7, 8, 10] {
        assert_eq!(gate.judge(&frame(3, kind, b"")), Judged::Drop, "{kind}");
    }
    assert_eq!(gate.judge(&frame(3, 3, b"")), Judged::Pass);
    assert_eq!(gate.judge(&frame(3, 4, b"")), Judged::Pass);
    assert_eq!(gate.judge(&frame(3, 9, b"")), Judged::Pass);
    assert!(matches!(gate.judge(&frame(3, 9, b"")), Judged::Close(_)), "ready twice would end the session's actor");
    let large = frame(3, 3, &vec![0; crate::limits::SMALL_FRAME_BYTES_MAX]);
    assert!(matches!(gate.judge(&large), Judged::Close(_)));
}

#[test]
fn the_end_of_the_peers_region_ends_the_link_and_that_of_others_does_not() {
    let packed = |ids: &[u64]| {
        let mut all = Vec::new();
        ids.iter().for_each(|id| super::protobuf::put_varint(&mut all, *id));
        let mut body = Vec::new();
        put_bytes(&mut body, 1, &all);
        body
    };
    assert_eq!(gate().judge(&frame(3, 2, &packed(&[1, 2]))), Judged::Drop);
    assert!(matches!(gate().judge(&frame(3, 2, &packed(&[1, THEIRS]))), Judged::Close(_)));
}

proptest! {
    #[test]
    fn whatever_comes_is_judged_and_a_call_passes_to_the_region_alone(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        match gate().judge(&bytes) {
            Judged::Append(_) => prop_assert!(bytes.starts_with(&[0x12])),
            Judged::Pass | Judged::Replace(_) | Judged::Drop | Judged::Close(_) => {}
        }
    }

    #[test]
    fn a_byte_that_changes_in_a_call_never_sends_it_to_another_actor(at in 0usize..24, to in any::<u8>()) {
        let mut bytes = frame(2, 2, &call(OURS, |_| {}));
        let length = bytes.len();
        bytes[at % length] = to;
        if let Judged::Append(_) = gate().judge(&bytes) {
            prop_assert_eq!(&bytes[..2], &[0x12, 12][..]);
            prop_assert_eq!(&bytes[4..6], &[0x08, 41][..]);
        }
    }
}
