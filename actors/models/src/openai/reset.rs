//! When a provider says that it is worth to try again: in a header or in words. Pure.

use std::time::Duration;

use messages::Moment;

use crate::fault::Wait;

/// Hours by which a time without a zone is ahead of UTC: z.ai tells its resets by the clock of Beijing.
const ZONE_HOURS: i64 = 8;
/// Characters of a text that are looked through.
const TEXT_BYTES_MAX: usize = 4_096;
/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;
/// Names of months in a header's date.
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// What a `Retry-After` says: seconds, or a date (`Wed, 21 Oct 2026 07:28:00 GMT`).
pub(crate) fn retry_after(value: &str) -> Option<Wait> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Wait::For(Duration::from_secs(seconds)));
    }
    let (_, date) = value.split_once(", ")?;
    let mut parts = date.split(' ');
    let day = parts.next()?.parse().ok()?;
    let month = parts.next()?;
    let month = 1 + i64::try_from(MONTHS.iter().position(|name| *name == month)?).ok()?;
    let year = parts.next()?.parse().ok()?;
    let time = Cursor(parts.next()?.as_bytes()).time()?;
    Some(Wait::Until(moment((year, month, day), time, 0)?))
}

/// When a quota is reset, as an error's words tell it: `… reset at 2026-09-12 00:35:41`, or `… in 2 hours`.
pub(crate) fn reset(text: &str) -> Option<Wait> {
    let text = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default();
    stamp(text).map(Wait::Until).or_else(|| span(text).map(Wait::For))
}

/// The first `2026-09-12 00:35:41` with or without `T`, seconds, fractions and zone.
fn stamp(text: &str) -> Option<Moment> {
    let bytes = text.as_bytes();
    let begins = |at: usize| at == 0 || !bytes.get(at - 1).is_some_and(u8::is_ascii_digit);
    let mut places = (0..bytes.len()).filter(|at| begins(*at));
    places.find_map(|at| Cursor(bytes.get(at..)?).stamp())
}

/// What is left to read.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn stamp(mut self) -> Option<Moment> {
        let date = self.date()?;
        if !(self.eat(b' ') || self.eat(b'T')) {
            return None;
        }
        let time = self.time()?;
        if self.eat(b'.') {
            while self.0.first().is_some_and(u8::is_ascii_digit) {
                self.skip(1);
            }
        }
        moment(date, time, self.zone_minutes())
    }

    fn date(&mut self) -> Option<(i64, i64, i64)> {
        let year = self.number(4)?;
        let month = self.eat(b'-').then(|| self.number(2))??;
        let day = self.eat(b'-').then(|| self.number(2))??;
        Some((year, month, day))
    }

    fn time(&mut self) -> Option<(i64, i64, i64)> {
        let hour = self.number(2)?;
        let minute = self.eat(b':').then(|| self.number(2))??;
        let second = if self.eat(b':') { self.number(2)? } else { 0 };
        Some((hour, minute, second))
    }

    /// Minutes by which the time is ahead of UTC.
    fn zone_minutes(mut self) -> i64 {
        let rest = self.0.trim_ascii_start();
        let rest = rest.strip_prefix(b"(").unwrap_or(rest);
        let named = [&b"UTC"[..], b"GMT", b"Z"].into_iter().find(|name| rest.starts_with(name));
        self.0 = named.map_or(rest, |name| rest.get(name.len()..).unwrap_or_default());
        let sign = match self.0.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return if named.is_some() { 0 } else { ZONE_HOURS * 60 },
        };
        self.skip(1);
        let hours = self.number(2).or_else(|| self.number(1));
        self.eat(b':');
        let minutes = self.number(2).unwrap_or(0);
        hours.map_or(ZONE_HOURS * 60, |hours| sign * (hours * 60 + minutes))
    }

    fn number(&mut self, digits: usize) -> Option<i64> {
        let part = self.0.get(..digits).filter(|part| part.iter().all(u8::is_ascii_digit))?;
        let number = part.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        self.skip(digits);
        Some(number)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.0.first() == Some(&byte);
        if is_there {
            self.skip(1);
        }
        is_there
    }

    fn skip(&mut self, bytes: usize) {
        self.0 = self.0.get(bytes..).unwrap_or_default();
    }
}

fn moment((year, month, day): (i64, i64, i64), (hour, minute, second): (i64, i64, i64), zone: i64) -> Option<Moment> {
    let is_date = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..=60).contains(&second);
    if !is_date || !is_time {
        return None;
    }
    let minutes = days(year, month, day) * 1_440 + hour * 60 + minute - zone;
    Some(Moment((minutes * 60 + second) * 1_000))
}

/// Days since the Unix epoch (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// `in 1 hour and 5 minutes`: all that follows the first `in` or `after` that a number follows.
fn span(text: &str) -> Option<Duration> {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '.' | ';')).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty() && *word != "and").collect();
    words.windows(3).enumerate().find_map(|(at, window)| {
        let begins = window.first().is_some_and(|word| ["in", "after"].contains(word));
        begins.then(|| sum(words.get(at + 1..)?)).flatten()
    })
}

fn sum(words: &[&str]) -> Option<Duration> {
    let part = |pair: &[&str]| match pair {
        [number, unit] => Some(unit_ms(unit)?.checked_mul(number.parse::<i64>().ok()?)?),
        _ => None,
    };
    let parts: Vec<i64> = words.chunks(2).map_while(part).collect();
    let ms = parts.iter().fold(0i64, |sum, part| sum.saturating_add(*part));
    u64::try_from(ms).ok().filter(|_| !parts.is_empty()).map(Duration::from_millis)
}

fn unit_ms(unit: &str) -> Option<i64> {
    match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1_000),
        "m" | "min" | "mins" | "minute" | "minutes" => Some(60_000),
        "h" | "hour" | "hours" => Some(HOUR_MS),
        "d" | "day" | "days" => Some(24 * HOUR_MS),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-09-11 16:35:41 UTC.
    const AT: i64 = 1_789_144_541_000;

    #[test]
    fn a_time_in_words_is_found_and_without_a_zone_it_is_that_of_beijing() {
        for text in [
            "Usage limit reached for 5 hour. Your limit will reset at 2026-09-12 00:35:41",
            "[1308][Usage limit reached for 5 hour. Your limit will reset at 2026-09-12 00:35:41][20260912001903b495]",
            "已达到 5 小时的使用上限。您的限额将在 2026-09-12 00:35:41 重置。",
            "Resets at 2026-09-11T16:35:41Z",
            "Resets at 2026-09-11T16:35:41.403Z.",
            "Resets at 2026-09-11 16:35:41 UTC",
            "Resets at 2026-09-12 00:35:41 +0800",
            "Resets at 2026-09-12 00:35:41+08:00",
            "Resets at 2026-09-12 00:35:41 (UTC+8)",
            "Resets at 2026-09-12 00:35:41 UTC+8",
            "Resets at 2026-09-11 11:35:41-05:00",
        ] {
            assert_eq!(reset(text), Some(Wait::Until(Moment(AT))), "{text}");
        }
        assert_eq!(reset("at 2026-09-12 00:35"), Some(Wait::Until(Moment(AT - 41_000))));
        assert_eq!(reset("at 2028-02-29 08:00:00"), Some(Wait::Until(Moment(1_835_395_200_000))));
    }

    #[test]
    fn a_span_in_words_is_summed_up() {
        for (text, seconds) in [
            ("try again in 5 minutes", 300),
            ("Resets in 1 hour.", 3_600),
            ("resets in 1 hour and 5 minutes, or buy more", 3_900),
            ("Limit reached for 5 hour, resets in 3 days", 259_200),
            ("after 30 seconds", 30),
        ] {
            assert_eq!(reset(text), Some(Wait::For(Duration::from_secs(seconds))), "{text}");
        }
    }

    #[test]
    fn what_names_no_time_is_none() {
        for text in [
            "",
            "soon",
            "in",
            "in time",
            "in 5",
            "in -5 minutes",
            "for 5 hours",
            "2026-13-01 00:00:00",
            "2026-09-12",
            "12026-09-12 00:35:41",
            "2026-09-12 25:00:00",
            "in 99999999999999999999 days",
        ] {
            assert_eq!(reset(text), None, "{text}");
        }
    }

    #[test]
    fn a_header_holds_seconds_or_a_date() {
        assert_eq!(retry_after(" 20 "), Some(Wait::For(Duration::from_secs(20))));
        assert_eq!(retry_after("Fri, 11 Sep 2026 16:35:41 GMT"), Some(Wait::Until(Moment(AT))));
        for value in ["", "soon", "-1", "Fri, 11 Foo 2026 16:35:41 GMT", "Fri, 11 Sep 2026", "1.5"] {
            assert_eq!(retry_after(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn whatever_it_reads_it_never_fails(text in "\\PC{0,60}", digits in "[0-9:. TZ+-]{0,40}") {
            reset(&text);
            reset(&digits);
            retry_after(&text);
        }

        #[test]
        fn days_follow_each_other(year in 1970i64..9998, month in 1i64..12) {
            prop_assert_eq!(days(year + 1, 1, 1) - days(year, 12, 31), 1);
            let length = days(year, month + 1, 1) - days(year, month, 1);
            prop_assert!((28..=31).contains(&length), "{}", length);
        }
    }
}
