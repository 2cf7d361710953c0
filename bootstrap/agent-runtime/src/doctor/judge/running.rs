//! The running node, as it tells of itself.

use messages::admin::{ActorView, StatusView};
use messages::index::View;

use crate::doctor::facts::{Facts, IndexFacts, NodeFacts};
use crate::doctor::{Finding, Verdict};

/// A message that has waited longer in a mailbox stands still, in milliseconds.
const WAIT_MS_MAX: u64 = 600_000;
/// An actor that was restarted more often fails again and again.
const RESTARTS_MAX: u64 = 3;
/// Files left out of an index that are named.
const LEFT_OUT_SHOWN_MAX: usize = 5;

pub(crate) fn node(facts: &Facts) -> Verdict {
    match &facts.node {
        NodeFacts::None => Verdict::Skipped(facts.no_node()),
        NodeFacts::Silent(why) => {
            let data = facts.data_word();
            let todo = format!("kill -TERM $(cat {data}/agent-runtime/lock)   # then `{}`", facts.command("serve"));
            let why_it_matters = "it takes no messages; what was accepted is safe and is gone on with after a restart";
            Verdict::Found(vec![Finding::wrong(
                format!("a node holds the console and does not answer: {why}"),
                why_it_matters,
                todo,
            )])
        }
        NodeFacts::Serves(status) => {
            Verdict::Good(format!("process {} answers, up {} s", status.pid, status.uptime_ms / 1_000))
        }
    }
}

pub(crate) fn alarms(facts: &Facts) -> Verdict {
    let Some(status) = facts.status() else { return Verdict::Skipped(facts.no_node()) };
    let why = "the node says so itself; it goes on with all else";
    // What stands still is told by the check `work`.
    let is_of_work = |alarm: &str| counted(status).iter().any(|count| alarm.starts_with(&format!("{count} ")));
    let own = status.alarms.iter().filter(|alarm| !is_of_work(alarm));
    let mut findings: Vec<Finding> = own.map(|alarm| Finding::wrong(alarm, why, facts.command("actors"))).collect();
    findings.extend(facts.actors.iter().flat_map(|actor| of_actor(facts, actor)));
    Verdict::of(findings, "none")
}

/// The counts with which alarms of work begin.
fn counted(status: &StatusView) -> Vec<u64> {
    let counts = &status.counts;
    [counts.in_doubt, counts.tasks_in_doubt, counts.tasks_dead].into_iter().filter(|count| *count > 0).collect()
}

fn of_actor(facts: &Facts, actor: &ActorView) -> Option<Finding> {
    let address = &actor.address;
    if actor.state == "stopped" {
        let why = "it failed too often and was stopped; nothing that is meant for it is done until it is opened again";
        let todo = facts.command(&format!("actors restart {address}"));
        return Some(Finding::wrong(format!("{address} is stopped: {}", actor.last_error), why, todo));
    }
    let what = || format!("{address} was restarted {} times: {}", actor.restarts, actor.last_error);
    let why = "an actor that fails again and again is stopped in the end";
    (actor.restarts > RESTARTS_MAX).then(|| Finding::note(what(), why, facts.command("actors")))
}

pub(crate) fn work(facts: &Facts) -> Verdict {
    let Some(status) = facts.status() else { return Verdict::Skipped(facts.no_node()) };
    let counts = &status.counts;
    let mut findings = Vec::new();
    let mut found = |count: u64, what: &str, why: &str, todo: String| {
        if count > 0 {
            findings.push(Finding::wrong(format!("{count} {what}"), why, todo));
        }
    };
    found(
        counts.in_doubt,
        "replies are in doubt",
        "they may or may not have come; they are never sent again by themselves",
        facts.command("verify"),
    );
    found(
        counts.tasks_in_doubt,
        "tasks wait because it is not known whether a step was done",
        "only a person can find that out",
        format!("{}   # then `tasks retry ID` or `tasks cancel ID`", facts.command("tasks")),
    );
    found(
        counts.tasks_dead,
        "tasks were given up and nobody has read why",
        "somebody waits for what they should have done",
        format!("{}   # then `tasks retry ID` or `tasks discard ID`", facts.command("tasks")),
    );
    findings.extend(facts.actors.iter().filter(|actor| actor.oldest_wait_ms > WAIT_MS_MAX).map(|actor| {
        let minutes = actor.oldest_wait_ms / 60_000;
        let why = "what it does takes long, or it hangs; everything behind that message waits too";
        Finding::wrong(format!("a message to {} has waited {minutes} min", actor.address), why, facts.command("actors"))
    }));
    let good = format!("{} turns and {} tasks under way, none stands still", counts.taken, counts.tasks_running);
    Verdict::of(findings, good)
}

pub(crate) fn index(facts: &Facts) -> Verdict {
    if facts.data.is_none() {
        return Verdict::Skipped(facts.no_node());
    }
    if facts.indexes.is_empty() {
        return Verdict::Skipped("there is no workspace yet; a node makes `home` when it starts".to_owned());
    }
    let findings: Vec<Finding> = facts.indexes.iter().flat_map(|of| of_index(facts, of)).collect();
    let made = facts.indexes.iter().filter(|of| of.is_there).count();
    Verdict::of(findings, format!("{made} of {} workspaces are indexed", facts.indexes.len()))
}

fn of_index(facts: &Facts, of: &IndexFacts) -> Option<Finding> {
    let workspace = &of.workspace;
    let status = facts.command(&format!("index status --workspace {workspace}"));
    match &of.view {
        // It is derived: without a node there is nobody to make it, and the next start does.
        None => (!of.is_there).then(|| {
            let what = format!("workspace `{workspace}` has no index yet");
            Finding::note(what, "it is made by itself when a node starts", facts.command("serve"))
        }),
        Some(Err(why)) => {
            let what = format!("the index of `{workspace}` does not answer: {why}");
            Some(Finding::wrong(what, "nothing is found in this workspace meanwhile", facts.command("actors")))
        }
        Some(Ok(view)) => left_out(workspace, view, status),
    }
}

fn left_out(workspace: &str, view: &View, status: String) -> Option<Finding> {
    if view.skipped_total == 0 {
        return None;
    }
    let named: Vec<&str> = view.skipped.iter().map(String::as_str).take(LEFT_OUT_SHOWN_MAX).collect();
    let what = format!("{} files or folders of `{workspace}` are left out: {}", view.skipped_total, named.join("; "));
    Some(Finding::note(what, "nothing of them is found by anybody", status))
}

pub(crate) fn model(facts: &Facts) -> Verdict {
    match &facts.model {
        None => Verdict::Skipped(facts.no_node()),
        Some(Err(why)) => {
            let what = format!("the model could not be asked: {why}");
            Verdict::Found(vec![Finding::wrong(what, "turns that need it fail", facts.command("model test"))])
        }
        Some(Ok(test)) => match &test.answer {
            Ok(_) => Verdict::Good(format!("`{}` answered in {} ms", test.model, test.took_ms)),
            Err(failure) => {
                let what = format!("`{}` does not answer: {}", test.model, failure.message);
                let todo = format!("{}; then `{}`", failure.advice, facts.command("model test"));
                Verdict::Found(vec![Finding::wrong(what, "turns that need it fail with the same words", todo)])
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use messages::admin::ModelTest;
    use messages::model::{Billed, Class, Failure};
    use messages::store::Counts;

    use super::*;

    fn facts(change: fn(&mut StatusView)) -> Facts {
        let mut status = StatusView::default();
        change(&mut status);
        Facts { data: Some("/d".into()), node: NodeFacts::Serves(Box::new(status)), ..Facts::default() }
    }

    fn told(verdict: &Verdict) -> String {
        format!("{verdict:?}")
    }

    #[test]
    fn what_waits_for_a_person_is_told_once_with_the_command_that_decides() {
        let busy = facts(|s| {
            s.counts = Counts { in_doubt: 1, tasks_dead: 2, ..Counts::default() };
            s.alarms = vec!["1 replies are in doubt".into(), "2 tasks failed".into(), "store refuses".into()];
        });
        let verdict = work(&busy);
        assert!(verdict.is_wrong() && told(&verdict).contains("tasks discard ID"), "{verdict:?}");
        let Verdict::Found(findings) = alarms(&busy) else { panic!() };
        assert_eq!(findings.iter().map(|f| f.what.as_str()).collect::<Vec<_>>(), ["store refuses"]);
        assert!(!work(&facts(|_| {})).is_wrong() && !alarms(&facts(|_| {})).is_wrong());
    }

    #[test]
    fn actors_that_stopped_fail_or_hang_are_named() {
        let actor = |state: &str, restarts, oldest_wait_ms| ActorView {
            address: "ws/home/index".into(),
            state: state.into(),
            restarts,
            oldest_wait_ms,
            ..ActorView::default()
        };
        for (actor, alarm, stands_still) in [
            (actor("running", RESTARTS_MAX, WAIT_MS_MAX), "none", false),
            (actor("running", RESTARTS_MAX + 1, 0), "restarted 4 times", false),
            (actor("stopped", 0, 0), "actors restart ws/home/index", false),
            (actor("running", 0, WAIT_MS_MAX + 1), "none", true),
        ] {
            let facts = Facts { actors: vec![actor], ..facts(|_| {}) };
            assert!(told(&alarms(&facts)).contains(alarm), "{}", told(&alarms(&facts)));
            assert_eq!(work(&facts).is_wrong(), stands_still);
        }
    }

    #[test]
    fn without_a_node_it_says_how_to_have_one_and_a_silent_one_is_wrong() {
        let none = Facts { data: Some("/d".into()), flags: " --data /d".into(), ..Facts::default() };
        for judge in [node, alarms, work, model] {
            assert!(matches!(judge(&none), Verdict::Skipped(why) if why.contains("agent-runtime serve --data /d")));
        }
        let silent = Facts { node: NodeFacts::Silent("timeout".into()), ..none };
        assert!(node(&silent).is_wrong() && !work(&silent).is_wrong());
    }

    #[test]
    fn an_index_is_judged_by_whether_it_answers() {
        let of = |is_there, view| {
            let indexes = vec![IndexFacts { workspace: "home".into(), is_there, view }];
            index(&Facts { data: Some("/d".into()), indexes, ..Facts::default() })
        };
        assert!(matches!(of(true, None), Verdict::Good(_)));
        assert!(told(&of(false, None)).contains("no index yet") && !of(false, None).is_wrong());
        assert!(of(true, Some(Err("gone".into()))).is_wrong());
        let view = View { skipped_total: 2, skipped: vec!["a.md: too large".into()], ..View::default() };
        let verdict = of(true, Some(Ok(view)));
        assert!(!verdict.is_wrong() && told(&verdict).contains("a.md: too large"), "{verdict:?}");
    }

    #[test]
    fn a_model_that_does_not_answer_is_told_with_its_advice() {
        let failure = Failure {
            class: Class::Auth,
            message: "the key is refused".into(),
            advice: "set another".into(),
            model: "zai".into(),
            billed: Billed::Nothing,
            retry_at: None,
        };
        let test = ModelTest { model: "zai".into(), took_ms: 4, answer: Err(failure), micro_usd: 0 };
        let verdict = model(&Facts { model: Some(Ok(test)), ..Facts::default() });
        assert!(verdict.is_wrong() && told(&verdict).contains("set another; then `agent-runtime model test`"));
    }
}
