//! Giving freed memory back to the system.
//!
//! glibc keeps what was freed in its arenas. After a wave of actors has stopped, that is most of what the process holds.
//! The one call there is for it is foreign and so unsafe; this crate is there to hold it, and nothing else.

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
        assert!(super::give_back());
        assert!(resident_kib() + 20_000 < held, "{held} KiB before, {} after", resident_kib());
        drop(kept);
    }
}
