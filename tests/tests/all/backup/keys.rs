//! Encrypted ones.

use std::os::unix::fs::PermissionsExt as _;

use super::{Place, json};

/// The key of the age format's own examples, its recipient, and another one.
const SECRET: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n";
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fn secret(place: &Place, name: &str, text: &str) {
    let path = place.world.path(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_for_a_recipient_is_read_with_its_key_alone() {
    let place = Place::with_events(2).await;
    secret(&place, "key", SECRET);
    secret(&place, "wrong", "some other passphrase\n");
    place.create(&["--encrypt-to", RECIPIENT]).await.expect_code(0).unwrap();
    let bytes = std::fs::read(place.file()).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n") && !bytes.windows(9).any(|w| w == b"about.jso"));
    let file = "backup.tar.zst";
    let locked = place.run(&["backup", "verify", file]).await.expect_code(1).unwrap();
    assert!(locked.stderr.contains("is encrypted; give its key file by --key"), "{}", locked.stderr);
    let wrong = place.run(&["backup", "verify", file, "--key", "wrong"]).await.expect_code(1).unwrap();
    assert!(wrong.stderr.contains("it was not encrypted for this key"), "{}", wrong.stderr);
    place.restore(&["--key", "wrong"]).await.expect_code(1).unwrap();
    assert!(!place.other().exists(), "nothing was begun");
    place.run(&["backup", "verify", file, "--key", "key"]).await.expect_code(0).unwrap();
    let listed = json(&place.run(&["backup", "list", "--json"]).await.expect_code(0).unwrap());
    assert!(listed[0]["encrypted"].as_bool().unwrap() && listed[0]["about"].is_null(), "{listed}");
    let listed = json(&place.run(&["backup", "list", "--json", "--key", "key"]).await.expect_code(0).unwrap());
    assert_eq!(listed[0]["about"]["store"]["events"].as_u64(), Some(2));
    place.restore(&["--key", "key"]).await.expect_code(0).unwrap();
    place.other_is_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passphrase_file_both_encrypts_and_decrypts_and_must_be_its_owners_alone() {
    let place = Place::with_events(1).await;
    secret(&place, "words", "correct horse battery staple\n");
    place.create(&["--encrypt-to", "words"]).await.expect_code(0).unwrap();
    place.run(&["backup", "verify", "backup.tar.zst", "--key", "words"]).await.expect_code(0).unwrap();
    std::fs::set_permissions(place.world.path("words"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let open = place.run(&["backup", "verify", "backup.tar.zst", "--key", "words"]).await.expect_code(1).unwrap();
    assert!(open.stderr.contains("chmod 600"), "{}", open.stderr);
    secret(&place, "short", "hunter2\n");
    let short = place.run(&["backup", "create", "b.age", "--data", "data", "--encrypt-to", "short"]).await;
    assert!(short.expect_code(1).unwrap().stderr.contains("fewer than 12 characters"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_byte_of_an_encrypted_backup_is_found() {
    let place = Place::with_events(1).await;
    secret(&place, "key", SECRET);
    place.create(&["--encrypt-to", "key"]).await.expect_code(0).unwrap();
    let whole = std::fs::read(place.file()).unwrap();
    for n in 0..12 {
        let at = (whole.len() - 1) * n / 11;
        let mut changed = whole.clone();
        changed[at] ^= 1;
        std::fs::write(place.file(), changed).unwrap();
        let done = place.run(&["backup", "verify", "backup.tar.zst", "--key", "key"]).await;
        // In the header it can't be told from a wrong key.
        assert!(matches!(done.code, Some(1 | 8)), "byte {at}: {done:?}");
    }
}
