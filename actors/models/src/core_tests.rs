use messages::Moment;
use messages::model::Purpose;
use messages::step::Usage;

use super::*;

fn list(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn offers() -> Offers {
    let offer = |name: &&str| {
        let provider = name.split('/').next().unwrap().to_owned();
        Offer { name: (*name).to_owned(), provider, ..Offer::default() }
    };
    let all = ["zai", "zai/flash", "local", "offline"].iter().map(offer).collect();
    Offers { all, routes: [(Purpose::Chat, list(&["zai", "zai/flash", "local"]))].into() }
}

fn asked(allowed: &[&str], avoid: &[&str]) -> Vec<String> {
    let request = Request { allowed: list(allowed), avoid: list(avoid), ..Request::default() };
    chain(&offers(), &request).unwrap().iter().map(|offer| offer.name.clone()).collect()
}

#[test]
fn the_route_is_asked_without_what_gave_nothing_already() {
    assert_eq!(asked(&[], &[]), ["zai", "zai/flash", "local"]);
    assert_eq!(asked(&[], &["zai"]), ["zai/flash", "local"]);
    assert_eq!(asked(&[], &["zai/flash", "gone"]), ["zai", "local"]);
    assert_eq!(asked(&["zai"], &["zai"]), ["zai/flash"]);
}

#[test]
fn where_all_gave_nothing_the_last_is_asked_again() {
    assert_eq!(asked(&[], &["zai", "zai/flash", "local"]), ["local"]);
    assert_eq!(asked(&["offline"], &["offline"]), ["offline"]);
}

#[test]
fn a_model_that_is_not_allowed_is_never_used_instead() {
    let request = Request { allowed: list(&["gone"]), ..Request::default() };
    let failure = chain(&offers(), &request).unwrap_err();
    assert_eq!(failure.class, Class::NotAllowed);
    let told = "This context allows only the models `gone`; this node has `zai`, `zai/flash`, `local`, `offline`.";
    assert_eq!(failure.message, told);
}

fn failure(class: Class) -> Failure {
    Failure {
        class,
        message: format!("{class:?}"),
        advice: String::new(),
        model: "zai".into(),
        billed: Billed::Nothing,
        retry_at: None,
    }
}

#[test]
fn the_next_model_is_asked_where_the_table_says_so_and_nothing_was_paid() {
    use Class::{Arrears, Auth, Empty, NotInPlan, Overloaded, Quota, Unreachable};
    for class in Class::ALL {
        let goes_on = [Arrears, Auth, Empty, NotInPlan, Overloaded, Quota, Unreachable].contains(&class);
        assert_eq!(Tried::default().failed(failure(class)).is_none(), goes_on, "{class:?}");
        for billed in [Billed::Unknown, Billed::Known(Usage::default())] {
            let paid = Failure { billed, ..failure(class) };
            assert_eq!(Tried::default().failed(paid.clone()), Some(paid), "{class:?}");
        }
        assert_eq!(tells_admin(class), matches!(class, Auth | Arrears), "{class:?}");
    }
}

#[test]
fn when_all_fail_the_last_failure_is_told_or_the_quota_that_is_reset_first() {
    let ended = |failures: Vec<Failure>| {
        let mut tried = Tried::default();
        assert!(failures.into_iter().all(|failure| tried.failed(failure).is_none()));
        tried.ended().map(|failure| (failure.class, failure.retry_at))
    };
    let quota = |at: Option<i64>| Failure { retry_at: at.map(Moment), ..failure(Class::Quota) };
    assert_eq!(ended(vec![]), None);
    assert_eq!(ended(vec![failure(Class::Auth), failure(Class::Overloaded)]), Some((Class::Overloaded, None)));
    assert_eq!(ended(vec![quota(Some(5)), failure(Class::Unreachable)]), Some((Class::Quota, Some(Moment(5)))));
    assert_eq!(ended(vec![quota(Some(5)), quota(Some(3)), quota(None)]), Some((Class::Quota, Some(Moment(3)))));
    assert_eq!(ended(vec![quota(None), quota(Some(3))]), Some((Class::Quota, Some(Moment(3)))));
}

#[test]
fn a_long_list_of_names_is_counted_not_printed() {
    let many: Vec<_> = (0..10).map(|n| format!("m{n}")).collect();
    assert!(names(&many).ends_with("`m7` and 2 more"));
    assert!(!names(&many[..8]).contains("more"));
}
