//! What the benches share.

/// Returns the peak of this process's resident memory in KiB: `VmHWM` of proc_pid_status(5). The `ru_maxrss` of
/// getrusage(2) would begin with the memory of the process that started this one.
///
/// # Errors
///
/// If the system does not tell.
pub fn peak_kib() -> std::io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kib.ok_or_else(|| std::io::Error::other("/proc/self/status has no VmHWM"))
}
