//! Moments as people read them: `2026-11-22 10:15:03Z`.
//!
//! The calendar arithmetic is Howard Hinnant's `civil_from_days` and `days_from_civil`
//! (<https://howardhinnant.github.io/date_algorithms.html>).

const MS_PER_SECOND: i64 = 1_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// The UTC date and time of `at_ms` milliseconds since the Unix epoch, to the second: `2026-11-22 10:15:03Z`.
#[must_use]
pub fn utc(at_ms: i64) -> String {
    let seconds = at_ms.div_euclid(MS_PER_SECOND);
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// Reads back what [`utc`] wrote, in milliseconds since the Unix epoch (whole seconds). `None` when it is anything else.
#[must_use]
pub fn parse_utc(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once(' ')?;
    let (negative, date) = date.strip_prefix('-').map_or((false, date), |rest| (true, rest));
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.split(':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    let days = days_from_civil(if negative { -year } else { year }, month, day)?;
    let seconds = days.checked_mul(SECONDS_PER_DAY)?.checked_add(hour * 3_600 + minute * 60 + second)?;
    let at_ms = seconds.checked_mul(MS_PER_SECOND)?;
    // One spelling only: 7:5:3, a thirteenth month and trailing parts are refused by writing it again.
    (utc(at_ms) == text).then_some(at_ms)
}

/// The moment of a day or time as people write it, in milliseconds since the Unix epoch: `2026-03-01`, or a time of RFC
/// 3339 with its small freedoms (`2026-03-01T10:15Z`, `2026-03-01 10:15:03.5+02:00`). Without an offset it is UTC; a
/// day is its first moment; digits beyond milliseconds are dropped. `None` when it is anything else.
#[must_use]
pub fn parse_date(text: &str) -> Option<i64> {
    let text = text.trim();
    let (date, rest) = text.split_at_checked("2026-03-01".len())?;
    let day_ms = first_moment(date)?;
    if rest.is_empty() {
        return Some(day_ms);
    }
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, offset_ms) = match rest.find(['Z', 'z', '+', '-']) {
        None => (rest, 0),
        Some(at) => {
            let (clock, offset) = rest.split_at_checked(at)?;
            (clock, offset_ms(offset)?)
        }
    };
    day_ms.checked_add(clock_ms(clock.trim_end())?)?.checked_sub(offset_ms)
}

/// The first moment of a year `2026`, a month `2026-03` or a day `2026-03-01`, UTC, in milliseconds since the Unix
/// epoch. `None` when it is anything else.
#[must_use]
pub fn first_moment(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |month| digits(month, 2))?;
    let day = parts.next().map_or(Some(1), |day| digits(day, 2))?;
    let days = days_from_civil(year, month, day)?;
    // The thirtieth of February is refused by going back.
    let is_day = parts.next().is_none() && civil_from_days(days) == (year, month, day);
    is_day.then_some(days * SECONDS_PER_DAY * MS_PER_SECOND)
}

/// `10:15`, `10:15:03` or `10:15:03.25`, in milliseconds.
fn clock_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    let mut parts = whole.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next();
    let ms = match (second, fraction) {
        (_, None) => 0,
        (None, Some(_)) => return None,
        (Some(_), Some(fraction)) => thousandths(fraction)?,
    };
    let second = second.map_or(Some(0), |second| digits(second, 2))?;
    // A leap second is the first of the next minute.
    let is_clock = parts.next().is_none() && hour < 24 && minute < 60 && second <= 60;
    is_clock.then_some((hour * 3_600 + minute * 60 + second) * MS_PER_SECOND + ms)
}

fn thousandths(fraction: &str) -> Option<i64> {
    let is_number = !fraction.is_empty() && fraction.bytes().all(|c| c.is_ascii_digit());
    let mut first = fraction.bytes().chain([b'0', b'0']).take(3);
    is_number.then(|| first.try_fold(0, |ms, c| Some(ms * 10 + i64::from(c.checked_sub(b'0')?))))?
}

/// `Z`, `+02:00`, `+0200` or `+02`, in milliseconds.
fn offset_ms(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, clock) = text.strip_prefix('-').map(|rest| (-1, rest)).or_else(|| Some((1, text.strip_prefix('+')?)))?;
    let (hour, minute) = clock.split_at_checked(2)?;
    let minute = minute.strip_prefix(':').unwrap_or(minute);
    let minute = if minute.is_empty() && clock.len() == 2 { 0 } else { digits(minute, 2)? };
    let hour = digits(hour, 2)?;
    (hour < 24 && minute < 60).then_some(sign * (hour * 60 + minute) * 60 * MS_PER_SECOND)
}

/// A number of exactly so many digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let is_number = text.len() == count && text.bytes().all(|c| c.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.checked_mul(146_097)?.checked_add(day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "1970-01-01 00:00:00Z")]
    #[case(-1, "1969-12-31 23:59:59Z")]
    #[case(951_827_696_000, "2000-02-29 12:34:56Z")]
    #[case(1_795_342_503_999, "2026-11-22 10:15:03Z")]
    #[case(4_107_542_400_000, "2100-03-01 00:00:00Z")]
    fn known_moments_read_as_they_should(#[case] at_ms: i64, #[case] text: &str) {
        assert_eq!(utc(at_ms), text);
        assert_eq!(parse_utc(text), Some(at_ms.div_euclid(1_000) * 1_000));
    }

    #[rstest]
    #[case("2026-11-22 10:15:03")]
    #[case("2026-1-22 10:15:03Z")]
    #[case("2026-02-30 10:15:03Z")]
    #[case("2026-11-22 24:00:00Z")]
    #[case("99999999999999999-01-01 00:00:00Z")]
    fn what_is_no_moment_is_refused(#[case] text: &str) {
        assert_eq!(parse_utc(text), None);
    }

    #[rstest]
    #[case("2026-03-01", "2026-03-01 00:00:00Z", 0)]
    #[case(" 2024-02-29 ", "2024-02-29 00:00:00Z", 0)]
    #[case("0001-01-01", "0001-01-01 00:00:00Z", 0)]
    #[case("2026-03-01T10:15", "2026-03-01 10:15:00Z", 0)]
    #[case("2026-03-01 10:15:03Z", "2026-03-01 10:15:03Z", 0)]
    #[case("2026-03-01t10:15:03.5z", "2026-03-01 10:15:03Z", 500)]
    #[case("2026-03-01T10:15:03.123456789+02:00", "2026-03-01 08:15:03Z", 123)]
    #[case("2026-03-01 01:30 -0230", "2026-03-01 04:00:00Z", 0)]
    #[case("2026-12-31T23:59:60+00", "2027-01-01 00:00:00Z", 0)]
    fn dates_are_read_as_people_write_them(#[case] text: &str, #[case] moment: &str, #[case] ms: i64) {
        assert_eq!(parse_date(text), parse_utc(moment).map(|at| at + ms));
    }

    #[rstest]
    #[case("2026")]
    #[case("2026-3-1")]
    #[case("2026-02-29")]
    #[case("2026-03-01T")]
    #[case("2026-03-01T10")]
    #[case("2026-03-01T24:00")]
    #[case("2026-03-01T10:15.5")]
    #[case("2026-03-01T10:15:03.")]
    #[case("2026-03-01T10:15+2")]
    #[case("2026-03-01T10:15+02:")]
    #[case("2026-03-01T10:15Zulu")]
    #[case("2026-03-01x")]
    #[case("２026-03-01")]
    #[case("March 1st")]
    #[case("")]
    fn what_is_no_date_is_refused(#[case] text: &str) {
        assert_eq!(parse_date(text), None);
    }

    #[rstest]
    #[case("2026", Some("2026-01-01 00:00:00Z"))]
    #[case("2026-03", Some("2026-03-01 00:00:00Z"))]
    #[case("2026-03-31", Some("2026-03-31 00:00:00Z"))]
    #[case("2026-04-31", None)]
    #[case("2026-13", None)]
    #[case("2026-00", None)]
    #[case("2026-03-01-01", None)]
    #[case("26", None)]
    #[case("2026-", None)]
    #[case("", None)]
    fn a_year_a_month_and_a_day_have_a_first_moment(#[case] text: &str, #[case] moment: Option<&str>) {
        assert_eq!(first_moment(text), moment.map(|moment| parse_utc(moment).unwrap()));
    }

    proptest! {
        #[test]
        fn any_text_is_a_date_or_none(text in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]?[0-9:.]{0,14}[Z+-]?[0-9:]{0,6}|\\PC{0,30}") {
            let _ = (parse_date(&text), first_moment(&text));
        }

        #[test]
        fn every_moment_is_read_back_to_the_second(at_ms in any::<i64>()) {
            let seconds = at_ms.div_euclid(1_000);
            if let Some(whole) = seconds.checked_mul(1_000) {
                prop_assert_eq!(parse_utc(&utc(at_ms)), Some(whole));
            }
        }
    }
}
