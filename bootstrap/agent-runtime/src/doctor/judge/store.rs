//! The store: its file, its audit chain, its version.

use store::verify::Condition;

use crate::doctor::facts::{Facts, StoreFacts};
use crate::doctor::{Finding, Verdict};
use crate::node::VERSION;

/// A write-ahead log that is larger was not moved into the file for long, in bytes.
const WAL_BYTES_MAX: u64 = 64 << 20;

const NO_STORE: &str = "there is no store yet; a node makes it when it starts";

fn found(facts: &Facts) -> Result<&Condition, Verdict> {
    match &facts.store {
        StoreFacts::Found(condition) => Ok(condition),
        StoreFacts::None if facts.data.is_none() => Err(Verdict::Skipped(facts.no_node())),
        StoreFacts::None => Err(Verdict::Skipped(NO_STORE.to_owned())),
        StoreFacts::Unreadable(_) => Err(Verdict::Skipped("the store can't be read; see the check `store`".to_owned())),
    }
}

pub(crate) fn store(facts: &Facts) -> Verdict {
    if let StoreFacts::Unreadable(why) = &facts.store {
        let matters = "everything that was accepted is in it; a node does not start on it";
        return Verdict::Found(vec![Finding::wrong(why, matters, restore(facts))]);
    }
    let condition = match found(facts) {
        Ok(condition) => condition,
        Err(verdict) => return verdict,
    };
    let mut findings = Vec::new();
    if let Some(first) = condition.damage.first() {
        let why = "rows may be missing or wrong; more may be damaged with each write";
        findings.push(Finding::wrong(format!("the store's file is damaged: {first}"), why, restore(facts)));
    }
    if condition.wal_bytes > WAL_BYTES_MAX {
        let what = format!("its write-ahead log has {} MB", condition.wal_bytes / 1_000_000);
        let why = "something reads the store for long and keeps the log from being moved into the file";
        let todo = format!("fuser -v {}   # names the processes that have it open", wal(facts));
        findings.push(Finding::note(what, why, todo));
    }
    Verdict::of(findings, format!("sound, {:.1} MB", crate::commands::megabytes(condition.bytes)))
}

fn restore(facts: &Facts) -> String {
    let data = facts.data_word();
    format!(
        "stop the node, move {data}/agent-runtime away, put the one of a backup in its place, then `{}`",
        facts.command("verify")
    )
}

fn wal(facts: &Facts) -> String {
    let data = facts.data_word();
    format!("{data}/agent-runtime/meta.sqlite-wal")
}

pub(crate) fn audit(facts: &Facts) -> Verdict {
    let condition = match found(facts) {
        Ok(condition) => condition,
        Err(verdict) => return verdict,
    };
    if condition.schema != condition.schema_known || !condition.damage.is_empty() {
        return Verdict::Skipped("the store can't be read whole; see the checks `store` and `version`".to_owned());
    }
    let broken = condition.audit_bad.iter().map(|bad| {
        let why = "somebody changed the past behind the node's back, or the file is damaged";
        Finding::wrong(format!("record {} does not fit: {}", bad.seq, bad.what), why, facts.command("audit verify"))
    });
    let last = condition.audit_at.map(|at| format!(", the last of {}", markdown::civil::utc(at.0))).unwrap_or_default();
    Verdict::of(broken.collect(), format!("{} records{last}; the end of the chain holds", condition.audit_records))
}

pub(crate) fn version(facts: &Facts) -> Verdict {
    let mut findings = Vec::new();
    if let Some(status) = facts.status().filter(|status| status.version != VERSION) {
        let what = format!("the running node is of version {}, this program of {VERSION}", status.version);
        let why = "a command and a node of different versions may not understand each other";
        findings.push(Finding::wrong(what, why, "restart the node by this program: `systemctl restart agent-runtime`"));
    }
    if let StoreFacts::Found(condition) = &facts.store {
        findings.extend(schema(condition));
    }
    Verdict::of(findings, format!("agent-runtime {VERSION}, and all of it"))
}

fn schema(condition: &Condition) -> Option<Finding> {
    let (found, known) = (condition.schema, condition.schema_known);
    let what = format!("the store has schema {found}, this program knows {known}");
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => {
            let todo = "install the newer version again, or restore a backup that an older one made";
            Some(Finding::wrong(what, "it was made by a newer version, and this one does not start on it", todo))
        }
        std::cmp::Ordering::Less => {
            let why = "it is brought to the newer schema at the next start; a copy is kept beside it";
            Some(Finding::note(what, why, "restart the node when it suits"))
        }
    }
}

#[cfg(test)]
mod tests {
    use messages::admin::StatusView;
    use store::audit::BadRecord;

    use super::*;
    use crate::doctor::facts::NodeFacts;

    fn facts(change: fn(&mut Condition)) -> Facts {
        let mut condition = Condition { schema: 3, schema_known: 3, audit_records: 9, ..Condition::default() };
        change(&mut condition);
        Facts { data: Some("/d".into()), store: StoreFacts::Found(Box::new(condition)), ..Facts::default() }
    }

    fn told(verdict: &Verdict) -> String {
        format!("{verdict:?}")
    }

    #[test]
    fn a_store_is_judged_by_its_damage_and_its_log() {
        for (change, is_wrong, words) in [
            ((|_| {}) as fn(&mut Condition), false, "sound"),
            (|c| c.damage = vec!["page 3".into()], true, "page 3"),
            (|c| c.wal_bytes = WAL_BYTES_MAX, false, "sound"),
            (|c| c.wal_bytes = WAL_BYTES_MAX + 1, false, "fuser -v /d/agent-runtime/meta.sqlite-wal"),
        ] {
            let verdict = store(&facts(change));
            assert_eq!(verdict.is_wrong(), is_wrong, "{words}");
            assert!(told(&verdict).contains(words), "{}", told(&verdict));
        }
        let unreadable = Facts { store: StoreFacts::Unreadable("no permission".into()), ..Facts::default() };
        assert!(store(&unreadable).is_wrong() && !audit(&unreadable).is_wrong());
    }

    #[test]
    fn a_record_that_does_not_fit_is_named_with_the_command_that_looks_closer() {
        let bad = facts(|c| c.audit_bad = Some(BadRecord { seq: 7, what: "its hash".into() }));
        assert!(told(&audit(&bad)).contains("record 7") && told(&audit(&bad)).contains("agent-runtime audit verify"));
        assert!(told(&audit(&facts(|_| {}))).contains("9 records"));
        assert!(matches!(audit(&facts(|c| c.schema = 4)), Verdict::Skipped(_)));
    }

    #[test]
    fn versions_that_differ_are_told() {
        assert!(!version(&facts(|_| {})).is_wrong());
        assert!(version(&facts(|c| c.schema = 4)).is_wrong());
        assert!(
            !version(&facts(|c| c.schema = 2)).is_wrong() && told(&version(&facts(|c| c.schema = 2))).contains("copy")
        );
        let status = StatusView { version: "9.9.9".into(), ..StatusView::default() };
        let skewed = Facts { node: NodeFacts::Serves(Box::new(status)), ..Facts::default() };
        assert!(version(&skewed).is_wrong() && told(&version(&skewed)).contains("9.9.9"));
    }
}
