//! Every message that may cross to another node, as bytes. Another version reads them: what changes a line here needs a new
//! version of the protocol between nodes, and what is new gets lines by itself, so that a variant without bytes fails.

// The whole crate is tests; clippy's allowances for them reach no function that tests share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod sampler;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use messages::envelope::{Head, Whole};
use messages::protocol::Protocol;
use messages::store::{StoreAnswer, StoreCall};
use messages::{
    AskError, admin, alarms, context, index, lane, membership, memory, model, retention, task, tool, workspace,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::sampler::samples;

/// A line for each sample: the variants in it, and its bytes. Each variant of each enum below `T` is in one of them.
fn bytes_of<T: Serialize + DeserializeOwned>() -> String {
    let mut text = String::new();
    for (variants, sample) in samples::<T>().unwrap() {
        let bytes = postcard::to_stdvec(&sample).unwrap();
        let again: T = postcard::from_bytes(&bytes).unwrap();
        assert_eq!(postcard::to_stdvec(&again).unwrap(), bytes, "{variants} is read back as it was");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{variants}\n    {hex}").unwrap();
    }
    text
}

fn of_protocol<P: Protocol>() -> String {
    format!("-- message\n{}-- reply\n{}", bytes_of::<P::Msg>(), bytes_of::<P::Reply>())
}

/// Compares with the bytes that are kept, and counts the protocol as one that has some.
macro_rules! kept {
    ($seen:ident, $($protocol:ty),+ $(,)?) => {
        $(
            insta::assert_snapshot!(<$protocol as Protocol>::KIND, of_protocol::<$protocol>());
            $seen.insert(<$protocol as Protocol>::KIND.to_owned());
        )+
    };
}

#[test]
fn an_envelope_and_the_ways_in_which_an_ask_fails_have_these_bytes() {
    insta::assert_snapshot!("envelope", bytes_of::<Head>() + &bytes_of::<Whole>());
    insta::assert_snapshot!("failures", bytes_of::<AskError>());
}

#[test]
fn what_is_asked_of_the_hubs_store_has_these_bytes() {
    insta::assert_snapshot!("store_call", bytes_of::<StoreCall>());
    insta::assert_snapshot!("store_answer", bytes_of::<StoreAnswer>());
}

#[test]
fn every_protocol_has_its_bytes() {
    let mut seen = BTreeSet::new();
    kept!(
        seen,
        admin::Admin,
        alarms::Alarms,
        context::Context,
        index::Index,
        lane::Lane,
        membership::Membership,
        memory::Memory,
        model::Model,
        retention::Retention,
        messages::store::StoreProto,
        task::Task,
        tool::Tools,
        workspace::Workspace,
    );
    assert_eq!(seen, declared(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")));
}

/// The kinds of all protocols that this crate's source declares.
fn declared(folder: &std::path::Path) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            kinds.extend(declared(&path));
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let kind = |line: &str| {
            line.trim().strip_prefix("const KIND: &'static str = \"")?.split('"').next().map(str::to_owned)
        };
        kinds.extend(source.lines().filter_map(kind));
    }
    kinds
}
