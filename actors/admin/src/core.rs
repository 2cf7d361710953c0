//! What the inspector decides: which task was meant, what of a task fits an answer, what a test of a model asks and what
//! it cost.

use messages::TaskId;
use messages::admin::{ModelTest, TaskDo};
use messages::model::{Answer, Billed, Class, Failure, Purpose, Request};
use messages::offer::{Offer, Offers};
use messages::step::{Usage, What};
use messages::store::{Counts, StepRow, TaskFound, TaskView};
use messages::task::Msg as TaskMsg;
use messages::turn::Principal;

/// Characters of a result, an input or a step that are shown; the record file has the rest.
pub(crate) const SHOWN_CHARS_MAX: usize = 4_000;
/// Characters of a result in a list of tasks.
pub(crate) const LISTED_CHARS_MAX: usize = 400;
/// The most tasks of one answer.
pub(crate) const TASKS_MAX: u32 = 256;
/// The longest answer that a test of a model takes, in bytes.
const TEST_ANSWER_BYTES: usize = 200;
/// The most tokens that a test of a model may write: models that think use some before the first word.
const TEST_OUTPUT_TOKENS: u64 = 2_048;
/// How long a test of a model may take, in seconds.
pub(crate) const TEST_SECONDS_MAX: u64 = 120;

/// The one task that was meant.
///
/// # Errors
/// One sentence that says what to type.
pub(crate) fn meant(found: TaskFound, prefix: &str) -> Result<TaskId, String> {
    match found {
        TaskFound::Found(rows, _) => Ok(rows.task.id),
        TaskFound::Unknown => Err(format!("there is no task `{prefix}` in this workspace; `tasks --all` names them")),
        TaskFound::Ambiguous(ids) => {
            let ids: Vec<&str> = ids.iter().map(TaskId::as_str).collect();
            Err(format!("`{prefix}` begins several tasks ({}); give more of the id", ids.join(", ")))
        }
    }
}

/// What a task is asked.
pub(crate) fn ask_of(what: TaskDo, principal: Principal) -> TaskMsg {
    match what {
        TaskDo::Cancel => TaskMsg::Cancel(principal),
        TaskDo::Retry => TaskMsg::Retry(principal),
        TaskDo::Discard => TaskMsg::Discard(principal),
    }
}

/// A page of tasks as it fits an answer.
pub(crate) fn listed(mut tasks: Vec<TaskView>) -> Vec<TaskView> {
    tasks.iter_mut().for_each(|task| short(task, LISTED_CHARS_MAX));
    tasks
}

/// A task as it fits an answer: long texts are cut and say so.
pub(crate) fn shown(found: TaskFound) -> TaskFound {
    let TaskFound::Found(mut rows, mut below) = found else { return found };
    let task = &mut rows.task;
    for text in
        [&mut task.result, &mut task.reason, &mut task.spec.input, &mut task.spec.prompt, &mut task.spec.memory.text]
    {
        cut(text, SHOWN_CHARS_MAX);
    }
    rows.steps.iter_mut().for_each(short_step);
    rows.children.iter_mut().for_each(|task| short(task, LISTED_CHARS_MAX));
    below.iter_mut().for_each(|task| short(task, LISTED_CHARS_MAX));
    TaskFound::Found(rows, below)
}

fn short(task: &mut TaskView, chars_max: usize) {
    cut(&mut task.result, chars_max);
    cut(&mut task.reason, chars_max);
}

fn short_step(step: &mut StepRow) {
    cut(&mut step.output, LISTED_CHARS_MAX);
    if let What::Tool(call) = &mut step.what {
        cut(&mut call.arguments, LISTED_CHARS_MAX);
    }
}

fn cut(text: &mut String, chars_max: usize) {
    if let Some((at, _)) = text.char_indices().nth(chars_max) {
        text.truncate(at);
        text.push('…');
    }
}

/// What is wrong by the counts alone, one line each.
pub(crate) fn alarms(counts: &Counts) -> Vec<String> {
    let lines = [
        (counts.in_doubt, "replies are in doubt: `agent-runtime verify` names them"),
        (
            counts.tasks_in_doubt,
            "tasks wait because it is not known whether a step was done: `agent-runtime tasks` names them, `tasks retry` or `tasks cancel` decides",
        ),
        (
            counts.tasks_dead,
            "tasks failed too often and were given up: `agent-runtime tasks` names them, `tasks retry` or `tasks discard` decides",
        ),
    ];
    lines.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}

/// The model that a test asks: by its name, or the first of the chat route.
///
/// # Errors
/// Why there is none.
pub(crate) fn tested<'o>(offers: &'o Offers, name: &str) -> Result<&'o Offer, Box<Failure>> {
    let found = match name {
        "" => offers.chain(Purpose::Chat, &[]).first().copied(),
        name => offers.find(name),
    };
    found.ok_or_else(|| {
        let message =
            if name.is_empty() { "no model is routed for chat".into() } else { format!("there is no model `{name}`") };
        let advice = "`agent-runtime model list` names those that are there".into();
        Box::new(failure(Class::NotAllowed, message, advice, name))
    })
}

/// The small question.
pub(crate) fn question(model: &str) -> Request {
    Request {
        allowed: vec![model.to_owned()],
        purpose: Purpose::Chat,
        interactive: true,
        question: "Answer with the one word: pong".to_owned(),
        answer_bytes_max: TEST_ANSWER_BYTES,
        output_tokens_max: TEST_OUTPUT_TOKENS,
        seconds_max: TEST_SECONDS_MAX,
        ..Request::default()
    }
}

/// A failure that costs nothing.
pub(crate) fn failure(class: Class, message: String, advice: String, model: &str) -> Failure {
    Failure { class, message, advice, model: model.to_owned(), billed: Billed::Nothing, retry_at: None }
}

/// What came of a test, with what it cost by the prices of the model that answered.
pub(crate) fn test(offers: &Offers, asked: &str, took_ms: u64, answer: Result<Answer, Failure>) -> ModelTest {
    let (model, usage) = match &answer {
        Ok(answer) => (answer.model.as_str(), answer.usage),
        Err(Failure { model, billed: Billed::Known(usage), .. }) => (model.as_str(), *usage),
        Err(failure) => (failure.model.as_str(), Usage::default()),
    };
    let model = if model.is_empty() { asked } else { model };
    let micro_usd = offers.find(model).map_or(0, |offer| offer.prices.cost(usage));
    ModelTest { model: model.to_owned(), took_ms, answer, micro_usd }
}

#[cfg(test)]
mod tests {
    use messages::offer::Prices;

    use super::*;

    fn offers() -> Offers {
        let prices = Prices { input: 1_000_000, output: 2_000_000, cached: 0 };
        let offer = |name: &str| Offer { name: name.into(), provider: name.into(), prices, ..Offer::default() };
        let routes = [(Purpose::Chat, vec!["zai".to_owned()])].into_iter().collect();
        Offers { all: vec![offer("local"), offer("zai")], routes }
    }

    #[test]
    fn a_task_that_is_not_clear_is_told_in_words() {
        let told = meant(TaskFound::Unknown, "tsk_4k2v").unwrap_err();
        assert!(told.contains("no task `tsk_4k2v`"), "{told}");
        let ids = ["a", "b"].map(|key| TaskId::of("home", key)).to_vec();
        let told = meant(TaskFound::Ambiguous(ids.clone()), "tsk_4").unwrap_err();
        assert!(ids.iter().all(|id| told.contains(id.as_str())), "{told}");
    }

    #[test]
    fn long_texts_are_cut_at_a_character_and_say_so() {
        let cut_to = |text: &str, max| {
            let mut text = text.to_owned();
            cut(&mut text, max);
            text
        };
        assert_eq!((cut_to("äöü", 3).as_str(), cut_to("äöü", 2).as_str(), cut_to("", 0).as_str()), ("äöü", "äö…", ""));
    }

    #[test]
    fn what_waits_for_a_person_is_an_alarm() {
        assert!(alarms(&Counts { accepted: 9, tasks_waiting: 4, ..Counts::default() }).is_empty());
        let told = alarms(&Counts { in_doubt: 1, tasks_in_doubt: 2, tasks_dead: 3, ..Counts::default() });
        assert_eq!(told.len(), 3);
        assert!(told[1].starts_with("2 tasks wait") && told[2].contains("tasks discard"), "{told:?}");
    }

    #[test]
    fn a_test_asks_the_model_that_was_named_or_the_first_of_the_chat_route() {
        let offers = offers();
        assert_eq!(tested(&offers, "").unwrap().name, "zai");
        assert_eq!(tested(&offers, "local").unwrap().name, "local");
        let told = tested(&offers, "zia").unwrap_err();
        assert!(told.message.contains("`zia`") && told.advice.contains("model list"), "{told:?}");
        assert!(tested(&Offers::default(), "").is_err());
        let asked = question("local");
        assert_eq!(
            (asked.allowed, asked.answer_bytes_max, asked.output_tokens_max),
            (vec!["local".into()], 200, 2_048)
        );
    }

    #[test]
    fn a_test_costs_what_the_model_that_answered_asks_for() {
        let usage = Usage { input: 10, output: 5, ..Usage::default() };
        let answer = Answer { text: "pong".into(), model: "zai".into(), usage, ..Answer::default() };
        let done = test(&offers(), "zai", 7, Ok(answer));
        assert_eq!((done.model.as_str(), done.took_ms, done.micro_usd), ("zai", 7, 20));
        let mut failed = failure(Class::Empty, "it said nothing".into(), "try again".into(), "");
        assert_eq!(test(&offers(), "local", 7, Err(failed.clone())).micro_usd, 0);
        failed.billed = Billed::Known(usage);
        let done = test(&offers(), "local", 7, Err(failed));
        assert_eq!((done.model.as_str(), done.micro_usd), ("local", 20));
    }
}
