//! What a process uses.

/// Resident memory of this process in bytes; 0 where the system does not tell.
#[must_use]
pub fn rss_bytes() -> u64 {
    rss_bytes_of(std::process::id())
}

/// Resident memory of any process of this account in bytes; 0 where the system does not tell.
#[must_use]
pub fn rss_bytes_of(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib = line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0);
    kib.saturating_mul(1_024)
}
