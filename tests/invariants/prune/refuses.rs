//! When nothing is pruned at all: references that cannot be believed, a lease that is not there, a catalog that is old.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use s3gc_catalog::SqliteCatalog;
use s3gc_core::catalog::{Catalog as _, PackState};
use s3gc_core::{Error, Mode, PruneOptions, RunOptions};
use s3gc_s3_mem::{Effect, Fault as ServerFault, Op};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultySource};
use s3gc_tests::sqlite;

use super::{OLD, Old, counts, prune};

/// A world with a pack that the next call removes, if nothing keeps it.
async fn marked() -> Old {
    let old = Old::new(&["a.jpg"]).await;
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    old
}

async fn assert_untouched(old: &Old, what: &str) {
    assert_eq!(old.files().len(), 1, "{what}");
    assert!(matches!(old.packs().await[0].state, PackState::Marked { .. }), "{what}");
}

fn is_stop(result: &s3gc_core::Result<s3gc_core::PruneReport>, stop: &str, says: &str) -> bool {
    matches!(result, Err(Error::Stop { name, reason }) if *name == stop && reason.contains(says))
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_source_that_fails_or_is_incomplete_prunes_nothing() {
    for (plan, fault) in [
        ("status", FaultPlan::new().always("status", Fault::Fail)),
        ("drain", FaultPlan::new().always("drain", Fault::Fail)),
        ("scan", FaultPlan::new().always("scan", Fault::Fail)),
        ("batch", FaultPlan::new().at("batch", 1, Fault::Fail)),
        ("end", FaultPlan::new().at("batch", 2, Fault::Fail)),
        ("no end", FaultPlan::new().always("scan", Fault::Truncate)),
        ("lock", FaultPlan::new().always("lock", Fault::Fail)),
    ] {
        let old = marked().await;
        let builder = old.world.builder_at(&old.clock, 24 * (OLD + 1)).await;
        let source = FaultySource::new(old.world.source_at(&old.clock).await, fault.clone());
        let result = prune(builder.source(Arc::new(source))).await;
        assert!(result.is_err() && fault.fired() > 0, "{plan}: {result:?}");
        assert_untouched(&old, plan).await;
        assert_eq!(counts(&old.prune_on(OLD + 1).await), [0, 0, 1, 0], "{plan}: it is only put off");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_store_that_does_not_say_whether_an_object_is_there_prunes_nothing() {
    let old = marked().await;
    old.world.refer("a.jpg").await;
    old.world.put("a.jpg", "again");
    old.world.s3.inject(ServerFault::new(Effect::InternalError).on(Op::HeadObject).key("a.jpg"));
    old.try_prune_at(24 * (OLD + 1)).await.unwrap_err();
    assert_untouched(&old, "a HEAD that fails").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_references_that_would_block_a_plan_are_not_believed() {
    // An emptied table.
    let old = marked().await;
    sqlite(&old.world.url, "DELETE FROM posts").await;
    let result = old.try_prune_at(24 * (OLD + 1)).await;
    assert!(is_stop(&result, "references", "zero:"), "{result:?}");
    assert_untouched(&old, "emptied").await;

    // Far fewer rows.
    let old = Old::new(&["a.jpg"]).await;
    for n in 0..40 {
        old.world.refer(&format!("{n}.jpg")).await;
        old.world.put(&format!("{n}.jpg"), "kept");
    }
    old.delete(&["b.jpg"]).await;
    sqlite(&old.world.url, "DELETE FROM posts WHERE id > 20").await;
    let result = old.try_prune_at(24 * OLD).await;
    assert!(is_stop(&result, "references", "drop:"), "{result:?}");

    // Another database under the same name.
    let old = marked().await;
    let path = old.world.dir.path().join("app.db");
    let copy = old.world.dir.path().join("copy.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::rename(&copy, &path).unwrap();
    let result = old.try_prune_at(24 * (OLD + 1)).await;
    assert!(is_stop(&result, "references", "identity"), "{result:?}");
    assert_untouched(&old, "another database").await;

    // A configuration that was widened since.
    let mut old = marked().await;
    old.world.settings.prefixes = vec![s3gc_core::KeyPrefix::new("a/").unwrap()];
    let result = old.try_prune_at(24 * (OLD + 1)).await;
    assert!(is_stop(&result, "references", "config"), "{result:?}");
    assert_untouched(&old, "configuration").await;
    old.world.gc_on(&old.clock, OLD + 1).await.run_cycle(RunOptions::default()).await.unwrap();
    assert_eq!(counts(&old.prune_on(OLD + 1).await), [0, 0, 1, 0], "a dry run lifts it");

    // Nothing to compare with.
    let old = marked().await;
    old.sql("DELETE FROM census").await;
    let result = old.try_prune_at(24 * (OLD + 1)).await;
    assert!(is_stop(&result, "references", "no good census"), "{result:?}");
    assert_untouched(&old, "no census").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l20_a_clock_that_is_off_prunes_nothing() {
    let old = marked().await;
    old.clock.set_days(OLD + 1);
    // The clocks of store and database are those of today.
    old.world.s3.set_clock_offset(jiff::SignedDuration::ZERO);
    let gc = s3gc_core::Gc::builder(old.world.settings.clone())
        .store(old.world.store().await)
        .source(old.world.source().await)
        .vault(old.world.vault())
        .catalog(old.world.catalog().await)
        .clock(Arc::new(old.clock.clone()));
    let result = prune(gc).await;
    assert!(is_stop(&result, "clock", "apart"), "{result:?}");
    assert_untouched(&old, "a clock that is off").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l22_a_prune_and_a_run_exclude_each_other() {
    let old = Old::new(&["a.jpg"]).await;
    old.world.put("b.jpg", "orphan");
    let gc = Arc::new(old.world.gc().await);
    let (met, is_first) = (Arc::new(std::sync::Mutex::new(None)), AtomicBool::new(true));
    let (said, other) = (Arc::clone(&met), Arc::clone(&gc));
    old.world.s3.after(Op::GetObject, move |_| {
        if is_first.swap(false, Ordering::SeqCst) {
            let mut options = PruneOptions::default();
            options.mode = Some(Mode::Execute);
            let prune = other.prune(options);
            let result = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(prune));
            *said.lock().unwrap() = Some(result);
        }
    });
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1, "{:?}", report.sweep);
    let met = met.lock().unwrap().take();
    assert!(matches!(&met, Some(Err(Error::Locked { holder, .. })) if holder.contains("pid")), "{met:?}");

    // And the other way round.
    let old = marked().await;
    let gc = Arc::new(old.world.gc_on(&old.clock, OLD + 1).await);
    let (met, said) = (Arc::new(std::sync::Mutex::new(None)), Arc::clone(&gc));
    let result = Arc::clone(&met);
    let run = Fault::hook(move || {
        let (gc, result) = (Arc::clone(&said), Arc::clone(&result));
        async move { *result.lock().unwrap() = Some(gc.run_cycle(RunOptions::mode(Mode::Execute)).await) }
    });
    let report = old.prune_with(OLD + 1, &FaultPlan::new().at("remove", 1, run)).await.unwrap();
    assert_eq!(counts(&report), [0, 0, 1, 0]);
    let met = met.lock().unwrap().take();
    assert!(matches!(&met, Some(Err(Error::Locked { .. }))), "{met:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_catalog_that_was_restored_or_copied_prunes_nothing() {
    let old = marked().await;
    let copy = old.world.dir.path().join("copy.db");
    old.sql(&format!("VACUUM INTO '{}'", copy.display())).await;
    // The newest catalog goes on.
    old.world.refer("b.jpg").await;
    old.world.gc_on(&old.clock, OLD).await.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    let catalog = Arc::new(SqliteCatalog::open(&copy).await.unwrap());
    for is_dry in [true, false] {
        let builder = old.world.builder_at(&old.clock, 24 * (OLD + 1)).await.catalog(catalog.clone());
        let gc = builder.source(old.world.source_at(&old.clock).await).build().unwrap();
        let mut options = PruneOptions::default();
        (options.mode, options.dry_run) = (Some(Mode::Execute), is_dry);
        let result = gc.prune(options).await;
        assert!(is_stop(&result, "catalog", "older than the vault remembers"), "{result:?}");
    }
    assert!(matches!(catalog.packs(None, 9).await.unwrap()[0].state, PackState::Marked { .. }));
    assert_untouched(&old, "an old catalog").await;
    assert_eq!(counts(&old.prune_on(OLD + 1).await), [0, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_catalog_from_before_a_removal_is_refused_though_the_prune_died() {
    let old = marked().await;
    let copy = old.world.dir.path().join("copy.db");
    let catalog = format!("sqlite:{}", old.world.catalog_path().display());
    let copied = Fault::hook({
        let copy = copy.clone();
        move || {
            let (catalog, copy) = (catalog.clone(), copy.clone());
            async move { sqlite(&catalog, &format!("VACUUM INTO '{}'", copy.display())).await }
        }
    });
    // Copied under the lease of this very prune, just before the intent; the prune dies after the removal, and never gives
    // its lease back.
    let plan = FaultPlan::new().at("move_pack", 1, copied).at("move_pack", 2, Fault::Hang);
    let dies = tokio::time::timeout(Duration::from_secs(5), old.prune_with(OLD + 1, &plan));
    assert!(dies.await.is_err(), "it hangs");
    assert_eq!(old.files().len(), 0);
    let catalog = Arc::new(SqliteCatalog::open(&copy).await.unwrap());
    assert!(matches!(catalog.packs(None, 9).await.unwrap()[0].state, PackState::Marked { .. }), "it claims the pack");
    let builder = old.world.builder_at(&old.clock, 24 * (OLD + 2)).await.catalog(catalog);
    let result = prune(builder.source(old.world.source_at(&old.clock).await)).await;
    assert!(is_stop(&result, "catalog", "older than the vault remembers"), "{result:?}");
}
