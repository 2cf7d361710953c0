//! Keys: the files that hold them, and the store of secrets.

use super::place::open_to_others;
use crate::doctor::facts::{Facts, NO_CONFIG, PathFacts, SecretsFacts, word};
use crate::doctor::{Finding, Verdict};

const WHY_MISSING: &str = "the provider that it is for can't be asked, and the node does not start";
const WHY_UNREADABLE: &str = "no secret in it can be used; a node whose configuration names one does not start";

pub(crate) fn secrets(facts: &Facts) -> Verdict {
    let Some(files) = &facts.secrets else { return Verdict::Skipped(NO_CONFIG.to_owned()) };
    let of_files = files.iter().flat_map(|file| of_file(file, facts.uid));
    let of_store = facts.store_of_secrets.iter().flat_map(|store| of_store(store, facts));
    let files = match files.len() {
        0 => "no file of a key is named".to_owned(),
        files => format!("{files} files of keys, each closed to others"),
    };
    let kept = facts.store_of_secrets.as_ref().and_then(|store| store.found.as_ref().ok());
    let kept = kept.map(|names| format!("; {} secrets in the store", names.len())).unwrap_or_default();
    Verdict::of(of_files.chain(of_store).collect(), format!("{files}{kept}"))
}

fn of_file(file: &PathFacts, uid: u32) -> Option<Finding> {
    let shown = file.path.display();
    if !file.is_there {
        let todo = format!("umask 077 && cat > {}   # then type the key, Enter and Ctrl-D", word(&file.path));
        return Some(Finding::wrong(format!("{shown} is not there"), WHY_MISSING, todo));
    }
    open_to_others(file, uid)
}

fn of_store(store: &SecretsFacts, facts: &Facts) -> Vec<Finding> {
    let names = match &store.found {
        Ok(names) => names,
        // It is told already, with the file.
        Err(trouble) if trouble.is_of_rights => return Vec::new(),
        Err(trouble) => return vec![Finding::wrong(&trouble.what, WHY_UNREADABLE, &trouble.todo)],
    };
    let missing = store.named.iter().filter(|name| !names.contains(name)).map(|name| {
        let what = format!("there is no secret `{name}`, and the configuration names it");
        Finding::wrong(what, WHY_MISSING, facts.command(&format!("secrets set {name}")))
    });
    let on_its_way = store.is_on_its_way.then(|| {
        let why = "all can be read; the old key can read it, too, or the new one is of no use yet";
        Finding::note("a rotation of the secrets' key was cut off", why, facts.command("secrets rotate"))
    });
    missing.chain(on_its_way).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::facts::Trouble;

    fn file(mode: u32) -> PathFacts {
        PathFacts { path: "/d".into(), is_there: true, mode, uid: 7, ..PathFacts::default() }
    }

    fn told(files: Vec<PathFacts>, store: Option<SecretsFacts>) -> (bool, String) {
        let flags = " --data d".to_owned();
        let facts = Facts { uid: 7, flags, secrets: Some(files), store_of_secrets: store, ..Facts::default() };
        let verdict = secrets(&facts);
        (verdict.is_wrong(), format!("{verdict:?}"))
    }

    fn store(named: &[&str], found: Result<&[&str], bool>, is_on_its_way: bool) -> Option<SecretsFacts> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let trouble = |is_of_rights| Trouble { what: "w".into(), todo: "mend it".into(), is_of_rights };
        Some(SecretsFacts { named: owned(named), found: found.map(owned).map_err(trouble), is_on_its_way })
    }

    #[test]
    fn a_file_of_a_key_must_be_there_and_closed() {
        assert!(!told(vec![file(0o400)], None).0);
        assert!(told(vec![file(0o644)], None).0);
        assert!(told(vec![PathFacts { is_there: false, ..file(0) }], None).1.contains("is not there"));
        assert_eq!(secrets(&Facts::default()), Verdict::Skipped(NO_CONFIG.to_owned()));
    }

    #[test]
    fn what_the_configuration_names_must_be_in_the_store() {
        let (wrong, words) = told(vec![], store(&["a", "b"], Ok(&["b", "c"]), false));
        assert!(wrong && words.contains("`a`") && !words.contains("`b`"), "{words}");
        assert!(words.contains("agent-runtime secrets set a --data d"), "{words}");
        assert!(told(vec![], store(&["a"], Ok(&["a", "b"]), false)).1.contains("2 secrets in the store"));
    }

    #[test]
    fn a_store_that_can_not_be_read_is_told_once_with_what_to_do() {
        let (wrong, words) = told(vec![], store(&["a"], Err(false), false));
        assert!(wrong && words.contains("mend it"), "{words}");
        let (wrong, words) = told(vec![file(0o644)], store(&["a"], Err(true), false));
        assert!(wrong && words.contains("chmod 600") && !words.contains("mend it"), "{words}");
    }

    #[test]
    fn a_rotation_that_was_cut_off_is_good_to_know() {
        let (wrong, words) = told(vec![], store(&[], Ok(&[]), true));
        assert!(!wrong && words.contains("agent-runtime secrets rotate --data d"), "{words}");
    }
}
