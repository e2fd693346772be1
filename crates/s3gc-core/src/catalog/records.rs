//! The records of the catalog.

use std::fmt;

use s3gc_store::{ETag, Location, ObjectKey, Timestamp, VersionId};
use s3gc_vault::FileName;
use s3gc_vault::pack::PackEntry;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::plan::PlanEntry;
use crate::{Digest, RunId};

/// The id of a catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CatalogId(pub Uuid);

impl fmt::Display for CatalogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of an entry of the vault index; ids grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub i64);

/// Who collects a location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Grows with each holder.
    pub epoch: u64,
    /// The run that holds it.
    pub run: RunId,
    /// The host's name.
    pub host: String,
    /// The host's boot id: a process id means nothing after a restart of the host.
    pub boot_id: String,
    /// The process namespace: a process id means nothing in another container.
    pub pid_namespace: String,
    /// The process.
    pub pid: u32,
    /// The process's start time in the kernel's ticks, since process ids are used again.
    pub pid_start: u64,
    /// When it was taken.
    pub acquired_at: Timestamp,
    /// When its holder last said that it lives.
    pub heartbeat_at: Timestamp,
    /// When its holder gave it back.
    pub released_at: Option<Timestamp>,
    /// Before this time nobody deletes: requests of an earlier holder, who did not give the lease back, may still land.
    /// It goes on with the lease, whoever holds it.
    pub effects_after: Option<Timestamp>,
}

/// The mode of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Census and plan; nothing in the bucket or the vault changes.
    #[default]
    DryRun,
    /// Also writes each would-be deletion to the audit chain.
    AuditOnly,
    /// Deletes.
    Execute,
}

impl Mode {
    /// Returns the mode as it is written in configurations.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DryRun => "dry_run",
            Self::AuditOnly => "audit_only",
            Self::Execute => "execute",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A mode that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a mode: dry_run, audit_only or execute")]
pub struct InvalidMode(String);

impl std::str::FromStr for Mode {
    type Err = InvalidMode;

    fn from_str(text: &str) -> Result<Self, InvalidMode> {
        match text {
            "dry_run" => Ok(Self::DryRun),
            "audit_only" => Ok(Self::AuditOnly),
            "execute" => Ok(Self::Execute),
            _ => Err(InvalidMode(text.to_owned())),
        }
    }
}

/// How a run stands or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It runs, or its process died.
    Running,
    /// It did all it set out to do.
    Done,
    /// Some objects failed.
    Partial,
    /// A brake or a stop kept it from deleting.
    Blocked,
    /// It failed.
    Failed,
    /// A person ended it.
    Cancelled,
    /// Its process died; a later start repaired what it left.
    Crashed,
}

impl RunState {
    /// Returns the state as it is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Crashed => "crashed",
        }
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// The store.
    pub location: Location,
    /// Its mode.
    pub mode: Mode,
    /// How it stands.
    pub state: RunState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The report, once there is one.
    pub report: Option<serde_json::Value>,
    /// Why it failed or was blocked.
    pub error: Option<String>,
}

/// What is known of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// Its hash.
    pub hash: Digest,
    /// The run that made it.
    pub run: RunId,
    /// The store.
    pub location: Location,
    /// When it was made.
    pub created_at: Timestamp,
    /// How it stands.
    pub state: PlanState,
}

/// How a plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// Nobody ran it.
    Fresh,
    /// A run began with it; another may go on.
    Begun,
    /// It was run to its end.
    Finished,
}

/// A complete census.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CensusRecord {
    /// The run that made it.
    pub run: RunId,
    /// When the listing ended, by the store's clock.
    pub completed_at: Timestamp,
    /// The digest of the configuration that widens deletion.
    pub config_hash: Digest,
    /// The counts, as the report shows them.
    pub counts: serde_json::Value,
}

/// The clock of an orphan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanClock {
    /// The entity tag for which it runs.
    pub etag: ETag,
    /// The Last-Modified for which it runs.
    pub last_modified: Timestamp,
    /// The length of the object's bytes.
    pub size_bytes: u64,
    /// When it started.
    pub since: Timestamp,
    /// The run that last saw the object unreferenced.
    pub seen_in: RunId,
}

/// A pack of the vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackRecord {
    /// Its name in the vault.
    pub name: FileName,
    /// The vault's location.
    pub vault: String,
    /// The run that wrote it, as its entries name it.
    pub run: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// The length of the file in bytes.
    pub size_bytes: u64,
    /// How many bytes the store copied beside it.
    pub copied_bytes: u64,
    /// The digest of the file.
    pub blake3: Digest,
    /// The sum of the lengths of its objects in bytes.
    pub original_bytes: u64,
    /// How many objects it holds.
    pub objects: u64,
    /// How it was found, if it was not written by this catalog's own run.
    pub adopted: Option<Adoption>,
    /// Whether it is on its way out of the vault.
    pub state: PackState,
}

/// How a pack was found that the catalog did not know (`vault reindex`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adoption {
    /// When.
    pub at: Timestamp,
    /// What of it could not be read: it may hold objects that the catalog does not know.
    pub damage: Option<String>,
}

/// Where a pack stands on its way out of the vault (`vault prune`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum PackState {
    /// It stays.
    #[default]
    Kept,
    /// Nothing needed it at this time: it is removed later, if still nothing does.
    Marked {
        /// When.
        at: Timestamp,
    },
    /// Its removal was begun at this time: its file may be gone, and no copy in it counts any more.
    Pruning {
        /// When.
        at: Timestamp,
    },
    /// Its file is gone.
    Pruned {
        /// When that was written down.
        at: Timestamp,
    },
}

impl PackState {
    /// Returns the state as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Marked { .. } => "marked",
            Self::Pruning { .. } => "pruning",
            Self::Pruned { .. } => "pruned",
        }
    }

    /// Returns since when it stands so.
    #[must_use]
    pub fn at(self) -> Option<Timestamp> {
        match self {
            Self::Kept => None,
            Self::Marked { at } | Self::Pruning { at } | Self::Pruned { at } => Some(at),
        }
    }

    /// Tells whether the copies in the pack do not count any more: its file is gone, or may be.
    #[must_use]
    pub fn is_gone(self) -> bool {
        matches!(self, Self::Pruning { .. } | Self::Pruned { .. })
    }

    /// Tells whether a pack may go on from this state to another.
    #[must_use]
    pub fn leads_to(self, next: Self) -> bool {
        matches!(
            (self, next),
            (Self::Kept, Self::Marked { .. })
                | (Self::Marked { .. }, Self::Kept | Self::Pruning { .. })
                | (Self::Pruning { .. }, Self::Kept | Self::Pruned { .. })
        )
    }
}

/// An object that was staged, with what the plan says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedEntry {
    /// Its place in the pack, and its metadata.
    pub entry: PackEntry,
    /// Since when it was unreferenced.
    pub unreferenced_since: Timestamp,
}

/// How an entry of the vault index stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// In the vault, and the object is still in its place.
    Staged,
    /// The request to delete it was sent, or was about to be; the outcome is not known.
    Sent,
    /// The object was deleted.
    Deleted,
    /// It was not there any more when we came to delete it.
    Gone,
    /// Another object stood in its place, and was kept.
    Changed,
    /// The look found it referenced, and it was kept.
    Rescued,
    /// It was not deleted, for another reason.
    PutBack,
    /// It was deleted, and restored later.
    Restored,
}

impl EntryState {
    /// Returns the state as it is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Sent => "sent",
            Self::Deleted => "deleted",
            Self::Gone => "gone",
            Self::Changed => "changed",
            Self::Rescued => "rescued",
            Self::PutBack => "put_back",
            Self::Restored => "restored",
        }
    }
}

/// An entry of the vault index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryRecord {
    /// Its id.
    pub id: EntryId,
    /// The pack that holds the bytes.
    pub pack: FileName,
    /// Its place in the pack, and its metadata.
    pub entry: PackEntry,
    /// How it stands.
    pub state: EntryState,
    /// Since when it was unreferenced.
    pub unreferenced_since: Timestamp,
    /// When the request to delete it was about to be sent.
    pub sent_at: Option<Timestamp>,
    /// When its outcome was written.
    pub settled_at: Option<Timestamp>,
    /// The delete marker over it, on a versioned bucket.
    pub marker: Option<VersionId>,
    /// When it was restored.
    pub restored_at: Option<Timestamp>,
    /// Since when its copy is not in the vault any more.
    pub pruned_at: Option<Timestamp>,
}

impl EntryRecord {
    /// Returns the entry as the plan had it.
    pub(crate) fn as_plan(&self) -> PlanEntry {
        PlanEntry {
            key: self.entry.key.clone(),
            size_bytes: self.entry.meta.size_bytes,
            etag: self.entry.meta.etag.clone(),
            last_modified: self.entry.meta.last_modified,
            unreferenced_since: self.unreferenced_since,
        }
    }
}

/// What became of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The entry.
    pub entry: EntryId,
    /// `Deleted`, `Gone`, `Changed`, `Rescued` or `PutBack`.
    pub state: EntryState,
    /// The delete marker that the store placed.
    pub marker: Option<VersionId>,
    /// When.
    pub at: Timestamp,
}

/// Which entries of the vault index; an unset field does not restrict.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Of this store.
    pub location: Option<Location>,
    /// With this key.
    pub key: Option<ObjectKey>,
    /// With a key that begins so.
    pub prefix: Option<String>,
    /// Of this run.
    pub run: Option<RunId>,
    /// Settled, or sent and not answered, at or after this time.
    pub since: Option<Timestamp>,
    /// Settled, or sent and not answered, before this time.
    pub until: Option<Timestamp>,
    /// In one of these states; empty for any.
    pub states: Vec<EntryState>,
    /// In this pack.
    pub pack: Option<FileName>,
    /// Whose copy is not in the vault any more, or is.
    pub is_pruned: Option<bool>,
}

/// What a hold sets aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// The keys of its glob.
    #[default]
    Glob,
    /// Everything: the application migrates, and its references are not to be relied on meanwhile.
    Migration,
}

/// What a person set aside from deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id; ignored when it is added.
    pub id: i64,
    /// What it sets aside.
    #[serde(default)]
    pub kind: HoldKind,
    /// The store; `None` for all.
    pub location: Option<Location>,
    /// Which keys: a glob, where `*` stops at `/` and `**` does not.
    pub glob: String,
    /// Why.
    pub reason: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when; `None` for ever.
    pub until: Option<Timestamp>,
}

impl Hold {
    /// Tells whether it still holds at this time.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// Something that must not change without a person's word, such as the identity of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// What it is, such as `identity:main`.
    pub name: String,
    /// Its value.
    pub value: String,
    /// When it was set.
    pub set_at: Timestamp,
}

/// Which audit entries; an unset field does not restrict.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this run.
    pub run: Option<RunId>,
    /// About this key.
    pub key: Option<String>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this store.
    pub location: Option<Location>,
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Runs of any kind.
    pub runs: u64,
    /// Runs that failed.
    pub failed_runs: u64,
    /// Objects that were deleted (and perhaps restored later).
    pub deleted_objects: u64,
    /// Their bytes.
    pub deleted_bytes: u64,
    /// Objects that were restored.
    pub restored_objects: u64,
    /// Their bytes.
    pub restored_bytes: u64,
    /// Objects that hide under a delete marker: they still cost money.
    pub hidden_objects: u64,
    /// Their bytes.
    pub hidden_bytes: u64,
    /// Packs in the vault, without those that were pruned.
    pub packs: u64,
    /// Their bytes.
    pub vault_bytes: u64,
    /// The bytes of the objects in them.
    pub original_bytes: u64,
    /// When the oldest of them was written.
    pub oldest_pack: Option<Timestamp>,
    /// When the newest was.
    pub newest_pack: Option<Timestamp>,
    /// Entries whose outcome is not known.
    pub unsettled: u64,
}
