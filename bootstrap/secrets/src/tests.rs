//! What the crate promises, on a real folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::*;

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn own(&self) -> std::path::PathBuf {
        self.folder.path().join("data/agent-runtime")
    }

    fn place(&self) -> Place {
        Place::new(&self.own(), None, None)
    }

    fn named(&self, key: &str) -> Place {
        Place::new(&self.own(), Some(&self.folder.path().join(key)), None)
    }

    fn names(&self) -> Vec<String> {
        let mut all: Vec<String> =
            fs::read_dir(self.own()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        all.sort();
        all
    }
}

fn value(text: &str) -> Value {
    Value::parse(text.as_bytes()).unwrap()
}

fn mode(path: &std::path::Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn close(path: &std::path::Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_set_is_read_and_what_is_removed_is_gone() {
    let site = Site::new();
    let place = site.place();
    assert!(place.read().unwrap().is_empty() && !site.own().exists(), "looking makes nothing");
    assert!(!place.set("zai", value("canary-1\n"), 7).unwrap());
    assert!(place.set("zai", value("canary-2"), 8).unwrap());
    place.set("other", value("x"), 9).unwrap();
    let all = place.read().unwrap();
    assert_eq!((all.value("zai"), all.value("no")), (Some("canary-2"), None));
    assert_eq!(all.names().collect::<Vec<_>>(), [("other", 9), ("zai", 8)]);
    place.remove("other").unwrap();
    assert!(matches!(place.remove("other"), Err(SecretsError::NoSuch(name)) if name == "other"));
    assert_eq!(place.read().unwrap().len(), 1);
    assert_eq!(site.names(), ["secrets.age", "secrets.key", "secrets.lock"]);
    for name in site.names() {
        assert_eq!(mode(&site.own().join(&name)), 0o600, "{name}");
        assert!(!String::from_utf8_lossy(&fs::read(site.own().join(name)).unwrap()).contains("canary"));
    }
    assert_eq!(mode(&site.own()), 0o700);
}

#[test]
fn nothing_is_removed_or_rotated_where_nothing_is() {
    let site = Site::new();
    assert!(matches!(site.place().remove("a"), Err(SecretsError::NoSuch(_))));
    assert!(matches!(site.place().rotate(None), Err(SecretsError::None)));
    assert!(!site.own().exists());
}

#[test]
fn all_that_is_legal_fits_into_the_largest_file() {
    let site = Site::new();
    let place = site.place();
    let widest = "\"".repeat(VALUE_BYTES_MAX);
    place.set(&"0".repeat(NAME_CHARS_MAX), value(&widest), i64::MIN).unwrap();
    let (mut all, own) = (place.read().unwrap(), place.key().read().unwrap().unwrap().all.remove(0));
    for n in 1..SECRETS_MAX {
        all.put(&format!("{n:0>NAME_CHARS_MAX$}"), value(&widest), i64::MIN).unwrap();
    }
    place.write(&all, &own).unwrap();
    assert!(matches!(place.set("more", value("x"), 0), Err(SecretsError::Full)));
    let bytes = fs::metadata(place.file()).unwrap().len();
    assert!(bytes <= FILE_BYTES_MAX && bytes > FILE_BYTES_MAX - (70 << 10), "{bytes} of {FILE_BYTES_MAX}");
    assert_eq!(place.read().unwrap().len(), SECRETS_MAX);
}

#[test]
fn a_file_larger_than_what_is_legal_is_refused_unread() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 0).unwrap();
    let grown = |bytes| fs::File::options().write(true).open(place.file()).unwrap().set_len(bytes).unwrap();
    grown(FILE_BYTES_MAX);
    let told = place.read().unwrap_err().to_string();
    assert!(told.contains("damaged") && !told.contains("larger"), "{told}");
    grown(FILE_BYTES_MAX + 1);
    let told = place.read().unwrap_err().to_string();
    assert!(told.contains("is larger than"), "{told}");
}

#[test]
fn no_byte_of_the_file_can_be_changed_or_taken_away() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 0).unwrap();
    let whole = fs::read(place.file()).unwrap();
    for at in (0..whole.len()).step_by(3) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(place.file(), &changed).unwrap();
        assert!(place.read().is_err(), "byte {at}");
        fs::write(place.file(), &whole[..at]).unwrap();
        assert!(place.read().is_err(), "cut at {at}");
    }
    fs::write(place.file(), &whole).unwrap();
    place.read().unwrap();
}

#[test]
fn a_key_that_is_not_there_is_told_and_none_is_made_for_secrets_that_are() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 0).unwrap();
    fs::remove_file(place.key().path()).unwrap();
    let told = place.set("b", value("y"), 0).unwrap_err();
    assert!(matches!(told, SecretsError::KeyMissing { .. }), "{told}");
    let advice = told.advice(|words| format!("agent-runtime {words} --data d"));
    assert!(
        advice.contains("secrets.age.lost") && advice.contains("agent-runtime secrets set NAME --data d"),
        "{advice}"
    );
    assert!(!place.key().path().exists());
    Site::new().place().key().make().unwrap_err();
    place.key().make().unwrap();
    assert!(matches!(place.read(), Err(SecretsError::WrongKey { .. })));
}

#[test]
fn a_key_that_others_can_read_is_not_used_and_one_of_a_service_manager_may_show_a_mask() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 0).unwrap();
    for open in [0o640, 0o604, 0o601, 0o620] {
        close(place.key().path(), open);
        let told = place.read().unwrap_err();
        assert!(matches!(told, SecretsError::Open { mode, .. } if mode == open), "{told}");
        assert!(told.advice(str::to_owned).starts_with("chmod 600 /"));
    }
    let given = site.folder.path().join("credentials");
    fs::create_dir(&given).unwrap();
    let credential = given.join(CREDENTIAL);
    fs::rename(place.key().path(), &credential).unwrap();
    let place = Place::new(&site.own(), None, Some(&given));
    assert_eq!(place.key(), &KeyAt::Credential(credential.clone()));
    for (mode, fits) in [(0o400, true), (0o440, true), (0o444, false), (0o460, false)] {
        close(&credential, mode);
        assert_eq!(place.read().is_ok(), fits, "{mode:o}");
    }
    close(&credential, 0o440);
    place.set("b", value("y"), 0).unwrap();
    assert!(matches!(place.rotate(None), Err(SecretsError::Given { .. })));
    assert_eq!(place.read().unwrap().len(), 2);
}

#[test]
fn a_named_key_is_before_all_others_and_is_made_where_there_is_none() {
    let site = Site::new();
    let place = site.named("my.key");
    place.set("a", value("x"), 0).unwrap();
    assert_eq!((site.names(), mode(place.key().path())), (vec!["secrets.age".into(), "secrets.lock".into()], 0o600));
    assert!(matches!(site.place().read(), Err(SecretsError::KeyMissing { .. })));
    fs::write(place.key().path(), "correct horse battery staple\n").unwrap();
    let told = place.read().unwrap_err();
    assert!(matches!(told, SecretsError::BadKey { .. }) && !told.to_string().contains("horse"), "{told}");
    fs::write(place.key().path(), "#".repeat(4_097)).unwrap();
    assert!(place.read().unwrap_err().to_string().contains("larger than 4096 bytes"));
}

#[test]
fn a_key_among_the_workspaces_is_refused() {
    let site = Site::new();
    fs::create_dir_all(site.folder.path().join("data/workspaces/home")).unwrap();
    for key in ["data/workspaces/home/k", "data/../data/workspaces/k"] {
        let told = site.named(key).set("a", value("x"), 0).unwrap_err();
        assert!(matches!(told, SecretsError::Inside { .. }), "{key}: {told}");
    }
    site.place().set("a", value("x"), 0).unwrap();
    let into = site.folder.path().join("data/workspaces/k");
    assert!(matches!(site.place().rotate(Some(&into)), Err(SecretsError::Inside { .. })));
}

#[test]
fn after_a_rotation_the_old_key_reads_nothing_and_the_new_one_all() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 5).unwrap();
    place.set("b", value("y"), 6).unwrap();
    let (old, before) = (fs::read(place.key().path()).unwrap(), place.read().unwrap());
    let rotated = place.rotate(None).unwrap();
    assert_eq!((rotated.secrets, rotated.to_be_moved), (2, false));
    assert_eq!(place.read().unwrap(), before);
    let new = fs::read(place.key().path()).unwrap();
    assert!(new != old && !place.is_on_its_way().unwrap());
    fs::write(place.key().path(), &old).unwrap();
    assert!(matches!(place.read(), Err(SecretsError::WrongKey { .. })));
    assert_eq!(site.names(), ["secrets.age", "secrets.key", "secrets.lock"], "no old key lies about");
}

/// Each state that a rotation which is cut off can leave: which key's file, and which file of secrets.
#[test]
fn whatever_a_rotation_that_was_cut_off_leaves_is_read_and_the_next_change_clears_up() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 5).unwrap();
    let (key_old, store_old) = (fs::read(place.key().path()).unwrap(), fs::read(place.file()).unwrap());
    place.rotate(None).unwrap();
    let (key_new, store_new) = (fs::read(place.key().path()).unwrap(), fs::read(place.file()).unwrap());
    let keys = |bytes: &[u8]| age_format::Identity::parse_all(std::str::from_utf8(bytes).unwrap()).unwrap();
    place.key().write(&[&keys(&key_old)[0], &keys(&key_new)[0]]).unwrap();
    let both = fs::read(place.key().path()).unwrap();
    let changes: [fn(&Place); 3] = [
        |place| assert!(!place.set("b", value("y"), 6).unwrap()),
        |place| place.remove("a").unwrap(),
        |place| drop(place.rotate(None).unwrap()),
    ];
    for (key, store) in [(&key_old, &store_old), (&both, &store_old), (&both, &store_new), (&key_new, &store_new)] {
        for change in changes {
            fs::write(place.key().path(), key).unwrap();
            fs::write(place.file(), store).unwrap();
            // Half of a file, as a kill in the middle of writing leaves it.
            fs::write(site.own().join("secrets.age.new"), "half").unwrap();
            fs::write(site.own().join("secrets.key.new"), "half").unwrap();
            assert_eq!(place.read().unwrap().value("a"), Some("x"));
            assert_eq!(place.is_on_its_way().unwrap(), key == &both);
            change(&place);
            assert!(!place.is_on_its_way().unwrap());
            assert_eq!(keys(&fs::read(place.key().path()).unwrap()).len(), 1);
            place.read().unwrap();
        }
    }
}

#[test]
fn a_new_key_can_be_put_elsewhere_for_who_gives_it_to_the_node_and_asking_twice_is_no_harm() {
    let site = Site::new();
    let (place, to) = (site.place(), site.folder.path().join("new.key"));
    place.set("a", value("x"), 5).unwrap();
    for _ in 0..2 {
        // The second time stands for one who was killed before he heard of the first.
        let rotated = place.rotate(Some(&to)).unwrap();
        assert_eq!((rotated.secrets, rotated.key, rotated.to_be_moved), (1, to.clone(), true));
        assert_eq!(site.named("new.key").read().unwrap().value("a"), Some("x"));
        assert!(matches!(place.read(), Err(SecretsError::WrongKey { .. })));
    }
    assert_eq!(mode(&to), 0o600);
    // One that somebody has made himself is taken as it is.
    let own = site.folder.path().join("own.key");
    let text = format!("# mine\n{}\n", *age_format::Identity::generate().unwrap().in_words().unwrap());
    fs::write(&own, &text).unwrap();
    close(&own, 0o600);
    site.named("new.key").rotate(Some(&own)).unwrap();
    assert_eq!((site.named("own.key").read().unwrap().len(), fs::read_to_string(&own).unwrap()), (1, text));
}

#[test]
fn a_key_file_with_keys_of_others_in_it_is_never_written_over() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 5).unwrap();
    let other = age_format::Identity::generate().unwrap().in_words().unwrap();
    let text = format!("{}\n{}", other.as_str(), fs::read_to_string(place.key().path()).unwrap());
    fs::write(place.key().path(), &text).unwrap();
    place.set("b", value("y"), 5).unwrap();
    assert!(matches!(place.rotate(None), Err(SecretsError::Several { count: 2, .. })));
    assert_eq!(fs::read_to_string(place.key().path()).unwrap(), text);
}

#[test]
fn a_key_behind_a_link_is_changed_where_it_is() {
    let site = Site::new();
    let place = site.named("link");
    fs::create_dir(site.folder.path().join("there")).unwrap();
    std::os::unix::fs::symlink("there/key", place.key().path()).unwrap();
    key::make(&site.folder.path().join("there/key")).unwrap();
    place.set("a", value("x"), 5).unwrap();
    place.rotate(None).unwrap();
    assert!(place.key().path().is_symlink() && site.named("there/key").read().unwrap().value("a") == Some("x"));
}

#[test]
fn a_failed_change_changes_nothing() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 5).unwrap();
    let before = (fs::read(place.file()).unwrap(), fs::read(place.key().path()).unwrap());
    // Something that can't be removed stands where the new file is to be made.
    fs::create_dir(site.own().join("secrets.age.new")).unwrap();
    let told = place.set("b", value("canary"), 6).unwrap_err();
    assert!(matches!(told, SecretsError::Io { what: "written", .. }) && !told.to_string().contains("canary"), "{told}");
    assert!(place.rotate(None).is_err());
    assert_eq!(fs::read(place.file()).unwrap(), before.0);
    assert_eq!(place.read().unwrap().value("a"), Some("x"));
    assert!(!place.is_on_its_way().unwrap());
    assert_eq!(fs::read(place.key().path()).unwrap(), before.1);
    let refused = std::io::Error::from(std::io::ErrorKind::ReadOnlyFilesystem);
    let told = SecretsError::Io { path: "/k".into(), what: "written", why: refused };
    assert!(told.advice(str::to_owned).contains("secrets rotate --new-key FILE"));
}

#[test]
fn two_at_once_wait_for_each_other_and_lose_nothing() {
    let site = Site::new();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let place = site.place();
            scope.spawn(move || {
                for m in 0..4 {
                    place.set(&format!("n{n}-{m}"), value("x"), 0).unwrap();
                    place.read().unwrap();
                    if n == 0 {
                        place.rotate(None).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(site.place().read().unwrap().len(), 32);
}

#[test]
fn a_file_of_a_newer_version_is_told_as_such() {
    use std::io::Write as _;
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 0).unwrap();
    let own = place.key().read().unwrap().unwrap().all.remove(0);
    let mut out = age_format::Encrypt::new(Vec::new(), &own.lock()).unwrap();
    out.write_all(br#"{"version":2,"canary":1}"#).unwrap();
    fs::write(place.file(), out.finish().unwrap()).unwrap();
    assert!(matches!(place.read(), Err(SecretsError::Newer { version: 2, .. })));
    assert!(matches!(place.set("b", value("y"), 0), Err(SecretsError::Newer { .. })));
}

#[test]
fn the_tool_age_reads_the_file_with_the_key_where_it_is_installed() {
    let site = Site::new();
    let place = site.place();
    place.set("a", value("x"), 7).unwrap();
    let told = std::process::Command::new("age").arg("-d").arg("-i").arg(place.key().path()).arg(place.file()).output();
    let Ok(told) = told else { return };
    assert_eq!(String::from_utf8_lossy(&told.stdout), r#"{"version":1,"secrets":{"a":{"value":"x","set_at":7}}}"#);
}
