//! What becomes of a deletion that nobody answered, when little can be believed.

use std::time::Duration;

use s3gc_core::catalog::{EntryFilter, EntryId, EntryState};
use s3gc_core::{Mode, RestoreOptions, RestoreOutcome, RestoreWhat, RunOptions, RunState};
use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, VersioningState, When};
use s3gc_tests::{World, days_ago, sqlite};

use crate::adversary::{execute_unanswered, put_orphans, settle_soon};

#[tokio::test(flavor = "multi_thread")]
async fn i01_recovery_does_not_believe_a_census_that_trips_a_brake() {
    let mut world = World::new().await;
    settle_soon(&mut world);
    world.refer("nothing").await;
    world.put("a.jpg", "orphan");
    execute_unanswered(&world).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    sqlite(&world.url, "DELETE FROM posts").await;
    let report = world.execute().await.unwrap();
    assert_eq!((report.state, report.recovered.waiting), (RunState::Blocked, 1), "{:?}", report.brakes);
    world.refer("a.jpg").await;
    world.execute().await.unwrap();
    assert_eq!(world.bucket().keys(), ["a.jpg"], "an emptied database was believed once");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_restore_of_many_names_what_waits_for_an_answer() {
    let mut world = World::new().await;
    settle_soon(&mut world);
    world.refer("nothing").await;
    world.put("b.jpg", "orphan");
    world.execute().await.unwrap();
    world.put("a.jpg", "orphan");
    execute_unanswered(&world).await;
    let filter = EntryFilter { states: vec![EntryState::Sent], ..EntryFilter::default() };
    let sent = world.catalog().await.entries(&filter, EntryId::default(), 2).await.unwrap();
    let run = RestoreWhat::Run(sent[0].entry.run.parse().unwrap());
    let since = RestoreWhat::Since(days_ago(1), None);
    for (what, others) in [(run, 0), (RestoreWhat::Prefix(String::new()), 1), (since, 1)] {
        let mut options = RestoreOptions::default();
        options.dry_run = true;
        let report = world.gc().await.restore(&what, &options).await.unwrap();
        assert_eq!((report.restored.objects, report.failed.objects), (others, 1), "{what:?}: {:?}", report.objects);
        let failed = report.objects.iter().find(|object| object.outcome != RestoreOutcome::Planned);
        assert!(matches!(failed, Some(object) if format!("{:?}", object.outcome).contains("was not answered")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_a_bucket_with_versions_that_may_not_be_listed_is_not_swept() {
    let world = World::new().await;
    put_orphans(&world).await;
    world.bucket().set_versioning(VersioningState::Enabled);
    world.s3.deny(Op::ListObjectVersions);
    let error = world.execute().await.unwrap_err();
    assert!(error.to_string().contains("s3:ListBucketVersions"), "{error}");
    assert_eq!(world.bucket().keys().iter().filter(|key| key.ends_with(".jpg")).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn l18_a_changed_configuration_blocks_until_a_dry_run() {
    let mut world = World::new().await;
    put_orphans(&world).await;
    world.gc().await.run_cycle(RunOptions::mode(Mode::DryRun)).await.unwrap();
    world.settings.exclude.push(s3gc_core::KeyPrefix::new("x/").unwrap());
    for _ in 0..2 {
        let report = world.execute().await.unwrap();
        assert_eq!(report.brakes.iter().map(|brake| brake.name.as_str()).collect::<Vec<_>>(), ["config"]);
    }
    world.gc().await.run_cycle(RunOptions::mode(Mode::DryRun)).await.unwrap();
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_a_restore_goes_on_after_a_refusal_and_replaces_nothing_after_an_unanswered_put() {
    let world = World::new().await;
    put_orphans(&world).await;
    world.execute().await.unwrap();
    world.s3.quirks(|quirks| quirks.ignore_if_none_match_on_put = true);
    world.s3.inject(Fault::new(Effect::SlowDown).on(Op::PutObject).key("a.jpg").when(When::First(2)));
    world.s3.inject(Fault::new(Effect::ErrorAfter).on(Op::PutObject).key("b.jpg").when(When::First(1)));
    let bucket = world.bucket();
    world.s3.after(Op::PutObject, move |key| {
        if key == "b.jpg" {
            bucket.put(key, b"live".to_vec(), PutSpec::default());
        }
    });
    let report =
        world.gc().await.restore(&RestoreWhat::Prefix(String::new()), &RestoreOptions::default()).await.unwrap();
    assert_eq!((report.restored.objects, report.skipped.objects), (2, 1), "{:?}", report.objects);
    let bytes = |key| world.bucket().object(key).unwrap().bytes();
    assert_eq!((bytes("a.jpg").as_ref(), bytes("b.jpg").as_ref()), (&b"orphan"[..], &b"live"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_a_marker_without_an_id_of_its_own_is_never_removed() {
    let world = World::new().await;
    world.refer("nothing").await;
    world.bucket().set_versioning(VersioningState::Enabled);
    world.put("a.jpg", "old");
    world.bucket().set_versioning(VersioningState::Suspended);
    world.execute().await.unwrap();
    assert!(world.bucket().object("a.jpg").is_none(), "a null marker lies over it");
    // An upload takes the place, and the id, of the marker.
    let bucket = world.bucket();
    world.s3.after(Op::ListObjectVersions, move |_| {
        bucket.put("a.jpg", b"live".to_vec(), PutSpec::default());
    });
    let report = world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    assert!(world.s3.count(Op::ListObjectVersions) > 0, "nothing was uploaded meanwhile: {report:?}");
    let found = world.bucket().object("a.jpg").map(|object| object.bytes());
    assert_eq!(found.unwrap_or_default(), "live", "{report:?}");
}
