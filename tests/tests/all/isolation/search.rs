//! A search finds what its context may read and what it has said itself, and counts nothing else.

use futures_util::future::join_all;

use tests::deployment::Shape;

use super::house::{AWAY, DIARY, GENERAL, House, PLACES, PLANS, Place, found, nothing_like, said};

/// Queries for something that only another has; `{}` stands for the word.
const FORMS: [&str; 12] = [
    "{}",
    "\"{}\"",
    "\"the roof and {}\"",
    "path:logs/** {}",
    "path:contexts/** {}",
    "path:** {}",
    "path:plans {}",
    "tag:{}",
    "path:**/{}/**",
    "after:2001-01-01 {}",
    "roof -{}",
    "path:team/** roof -\"{}\"",
];

/// Queries that nobody should type. None holds a word of somebody.
const HOSTILE: [&str; 22] = [
    "roof",
    "path:**",
    "path:logs/**",
    "path:contexts/**",
    "path:plans/** roof",
    "path:/** roof",
    "path:../** roof",
    "path:**/memory.md",
    "path:logs/console/plans.md",
    "after:1971-01-01",
    "before:2999-01-01 roof",
    "tag:x",
    "tag:",
    "-zzz",
    "-roof",
    "\"roof",
    "\"\"",
    "roof OR 1=1 --",
    "NEAR(roof walls)",
    "text:roof AND rowid:1 *",
    "'; SELECT * FROM passage; --",
    "\u{202e}foor \u{200b}roof",
];

pub(crate) async fn its_own_log_and_memory_are_found_and_nothing_of_others_is(shape: Shape) {
    let house = House::of(shape, "", "[]").await;
    for place in PLACES {
        let mut person = house.person(&place).await;
        for (word, path) in [
            (format!("log{}", place.name), format!("`logs/console/{}.md`", place.context)),
            (format!("mem{}", place.name), format!("`contexts/{}/memory.md`", place.context)),
            (format!("file{}", place.name), "roof.md`".to_owned()),
        ] {
            let told = found(&mut person, &word, &path).await;
            assert!(told.contains(&word), "{word}: {told}");
            place.is_alone_in(&told);
        }
        person.leave().await;
    }
    house.end().await;
}

pub(crate) async fn what_another_has_is_searched_for_as_what_nobody_has(shape: Shape) {
    let house = House::of(shape, "", "[]").await;
    let all = PLACES.map(|place| {
        let house = &house;
        async move {
            let mut person = house.person(&place).await;
            let words = PLACES.iter().filter(|other| other.name != place.name).flat_map(Place::own);
            // Each word in a third of the forms, each form of four words.
            let asked = words.enumerate().flat_map(|(n, word)| {
                FORMS
                    .iter()
                    .enumerate()
                    .filter(move |(at, _)| (n + at) % 3 == 0)
                    .map(move |(_, form)| (word.clone(), form))
            });
            for (word, form) in asked {
                let nothing = nothing_like(&word);
                let told = said(&mut person, &format!("/search {}", form.replace("{}", &word))).await;
                let not_there = said(&mut person, &format!("/search {}", form.replace("{}", &nothing))).await;
                assert_eq!(told.replace(&word, &nothing), not_there, "{form} of {word} in {place:?}");
            }
            person.leave().await;
        }
    });
    join_all(all).await;
    house.end().await;
}

pub(crate) async fn no_query_however_made_gives_what_another_has(shape: Shape) {
    let house = House::of(shape, "", "[]").await;
    let long = format!("roof {}", "path:** ".repeat(2_000));
    let all = PLACES.map(|place| {
        let (house, long) = (&house, long.as_str());
        async move {
            let mut person = house.person(&place).await;
            for query in HOSTILE.into_iter().chain([long]) {
                place.is_alone_in(&said(&mut person, &format!("/search {query}")).await);
            }
            found(&mut person, "roof", &format!("file{}", place.name)).await;
            person.leave().await;
        }
    });
    join_all(all).await;
    house.end().await;
}

pub(crate) async fn whom_a_place_does_not_admit_puts_no_words_before_its_own_people(shape: Shape) {
    let house = House::of(shape, "", "['*']").await;
    let mut bob = house.talk(&DIARY, "bob").await;
    let denied = said(&mut bob, "the roof is sold, strangerword").await;
    assert!(denied.starts_with("Denied: "), "{denied}");
    bob.leave().await;
    let mut eve = house.person(&DIARY).await;
    // What she says after it is found: her log is taken in that far.
    said(&mut eve, "the roof stays, laterword").await;
    found(&mut eve, "laterword", "`logs/console/general.md`").await;
    for query in ["/search strangerword", "/search the roof is sold", "/search Denied"] {
        let told = said(&mut eve, query).await;
        assert!(
            !told.contains(" bob ") && !told.contains("sold, strangerword") && !told.contains("Denied: "),
            "{told}"
        );
    }
    for request in house.site.model.requests().iter().map(ToString::to_string) {
        assert!(!request.contains("strangerword"), "{request}");
    }
    eve.leave().await;
    house.end().await;
}

pub(crate) async fn files_are_counted_within_reach(shape: Shape) {
    let house = House::of(shape, "", "[]").await;
    let counts = async |house: &House| {
        let mut counts = Vec::new();
        for place in PLACES {
            let mut person = house.person(&place).await;
            let told = said(&mut person, "/search qqqqqq").await;
            person.leave().await;
            // With its log and its memory.
            assert!(told.contains(&format!("Searched: {} files", place.files + 2)), "{place:?}: {told}");
            counts.push(told);
        }
        counts
    };
    let before = counts(&house).await;
    for n in 0..40 {
        house.put("home", &format!("elsewhere/f{n}.md"), "# More\n\nqqqqqq\n");
    }
    house.site.verified().await;
    assert_eq!(counts(&house).await, before, "files that nobody here may read change no word");
    house.end().await;
}

pub(crate) async fn the_same_words_in_one_context_and_another_by_turns_give_each_its_own(shape: Shape) {
    let house = House::of(shape, "", "[]").await;
    // In both orders, of words that were not searched for before.
    for (first, second) in [(GENERAL, PLANS), (PLANS, GENERAL), (AWAY, GENERAL), (DIARY, AWAY)] {
        for query in ["decided about roof", "\"No roof\"", "path:** roof"] {
            for place in [&first, &second, &first] {
                let mut person = house.person(place).await;
                place.is_alone_in(&said(&mut person, &format!("/search {query}")).await);
                person.leave().await;
            }
        }
    }
    // And all at once.
    let all = PLACES.map(|place| {
        let house = &house;
        async move {
            let mut person = house.person(&place).await;
            for n in 0..50 {
                let query = format!("what was decided about the roof {}", n / 2);
                place.is_alone_in(&found(&mut person, &query, &format!("file{}", place.name)).await);
            }
            person.leave().await;
        }
    });
    join_all(all).await;
    house.end().await;
}
