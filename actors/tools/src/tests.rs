//! The service on a real disk, with an index that answers as a test says.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gate::Mount;
use messages::index::{self, Hit, Index};
use messages::step::Work;
use messages::tool::{Class, Failure, Msg, RESULT_BYTES_MAX, Reply, ToolCall, Tools, Use};
use messages::turn::Scope;
use messages::{Address, AskError, InboundId, Slug, Trace};
use runtime::testing::{ScriptedStore, system};
use runtime::{Child, Children, Intensity, ReplyPort, Restart, Service, ServiceCx, ServiceError, Strategy};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::limits::Limit;
use crate::{ToolsConfig, ToolsService};

const ASK: Duration = Duration::from_secs(20);

/// An index that finds what it was asked for, once it may.
struct FakeIndex(Arc<Semaphore>);

impl Service for FakeIndex {
    type Proto = Index;

    async fn handle(&mut self, msg: index::Msg, reply: ReplyPort<Index>, cx: &ServiceCx) -> Result<(), ServiceError> {
        let index::Msg::Search { query, limit, reach } = msg else { return Ok(()) };
        if query == "busy" {
            reply.fail(AskError::Busy { what: "256 searches".into(), retry_after: Duration::from_millis(5) });
            return Ok(());
        }
        let opens = self.0.clone();
        cx.spawn("answer", async move {
            drop(opens.acquire().await);
            let hit = |n: u32| Hit {
                path: format!("notes/{n}.md"),
                heading: reach.paths.join(" "),
                passage: query.clone(),
                snippet: query.clone(),
                score: 1.0,
                words_found: 1,
                words_asked: 1,
                ..Hit::default()
            };
            let hits = (0..limit).map(hit).collect();
            reply.send(index::Reply::Found(index::Found { hits, ..index::Found::default() }));
        });
        Ok(())
    }
}

struct House {
    dir: TempDir,
    system: runtime::System,
    /// Closed: searches wait.
    opens: Arc<Semaphore>,
}

fn address() -> Address {
    Address::fixed("tools")
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("workspaces/home")).unwrap();
        fs::create_dir_all(dir.path().join("notes")).unwrap();
        let mounts = vec![Mount { name: "notes".into(), folder: dir.path().join("notes") }];
        let config = ToolsConfig {
            workspaces: dir.path().join("workspaces"),
            mounts: [("home".to_owned(), mounts)].into_iter().collect(),
        };
        let store = ScriptedStore::new(|_| Ok(messages::store::Committed::default()), |_| panic!("no rows are read"));
        let options = runtime::Options { force_wire_form: true, ..Default::default() };
        let (system, opens) = (system(store, Vec::new(), options), Arc::new(Semaphore::new(1)));
        let of_index = opens.clone();
        let list = vec![
            Child::service(address(), Restart::Permanent, move || {
                let config = config.clone();
                Box::pin(async move { ToolsService::open(config) })
            }),
            Child::service(Address::index(&slug("home")), Restart::Permanent, move || {
                let opens = of_index.clone();
                Box::pin(async move { Ok(FakeIndex(opens)) })
            }),
        ];
        system.start(Children { strategy: Strategy::OneForOne, intensity: Intensity::STOP_CHILD, list }).await.unwrap();
        Self { dir, system, opens }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    async fn try_use(&self, used: Use) -> Result<Reply, AskError> {
        self.system.to::<Tools>(&address()).ask(Msg::Use(Box::new(used)), ASK).await
    }

    async fn uses(&self, name: &str, arguments: Value, paths: &[&str]) -> Reply {
        self.try_use(using(name, &arguments, paths)).await.unwrap()
    }

    async fn done(&self, name: &str, arguments: Value, paths: &[&str]) -> String {
        match self.uses(name, arguments, paths).await {
            Reply::Done(output) => output.text,
            other => panic!("{other:?}"),
        }
    }

    async fn failure(&self, name: &str, arguments: Value, paths: &[&str]) -> Failure {
        match self.uses(name, arguments, paths).await {
            Reply::Failed(failure) => failure,
            other => panic!("{other:?}"),
        }
    }
}

fn slug(name: &str) -> Slug {
    Slug::parse(name).unwrap()
}

fn using(name: &str, arguments: &Value, paths: &[&str]) -> Use {
    Use {
        call: ToolCall { id: "c1".into(), name: name.into(), arguments: arguments.to_string() },
        work: Work::Turn(InboundId::of("console", "1")),
        seq: 3,
        scope: Scope {
            workspace: slug("home"),
            context: slug("general"),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        },
        again: false,
        trace: Trace::default(),
    }
}

#[tokio::test]
async fn what_was_read_is_replaced_by_its_hash_and_kept() {
    let house = House::new().await;
    house.put("workspaces/home/plan.md", "old\n");
    let read = house.done("md_read", json!({"path": "plan.md"}), &["**"]).await;
    let hash = gate::hash(b"old\n");
    assert_eq!(read, format!("plan.md, 4 bytes, sha256 {hash}\nold\n"));
    let write = json!({"path": "plan.md", "text": "new\n", "replaces": hash});
    let used = using("md_write", &write, &["**"]);
    let Reply::Done(first) = house.try_use(used.clone()).await.unwrap() else { panic!() };
    assert!(first.text.contains(&gate::hash(b"new\n")) && first.text.contains("kept"), "{}", first.text);
    assert_eq!(first.sources, ["plan.md"]);
    let kept = house.path(&format!("workspaces/home/.versions/plan.md/{}-3.md", used.work.as_str()));
    assert_eq!(fs::read_to_string(kept).unwrap(), "old\n");
    // The same step after a crash: it is found, and said in the same words.
    let again = house.try_use(Use { again: true, ..used.clone() }).await.unwrap();
    assert!(matches!(again, Reply::Done(second) if second == first));
    // Another step that still believes in the old text.
    let late = house.try_use(Use { seq: 4, ..used }).await.unwrap();
    assert!(matches!(&late, Reply::Failed(failure) if failure.class == Class::Conflict), "{late:?}");
    assert_eq!(fs::read_to_string(house.path("workspaces/home/plan.md")).unwrap(), "new\n");
}

#[tokio::test]
async fn a_new_file_is_made_with_its_folders_and_is_new_only_once() {
    let house = House::new().await;
    let write = json!({"path": "a/b.md", "text": "x", "replaces": ""});
    let said = house.done("md_write", write.clone(), &["a/**"]).await;
    assert!(said.starts_with("`a/b.md` is written: 1 bytes"), "{said}");
    assert_eq!(house.failure("md_write", write, &["a/**"]).await.class, Class::Conflict);
}

#[tokio::test]
async fn what_is_out_of_scope_reads_as_what_is_not_there() {
    let (full, empty) = (House::new().await, House::new().await);
    for path in ["workspaces/home/secret/a.md", "workspaces/home/b.md", "notes/c.md"] {
        full.put(path, "x");
    }
    let scope = ["public/**", "notes/open/**"];
    let hash = gate::hash(b"x");
    for path in ["secret/a.md", "b.md", "notes/c.md", "logs/x.md", "../home/b.md", "/etc/passwd.md", ".versions/b.md"] {
        for (tool, arguments) in [
            ("md_read", json!({"path": path})),
            ("md_write", json!({"path": path, "text": "y", "replaces": hash})),
            ("md_write", json!({"path": path, "text": "y", "replaces": ""})),
        ] {
            let hidden = full.failure(tool, arguments.clone(), &scope).await;
            assert_eq!(hidden, empty.failure(tool, arguments, &scope).await, "{tool} {path}");
        }
        // And as one in scope that is not there.
        let gone = empty.failure("md_read", json!({"path": path}), &["**"]).await;
        assert_eq!(full.failure("md_read", json!({"path": path}), &scope).await, gone, "{path}");
    }
    for folder in ["secret", "secret/deep", "logs", "contexts/general", "..", "gone"] {
        let hidden = full.failure("md_list", json!({"folder": folder}), &scope).await;
        assert_eq!(hidden, empty.failure("md_list", json!({"folder": folder}), &scope).await, "{folder}");
        assert_eq!(hidden, empty.failure("md_list", json!({"folder": folder}), &["**"]).await, "{folder}");
    }
    assert_eq!(full.done("md_list", json!({}), &scope).await, "notes/\n");
    assert_eq!(full.done("md_list", json!({"folder": "notes"}), &scope).await, "[nothing]");
    assert_eq!(fs::read_to_string(full.path("workspaces/home/b.md")).unwrap(), "x");
}

#[tokio::test]
async fn a_folder_that_patterns_only_happen_to_fit_is_told_when_it_holds_something_in_scope() {
    let (full, empty) = (House::new().await, House::new().await);
    for path in ["workspaces/home/secret/deep/a.md", "workspaces/home/open/deep/plan.md", "notes/c.md"] {
        full.put(path, "x");
    }
    for scope in [["**/plan.md"], ["*/*/plan.md"]] {
        assert_eq!(full.done("md_list", json!({}), &scope).await, "open/\n", "{scope:?}");
        assert_eq!(full.done("md_list", json!({"folder": "open/deep"}), &scope).await, "plan.md 1 bytes\n");
        for folder in ["secret", "secret/deep", "notes"] {
            let hidden = full.failure("md_list", json!({"folder": folder}), &scope).await;
            assert_eq!(hidden, empty.failure("md_list", json!({"folder": folder}), &["nowhere/**"]).await, "{folder}");
        }
    }
}

#[tokio::test]
async fn folders_are_listed_within_scope_with_the_mounts_at_the_top() {
    let house = House::new().await;
    for path in ["workspaces/home/a.md", "workspaces/home/z/y.md", "workspaces/home/logs/x.md", "notes/n.md"] {
        house.put(path, "1234");
    }
    assert_eq!(house.done("md_list", json!({}), &["**"]).await, "a.md 4 bytes\nnotes/\nz/\n");
    assert_eq!(house.done("md_list", json!({"after": "a.md"}), &["**"]).await, "notes/\nz/\n");
    assert_eq!(house.done("md_list", json!({}), &["*.md"]).await, "a.md 4 bytes\n");
    assert_eq!(house.done("md_list", json!({"folder": "notes/"}), &["**"]).await, "n.md 4 bytes\n");
    for n in 0..600 {
        house.put(&format!("workspaces/home/many/{n:03}.md"), "");
    }
    let first = house.done("md_list", json!({"folder": "many"}), &["**"]).await;
    assert!(first.ends_with("499.md 0 bytes\n[more; go on with after \"499.md\"]"), "{first}");
    let second = house.done("md_list", json!({"folder": "many", "after": "499.md"}), &["**"]).await;
    assert!(second.starts_with("500.md") && second.ends_with("599.md 0 bytes\n"), "{second}");
}

#[tokio::test]
async fn reserved_places_and_mounts_are_never_written() {
    let house = House::new().await;
    for path in ["workspace.md", "contexts/general/context.md", "skills/a.md", "notes/new.md", "a/.b.md", "run.sh"] {
        let write = json!({"path": path, "text": "x", "replaces": ""});
        let failure = house.failure("md_write", write, &["**"]).await;
        assert_eq!(failure.class, Class::Reserved, "{path}: {failure}");
        assert!(!house.path("workspaces/home").join(path).exists() && !house.path(path).exists());
    }
}

#[tokio::test]
async fn links_and_what_is_no_text_are_told_and_not_followed() {
    let house = House::new().await;
    house.put("outside.md", "secret");
    symlink(house.path("outside.md"), house.path("workspaces/home/link.md")).unwrap();
    house.put("workspaces/home/nul.md", "a\0");
    for path in ["link.md", "nul.md"] {
        let failure = house.failure("md_read", json!({"path": path}), &["**"]).await;
        assert_eq!(failure.class, Class::Failed, "{failure}");
        assert!(!failure.message.contains("secret"));
    }
    let write = json!({"path": "link.md", "text": "x", "replaces": gate::hash(b"secret")});
    house.failure("md_write", write, &["**"]).await;
    assert_eq!(fs::read_to_string(house.path("outside.md")).unwrap(), "secret");
}

#[tokio::test]
async fn a_search_asks_the_index_of_its_workspace_within_its_scope() {
    let house = House::new().await;
    let found = house.done("search", json!({"query": "budget", "limit": 2}), &["notes/**", "a.md"]).await;
    assert_eq!(found, "notes/0.md (notes/** a.md)\n  budget\nnotes/1.md (notes/** a.md)\n  budget\n");
    let busy = house.try_use(using("search", &json!({"query": "busy"}), &["**"])).await;
    assert!(matches!(busy, Err(AskError::Busy { .. })), "{busy:?}");
    let elsewhere = using("search", &json!({"query": "x"}), &["**"]);
    let elsewhere = Use { scope: Scope { workspace: slug("other"), ..elsewhere.scope }, ..elsewhere };
    let Reply::Failed(failure) = house.try_use(elsewhere).await.unwrap() else { panic!() };
    assert_eq!(failure.class, Class::Failed);
}

#[tokio::test]
async fn a_call_that_can_t_be_understood_fails_with_one_sentence() {
    let house = House::new().await;
    for (name, arguments, class) in [
        ("rm_rf", json!({}), Class::NoSuchTool),
        ("post", json!({"text": "x"}), Class::NoSuchTool),
        ("spawn_task", json!({"title": "x", "input": "y"}), Class::NoSuchTool),
        ("md_read", json!({"file": "a.md"}), Class::Arguments),
        ("md_read", json!("a.md"), Class::Arguments),
        ("md_write", json!({"path": "a.md", "text": "x", "replaces": "latest"}), Class::Arguments),
        ("search", json!({"query": "x", "limit": 21}), Class::Arguments),
    ] {
        let failure = house.failure(name, arguments, &["**"]).await;
        assert_eq!(failure.class, class, "{name}: {failure}");
        assert!(failure.message.len() < 1_000 && !failure.message.contains('\n'), "{failure}");
    }
    let long = house.failure(&"x".repeat(100_000), json!({}), &["**"]).await;
    assert!(long.message.len() < 300);
}

#[tokio::test]
async fn results_are_never_longer_than_a_model_is_given() {
    let house = House::new().await;
    house.put("workspaces/home/long.md", &"ä line of text\n".repeat(5_000));
    let text = house.done("md_read", json!({"path": "long.md"}), &["**"]).await;
    assert!(text.len() <= RESULT_BYTES_MAX && text.contains("[cut; go on with offset "), "{}", text.len());
}

#[tokio::test]
async fn so_many_searches_run_and_wait_in_a_workspace_and_one_more_is_told_to_come_later() {
    let house = Arc::new(House::new().await);
    let held = house.opens.clone().acquire_owned().await.unwrap();
    let limit = Limit::of("search").unwrap();
    let uses = |house: &Arc<House>| {
        let house = house.clone();
        async move { house.try_use(using("search", &json!({"query": "q"}), &["**"])).await }
    };
    let waiting: Vec<_> = (0..limit.at_once + limit.waiting).map(|_| tokio::spawn(uses(&house))).collect();
    let full = format!("search: {} run or wait", limit.at_once + limit.waiting);
    let stands = async || match house.system.to::<Tools>(&address()).ask(Msg::Describe, ASK).await.unwrap() {
        Reply::Described(lines) => lines.join("\n"),
        other => panic!("{other:?}"),
    };
    while !stands().await.contains(&full) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = uses(&house).await;
    assert!(matches!(refused, Err(AskError::Busy { .. })), "{refused:?}");
    // Another tool has its own places.
    assert_eq!(house.failure("md_read", json!({"path": "a.md"}), &["**"]).await.class, Class::NotFound);
    drop(held);
    for one in waiting {
        assert!(matches!(one.await.unwrap(), Ok(Reply::Done(_))));
    }
    assert!(uses(&house).await.is_ok());
    assert!(stands().await.contains("search: 0 run or wait"), "{}", stands().await);
}

#[tokio::test]
async fn many_writes_at_once_are_each_done_once() {
    let house = Arc::new(House::new().await);
    let one = |n: u32| {
        let house = house.clone();
        async move {
            let write = json!({"path": format!("d{}/{n}.md", n % 3), "text": n.to_string(), "replaces": ""});
            house.try_use(Use { seq: n, ..using("md_write", &write, &["**"]) }).await
        }
    };
    let all: Vec<_> = (0..60).map(|n| tokio::spawn(one(n))).collect();
    for (n, write) in all.into_iter().enumerate() {
        assert!(matches!(write.await.unwrap(), Ok(Reply::Done(_))), "{n}");
        assert_eq!(
            fs::read_to_string(house.path(&format!("workspaces/home/d{}/{n}.md", n % 3))).unwrap(),
            n.to_string()
        );
    }
}

#[test]
fn a_mount_that_can_t_be_named_so_is_refused_at_the_start() {
    let mounts = vec![Mount { name: "mail".into(), folder: "/x".into() }];
    let config = ToolsConfig { mounts: [("home".to_owned(), mounts)].into_iter().collect(), ..ToolsConfig::default() };
    assert!(ToolsService::open(config).err().unwrap().to_string().contains("`mail`"));
}
