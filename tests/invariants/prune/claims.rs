//! Nothing claims a copy that is gone.

use s3gc_core::{Error, Mode, ObjectKey, RestoreOptions, RestoreOutcome, RestoreWhat, RunOptions};
use s3gc_s3_mem::VersioningState;
use s3gc_tests::World;

use super::{OLD, Old, counts};

/// A world whose only pack was pruned.
async fn pruned(world: World) -> Old {
    let old = Old { world, clock: Default::default() };
    old.world.put("kept.jpg", "kept");
    old.world.refer("kept.jpg").await;
    old.delete(&["a.jpg", "b.jpg"]).await;
    for (day, expected) in [(OLD, [1, 0, 0, 0]), (OLD + 1, [0, 0, 1, 0])] {
        assert_eq!(counts(&old.prune_on(day).await), expected);
    }
    old.world.s3.set_clock_offset(jiff::SignedDuration::ZERO);
    old
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_restore_says_that_the_copy_was_pruned_and_when() {
    let old = pruned(World::new().await).await;
    let at = old.entries().await[0].pruned_at.unwrap();
    let gc = old.world.gc().await;
    let refused = gc.restore_key("a.jpg", RestoreOptions::default()).await;
    let Err(Error::NotFound(text)) = refused else { panic!("{refused:?}") };
    assert!(text.contains("a.jpg") && text.contains(&format!("{at:.0}")) && text.contains("keep_days"), "{text}");
    for dry_run in [true, false] {
        let mut options = RestoreOptions::default();
        options.dry_run = dry_run;
        let report = gc.restore(&RestoreWhat::Prefix(String::new()), &options).await.unwrap();
        assert_eq!((report.restored.objects, report.pruned.objects, report.failed.objects), (0, 2, 0), "{report:?}");
        assert!(report.objects.iter().all(|object| object.outcome == RestoreOutcome::Pruned(at)), "{report:?}");
    }
    assert_eq!(old.world.bucket().keys(), ["kept.jpg"]);
    let held = old.world.catalog().await.held_keys(gc.location(), s3gc_tests::days_ago(0), None, 9).await.unwrap();
    assert!(held.is_empty(), "a restore that cannot be holds nothing: {held:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_newer_copy_that_was_pruned_is_not_replaced_by_an_older_one() {
    let old = Old::new(&["a.jpg", "x.jpg"]).await;
    old.world.put("a.jpg", "newer");
    assert_eq!(old.world.execute().await.unwrap().sweep.deleted.objects, 1);
    old.hold("x.jpg", None).await;
    for day in [OLD, OLD + 1] {
        old.prune_on(day).await;
    }
    assert_eq!(old.files().len(), 1);
    let refused = old.world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await;
    assert!(matches!(&refused, Err(Error::NotFound(text)) if text.contains("newest copy was pruned")), "{refused:?}");
    let all = RestoreWhat::Prefix(String::new());
    let report = old.world.gc().await.restore(&all, &RestoreOptions::default()).await.unwrap();
    assert_eq!((report.restored.objects, report.pruned.objects), (1, 1), "{report:?}");
    assert_eq!(old.world.bucket().keys(), ["kept.jpg", "x.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_what_lies_under_our_delete_marker_comes_back_without_its_copy() {
    let world = World::new().await;
    world.bucket().set_versioning(VersioningState::Enabled);
    let old = pruned(world).await;
    let before = old.world.bucket().versions("a.jpg").len();
    let gc = old.world.gc().await;
    for dry_run in [true, false] {
        let mut options = RestoreOptions::default();
        options.dry_run = dry_run;
        assert_eq!(gc.restore_key("a.jpg", options).await.unwrap().restored.objects, 1);
    }
    assert_eq!(old.world.bucket().object("a.jpg").unwrap().bytes(), "the bytes of a.jpg");
    assert_eq!(
        old.world.bucket().versions("a.jpg").len(),
        before - 1,
        "the marker is gone, and the version is the same"
    );
    // To another place it would have to come from the vault.
    let mut options = RestoreOptions::default();
    options.to = Some(old.world.store().await);
    let refused = gc.restore_key("b.jpg", options).await;
    assert!(matches!(&refused, Err(Error::NotFound(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_reference_to_what_was_pruned_is_missing_and_promises_no_copy() {
    let old = pruned(World::new().await).await;
    let at = old.entries().await[0].pruned_at;
    old.world.refer("a.jpg").await;
    let gc = old.world.gc().await;
    let missing = gc.missing(10).await.unwrap();
    let [reference] = &missing.references[..] else { panic!("{missing:?}") };
    assert_eq!((reference.vault.is_none(), reference.pruned_at), (true, at), "{reference:?}");
    let report = gc.run_cycle(RunOptions::mode(Mode::DryRun)).await.unwrap();
    assert_eq!(report.resurrected.found.objects, 0, "there is nothing to bring back: {:?}", report.resurrected);
    let explained = gc.explain(&ObjectKey::new("a.jpg").unwrap()).await.unwrap();
    assert_eq!((explained.vault.len(), explained.vault[0].pruned_at), (1, at));
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_totals_and_statistics_leave_out_what_was_pruned() {
    let old = pruned(World::new().await).await;
    let gc = old.world.gc().await;
    let metrics = gc.metrics().await.unwrap();
    assert_eq!((metrics.vault_packs, metrics.vault_size_bytes, metrics.vault_original_bytes), (0, 0, 0));
    assert_eq!(metrics.total_deleted, 2, "what was deleted stays deleted");
    let stats = gc.vault_stats().await.unwrap();
    assert_eq!((stats.packs, stats.objects, stats.codecs.len(), stats.content_types.len()), (0, 0, 0, 0), "{stats:?}");
    assert_eq!(gc.packs().await.unwrap().len(), 1, "and the catalog remembers it");
}
