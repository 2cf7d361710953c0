//! `retention`: how long what is kept, and what was erased.

use std::process::ExitCode;

use anyhow::bail;
use console::escape::for_one_line;
use console::wire::{AdminAsk, Answered};
use markdown::civil::utc;
use messages::Moment;
use messages::retention::{Reply, View};
use messages::store::ForgetRow;

use super::give_json;
use super::operator::ask;
use crate::cli::Read;
use crate::logging;
use crate::node::HOME;

pub(super) async fn run(args: Read) -> anyhow::Result<ExitCode> {
    let view = match ask(&args.place, AdminAsk::Retention, HOME, "general").await? {
        Answered::Retention(Reply::Described(view)) => view,
        Answered::Retention(Reply::Refused(why)) => bail!("{why}"),
        _ => bail!("the node answered something else than how retention stands"),
    };
    if args.json {
        give_json(&view)?;
    } else {
        logging::give(&lines(&view).join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(view: &View) -> Vec<String> {
    let (policy, row) = (&view.policy, &view.row);
    let memory = if policy.memory { "memory goes with it" } else { "memory stays" };
    let archive = if policy.archive { "written into a file before" } else { "written nowhere" };
    let mut lines = vec![
        match policy.messages_days {
            Some(days) => format!("messages {days} days after their outcome, {memory}; {} past it", view.events_past),
            None => "messages kept for ever".to_owned(),
        },
        match policy.audit_days {
            Some(days) => format!("audit    {days} days, {archive}; {} records past it", view.audit_past),
            None => "audit    kept for ever".to_owned(),
        },
        format!("erased   {} events by their age, {} audit records taken out, ever", row.marked_ever, row.cut_ever),
    ];
    let marked = if view.marked > 0 { format!(", {} not erased yet", view.marked) } else { String::new() };
    lines.push(match (row.began, row.ended) {
        (Some(began), Some(_)) => format!("last     {}, {} events{marked}", utc(began.0), row.marked),
        (Some(began), None) => format!("now      since {}, {} events so far{marked}", utc(began.0), row.marked),
        (None, _) => "last     never".to_owned(),
    });
    if !view.held.is_empty() {
        lines.push(format!("HELD     {}", view.held));
    }
    lines.extend(view.forgetting.iter().map(forgetting));
    lines
}

fn forgetting(row: &ForgetRow) -> String {
    let (Moment(at), user) = (row.asked_at, for_one_line(&row.person.user));
    let place = row.workspace.as_ref().map(|workspace| format!(" in {workspace}")).unwrap_or_default();
    format!("forgets  {user}{place}, asked for {}: {} events found, {} left", utc(at), row.events, row.left)
}

#[cfg(test)]
mod tests {
    use messages::retention::Policy;
    use messages::store::{Person, RetentionRow};

    use super::*;

    #[test]
    fn how_it_stands_is_said_in_a_few_lines() {
        assert_eq!(
            lines(&View::default()),
            [
                "messages kept for ever",
                "audit    kept for ever",
                "erased   0 events by their age, 0 audit records taken out, ever",
                "last     never"
            ]
        );
        let at = |ms| Some(Moment(ms));
        let view = View {
            policy: Policy { messages_days: Some(30), memory: true, audit_days: Some(400), archive: false },
            row: RetentionRow {
                began: at(0),
                ended: at(1),
                marked: 3,
                marked_ever: 9,
                cut_ever: 7,
                ..RetentionRow::default()
            },
            events_past: 2,
            audit_past: 1,
            marked: 1,
            held: "the date is in doubt".into(),
            next: None,
            forgetting: vec![ForgetRow {
                person: Person { connector: "console".into(), user: "a\nnn".into() },
                events: 5,
                left: 4,
                ..ForgetRow::default()
            }],
        };
        let told = lines(&view);
        assert_eq!(told[0], "messages 30 days after their outcome, memory goes with it; 2 past it");
        assert_eq!(told[1], "audit    400 days, written nowhere; 1 records past it");
        assert_eq!(told[3], "last     1970-01-01 00:00:00Z, 3 events, 1 not erased yet");
        assert_eq!(told[4], "HELD     the date is in doubt");
        assert!(told[5].ends_with("5 events found, 4 left") && !told[5].contains('\n'), "{}", told[5]);
    }
}
