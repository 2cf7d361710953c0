use super::*;

const S: i64 = 1_000;

fn standing(ids: &[&str]) -> Vec<(String, String)> {
    ids.iter().map(|id| ((*id).to_owned(), format!("{id} is wrong"))).collect()
}

/// A chat, its node, and what was told; a kill leaves only what was told.
struct World {
    telling: Telling,
    told: Told,
    waiting: u64,
    /// The store refuses.
    broken: bool,
}

impl World {
    fn new() -> Self {
        Self { telling: Telling::new(0), told: Told::default(), waiting: 0, broken: false }
    }

    fn killed(&mut self, now: i64) {
        self.telling = Telling::new(now);
    }

    /// What is told when this stands.
    fn at(&mut self, now: i64, ids: &[&str]) -> String {
        self.telling.look(now, &standing(ids));
        if self.broken {
            return String::new();
        }
        let Some(notice) = self.telling.say(now, &self.told, self.waiting) else { return String::new() };
        let kept = serde_json::to_string(&notice.told).unwrap();
        self.told = serde_json::from_str(&kept).unwrap();
        assert_eq!(self.told, notice.told);
        notice.text
    }
}

#[test]
fn a_beginning_and_an_end_are_each_told_once() {
    let mut world = World::new();
    for (second, ids, said) in [
        (0, &[][..], ""),
        (5, &["disk"], "Alarm `disk`: disk is wrong"),
        (10, &["disk"], ""),
        (15, &["disk", "model:zai"], "Alarm `model:zai`: model:zai is wrong"),
        (20, &["model:zai"], "Over: `disk`, after 15 s."),
        (25, &["model:zai"], ""),
        (500, &[], "Over: `model:zai`, after 8 min."),
        (505, &[], ""),
        (510, &["disk"], "Alarm `disk`: disk is wrong"),
    ] {
        assert_eq!(world.at(second * S, ids), said, "at {second}");
    }
}

#[test]
fn a_kill_neither_repeats_a_beginning_nor_loses_an_end() {
    let mut world = World::new();
    assert!(world.at(0, &["disk"]).contains("Alarm `disk`"));
    world.killed(10 * S);
    assert_eq!(world.at(10 * S, &["disk"]), "");
    assert_eq!(world.at(15 * S, &[]), "Over: `disk`, after 15 s.");
    assert_eq!(world.at(20 * S, &[]), "");
    // One that is not raised again after the kill is over after a while, not at once.
    assert!(world.at(30 * S, &["model:zai"]).contains("Alarm"));
    world.killed(40 * S);
    assert_eq!(world.at(40 * S, &[]), "");
    assert_eq!(world.at(99 * S, &[]), "");
    assert_eq!(world.at(100 * S, &[]), "Over: `model:zai`, after 70 s.");
    assert_eq!(world.at(105 * S, &[]), "");
}

#[test]
fn what_could_not_be_told_is_told_when_the_store_works_again() {
    let mut world = World::new();
    world.broken = true;
    assert_eq!(world.at(0, &["store"]), "");
    assert_eq!(world.at(60 * S, &[]), "");
    world.broken = false;
    let said = "Over already: `store`, which began 65 s ago and lasted 60 s: store is wrong";
    assert_eq!(world.at(65 * S, &[]), said);
    assert_eq!(world.at(70 * S, &[]), "");
    // The commit was made, and its answer was lost: what was told is seen in the store.
    let mut world = World::new();
    world.telling.look(0, &standing(&["disk"]));
    world.told = world.telling.say(0, &world.told, 0).unwrap().told;
    assert_eq!(world.at(5 * S, &["disk"]), "");
}

#[test]
fn an_alarm_that_comes_and_goes_makes_no_storm_and_is_told_in_the_end() {
    let mut world = World::new();
    let mut notices = Vec::new();
    for look in 0..600 {
        let ids: &[&str] = if look % 2 == 0 { &["disk"] } else { &[] };
        let said = world.at(look * 5 * S, ids);
        if !said.is_empty() {
            notices.push(said);
        }
    }
    assert_eq!(notices.len(), NOTICES_MAX);
    assert!(notices.last().unwrap().contains("within the next 60 min is told together then"), "{notices:?}");
    assert_eq!(world.at(WINDOW_MS, &["disk"]), "", "the first of the notices counts still");
    assert!(world.at(WINDOW_MS + 1, &["disk"]).contains("Alarm `disk`"));
}

#[test]
fn while_nobody_reads_no_more_is_put_and_what_stands_is_told_later() {
    let mut world = World::new();
    world.waiting = WAITING_MAX;
    assert_eq!(world.at(0, &["disk"]), "");
    world.waiting = WAITING_MAX - 1;
    assert!(world.at(5 * S, &["disk"]).contains("Alarm `disk`"));
}

#[test]
fn many_at_once_are_told_in_parts_and_none_is_left_out() {
    let ids: Vec<String> = (0..=LINES_MAX).map(|n| format!("memory:{n:03}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut world = World::new();
    let first = world.at(0, &ids);
    assert_eq!((first.matches("Alarm").count(), first.contains("And 1 more")), (LINES_MAX, true), "{first}");
    assert_eq!(world.at(5 * S, &ids).matches("Alarm").count(), 1);
    // More than can be kept in mind: bounded, and those that are told are told rightly.
    let many: Vec<String> = (0..STOOD_MAX * 2).map(|n| format!("stopped:{n:04}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    world.telling.look(0, &standing(&many));
    assert_eq!(world.telling.stood.len(), STOOD_MAX);
}

#[test]
fn a_text_is_one_line_of_bounded_length() {
    for (text, line) in
        [("a\n b", "a b".to_owned()), (&"x".repeat(500), "x".repeat(500)), (&"ä".repeat(251), "ä".repeat(250) + "…")]
    {
        assert_eq!(one_line(text), line);
    }
    for (ms, said) in [(-5, "0 s"), (119_999, "119 s"), (120_000, "2 min"), (7_199_999, "119 min"), (7_200_000, "2 h")]
    {
        assert_eq!(lasted(ms), said);
    }
}
