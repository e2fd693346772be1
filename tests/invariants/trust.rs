//! What holds a collector back that nobody watches: the trust ramp, holds of the object itself, a migration of the
//! application, and the monitor of references to what was deleted.

use s3gc_core::catalog::{AuditFilter, EntryFilter, EntryId, EntryState};
use s3gc_core::{Error, Mode, Ramp, RunOptions, RunReport, RunState};
use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, VersioningState};
use s3gc_tests::{LaterClock, World, days_ago};

fn scheduled() -> RunOptions {
    let mut options = RunOptions::mode(Mode::Execute);
    options.scheduled = true;
    options
}

/// Runs as a schedule does, some days from now.
async fn run_on(world: &World, clock: &LaterClock, day: i64, options: RunOptions) -> s3gc_core::Result<RunReport> {
    world.gc_on(clock, day).await.run_cycle(options).await
}

async fn deleted_on(world: &World, clock: &LaterClock, day: i64) -> u64 {
    let report = run_on(world, clock, day, scheduled()).await.unwrap();
    assert_eq!(report.state, RunState::Done, "day {day}: {:?}", report.brakes);
    report.sweep.deleted.objects
}

async fn world_with_orphans(count: usize) -> World {
    let mut world = World::new().await;
    world.settings.ramp = Some(Ramp { observe_runs: 2, first_cap: 3, growth: 2.0 });
    world.refer("kept.jpg").await;
    world.put("kept.jpg", "kept");
    for n in 0..count {
        world.put(&format!("o/{n:03}.jpg"), "orphan");
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_run_observes_then_deletes_a_little_then_more() {
    let (world, clock) = (world_with_orphans(30).await, LaterClock::default());
    assert_eq!(deleted_on(&world, &clock, 0).await, 0);
    assert_eq!(deleted_on(&world, &clock, 0).await, 0, "two runs on one day are one observation");
    let report = run_on(&world, &clock, 1, scheduled()).await.unwrap();
    assert!(report.notes.iter().any(|note| note.contains("trust ramp")), "{:?}", report.notes);
    assert_eq!((report.counts.due.objects, report.sweep.deleted.objects), (30, 0));
    assert!(!world.vault_files().iter().any(|file| file.to_string_lossy().ends_with(".tar.zst")), "nothing was staged");
    assert_eq!(deleted_on(&world, &clock, 2).await, 3);
    assert_eq!(deleted_on(&world, &clock, 2).await, 0, "the cap is for the day");
    let status = world.gc_on(&clock, 2).await.ramp().await.unwrap().unwrap();
    assert_eq!((status.cap_per_day, status.deleted_today, status.left_today()), (Some(3), 3, 0));
    assert_eq!(deleted_on(&world, &clock, 3).await, 6);
    assert_eq!(deleted_on(&world, &clock, 4).await, 12);
    assert_eq!(deleted_on(&world, &clock, 5).await, 9);
    assert_eq!(world.bucket().keys(), ["kept.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_runs_is_not_capped() {
    let (world, clock) = (world_with_orphans(30).await, LaterClock::default());
    let plan = run_on(&world, &clock, 0, scheduled()).await.unwrap().plan.unwrap();
    let report = run_on(&world, &clock, 0, RunOptions::plan(&plan.path)).await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capped_plan_is_finished_by_a_person() {
    let (world, clock) = (world_with_orphans(30).await, LaterClock::default());
    for day in 0..2 {
        assert_eq!(deleted_on(&world, &clock, day).await, 0);
    }
    let report = run_on(&world, &clock, 2, scheduled()).await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 3);
    let rest = run_on(&world, &clock, 2, RunOptions::plan(&report.plan.unwrap().path)).await.unwrap();
    assert_eq!(rest.sweep.deleted.objects, 27);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_and_a_resurrection_reset_the_ramp() {
    let (world, clock) = (world_with_orphans(30).await, LaterClock::default());
    for (day, deleted) in [(0, 0), (1, 0), (2, 3)] {
        assert_eq!(deleted_on(&world, &clock, day).await, deleted);
    }
    world.s3.inject(Fault::new(Effect::InternalError).on(Op::ListObjectsV2));
    run_on(&world, &clock, 3, scheduled()).await.unwrap_err();
    world.s3.clear_faults();
    for (day, deleted) in [(4, 0), (5, 0), (6, 3)] {
        assert_eq!(deleted_on(&world, &clock, day).await, deleted, "day {day}");
    }
    world.refer("o/000.jpg").await;
    for (day, deleted) in [(7, 6), (8, 0), (9, 0)] {
        // The run that sees it is the one that resets.
        assert_eq!(deleted_on(&world, &clock, day).await, deleted, "day {day}");
    }
    let status = world.gc_on(&clock, 9).await.ramp().await.unwrap().unwrap();
    assert!(status.reset_at.is_some());
    let reason = status.reset_reason.unwrap();
    assert!(reason.contains("1 deleted objects are referenced"), "{reason}");
    assert_eq!(status.cap_per_day, None, "as long as it is not restored each run sees it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_to_a_deleted_object_is_told_and_written_down_once() {
    let world = world_with_orphans(3).await;
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 3);
    world.refer("o/001.jpg").await;
    for _ in 0..2 {
        let before = world.vault_files();
        let report = world.gc().await.run_cycle(RunOptions::default()).await.unwrap();
        let found = &report.resurrected;
        assert_eq!((found.found.objects, found.restored.objects), (1, 0), "{found:?}");
        assert_eq!(found.named[0].key.as_str(), "o/001.jpg");
        assert_eq!((world.bucket().keys(), world.vault_files()), (vec!["kept.jpg".to_owned()], before));
    }
    let filter = AuditFilter { kind: Some("resurrection".into()), ..AuditFilter::default() };
    let told = world.catalog().await.audit(&filter, 0, 10).await.unwrap();
    assert_eq!(told.iter().filter_map(|entry| entry.key.as_deref()).collect::<Vec<_>>(), ["o/001.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_restore_brings_a_referenced_object_back_once() {
    let mut world = world_with_orphans(3).await;
    world.settings.auto_restore = true;
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 3);
    world.refer("o/001.jpg").await;
    let dry = world.gc().await.run_cycle(RunOptions::default()).await.unwrap();
    assert_eq!((dry.resurrected.found.objects, world.bucket().keys().len()), (1, 1), "i05: a dry run writes nothing");
    let report = world.execute().await.unwrap();
    assert_eq!(report.resurrected.restored.objects, 1, "{:?} {:?}", report.resurrected, report.notes);
    assert_eq!(world.bucket().keys(), ["kept.jpg", "o/001.jpg"]);
    assert_eq!(world.bucket().object("o/001.jpg").unwrap().bytes(), "orphan");
    // The application deletes the file and forgets the row: what is restored once is not restored again.
    world.bucket().delete("o/001.jpg");
    let report = world.execute().await.unwrap();
    assert_eq!((report.resurrected.found.objects, world.bucket().keys().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_restore_leaves_what_was_uploaded_again_and_a_store_that_may_replace_it() {
    let mut world = world_with_orphans(3).await;
    world.settings.auto_restore = true;
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 3);
    for key in ["o/000.jpg", "o/001.jpg"] {
        world.refer(key).await;
    }
    world.bucket().put("o/000.jpg", b"newer".to_vec(), PutSpec::default());
    world.s3.quirks(|quirks| quirks.ignore_if_none_match_on_put = true);
    let report = world.execute().await.unwrap();
    assert_eq!((report.resurrected.found.objects, report.resurrected.restored.objects), (1, 0));
    assert!(report.notes.iter().any(|note| note.contains("If-None-Match")), "{:?}", report.notes);
    assert_eq!(world.bucket().keys(), ["kept.jpg", "o/000.jpg"]);
    world.s3.quirks(|quirks| quirks.ignore_if_none_match_on_put = false);
    assert_eq!(world.execute().await.unwrap().resurrected.restored.objects, 1);
    assert_eq!(world.bucket().object("o/000.jpg").unwrap().bytes(), "newer");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_with_the_tag_a_lock_or_a_legal_hold_stays() {
    for versioned in [false, true] {
        let world = World::new().await;
        if versioned {
            world.bucket().set_versioning(VersioningState::Enabled);
        }
        world.refer("nothing").await;
        let old = || PutSpec::default().last_modified(days_ago(30));
        let put = |key: &str, spec: PutSpec| world.bucket().put(key, b"x".to_vec(), spec);
        put("tagged", old().tag("s3gc:keep", "false"));
        put("other-tag", old().tag("keep", "true"));
        put("legal", old().legal_hold());
        put("locked", old().retain_until(days_ago(-1)));
        put("lock-is-over", old().retain_until(days_ago(1)));
        let report = world.execute().await.unwrap();
        assert_eq!((report.sweep.kept.objects, report.sweep.deleted.objects), (3, 2), "{:?}", report.sweep);
        assert_eq!(world.bucket().keys(), ["legal", "locked", "tagged"], "versioned: {versioned}");
        let key = s3gc_core::ObjectKey::new("tagged").unwrap();
        let explained = world.gc().await.explain(&key).await.unwrap();
        assert_eq!(explained.verdict, Some(s3gc_core::Verdict::Kept { reason: s3gc_core::Kept::Held }));
    }
}

fn assert_migration(result: s3gc_core::Result<RunReport>) {
    assert!(matches!(result, Err(Error::Stop { name: "migration", .. })), "{result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_while_the_application_migrates() {
    let mut world = world_with_orphans(3).await;
    world.settings.migration_file = Some(world.dir.path().join("migrating"));
    let gc = world.gc().await;
    let plan = gc.run_cycle(RunOptions::default()).await.unwrap().plan.unwrap();
    gc.begin_migration("images move to another table", None).await.unwrap();
    assert_migration(gc.run_cycle(RunOptions::plan(&plan.path)).await);
    assert_migration(gc.run_cycle(RunOptions::mode(Mode::Execute)).await);
    assert_eq!(gc.end_migration().await.unwrap().len(), 1);
    // A switch that has an end, and the file.
    gc.begin_migration("over already", Some(days_ago(1))).await.unwrap();
    std::fs::write(world.dir.path().join("migrating"), "").unwrap();
    assert_migration(gc.run_cycle(RunOptions::plan(&plan.path)).await);
    std::fs::remove_file(world.dir.path().join("migrating")).unwrap();
    assert_eq!(gc.run_cycle(RunOptions::plan(&plan.path)).await.unwrap().sweep.deleted.objects, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn i04_a_census_during_a_migration_moves_no_clock_and_its_plan_is_never_run() {
    let world = world_with_orphans(3).await;
    let gc = world.gc().await;
    gc.begin_migration("images move to another table", None).await.unwrap();
    let report = gc.run_cycle(RunOptions::default()).await.unwrap();
    assert_eq!(report.brakes.iter().map(|brake| brake.name.as_str()).collect::<Vec<_>>(), ["migration"]);
    let keys = [s3gc_core::ObjectKey::new("o/000.jpg").unwrap()];
    assert_eq!(world.catalog().await.clocks(gc.location(), &keys).await.unwrap(), [None]);
    gc.end_migration().await.unwrap();
    let mut accept = RunOptions::plan(report.plan.unwrap().path);
    (accept.accept, accept.reason) = (vec!["migration".into()], Some("it is over".into()));
    let refused = gc.run_cycle(accept).await;
    assert!(matches!(&refused, Err(Error::Plan { reason, .. }) if reason.contains("migrated")), "{refused:?}");
    assert_eq!(world.bucket().keys().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_begins_while_objects_are_staged_stops_the_run() {
    let mut world = world_with_orphans(3).await;
    let file = world.dir.path().join("migrating");
    world.settings.migration_file = Some(file.clone());
    world.s3.after(Op::GetObject, move |_| drop(std::fs::write(&file, "")));
    assert_migration(world.execute().await);
    assert_eq!(world.bucket().keys().len(), 4);
    let entries = world.catalog().await.entries(&EntryFilter::default(), EntryId::default(), 10).await.unwrap();
    assert!(entries.iter().all(|entry| entry.state == EntryState::PutBack), "nothing stays staged: {entries:?}");
}
