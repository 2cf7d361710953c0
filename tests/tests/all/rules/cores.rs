//! A `core.rs` decides and does nothing: no async, no files, no network, no processes, no clock, no chance.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::{code, is_for_tests, none};

/// Paths that a core may not begin a path with.
const FOREIGN: [&[&str]; 9] = [
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "env"],
    &["tokio"],
    &["futures_util"],
    &["ractor"],
    &["rand"],
];

/// Calls that read a clock, by their last two names.
const CLOCKS: [[&str; 2]; 2] = [["Instant", "now"], ["SystemTime", "now"]];

#[derive(Default)]
struct Purity {
    findings: Vec<String>,
}

impl Purity {
    fn found(&mut self, span: Span, what: &str) {
        self.findings.push(format!("{}: {what}", span.start().line));
    }

    fn path(&mut self, names: &[String], span: Span) {
        let begins =
            |foreign: &&[&str]| names.len() >= foreign.len() && names.iter().zip(foreign.iter()).all(|(a, b)| a == b);
        let reads = |clock: &[&str; 2]| names.len() >= 2 && names[names.len() - 2..] == clock[..];
        if FOREIGN.iter().any(begins) || CLOCKS.iter().any(reads) {
            self.found(span, &names.join("::"));
        }
    }

    fn used(&mut self, tree: &syn::UseTree, above: &[String]) {
        let with = |name: &syn::Ident| [above, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.used(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.path(&with(&name.ident), name.ident.span()),
            syn::UseTree::Rename(name) => self.path(&with(&name.ident), name.ident.span()),
            syn::UseTree::Glob(glob) => self.path(above, glob.star_token.spans[0]),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.used(item, above)),
        }
    }

    /// What stands inside of a macro is not parsed; its words are looked at as they come.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut names: Vec<(String, Span)> = Vec::new();
        let mut joined = false;
        for token in tokens {
            match token {
                TokenTree::Ident(word) if word == "async" || word == "await" => self.found(word.span(), "async"),
                TokenTree::Ident(word) => {
                    if !joined {
                        self.end_of_path(&mut names);
                    }
                    names.push((word.to_string(), word.span()));
                    joined = false;
                }
                TokenTree::Punct(point) if point.as_char() == ':' => joined = true,
                TokenTree::Group(group) => {
                    self.end_of_path(&mut names);
                    self.tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => joined = false,
            }
        }
        self.end_of_path(&mut names);
    }

    fn end_of_path(&mut self, names: &mut Vec<(String, Span)>) {
        if let Some((_, span)) = names.first() {
            let span = *span;
            self.path(&names.drain(..).map(|(name, _)| name).collect::<Vec<_>>(), span);
        }
    }
}

impl<'ast> Visit<'ast> for Purity {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = &signature.asyncness {
            self.found(word.span, "async fn");
        }
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.found(block.async_token.span, "async block");
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        if let Some(word) = &closure.asyncness {
            self.found(word.span, "async closure");
        }
        visit::visit_expr_closure(self, closure);
    }

    fn visit_expr_await(&mut self, waiting: &'ast syn::ExprAwait) {
        self.found(waiting.await_token.span, ".await");
        visit::visit_expr_await(self, waiting);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&names, path.segments[0].ident.span());
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.used(&item.tree, &[]);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }
}

fn impure(text: &str) -> Vec<String> {
    let mut purity = Purity::default();
    purity.visit_file(&syn::parse_file(text).unwrap());
    purity.findings
}

#[test]
fn cores_are_pure() {
    let cores: Vec<_> = code().into_iter().filter(|(path, _)| path.ends_with("/core.rs")).collect();
    assert!(cores.len() >= 2, "only {} core.rs files were found", cores.len());
    let findings: Vec<String> = cores
        .iter()
        .flat_map(|(path, text)| impure(text).into_iter().map(move |finding| format!("{path}:{finding}")))
        .collect();
    none("cores that do something", &findings);
}

#[test]
fn a_core_that_does_something_is_found() {
    for text in [
        "async fn f() {}",
        "fn f() { let _ = async { 1 }; }",
        "fn f() { x.await; }",
        "fn f() { let _ = async || 1; }",
        "use std::fs;",
        "use std::{collections::BTreeMap, net::TcpStream};",
        "use std::process as p;",
        "use tokio::*;",
        "fn f() -> std::fs::File { panic!() }",
        "fn f() { let _ = SystemTime::now(); }",
        "fn f() { let _ = std::time::Instant::now(); }",
        "fn f() { assert_eq!(1, std::fs::read(p)); }",
        "fn f() { println!(\"{:?}\", Instant::now()); }",
        "mod inner { fn f() { tokio::spawn(g()); } }",
    ] {
        assert_eq!(impure(text).len(), 1, "{text}: {:?}", impure(text));
    }
}

#[test]
fn what_a_core_may_do_is_not_found() {
    for text in [
        "use std::collections::BTreeMap; use std::time::Duration; fn f() -> Duration { Duration::ZERO }",
        "#[cfg(test)] mod tests { use std::fs; fn f() { let _ = SystemTime::now(); } }",
        "fn f(now: Moment) { let _ = format!(\"{}: {now:?}\", a::b::c); }",
    ] {
        assert_eq!(impure(text), Vec::<String>::new(), "{text}");
    }
}
