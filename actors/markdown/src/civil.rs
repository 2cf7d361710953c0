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

    proptest! {
        #[test]
        fn every_moment_is_read_back_to_the_second(at_ms in any::<i64>()) {
            let seconds = at_ms.div_euclid(1_000);
            if let Some(whole) = seconds.checked_mul(1_000) {
                prop_assert_eq!(parse_utc(&utc(at_ms)), Some(whole));
            }
        }
    }
}
