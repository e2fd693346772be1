//! What a prune did with each pack, and why.

use s3gc_store::{Location, ObjectKey, Timestamp};
use s3gc_vault::FileName;
use serde::{Deserialize, Serialize};

use crate::audit::AuditHead;
use crate::catalog::{Mode, PackRecord};

/// What a prune did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PruneReport {
    /// The name of the bucket in the configuration.
    pub bucket: String,
    /// The store whose objects are in the packs.
    pub location: Location,
    /// The vault.
    pub vault: String,
    /// The mode; packs are marked and removed in `execute` alone.
    pub mode: Mode,
    /// Nothing was written: the outcomes say what would be done.
    pub dry_run: bool,
    /// How long the vault keeps a pack, in seconds: the longer of `keep_days` and the backup windows of the databases.
    pub keep_seconds: u64,
    /// Packs that were marked, or would be.
    pub marked: PruneTally,
    /// Packs that were marked before, and whose day is not over.
    pub waiting: PruneTally,
    /// Packs that were removed, or would be.
    pub removed: PruneTally,
    /// Packs that stay.
    pub kept: PruneTally,
    /// Packs that could not be removed.
    pub failed: PruneTally,
    /// When the first of the marked packs may be removed.
    pub next_at: Option<Timestamp>,
    /// Each pack of the bucket that was in the vault, oldest first.
    pub packs: Vec<PackPrune>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// The end of the audit chain, for a log that nobody can edit.
    pub audit: Option<AuditHead>,
}

/// A number of packs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneTally {
    /// How many.
    pub packs: u64,
    /// How many objects they hold.
    pub objects: u64,
    /// The bytes of their files.
    pub bytes: u64,
}

/// What became of one pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PackPrune {
    /// Its name in the vault.
    pub pack: FileName,
    /// When it was written.
    pub created_at: Timestamp,
    /// How many objects it holds.
    pub objects: u64,
    /// The length of its file in bytes.
    pub size_bytes: u64,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: PruneOutcome,
}

/// What became of a pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum PruneOutcome {
    /// It was marked: a call at this time or later removes it, if still nothing needs it.
    Marked {
        /// When it may be removed.
        removable_at: Timestamp,
    },
    /// It would be marked.
    WouldMark {
        /// When it might be removed, if it were marked now.
        removable_at: Timestamp,
    },
    /// It was marked before, and stays so.
    Waiting {
        /// When it was marked.
        marked_at: Timestamp,
        /// When it may be removed.
        removable_at: Timestamp,
    },
    /// Its file is gone.
    Removed,
    /// Its file would be removed.
    WouldRemove,
    /// It stays.
    Kept {
        /// Why.
        #[serde(flatten)]
        reason: PackKept,
        /// It was marked, or its removal had begun, and that was taken back (or would be).
        was_marked: bool,
    },
    /// Its removal was begun and failed: the next call finishes it, or takes it back.
    Failed {
        /// Why.
        error: String,
    },
}

/// Why a pack stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum PackKept {
    /// Its time is not over.
    Young {
        /// When it is, or later.
        until: Timestamp,
    },
    /// A time of it is in the future: was a clock set back?
    Future {
        /// That time.
        at: Timestamp,
    },
    /// The outcome of a deletion is not known.
    Unsettled {
        /// The key.
        key: ObjectKey,
    },
    /// A hold covers it: a person's, or that of a restore, or that of a newer deletion that is not settled.
    Held {
        /// The key.
        key: ObjectKey,
    },
    /// The application migrates.
    Migration {
        /// Why, as it was said.
        migration: String,
    },
    /// Something references an object whose only copy it holds.
    Referenced {
        /// The key.
        key: ObjectKey,
        /// How many of its keys are referenced and not in the bucket.
        objects: u64,
    },
    /// It holds other objects than the catalog knows, or such of another bucket.
    Unknown {
        /// What is strange about it.
        detail: String,
    },
    /// Its file is not in the vault.
    Missing,
    /// Another file stands under its name.
    Differs {
        /// The length of that file in bytes.
        found_bytes: u64,
    },
    /// Something began to need it at this very moment, such as a restore.
    Busy,
}

impl PackKept {
    /// Returns the reason as it is written to the audit chain and shown.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Young { .. } => "young",
            Self::Future { .. } => "future",
            Self::Unsettled { .. } => "unsettled",
            Self::Held { .. } => "held",
            Self::Migration { .. } => "migration",
            Self::Referenced { .. } => "referenced",
            Self::Unknown { .. } => "unknown",
            Self::Missing => "missing",
            Self::Differs { .. } => "differs",
            Self::Busy => "busy",
        }
    }
}

impl PruneTally {
    fn add(&mut self, pack: &PackRecord) {
        self.packs += 1;
        self.objects += pack.objects;
        self.bytes += pack.size_bytes + pack.copied_bytes;
    }
}

impl PruneReport {
    /// Writes down what became of a pack.
    pub(super) fn add(&mut self, pack: &PackRecord, outcome: PruneOutcome) {
        let (tally, removable_at) = match &outcome {
            PruneOutcome::Marked { removable_at } | PruneOutcome::WouldMark { removable_at } => {
                (&mut self.marked, Some(*removable_at))
            }
            PruneOutcome::Waiting { removable_at, .. } => (&mut self.waiting, Some(*removable_at)),
            PruneOutcome::Removed | PruneOutcome::WouldRemove => (&mut self.removed, None),
            PruneOutcome::Kept { .. } => (&mut self.kept, None),
            PruneOutcome::Failed { .. } => (&mut self.failed, None),
        };
        tally.add(pack);
        self.next_at = [self.next_at, removable_at].into_iter().flatten().min();
        tracing::debug!(pack = %pack.name, ?outcome, "prune");
        self.packs.push(PackPrune {
            pack: pack.name.clone(),
            created_at: pack.created_at,
            objects: pack.objects,
            size_bytes: pack.size_bytes + pack.copied_bytes,
            outcome,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_flat_in_json_and_come_back() {
        let at: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let key = ObjectKey::new("a/b").unwrap();
        let kept = |reason| PruneOutcome::Kept { reason, was_marked: true };
        let cases = [
            (PruneOutcome::Marked { removable_at: at }, r#""outcome":"marked","removable_at":"2026-11-23T10:00:00Z""#),
            (PruneOutcome::Removed, r#""outcome":"removed""#),
            (kept(PackKept::Missing), r#""outcome":"kept","reason":"missing","was_marked":true"#),
            (kept(PackKept::Held { key }), r#""outcome":"kept","reason":"held","key":"a/b","was_marked":true"#),
            (PruneOutcome::Failed { error: "no".into() }, r#""outcome":"failed","error":"no""#),
        ];
        for (outcome, expected) in cases {
            let pack = FileName::new("packs/a").unwrap();
            let pruned = PackPrune { pack, created_at: at, objects: 1, size_bytes: 2, outcome };
            let json = serde_json::to_string(&pruned).unwrap();
            assert!(json.contains(expected), "{json}");
            assert_eq!(serde_json::from_str::<PackPrune>(&json).unwrap(), pruned, "{json}");
        }
    }
}
