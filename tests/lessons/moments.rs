//! What happened at the wrong moment: an object written again, a clock that was the age of the file.

use jiff::SignedDuration;
use s3gc_core::{Kept, Mode, RetentionFrom, RunOptions, RunReport, Settings};
use s3gc_s3_mem::{Op, PutSpec, VersioningState};
use s3gc_tests::{LaterClock, World, days_ago, sqlite};

#[tokio::test(flavor = "multi_thread")]
async fn l11_a_key_that_is_written_again_keeps_its_new_object_on_every_kind_of_bucket() {
    for (kind, is_lax, is_versioned) in [("compares", false, false), ("lax", true, false), ("versions", true, true)] {
        let mut world = World::new().await;
        world.settings.unconditional_delete = true;
        world.s3.quirks(|quirks| (quirks.ignore_if_match_on_delete, quirks.ignore_etag_in_batch) = (is_lax, is_lax));
        if is_versioned {
            world.bucket().set_versioning(VersioningState::Enabled);
        }
        world.refer("nothing.jpg").await;
        for key in ["avatar.jpg", "orphan.jpg"] {
            world.put(key, "old");
        }
        // The application replaces the file under its old name, when the old one is in the vault.
        let bucket = world.bucket();
        world.s3.after(Op::GetObject, move |key| {
            if key == "avatar.jpg" {
                bucket.put(key, b"new".to_vec(), PutSpec::default());
            }
        });
        let report = world.execute().await.unwrap();
        assert_eq!((report.sweep.changed.objects, report.sweep.deleted.objects), (1, 1), "{kind}: {:?}", report.sweep);
        assert_eq!(world.bucket().keys(), ["avatar.jpg"], "{kind}");
        assert_eq!(world.bucket().object("avatar.jpg").unwrap().bytes(), "new", "{kind}");
    }
}

async fn run_on(world: &World, clock: &LaterClock, day: i64) -> RunReport {
    world.gc_on(clock, day).await.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn l17_retention_begins_when_the_last_row_goes_and_a_database_from_before_finds_its_objects() {
    let (mut world, clock) = (World::new().await, LaterClock::default());
    world.settings.retention_from = RetentionFrom::Unreferenced;
    world.settings.auto_restore = true;
    for value in ["nothing.jpg", "old.jpg"] {
        world.refer(value).await;
    }
    world.put("old.jpg", "image");
    assert_eq!(run_on(&world, &clock, 0).await.counts.kept(Kept::Referenced).objects, 1);
    sqlite(&world.url, "DELETE FROM posts WHERE image = 'old.jpg'").await;
    for day in [1, 4, 7] {
        let report = run_on(&world, &clock, day).await;
        assert_eq!(report.sweep.deleted.objects, 0, "day {day}: the object is 30 days old, its loss is not");
    }
    assert_eq!(run_on(&world, &clock, 9).await.sweep.deleted.objects, 1);
    assert!(world.bucket().is_empty());
    // The database is put back to what it was a week ago.
    world.refer("old.jpg").await;
    let report = run_on(&world, &clock, 10).await;
    assert_eq!(report.resurrected.restored.objects, 1, "{:?}", report.resurrected);
    assert_eq!(world.bucket().object("old.jpg").unwrap().bytes(), "image");
}

#[tokio::test(flavor = "multi_thread")]
async fn l27_an_age_is_counted_whole_and_never_nothing_by_default() {
    let settings = Settings::new("photos", "plans");
    assert_eq!(settings.mode, Mode::DryRun);
    assert!(settings.retention > Settings::RETENTION_FLOOR, "{:?}", settings.retention);

    // 30 seconds over a day: the part of a difference that is called its seconds.
    let mut world = World::new().await;
    world.settings.retention = std::time::Duration::from_secs(2 * 86_400);
    world.refer("nothing.jpg").await;
    for (key, hours) in [("one.jpg", 24), ("almost-two.jpg", 47), ("two.jpg", 48), ("three.jpg", 72)] {
        let at = days_ago(0).checked_sub(SignedDuration::from_secs(hours * 3600 + 30)).unwrap();
        world.bucket().put(key, b"image".to_vec(), PutSpec::default().last_modified(at));
    }
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.deleted.objects, report.counts.kept(Kept::Young).objects), (2, 2));
    assert_eq!(world.bucket().keys(), ["almost-two.jpg", "one.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn l19_a_date_in_the_future_makes_an_object_young_and_never_old() {
    let world = World::new().await;
    world.refer("nothing.jpg").await;
    world.put("orphan.jpg", "image");
    for (key, days) in [("tomorrow.jpg", 1), ("in-ten-years.jpg", 3650)] {
        world.bucket().put(key, b"image".to_vec(), PutSpec::default().last_modified(days_ago(-days)));
    }
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.deleted.objects, report.counts.kept(Kept::Young).objects), (1, 2));
    assert_eq!(world.bucket().keys(), ["in-ten-years.jpg", "tomorrow.jpg"]);
}
