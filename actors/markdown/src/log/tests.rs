use proptest::prelude::*;
use pulldown_cmark::{Event, Parser, Tag};

use super::*;

const AT_MS: i64 = 1_795_342_503_000;
const ID: &str = "in_4k2v9m0x3c5q7r8s";

fn inbound(user: &str, text: &str) -> String {
    render_inbound(&InboundEntry { id: ID, at_ms: AT_MS, user, text })
}

fn outbound(text: &str, sources: &[String]) -> String {
    let delivery = Delivery::Sent;
    render_outbound(&OutboundEntry { id: ID, at_ms: AT_MS, who: "agent", delivery, text, sources })
}

/// Text made of what is dangerous, mixed with anything.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "\n",
            "\n",
            "\n",
            " ",
            "    ",
            "\t",
            "\\",
            "\\\\",
            "#",
            "### ",
            "---",
            "===",
            "```",
            "````",
            "~~~",
            "`",
            "- ",
            "> ",
            "1. ",
            "<!--",
            "<pre>",
            "<script>",
            "<div>",
            "u{",
            "\\u{7}",
            "u{zz}",
            "\u{7}",
            "\r",
            "\u{202e}",
            "\u{200b}",
            "\u{2028}",
            "Source: ",
            " · ",
            " → ",
            "in_4k2v",
            "a",
            "ä",
            "2026-11-22 10:15:03Z",
            "}",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

#[test]
fn an_inbound_entry_reads_well() {
    assert_eq!(inbound("ann", "Hello\nthere"), format!("### 2026-11-22 10:15:03Z · ann · {ID}\nHello\nthere\n\n"));
}

#[test]
fn an_outbound_entry_shows_its_delivery_and_sources() {
    let sources = ["notes/a.md".to_owned(), "b\nc.md".to_owned()];
    let expected = format!(
        "### 2026-11-22 10:15:03Z · agent → {ID} · sent\nDone.\n\nSource: notes/a.md\nSource: b\\u{{a}}c.md\n\n"
    );
    assert_eq!(outbound("Done.", &sources), expected);
}

#[test]
fn dangerous_beginnings_get_a_backslash_and_code_stays_readable() {
    for (text, escaped) in [
        ("# Hi", "\\# Hi"),
        ("  ### Hi", "  \\### Hi"),
        ("\\# Hi", "\\\\# Hi"),
        ("---\nx: y\n---", "\\---\nx: y\n\\---"),
        ("title\n===", "title\n\\==="),
        ("<!-- gone", "\\<!-- gone"),
        ("Source: me", "\\Source: me"),
        ("```rust\nlet x = 1;\n```", "```rust\nlet x = 1;\n```"),
        ("```\nnever closed", "\\```\nnever closed"),
        ("a\u{7}b\u{202e}c", "a\\u{7}b\\u{202e}c"),
        ("write \\u{7}", "write \\\\u{7}"),
        ("a \\ b", "a \\ b"),
        ("tab\tstays - so # does", "tab\tstays - so # does"),
    ] {
        assert_eq!(escape(text), escaped, "{text:?}");
        assert_eq!(unescape(escaped), text, "{escaped:?}");
    }
}

#[test]
fn a_log_that_someone_edited_is_refused_with_its_line() {
    let log = inbound("ann", "one") + "# mine\n\n" + &inbound("ann", "two");
    assert_eq!(parse(&log).unwrap_err().line, 4);
    assert_eq!(parse("hello").unwrap_err().line, 1);
    assert_eq!(parse("").unwrap(), vec![]);
    let unfinished = inbound("ann", "one");
    assert!(parse(unfinished.trim_end()).is_err());
}

#[test]
fn a_redacted_entry_keeps_its_heading_and_says_so() {
    let whole = inbound("ann", "a secret that is long enough");
    let entry = RedactedEntry::Inbound { id: ID, at_ms: AT_MS, user: "ann" };
    let redacted = render_redacted(&entry, whole.len());
    assert!(redacted.starts_with(&format!("### 2026-11-22 10:15:03Z · ann · {ID}\n(deleted)  ")));
    assert!(!redacted.contains("secret"));
    assert_eq!(parse(&redacted).unwrap()[0].text.trim_end(), DELETED);
    assert!(render_redacted(&entry, inbound("ann", "hi").len()).ends_with("\n(d\n\n"));
    for length in 0..100 {
        assert_eq!(render_redacted(&entry, length).len(), length);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_escaped_is_given_back_whole(text in hostile()) {
        prop_assert_eq!(&unescape(&escape(&text)), &text);
        prop_assert_eq!(escape::unfield(&escape::field(&text)), text);
    }

    #[test]
    fn what_is_written_into_a_log_hides_nothing(text in hostile()) {
        let shown = escape(&text);
        prop_assert!(!shown.chars().any(|c| crate::text::is_hidden(c) && c != '\n' && c != '\t'));
    }

    #[test]
    fn no_words_can_forge_an_entry(user in hostile(), text in hostile(), reply in hostile(), source in hostile()) {
        let sources = [source];
        let log = inbound(&user, &text) + &outbound(&reply, &sources) + &outbound(&reply, &[]);
        let entries = parse(&log).unwrap();
        prop_assert_eq!(entries.len(), 3);
        prop_assert_eq!(&entries[0].head, &Head::Inbound { id: ID.into(), at_ms: AT_MS, user });
        prop_assert_eq!(&entries[0].text, &text);
        prop_assert_eq!(&entries[1].text, &reply);
        prop_assert_eq!(&entries[1].sources, &sources);
        prop_assert_eq!(&entries[2].text, &reply);
        prop_assert!(entries[2].sources.is_empty());
        prop_assert_eq!(entries.iter().map(|e| e.length).sum::<usize>(), log.len());
    }

    #[test]
    fn a_viewer_of_markdown_shows_the_same_entries(text in hostile()) {
        let log = inbound("ann", &text) + &inbound("bob", "after");
        let mut depth = 0;
        let mut headings = 0;
        for event in Parser::new(&log) {
            match event {
                Event::Start(tag) => {
                    headings += usize::from(depth == 0 && matches!(tag, Tag::Heading { .. }));
                    depth += 1;
                }
                Event::End(_) => depth -= 1,
                _ => {}
            }
        }
        prop_assert_eq!(headings, 2, "{}", log);
    }

    #[test]
    fn a_redacted_entry_has_the_length_of_the_old_one(user in hostile(), text in hostile(), sources in prop::collection::vec(hostile(), 0..3)) {
        let whole = inbound(&user, &text);
        let redacted = render_redacted(&RedactedEntry::Inbound { id: ID, at_ms: AT_MS, user: &user }, whole.len());
        prop_assert_eq!(redacted.len(), whole.len());
        prop_assert!(redacted.ends_with("\n\n"));
        prop_assert_eq!(parse(&redacted).unwrap().len(), 1);
        let whole = outbound(&text, &sources);
        let head = RedactedEntry::Outbound { id: ID, at_ms: AT_MS, who: "agent", delivery: Delivery::Sent };
        let redacted = render_redacted(&head, whole.len());
        prop_assert_eq!(redacted.len(), whole.len());
        prop_assert_eq!(parse(&redacted).unwrap().len(), 1);
    }
}
