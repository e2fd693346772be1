//! The one place that reads the time.

use std::fmt;
use std::time::Duration;

use s3gc_store::Timestamp;

/// The clocks of this host.
///
/// # Contract
///
/// 1. `now` is the wall clock in UTC.
/// 2. `boot` never goes back and goes on while the host is suspended or the process is stopped.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Reads the wall clock.
    fn now(&self) -> Timestamp;

    /// Reads the time since the host was started.
    fn boot(&self) -> Duration;
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn boot(&self) -> Duration {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let id = rustix::time::ClockId::Boottime;
        // Elsewhere the monotonic clock is the one that comes nearest.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let id = rustix::time::ClockId::Monotonic;
        let time = rustix::time::clock_gettime(id);
        let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
        Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
    }
}
