//! One stream of events feeds progress bars, logs and metrics.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::RunId;

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Taking the lease, proving identities and clocks.
    Preflight,
    /// Putting right what an earlier run left.
    Recover,
    /// Listing the store.
    List,
    /// Scanning the sources.
    Scan,
    /// Judging what was listed.
    Judge,
    /// Writing objects into the vault and reading them back.
    Stage,
    /// Waiting for open transactions.
    Drain,
    /// Looking at the references again.
    Look,
    /// Deleting.
    Sweep,
    /// Restoring.
    Restore,
    /// Removing packs from the vault.
    Prune,
    /// Copying packs between the vault and its replica.
    Replicate,
}

/// Something that happened in a run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// A run began.
    Started {
        /// The run.
        run: RunId,
        /// The bucket.
        bucket: String,
    },
    /// A phase began, with how much there is to do, if that is known.
    Phase {
        /// The phase.
        phase: Phase,
        /// How many objects it is about.
        total: Option<u64>,
    },
    /// A phase went on; the counts are of the whole phase.
    Progress {
        /// The phase.
        phase: Phase,
        /// Objects or rows done.
        done: u64,
        /// Bytes done.
        bytes: u64,
    },
    /// A phase ended.
    Finished {
        /// The phase.
        phase: Phase,
    },
    /// Something that a person should know.
    Note {
        /// In words.
        message: String,
    },
}

/// Takes events.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(&Event) + Send + Sync>);

impl Progress {
    /// Hands each event to this function, which must not block.
    pub fn new(sink: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(sink))
    }

    pub(crate) fn emit(&self, event: &Event) {
        (self.0)(event);
    }

    pub(crate) fn phase(&self, phase: Phase, total: Option<u64>) {
        tracing::info!(?phase, total, "phase");
        self.emit(&Event::Phase { phase, total });
    }

    pub(crate) fn advance(&self, phase: Phase, done: u64, bytes: u64) {
        self.emit(&Event::Progress { phase, done, bytes });
    }

    pub(crate) fn finished(&self, phase: Phase) {
        self.emit(&Event::Finished { phase });
    }

    pub(crate) fn note(&self, message: impl Into<String>) {
        let message = message.into();
        tracing::warn!("{message}");
        self.emit(&Event::Note { message });
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress")
    }
}
