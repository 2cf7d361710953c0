//! Nothing grows past what a person reads in one go.

use syn::visit::{self, Visit};

use super::{code, none};

/// The longest file in lines, outside of folders of tests.
const FILE_LINES_MAX: usize = 400;
/// The longest function in lines between its braces, without empty ones and comments.
const FUNCTION_LINES_MAX: usize = 60;

struct Functions<'t> {
    lines: Vec<&'t str>,
    findings: Vec<String>,
}

impl Functions<'_> {
    fn body(&mut self, name: &syn::Ident, block: &syn::Block) {
        let (from, to) = (block.brace_token.span.open().start().line, block.brace_token.span.close().start().line);
        let counts = |line: &&&str| !line.trim().is_empty() && !line.trim().starts_with("//");
        let lines = self.lines.iter().take(to.saturating_sub(1)).skip(from).filter(counts).count();
        if lines > FUNCTION_LINES_MAX {
            self.findings.push(format!("{}: {name} has {lines} lines", name.span().start().line));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.body(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.body(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig.ident, block);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

fn long_functions(text: &str) -> Vec<String> {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{error} at {:?}", error.span().start()));
    let mut functions = Functions { lines: text.lines().collect(), findings: Vec::new() };
    functions.visit_file(&file);
    functions.findings
}

/// Below a folder of tests, or a file of tests beside its module (`tests.rs`, `core_tests.rs`). The folder of the crate `tests` itself is none.
pub(super) fn is_of_tests(path: &str) -> bool {
    path.split('/').skip(1).any(|part| part == "tests" || part.ends_with("tests.rs"))
}

fn is_long(text: &str) -> bool {
    text.lines().count() > FILE_LINES_MAX
}

#[test]
fn no_file_is_longer_than_its_limit() {
    let long = code().into_iter().filter(|(path, text)| !is_of_tests(path) && is_long(text));
    let findings: Vec<String> = long.map(|(path, text)| format!("{path} has {} lines", text.lines().count())).collect();
    none(&format!("files of more than {FILE_LINES_MAX} lines; a noun is missing"), &findings);
}

#[test]
fn no_function_is_longer_than_its_limit() {
    let all = code().into_iter().filter(|(path, _)| !is_of_tests(path));
    let findings: Vec<String> = all
        .flat_map(|(path, text)| long_functions(&text).into_iter().map(move |finding| format!("{path}:{finding}")))
        .collect();
    none(&format!("functions of more than {FUNCTION_LINES_MAX} lines"), &findings);
}

#[test]
fn lengths_are_counted_at_their_edges() {
    let function = |lines: usize| format!("fn f() {{\n{}\n// not counted\n}}\n", "g();\n".repeat(lines));
    assert_eq!(long_functions(&function(FUNCTION_LINES_MAX)), Vec::<String>::new());
    assert_eq!(long_functions(&function(FUNCTION_LINES_MAX + 1)), ["1: f has 61 lines"]);
    let method = format!("impl A {{\n{}}}", function(FUNCTION_LINES_MAX + 1));
    assert_eq!(long_functions(&method), ["2: f has 61 lines"]);
    assert!(!is_long(&"\n".repeat(FILE_LINES_MAX)));
    assert!(is_long(&"\n".repeat(FILE_LINES_MAX + 1)));
    assert!(is_of_tests("tests/tests/all/main.rs") && is_of_tests("actors/policy/src/tests.rs"));
    assert!(!is_of_tests("tests/src/lib.rs"));
}
