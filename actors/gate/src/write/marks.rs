//! Places between two changes of the disk, where a test ends the process or comes in between.

/// A place was reached.
pub(super) fn passed(mark: &'static str) {
    fail::fail_point!(mark);
    #[cfg(test)]
    hook::call(mark);
    let _: &str = mark;
}

/// What a test does at marks; each thread has its own.
#[cfg(test)]
pub(super) mod hook {
    use std::cell::RefCell;

    type Hook = Box<dyn FnMut(usize, &'static str)>;

    thread_local! {
        static HOOK: RefCell<Option<(usize, Hook)>> = const { RefCell::new(None) };
    }

    /// From now on `hook` is called at each mark with how many were passed before.
    pub(crate) fn set(hook: impl FnMut(usize, &'static str) + 'static) {
        HOOK.with(|place| *place.borrow_mut() = Some((0, Box::new(hook))));
    }

    /// Takes it back; gives how many marks were passed.
    pub(crate) fn clear() -> usize {
        HOOK.with(|place| place.borrow_mut().take()).map_or(0, |(passed, _)| passed)
    }

    pub(super) fn call(mark: &'static str) {
        HOOK.with(|place| {
            // Borrowed while it runs: a hook that panics leaves it in place.
            if let Some((passed, hook)) = &mut *place.borrow_mut() {
                *passed += 1;
                hook(*passed - 1, mark);
            }
        });
    }
}
