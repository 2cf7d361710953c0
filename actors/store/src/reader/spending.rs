//! What was spent, by account and day.

use messages::Address;
use messages::step::{Day, Spending, Usage};
use messages::store::Rows;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::all;
use super::rows::unsigned;

/// The account of the whole node.
const NODE: &str = "node";

macro_rules! select_spending {
    ($rest:literal) => {
        concat!(
            "SELECT day, account, micro_usd, input, output, cached, reasoning, calls, reserved_micro_usd, ",
            "reserved_tokens FROM spending ",
            $rest
        )
    };
}

pub(super) const DAYS: &str = select_spending!(
    "WHERE day >= ?1 AND day <= ?2 AND substr(account, 1, length(?3)) = ?3 ORDER BY day, account LIMIT ?4"
);
pub(super) const LATEST: &str =
    select_spending!("INDEXED BY spending_account WHERE account = ?1 ORDER BY day DESC LIMIT 1");

fn row(row: &Row<'_>) -> rusqlite::Result<Spending> {
    Ok(Spending {
        day: Day(row.get(0)?),
        account: row.get(1)?,
        micro_usd: unsigned(row, 2)?,
        usage: Usage {
            input: unsigned(row, 3)?,
            output: unsigned(row, 4)?,
            cached: unsigned(row, 5)?,
            reasoning: unsigned(row, 6)?,
        },
        calls: unsigned(row, 7)?,
        reserved_micro_usd: unsigned(row, 8)?,
        reserved_tokens: unsigned(row, 9)?,
    })
}

pub(super) fn spending(sql: &Connection, days: (Day, Day), account: &str, limit: u32) -> rusqlite::Result<Rows> {
    all(sql, DAYS, params![days.0.0, days.1.0, account, limit], row).map(Rows::Spending)
}

/// The latest day of each account that the work of a context is charged to.
pub(super) fn latest(sql: &Connection, context: &Address) -> rusqlite::Result<Vec<Spending>> {
    let workspace = context.workspace_of().map(|slug| Address::workspace(&slug));
    let accounts = [Some(NODE), workspace.as_ref().map(Address::as_str), Some(context.as_str())];
    let mut found = Vec::new();
    for account in accounts.into_iter().flatten() {
        found.extend(sql.prepare_cached(LATEST)?.query_row([account], row).optional()?);
    }
    Ok(found)
}
