//! I4, I5, I10 and I11: an incomplete census deletes nothing, a dry run writes nothing, what is not understood stays.

use std::sync::Arc;

use s3gc_core::{Error, Mode, ObjectKey, RunOptions, RunState};
use s3gc_store_fs::{FsConfig, FsStore};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultySource, FaultyStore};
use s3gc_tests::{World, sqlite};

async fn world() -> World {
    let world = World::new().await;
    for n in 0..30 {
        world.put(&format!("kept/{n}.jpg"), "kept");
        world.refer(&format!("kept/{n}.jpg")).await;
    }
    world.put("orphan.jpg", "orphan");
    world
}

/// Nothing was deleted, and no clock moved.
async fn assert_untouched(world: &World) {
    assert_eq!(world.bucket().len(), 31);
    let catalog = world.catalog().await;
    let location = world.store().await.location().clone();
    let key = ObjectKey::new("orphan.jpg").unwrap();
    assert_eq!(catalog.clocks(&location, &[key]).await.unwrap(), [None]);
    assert_eq!(catalog.last_census(&location).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn i04_a_listing_that_ends_early_or_fails_deletes_nothing() {
    for fault in [Fault::Truncate, Fault::Fail] {
        for operation in ["list", "page"] {
            let world = world().await;
            let plan = FaultPlan::new().at(operation, 1, fault.clone());
            let store = Arc::new(FaultyStore::new(world.store().await, plan.clone()));
            let gc = world.gc_with(store, world.source().await).await;
            let result = gc.run_cycle(RunOptions::mode(Mode::Execute)).await;
            // A fault that an operation cannot have is an error of the plan, which is no proof.
            if plan.fired() > 0 {
                assert!(result.is_err(), "{operation} {fault:?}");
            }
            assert_untouched(&world).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i04_a_listing_without_its_end_is_incomplete() {
    let world = world().await;
    let plan = FaultPlan::new().always("list", Fault::Truncate);
    let store = Arc::new(FaultyStore::new(world.store().await, plan));
    let gc = world.gc_with(store, world.source().await).await;
    let error = gc.run_cycle(RunOptions::default()).await.unwrap_err();
    assert!(matches!(error, Error::Incomplete { .. }), "{error}");
    assert_untouched(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i04_a_scan_that_ends_early_or_fails_deletes_nothing() {
    for (operation, fault) in [("scan", Fault::Truncate), ("scan", Fault::Fail), ("batch", Fault::Fail)] {
        let world = world().await;
        let plan = FaultPlan::new().at(operation, 1, fault.clone());
        let source = Arc::new(FaultySource::new(world.source().await, plan));
        let gc = world.gc_with(world.store().await, source).await;
        gc.run_cycle(RunOptions::mode(Mode::Execute)).await.expect_err(&format!("{operation} {fault:?}"));
        assert_untouched(&world).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i04_a_look_that_fails_deletes_nothing() {
    let world = world().await;
    // The second scan of a run is the look.
    for fault in [Fault::Truncate, Fault::Fail] {
        let source = Arc::new(FaultySource::new(world.source().await, FaultPlan::new().at("scan", 2, fault)));
        let gc = world.gc_with(world.store().await, source).await;
        gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap_err();
        assert_eq!(world.bucket().len(), 31);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l01_a_missing_table_is_no_empty_table() {
    let world = world().await;
    let gc = world.gc().await;
    sqlite(&world.url, "DROP TABLE posts").await;
    assert!(gc.run_cycle(RunOptions::mode(Mode::Execute)).await.is_err());
    assert_untouched(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l01_an_emptied_table_blocks_the_plan_until_a_person_accepts_it() {
    let world = world().await;
    let gc = world.gc().await;
    gc.run_cycle(RunOptions::default()).await.unwrap();
    sqlite(&world.url, "DELETE FROM posts").await;
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(report.state, RunState::Blocked);
    let names: Vec<&str> = report.brakes.iter().map(|brake| brake.name.as_str()).collect();
    assert!(names.starts_with(&["zero:total", "zero:main", "zero:posts.image"]), "{names:?}");
    assert_eq!(world.bucket().len(), 31);

    // The bad census is no measure for the next one: it is blocked again.
    assert_eq!(gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap().state, RunState::Blocked);

    let path = report.plan.unwrap().path;
    let error = gc.run_cycle(RunOptions::plan(&path)).await.unwrap_err();
    assert!(matches!(error, Error::NotAccepted { .. }), "{error}");
    let mut options = RunOptions::plan(&path);
    options.accept = report.brakes.iter().map(|brake| brake.name.clone()).collect();
    assert!(gc.run_cycle(options.clone()).await.unwrap_err().to_string().contains("--reason"));
    options.reason = Some("the application was closed down".into());
    let report = gc.run_cycle(options.clone()).await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 31, "{:?}", report.sweep);
    assert!(gc.run_cycle(options).await.unwrap_err().to_string().contains("was run already"));
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_a_dry_run_and_an_audit_write_nothing_to_the_bucket_or_the_vault() {
    let world = world().await;
    for mode in [Mode::DryRun, Mode::AuditOnly] {
        let report = world.gc().await.run_cycle(RunOptions::mode(mode)).await.unwrap();
        assert_eq!(report.counts.due.objects, 1);
        assert_eq!(world.s3.writes().len(), 0, "{mode}");
        assert_eq!(world.vault_files(), [""; 0].map(std::path::PathBuf::from), "{mode}");
    }
    let audit = world.catalog().await.audit(&s3gc_core::catalog::AuditFilter::default(), 0, 100).await.unwrap();
    let kinds: Vec<(&str, Option<&str>)> = audit.iter().map(|e| (e.kind.as_str(), e.key.as_deref())).collect();
    assert_eq!(kinds, [("would_delete", Some("orphan.jpg"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_what_cannot_be_a_key_stays_and_is_reported() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut world = World::new().await;
    world.without_retention();
    let uploads = world.dir.path().join("uploads");
    std::fs::create_dir(&uploads).unwrap();
    let odd = uploads.join(std::ffi::OsStr::from_bytes(b"odd-\xff.jpg"));
    std::fs::write(&odd, "odd").unwrap();
    std::fs::write(uploads.join("orphan.jpg"), "orphan").unwrap();
    world.refer("else.jpg").await;
    let store = Arc::new(FsStore::open(&FsConfig::new(&uploads)).await.unwrap());
    let gc = world.gc_with(store, world.source().await).await;
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!((report.sweep.deleted.objects, report.counts.skipped), (1, 1), "{:?}", report.counts);
    let named = &report.counts.skipped_samples;
    assert!(named.len() == 1 && named[0].0.contains("odd-"), "{named:?}");
    assert!(odd.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_census_beyond_its_memory_finds_the_same() {
    let mut world = World::new().await;
    let corpus = world.put_corpus(3000);
    let rows: String = corpus
        .values()
        .map(|value| format!("INSERT INTO posts (image) VALUES ('{}');", value.replace('\'', "''")))
        .collect();
    sqlite(&world.url, &format!("BEGIN;{rows}COMMIT;")).await;
    // Room for 8,192 fingerprints: the readings of 2,000 values are more.
    world.settings.memory_bytes = 1;
    let report = world.gc().await.run_cycle(RunOptions::default()).await.unwrap();
    assert_eq!(report.counts.due.objects as usize, corpus.orphans().len());
}
