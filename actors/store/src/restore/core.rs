//! What is decided of a restore, apart from SQL.

use messages::Moment;

const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;
/// From 0000-03-01, where years of this reckoning begin, to 1970-01-01, and days of 400 years.
const DAYS_TO_1970: i64 = 719_468;
const DAYS_OF_400_YEARS: i64 = 146_097;

/// The generation after `before`: the second of the restore, so that two restores of one backup are two generations; one
/// more than before at least, whatever the clock says.
pub(super) fn generation(before: i64, at: Moment) -> i64 {
    (at.0 / SECOND_MS).max(before.saturating_add(1))
}

/// What rows say of it.
pub(super) fn reason(of: Moment) -> String {
    format!("restored from a backup of {}; what came of it after that is not known", date(of))
}

/// `2026-11-27 22:15 UTC`.
fn date(at: Moment) -> String {
    let (days, ms) = (at.0.div_euclid(DAY_MS), at.0.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let minutes = ms / 60_000;
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// Days since 1970 as year, month and day: Howard Hinnant's `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(DAYS_TO_1970);
    let (era, of_era) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use messages::store::epochs_from;

    use super::*;

    #[test]
    fn two_restores_of_one_backup_are_two_generations_and_the_clock_may_go_back() {
        assert_eq!(generation(1, Moment(1_795_817_700_000)), 1_795_817_700);
        assert_eq!(generation(1, Moment(1_795_817_701_000)), 1_795_817_701);
        assert_eq!(generation(1_795_817_701, Moment(5)), 1_795_817_702);
    }

    #[test]
    fn a_generation_has_a_million_epochs_of_its_own_and_json_can_hold_them() {
        assert!(epochs_from(1_795_817_701) - epochs_from(1_795_817_700) >= 1_000_000);
        assert!(epochs_from(4_000_000_000) < 1 << 53);
    }

    #[test]
    fn the_reason_says_the_date_of_the_backup() {
        assert!(
            reason(Moment(1_795_817_700_000)).contains("2026-11-27 22:15 UTC"),
            "{}",
            reason(Moment(1_795_817_700_000))
        );
        assert!(reason(Moment(951_782_400_000)).contains("2000-02-29 00:00 UTC"));
    }
}
