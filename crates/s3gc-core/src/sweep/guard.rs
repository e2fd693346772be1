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
