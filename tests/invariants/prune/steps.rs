//! The way out: marked, a day later removed; and what is written on it.

use s3gc_core::catalog::{AuditFilter, PackState};
use s3gc_core::{Mode, PruneOptions, PruneOutcome, RestoreOptions};
use s3gc_tests::World;

use super::{OLD, Old, counts, kept, only};

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pack_is_marked_and_removed_a_day_later_at_the_earliest() {
    let old = Old::new(&["a.jpg", "b.jpg"]).await;
    let before = old.files();
    assert_eq!(before.len(), 1);
    assert_eq!(counts(&old.prune_on(89).await), [0, 0, 0, 1]);
    let report = old.prune_on(OLD).await;
    let PruneOutcome::Marked { removable_at } = *only(&report) else { panic!("{report:?}") };
    assert_eq!((report.next_at, report.marked.objects), (Some(removable_at), 2));
    let PackState::Marked { at } = old.packs().await[0].state else { panic!("{:?}", old.packs().await) };
    assert_eq!(removable_at.duration_since(at).as_secs(), 24 * 3600);
    // A mark changes nothing for who wants an object back.
    assert_eq!(old.entries().await[0].pruned_at, None);
    let mut options = RestoreOptions::default();
    options.dry_run = true;
    assert_eq!(old.world.gc().await.restore_key("a.jpg", options).await.unwrap().restored.objects, 1);
    for hours in [24 * OLD, 24 * OLD + 23] {
        let report = old.try_prune_at(hours).await.unwrap();
        assert_eq!(*only(&report), PruneOutcome::Waiting { marked_at: at, removable_at });
        assert_eq!(old.files(), before);
    }
    let report = old.prune_on(OLD + 1).await;
    assert_eq!((only(&report), report.removed.packs, report.next_at), (&PruneOutcome::Removed, 1, None));
    assert_eq!(old.files(), Vec::<std::path::PathBuf>::new());
    assert!(matches!(old.packs().await[0].state, PackState::Pruned { .. }), "{:?}", old.packs().await);
    assert!(old.entries().await.iter().all(|entry| entry.pruned_at.is_some()));
    assert_eq!(old.prune_on(OLD + 2).await.packs, [], "what is gone is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_what_is_done_with_a_pack_is_in_the_audit_chain() {
    let old = Old::new(&["a.jpg"]).await;
    let pack = old.packs().await[0].clone();
    for day in [OLD, OLD + 1] {
        old.prune_on(day).await;
    }
    let catalog = old.world.catalog().await;
    let entries = catalog.audit(&AuditFilter::default(), 0, 100).await.unwrap();
    let of_pack: Vec<_> = entries.iter().filter(|entry| entry.kind.starts_with("prune")).collect();
    assert_eq!(of_pack.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(), ["prune_mark", "prune", "pruned"]);
    for entry in of_pack {
        let detail: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
        assert_eq!(detail["pack"], pack.name.as_str());
        assert_eq!((&detail["blake3"], &detail["objects"]), (&pack.blake3.to_string().into(), &1.into()));
    }
    // What the vault remembers of the chain is not behind it.
    let witnesses = old.world.gc_on(&old.clock, OLD + 1).await.audit_witnesses().await.unwrap();
    assert_eq!(witnesses.record.unwrap().seq, catalog.audit_head().await.unwrap().seq);
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_a_dry_run_and_an_audit_prune_nothing_and_write_nothing() {
    let old = Old::new(&["a.jpg"]).await;
    old.prune_on(OLD).await;
    old.delete(&["b.jpg"]).await;
    let everything = async |world: &World| {
        let mut text = String::new();
        for file in world.vault_files() {
            text.push_str(&format!(
                "{}: {:?}\n",
                file.display(),
                s3gc_core::Digest::of(&std::fs::read(&file).unwrap())
            ));
        }
        let catalog = world.catalog().await;
        let lease = catalog.lease(world.store().await.location()).await.unwrap();
        let packs = catalog.packs(None, 100).await.unwrap();
        format!("{text}{packs:?} {lease:?} {:?} {:?}", catalog.audit_head().await.unwrap(), world.bucket().keys())
    };
    let before = everything(&old.world).await;
    let gc = old.world.gc_on(&old.clock, OLD + 1).await;
    let dry = |mode, dry_run| {
        let mut options = PruneOptions::default();
        (options.mode, options.dry_run) = (mode, dry_run);
        gc.prune(options)
    };
    for (mode, dry_run) in [(Some(Mode::Execute), true), (Some(Mode::AuditOnly), false), (None, false)] {
        let report = dry(mode, dry_run).await.unwrap();
        assert!(report.dry_run, "{report:?}");
        let [first, second] = &report.packs[..] else { panic!("{report:?}") };
        assert_eq!(first.outcome, PruneOutcome::WouldRemove);
        assert!(matches!(second.outcome, PruneOutcome::WouldMark { .. }), "{second:?}");
        assert_eq!(everything(&old.world).await, before, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_of_two_packs_the_held_one_stays() {
    let old = Old::new(&["a.jpg"]).await;
    old.delete(&["b.jpg"]).await;
    let files = old.files();
    let packs = old.packs().await;
    old.hold("a.jpg", None).await;
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 1]);
    assert_eq!(counts(&old.prune_on(OLD + 1).await), [0, 0, 1, 1]);
    let held = packs.iter().find(|pack| old_files_has(&old, pack.name.as_str())).unwrap();
    let entries = old.entries().await;
    let of = |key: &str| entries.iter().find(|entry| entry.entry.key.as_str() == key).unwrap();
    assert_eq!((&of("a.jpg").pack, of("a.jpg").pruned_at), (&held.name, None));
    assert!(of("b.jpg").pruned_at.is_some());
    assert_eq!((files.len(), old.files().len()), (2, 1));
    old.world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    assert_eq!(old.world.bucket().object("a.jpg").unwrap().bytes(), "the bytes of a.jpg");
}

fn old_files_has(old: &Old, name: &str) -> bool {
    old.files().iter().any(|file| file.to_string_lossy().ends_with(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_mark_is_taken_away_where_something_needs_the_pack_again() {
    let old = Old::new(&["a.jpg"]).await;
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    let hold = old.hold("*.jpg", None).await;
    let report = old.prune_on(OLD + 1).await;
    assert!(matches!(only(&report), PruneOutcome::Kept { was_marked: true, .. }), "{report:?}");
    assert_eq!((kept(&report).as_str(), old.packs().await[0].state), ("held", PackState::Kept));
    old.world.catalog().await.remove_hold(hold).await.unwrap();
    // Its day begins anew.
    assert_eq!(counts(&old.prune_on(OLD + 2).await), [1, 0, 0, 0]);
    assert_eq!(counts(&old.prune_on(OLD + 3).await), [0, 0, 1, 0]);
}
