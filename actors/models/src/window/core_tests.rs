use proptest::prelude::*;

use super::*;

/// Lets in all that there is room for.
fn admitted(window: &mut Window) -> Vec<u64> {
    std::iter::from_fn(|| window.admit()).map(|(id, _)| id).collect()
}

fn full(width: usize) -> Window {
    let mut window = Window::new(width, width);
    for id in 0..width as u64 {
        assert!(window.enter(1_000_000 + id, Rank::Background));
    }
    assert_eq!(admitted(&mut window).len(), width);
    window
}

#[test]
fn it_grows_by_one_after_as_many_successes_as_it_is_wide_up_to_its_limit() {
    let mut window = Window::new(2, 4);
    let widths: Vec<usize> = (0..10)
        .map(|_| {
            window.succeeded();
            window.width()
        })
        .collect();
    assert_eq!(widths, [2, 3, 3, 3, 4, 4, 4, 4, 4, 4]);
}

#[test]
fn it_is_halved_once_for_all_that_were_under_way_together_and_never_below_one() {
    let mut window = full(8);
    for _ in 0..3 {
        window.limited(0);
    }
    assert_eq!(window.width(), 4);
    for _ in 0..8 {
        window.ended();
    }
    for _ in 0..3 {
        window.resumed();
    }
    for era in 1..5 {
        window.limited(era);
        window.resumed();
    }
    assert_eq!(window.width(), 1);
    window.succeeded();
    assert_eq!(window.width(), 2);
}

#[test]
fn successes_before_a_refusal_do_not_count_after_it() {
    let mut window = Window::new(4, 8);
    (0..3).for_each(|_| window.succeeded());
    window.limited(0);
    window.resumed();
    window.succeeded();
    assert_eq!(window.width(), 2);
    window.succeeded();
    assert_eq!(window.width(), 3);
}

#[test]
fn nobody_is_let_in_while_a_refusal_is_waited_out_and_who_waited_is_first_then() {
    let mut window = full(2);
    assert!(window.enter(1, Rank::Interactive));
    window.limited(0);
    window.ended();
    window.ended();
    assert_eq!(admitted(&mut window), Vec::<u64>::new());
    assert!(window.enter(2, Rank::Again));
    window.resumed();
    assert_eq!(admitted(&mut window), [2], "one at a time now");
}

#[test]
fn a_person_goes_first_and_one_of_nine_is_one_that_nobody_waits_for() {
    let mut window = full(1);
    for id in 0..3 {
        assert!(window.enter(100 + id, Rank::Background));
    }
    for id in 0..20 {
        assert!(window.enter(id, Rank::Interactive));
    }
    let mut order = Vec::new();
    for _ in 0..23 {
        window.ended();
        order.extend(admitted(&mut window));
    }
    let expected: Vec<u64> = (0..8).chain([100]).chain(8..16).chain([101]).chain(16..20).chain([102]).collect();
    assert_eq!(order, expected);
}

#[test]
fn so_many_may_wait_and_not_one_more() {
    let mut window = full(1);
    for id in 0..QUEUE_MAX as u64 {
        assert!(window.enter(id, Rank::Background), "{id}");
    }
    assert!(!window.enter(5_000, Rank::Interactive));
    assert!(window.enter(5_001, Rank::Again), "it has waited already");
    assert!(window.leave(5_001) && window.leave(3) && !window.leave(3));
    assert!(window.enter(5_002, Rank::Interactive));
    assert_eq!(window.waiting(), QUEUE_MAX);
}

proptest! {
    /// Whatever happens, no more run than the window was wide when the last was let in, and nobody is lost.
    #[test]
    fn no_more_run_than_the_window_is_wide_and_nobody_is_lost(
        begin in 1usize..6,
        doings in prop::collection::vec(0u8..6, 1..200),
    ) {
        let mut window = Window::new(begin, 8);
        let (mut entered, mut let_in, mut left, mut eras) = (0u64, 0u64, 0u64, Vec::new());
        for doing in doings {
            match doing {
                0 | 1 => {
                    let rank = if doing == 0 { Rank::Interactive } else { Rank::Background };
                    prop_assert!(window.enter(entered, rank));
                    entered += 1;
                }
                2 if window.in_flight() > 0 => {
                    window.succeeded();
                    window.ended();
                    eras.pop();
                }
                3 if window.in_flight() > 0 => {
                    window.limited(eras.pop().unwrap());
                    window.ended();
                    window.resumed();
                }
                4 if entered > 0 && window.leave(entered - 1) => left += 1,
                _ => {}
            }
            while let Some((_, era)) = window.admit() {
                eras.push(era);
                let_in += 1;
                prop_assert!(window.in_flight() <= window.width());
            }
            prop_assert!(window.width() >= 1 && window.width() <= 8);
            prop_assert_eq!(entered, let_in + left + window.waiting() as u64);
        }
    }
}
