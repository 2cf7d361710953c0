//! Tasks of a restored store.

use messages::task::{TaskState, Wait};
use tests::fake_model::Mode;
use tests::process::{NodeProcess, Spec, program};

use super::json;
use crate::faults::world::PATIENCE;
use crate::work::desk::Desk;
use crate::work::site::{SOON, Site};

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_ran_at_the_backup_is_in_doubt_in_the_restored_store_and_runs_on_when_a_person_says_so() {
    let mut site = Site::with("").await;
    site.model.set(Mode::NeverEnds);
    let mut ann = site.talk("home", "general").await;
    let (_, task) = ann.task("read the plan", SOON).await.unwrap();
    let mut desk = site.desk().await;
    desk.until(&task, "it asks its model", |row| row.state == TaskState::Running).await;
    crate::work::site::until("the model is asked", SOON, || !site.model.requests().is_empty()).await;
    let (file, other) = (site.path("backup.tar.zst").display().to_string(), site.path("other"));
    site.run(&["backup", "create", &file]).await.expect_code(0).unwrap();
    ann.leave().await;
    site.end_node(true).await;

    site.model.set(Mode::default());
    let restore = ["restore", &file, "--json", "--data"];
    let restored = Spec::new(&program().unwrap(), &restore).arg(other.display().to_string()).run("").await.unwrap();
    let told = json(&restored.expect_code(0).unwrap());
    assert_eq!(told["restored"]["tasks"].as_u64(), Some(1), "{told}");
    let asked_before = site.model.requests().len();
    let spec = Spec::new(&program().unwrap(), &["serve"]).folder(&site.path(""));
    let node = NodeProcess::start(spec, &other).await.unwrap();
    let mut desk = Desk::at(&other).await;
    let rows = desk.waits(&task, Wait::InDoubt).await;
    assert!(rows.task.reason.contains("restored from a backup of"), "{}", rows.task.reason);
    // Others of its workspace run to their end meanwhile; it does not move.
    let args = ["task", "--wait", "list what is planned", "--data"];
    let done = Spec::new(&program().unwrap(), &args).arg(other.display().to_string()).run_within("", PATIENCE).await;
    done.unwrap().expect_code(0).unwrap();
    let rows = desk.task("home", &task).await;
    assert_eq!((rows.task.state, rows.task.wait), (TaskState::Waiting, Some(Wait::InDoubt)));
    let about_it = |request: &serde_json::Value| request.to_string().contains("read the plan");
    let again = site.model.requests().iter().skip(asked_before).filter(|request| about_it(request)).count();
    assert_eq!(again, 0, "nobody said that it may be done again");
    desk.act(&task, messages::admin::TaskDo::Retry).await.unwrap();
    desk.is(&task, TaskState::Succeeded).await;
    node.stop().await.unwrap();
    let args = ["verify", "--data"];
    let verified = Spec::new(&program().unwrap(), &args).arg(other.display().to_string()).run("").await.unwrap();
    verified.expect_code(0).unwrap();
}
