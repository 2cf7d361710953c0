//! A node with four places that know of the same roof, each with words that nobody else has.

use messages::turn::Outcome;
use tests::deployment::Shape;

use crate::faults::driver::Driver;
use crate::work::site::{SOON, Site};

/// A context, whose person talks in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) workspace: &'static str,
    pub(super) context: &'static str,
    pub(super) user: &'static str,
    /// Which files it may read.
    pub(super) paths: &'static str,
    /// How the words are called that only it has: `file<name>`, `log<name>`, `mem<name>`, `prompt<name>`.
    pub(super) name: &'static str,
    /// Files that it may read.
    pub(super) files: usize,
}

pub(super) const GENERAL: Place =
    Place { workspace: "home", context: "general", user: "ann", paths: r#"["team/**"]"#, name: "alder", files: 2 };
pub(super) const PLANS: Place =
    Place { workspace: "home", context: "plans", user: "bob", paths: r#"["plans/**"]"#, name: "birch", files: 2 };
/// A private workspace.
pub(super) const DIARY: Place = Place {
    workspace: "diary",
    context: "general",
    user: "eve",
    paths: r#"["team/**", "plans/**"]"#,
    name: "cedar",
    files: 4,
};
/// A workspace with files of the same names as `home` has.
pub(super) const AWAY: Place = Place {
    workspace: "away",
    context: "general",
    user: "ann",
    paths: r#"["team/**", "plans/**"]"#,
    name: "dogwood",
    files: 4,
};
pub(super) const PLACES: [Place; 4] = [GENERAL, PLANS, DIARY, AWAY];

impl Place {
    /// Words that only this place has.
    pub(super) fn own(&self) -> [String; 4] {
        ["file", "log", "mem", "prompt"].map(|kind| format!("{kind}{}", self.name))
    }

    /// What a text holds that only others have.
    pub(super) fn foreign(&self, text: &str) -> Vec<String> {
        let others = PLACES.iter().filter(|place| place.name != self.name).flat_map(Place::own);
        others.filter(|word| text.contains(word)).collect()
    }

    /// A text holds nothing that only others have.
    pub(super) fn is_alone_in(&self, text: &str) {
        let foreign = self.foreign(text);
        assert!(foreign.is_empty(), "{} of {} is told {foreign:?}: {text}", self.context, self.workspace);
    }
}

/// The node.
pub(super) struct House {
    pub(super) site: Site,
}

impl House {
    /// All places with their files, their memory and one turn in their log; models may use these tools.
    pub(super) async fn of(shape: Shape, more: &str, tools: &str) -> Self {
        let house = Self { site: Site::of(shape, more).await };
        house.site.workspace_of("diary", "eve").await;
        house.site.workspace("away").await;
        for place in PLACES {
            house.furnish(&place, tools);
        }
        // It looks until the index has what the folders hold.
        house.site.verified().await;
        for place in PLACES {
            let mut person = house.person(&place).await;
            let ended = person.ask(&format!("the roof and log{}", place.name), SOON).await.unwrap();
            assert_eq!(ended.outcome, Outcome::Replied, "{ended:?}");
            house.settled(&place, &mut person).await;
            person.leave().await;
        }
        house
    }

    fn furnish(&self, place: &Place, tools: &str) {
        let Place { workspace, context, name, paths, .. } = place;
        let front = format!("---\npaths: {paths}\ntools: {tools}\n---\n\nBe brief. prompt{name}\n");
        self.put(workspace, &format!("contexts/{context}/context.md"), &front);
        self.put(workspace, &format!("contexts/{context}/memory.md"), format!("- the roof and mem{name}\n"));
        for folder in ["team", "plans"].into_iter().filter(|folder| paths.contains(folder)) {
            let text = format!("# Roof\n\nWhat was decided about the roof: file{name}.\n");
            self.put(workspace, &format!("{folder}/roof.md"), &text);
            self.put(workspace, &format!("{folder}/deep/walls.md"), format!("# Walls\n\nNo roof: file{name}.\n"));
        }
    }

    /// A file of a workspace.
    pub(super) fn put(&self, workspace: &str, path: &str, text: impl AsRef<[u8]>) {
        let path = self.site.files(workspace).join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Somebody who talks in a place.
    pub(super) async fn talk(&self, place: &Place, user: &str) -> Driver {
        self.site.talk_as(user, place.workspace, place.context).await
    }

    /// Its own person.
    pub(super) async fn person(&self, place: &Place) -> Driver {
        self.talk(place, place.user).await
    }

    /// The name of the account that holds the data folder.
    pub(super) async fn account(&self) -> String {
        let done = self.site.run_with(&["chat"], "/whoami\n").await.expect_code(0).unwrap();
        done.stdout.split('`').nth(1).expect("a name").to_owned()
    }

    /// Waits until a place's own log is found by its person: its turn has settled.
    async fn settled(&self, place: &Place, person: &mut Driver) {
        found(person, &format!("log{}", place.name), &format!("`logs/console/{}.md`", place.context)).await;
    }

    pub(super) async fn end(self) {
        self.site.end().await;
    }
}

/// What is answered to a line.
pub(super) async fn said(person: &mut Driver, line: &str) -> String {
    person.ask(line, SOON).await.unwrap().text
}

/// What a search answers once it finds this: a worker that has taken a workspace over makes its index anew.
pub(super) async fn found(person: &mut Driver, query: &str, wanted: &str) -> String {
    person.ask_until(&format!("/search {query}"), wanted, SOON).await.unwrap()
}

/// A word of its own for each word, as long, that nobody has.
pub(super) fn nothing_like(word: &str) -> String {
    word.bytes().rev().map(|byte| if byte == b'z' { 'b' } else { char::from(byte + 1) }).collect()
}
