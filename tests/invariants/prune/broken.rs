//! I7 for prune: whatever fails or happens in between, nothing claims a copy that is gone, and the next call goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use s3gc_core::catalog::{PackState, StagedEntry};
use s3gc_core::{Error, Mode, PackKept, PruneOptions, PruneOutcome, RestoreOptions, RestoreOutcome};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultySource, FaultyVault};
use s3gc_vault::pack;

use super::{OLD, Old, counts, kept, only, prune};

/// Reads every copy that the catalog says there is.
async fn assert_no_false_claim(old: &Old, story: &str) {
    let states: BTreeMap<_, _> = old.packs().await.into_iter().map(|pack| (pack.name, pack.state)).collect();
    let vault = old.world.vault();
    for entry in old.entries().await {
        assert_eq!(entry.pruned_at.is_some(), states[&entry.pack].is_gone(), "{story}");
        if entry.pruned_at.is_none() {
            let body = pack::open(Arc::clone(&vault), &entry.pack, &entry.entry).await;
            let pieces: Vec<_> = body.unwrap_or_else(|error| panic!("{story}: {error}")).collect().await;
            assert!(pieces.iter().all(Result::is_ok), "{story}: {} is claimed and cannot be read", entry.entry.key);
        }
    }
}

/// The calls of a prune that removes a pack, marks one and takes a mark away.
async fn world() -> Old {
    let mut old = Old::new(&["a.jpg"]).await;
    // A prune that cannot give its lease back is waited for; not here.
    old.world.settings.settle_after = std::time::Duration::ZERO;
    old.delete(&["b.jpg"]).await;
    old.hold("b.jpg", Some(s3gc_tests::days_ago(-OLD - 1))).await;
    old.delete(&["c.jpg"]).await;
    assert_eq!(counts(&old.prune_on(OLD).await), [2, 0, 0, 1]);
    old.hold("c.jpg", Some(s3gc_tests::days_ago(-OLD - 2))).await;
    old
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_prune_that_fails_at_any_call_is_gone_on_with_by_the_next() {
    let (old, plan) = (world().await, FaultPlan::new());
    assert_eq!(counts(&old.prune_with(OLD + 1, &plan).await.unwrap()), [1, 0, 1, 1]);
    let log = plan.log();
    assert!(["move_pack", "remove", "size", "lease_swap"].iter().all(|name| log.contains(name)), "{log:?}");
    let mut stories = Vec::new();
    let is_long = std::env::var_os("S3GC_TEST_LONG").is_some();
    for (at, operation) in log.iter().enumerate() {
        let (call, is_write) = (at as u64 + 1, ["move_pack", "remove", "lease_swap", "swap_lease"].contains(operation));
        // The short form lets the last call of each operation fail, and each one that writes.
        if !is_long && !is_write && log[at + 1..].contains(operation) {
            continue;
        }
        stories.push((call, Fault::Fail, format!("{operation}, call {call}, fails")));
        if is_write {
            stories.push((call, Fault::Unanswered, format!("{operation}, call {call}, is not answered")));
        }
    }
    let told: Vec<()> = futures::stream::iter(stories)
        .map(|(call, fault, story)| async move {
            let (old, plan) = (world().await, FaultPlan::new().at_any(call, fault));
            let result = old.prune_with(OLD + 1, &plan).await;
            assert!(plan.fired() > 0, "{story}");
            let is_told = match &result {
                Err(_) => true,
                Ok(report) => report.packs.iter().any(|pack| matches!(pack.outcome, PruneOutcome::Failed { .. })),
            };
            // A probe of a lease that is kept elsewhere, too, may fail silently.
            assert!(is_told, "{story}: {result:?}");
            assert_no_false_claim(&old, &story).await;
            // The same process lives on, with its lease perhaps: it is taken over when it is stale.
            for day in [OLD + 2, OLD + 3, OLD + 4] {
                old.prune_on(day).await;
                assert_no_false_claim(&old, &story).await;
            }
            assert!(old.packs().await.iter().all(|pack| matches!(pack.state, PackState::Pruned { .. })), "{story}");
            assert_eq!(old.files().len(), 0, "{story}");
        })
        .buffer_unordered(4)
        .collect()
        .await;
    assert!(told.len() > 20);
}

/// A pack that is written down as being pruned, by a call whose removal failed before or after its effect.
async fn begun(fault: Fault) -> Old {
    let old = Old::new(&["a.jpg"]).await;
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    let is_gone = matches!(fault, Fault::Unanswered);
    let report = old.prune_with(OLD + 1, &FaultPlan::new().at("remove", 1, fault)).await.unwrap();
    assert!(matches!(only(&report), PruneOutcome::Failed { .. }), "{report:?}");
    assert!(matches!(old.packs().await[0].state, PackState::Pruning { .. }));
    assert_eq!(old.files().len(), usize::from(!is_gone));
    old
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_removal_that_was_begun_is_offered_to_nobody_and_finished() {
    for fault in [Fault::Fail, Fault::Unanswered] {
        let old = begun(fault.clone()).await;
        let refused = old.world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await;
        assert!(matches!(&refused, Err(Error::NotFound(text)) if text.contains("pruned")), "{fault:?}: {refused:?}");
        assert_eq!(old.world.gc().await.vault_stats().await.unwrap().packs, 0);
        assert_eq!(counts(&old.prune_on(OLD + 1).await), [0, 0, 1, 0], "{fault:?}: no day has to pass");
        assert_eq!(old.files().len(), 0);
        assert!(matches!(old.packs().await[0].state, PackState::Pruned { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_what_is_gone_is_written_down_though_the_sources_fail_or_something_needs_it() {
    let old = begun(Fault::Unanswered).await;
    old.hold("**", None).await;
    let down = FaultPlan::new().always("status", Fault::Fail).always("scan", Fault::Fail);
    let source = FaultySource::new(old.world.source_at(&old.clock).await, down);
    let builder = old.world.builder_at(&old.clock, 24 * (OLD + 1)).await.source(Arc::new(source));
    assert_eq!(counts(&prune(builder).await.unwrap()), [0, 0, 1, 0]);
    assert!(matches!(old.packs().await[0].state, PackState::Pruned { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_removal_that_was_begun_is_undone_where_something_needs_the_pack() {
    for is_held in [true, false] {
        let old = begun(Fault::Fail).await;
        if is_held {
            old.hold("a.jpg", None).await;
        } else {
            old.world.refer("a.jpg").await;
        }
        let report = old.prune_on(OLD + 1).await;
        assert!(matches!(only(&report), PruneOutcome::Kept { was_marked: true, .. }), "{report:?}");
        assert_eq!(old.packs().await[0].state, PackState::Kept);
        assert_no_false_claim(&old, "undone").await;
        old.world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
        assert_eq!(old.world.bucket().object("a.jpg").unwrap().bytes(), "the bytes of a.jpg");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pack_that_was_pruned_is_not_adopted_again() {
    for fault in [Fault::Fail, Fault::Unanswered] {
        let old = begun(fault).await;
        let known = old.packs().await.remove(0);
        let entry = old.entries().await.remove(0);
        let again = [StagedEntry { unreferenced_since: entry.unreferenced_since, entry: entry.entry }];
        assert!(!old.world.catalog().await.adopt(&known, &again).await.unwrap());
        assert!(old.entries().await.iter().all(|entry| entry.pruned_at.is_some()));
    }
}

/// Marks a pack, and prunes a day later; this happens at the first call of an operation.
async fn prune_while<F, Fut>(
    old: &Old,
    operation: &'static str,
    happens: F,
) -> s3gc_core::Result<s3gc_core::PruneReport>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    old.prune_on(OLD).await;
    let plan = FaultPlan::new().at(operation, 1, Fault::hook(happens));
    let result = old.prune_with(OLD + 1, &plan).await;
    assert_eq!(plan.fired(), 1, "{operation}: {result:?}");
    result
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_what_a_person_says_after_the_look_keeps_the_pack() {
    let old = Arc::new(Old::new(&["a.jpg"]).await);
    let person = Arc::clone(&old);
    let held = prune_while(&old, "size", move || {
        let old = Arc::clone(&person);
        async move { assert!(old.hold("a.jpg", None).await > 0) }
    });
    assert_eq!(kept(&held.await.unwrap()).as_str(), "held");
    assert_eq!((old.files().len(), old.packs().await[0].state), (1, PackState::Kept));

    let old = Arc::new(Old::new(&["a.jpg"]).await);
    let gc = Arc::new(old.world.gc().await);
    let begins = prune_while(&old, "size", move || {
        let gc = Arc::clone(&gc);
        async move { drop(gc.begin_migration("images move", None).await.unwrap()) }
    });
    assert_eq!(kept(&begins.await.unwrap()).as_str(), "migration");
    assert_eq!((old.files().len(), old.packs().await[0].state), (1, PackState::Kept));
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_of_a_restore_and_a_removal_that_meet_the_first_one_wins() {
    // The restore holds its key just before the pack is written down as being pruned.
    let old = Arc::new(Old::new(&["a.jpg"]).await);
    let gc = Arc::new(old.world.gc_on(&old.clock, OLD + 1).await);
    let (said, restored) = (Arc::new(std::sync::Mutex::new(None)), Arc::clone(&gc));
    let answer = Arc::clone(&said);
    let result = prune_while(&old, "move_pack", move || {
        let (gc, answer) = (Arc::clone(&restored), Arc::clone(&answer));
        async move { *answer.lock().unwrap() = Some(gc.restore_key("a.jpg", RestoreOptions::default()).await) }
    });
    assert_eq!(*kept(&result.await.unwrap()), PackKept::Busy);
    assert_eq!(said.lock().unwrap().take().unwrap().unwrap().restored.objects, 1);
    assert_eq!(old.world.bucket().object("a.jpg").unwrap().bytes(), "the bytes of a.jpg");
    assert_eq!((old.files().len(), old.packs().await[0].state), (1, PackState::Kept));

    // The restore comes while the file is being removed.
    let old = Arc::new(Old::new(&["a.jpg"]).await);
    let gc = Arc::new(old.world.gc_on(&old.clock, OLD + 1).await);
    let (said, restored) = (Arc::new(std::sync::Mutex::new(None)), Arc::clone(&gc));
    let answer = Arc::clone(&said);
    let result = prune_while(&old, "remove", move || {
        let (gc, answer) = (Arc::clone(&restored), Arc::clone(&answer));
        async move { *answer.lock().unwrap() = Some(gc.restore_key("a.jpg", RestoreOptions::default()).await) }
    });
    assert_eq!(counts(&result.await.unwrap()), [0, 0, 1, 0]);
    let refused = said.lock().unwrap().take().unwrap();
    assert!(matches!(&refused, Err(Error::NotFound(text)) if text.contains("pruned")), "{refused:?}");
    assert_eq!(old.world.bucket().keys(), ["kept.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_restore_that_finds_the_pack_gone_after_its_hold_restores_nothing() {
    let old = Arc::new(Old::new(&["a.jpg"]).await);
    old.prune_on(OLD).await;
    // Between the look of the restore at the catalog and its hold the whole prune happens.
    let prunes = Arc::new(old.world.gc_on(&old.clock, OLD + 1).await);
    let hook = Fault::hook(move || {
        let gc = Arc::clone(&prunes);
        let mut options = PruneOptions::default();
        options.mode = Some(Mode::Execute);
        async move { assert_eq!(counts(&gc.prune(options).await.unwrap()), [0, 0, 1, 0]) }
    });
    let plan = FaultPlan::new().at("hold_key", 1, hook);
    let catalog = s3gc_testkit::faults::FaultyCatalog::new(old.world.catalog().await, plan.clone());
    let builder = old.world.builder_at(&old.clock, 24 * (OLD + 1)).await.catalog(Arc::new(catalog));
    let gc = builder.source(old.world.source_at(&old.clock).await).build().unwrap();
    let report = gc.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    assert_eq!((plan.fired(), report.pruned.objects, report.restored.objects), (1, 1, 0), "{report:?}");
    assert!(matches!(report.objects[0].outcome, RestoreOutcome::Pruned(_)));
    assert_eq!(old.world.bucket().keys(), ["kept.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_prune_that_a_person_ends_stops_behind_the_pack_in_hand() {
    let old = Old::new(&["a.jpg"]).await;
    old.delete(&["b.jpg"]).await;
    old.prune_on(OLD).await;
    let mut options = PruneOptions::default();
    options.mode = Some(Mode::Execute);
    let cancel = options.cancel.clone();
    let person = Fault::hook(move || {
        cancel.cancel();
        async {}
    });
    let vault = FaultyVault::new(old.world.vault(), FaultPlan::new().at("remove", 1, person));
    let builder = old.world.builder_at(&old.clock, 24 * (OLD + 1)).await.vault(Arc::new(vault));
    let gc = builder.source(old.world.source_at(&old.clock).await).build().unwrap();
    let result = gc.prune(options).await;
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    assert_no_false_claim(&old, "ended").await;
    let states: Vec<&str> = old.packs().await.iter().map(|pack| pack.state.as_str()).collect();
    assert_eq!((states, old.files().len()), (vec!["pruned", "marked"], 1));
    let lease = old.world.catalog().await.lease(gc.location()).await.unwrap();
    assert!(lease.unwrap().released_at.is_some(), "the lease is given back");
    assert_eq!(counts(&old.prune_on(OLD + 1).await), [0, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_an_hour_after_the_look_nothing_more_is_removed() {
    let old = Arc::new(Old::new(&["a.jpg"]).await);
    old.delete(&["b.jpg"]).await;
    let clock = old.clock.clone();
    let report = prune_while(&old, "remove", move || {
        let clock = clock.clone();
        async move { clock.set_hours(24 * (OLD + 1) + 2) }
    });
    let report = report.await.unwrap();
    assert_eq!(counts(&report), [0, 1, 1, 0], "{report:?}");
    assert!(report.notes.iter().any(|note| note.contains("an hour ago")), "{report:?}");
    assert_eq!(old.files().len(), 1);
    assert_eq!(counts(&old.prune_on(OLD + 2).await), [0, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_a_prune_whose_lease_was_taken_over_in_the_vault_removes_nothing() {
    let mut old = Old::new(&["a.jpg"]).await;
    old.world.settings.settle_after = std::time::Duration::ZERO;
    let old = Arc::new(old);
    let thief = Arc::clone(&old);
    let result = prune_while(&old, "move_pack_done", move || {
        let old = Arc::clone(&thief);
        async move {
            let record = old.world.vault_files().into_iter().find(|file| {
                let name = file.to_string_lossy();
                name.contains("leases~") && !name.ends_with("~lock")
            });
            let record = record.unwrap();
            let text = std::fs::read_to_string(&record).unwrap().replace("\"released\":false", "\"released\":true");
            std::fs::write(&record, text).unwrap();
        }
    });
    let result = result.await;
    assert!(matches!(&result, Err(Error::Locked { .. })), "{result:?}");
    assert_eq!(old.files().len(), 1);
    assert_eq!(counts(&old.prune_on(OLD + 2).await), [0, 0, 1, 0]);
}
