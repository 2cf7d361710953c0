//! Many tasks at once: each ends in the state that its model lets it come to, within the slots that there are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use messages::step::StepStatus;
use messages::task::TaskState;
use tests::deployment::Shape;

use super::desk::{Desk, shown};
use super::site::{SOON, Site};

const WORKSPACES: usize = 20;
/// Contexts by the model that they allow, and tasks of each in each workspace.
const KINDS: [(&str, &str, usize); 4] = [
    ("sound", "fake/slow_first_byte:300", 4),
    ("moody", "fake/random:7", 3),
    ("blocked", "fake/code:1301", 2),
    ("broken", "fake/server_error", 1),
];
const SLOTS: usize = 5;
const SLOTS_OF_CONTEXT: usize = 2;

/// Makes tasks in one context and waits for all that they say; gives each task's id with its words.
async fn make(site: &Site, workspace: &str, context: &str, tasks: usize) -> Vec<(String, Vec<String>)> {
    let mut ann = site.talk(workspace, context).await;
    let mut asked = Vec::new();
    for n in 0..tasks {
        asked.push(ann.say(&format!("/task number {n} of {context}")).await.unwrap());
    }
    ann.settled(&asked, SOON * 2).await.unwrap();
    for inbound in &asked {
        ann.heard(inbound, 1, SOON * 2).await.unwrap();
    }
    let said = |inbound| (ann.task_of(inbound).to_string(), ann.later[inbound].clone());
    let said = asked.iter().map(said).collect();
    ann.leave().await;
    said
}

/// The most slots that were ever seen taken, in a workspace and in a context.
async fn watch(mut desk: Desk, workspaces: &[String], is_over: &AtomicBool) -> (usize, usize) {
    let (mut most, mut most_of_context) = (0, 0);
    while !is_over.load(Ordering::Relaxed) {
        for workspace in workspaces {
            let mut of_context: BTreeMap<String, usize> = BTreeMap::new();
            for task in desk.tasks(workspace).await.iter().filter(|task| task.state.holds_slot()) {
                *of_context.entry(task.context.to_string()).or_default() += 1;
            }
            most = most.max(of_context.values().sum());
            most_of_context = most_of_context.max(of_context.values().copied().max().unwrap_or(0));
        }
    }
    (most, most_of_context)
}

#[allow(clippy::too_many_lines)] // One scenario, in its order.
pub(crate) async fn two_hundred_tasks_of_twenty_workspaces_end_as_their_models_let_them(shape: Shape) {
    let site = Site::of(shape, "[tasks]\nattempts = 2\n").await;
    let workspaces: Vec<String> = (0..WORKSPACES).map(|n| format!("w{n}")).collect();
    for workspace in &workspaces {
        site.workspace(workspace).await;
        for (context, model, _) in KINDS {
            site.define(workspace, context, &format!("models: [\"{model}\"]"));
        }
    }
    let is_over = AtomicBool::new(false);
    let desk = site.desk().await;
    let all =
        workspaces.iter().flat_map(|workspace| KINDS.map(|(context, _, tasks)| make(&site, workspace, context, tasks)));
    let (said, (most, most_of_context)) = tokio::join!(
        async {
            let said = join_all(all).await;
            is_over.store(true, Ordering::Relaxed);
            said
        },
        watch(desk, &workspaces, &is_over)
    );
    println!("at most {most} slots of a workspace and {most_of_context} of a context were taken");
    assert!((3..=SLOTS).contains(&most), "{most}");
    assert_eq!(most_of_context, SLOTS_OF_CONTEXT);
    let said: BTreeMap<String, Vec<String>> = said.into_iter().flatten().collect();
    assert_eq!(said.len(), WORKSPACES * KINDS.iter().map(|(.., tasks)| tasks).sum::<usize>());
    let mut states: BTreeMap<(String, TaskState), usize> = BTreeMap::new();
    let mut desk = site.desk().await;
    for workspace in &workspaces {
        for view in desk.tasks(workspace).await {
            let rows = desk.task(workspace, &view.id).await;
            let (task, kind) = (&rows.task, view.context.leaf().to_owned());
            let last = rows.steps.last().map(|step| step.status);
            match task.state {
                TaskState::Succeeded => assert_eq!(last, Some(StepStatus::Done), "{}", shown(&rows)),
                TaskState::Dead => assert_eq!((task.failures, last), (2, Some(StepStatus::Failed)), "{}", shown(&rows)),
                TaskState::Failed => {
                    assert_eq!((task.failures, last), (0, Some(StepStatus::Failed)), "{}", shown(&rows));
                }
                other => panic!("it is {other}: {}", shown(&rows)),
            }
            let words = &said[view.id.as_str()];
            assert_eq!(words.len(), 1, "one message tells its end: {words:?}");
            assert!(words[0].contains(view.id.as_str()) && words[0].contains(&task.spec.title), "{words:?}");
            *states.entry((kind, task.state)).or_default() += 1;
        }
    }
    println!("{states:?}");
    let of = |kind: &str, state| states.get(&(kind.to_owned(), state)).copied().unwrap_or(0);
    assert_eq!(of("sound", TaskState::Succeeded), 4 * WORKSPACES);
    assert_eq!(of("blocked", TaskState::Failed), 2 * WORKSPACES);
    assert_eq!(of("broken", TaskState::Dead), WORKSPACES);
    assert_eq!(of("moody", TaskState::Succeeded) + of("moody", TaskState::Dead), 3 * WORKSPACES);
    assert!(of("moody", TaskState::Succeeded) > WORKSPACES, "most calls of its model are answered");
    let status = desk.status().await;
    assert_eq!(
        status.counts.tasks_dead,
        states.iter().filter(|((_, state), _)| *state == TaskState::Dead).map(|(_, n)| *n as u64).sum::<u64>()
    );
    site.end().await;
}
