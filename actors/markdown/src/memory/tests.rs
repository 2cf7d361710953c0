//! What stands in the file and what becomes of it.

use proptest::prelude::*;

use super::*;

const A: &str = "in_28fgzygjw6m39rxr";
const B: &str = "in_43apwm8bf0d8bdvm";

fn new(text: &str) -> NewEntry {
    NewEntry { text: text.into(), of: vec![A.into()], date: "2026-11-22".into() }
}

fn texts(text: &str) -> Vec<String> {
    parse(text).entries.into_iter().map(|entry| entry.text).collect()
}

#[test]
fn entries_are_read_with_where_they_came_from() {
    let file = format!(
        "# Memory\n\nProse.\n\n- Ann is brief. ({A}, 2026-11-22)\n- Fence\n  on 3 March. ({A} {B}, 2026-11-27)\n\n  Still it.\n* By hand (2026-11-22)\n- None (in_short)\n\n```\n- code\n```\ntext\n"
    );
    let memory = parse(&file);
    let read: Vec<_> = memory.entries.iter().map(|e| (e.text.as_str(), e.of.len(), e.date.as_deref())).collect();
    assert_eq!(
        read,
        [
            ("Ann is brief.", 1, Some("2026-11-22")),
            (&*format!("Fence on 3 March. ({A} {B}, 2026-11-27) Still it."), 0, None),
            ("By hand (2026-11-22)", 0, None),
            ("None (in_short)", 0, None),
        ]
    );
    let two = parse(&format!("- The fence\n  begins. ({A} {B})\n"));
    assert_eq!((two.entries[0].text.as_str(), two.entries[0].of.len()), ("The fence begins.", 2));
}

#[test]
fn an_id_is_five_characters_and_longer_where_two_begin_the_same() {
    let mut entries = parse("- a\n- b\n- a\n").entries;
    let ids = short_ids(&entries);
    assert!(ids.iter().all(|id| id.len() == ID_CHARS_MIN) && ids[0] == ids[2] && ids[0] != ids[1], "{ids:?}");
    entries[1].id = format!("{}{}", &entries[0].id[..7], "zzzzzzzzz");
    assert_eq!(short_ids(&entries).iter().map(String::len).collect::<Vec<_>>(), [8, 8, 8]);
    assert_eq!(id_of("a").len(), ID_CHARS_MAX);
}

#[test]
fn a_new_file_has_a_head_and_an_entry_comes_behind_the_last() {
    let first = edit("", |_| false, &[new("one")]);
    assert!(first.text.starts_with("# Memory\n\n") && first.text.ends_with(&format!("\n\n- one ({A}, 2026-11-22)\n")));
    let more = edit("- a\n\n## Below\n", |_| false, &[new("b")]);
    assert_eq!(more.text, format!("- a\n- b ({A}, 2026-11-22)\n\n## Below\n"));
    let windows = edit("Words\r\n", |_| false, &[new("b")]);
    assert_eq!(windows.text, format!("Words\r\n\r\n- b ({A}, 2026-11-22)\r\n"));
    let unclosed = edit("```\ncode\n", |_| false, &[new("b")]);
    assert_eq!(texts(&unclosed.text), ["b"]);
}

#[test]
fn what_is_there_by_its_words_is_not_added_again() {
    let once = edit("- one\n", |_| false, &[new("two")]);
    let twice = edit(&once.text, |_| false, &[new("two"), new("one")]);
    assert_eq!((twice.text, twice.added, twice.known), (once.text, 0, 2));
}

#[test]
fn the_limits_of_a_file_hold_at_their_edge() {
    let full: String = (0..ENTRIES_MAX).map(|n| format!("- entry {n}\n")).collect();
    assert_eq!(edit(&full, |_| false, &[new("more")]).left_out, 1);
    let room = edit(&full, |entry| entry.text == "entry 7", &[new("more")]);
    assert_eq!((room.added, room.removed, parse(&room.text).entries.len()), (1, 1, ENTRIES_MAX));
    let line = edit("- a\n", |_| false, &[new("b")]).text.len() - 4;
    let large = |bytes: usize| format!("{}\n- a\n", "x".repeat(bytes - 5));
    assert_eq!(edit(&large(FILE_BYTES_MAX - line), |_| false, &[new("b")]).added, 1);
    assert_eq!(edit(&large(FILE_BYTES_MAX - line + 1), |_| false, &[new("b")]).left_out, 1);
}

#[test]
fn a_prompt_has_whole_entries_and_the_newest_of_them() {
    assert_eq!(for_prompt("# Memory\n\n"), InPrompt::default());
    assert_eq!(for_prompt("").text, "");
    let said = for_prompt(&format!("# Memory\n\nBe kind.\u{202e}\n\n- one ({A})\n- two\n"));
    assert_eq!((said.text.as_str(), said.of), ("# Memory\nBe kind.\n- one\n- two", vec![A.to_owned()]));
    let each = 600 - 3;
    let many: String = (0..20).map(|n| format!("- {n:03}{}\n", "x".repeat(each - 3))).collect();
    let said = for_prompt(&many);
    assert_eq!((said.left_out, said.text.len() <= PROMPT_BYTES_MAX), (20 - PROMPT_BYTES_MAX / 600, true));
    assert!(said.text.contains("- 019x") && !said.text.contains("- 006x"));
    let exact = format!("- {}\n", "x".repeat(PROMPT_BYTES_MAX - 3));
    assert_eq!(for_prompt(&exact).left_out, 0);
    assert_eq!(for_prompt(&exact.replacen('x', "xx", 1)).left_out, 1);
    assert_eq!(for_prompt(&"p".repeat(PROMPT_BYTES_MAX * 2)).text.len(), PROMPT_BYTES_MAX);
}

fn any_file() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("- one\n".to_owned()),
        Just("* two".to_owned()),
        Just(format!("- three ({A}, 2026-01-02)\n")),
        Just("  below\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("```\n".to_owned()),
        Just("# Head\n".to_owned()),
        "[a-zäß \\-(),`~\t\r\n]{0,12}",
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn without_an_edit_no_byte_changes(text in any_file()) {
        prop_assert_eq!(edit(&text, |_| false, &[]).text, text);
    }

    #[test]
    fn taking_out_changes_no_byte_but_the_entry_s(text in any_file(), at in any::<prop::sample::Index>()) {
        let entries = parse(&text).entries;
        prop_assume!(!entries.is_empty());
        let span = entries[at.index(entries.len())].span.clone();
        let edited = edit(&text, |entry| entry.span == span, &[]);
        prop_assert_eq!(&edited.text, &format!("{}{}", &text[..span.start], &text[span.end..]));
        prop_assert_eq!(edited.removed, 1);
        prop_assert_eq!(parse(&edited.text).entries.len(), entries.len() - 1);
    }

    #[test]
    fn adding_changes_no_byte_and_gives_the_entry(text in any_file()) {
        prop_assume!(!text.is_empty());
        let edited = edit(&text, |_| false, &[new("a new one")]);
        prop_assert_eq!(edited.added, 1);
        let line = format!("- a new one ({A}, 2026-11-22)");
        let at = edited.text.find(&line).unwrap();
        let before = edited.text[..at].trim_end_matches(['\r', '\n']).len();
        prop_assert!(text.starts_with(&edited.text[..before]));
        let after = edited.text[at + line.len()..].trim_start_matches(['\r', '\n']);
        prop_assert!(text.ends_with(after));
        prop_assert_eq!(texts(&edited.text).len(), texts(&text).len() + 1);
        let back = edit(&edited.text, |entry| entry.text == "a new one", &[]).text;
        prop_assert!(back.starts_with(&text) || back.replace(['\r', '\n'], "") == text.replace(['\r', '\n'], ""));
    }

    #[test]
    fn a_prompt_is_never_longer_than_its_limit(text in "(- [a-z]{0,900}\n|[a-zäß]{0,900}\n){0,30}") {
        prop_assert!(for_prompt(&text).text.len() <= PROMPT_BYTES_MAX);
    }
}
