//! Whether the date may be taken for true: a clock that was set far forward would have everything erased. Pure.

use messages::Moment;
use messages::store::RetentionRow;

/// A date so much after the last one that was taken for true is taken for true at once.
pub(crate) const STEP_MS_MAX: i64 = 2 * DAY_MS;
/// A later one must have stood for so long, and have been looked at again before so much had passed.
pub(crate) const DOUBTED_MS_MIN: i64 = DAY_MS;
pub(crate) const DOUBTED_MS_MAX: i64 = 3 * DAY_MS;
pub(crate) const DAY_MS: i64 = 86_400_000;

/// The row as it is after a look at the clock, and what is in the way of erasing by that date; `None`: nothing is.
pub(crate) fn look(row: &RetentionRow, now: Moment, clock_alarm: bool) -> (RetentionRow, Option<String>) {
    let mut row = row.clone();
    if clock_alarm {
        return (row, Some("the wall clock has just jumped: it is waited until the alarm `clock` is over".to_owned()));
    }
    if row.seen.is_some_and(|seen| now <= seen.plus_ms(STEP_MS_MAX)) {
        (row.seen, row.doubted) = (Some(now), None);
        return (row, None);
    }
    let doubt = doubt(row.seen, now);
    match row.doubted.map(|since| now.ms_since(since)) {
        Some(stood) if (DOUBTED_MS_MIN..=DOUBTED_MS_MAX).contains(&stood) && row.doubted <= Some(now) => {
            (row.seen, row.doubted) = (Some(now), None);
            (row, None)
        }
        Some(stood) if stood < DOUBTED_MS_MIN && row.doubted <= Some(now) => (row, Some(doubt)),
        _ => {
            row.doubted = Some(now);
            (row, Some(doubt))
        }
    }
}

fn doubt(seen: Option<Moment>, now: Moment) -> String {
    let what = match seen.map(|seen| now.ms_since(seen) / DAY_MS) {
        Some(days) => format!("is {days} days after the last one that was seen"),
        None => "was never seen before".to_owned(),
    };
    format!(
        "the date {what}: it is taken for true when it has stood for a day, and was looked at before it had stood for three"
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SEEN: i64 = 100 * DAY_MS;

    fn row(doubted: Option<i64>) -> RetentionRow {
        RetentionRow { seen: Some(Moment(SEEN)), doubted: doubted.map(Moment), ..RetentionRow::default() }
    }

    #[rstest]
    #[case::an_hour_later(None, SEEN + 3_600_000, true)]
    #[case::two_days_later(None, SEEN + STEP_MS_MAX, true)]
    #[case::set_back(None, SEEN - 50 * DAY_MS, true)]
    #[case::a_millisecond_too_far(None, SEEN + STEP_MS_MAX + 1, false)]
    #[case::ten_years(None, SEEN + 3_650 * DAY_MS, false)]
    #[case::has_not_stood_for_a_day(Some(SEEN + 9 * DAY_MS), SEEN + 10 * DAY_MS - 1, false)]
    #[case::has_stood_for_a_day(Some(SEEN + 9 * DAY_MS), SEEN + 10 * DAY_MS, true)]
    #[case::was_looked_at_within_three(Some(SEEN + 9 * DAY_MS), SEEN + 12 * DAY_MS, true)]
    #[case::has_jumped_again(Some(SEEN + 9 * DAY_MS), SEEN + 12 * DAY_MS + 1, false)]
    #[case::was_set_back_but_not_all_the_way(Some(SEEN + 900 * DAY_MS), SEEN + 9 * DAY_MS, false)]
    fn a_date_is_taken_for_true_when_it_goes_on_from_the_last_or_has_stood(
        #[case] doubted: Option<i64>,
        #[case] now: i64,
        #[case] is_true: bool,
    ) {
        let (after, held) = look(&row(doubted), Moment(now), false);
        assert_eq!(held.is_none(), is_true, "{held:?}");
        if is_true {
            assert_eq!((after.seen, after.doubted), (Some(Moment(now)), None));
        } else {
            assert_eq!(after.seen, Some(Moment(SEEN)), "what is doubted is not taken over");
            assert!(after.doubted.is_some_and(|at| at <= Moment(now)));
        }
    }

    #[test]
    fn while_the_clock_alarm_stands_nothing_is_taken_for_true() {
        let (after, held) = look(&row(None), Moment(SEEN + 1), true);
        assert_eq!((after, held.is_some()), (row(None), true));
    }

    #[test]
    fn the_first_date_is_taken_for_true_when_it_has_stood_for_a_day() {
        let (after, held) = look(&RetentionRow::default(), Moment(SEEN), false);
        assert_eq!((after.seen, after.doubted, held.is_some()), (None, Some(Moment(SEEN)), true));
        let (after, held) = look(&after, Moment(SEEN + DOUBTED_MS_MIN - 1), false);
        assert!(held.is_some() && after.seen.is_none());
        let (after, held) = look(&after, Moment(SEEN + DOUBTED_MS_MIN), false);
        assert_eq!((after.doubted, held), (None, None));
    }

    #[test]
    fn a_clock_that_is_set_right_again_has_done_no_harm() {
        let (after, _) = look(&row(None), Moment(SEEN + 3_650 * DAY_MS), false);
        let (after, held) = look(&after, Moment(SEEN + 60_000), false);
        assert_eq!((held, after.doubted), (None, None));
    }
}
