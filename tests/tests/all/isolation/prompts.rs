//! What a model is told in one context holds nothing of another.

use serde_json::Value;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::house::{DIARY, House, PLACES, found, said};
use crate::work::site::SOON;

/// Requests to the model that were asked with this word, as text.
fn asked_with(requests: &[Value], word: &str) -> Vec<String> {
    requests.iter().map(Value::to_string).filter(|request| request.contains(word)).collect()
}

pub(crate) async fn a_prompt_holds_the_words_of_its_own_context_alone(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    let mut people = Vec::new();
    for place in PLACES {
        people.push((place, house.person(&place).await));
    }
    // By turns, so that whatever one context leaves behind is there when the next is asked.
    for round in 0..2 {
        for (place, person) in &mut people {
            found(person, "roof", &format!("file{}", place.name)).await;
            let question = format!("what was decided about the roof, said{}{round}?", place.name);
            person.ask(&question, SOON).await.unwrap();
            let (inbound, _) =
                person.task(&format!("tell of the roof, task{}{round}", place.name), SOON).await.unwrap();
            person.heard(&inbound, 1, SOON).await.unwrap();
        }
    }
    let requests = house.site.model.requests();
    for (place, person) in people {
        for word in ["said", "task"] {
            let own = asked_with(&requests, &format!("{word}{}1", place.name));
            assert!(!own.is_empty());
            for request in own {
                place.is_alone_in(&request);
                assert!(request.contains(&format!("prompt{}", place.name)), "its own prompt: {request}");
                assert!(request.contains(&format!("file{}", place.name)), "its own passages: {request}");
                // A task has its words and no conversation.
                assert!(word == "task" || request.contains(&format!("log{}", place.name)), "its own log: {request}");
            }
        }
        person.leave().await;
    }
    house.end().await;
}

pub(crate) async fn words_that_are_under_way_in_one_context_are_in_no_prompt_of_another(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    house.site.model.set(Mode::SlowFirstByte { delay_ms: 100 });
    let mut people = Vec::new();
    for place in PLACES {
        people.push((place, house.person(&place).await));
    }
    let mut all = Vec::new();
    for n in 0..6 {
        for (place, person) in &mut people {
            all.push((place.name, person.say(&format!("the roof once more, busy{}{n}", place.name)).await.unwrap()));
        }
    }
    for (place, person) in &mut people {
        let own: Vec<_> =
            all.iter().filter(|(name, _)| *name == place.name).map(|(_, inbound)| inbound.clone()).collect();
        person.settled(&own, SOON).await.unwrap();
    }
    let requests = house.site.model.requests();
    for (place, person) in people {
        let own = asked_with(&requests, &format!("busy{}", place.name));
        assert!(own.len() >= 6);
        for request in own {
            place.is_alone_in(&request);
            assert_eq!(request.matches("busy").count(), request.matches(&format!("busy{}", place.name)).count());
        }
        person.leave().await;
    }
    house.end().await;
}

pub(crate) async fn whom_a_place_does_not_admit_puts_no_words_into_its_prompts_also_after_a_restart(shape: Shape) {
    let mut house = House::of(shape, "", "['*']").await;
    let mut bob = house.talk(&DIARY, "bob").await;
    let denied = said(&mut bob, "the roof is sold, strangerword").await;
    assert!(denied.starts_with("Denied: "), "{denied}");
    bob.leave().await;
    for round in 0..2 {
        let mut eve = house.person(&DIARY).await;
        said(&mut eve, &format!("what of the roof, said{round}?")).await;
        eve.leave().await;
        let requests = house.site.model.requests();
        let asked = asked_with(&requests, &format!("said{round}"));
        assert!(asked.iter().any(|request| request.contains("logcedar")), "her own words are there: {asked:?}");
        for request in asked {
            assert!(!request.contains("strangerword") && !request.contains("Denied: "), "{round}: {request}");
        }
        house.site.end_node(false).await;
        house.site.start().await;
    }
    house.end().await;
}
