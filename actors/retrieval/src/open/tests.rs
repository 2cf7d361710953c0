use messages::index::{OPEN_PAGE_BYTES, Page, Reply};

use crate::testing::Shelf;

fn page(reply: Reply) -> Page {
    match reply {
        Reply::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn why(reply: Reply) -> String {
    match reply {
        Reply::NotOpened(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_opened_by_its_path_or_an_end_of_it() {
    let shelf = Shelf::new();
    shelf.write("notes/a/plan.md", "A plan.");
    shelf.write("home/todo.md", "To do.");
    shelf.scan();
    assert_eq!(page(shelf.open("notes/a/plan.md", 0, &["**"])).text, "A plan.");
    let by_end = page(shelf.open("plan.md", 0, &["**"]));
    assert_eq!((by_end.path.as_str(), by_end.page, by_end.pages), ("notes/a/plan.md", 0, 1));
    assert_eq!(page(shelf.open("todo.md", 0, &["*.md"])).path, "todo.md");
    shelf.write("notes/b/plan.md", "B plan.");
    shelf.scan();
    assert!(why(shelf.open("plan.md", 0, &["**"])).contains("give more of the path"));
    assert_eq!(page(shelf.open("plan.md", 0, &["notes/b/**"])).text, "B plan.");
}

#[test]
fn a_whole_path_opens_before_it_is_indexed_and_shows_the_file_itself() {
    let shelf = Shelf::new();
    shelf.write("notes/a.md", "one");
    assert_eq!(page(shelf.open("notes/a.md", 0, &["**"])).text, "one");
    shelf.scan();
    shelf.write("notes/a.md", "two");
    assert_eq!(page(shelf.open("a.md", 0, &["**"])).text, "two");
}

#[test]
fn a_file_out_of_scope_reads_as_one_that_is_not_there() {
    let shelf = Shelf::new();
    shelf.write("notes/secret.md", "x");
    shelf.write("home/a.md", "x");
    shelf.scan();
    for typed in ["notes/secret.md", "secret.md"] {
        let hidden = why(shelf.open(typed, 0, &["*.md"]));
        assert_eq!(hidden, why(Shelf::new().open(typed, 0, &["**"])));
    }
}

#[test]
fn long_files_are_read_page_by_page() {
    let shelf = Shelf::new();
    let text = "a line of text\n".repeat(500);
    shelf.write("notes/long.md", &text);
    let first = page(shelf.open("notes/long.md", 0, &["**"]));
    let all = (0..first.pages).map(|n| page(shelf.open("notes/long.md", n, &["**"])).text).collect::<Vec<_>>();
    assert!(all.iter().all(|page| page.len() <= OPEN_PAGE_BYTES && page.ends_with('\n')));
    assert_eq!(all.concat(), text);
    assert_eq!(why(shelf.open("notes/long.md", first.pages, &["**"])), "`notes/long.md` has no more than 3 pages");
    assert!(why(shelf.open("notes/long.md", u32::MAX, &["**"])).contains("no more than"));
}
