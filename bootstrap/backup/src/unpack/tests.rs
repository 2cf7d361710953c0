use super::*;
use crate::Packer;

fn made() -> Vec<u8> {
    let store = serde_json::json!({ "events": 3 });
    let about = About { format: FORMAT, version: "0.1.0".into(), created_at: 5, faults: 0, store };
    let mut packer = Packer::new(Vec::new(), about).unwrap();
    for (name, text) in [("a/one.md", "one".repeat(300)), ("b.md", String::new()), ("c/d/e.md", "x".into())] {
        packer.add(name, Stat { bytes: text.len() as u64, changed_s: 7, mode: 0o644 }, &mut text.as_bytes()).unwrap();
    }
    packer.finish().unwrap().0
}

fn opened(bytes: &[u8]) -> Result<Vec<(String, usize)>, Bad> {
    let mut found = Vec::new();
    read(bytes, &mut |name, stat, from| {
        assert_eq!((stat.changed_s, stat.mode), (7, 0o644));
        let mut text = Vec::new();
        from.read_to_end(&mut text)?;
        found.push((name.to_owned(), text.len()));
        Ok(())
    })?;
    Ok(found)
}

#[test]
fn what_was_packed_comes_out_in_its_order_and_is_told_without_reading_all() {
    let names = [("a/one.md", 900), ("b.md", 0), ("c/d/e.md", 1)].map(|(name, bytes)| (name.to_owned(), bytes));
    assert_eq!(opened(&made()).unwrap(), names);
    assert_eq!(about(made().as_slice()).unwrap().store["events"], 3);
}

#[test]
fn no_byte_can_be_changed_and_none_can_be_taken_away() {
    let whole = made();
    for at in 0..whole.len() {
        for bit in [1, 0x80] {
            let mut changed = whole.clone();
            changed[at] ^= bit;
            assert!(opened(&changed).is_err(), "byte {at}");
        }
        assert!(opened(&whole[..at]).is_err(), "cut at {at}");
    }
    assert!(opened(&[whole.as_slice(), b"x"].concat()).is_err());
    assert!(opened(&[whole.as_slice(), whole.as_slice()].concat()).is_err());
}

/// A backup by somebody who can write hashes and seals.
fn forged(name: &str, kind: EntryType) -> Vec<u8> {
    let out = crate::seal::Sealing::new(Vec::new());
    let mut tar = tar::Builder::new(zstd::Encoder::new(out, 3).unwrap());
    let about = About { format: FORMAT, version: String::new(), created_at: 0, faults: 0, store: 0.into() };
    for (name, kind, bytes) in
        [(ABOUT, EntryType::Regular, serde_json::to_vec(&about).unwrap()), (name, kind, Vec::new())]
    {
        let mut header = tar::Header::new_gnu();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_entry_type(kind);
        header.set_link_name("/etc/passwd").ok();
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap().seal().unwrap()
}

#[test]
fn a_forged_backup_can_not_name_a_place_outside_or_a_link() {
    for (name, kind) in [
        ("../x", EntryType::Regular),
        ("/etc/x", EntryType::Regular),
        ("a/../../x", EntryType::Regular),
        ("a", EntryType::Symlink),
        ("a", EntryType::Link),
        ("a", EntryType::Directory),
        ("a", EntryType::Fifo),
    ] {
        let put = read(forged(name, kind).as_slice(), &mut |name, _, _| panic!("{name} was given"));
        assert!(put.is_err(), "{name} {kind:?}");
    }
}

#[test]
fn what_can_not_be_written_is_told_apart_from_damage() {
    let failed = read(made().as_slice(), &mut |_, _, _| Err(io::Error::other("no room")));
    assert!(matches!(failed, Err(Bad::Put { member, .. }) if member == "a/one.md"));
    assert!(opened(b"hello").is_err() && opened(b"").is_err());
}
