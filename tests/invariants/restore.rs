//! I6: a restored object is the original, and a live object is not replaced.

use s3gc_core::{IfExists, RestoreOptions, RestoreOutcome, RestoreWhat};
use s3gc_s3_mem::{PutSpec, VersioningState};
use s3gc_tests::World;

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
