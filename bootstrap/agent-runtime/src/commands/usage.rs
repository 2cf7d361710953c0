//! `usage`: what was spent.

use std::process::ExitCode;

use anyhow::bail;
use console::wire::{AdminAsk, Answered};
use messages::step::{Day, Spending};
use runtime::{Clock as _, SystemClock};
use serde_json::json;

use super::operator::ask;
use super::reading::dollars;
use super::{give_json, give_table};
use crate::cli::Usage;
use crate::logging;
use crate::node::HOME;

pub(super) async fn run(args: Usage) -> anyhow::Result<ExitCode> {
    let to = Day::of(SystemClock.now());
    let what = AdminAsk::Usage { from: first(to, args.days), to, account: String::new() };
    let Answered::Usage(rows) = ask(&args.read.place, what, HOME, "general").await? else {
        bail!("the node answered something else than what was spent");
    };
    if args.read.json {
        give_json(&rows.iter().map(object).collect::<Vec<_>>())?;
    } else if rows.is_empty() {
        logging::say("nothing was spent; models that are free are counted too once they are asked");
    } else {
        give_table(&["DAY", "ACCOUNT", "CALLS", "IN", "OUT", "CACHED", "COST", "RESERVED"], rows.iter().map(row));
    }
    Ok(ExitCode::SUCCESS)
}

/// The first of so many days that end with this one.
fn first(to: Day, days: u32) -> Day {
    Day(to.0.saturating_sub(i64::from(days.saturating_sub(1))))
}

fn date(day: Day) -> String {
    markdown::civil::utc(day.begins().0).chars().take_while(|c| *c != ' ').collect()
}

fn object(of: &Spending) -> serde_json::Value {
    json!({
        "day": date(of.day),
        "account": of.account,
        "calls": of.calls,
        "usage": of.usage,
        "micro_usd": of.micro_usd,
        "reserved_micro_usd": of.reserved_micro_usd,
        "reserved_tokens": of.reserved_tokens,
    })
}

fn row(of: &Spending) -> Vec<String> {
    let reserved = if of.reserved_micro_usd > 0 { dollars(of.reserved_micro_usd) } else { String::new() };
    vec![
        date(of.day),
        of.account.clone(),
        of.calls.to_string(),
        of.usage.input.to_string(),
        of.usage.output.to_string(),
        of.usage.cached.to_string(),
        dollars(of.micro_usd),
        reserved,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_days_end_with_today() {
        assert_eq!(first(Day(20_000), 1), Day(20_000));
        assert_eq!(first(Day(20_000), 7), Day(19_994));
    }

    #[test]
    fn a_day_is_its_date() {
        assert_eq!(date(Day(0)), "1970-01-01");
        assert_eq!(date(Day(20_000)), "2024-10-04");
    }
}
