use proptest::prelude::*;

use super::*;

/// What a reader puts together from pages, by following what their last lines say.
fn read_whole(text: &str) -> String {
    let (mut whole, mut offset) = (String::new(), 0);
    loop {
        let page = file_text("a.md", text, offset).unwrap().text;
        assert!(page.len() <= RESULT_BYTES_MAX, "{}", page.len());
        let (_, body) = page.split_once('\n').unwrap();
        match body.rsplit_once("\n[cut; go on with offset ") {
            Some((part, next)) => {
                whole.push_str(part);
                offset = next.trim_end_matches(']').parse().unwrap();
            }
            None => return whole + body,
        }
    }
}

#[test]
fn a_file_says_what_it_is_and_its_hash_names_all_of_it() {
    let hash = gate::hash(b"one\ntwo\n");
    let all = file_text("a.md", "one\ntwo\n", 0).unwrap();
    assert_eq!(all.text, format!("a.md, 8 bytes, sha256 {hash}\none\ntwo\n"));
    assert_eq!(all.sources, ["a.md"]);
    assert_eq!(
        file_text("a.md", "one\ntwo\n", 4).unwrap().text,
        format!("a.md, 8 bytes, sha256 {hash}, from byte 4\ntwo\n")
    );
    assert_eq!(file_text("a.md", "", 0).unwrap().text, format!("a.md, 0 bytes, sha256 {}\n", gate::hash(b"")));
}

#[test]
fn a_text_is_cut_at_its_edge_and_says_how_to_go_on() {
    let edge = RESULT_BYTES_MAX - FRAME_BYTES_MAX;
    assert!(!file_text("a.md", &"x".repeat(edge), 0).unwrap().text.contains("[cut"));
    let over = file_text("a.md", &"x".repeat(edge + 1), 0).unwrap().text;
    assert!(over.ends_with(&format!("\n[cut; go on with offset {edge}]")));
    // The longest path of a file leaves the frame its room.
    let long = file_text(&"ä".repeat(2_000), &"x".repeat(8 * 1024 * 1024), 8_000_000).unwrap().text;
    assert!(long.len() <= RESULT_BYTES_MAX, "{}", long.len());
}

#[test]
fn an_offset_is_limited_at_its_edge_and_never_splits_a_character() {
    assert!(file_text("a.md", "aä", 3).is_ok());
    for offset in [4, u64::MAX] {
        let failure = file_text("a.md", "aä", offset).unwrap_err();
        assert_eq!(failure.class, Class::Arguments);
        assert!(failure.message.contains("has 3 bytes"), "{failure}");
    }
    assert!(file_text("a.md", "aä", 2).unwrap().text.ends_with(", from byte 1\nä"));
}

#[test]
fn a_long_folder_has_pages_that_hold_every_name_once() {
    let all: Vec<Listed> =
        (0..900).map(|n| Listed { name: format!("{n:03}{}.md", "x".repeat(60)), bytes: Some(n) }).collect();
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let rest: Vec<Listed> = all.iter().filter(|one| one.name > after).take(300).cloned().collect();
        let has_more = rest.last().map(|one| &one.name) != all.last().map(|one| &one.name);
        let page = listing(&rest, has_more).text;
        assert!(page.len() <= RESULT_BYTES_MAX);
        names.extend(page.lines().filter_map(|line| line.strip_suffix(" bytes")).map(str::to_owned));
        match page.lines().last().unwrap().strip_prefix("[more; go on with after \"") {
            Some(last) => after = last.trim_end_matches("\"]").to_owned(),
            None => break,
        }
    }
    let expected: Vec<String> = all.iter().map(|one| format!("{} {}", one.name, one.bytes.unwrap())).collect();
    assert_eq!(names, expected);
}

#[test]
fn an_empty_folder_says_so_and_folders_end_with_a_slash() {
    assert_eq!(listing(&[], false).text, "[nothing]");
    let listed = [Listed { name: "a".into(), bytes: None }, Listed { name: "b.md".into(), bytes: Some(3) }];
    assert_eq!(listing(&listed, false).text, "a/\nb.md 3 bytes\n");
}

#[test]
fn what_was_said_is_given_whole_and_a_file_by_its_snippet() {
    let hit = |origin| Hit { origin, passage: "all of it".into(), snippet: "some".into(), ..Hit::default() };
    let said = |origin| hits("q", &[hit(origin)]).text;
    assert!(said(Origin::Knowledge).contains("some") && !said(Origin::Knowledge).contains("all of it"));
    assert!(said(Origin::Log).contains("all of it") && said(Origin::Memory).contains("all of it"));
}

#[test]
fn hits_are_as_many_as_fit() {
    let hit = |n: usize| Hit {
        path: format!("notes/{n}.md"),
        heading: "Plan > Budget".into(),
        passage: "p".repeat(1_200),
        snippet: format!("{}\n\u{202e}rest", "s".repeat(390)),
        score: 1.0,
        words_found: 1,
        words_asked: 1,
        ..Hit::default()
    };
    let few = hits("q", &[hit(1), hit(1)]);
    assert!(few.text.starts_with("notes/1.md (Plan > Budget)\n  sss"), "{}", few.text);
    assert_eq!(few.sources, ["notes/1.md"]);
    assert!(!few.text.contains('\u{202e}'));
    let many = hits("q", &(0..100).map(hit).collect::<Vec<_>>());
    assert!(many.text.len() <= RESULT_BYTES_MAX && many.text.len() > RESULT_BYTES_MAX - 500);
    assert_eq!(many.sources.len(), many.text.matches("notes/").count());
    assert_eq!(hits("no\nsuch", &[]).text, "Nothing was found for `no such`; try other words.");
}

#[test]
fn a_hash_is_whole_or_refused() {
    let hash = gate::hash(b"x");
    assert_eq!(replaced(""), Ok(None));
    assert_eq!(replaced(&format!(" {}\n", hash.to_uppercase())), Ok(Some(hash.clone())));
    for bad in [&hash[..63], &format!("{hash}0"), &"g".repeat(64), "new"] {
        assert!(replaced(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn pages_of_a_file_hold_all_of_it_once(text in "[a-zä本\n]{0,300}", times in 1usize..200) {
        let text = text.repeat(times);
        prop_assert_eq!(read_whole(&text), text);
    }
}
