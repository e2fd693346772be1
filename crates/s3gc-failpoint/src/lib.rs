#![doc = include_str!("../README.md")]

#[cfg(all(feature = "on", debug_assertions))]
mod kill;

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $name:literal,)*) => {
        /// A point around an effect. `...ing` stands before it, the others behind it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Point {
            $($(#[$doc])* $point,)*
        }

        impl Point {
            /// All points.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Returns the name by which a test asks for it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    /// Before the schema of a new catalog.
    CatalogMigrating = "catalog.migrating",
    /// The schema of a new catalog is committed.
    CatalogMigrated = "catalog.migrated",
    /// Before the lease is written into the catalog.
    LeaseTaking = "lease.taking",
    /// The lease is in the catalog and not yet in the vault.
    LeaseTaken = "lease.taken",
    /// The epoch is in the vault.
    EpochRecorded = "epoch.recorded",
    /// The catalog knows of the run.
    RunRecorded = "run.recorded",
    /// The listing is in its spool.
    ListingSpooled = "listing.spooled",
    /// Before the clocks of the census.
    ClocksCommitting = "clocks.committing",
    /// The clocks of the census are committed.
    ClocksCommitted = "clocks.committed",
    /// The pins are written.
    PinsWritten = "pins.written",
    /// Before the file of the plan.
    PlanWriting = "plan.writing",
    /// The file of the plan is durable, and the catalog does not know it.
    PlanWritten = "plan.written",
    /// The catalog knows the plan.
    PlanRecorded = "plan.recorded",
    /// Before a canary.
    CanaryWriting = "canary.writing",
    /// A canary is in the bucket.
    CanaryWritten = "canary.written",
    /// The canaries are gone again.
    CanariesGone = "canaries.gone",
    /// The plan is marked as begun.
    PlanBegun = "plan.begun",
    /// Before the store copies an object into the vault.
    CopyWriting = "copy.writing",
    /// The copy is in the vault, and no pack tells of it.
    CopyWritten = "copy.written",
    /// Before the local file of a pack.
    PackWriting = "pack.writing",
    /// The local file of a pack is whole.
    PackWritten = "pack.written",
    /// A temporary file is in the vault; nothing was sent to one in a bucket.
    VaultWriting = "vault.writing",
    /// The file of the vault has its bytes, which are not synced; in a bucket it lacks its last request.
    VaultWritten = "vault.written",
    /// The bytes are synced, and have no name.
    VaultSynced = "vault.synced",
    /// The file has its name, which is not synced.
    VaultRenamed = "vault.renamed",
    /// The file of the vault is durable.
    VaultDurable = "vault.durable",
    /// A new record of the vault is durable, beside the old one; in a bucket it is about to be sent.
    RecordWritten = "record.written",
    /// The new record of the vault has taken the place of the old one.
    RecordReplaced = "record.replaced",
    /// The pack is in the vault, and was not read back.
    PackStored = "pack.stored",
    /// The pack was read back, and the catalog does not know it.
    PackReadBack = "pack.read_back",
    /// The catalog knows what is staged.
    Staged = "staged",
    /// Who wrote before the look is done.
    Drained = "drained",
    /// The look is over.
    Looked = "looked",
    /// Before the intents of a batch.
    IntentsWriting = "intents.writing",
    /// The intents of a batch are durable.
    IntentsWritten = "intents.written",
    /// Each object of a batch was seen once more.
    Headed = "headed",
    /// Before a deletion goes to an S3 server.
    DeleteSending = "delete.sending",
    /// An S3 server has answered a deletion.
    DeleteAnswered = "delete.answered",
    /// The trash of a directory store knows its keys.
    TrashMade = "trash.made",
    /// A file lies in the trash.
    FileTrashed = "file.trashed",
    /// A file is gone, its headers are not.
    FileRemoved = "file.removed",
    /// The store has answered for a whole batch.
    BatchAnswered = "batch.answered",
    /// What lies under the delete markers was compared.
    MarkersChecked = "markers.checked",
    /// The outcomes are written and not committed.
    OutcomesWritten = "outcomes.written",
    /// The audit entries are written and not committed.
    AuditAppended = "audit.appended",
    /// Outcomes and audit entries are committed.
    OutcomesCommitted = "outcomes.committed",
    /// A batch is settled.
    Settled = "settled",
    /// The plan is marked as finished.
    PlanFinished = "plan.finished",
    /// Before the end of the run is written.
    RunClosing = "run.closing",
    /// The end of the run is written.
    RunClosed = "run.closed",
    /// The vault knows that the lease is given back.
    EpochReleased = "epoch.released",
    /// The lease is given back.
    LeaseReleased = "lease.released",
    /// Recovery knows what became of an object.
    RecoverFound = "recover.found",
    /// Recovery has brought a referenced object back.
    RecoverBroughtBack = "recover.brought_back",
    /// Recovery has written down what became of an object.
    RecoverSettled = "recover.settled",
    /// Before an object is restored.
    RestoreWriting = "restore.writing",
    /// An object is restored, and the catalog does not know.
    RestoreWritten = "restore.written",
    /// The catalog knows that an object is restored.
    RestoreRecorded = "restore.recorded",
    /// A pack is marked.
    PruneMarked = "prune.marked",
    /// A mark is taken away.
    PruneUnmarked = "prune.unmarked",
    /// Before a pack is written down as being pruned.
    PruneWriting = "prune.writing",
    /// A pack is written down as being pruned, and the vault does not know.
    PruneWritten = "prune.written",
    /// The vault remembers the audit entry of it, and the pack is still there.
    PruneRemembered = "prune.remembered",
    /// The name of a file of the vault is gone, which is not synced.
    VaultUnlinked = "vault.unlinked",
    /// The pack is gone, and the catalog does not know.
    PruneRemoved = "prune.removed",
    /// The catalog knows that the pack is gone.
    PruneRecorded = "prune.recorded",
    /// A removal that was begun and not done is undone.
    PruneUndone = "prune.undone",
    /// A restored file has its bytes and no name.
    FileWritten = "file.written",
    /// A restored file has its name.
    FilePublished = "file.published",
}

/// Marks a point. Does nothing unless a test asks for it.
#[inline]
pub fn hit(point: Point) {
    #[cfg(all(feature = "on", debug_assertions))]
    kill::hit(point);
    #[cfg(not(all(feature = "on", debug_assertions)))]
    let _ = point;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_points_have_one_name() {
        let names: HashSet<&str> = Point::ALL.iter().map(|point| point.name()).collect();
        assert_eq!(names.len(), Point::ALL.len());
    }
}
