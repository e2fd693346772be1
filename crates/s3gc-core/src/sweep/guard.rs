//! The last word before a deletion is signed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use s3gc_store::{SignGuard, SignRefused, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::Clock;
use crate::lease::LeaseState;
use crate::look::Look;

/// How long after its HEAD an object of a store without versions may be deleted: an equal entity tag is not an equal
/// object, so a rewrite with the same bytes is caught by its Last-Modified.
pub(crate) const HEAD_WINDOW: Duration = Duration::from_secs(2);

/// Allows signatures while the look and the lease stand.
#[derive(Debug)]
pub(crate) struct LookGuard {
    clock: Arc<dyn Clock>,
    lease: Arc<LeaseState>,
    looked_at: Timestamp,
    wall_deadline: Timestamp,
    boot_deadline: Duration,
    cancel: CancellationToken,
}

impl LookGuard {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        lease: Arc<LeaseState>,
        look: &Look,
        window: Duration,
        cancel: CancellationToken,
    ) -> Self {
        let wall_deadline = look.began_at.checked_add(window).unwrap_or(look.began_at);
        Self { clock, lease, looked_at: look.began_at, wall_deadline, boot_deadline: look.began_boot + window, cancel }
    }

    fn check_window(&self) -> Result<(), SignRefused> {
        // Both clocks: the wall clock may be set back, the boot clock stands still where a virtual machine is paused.
        if self.clock.boot() >= self.boot_deadline || self.clock.now() >= self.wall_deadline {
            return Err(SignRefused("the look at the references is too old".into()));
        }
        Ok(())
    }
}

impl SignGuard for LookGuard {
    fn may_sign(&self) -> Result<(), SignRefused> {
        self.check_window()?;
        self.lease.check(&*self.clock)
    }
}

/// Also allows no signature later than [`HEAD_WINDOW`] after the first HEAD of the batch.
#[derive(Debug)]
pub(crate) struct BatchGuard<'a> {
    pub(crate) look: &'a LookGuard,
    /// The boot clock before the first HEAD, in nanoseconds; `u64::MAX` where none was needed.
    pub(crate) first_head: AtomicU64,
}

impl<'a> BatchGuard<'a> {
    pub(crate) fn new(look: &'a LookGuard, first_head: Option<Duration>) -> Self {
        let nanos = first_head.map_or(u64::MAX, |at| u64::try_from(at.as_nanos()).unwrap_or(u64::MAX));
        Self { look, first_head: AtomicU64::new(nanos) }
    }
}

impl SignGuard for BatchGuard<'_> {
    fn may_sign(&self) -> Result<(), SignRefused> {
        self.look.may_sign()?;
        let first_head = self.first_head.load(Ordering::Relaxed);
        if first_head != u64::MAX && self.look.clock.boot() >= Duration::from_nanos(first_head) + HEAD_WINDOW {
            return Err(SignRefused("the object was last seen too long ago".into()));
        }
        Ok(())
    }
}

impl LookGuard {
    /// When the look began.
    pub(crate) fn looked_at(&self) -> Timestamp {
        self.looked_at
    }

    /// Tells whether a person asked the run to end.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Fixed {
        now: Timestamp,
        boot: Duration,
    }

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            self.now
        }

        fn boot(&self) -> Duration {
            self.boot
        }
    }

    const BEGAN: Duration = Duration::from_secs(1000);
    const WINDOW: Duration = Duration::from_secs(300);

    /// A guard that is asked so long after its look by the wall clock, and by the boot clock.
    fn guard(wall: Duration, boot: Duration) -> LookGuard {
        let began_at: Timestamp = "2026-11-10T00:00:00Z".parse().unwrap();
        let clock = Arc::new(Fixed { now: began_at.checked_add(wall).unwrap(), boot: BEGAN + boot });
        let lease = Arc::new(LeaseState::new(BEGAN + boot, Duration::ZERO));
        let look = Look { referenced: Vec::new(), began_at, began_boot: BEGAN };
        LookGuard::new(clock, lease, &look, WINDOW, CancellationToken::new())
    }

    #[test]
    fn i01_nothing_is_signed_once_either_clock_says_that_the_look_is_too_old() {
        let (short, over) = (WINDOW - Duration::from_nanos(1), WINDOW);
        assert!(guard(short, short).may_sign().is_ok());
        for (wall, boot) in [(over, short), (short, over), (over, over)] {
            let refused = guard(wall, boot).may_sign().unwrap_err().to_string();
            assert!(refused.contains("the look at the references is too old"), "{refused}");
        }
    }

    #[test]
    fn i03_nothing_is_signed_two_seconds_after_the_object_was_seen() {
        let second = Duration::from_secs(1);
        let may_sign = |boot: Duration, head: Option<Duration>| {
            let look = guard(boot, boot);
            BatchGuard::new(&look, head.map(|head| BEGAN + head)).may_sign()
        };
        assert!(may_sign(3 * second, Some(second + Duration::from_nanos(1))).is_ok());
        let refused = may_sign(3 * second, Some(second)).unwrap_err().to_string();
        assert!(refused.contains("the object was last seen too long ago"), "{refused}");
        assert!(may_sign(3 * second, None).is_ok(), "a marker needs no HEAD");
        assert!(may_sign(WINDOW, Some(WINDOW)).is_err(), "a fresh HEAD does not make up for an old look");
    }

    #[test]
    fn i09_nothing_is_signed_without_the_lease() {
        let mut guard = guard(Duration::ZERO, Duration::ZERO);
        guard.lease = Arc::new(LeaseState::new(BEGAN, BEGAN + Duration::from_nanos(1)));
        let refused = guard.may_sign().unwrap_err().to_string();
        assert!(refused.contains("may still land"), "{refused}");
        assert!(BatchGuard::new(&guard, None).may_sign().is_err());
    }
}
