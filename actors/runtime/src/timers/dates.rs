//! Which dates are told, and when they are looked at again. No I/O and no clock here.

use std::collections::HashMap;

use messages::store::TimerRow;
use messages::{Address, Moment};

use super::PAGE_ROWS;

/// A date that was told and is still a row is told again after this.
const TELL_AGAIN_MS: i64 = 5_000;
/// The longest wait between two looks at the dates: the clock may be set forward, and a new date may be earlier.
pub(super) const LOOK_EVERY_MS: i64 = 1_000;
/// Rows of one look, eight pages. Whoever waits for a host leaves their rows where they are, and those of others come behind
/// them: a look goes on past them, and the next one where this one ended. So many are told in a second at most, which the nodes
/// can open, and a store is asked for.
const LOOK_ROWS_MAX: usize = 8_192;
/// Dates that are remembered as told: those of all looks in [`TELL_AGAIN_MS`], and one more. Beyond it none is told until some are
/// forgotten; about 10 MB.
const TOLD_MAX: usize = 6 * LOOK_ROWS_MAX;

/// Dates that were told: for which moment, and when. One that was set anew since is another date.
type Told = HashMap<(Address, String), (Moment, Moment)>;

/// What was told, and how far the walk over the dates that have come is.
#[derive(Debug)]
pub(super) struct Dates {
    told: Told,
    /// The last date that was looked at.
    after: Option<TimerRow>,
    /// When the walk began, and rows that it has seen.
    began: Moment,
    walked: usize,
    /// Rows of this look.
    looked: usize,
    /// All that have come were looked at.
    is_over: bool,
}

/// What follows from a page of dates.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) tell: Vec<TimerRow>,
    /// The look is over, and the next one is after this. `None`: there are more pages.
    pub(super) wait_ms: Option<i64>,
}

impl Dates {
    pub(super) fn new() -> Self {
        Self { told: Told::new(), after: None, began: Moment(0), walked: 0, looked: 0, is_over: true }
    }

    /// A look begins. It begins with the first date; but where more than a page of them wait, those that were just told are not
    /// read again for each new one, only once a second.
    pub(super) fn begin(&mut self, now: Moment) {
        self.told.retain(|_, (_, at)| now.ms_since(*at) < TELL_AGAIN_MS && *at <= now);
        self.looked = 0;
        let is_short = self.walked < PAGE_ROWS as usize;
        let is_old = now.ms_since(self.began) >= LOOK_EVERY_MS || now < self.began;
        if self.is_over && (is_short || is_old) {
            (self.after, self.began, self.walked) = (None, now, 0);
        }
        self.is_over = false;
    }

    /// Behind which date the next page begins.
    pub(super) fn after(&self) -> Option<&TimerRow> {
        self.after.as_ref()
    }

    /// A page was read: of what has come, and of what comes within [`LOOK_EVERY_MS`]. What was told and is still a row makes no
    /// haste.
    pub(super) fn look(&mut self, page: Vec<TimerRow>, now: Moment) -> Looked {
        let is_last = page.len() < PAGE_ROWS as usize;
        let mut tell = Vec::new();
        for row in page {
            if row.due > now {
                self.is_over = true;
                return Looked { tell, wait_ms: Some(row.due.ms_since(now).clamp(1, LOOK_EVERY_MS)) };
            }
            if self.looked >= LOOK_ROWS_MAX || !self.note(&row, now, &mut tell) {
                return Looked { tell, wait_ms: Some(LOOK_EVERY_MS) };
            }
            self.after = Some(row);
            self.looked += 1;
            self.walked += 1;
        }
        self.is_over = is_last;
        let is_full = self.looked >= LOOK_ROWS_MAX;
        Looked { tell, wait_ms: (is_last || is_full).then_some(LOOK_EVERY_MS) }
    }

    /// False: no more can be told now.
    fn note(&mut self, row: &TimerRow, now: Moment, tell: &mut Vec<TimerRow>) -> bool {
        let key = (row.entity.clone(), row.name.clone());
        match self.told.get(&key) {
            Some((due, _)) if *due == row.due => return true,
            None if self.told.len() >= TOLD_MAX => return false,
            _ => {}
        }
        self.told.insert(key, (row.due, now));
        tell.push(row.clone());
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The dates of a store, by moment, entity and name, and what is told of them.
    struct Desk {
        rows: BTreeMap<(Moment, String), TimerRow>,
        dates: Dates,
        now: Moment,
        told: BTreeMap<String, Vec<Moment>>,
        read: usize,
    }

    impl Desk {
        /// So many have come, and nobody takes them.
        fn of(waiting: usize) -> Self {
            let mut desk = Self {
                rows: BTreeMap::new(),
                dates: Dates::new(),
                now: Moment(1_000_000),
                told: BTreeMap::new(),
                read: 0,
            };
            for n in 0..waiting {
                desk.put(&format!("probe/{n:06}"), 1 + i64::try_from(n % 7).unwrap());
            }
            desk
        }

        fn put(&mut self, entity: &str, due: i64) {
            let row = TimerRow { entity: Address::parse(entity).unwrap(), name: "logs".into(), due: Moment(due) };
            self.rows.insert((row.due, entity.to_owned()), row);
        }

        fn page(&self) -> Vec<TimerRow> {
            let horizon = self.now.plus_ms(LOOK_EVERY_MS);
            let after = self.dates.after().map(|row| (row.due, row.entity.to_string()));
            let behind =
                self.rows.iter().filter(|(key, row)| row.due <= horizon && after.as_ref().is_none_or(|a| *key > a));
            behind.map(|(_, row)| row.clone()).take(PAGE_ROWS as usize).collect()
        }

        /// One look; gives how long until the next.
        fn look(&mut self) -> i64 {
            self.dates.begin(self.now);
            loop {
                let page = self.page();
                self.read += page.len();
                let looked = self.dates.look(page, self.now);
                for row in looked.tell {
                    self.told.entry(row.entity.to_string()).or_default().push(self.now);
                }
                assert!(self.dates.told.len() <= TOLD_MAX);
                if let Some(wait_ms) = looked.wait_ms {
                    assert!((1..=LOOK_EVERY_MS).contains(&wait_ms));
                    return wait_ms;
                }
            }
        }

        fn look_on(&mut self) {
            let wait_ms = self.look();
            self.now = self.now.plus_ms(wait_ms);
        }

        fn times(&self, entity: &str) -> usize {
            self.told.get(entity).map_or(0, Vec::len)
        }
    }

    #[test]
    fn a_date_behind_any_number_of_others_that_nobody_takes_is_told() {
        let edges = [0, 1, PAGE_ROWS as usize, LOOK_ROWS_MAX, TOLD_MAX, 2 * TOLD_MAX];
        for waiting in edges.into_iter().flat_map(|n| [n.saturating_sub(1), n, n + 1]) {
            let mut desk = Desk::of(waiting);
            desk.put("probe/last", 999_999);
            let looks = waiting / LOOK_ROWS_MAX + 1;
            for _ in 0..looks {
                desk.look_on();
            }
            assert_eq!(desk.times("probe/last"), 1, "{waiting}");
            assert!(desk.read <= waiting + 1 + looks * PAGE_ROWS as usize, "{waiting}: {} rows read", desk.read);
        }
    }

    #[test]
    fn a_date_that_stays_a_row_is_told_again_after_five_seconds_and_not_before() {
        for waiting in [1, 2_000, LOOK_ROWS_MAX, 3 * LOOK_ROWS_MAX, 2 * TOLD_MAX] {
            let mut desk = Desk::of(waiting);
            for _ in 0..40 {
                desk.look_on();
            }
            assert_eq!(desk.told.len(), waiting);
            for times in desk.told.values() {
                let waits = || times.windows(2).map(|two| two[1].ms_since(two[0]));
                assert!(waits().all(|wait| wait >= TELL_AGAIN_MS), "{waiting}: {times:?}");
                let walk = i64::try_from(waiting.div_ceil(LOOK_ROWS_MAX)).unwrap() * LOOK_EVERY_MS;
                assert!(waits().all(|wait| wait <= TELL_AGAIN_MS + 2 * walk), "{waiting}: {times:?}");
            }
        }
    }

    #[test]
    fn dates_that_nobody_takes_are_not_read_again_for_each_that_comes() {
        let mut desk = Desk::of(2_000);
        for n in 0..500 {
            desk.put(&format!("probe/near-{n}"), 1_000_000 + 2 * n);
        }
        let begin = desk.now;
        while desk.now.ms_since(begin) < LOOK_EVERY_MS {
            desk.look_on();
        }
        assert!((0..500).all(|n| desk.times(&format!("probe/near-{n}")) == 1));
        for (entity, times) in desk.told.iter().filter(|(entity, _)| entity.contains("near")) {
            let n: i64 = entity.rsplit('-').next().unwrap().parse().unwrap();
            assert_eq!(times[0].ms_since(begin), 2 * n, "each on time");
        }
        desk.read = 0;
        desk.now = desk.now.plus_ms(1);
        desk.put("probe/early", 2);
        desk.look();
        assert_eq!(desk.times("probe/early"), 1, "once a second all are looked at");
    }

    #[test]
    fn no_more_are_remembered_than_fit_and_none_is_lost() {
        let mut desk = Desk::of(0);
        let mut all = 0;
        // Each is taken at once, and a look follows the other.
        for _ in 0..10 {
            for _ in 0..8_000 {
                desk.put(&format!("probe/{all:06}"), desk.now.0);
                all += 1;
            }
            desk.look();
            desk.rows.retain(|_, row| !desk.told.contains_key(row.entity.as_str()));
            desk.now = desk.now.plus_ms(1);
        }
        assert_eq!((desk.told.len(), desk.dates.told.len()), (TOLD_MAX, TOLD_MAX));
        for _ in 0..20 {
            desk.look_on();
        }
        assert_eq!(desk.told.len(), all);
    }

    #[test]
    fn a_clock_that_is_set_back_begins_the_walk_again() {
        let mut desk = Desk::of(3 * LOOK_ROWS_MAX);
        desk.look();
        desk.rows.clear();
        desk.now = Moment(10);
        desk.put("probe/tea", 10);
        desk.look_on();
        desk.look_on();
        assert_eq!(desk.times("probe/tea"), 1);
    }
}
