//! What customers ask for: talk, commands, talk that writes a file, and tasks that write, post and spawn. Pure.

use serde_json::json;

use super::node::context_name;

/// Where all files of a run are written.
pub(super) const FOLDER: &str = "chaos";
/// Tools of a task, in the order of its script.
pub(super) const OF_TASK: [&str; 4] = ["md_write", "md_write", "post", "spawn_task"];
/// Tools of a subtask.
pub(super) const OF_SUBTASK: [&str; 2] = ["md_write", "post"];

/// What an event asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An answer.
    Talk,
    /// What a command finds, without a model.
    Command,
    /// A turn that writes a file and replaces it.
    Write,
    /// A task.
    Task,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Turn,
    Task,
    Subtask,
}

/// A file that is written once or twice, known by the event it came of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// Below the workspace.
    pub(super) path: String,
    /// The texts it has, one after the other.
    pub(super) texts: Vec<String>,
}

/// What an event and its words are known by.
pub(super) fn token(context: usize, n: u64) -> String {
    format!("<c{context}-{n}>")
}

/// The words of an event.
pub(super) fn words(kind: Kind, context: usize, n: u64, padding: &str) -> String {
    let token = token(context, n);
    match kind {
        Kind::Talk => format!("{token} {padding}"),
        // There is no such file, which is said by its name.
        Kind::Command => format!("/open {token}.md"),
        Kind::Write => format!("{token} {padding}\n{}", File::of(Whose::Turn, context, n).script()),
        Kind::Task => format!("/task {token} writes, posts and spawns\n{}", task_script(context, n)),
    }
}

fn task_script(context: usize, n: u64) -> String {
    let sub = format!(
        "{} of a subtask\n{}{}",
        token(context, n),
        File::of(Whose::Subtask, context, n).script(),
        line("post", &json!({ "text": post(Whose::Subtask, context, n) })),
    );
    let spawn = json!({ "title": format!("part of {}", token(context, n)), "input": sub });
    [
        File::of(Whose::Task, context, n).script(),
        line("post", &json!({ "text": post(Whose::Task, context, n) })),
        line("spawn_task", &spawn),
    ]
    .concat()
}

/// What a task or its subtask posts.
pub(super) fn post(whose: Whose, context: usize, n: u64) -> String {
    let who = if whose == Whose::Subtask { "a subtask" } else { "a task" };
    format!("{} is posted by {who}", token(context, n))
}

impl File {
    /// The file of an event, of its task or of its subtask.
    pub(super) fn of(whose: Whose, context: usize, n: u64) -> Self {
        let (name, times) = match whose {
            Whose::Turn => ("turn", 2),
            Whose::Task => ("task", 2),
            Whose::Subtask => ("subtask", 1),
        };
        let text = |time: usize| {
            let lines = format!("{} of {} in {}\n", time, token(context, n), context_name(context));
            format!("# {name} {n}\n\n{}", lines.repeat(usize::try_from(n % 40).unwrap_or(0) + 1))
        };
        let path = format!("{FOLDER}/{name}-c{context}-{n}.md");
        Self { path, texts: (1..=times).map(text).collect() }
    }

    /// The lines by which a model is made to write it: new, then in place of the text before.
    fn script(&self) -> String {
        let mut replaces = String::new();
        let mut lines = String::new();
        for text in &self.texts {
            lines.push_str(&line("md_write", &json!({ "path": self.path, "text": text, "replaces": replaces })));
            replaces = gate::hash(text.as_bytes());
        }
        lines
    }
}

fn line(tool: &str, arguments: &serde_json::Value) -> String {
    format!("tools: {tool} {arguments}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_s_script_names_its_tools_in_order_and_its_subtask_s_script_is_inside() {
        let tools = |text: &str| -> Vec<String> {
            let lines = text.lines().filter_map(|line| line.strip_prefix("tools: "));
            lines.filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
        };
        let words = words(Kind::Task, 1, 7, "");
        assert_eq!(tools(&words), OF_TASK);
        let spawn = words.lines().find_map(|line| line.strip_prefix("tools: spawn_task ")).unwrap();
        let input = serde_json::from_str::<serde_json::Value>(spawn).unwrap()["input"].as_str().unwrap().to_owned();
        assert_eq!(tools(&input), OF_SUBTASK);
    }

    #[test]
    fn the_second_write_replaces_the_first_text() {
        let file = File::of(Whose::Task, 0, 3);
        assert!(file.script().lines().nth(1).unwrap().contains(&gate::hash(file.texts[0].as_bytes())));
    }
}
