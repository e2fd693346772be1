//! I6: a restored object is the original, and a live object is not replaced.

use std::sync::Arc;

use s3gc_core::{Gc, IfExists, RestoreOptions, RestoreOutcome, RestoreWhat, RunOptions};
use s3gc_s3_mem::{Effect, Fault as ServerFault, Op, PutSpec, VersioningState};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultyCatalog};
use s3gc_tests::World;

use crate::adversary::{execute_unanswered, settle_soon};

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_restored_object_equals_the_original() {
    let world = World::new().await;
    world.refer("nothing").await;
    let corpus = world.put_corpus(60);
    let before: Vec<_> = corpus.items.iter().map(|item| world.bucket().object(&item.key).unwrap()).collect();
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 60, "{:?}", report.sweep.named);
    let gc = world.gc().await;
    gc.restore(&RestoreWhat::Run(report.run), &RestoreOptions::default()).await.unwrap();
    for (item, before) in corpus.items.iter().zip(before) {
        let after = world.bucket().object(&item.key).unwrap();
        assert_eq!(after.bytes(), before.bytes(), "{}", item.key);
        assert_eq!((after.headers, after.user, after.tags), (before.headers, before.user, before.tags), "{}", item.key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_restore_replaces_a_live_object_only_when_told_to() {
    let world = World::new().await;
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    let report = world.execute().await.unwrap();
    world.bucket().put("a.jpg", b"new".to_vec(), PutSpec::default());
    let gc = world.gc().await;
    let named = gc.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    assert_eq!((named.objects[0].outcome.clone(), named.failed.objects), (RestoreOutcome::Exists, 1));
    let bulk = gc.restore(&RestoreWhat::Run(report.run), &RestoreOptions::default()).await.unwrap();
    assert_eq!(bulk.skipped.objects, 1);
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "new");
    let mut options = RestoreOptions::default();
    options.if_exists = Some(IfExists::Overwrite);
    gc.restore_key("a.jpg", options).await.unwrap();
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "old");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_copy_of_what_was_rescued_is_not_the_one_to_restore() {
    let world = World::new().await;
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 1);
    world.put("a.jpg", "new");
    let gc = world.gc().await;
    let plan = gc.run_cycle(RunOptions::default()).await.unwrap().plan.unwrap();
    world.refer("a.jpg").await;
    assert_eq!(gc.run_cycle(RunOptions::plan(&plan.path)).await.unwrap().sweep.rescued.objects, 1);
    world.bucket().delete("a.jpg");
    gc.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "old", "the one that s3gc deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_on_a_versioned_bucket_the_marker_is_removed() {
    let world = World::new().await;
    world.bucket().set_versioning(VersioningState::Enabled);
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    let before = world.bucket().object("a.jpg").unwrap();
    assert_eq!(world.execute().await.unwrap().sweep.hidden.objects, 1);
    assert!(world.bucket().object("a.jpg").is_none());
    world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    let after = world.bucket().object("a.jpg").unwrap();
    assert_eq!((after.version, after.last_modified), (before.version, before.last_modified), "the very same version");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_key_is_held_for_one_retention() {
    let world = World::new().await;
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    world.execute().await.unwrap();
    world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    world.bucket().set_last_modified("a.jpg", s3gc_tests::days_ago(30));
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.deleted.objects, report.counts.kept(s3gc_core::Kept::Held).objects), (0, 1));
}

/// A bucket with versions on which `a.jpg` was deleted: under our marker lie what was staged, and an older version.
async fn hidden_world() -> World {
    let world = World::new().await;
    world.bucket().set_versioning(VersioningState::Enabled);
    world.refer("nothing").await;
    world.put("a.jpg", "older");
    world.put("a.jpg", "staged");
    assert_eq!(world.execute().await.unwrap().sweep.hidden.objects, 1);
    assert_eq!(world.bucket().versions("a.jpg").len(), 3);
    world
}

async fn assert_restored_from_the_vault(world: &World) {
    let report = world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    assert_eq!(report.restored.objects, 1, "{:?}", report.objects);
    assert_eq!(world.bucket().object("a.jpg").map(|object| object.bytes()).unwrap_or_default(), "staged");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_marker_that_covers_another_version_is_not_taken_away_for_a_restore() {
    let world = hidden_world().await;
    let staged = world.bucket().versions("a.jpg").swap_remove(1);
    world.bucket().delete_version("a.jpg", &staged.id);
    assert_restored_from_the_vault(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_marker_of_somebody_else_is_not_taken_for_ours() {
    let world = hidden_world().await;
    let ours = world.bucket().versions("a.jpg").swap_remove(0);
    world.bucket().delete_version("a.jpg", &ours.id);
    world.bucket().delete("a.jpg");
    assert_restored_from_the_vault(&world).await;
    assert_eq!(world.bucket().versions("a.jpg").len(), 4, "their marker stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_dry_restore_tells_what_a_restore_would_do() {
    let world = World::new().await;
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    world.execute().await.unwrap();
    let gc = world.gc().await;
    let dry = async || {
        let mut options = RestoreOptions::default();
        options.dry_run = true;
        gc.restore_key("a.jpg", options).await.unwrap().objects.swap_remove(0).outcome
    };
    assert_eq!(dry().await, RestoreOutcome::Planned);
    world.s3.inject(ServerFault::new(Effect::AccessDenied).on(Op::HeadObject));
    assert!(matches!(dry().await, RestoreOutcome::Failed(_)), "nobody can tell whether an object lives there");
    world.s3.clear_faults();
    world.put("a.jpg", "new");
    assert_eq!(dry().await, RestoreOutcome::Exists);
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_what_came_back_and_could_not_be_written_down_is_held() {
    let world = World::new().await;
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    world.execute().await.unwrap();
    let plan = FaultPlan::new().at("restored", 1, Fault::Fail);
    let gc = Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .vault(world.vault())
        .catalog(Arc::new(FaultyCatalog::new(world.catalog().await, plan.clone())))
        .build()
        .unwrap();
    gc.restore_key("a.jpg", RestoreOptions::default()).await.unwrap_err();
    assert_eq!((plan.fired(), world.bucket().keys()), (1, vec!["a.jpg".to_owned()]));
    world.bucket().set_last_modified("a.jpg", s3gc_tests::days_ago(30));
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.deleted.objects, report.counts.kept(s3gc_core::Kept::Held).objects), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_restore_of_a_run_names_a_later_deletion_that_nobody_answered() {
    let mut world = World::new().await;
    settle_soon(&mut world);
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    let first = world.execute().await.unwrap();
    world.put("a.jpg", "new");
    execute_unanswered(&world).await;
    let mut options = RestoreOptions::default();
    options.dry_run = true;
    let report = world.gc().await.restore(&RestoreWhat::Run(first.run), &options).await.unwrap();
    assert_eq!((report.restored.objects, report.failed.objects), (0, 1), "{:?}", report.objects);
}
