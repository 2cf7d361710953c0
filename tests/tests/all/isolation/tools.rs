//! What a model is given by tools in one context is nothing of another, whatever it asks for.

use tests::deployment::Shape;

use super::house::{House, PLACES, Place, nothing_like, said};
use crate::faults::driver::Driver;

/// Files and folders as a path of another and as one that nobody has.
fn pairs(place: &Place) -> Vec<(String, String)> {
    let mut pairs = vec![
        ("contexts/general/context.md".to_owned(), "contexts/nowhere/context.md".to_owned()),
        ("logs/console/general.md".to_owned(), "logs/console/nowhere.md".to_owned()),
        ("logs/console/plans.md".to_owned(), "logs/console/nobody.md".to_owned()),
        ("contexts/plans/memory.md".to_owned(), "contexts/nobody/memory.md".to_owned()),
        ("hidden/roof.md".to_owned(), "hidden/none.md".to_owned()),
        ("hidden".to_owned(), "nobody".to_owned()),
        ("contexts/plans".to_owned(), "contexts/nobody".to_owned()),
        ("logs".to_owned(), "nowh".to_owned()),
        ("../diary/team/roof.md".to_owned(), "../nobody/team/none.md".to_owned()),
        ("../away".to_owned(), "../nowhere".to_owned()),
        ("/etc/passwd".to_owned(), "/etc/nowhere".to_owned()),
    ];
    for folder in ["team", "plans"].into_iter().filter(|folder| !place.paths.contains(folder)) {
        let nothing = nothing_like(folder);
        pairs.push((format!("{folder}/roof.md"), format!("{nothing}/roof.md")));
        pairs.push((folder.to_owned(), nothing.clone()));
        pairs.push((format!("{folder}/deep"), format!("{nothing}/deep")));
    }
    pairs
}

/// What the model is given for these arguments.
async fn given(person: &mut Driver, tool: &str, arguments: &serde_json::Value) -> String {
    let told = said(person, &format!("tools: {tool} {arguments}")).await;
    told.split_once("result: ").map(|(_, result)| result.to_owned()).unwrap_or_else(|| panic!("{tool}: {told}"))
}

pub(crate) async fn what_another_has_is_given_to_a_model_as_what_is_not_there(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    house.put("home", "hidden/roof.md", "# Roof\n\nthe roof\n");
    house.site.verified().await;
    // Whom every tool is allowed.
    let account = house.account().await;
    for place in PLACES.into_iter().filter(|place| place.workspace != "diary") {
        let mut person = house.talk(&place, &account).await;
        for (there, nobody) in pairs(&place) {
            for (tool, arguments) in [
                ("md_read", serde_json::json!({"path": "{}"})),
                ("md_list", serde_json::json!({"folder": "{}"})),
                ("md_write", serde_json::json!({"path": "{}", "text": "mine", "replaces": ""})),
                ("md_write", serde_json::json!({"path": "{}", "text": "mine", "replaces": "0".repeat(64)})),
            ] {
                let of = |path: &str| serde_json::from_str(&arguments.to_string().replace("{}", path)).unwrap();
                let told = given(&mut person, tool, &of(&there)).await;
                let not_there = given(&mut person, tool, &of(&nobody)).await;
                assert_eq!(told.replace(&there, &nobody), not_there, "{tool} of {there} in {place:?}");
                place.is_alone_in(&told);
            }
        }
        person.leave().await;
    }
    let text = |workspace: &str, path: &str| {
        std::fs::read_to_string(house.site.files(workspace).join(path)).unwrap_or_default()
    };
    assert!(text("home", "plans/roof.md").contains("filebirch") && text("home", "team/roof.md").contains("filealder"));
    assert!(text("diary", "team/roof.md").contains("filecedar") && text("home", "hidden/none.md").is_empty());
    house.end().await;
}

/// The paths and words that a search gave, without the person's own log: whether the question itself stands there by then
/// and is found is a matter of moments.
fn found(told: &str) -> Vec<(&str, &str)> {
    let lines: Vec<&str> = told.trim_end().lines().collect();
    let hits = lines.chunks_exact(2).map(|hit| (hit[0], hit[1]));
    hits.filter(|(path, _)| !path.starts_with("logs/")).collect()
}

/// What a search gave holds nothing of others: files not at all, the person's own log only what it asked for itself.
fn is_alone_in(place: &Place, told: &str, asked: &[String]) {
    for (path, words) in found(told) {
        place.is_alone_in(&format!("{path}\n{words}"));
    }
    place.is_alone_in(&asked.iter().fold(told.to_owned(), |told, word| told.replace(word, "it")));
}

pub(crate) async fn a_model_searches_and_lists_within_its_context(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    for place in PLACES {
        let mut person = house.person(&place).await;
        let mut asked = Vec::new();
        for (n, word) in PLACES.iter().filter(|other| other.name != place.name).flat_map(Place::own).enumerate() {
            let told = given(&mut person, "search", &serde_json::json!({"query": word})).await;
            asked.push(word.clone());
            is_alone_in(&place, &told, &asked);
            if n == 0 {
                let not_there = given(&mut person, "search", &serde_json::json!({"query": "xvwxvwxvw"})).await;
                assert_eq!(found(&told), found(&not_there), "{word} in {place:?}");
            }
        }
        for query in ["decided about the roof", "path:logs/console/nobody.md roof", "path:team/** path:plans/** roof"] {
            let told = given(&mut person, "search", &serde_json::json!({"query": query})).await;
            is_alone_in(&place, &told, &asked);
        }
        let told = given(&mut person, "search", &serde_json::json!({"query": "decided about the roof"})).await;
        assert!(told.contains(&format!("file{}", place.name)), "{told}");
        let mut wanted: Vec<&str> =
            ["plans/\n", "team/\n"].into_iter().filter(|f| place.paths.contains(f.trim_end_matches("/\n"))).collect();
        wanted.sort_unstable();
        assert_eq!(given(&mut person, "md_list", &serde_json::json!({})).await.trim(), wanted.concat().trim());
        person.leave().await;
    }
    house.end().await;
}

pub(crate) async fn a_model_s_task_can_name_no_other_context(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    for place in PLACES {
        let mut person = house.person(&place).await;
        for (field, value) in [("context", "plans"), ("workspace", "diary"), ("chat", "home/plans"), ("paths", "**")] {
            let arguments = serde_json::json!({"title": "t", "input": "i", field: value});
            let told = given(&mut person, "spawn_task", &arguments).await;
            assert!(told.starts_with("No task was made: unknown field"), "{told}");
        }
        // What it makes reads what its own context may, and is told there.
        let inbound = person
            .say(r#"tools: spawn_task {"title": "t", "input": "what was decided about the roof?"}"#)
            .await
            .unwrap();
        person.settled(std::slice::from_ref(&inbound), crate::work::site::SOON).await.unwrap();
        person.heard(&inbound, 1, crate::work::site::SOON).await.unwrap();
        place.is_alone_in(&person.later[&inbound].concat());
        person.leave().await;
    }
    for request in house.site.model.requests().iter().map(ToString::to_string) {
        let own: Vec<_> = PLACES.iter().filter(|place| request.contains(&format!("prompt{}", place.name))).collect();
        assert_eq!(own.len(), 1, "{request}");
        own[0].is_alone_in(&request);
    }
    house.end().await;
}
