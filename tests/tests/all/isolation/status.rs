//! `/status`, and sentences about what can't be done, tell of one's own context alone.

use crate::faults::driver::Driver;
use std::time::Instant;

use messages::task::TaskState;
use messages::turn::Outcome;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::house::{GENERAL, House, PLACES, PLANS, said};
use crate::work::site::{SOON, Site};

/// `/status` at a moment at which no scan runs: that one does is told, whatever it looks at.
async fn settled(person: &mut Driver) -> String {
    let until = Instant::now() + SOON;
    loop {
        let told = said(person, "/status").await;
        if !told.contains("being brought up to date") {
            return told;
        }
        assert!(Instant::now() < until, "{told}");
    }
}

pub(crate) async fn whatever_others_have_and_do_changes_no_word_of_a_status(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    let (mut ann, mut bob) = (house.person(&GENERAL).await, house.person(&PLANS).await);
    let mut desk = house.site.desk().await;
    let before = settled(&mut ann).await;
    assert!(before.contains("- index: 4 files"), "its own, with its log and memory: {before}");
    // Files that can't be indexed, more than are named, before and behind its own by their names.
    for n in 0..60 {
        house.put("home", &format!("aaa/odd{n}.md"), b"gr\xfc\xdfe");
        house.put("home", &format!("plans/odd{n}.md"), b"gr\xfc\xdfe");
        house.put("home", &format!("plans/more{n}.md"), "# More\n\nwords\n");
    }
    house.site.verified().await;
    // Work that goes on, with a model that is busy by it.
    house.site.model.set(Mode::NeverEnds);
    let (_, task) = bob.task("never ends", SOON).await.unwrap();
    desk.is(&task, TaskState::Running).await;
    crate::work::site::until("the model is asked", SOON, || house.site.model.stats().in_flight > 0).await;
    let until = Instant::now() + SOON;
    loop {
        // Models that answer late are told as such.
        let told = settled(&mut ann).await;
        if told == before {
            break;
        }
        assert!(Instant::now() < until, "{told}\nand before:\n{before}");
    }
    let theirs = said(&mut bob, "/status").await;
    assert!(theirs.contains("- left out of the index: 60 (first: plans/odd0.md: it is not UTF-8"), "{theirs}");
    // Its own is told, however many others there are.
    house.put("home", "team/odd.md", b"gr\xfc\xdfe");
    let until = Instant::now() + SOON;
    loop {
        let own = said(&mut ann, "/status").await;
        if own.contains("- left out of the index: 1 (first: team/odd.md: it is not UTF-8") {
            break;
        }
        assert!(Instant::now() < until, "its own file is not told: {own}");
    }
    ann.leave().await;
    bob.leave().await;
    house.end().await;
}

pub(crate) async fn commands_tell_of_their_own_context_alone(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    for place in PLACES {
        let mut person = house.person(&place).await;
        for line in
            ["/status", "/help", "/whoami", "/tasks", "/tasks all", "/stop", "/frobnicate", "/tasks frob", "/new"]
        {
            place.is_alone_in(&said(&mut person, line).await);
        }
        person.leave().await;
    }
    house.end().await;
}

pub(crate) async fn a_day_s_budget_that_others_used_up_is_told_without_numbers_of_the_node(shape: Shape) {
    told_without_numbers(shape, "node", "node").await;
}

pub(crate) async fn a_day_s_budget_that_others_used_up_is_told_without_numbers_of_the_workspace(shape: Shape) {
    told_without_numbers(shape, "workspace", "ws/home").await;
}

async fn told_without_numbers(shape: Shape, of: &str, account: &str) {
    let site = Site::of(shape, &format!("[budgets]\n{of}_day_cents = 3\n")).await;
    site.define("home", "plans", "");
    // It breaks off: all that was put aside for it is charged.
    site.model.set(Mode::Sequence { modes: vec![Mode::CutInMiddle] });
    let mut bob = site.talk_as("bob", "home", "plans").await;
    let mut desk = site.desk().await;
    let (asked, task) = bob.task("spend what there is", SOON).await.unwrap();
    desk.waits(&task, messages::task::Wait::Quota).await;
    bob.heard(&asked, 1, SOON).await.unwrap();
    let mut ann = site.talk("home", "general").await;
    let ended = ann.ask("anything left?", SOON).await.unwrap();
    assert_eq!(ended.outcome, Outcome::Failed, "{ended:?}");
    let (before, after) = ended.text.split_once("this call may cost $").expect("what it would cost itself");
    assert!(before.ends_with(&format!("The day's budget of `{account}` is used up: ")), "{ended:?}");
    let (cost, then) = after.split_once(". ").expect("a sentence");
    assert!(cost.parse::<f64>().is_ok() && !then.contains('$'), "{ended:?}");
    for line in ["/status", "/why in_", "/tasks all"] {
        let told = said(&mut ann, line).await;
        assert!(!told.contains('$') && !told.contains("spent"), "{line}: {told}");
    }
    ann.leave().await;
    bob.leave().await;
    site.end().await;
}
