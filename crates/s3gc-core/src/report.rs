//! What a run did.

use s3gc_store::{Location, ObjectKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::audit::AuditHead;
use crate::brakes::Brake;
use crate::catalog::{Mode, RunState};
use crate::census::SourceCensus;
use crate::judge::{JudgeCounts, Tally};
use crate::ramp::RampStatus;
use crate::resurrect::ResurrectionReport;
use crate::sentinel::UnwatchedCensus;
use crate::{Digest, RunId};

/// How many objects that were not deleted a report names.
const MAX_NAMED: usize = 50;

/// The report of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// The bucket's name in the configuration.
    pub bucket: String,
    /// The store.
    pub location: Location,
    /// The mode.
    pub mode: Mode,
    /// How it ended.
    pub state: RunState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// What the census counted.
    pub counts: JudgeCounts,
    /// What each source reported.
    pub sources: Vec<SourceCensus>,
    /// What was seen of columns that are not watched.
    #[serde(default)]
    pub unwatched: Vec<UnwatchedCensus>,
    /// The brakes that tripped.
    pub brakes: Vec<Brake>,
    /// The plan, if one was made or run.
    pub plan: Option<PlanSummary>,
    /// What staging, looking and sweeping did.
    pub sweep: SweepReport,
    /// What was put right of earlier runs.
    pub recovered: RecoverReport,
    /// Deleted objects that something references.
    #[serde(default)]
    pub resurrected: ResurrectionReport,
    /// How much this run may delete, if a schedule asked for it.
    #[serde(default)]
    pub ramp: Option<RampStatus>,
    /// The last entry of the audit chain, once all of this run is written.
    #[serde(default)]
    pub audit: Option<AuditHead>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// A plan, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanSummary {
    /// The file.
    pub path: String,
    /// Its hash.
    pub hash: Digest,
    /// How many objects it lists.
    pub entries: u64,
    /// When it is stale.
    pub expires_at: Timestamp,
}

/// What staging, looking and sweeping did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Objects of the plan that this run took up.
    pub planned: Tally,
    /// Objects in the vault.
    pub staged: Tally,
    /// Of those, the ones that the store copied there by itself.
    #[serde(default)]
    pub copied: Tally,
    /// Packs that were written.
    pub packs: u64,
    /// Their bytes.
    pub vault_bytes: u64,
    /// Objects that the look found referenced.
    pub rescued: Tally,
    /// Objects that were deleted.
    pub deleted: Tally,
    /// Of those, the ones that hide under a delete marker and still cost money.
    pub hidden: Tally,
    /// Objects that had changed, and were kept.
    pub changed: Tally,
    /// Objects that were gone already.
    pub gone: Tally,
    /// Objects that were kept for another reason.
    pub kept: Tally,
    /// Objects whose backup or deletion failed.
    pub failed: Tally,
    /// Objects whose deletion was not answered: the next run finds out.
    pub unknown: Tally,
    /// Objects that a write fence stood around.
    #[serde(default)]
    pub fenced: Tally,
    /// Of those, the ones that an open transaction referred to, so that they were kept.
    #[serde(default)]
    pub fence_rescued: Tally,
    /// Objects that were kept because no fence can stand around them.
    #[serde(default)]
    pub unfenceable: Tally,
    /// Objects that came back from the vault, because a transaction referred to them while they were being deleted, or
    /// since.
    #[serde(default)]
    pub fence_restored: Tally,
    /// Some of the objects that were not deleted.
    pub named: Vec<Skipped>,
}

impl SweepReport {
    /// Counts an object that was not deleted.
    pub(crate) fn skip(&mut self, skipped: Skipped, bytes: u64) {
        match skipped.skip {
            Skip::Changed => self.changed.add(bytes),
            Skip::Gone => self.gone.add(bytes),
            Skip::Failed => self.failed.add(bytes),
            Skip::Unknown => self.unknown.add(bytes),
            Skip::Rescued => self.rescued.add(bytes),
            Skip::Fenced => self.fence_rescued.add(bytes),
            Skip::Unfenceable => self.unfenceable.add(bytes),
            Skip::Unreadable | Skip::Held | Skip::PutBack => self.kept.add(bytes),
        }
        if self.named.len() < MAX_NAMED {
            self.named.push(skipped);
        }
    }
}

/// An object of a plan that was not deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// The key.
    pub key: ObjectKey,
    /// In one word.
    pub skip: Skip,
    /// In a sentence.
    pub reason: String,
}

/// Why an object of a plan was not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// Another object stands in its place.
    Changed,
    /// It is gone.
    Gone,
    /// It cannot be read, so it cannot be backed up.
    Unreadable,
    /// Something holds it.
    Held,
    /// The look found it referenced.
    Rescued,
    /// A transaction that is still open refers to it.
    Fenced,
    /// The write fence cannot stand around it.
    Unfenceable,
    /// The run ended before its turn.
    PutBack,
    /// Its backup or deletion failed.
    Failed,
    /// Its deletion was not answered.
    Unknown,
}

impl Skipped {
    pub(crate) fn new(key: &ObjectKey, skip: Skip, reason: &str) -> Self {
        Self { key: key.clone(), skip, reason: reason.to_owned() }
    }

    pub(crate) fn from_store(key: &ObjectKey, error: &s3gc_store::Error) -> Self {
        use s3gc_store::Error;
        let skip = match error {
            Error::NotFound { .. } => Skip::Gone,
            Error::Precondition { .. } => Skip::Changed,
            Error::Archived { .. } | Error::NeedsKey { .. } => Skip::Unreadable,
            _ => Skip::Failed,
        };
        Self::new(key, skip, &chain(error))
    }
}

/// Writes an error with its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// What was put right of earlier runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverReport {
    /// Objects that were staged, or not deleted: they go into a new plan.
    pub put_back: u64,
    /// Objects that turned out to be deleted.
    pub deleted: u64,
    /// Objects that had changed, and were kept.
    pub changed: u64,
    /// Objects that were deleted, are referenced, and came back from the vault.
    pub restored: u64,
    /// Objects whose request may still land: a later run looks again.
    pub waiting: u64,
    /// Runs in `execute` mode that died.
    #[serde(default)]
    pub crashed: u64,
}

impl RecoverReport {
    /// Tells whether there was nothing to put right.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
