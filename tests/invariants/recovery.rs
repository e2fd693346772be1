//! I7 and I8: what the next start makes of deletions that nobody answered, and of runs that died.

use jiff::SignedDuration;
use s3gc_core::audit::AuditEntry;
use s3gc_core::catalog::{AuditFilter, EntryFilter, EntryId, EntryState, RunRecord};
use s3gc_core::{Mode, RunId, RunOptions, RunReport, RunState};
use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, VersioningState};
use s3gc_tests::{LaterClock, World, days_ago};

/// A world with orphans whose deletion nobody answers, and whether it happens all the same.
async fn unanswered(keys: &[&str], versioning: VersioningState, effect: Effect) -> World {
    let world = World::new().await;
    world.bucket().set_versioning(versioning);
    world.refer("nothing").await;
    for key in keys {
        world.put(key, "orphan");
    }
    world.s3.inject(Fault::new(effect).on(Op::DeleteObjects).key(keys[0]));
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.unknown.objects, keys.len() as u64, "{:?}", report.sweep);
    world.s3.clear_faults();
    world
}

/// Runs in `execute` some days later, when the signatures are dead.
async fn execute_on(world: &World, day: i64) -> RunReport {
    world.gc_on(&LaterClock::default(), day).await.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap()
}

async fn audit(world: &World, kind: &str) -> Vec<AuditEntry> {
    let filter = AuditFilter { kind: Some(kind.into()), ..AuditFilter::default() };
    world.catalog().await.audit(&filter, 0, 100).await.unwrap()
}

fn keys(entries: &[AuditEntry]) -> Vec<&str> {
    let mut keys: Vec<&str> = entries.iter().filter_map(|entry| entry.key.as_deref()).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_deletion_that_never_came_is_put_back_and_a_rewritten_object_is_kept() {
    let world = unanswered(&["a.jpg", "b.jpg"], VersioningState::Off, Effect::DropBefore).await;
    world.bucket().put("b.jpg", b"newer".to_vec(), PutSpec::default());
    let recovered = execute_on(&world, 1).await.recovered;
    assert_eq!((recovered.put_back, recovered.changed, recovered.deleted, recovered.waiting), (1, 1, 0, 0));
    assert_eq!(world.bucket().keys(), ["b.jpg"], "what was put back was due again");
    assert_eq!(world.bucket().object("b.jpg").unwrap().bytes(), "newer");
    assert_eq!(keys(&audit(&world, "unanswered").await), ["b.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_an_object_that_cannot_be_seen_is_not_taken_for_gone() {
    let world = unanswered(&["a.jpg"], VersioningState::Off, Effect::DropBefore).await;
    world.s3.inject(Fault::new(Effect::AccessDenied).on(Op::HeadObject).key("a.jpg"));
    let recovered = execute_on(&world, 1).await.recovered;
    assert_eq!((recovered.waiting, recovered.deleted, recovered.put_back), (1, 0, 0));
    let entries = world.catalog().await.entries(&EntryFilter::default(), EntryId::default(), 10).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.state).collect::<Vec<_>>(), [EntryState::Sent]);
    assert!(audit(&world, "delete").await.is_empty());
    world.s3.clear_faults();
    assert_eq!(execute_on(&world, 2).await.recovered.put_back, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_a_deletion_that_nobody_answered_is_written_down_once() {
    let world = unanswered(&["a.jpg", "b.jpg"], VersioningState::Off, Effect::DropAfter).await;
    world.refer("a.jpg").await;
    world.s3.inject(Fault::new(Effect::AccessDenied).on(Op::PutObject).key("a.jpg"));
    for day in [1, 2] {
        let recovered = execute_on(&world, day).await.recovered;
        assert_eq!((recovered.deleted, recovered.restored, recovered.waiting), (u64::from(day == 1), 0, 1), "{day}");
    }
    world.s3.clear_faults();
    let recovered = execute_on(&world, 3).await.recovered;
    assert_eq!((recovered.deleted, recovered.restored, recovered.waiting), (1, 1, 0));
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "orphan");
    let deleted = audit(&world, "delete").await;
    assert_eq!(keys(&deleted), ["a.jpg", "b.jpg"]);
    for entry in &deleted {
        let evidence: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
        assert_eq!(evidence["means"], "unanswered");
        assert!(evidence["found_by"].is_string() && evidence["pack"].is_string(), "{evidence}");
    }
    assert_eq!(keys(&audit(&world, "restore").await), ["a.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_an_unanswered_marker_over_the_staged_version_is_a_deletion() {
    let world = unanswered(&["a.jpg"], VersioningState::Enabled, Effect::DropAfter).await;
    let recovered = execute_on(&world, 1).await.recovered;
    assert_eq!((recovered.deleted, recovered.changed), (1, 0));
    assert_eq!((world.bucket().keys().len(), world.bucket().versions("a.jpg").len()), (0, 2));
    let deleted = audit(&world, "delete").await;
    let evidence: serde_json::Value = serde_json::from_str(&deleted[0].detail).unwrap();
    assert_eq!(evidence["marker"], world.bucket().versions("a.jpg")[0].id);
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_recovery_leaves_a_marker_that_is_older_than_the_deletion() {
    let world = unanswered(&["a.jpg"], VersioningState::Enabled, Effect::DropBefore).await;
    // Somebody wrote the object, and deleted it, long before our deletion was sent.
    world.s3.set_clock_offset(SignedDuration::from_hours(-2));
    world.bucket().put("a.jpg", b"theirs".to_vec(), PutSpec::default());
    world.bucket().delete("a.jpg");
    let before = world.bucket().versions("a.jpg");
    execute_on(&world, 1).await;
    assert_eq!(world.bucket().versions("a.jpg"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_runs_that_died_are_closed_and_counted() {
    let world = World::new().await;
    world.refer("nothing").await;
    let (catalog, location) = (world.catalog().await, world.store().await.location().clone());
    let dead = [Mode::Execute, Mode::Execute, Mode::DryRun].map(|mode| RunRecord {
        id: RunId::at(days_ago(1)),
        location: location.clone(),
        mode,
        state: RunState::Running,
        started_at: days_ago(1),
        ended_at: None,
        report: None,
        error: None,
    });
    for record in &dead {
        catalog.put_run(record).await.unwrap();
    }
    let report = world.execute().await.unwrap();
    assert_eq!(report.recovered.crashed, 2, "a run that only looks leaves nothing");
    let runs = catalog.runs(Some(&location), 10).await.unwrap();
    let state = |id| runs.iter().find(|run| run.id == id).map(|run| (run.state, run.ended_at.is_some()));
    for record in dead {
        assert_eq!(state(record.id), Some((RunState::Crashed, true)));
    }
    assert_eq!(state(report.run), Some((RunState::Done, true)));
    assert_eq!(world.execute().await.unwrap().recovered.crashed, 0);
}
