//! `doctor` and `explain`: what is wrong around a node, and what a finding means.

use std::process::ExitCode;

use anyhow::bail;
use serde_json::{Value as Json, json};

use super::give_json;
use crate::cli::{Doctor, Explain};
use crate::doctor::{CHECKS, Check, Facts, Finding, Verdict, check, gather, ids};
use crate::logging;

/// A check with what it found and what was repaired.
struct Seen {
    check: &'static Check,
    verdict: Verdict,
    fixed: Vec<String>,
}

pub(super) async fn run(args: Doctor) -> anyhow::Result<ExitCode> {
    let wanted: Vec<&'static Check> =
        CHECKS.iter().filter(|check| args.only.is_empty() || args.only.iter().any(|id| id == check.id)).collect();
    let names: Vec<&str> = wanted.iter().map(|check| check.id).collect();
    let facts = gather(&args.read.place, &names).await?;
    let judged = wanted.into_iter().map(|check| Seen { check, verdict: (check.judge)(&facts), fixed: Vec::new() });
    let mut seen: Vec<Seen> = judged.collect();
    if args.fix && fix(&facts, &mut seen) {
        let facts = gather(&args.read.place, &["config", "rights", "secrets"]).await?;
        for one in seen.iter_mut().filter(|one| !one.fixed.is_empty() || one.check.id == "config") {
            one.verdict = (one.check.judge)(&facts);
        }
    }
    let well = !seen.iter().any(|one| one.verdict.is_wrong());
    if args.read.json {
        give_json(&json!({ "well": well, "checks": seen.iter().map(object).collect::<Vec<_>>() }))?;
    } else {
        show(&seen, well);
    }
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Repairs what is wrong and may be repaired; `true` when anything was done.
fn fix(facts: &Facts, seen: &mut [Seen]) -> bool {
    for one in seen.iter_mut().filter(|one| one.verdict.is_wrong()) {
        one.fixed = one.check.fix.map(|fix| fix(facts)).unwrap_or_default();
    }
    seen.iter().any(|one| !one.fixed.is_empty())
}

/// The word under which a check is told.
fn state(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Good(_) => "good",
        Verdict::Skipped(_) => "skipped",
        Verdict::Found(_) if verdict.is_wrong() => "wrong",
        Verdict::Found(_) => "note",
    }
}

fn object(one: &Seen) -> Json {
    let (said, findings) = match &one.verdict {
        Verdict::Good(said) | Verdict::Skipped(said) => (said.as_str(), Vec::new()),
        Verdict::Found(findings) => ("", findings.iter().map(finding_object).collect()),
    };
    json!({
        "id": one.check.id,
        "title": one.check.title,
        "state": state(&one.verdict),
        "said": said,
        "findings": findings,
        "fixed": one.fixed,
    })
}

fn finding_object(finding: &Finding) -> Json {
    json!({ "wrong": finding.is_wrong, "what": finding.what, "why": finding.why, "todo": finding.todo })
}

fn show(seen: &[Seen], well: bool) {
    for one in seen {
        logging::give(&lines(one).join("\n"));
    }
    let wrong: Vec<&str> = seen.iter().filter(|one| one.verdict.is_wrong()).map(|one| one.check.id).collect();
    logging::say(&match wrong.first() {
        Some(first) if !well => format!("wrong: {}; `agent-runtime explain {first}` tells more", wrong.join(", ")),
        _ => "nothing is wrong".to_owned(),
    });
}

fn lines(one: &Seen) -> Vec<String> {
    let head = |said: &str| format!("{:<8} {:<8} {said}", state(&one.verdict), one.check.id);
    let mut lines = match &one.verdict {
        Verdict::Good(said) | Verdict::Skipped(said) => vec![head(said)],
        Verdict::Found(findings) => std::iter::once(head(one.check.title)).chain(findings.iter().map(told)).collect(),
    };
    lines.extend(one.fixed.iter().map(|done| format!("         fixed: {done}")));
    lines
}

fn told(finding: &Finding) -> String {
    let Finding { what, why, todo, .. } = finding;
    format!("         {what}\n           why: {why}\n           do:  {todo}")
}

pub(super) fn explain(args: &Explain) -> anyhow::Result<ExitCode> {
    let Some(known) = check(&args.id) else {
        bail!("`{}` is no id of a check; known are {}", args.id, ids().join(", "))
    };
    if args.json {
        give_json(&json!({ "id": known.id, "title": known.title, "page": known.page }))?;
    } else {
        logging::give(known.page.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(verdict: Verdict) -> Seen {
        Seen { check: &CHECKS[0], verdict, fixed: Vec::new() }
    }

    #[test]
    fn a_finding_is_told_with_what_why_and_what_to_do() {
        let mut one = seen(Verdict::Found(vec![Finding::wrong("a", "b", "c")]));
        one.fixed = vec!["d".into()];
        let told = lines(&one).join("\n");
        assert!(
            told.starts_with("wrong    config ") && told.contains("why: b") && told.ends_with("fixed: d"),
            "{told}"
        );
        assert_eq!(object(&one)["findings"][0], json!({ "wrong": true, "what": "a", "why": "b", "todo": "c" }));
    }

    #[test]
    fn only_what_must_be_mended_is_called_wrong() {
        let note = Verdict::Found(vec![Finding::note("a", "b", "c")]);
        for (verdict, word) in
            [(Verdict::Good(String::new()), "good"), (Verdict::Skipped(String::new()), "skipped"), (note, "note")]
        {
            assert_eq!(object(&seen(verdict))["state"], json!(word));
        }
    }
}
