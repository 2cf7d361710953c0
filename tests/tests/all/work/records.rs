//! Records: a file for each task, which follows it and loses nobody's words.

use std::time::Instant;

use messages::task::TaskState;
use tests::deployment::Shape;
use tests::fake_model::Mode;

use super::site::{SOON, Site, until};

pub(crate) async fn a_record_follows_its_task_and_one_that_was_edited_is_set_aside(shape: Shape) {
    let site = Site::of(shape, "").await;
    site.model.set(Mode::SlowFirstByte { delay_ms: 15_000 });
    let mut ann = site.talk("home", "general").await;
    let mut desk = site.desk().await;
    let began = Instant::now();
    let (_, task) = ann.task("write it down", SOON).await.unwrap();
    let folder = site.files("home").join("tasks");
    let record = || std::fs::read_to_string(folder.join(format!("{task}.md"))).unwrap_or_default();
    until("it is there", SOON, || record().contains("state: \"running\"")).await;
    println!("the record came after {:?}", began.elapsed());
    assert!(record().contains("## Input\n\nwrite it down"), "{}", record());
    let edited = record().replace("write it down", "write it down, and this note of mine");
    std::fs::write(folder.join(format!("{task}.md")), &edited).unwrap();
    desk.is(&task, TaskState::Succeeded).await;
    until("it is written again", SOON, || record().contains("state: \"succeeded\"")).await;
    assert!(
        record().contains("## Result\n\necho: write it down") && !record().contains("note of mine"),
        "{}",
        record()
    );
    let aside = std::fs::read_to_string(folder.join(format!("{task}.edited-1.md"))).unwrap();
    assert_eq!(aside, edited);
    let names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no half-written file is left: {names:?}");
    ann.leave().await;
    site.end().await;
}

pub(crate) async fn records_that_were_not_written_before_a_kill_are_written_after_it(shape: Shape) {
    let mut site = Site::of(shape, "").await;
    let mut ann = site.talk("home", "general").await;
    let mut tasks = Vec::new();
    for n in 0..20 {
        tasks.push(ann.task(&format!("number {n}"), SOON).await.unwrap());
    }
    for (asked, _) in &tasks {
        ann.heard(asked, 1, SOON).await.unwrap();
    }
    drop(ann);
    site.end_node(true).await;
    site.start().await;
    let folder = site.files("home").join("tasks");
    let ended = |task: &messages::TaskId| {
        std::fs::read_to_string(folder.join(format!("{task}.md")))
            .is_ok_and(|text| text.contains("state: \"succeeded\""))
    };
    until("all are there", SOON, || tasks.iter().all(|(_, task)| ended(task))).await;
    site.end().await;
}
