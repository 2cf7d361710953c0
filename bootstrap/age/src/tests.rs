use std::io::{ErrorKind, Read as _, Write as _};

use super::*;

/// The key of the format's own examples, and its recipient.
const SECRET: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

/// `printf 'made by age\n' | age -r RECIPIENT | base64`, of age 1.1.1.
const BY_AGE: &str = concat!(
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBMMEN2NXU4NXlqblFWbDdyVm1lZ0l6Mk9OMk9aZk1mT3k4MGMzRldkQkFn",
    "CjVvZklMYkVXdGxhcHk0YkU5MVIxTHZDYW04T0RDTS92V3ZIMGFxMFlydjQKLS0tIEpsUWh4Nk5GMmFkdUppUDl1TWQrMU5xejM0",
    "Z0twc1A5S0t0dXlYQ1loMHcK1WQtmkVjPrg/XF/J4JdXktipYR1csWsJbjGYxNgsv6C6rJZJKxNFQD95MFE=",
);

fn encrypted(bytes: &[u8], lock: &str) -> Vec<u8> {
    let mut out = Encrypt::new(Vec::new(), &Lock::parse(lock).unwrap()).unwrap();
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn decrypted(bytes: &[u8], key: &str) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    Decrypt::new(bytes, &Key::parse(key).unwrap())?.read_to_end(&mut plain)?;
    Ok(plain)
}

#[test]
fn what_was_encrypted_for_a_recipient_is_read_with_its_key_alone() {
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
        let (plain, text) = (vec![9; length], RECIPIENT);
        let locked = encrypted(&plain, text);
        assert!(is_encrypted(&locked));
        assert_eq!(decrypted(&locked, &format!("# mine\n\n{SECRET}\n")).unwrap(), plain);
        assert_eq!(decrypted(&locked, "a passphrase that is not it").unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
    let by_key_file = encrypted(b"x", SECRET);
    assert_eq!(decrypted(&by_key_file, SECRET).unwrap(), b"x");
}

#[test]
fn a_passphrase_is_what_stands_in_the_first_line() {
    let locked = encrypted(b"x", "correct horse battery staple\n");
    assert_eq!(decrypted(&locked, "correct horse battery staple").unwrap(), b"x");
    assert_eq!(decrypted(&locked, "correct horse battery stapler").unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(decrypted(&locked, SECRET).unwrap_err().kind(), ErrorKind::PermissionDenied);
}

#[test]
fn no_byte_can_be_changed_or_taken_away_or_put_elsewhere() {
    let locked = encrypted(&vec![1; 150_000], RECIPIENT);
    for at in (0..400).chain((400..locked.len()).step_by(997)) {
        let mut changed = locked.clone();
        changed[at] ^= 1;
        assert!(decrypted(&changed, SECRET).is_err(), "byte {at}");
        assert!(decrypted(&locked[..at], SECRET).is_err(), "cut at {at}");
    }
    let header = locked.len() - 150_000 - 3 * 16;
    let piece = 65_536 + 16;
    let mut turned = locked.clone();
    turned[header..header + 2 * piece].rotate_left(piece);
    assert!(decrypted(&turned, SECRET).is_err());
    assert!(decrypted(&locked[..header + 2 * piece], SECRET).is_err(), "whole pieces are missing");
}

#[test]
fn keys_that_are_none_are_refused_without_being_repeated() {
    let wrong = SECRET.replace('Q', "P");
    assert_eq!(Key::parse(&wrong).err(), Some(KeyError::Line(1, "a character is wrong")));
    for text in ["", "short", RECIPIENT] {
        assert!(Key::parse(text).is_err(), "{text}");
    }
    assert!(Lock::parse("").is_err() && Lock::parse(&RECIPIENT.replace('z', "y")).is_err());
}

#[test]
fn a_new_identity_is_read_back_and_never_shown() {
    let own = Identity::generate().unwrap();
    let words = own.in_words().unwrap();
    assert!(words.starts_with("AGE-SECRET-KEY-1") && words.len() == SECRET.len());
    let text = format!("# made here\n{SECRET}\n\n{}\n", *words);
    let all = Identity::parse_all(&text).unwrap();
    assert_eq!((all.len(), all[0].in_words().unwrap().as_str(), all[1].in_words().unwrap()), (2, SECRET, words));
    assert_ne!(*Identity::generate().unwrap().in_words().unwrap(), *own.in_words().unwrap());
    assert_eq!(format!("{own:?}"), "***");
    let mut out = Encrypt::new(Vec::new(), &own.lock()).unwrap();
    out.write_all(b"x").unwrap();
    let locked = out.finish().unwrap();
    let mut plain = Vec::new();
    Decrypt::new(&locked[..], &own.key()).unwrap().read_to_end(&mut plain).unwrap();
    assert_eq!(plain, b"x");
    let other = Decrypt::new(&locked[..], &all[0].key()).err().unwrap();
    assert_eq!(other.kind(), ErrorKind::PermissionDenied);
}

#[test]
fn a_file_without_an_identity_is_no_key_file() {
    assert_eq!(Identity::parse_all("# nothing\n").err(), Some(KeyError::Holds("no key of age")));
    assert!(matches!(Identity::parse_all(RECIPIENT), Err(KeyError::Holds(_))));
    for text in ["correct horse battery staple", "AGE-SECRET-KEY-1QQ"] {
        let told = Identity::parse_all(text).unwrap_err();
        assert!(matches!(told, KeyError::Line(1, _)) && !told.to_string().contains(text), "{told}");
    }
}

#[test]
fn what_the_tool_age_has_encrypted_is_read() {
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, BY_AGE).unwrap();
    assert_eq!(decrypted(&bytes, SECRET).unwrap(), b"made by age\n");
}
