//! Giving freed memory back to the system.
//!
//! glibc keeps what was freed in its arenas. After a wave of actors has stopped, or days of work on many threads, that is
//! most of what the process holds. The calls there are for it are foreign and so unsafe; this crate is there to hold them, and
//! nothing else.

/// Memory of this process that is no file's, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// What is in use of the allocator's.
    pub used: usize,
    /// What is resident besides: mostly what was freed, and was not given back.
    pub unused: usize,
}

/// The most arenas that the allocator makes. By itself it makes eight for each processor, and what is freed in one is not
/// used by another: a node whose threads come and go holds a multiple of what it uses. Four are enough for the threads that
/// allocate at the same time.
const ARENAS_MAX: i32 = 4;
/// Blocks from this size on, in bytes, are the system's own and go back to it when they are freed. By itself the allocator raises
/// this to the largest block that was ever freed, up to 32 MiB: then such blocks leave holes in the arenas, and what the
/// process holds follows the largest moments of all its threads.
const OWN_PAGES_FROM: i32 = 128 * 1_024;
/// So much may be free at the end of the heap before it is given back, in bytes.
const FREE_AT_END_MAX: i32 = 1_024 * 1_024;

/// Keeps what is freed together, so that it is used again. To be called before the first thread is started. Does nothing where
/// the allocator is not glibc's.
pub fn keep_together() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        for (what, value) in [
            (libc::M_ARENA_MAX, ARENAS_MAX),
            (libc::M_MMAP_THRESHOLD, OWN_PAGES_FROM),
            (libc::M_TRIM_THRESHOLD, FREE_AT_END_MAX),
        ] {
            // SAFETY: mallopt(3) takes numbers alone; no other thread is there yet that could allocate meanwhile.
            #[allow(unsafe_code)]
            let _is_set = unsafe { libc::mallopt(what, value) };
        }
    }
}

/// How much is held. Takes a millisecond or so; nothing where the allocator is not glibc's.
#[must_use]
pub fn held() -> Held {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: mallinfo2(3) takes nothing, may be called by any thread at any time, and gives numbers alone.
        #[allow(unsafe_code)]
        let info = unsafe { libc::mallinfo2() };
        let used = info.uordblks.saturating_add(info.hblkhd);
        // What the allocator itself calls free was perhaps given back already; the system knows.
        Held { used, unused: resident_bytes().saturating_sub(used) }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    {
        Held::default()
    }
}

/// Gives freed pages back. Takes some milliseconds and holds up allocations of other threads meanwhile, so it belongs on
/// a thread of its own, seldom. `true`: some were given back. Does nothing where the allocator is not glibc's.
#[must_use]
pub fn give_back() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: malloc_trim(3) takes any number, may be called by any thread at any time, and touches no live memory.
        #[allow(unsafe_code)]
        let given = unsafe { libc::malloc_trim(0) };
        given != 0
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    false
}

/// Resident memory that is no file's; 0 where the system does not tell.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).map_or(0, |kib: usize| kib * 1_024)
}

#[cfg(test)]
mod tests {
    /// Resident pages of this process.
    fn resident_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches("kB").trim().parse().unwrap()
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn what_was_freed_is_given_back() {
        // Small blocks, and one kept behind them, so that freeing alone gives nothing back.
        let mut blocks: Vec<Vec<u8>> = (0..100_000).map(|_| vec![1_u8; 512]).collect();
        let kept = blocks.pop();
        drop(blocks);
        let held = resident_kib();
        let before = super::held();
        assert!(before.unused > 40_000_000 && before.used > 0, "{before:?}");
        assert!(super::give_back());
        assert!(super::held().unused + 20_000_000 < before.unused, "{before:?} before, {:?} after", super::held());
        assert!(resident_kib() + 20_000 < held, "{held} KiB before, {} after", resident_kib());
        drop(kept);
    }
}
