//! A link in the documentation leads somewhere.

use std::path::Path;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::{files_below, none, root};

fn parser(text: &str) -> Parser<'_> {
    Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH)
}

/// Where links and pictures lead, without those to other sites.
fn links(text: &str) -> Vec<String> {
    let target = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.to_string()),
        _ => None,
    };
    parser(text).filter_map(target).filter(|to| !to.contains("://") && !to.starts_with("mailto:")).collect()
}

/// The anchors of a page's headings, as forges make them.
fn anchors(text: &str) -> Vec<String> {
    let (mut all, mut heading) = (Vec::new(), None::<String>);
    for event in parser(text) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::Text(words) | Event::Code(words), Some(heading)) => heading.push_str(&words),
            (Event::End(TagEnd::Heading(_)), _) => all.extend(heading.take().map(|words| anchor(&words))),
            _ => {}
        }
    }
    all
}

fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>();
    kept.replace(' ', "-")
}

/// Why a link of the page at `from` leads nowhere.
fn dead(from: &Path, page: &str, link: &str) -> Option<String> {
    let (file, place) = link.split_once('#').unwrap_or((link, ""));
    let to = from.parent().unwrap().join(file);
    if !file.is_empty() && !to.exists() {
        return Some(format!("{link}: there is no such file"));
    }
    if place.is_empty() {
        return None;
    }
    let text = if file.is_empty() { page.to_owned() } else { std::fs::read_to_string(&to).unwrap_or_default() };
    (!anchors(&text).contains(&place.to_owned())).then(|| format!("{link}: there is no such heading"))
}

fn pages() -> Vec<(String, String)> {
    let mut pages = files_below(&root().join("docs"), ".md");
    assert!(!pages.is_empty(), "docs has no page");
    if let Ok(text) = std::fs::read_to_string(root().join("README.md")) {
        pages.push(("README.md".into(), text));
    }
    pages
}

#[test]
fn no_link_of_the_documentation_is_dead() {
    let mut findings = Vec::new();
    for (path, text) in pages() {
        let dead = links(&text).into_iter().filter_map(|link| dead(&root().join(&path), &text, &link));
        findings.extend(dead.map(|why| format!("{path}: {why}")));
    }
    none("dead links", &findings);
}

#[test]
fn a_dead_link_is_found() {
    let page = "# One `two`, three\n[a](gone.md) [b](#one-two-three) [c](#gone) ![d](gone.png) [e](https://example.org)\n\
                `[f](gone.md)`\n\n| t |\n|---|\n| [g](links.rs) |\n";
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/rules/page.md");
    let found: Vec<String> = links(page).iter().filter_map(|link| dead(&here, page, link)).collect();
    assert_eq!(
        found,
        ["gone.md: there is no such file", "#gone: there is no such heading", "gone.png: there is no such file"]
    );
}
