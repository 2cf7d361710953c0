//! For any policies, any person and any command: what is shown is what the definition of reach admits.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use messages::{InboundId, TaskId};

use tests::deployment::Shape;

use super::house::said;
use crate::faults::driver::Driver;
use crate::work::site::{SOON, Site};

const CONTEXTS: usize = 12;
/// Commands to each context.
const COMMANDS: usize = 60;
const WORKSPACES: [&str; 3] = ["home", "away", "diary"];
const PEOPLE: [&str; 4] = ["ann", "bob", "eve", "kim"];
/// The owner of `diary`, which is private.
const OWNER: &str = "eve";
const FOLDERS: [&str; 6] = ["", "team/", "team/inner/", "plans/", "plans/page901/", "else/page902/"];
const PATTERNS: [&str; 11] = [
    "**",
    "*.md",
    "team/**",
    "team/*.md",
    "plans/**",
    "plans/page901/**",
    "**/page??1.md",
    "*/*/*.md",
    "logs/**",
    "contexts/**",
    "nowhere/**",
];
/// With which dice are thrown, if no other seed is named.
const SEED: u64 = 20_260_711;

/// The same throws for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn some<T: Copy>(&mut self, of: &[T]) -> Vec<T> {
        (0..=self.below(2)).map(|_| *self.one(of)).collect()
    }
}

/// Who may do what where, and what was said there.
struct Policy {
    workspace: &'static str,
    context: String,
    paths: Vec<&'static str>,
    members: Option<Vec<&'static str>>,
    /// Its memory, its log and its prompt each hold a word of its own: `shown<number + 0, 1, 2>`.
    number: usize,
    typed: String,
}

/// A file: `shown<number>` stands in it, `page<number>` is its name. Some folders are named like that, too.
struct Page {
    workspace: &'static str,
    path: String,
    number: usize,
}

impl Policy {
    fn thrown(n: usize, dice: &mut Dice) -> Self {
        let members = (dice.below(3) == 0).then(|| dice.some(&PEOPLE));
        let (workspace, paths) = (WORKSPACES[n % WORKSPACES.len()], dice.some(&PATTERNS));
        Self { workspace, context: format!("c{n}"), paths, members, number: 500 + n * 3, typed: String::new() }
    }

    fn admits(&self, person: &str) -> bool {
        (self.workspace != "diary" || person == OWNER)
            && self.members.as_ref().is_none_or(|members| members.contains(&person))
    }

    /// Words that may be shown here to whom it admits.
    fn shown(&self, pages: &[Page]) -> BTreeSet<String> {
        let within = |page: &&Page| page.workspace == self.workspace && self.paths.iter().any(|p| fits(p, &page.path));
        // A folder is seen where something in it is.
        let files = pages.iter().filter(within).flat_map(|page| {
            let names = page.path.split(['/', '.']).filter(|name| name.starts_with("page")).map(str::to_owned);
            names.chain([word("shown", page.number)]).collect::<Vec<_>>()
        });
        files.chain((0..3).map(|n| word("shown", self.number + n))).collect()
    }

    /// What a text holds that may not be shown here.
    fn told_too_much(&self, text: &str, may: &BTreeSet<String>) -> Vec<String> {
        let is_word = |word: &&str| word.starts_with("shown") || word.starts_with("page");
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(is_word).filter(|word| word.len() > 6);
        // All words are of one length: a shorter one was cut, and is the beginning of one that may be shown.
        let is_shown = |word: &str| may.iter().any(|shown| shown.starts_with(word));
        words.filter(|word| !is_shown(word) && !self.typed.contains(word)).map(str::to_owned).collect()
    }
}

fn word(kind: &str, number: usize) -> String {
    format!("{kind}{number:03}")
}

/// Patterns as their definition says it: `**` stands for any folders or none, `*` and `?` stay within a name.
fn fits(pattern: &str, path: &str) -> bool {
    fn names(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.first(), name.first()) {
            (None, None) => true,
            (Some(b'*'), _) => names(&pattern[1..], name) || !name.is_empty() && names(pattern, &name[1..]),
            (Some(b'?'), Some(_)) => names(&pattern[1..], &name[1..]),
            (Some(a), Some(b)) => a == b && names(&pattern[1..], &name[1..]),
            _ => false,
        }
    }
    fn segments(pattern: &[&str], path: &[&str]) -> bool {
        match (pattern.first(), path.first()) {
            (None, None) => true,
            (Some(&"**"), _) => segments(&pattern[1..], path) || !path.is_empty() && segments(pattern, &path[1..]),
            (Some(a), Some(b)) => names(a.as_bytes(), b.as_bytes()) && segments(&pattern[1..], &path[1..]),
            _ => false,
        }
    }
    segments(&pattern.split('/').collect::<Vec<_>>(), &path.split('/').collect::<Vec<_>>())
}

fn put(site: &Site, workspace: &str, path: &str, text: &str) {
    let path = site.files(workspace).join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Every file of the fixed tree, in each workspace.
fn tree(site: &Site) -> Vec<Page> {
    let mut pages = Vec::new();
    for workspace in WORKSPACES {
        for folder in FOLDERS {
            for _ in 0..2 {
                let number = pages.len();
                let path = format!("{folder}{}.md", word("page", number));
                let (ask, shown) = (word("ask", number), word("shown", number));
                put(site, workspace, &path, &format!("# Common\n\ncommon {ask} stands beside {shown}\n"));
                pages.push(Page { workspace, path, number });
            }
        }
    }
    pages
}

fn define(site: &Site, policy: &Policy) {
    let members = policy.members.as_ref().map(|all| format!("members: {all:?}\n")).unwrap_or_default();
    let (paths, folder, number) = (&policy.paths, format!("contexts/{}", policy.context), policy.number);
    let front = format!("---\npaths: {paths:?}\n{members}tools: ['*']\n---\n\n{}\n", word("shown", number + 2));
    put(site, policy.workspace, &format!("{folder}/context.md"), &front);
    let memory = format!("- common {} stands beside {}\n", word("ask", number), word("shown", number));
    put(site, policy.workspace, &format!("{folder}/memory.md"), &memory);
}

/// A line that somebody may type, of things that are anywhere.
fn line(dice: &mut Dice, pages: &[Page], ids: &[(InboundId, TaskId)]) -> String {
    let page = dice.one(pages);
    let ask = word("ask", if dice.below(3) == 0 { 500 + dice.below(CONTEXTS * 3) } else { page.number });
    let record = format!("{}{}", dice.one(&["logs/console/c", "contexts/c", "tasks/c"]), dice.below(CONTEXTS));
    let path = match dice.below(6) {
        0 => format!("{record}.md"),
        1 => format!("{record}/memory.md"),
        2 => page.path.rsplit('/').next().unwrap().to_owned(),
        3 => format!("../{}/{}", page.workspace, page.path),
        4 => format!("{}#Common", page.path),
        _ => page.path.clone(),
    };
    let folder = dice.one(&["", "", "team", "team/inner", "plans", "else"]);
    let (asked, task) = dice.one(ids);
    match dice.below(14) {
        0 => format!("/search {ask}"),
        1 => format!("/search common {ask}"),
        2 => format!("/search path:{} common", dice.one(&PATTERNS)),
        3 => format!("/search \"common {ask}\" -nothing"),
        4 => format!("/search common -{ask}"),
        5 | 6 => format!("/open {path}"),
        7 => dice.one(&["/status", "/tasks all", "/whoami", "/help"]).to_string(),
        8 => format!("/why {asked}"),
        9 => format!("/tasks show {task}"),
        10 => format!(r#"tools: md_read {{"path": "{}"}}"#, path.trim_end_matches("#Common")),
        11 => format!(r#"tools: md_list {{"folder": "{folder}"}}"#),
        12 => format!(r#"tools: search {{"query": "common {ask}"}}"#),
        _ => format!("what of {ask}, which is common?"),
    }
}

/// What came of the commands to one context.
#[derive(Default)]
struct Seen {
    commands: usize,
    denied: usize,
    words: BTreeSet<String>,
}

async fn command(
    site: &Site,
    policy: &mut Policy,
    pages: &[Page],
    ids: &[(InboundId, TaskId)],
    mut dice: Dice,
) -> Seen {
    let (admitted, mut seen) = (policy.shown(pages), Seen::default());
    let mut sessions: Vec<Driver> = Vec::new();
    for person in PEOPLE {
        sessions.push(site.talk_as(person, policy.workspace, &policy.context).await);
    }
    for _ in 0..COMMANDS {
        // Mostly by somebody who may.
        let may: Vec<usize> = (0..PEOPLE.len()).filter(|n| policy.admits(PEOPLE[*n])).collect();
        let who = if may.is_empty() || dice.below(5) == 0 { dice.below(PEOPLE.len()) } else { *dice.one(&may) };
        let typed = line(&mut dice, pages, ids);
        policy.typed.push_str(&format!("{typed}\n"));
        let told = said(&mut sessions[who], &typed).await;
        seen.commands += 1;
        let nothing = BTreeSet::new();
        let is_admitted = policy.admits(PEOPLE[who]);
        seen.denied += usize::from(told.starts_with("Denied: "));
        assert_eq!(told.starts_with("Denied: "), !is_admitted, "{typed} by {}: {told}", PEOPLE[who]);
        let too_much = policy.told_too_much(&told, if is_admitted { &admitted } else { &nothing });
        assert!(too_much.is_empty(), "`{typed}` by {} with {:?}: {too_much:?} in {told}", PEOPLE[who], policy.paths);
        seen.words.extend(admitted.iter().filter(|word| word.starts_with("shown") && told.contains(*word)).cloned());
    }
    for session in sessions {
        session.leave().await;
    }
    seen
}

/// One message and one task in each context that admits somebody; both say what only its log holds.
async fn speak(site: &Site, policy: &mut Policy) -> Option<(InboundId, TaskId)> {
    let person = PEOPLE.into_iter().find(|person| policy.admits(person))?;
    let mut session = site.talk_as(person, policy.workspace, &policy.context).await;
    let number = policy.number + 1;
    let words = format!("common {} stands beside {}", word("ask", number), word("shown", number));
    said(&mut session, &words).await;
    let (asked, task) = session.task(&words, SOON).await.unwrap();
    session.heard(&asked, 1, SOON).await.unwrap();
    session.leave().await;
    Some((asked, task))
}

pub(crate) async fn no_policy_no_person_and_no_command_shows_what_is_out_of_reach(shape: Shape) {
    let seed = std::env::var("AGENT_RUNTIME_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let site = Site::of(shape, "").await;
    site.workspace("away").await;
    site.workspace_of("diary", OWNER).await;
    let pages = tree(&site);
    let mut policies: Vec<Policy> = (0..CONTEXTS).map(|n| Policy::thrown(n, &mut dice)).collect();
    policies.iter().for_each(|policy| define(&site, policy));
    site.verified().await;
    let ids: Vec<_> =
        join_all(policies.iter_mut().map(|policy| speak(&site, policy))).await.into_iter().flatten().collect();
    let all = policies.iter_mut().map(|policy| {
        let own = Dice(seed ^ policy.number as u64);
        command(&site, policy, &pages, &ids, own)
    });
    let seen = join_all(all).await;
    for request in site.model.requests().iter().map(ToString::to_string) {
        let too_much = |policy: &Policy| policy.told_too_much(&request, &policy.shown(&pages));
        match policies.iter().find(|policy| request.contains(&word("shown", policy.number + 2))) {
            Some(policy) => assert_eq!(too_much(policy), Vec::<String>::new(), "{request}"),
            // What is worth keeping is asked without the context's prompt: of one conversation alone.
            None => assert!(policies.iter().any(|policy| too_much(policy).is_empty()), "{request}"),
        }
    }
    let (commands, denied) = seen.iter().fold((0, 0), |sum, one| (sum.0 + one.commands, sum.1 + one.denied));
    let shown: usize = seen.iter().map(|one| one.words.len()).sum();
    println!("{commands} commands, {denied} of them denied; {shown} words were shown where they may be");
    assert!(commands >= 200 && denied > 10 && shown > 20, "{commands} {denied} {shown}");
    site.end().await;
}

#[test]
fn patterns_fit_as_they_are_defined() {
    for (pattern, path, is) in [
        ("**", "a/b.md", true),
        ("*.md", "a/b.md", false),
        ("a/**", "a/b/c.md", true),
        ("**/page??1.md", "page001.md", true),
        ("**/page??1.md", "a/page012.md", false),
        ("*/*/*.md", "a/b/c.md", true),
    ] {
        assert_eq!(fits(pattern, path), is, "{pattern} {path}");
    }
}
