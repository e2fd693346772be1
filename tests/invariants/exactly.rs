//! I1 and I3: what is referenced, and what is not the staged object any more, is not deleted.

use std::sync::Arc;

use s3gc_core::catalog::AuditFilter;
use s3gc_core::{Error, Mode, RunOptions, RunState};
use s3gc_s3_mem::{Op, PutSpec, VersioningState};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultyStore};
use s3gc_tests::World;

async fn world() -> World {
    let world = World::new().await;
    world.put("kept.jpg", "kept");
    world.refer("kept.jpg").await;
    for key in ["a.jpg", "b.jpg", "c.jpg"] {
        world.put(key, "orphan");
    }
    world
}

/// Makes the server as lax as most S3-compatible ones are.
pub(super) fn make_lax(world: &World) {
    world.s3.quirks(|quirks| {
        quirks.ignore_if_match_on_delete = true;
        quirks.ignore_etag_in_batch = true;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_a_key_that_is_referenced_after_the_plan_is_not_deleted() {
    let world = world().await;
    let gc = world.gc().await;
    let plan = gc.run_cycle(RunOptions::default()).await.unwrap().plan.unwrap();
    world.refer("b.jpg").await;
    let report = gc.run_cycle(RunOptions::plan(&plan.path)).await.unwrap();
    assert_eq!(report.state, RunState::Done);
    assert_eq!((report.sweep.rescued.objects, report.sweep.deleted.objects), (1, 2));
    assert_eq!(world.bucket().keys(), ["b.jpg", "kept.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_a_key_that_is_referenced_while_it_is_staged_is_not_deleted() {
    let world = world().await;
    let url = world.url.clone();
    // The row is committed while the objects are read into the vault.
    world.s3.before(Op::GetObject, move |_| {
        let url = url.clone();
        let insert = async move { s3gc_tests::sqlite(&url, "INSERT INTO posts (image) VALUES ('/a.jpg')").await };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(insert));
    });
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.rescued.objects, 1, "{:?}", report.sweep);
    assert_eq!(world.bucket().keys(), ["a.jpg", "kept.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_an_object_that_is_rewritten_after_it_was_staged_survives_on_a_lax_server() {
    let mut world = world().await;
    world.settings.unconditional_delete = true;
    make_lax(&world);
    let bucket = world.bucket();
    // Other bytes for one, the same bytes for another: an equal entity tag is not an equal object.
    world.s3.after(Op::GetObject, move |key| match key {
        "a.jpg" => drop(bucket.put(key, b"rewritten".to_vec(), PutSpec::default())),
        "b.jpg" => drop(bucket.put(key, b"orphan".to_vec(), PutSpec::default())),
        _ => {}
    });
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.changed.objects, report.sweep.deleted.objects), (2, 1), "{:?}", report.sweep);
    assert_eq!(world.bucket().keys(), ["a.jpg", "b.jpg", "kept.jpg"]);
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "rewritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_an_object_that_is_rewritten_in_the_moment_of_its_deletion_survives() {
    let world = world().await;
    let bucket = world.bucket();
    world.s3.before(Op::DeleteObjects, move |key| {
        if key == "a.jpg" {
            bucket.put(key, b"rewritten".to_vec(), PutSpec::default());
        }
    });
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.changed.objects, report.sweep.deleted.objects), (1, 2), "{:?}", report.sweep);
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "rewritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_a_marker_over_a_rewritten_object_is_removed_again() {
    let world = world().await;
    make_lax(&world);
    world.bucket().set_versioning(VersioningState::Enabled);
    let bucket = world.bucket();
    let rewrite = move |key: &str| {
        if key == "a.jpg" {
            bucket.put(key, b"rewritten".to_vec(), PutSpec::default());
        }
    };
    world.s3.before(Op::DeleteObjects, rewrite);
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.changed.objects, report.sweep.deleted.objects), (1, 2), "{:?}", report.sweep);
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "rewritten");
    assert_eq!(world.bucket().keys(), ["a.jpg", "kept.jpg"]);
    assert_eq!(report.sweep.hidden.objects, 2, "what lies under a marker is not saved");
}

/// Rewrites an object in the moment of its deletion, however that is asked for, and returns the means of the others.
async fn means_of_a_run_with_a_rewrite(world: &World) -> Vec<String> {
    for op in [Op::DeleteObjects, Op::DeleteObject] {
        let bucket = world.bucket();
        world.s3.before(op, move |key| {
            if key == "a.jpg" {
                bucket.put(key, b"rewritten".to_vec(), PutSpec::default());
            }
        });
    }
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.changed.objects, report.sweep.deleted.objects), (1, 2), "{:?}", report.sweep);
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "rewritten");
    let filter = AuditFilter { kind: Some("delete".into()), ..AuditFilter::default() };
    let told = world.catalog().await.audit(&filter, 0, 10).await.unwrap();
    let means =
        |detail: &str| serde_json::from_str::<serde_json::Value>(detail).unwrap()["means"].as_str().map(str::to_owned);
    told.iter().filter_map(|entry| means(&entry.detail)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_a_server_that_ignores_tags_in_batches_is_asked_one_by_one() {
    let lax = world().await;
    lax.s3.quirks(|quirks| quirks.ignore_etag_in_batch = true);
    assert_eq!(means_of_a_run_with_a_rewrite(&lax).await, ["single_etag"; 2]);
    assert_eq!(means_of_a_run_with_a_rewrite(&world().await).await, ["batch_etag"; 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_a_server_that_ignores_if_match_is_not_relied_on_for_batches() {
    // Keys that XML cannot carry go alone.
    let lax = world().await;
    lax.s3.quirks(|quirks| quirks.ignore_if_match_on_delete = true);
    let error = lax.execute().await.unwrap_err();
    assert!(matches!(error, Error::Stop { name: "unconditional_delete", .. }), "{error}");
    assert_eq!(lax.bucket().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_versioning_that_is_suspended_between_look_and_deletion_is_noticed() {
    // The last time that a run asks for the state of the bucket is before its only batch.
    let mut last = 0;
    for is_suspended in [false, true] {
        let world = world().await;
        world.bucket().set_versioning(VersioningState::Enabled);
        let bucket = world.bucket();
        let suspend = Fault::hook(move || {
            bucket.set_versioning(VersioningState::Suspended);
            async {}
        });
        let plan = if is_suspended { FaultPlan::new().at("status", last, suspend) } else { FaultPlan::new() };
        let store = Arc::new(FaultyStore::new(world.store().await, plan.clone()));
        let result = world.gc_with(store, world.source().await).await.run_cycle(RunOptions::mode(Mode::Execute)).await;
        last = plan.calls_of("status");
        let left = world.bucket().keys().len();
        if is_suspended {
            assert!(matches!(result, Err(Error::Stop { name: "versioning", .. })), "{result:?}");
            assert_eq!((left, plan.fired()), (4, 1));
        } else {
            assert_eq!((result.unwrap().sweep.deleted.objects, left), (3, 1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_a_lax_server_without_versions_is_not_deleted_from_unless_told_to() {
    let world = world().await;
    make_lax(&world);
    let error = world.execute().await.unwrap_err();
    assert!(error.to_string().contains("unconditional_delete"), "{error}");
    assert_eq!(world.bucket().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn l24_suspended_versioning_counts_as_none() {
    let world = world().await;
    make_lax(&world);
    world.bucket().set_versioning(VersioningState::Enabled);
    world.bucket().set_versioning(VersioningState::Suspended);
    assert!(world.execute().await.is_err());
    assert_eq!(world.bucket().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_two_runs_never_collect_one_bucket_at_a_time() {
    let world = world().await;
    let (first, second) = (world.gc().await, world.gc().await);
    world.s3.set_latency(std::time::Duration::from_millis(200));
    let running = tokio::spawn(async move { first.run_cycle(RunOptions::mode(Mode::Execute)).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let error = second.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert_eq!(running.await.unwrap().unwrap().sweep.deleted.objects, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_another_catalog_is_kept_away_by_the_record_in_the_vault() {
    let world = world().await;
    let first = world.gc().await;
    let other = s3gc_catalog::SqliteCatalog::open(world.dir.path().join("other.db")).await.unwrap();
    let second = s3gc_core::Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .vault(world.vault())
        .catalog(Arc::new(other))
        .build()
        .unwrap();
    world.s3.set_latency(std::time::Duration::from_millis(200));
    let running = tokio::spawn(async move { first.run_cycle(RunOptions::mode(Mode::Execute)).await });
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    let error = second.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    assert_eq!(running.await.unwrap().unwrap().sweep.deleted.objects, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_ends_after_the_batch_in_flight() {
    let mut world = World::new().await;
    world.settings.delete_concurrency = 1;
    world.refer("nothing").await;
    for n in 0..150 {
        world.put(&format!("o/{n}"), "orphan");
    }
    let options = RunOptions::mode(Mode::Execute);
    let cancel = options.cancel.clone();
    world.s3.after(Op::DeleteObjects, move |key| {
        if key.starts_with("o/") {
            cancel.cancel();
        }
    });
    let result = world.gc().await.run_cycle(options).await;
    // The first batch has at most 100; fewer where the machine is so slow that some were seen too long ago.
    assert!((50..150).contains(&world.bucket().len()), "{result:?}");
}
