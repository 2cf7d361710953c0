//! `/open` of what another has reads word for word as of what is not there.

use futures_util::future::join_all;

use tests::deployment::Shape;

use super::house::{House, PLACES, Place, nothing_like, said};

/// The sentence for a path that is not there.
fn not_there(typed: &str) -> String {
    format!("there is no file `{typed}` that can be opened here; search for a word of it to see its path")
}

/// Paths that lead to nothing for this place, although most of them are there.
fn closed_to(place: &Place) -> Vec<String> {
    let mut paths: Vec<String> = ["general", "plans"]
        .into_iter()
        .filter(|context| *context != place.context)
        .flat_map(|context| {
            [
                format!("logs/console/{context}.md"),
                format!("contexts/{context}/memory.md"),
                format!("console/{context}.md"),
                format!("{context}/memory.md"),
            ]
        })
        .collect();
    for folder in ["team", "plans"] {
        if !place.paths.contains(folder) {
            paths.extend([format!("{folder}/roof.md"), format!("{folder}/deep/walls.md")]);
        }
        paths.extend([
            format!("{folder}/../workspace.md"),
            format!("{folder}/../{folder}/roof.md"),
            format!("./{folder}/roof.md"),
            format!("../{}/{folder}/roof.md", place.workspace),
        ]);
    }
    for other in PLACES.iter().filter(|other| other.workspace != place.workspace) {
        paths.extend([
            format!("../{}/team/roof.md", other.workspace),
            format!("{}/team/roof.md", other.workspace),
            format!("../{}/logs/console/general.md", other.workspace),
        ]);
    }
    let fixed =
        ["workspace.md", "context.md", "contexts/general/context.md", "contexts/plans/context.md", "/etc/passwd"];
    paths.extend(fixed.map(str::to_owned));
    paths.extend(
        ["logs/console/..", "tasks/x.md", ".index/index.sqlite", "audit.key", "../../agent-runtime/audit.key"]
            .map(str::to_owned),
    );
    paths
}

pub(crate) async fn what_another_has_is_opened_as_what_is_not_there(shape: Shape) {
    let house = House::of(shape, "", "[]").await;
    let all = PLACES.map(|place| {
        let folder = house.site.files(place.workspace).canonicalize().unwrap();
        let (house, absolute) = (&house, format!("{}/team/roof.md", folder.display()));
        async move {
            let mut person = house.person(&place).await;
            for path in closed_to(&place).into_iter().chain([absolute]) {
                for typed in [path.clone(), format!("{path}#Roof"), format!("{path} 2"), path.to_uppercase()] {
                    let told = said(&mut person, &format!("/open {typed}")).await;
                    let meant = typed.trim_end_matches("#Roof").trim_end_matches(" 2");
                    assert_eq!(told, not_there(meant), "{typed} in {place:?}");
                }
            }
            person.leave().await;
        }
    });
    join_all(all).await;
    house.end().await;
}

pub(crate) async fn a_path_with_words_of_another_is_opened_as_one_with_words_of_nobody(shape: Shape) {
    let house = House::of(shape, "", "[]").await;
    for place in PLACES {
        house.put(place.workspace, &format!("hidden/file{}.md", place.name), "# Roof\n\nx\n");
    }
    house.site.verified().await;
    let all = PLACES.map(|place| {
        let house = &house;
        async move {
            let mut person = house.person(&place).await;
            for word in PLACES.map(|other| format!("file{}", other.name)) {
                let nothing = nothing_like(&word);
                for form in
                    ["{}.md", "hidden/{}.md", "hidden/{}.md#Roof", "hidden/{}.md#", "hidden/{}", "hidden/{}.md 3"]
                {
                    let told = said(&mut person, &format!("/open {}", form.replace("{}", &word))).await;
                    let not_there = said(&mut person, &format!("/open {}", form.replace("{}", &nothing))).await;
                    assert_eq!(told.replace(&word, &nothing), not_there, "{form} of {word} in {place:?}");
                }
            }
            person.leave().await;
        }
    });
    join_all(all).await;
    house.end().await;
}

pub(crate) async fn its_own_files_log_and_memory_open(shape: Shape) {
    let house = House::of(shape, "", "[]").await;
    for place in PLACES {
        let mut person = house.person(&place).await;
        let folder = if place.paths.contains("team") { "team" } else { "plans" };
        for (typed, word) in [
            (format!("{folder}/roof.md"), "file"),
            (format!("{folder}/roof.md#Roof"), "file"),
            ("walls.md".to_owned(), "file"),
            (format!("logs/console/{}.md", place.context), "log"),
            (format!("contexts/{}/memory.md", place.context), "mem"),
            ("memory.md".to_owned(), "mem"),
        ] {
            // Where two folders have one of that name, more of the path is asked for.
            let is_told =
                |told: &str| told.contains(&format!("{word}{}", place.name)) || told.contains("more of the path");
            let told = said(&mut person, &format!("/open {typed}")).await;
            assert!(is_told(&told), "{typed}: {told}");
            place.is_alone_in(&told);
        }
        person.leave().await;
    }
    house.end().await;
}
