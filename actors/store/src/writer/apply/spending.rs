//! Accounts by day: what is put aside before a call, and what it has cost.

use messages::step::{Cost, Limit, Reserve, Spending, Usage};
use rusqlite::{OptionalExtension as _, params};

use super::{Stop, Tx, conflict, int};

/// Millionths of a dollar in a dollar.
const DOLLAR: u64 = 1_000_000;

const STANDS: &str = "SELECT micro_usd, input + output, reserved_micro_usd, reserved_tokens FROM spending
    WHERE day = ?1 AND account = ?2";
const ADD: &str = "INSERT INTO spending (day, account, micro_usd, input, output, cached, reasoning, calls,
    reserved_micro_usd, reserved_tokens) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
    ON CONFLICT (day, account) DO UPDATE SET micro_usd = micro_usd + excluded.micro_usd,
    input = input + excluded.input, output = output + excluded.output, cached = cached + excluded.cached,
    reasoning = reasoning + excluded.reasoning, calls = calls + excluded.calls,
    reserved_micro_usd = reserved_micro_usd + excluded.reserved_micro_usd,
    reserved_tokens = reserved_tokens + excluded.reserved_tokens";
const RELEASE: &str = "UPDATE spending SET reserved_micro_usd = reserved_micro_usd - ?3,
    reserved_tokens = reserved_tokens - ?4 WHERE day = ?1 AND account = ?2";

/// Puts aside what a call may cost at most, unless an account would be overdrawn.
pub(super) fn put_aside(tx: &Tx<'_>, reserve: &Reserve) -> Result<(), Stop> {
    for limit in &reserve.limits {
        check(tx, reserve, limit)?;
    }
    for account in accounts(reserve) {
        let reserved =
            Spending { reserved_micro_usd: reserve.micro_usd, reserved_tokens: reserve.tokens, ..Spending::default() };
        add(tx, &Spending { day: reserve.day, account: account.to_owned(), ..reserved })?;
    }
    Ok(())
}

/// What was put aside is free again.
pub(super) fn release(tx: &Tx<'_>, reserve: &Reserve) -> Result<(), Stop> {
    let (micro_usd, tokens) = (int("micro_usd", reserve.micro_usd)?, int("tokens", reserve.tokens)?);
    for account in accounts(reserve) {
        tx.run(RELEASE, params![reserve.day.0, account, micro_usd, tokens])?;
    }
    Ok(())
}

/// The call was cut off: what was put aside for it is spent, as it may have been used.
pub(super) fn forfeit(tx: &Tx<'_>, reserve: &Reserve) -> Result<(), Stop> {
    release(tx, reserve)?;
    for account in accounts(reserve) {
        let usage = Usage { input: reserve.tokens, ..Usage::default() };
        let spent = Spending { micro_usd: reserve.micro_usd, usage, ..Spending::default() };
        add(tx, &Spending { day: reserve.day, account: account.to_owned(), ..spent })?;
    }
    Ok(())
}

/// Charges what a call has cost to its accounts and to its model.
pub(super) fn charge(tx: &Tx<'_>, cost: &Cost) -> Result<(), Stop> {
    let model = format!("model/{}", cost.model);
    let accounts = cost.accounts.iter().map(String::as_str);
    for account in once(accounts.chain((!cost.model.is_empty()).then_some(model.as_str()))) {
        let spent = Spending { micro_usd: cost.micro_usd, usage: cost.usage, calls: 1, ..Spending::default() };
        add(tx, &Spending { day: cost.day, account: account.to_owned(), ..spent })?;
    }
    Ok(())
}

fn accounts(reserve: &Reserve) -> Vec<&str> {
    once(reserve.limits.iter().map(|limit| limit.account.as_str()))
}

/// Each account once, however often it is named.
fn once<'a>(accounts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all = Vec::new();
    for account in accounts {
        if !all.contains(&account) {
            all.push(account);
        }
    }
    all
}

fn add(tx: &Tx<'_>, more: &Spending) -> Result<(), Stop> {
    let row = params![
        more.day.0,
        more.account,
        int("micro_usd", more.micro_usd)?,
        int("tokens", more.usage.input)?,
        int("tokens", more.usage.output)?,
        int("tokens", more.usage.cached)?,
        int("tokens", more.usage.reasoning)?,
        int("calls", more.calls)?,
        int("micro_usd", more.reserved_micro_usd)?,
        int("tokens", more.reserved_tokens)?,
    ];
    tx.run(ADD, row)?;
    Ok(())
}

fn check(tx: &Tx<'_>, reserve: &Reserve, limit: &Limit) -> Result<(), Stop> {
    let account = &limit.account;
    let unsigned =
        |row: &rusqlite::Row<'_>, at| Ok::<_, rusqlite::Error>(row.get::<_, i64>(at)?.max(0).cast_unsigned());
    let row = |row: &rusqlite::Row<'_>| {
        let used =
            |spent, reserved| Ok::<_, rusqlite::Error>(unsigned(row, spent)?.saturating_add(unsigned(row, reserved)?));
        Ok((used(0, 2)?, used(1, 3)?))
    };
    let found = tx.prepare(STANDS)?.query_row(params![reserve.day.0, account], row).optional()?;
    let (micro_usd, tokens) = found.unwrap_or((0, 0));
    overdrawn(account, (micro_usd, reserve.micro_usd, limit.micro_usd), dollars)?;
    overdrawn(account, (tokens, reserve.tokens, limit.tokens), |tokens| format!("{tokens} tokens"))
}

/// `amounts`: what is used and reserved, what is asked for, the limit.
fn overdrawn(account: &str, amounts: (u64, u64, Option<u64>), words: fn(u64) -> String) -> Result<(), Stop> {
    let (used, asked, Some(limit)) = amounts else { return Ok(()) };
    if used.saturating_add(asked) <= limit {
        return Ok(());
    }
    let (left, limit, asked) = (words(limit.saturating_sub(used)), words(limit), words(asked));
    conflict(format!("the account {account} has {left} left of {limit} a day; the call may need {asked}"))
}

/// `$1.50`; as many digits as there are, two at least.
fn dollars(micro_usd: u64) -> String {
    let cents = format!("{:06}", micro_usd % DOLLAR);
    let rest = cents.trim_end_matches('0');
    format!("${}.{rest:0<2}", micro_usd / DOLLAR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_said_to_the_last_digit_that_counts() {
        let said: Vec<_> = [0, 1_500_000, 250_000, 1, 20_000_000].into_iter().map(dollars).collect();
        assert_eq!(said, ["$0.00", "$1.50", "$0.25", "$0.000001", "$20.00"]);
    }

    #[test]
    fn each_account_is_charged_once() {
        assert_eq!(once(["node", "ws/a", "node"].into_iter()), ["node", "ws/a"]);
    }
}
