//! Certificates of a cluster: nearly over, revoked, of two authorities, not to be used.

use markdown::civil::utc;

use crate::doctor::facts::{AuthorityCertificate, Certificates, Facts, OwnCertificate};
use crate::doctor::{Finding, Verdict};

/// A node renews at two thirds of a life, three quarters at the latest: with less than a fifth left it has failed to.
const LEFT_OF_LIFE: i64 = 5;
/// So long before its end an authority is worth a thought, in milliseconds: a year.
const AUTHORITY_LEFT_MS: i64 = 365 * 86_400_000;

const WHY_OWN: &str = "other nodes refuse it, and this one stays alone";
const WHY_AUTHORITY: &str =
    "no certificate can be issued, renewed or revoked, and those that there are end one after the other";

pub(crate) fn certificates(facts: &Facts) -> Verdict {
    let Certificates { own, authority } = &facts.certificates;
    if own.is_none() && authority.is_none() {
        return Verdict::Good("there are none, and a node that is alone needs none".to_owned());
    }
    let mut findings = Vec::new();
    match own {
        Some(Ok(own)) => findings.extend(of_own(own, facts)),
        Some(Err(why)) => findings.push(Finding::wrong(
            format!("this node's certificate can't be used: {why}"),
            WHY_OWN,
            format!("put the file back, or issue the next: {}", facts.command("pki renew --self")),
        )),
        None => {}
    }
    match authority {
        Some(Ok(authority)) => findings.extend(of_authority(authority, own, facts)),
        Some(Err(why)) => findings.push(Finding::wrong(
            format!("the authority can't be used: {why}"),
            WHY_AUTHORITY,
            "put its folder back as it was last, from your copy of it",
        )),
        None => {}
    }
    let good = match own {
        Some(Ok(own)) => format!("`{}`, until {}", own.node, utc(own.not_after_ms)),
        _ => "an authority, and no certificate of this node".to_owned(),
    };
    Verdict::of(findings, good)
}

fn of_own(own: &OwnCertificate, facts: &Facts) -> Option<Finding> {
    let (now, until) = (facts.clock.now_ms, utc(own.not_after_ms));
    let renew = format!("where the authority is: agent-runtime pki renew {}", own.node);
    if own.is_revoked {
        let todo =
            format!("if its host is to be let in again, where the authority is: agent-runtime pki node {}", own.node);
        return Some(Finding::wrong("this node's certificate is revoked", WHY_OWN, todo));
    }
    if now > own.not_after_ms {
        return Some(Finding::wrong(format!("this node's certificate ended at {until}"), WHY_OWN, renew));
    }
    if now < own.not_before_ms {
        let what = format!("this node's certificate begins at {}", utc(own.not_before_ms));
        return Some(Finding::wrong(what, WHY_OWN, "timedatectl   # set the clock of this machine right"));
    }
    let life = own.not_after_ms.saturating_sub(own.not_before_ms);
    let is_late = own.not_after_ms.saturating_sub(now) < life / LEFT_OF_LIFE;
    is_late.then(|| {
        let why = "it should have been renewed by now; when it ends, other nodes refuse it";
        Finding::note(format!("this node's certificate ends at {until}"), why, renew)
    })
}

fn of_authority(
    authority: &AuthorityCertificate,
    own: &Option<Result<OwnCertificate, String>>,
    facts: &Facts,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if own.as_ref().is_some_and(|own| own.as_ref().is_ok_and(|own| own.authority != authority.fingerprint)) {
        findings.push(Finding::wrong(
            "this node's certificate is of another authority than the one in the data folder",
            "what is issued or revoked here counts nowhere in this node's cluster",
            "move the folder away that does not belong here: agent-runtime/pki/ca or agent-runtime/pki/node",
        ));
    }
    let (now, until) = (facts.clock.now_ms, utc(authority.not_after_ms));
    let todo =
        "move agent-runtime/pki away on all hosts, then `agent-runtime pki init`, and issue all certificates anew";
    if now > authority.not_after_ms {
        findings.push(Finding::wrong(format!("the authority ended at {until}"), WHY_AUTHORITY, todo));
    } else if authority.not_after_ms.saturating_sub(now) < AUTHORITY_LEFT_MS {
        findings.push(Finding::note(format!("the authority ends at {until}"), WHY_AUTHORITY, todo));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;
    const NOW_MS: i64 = 20_000 * DAY_MS;

    fn own() -> OwnCertificate {
        OwnCertificate {
            node: "hub".into(),
            not_before_ms: NOW_MS - 20 * DAY_MS,
            not_after_ms: NOW_MS + 10 * DAY_MS,
            is_revoked: false,
            authority: "aa".into(),
        }
    }

    fn judged(
        own: Option<Result<OwnCertificate, String>>,
        authority: Option<Result<AuthorityCertificate, String>>,
    ) -> Verdict {
        let clock = crate::doctor::facts::Clock { now_ms: NOW_MS, ..Default::default() };
        certificates(&Facts { certificates: Certificates { own, authority }, clock, ..Facts::default() })
    }

    fn authority(not_after_ms: i64, fingerprint: &str) -> Option<Result<AuthorityCertificate, String>> {
        Some(Ok(AuthorityCertificate { not_after_ms, fingerprint: fingerprint.into() }))
    }

    #[test]
    fn a_node_that_is_alone_needs_no_certificate() {
        assert!(matches!(judged(None, None), Verdict::Good(_)));
    }

    #[test]
    fn a_certificate_is_judged_by_its_time_and_by_the_list() {
        let with = |change: fn(&mut OwnCertificate)| {
            let mut own = own();
            change(&mut own);
            judged(Some(Ok(own)), None)
        };
        assert!(matches!(with(|_| ()), Verdict::Good(_)));
        assert!(matches!(with(|own| own.not_after_ms = NOW_MS + 5 * DAY_MS), Verdict::Good(_)));
        let late = with(|own| own.not_after_ms = NOW_MS + 4 * DAY_MS);
        assert!(matches!(&late, Verdict::Found(found) if !found[0].is_wrong), "{late:?}");
        assert!(with(|own| own.not_after_ms = NOW_MS - 1).is_wrong());
        assert!(with(|own| own.not_before_ms = NOW_MS + 1).is_wrong());
        assert!(with(|own| own.is_revoked = true).is_wrong());
        assert!(judged(Some(Err("x".into())), None).is_wrong());
    }

    #[test]
    fn an_authority_is_judged_by_its_time_and_by_who_is_from_it() {
        let far = NOW_MS + 400 * DAY_MS;
        assert!(matches!(judged(None, authority(far, "aa")), Verdict::Good(_)));
        assert!(matches!(judged(Some(Ok(own())), authority(far, "aa")), Verdict::Good(_)));
        assert!(judged(Some(Ok(own())), authority(far, "bb")).is_wrong());
        assert!(judged(None, authority(NOW_MS - 1, "aa")).is_wrong());
        assert!(judged(None, Some(Err("x".into()))).is_wrong());
        let near = judged(None, authority(NOW_MS + 364 * DAY_MS, "aa"));
        assert!(matches!(&near, Verdict::Found(found) if !found[0].is_wrong), "{near:?}");
    }
}
