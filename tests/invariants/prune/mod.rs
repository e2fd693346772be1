//! I13: a pack leaves the vault only when its time is over and nothing needs it, and nothing claims a copy that is gone.

mod broken;
mod claims;
mod keeps;
mod refuses;
mod steps;

use std::path::PathBuf;
use std::sync::Arc;

use s3gc_core::catalog::{EntryFilter, EntryId, EntryRecord, PackRecord};
use s3gc_core::{Catalog, GcBuilder, Mode, PackKept, PruneOptions, PruneOutcome, PruneReport, VaultBackend};
use s3gc_testkit::faults::{FaultPlan, FaultyCatalog, FaultyVault};
use s3gc_tests::{LaterClock, World};

/// The first day on which a pack of today may be marked.
const OLD: i64 = 91;

/// A world from whose bucket objects were deleted today, and a clock that can be put forward.
struct Old {
    world: World,
    clock: LaterClock,
}

impl Old {
    /// Deletes these orphans in one run, which makes one pack of them.
    async fn new(orphans: &[&str]) -> Self {
        let world = World::new().await;
        world.put("kept.jpg", "kept");
        world.refer("kept.jpg").await;
        let old = Self { world, clock: LaterClock::default() };
        old.delete(orphans).await;
        old
    }

    /// Deletes these orphans in another run.
    async fn delete(&self, orphans: &[&str]) {
        self.world.s3.set_clock_offset(jiff::SignedDuration::ZERO);
        for key in orphans {
            self.world.put(key, &format!("the bytes of {key}"));
        }
        let report = self.world.execute().await.unwrap();
        assert_eq!(report.sweep.deleted.objects, orphans.len() as u64, "{:?}", report.sweep);
    }

    /// Prunes so many days from now.
    async fn prune_on(&self, day: i64) -> PruneReport {
        self.try_prune_at(24 * day).await.unwrap()
    }

    async fn try_prune_at(&self, hours: i64) -> s3gc_core::Result<PruneReport> {
        let builder = self.world.builder_at(&self.clock, hours).await;
        prune(builder.source(self.world.source_at(&self.clock).await)).await
    }

    /// Prunes so many days from now with a vault and a catalog in which calls go wrong.
    async fn prune_with(&self, day: i64, plan: &FaultPlan) -> s3gc_core::Result<PruneReport> {
        let vault: Arc<dyn VaultBackend> = Arc::new(FaultyVault::new(self.world.vault(), plan.clone()));
        let catalog: Arc<dyn Catalog> = Arc::new(FaultyCatalog::new(self.world.catalog().await, plan.clone()));
        let builder = self.world.builder_at(&self.clock, 24 * day).await.vault(vault).catalog(catalog);
        prune(builder.source(self.world.source_at(&self.clock).await)).await
    }

    /// Lists the files of packs, oldest first.
    fn files(&self) -> Vec<PathBuf> {
        let mut files = self.world.vault_files();
        files.retain(|file| file.to_string_lossy().ends_with(".tar.zst"));
        files.sort();
        files
    }

    async fn packs(&self) -> Vec<PackRecord> {
        self.world.catalog().await.packs(None, 100).await.unwrap()
    }

    async fn entries(&self) -> Vec<EntryRecord> {
        self.world.catalog().await.entries(&EntryFilter::default(), EntryId::default(), 1000).await.unwrap()
    }

    /// Runs a statement in the file of the catalog.
    async fn sql(&self, statement: &str) {
        s3gc_tests::sqlite(&format!("sqlite:{}", self.world.catalog_path().display()), statement).await;
    }
}

async fn prune(builder: GcBuilder) -> s3gc_core::Result<PruneReport> {
    let mut options = PruneOptions::default();
    options.mode = Some(Mode::Execute);
    builder.build().unwrap().prune(options).await
}

/// What became of the only pack.
fn only(report: &PruneReport) -> &PruneOutcome {
    let [pack] = &report.packs[..] else { panic!("{report:?}") };
    &pack.outcome
}

/// Why the only pack stays.
fn kept(report: &PruneReport) -> &PackKept {
    let PruneOutcome::Kept { reason, .. } = only(report) else { panic!("{report:?}") };
    reason
}

/// How many packs were marked, wait, were removed and stay.
fn counts(report: &PruneReport) -> [u64; 4] {
    [report.marked, report.waiting, report.removed, report.kept].map(|tally| tally.packs)
}
