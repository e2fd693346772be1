//! What keeps a pack: a test for each reason, which goes red where the check for it is taken out.

use std::time::Duration;

use jiff::Timestamp;
use s3gc_core::catalog::{Adoption, Catalog as _, Hold, HoldKind, PackRecord, PackState, StagedEntry};
use s3gc_core::{Gc, Mode, PackKept, PruneOutcome, RestoreOptions, RunOptions};
use s3gc_tests::{World, days_ago, sqlite};

use super::{OLD, Old, counts, kept, only, prune};
use crate::adversary::execute_unanswered;

impl Old {
    /// Holds keys from now on; returns the number of the hold.
    pub(super) async fn hold(&self, glob: &str, until: Option<Timestamp>) -> i64 {
        let hold = Hold {
            id: 0,
            kind: HoldKind::Glob,
            location: None,
            glob: glob.into(),
            reason: "court".into(),
            created_at: days_ago(0),
            until,
        };
        self.world.catalog().await.add_hold(&hold).await.unwrap()
    }
}

/// Whether a time is that of a day from now, or a little later.
fn is_day(at: Timestamp, day: i64) -> bool {
    (0..600).contains(&at.duration_since(days_ago(-day)).as_secs().saturating_add(300))
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pack_stays_for_keep_days() {
    let mut old = Old::new(&["a.jpg"]).await;
    old.world.settings.keep = Duration::from_secs(7 * 86_400);
    let report = old.prune_on(6).await;
    assert!(matches!(kept(&report), PackKept::Young { until } if is_day(*until, 7)), "{report:?}");
    assert_eq!(counts(&old.prune_on(8).await), [1, 0, 0, 0]);
    // A longer time takes the mark away.
    old.world.settings.keep = Duration::from_secs(90 * 86_400);
    let report = old.prune_on(9).await;
    assert!(matches!(only(&report), PruneOutcome::Kept { was_marked: true, .. }), "{report:?}");
    assert_eq!(old.packs().await[0].state, PackState::Kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn l17_a_pack_is_not_pruned_while_a_backup_of_the_database_can_name_its_objects() {
    let mut old = Old::new(&["a.jpg"]).await;
    old.world.settings.backup_window = Some(Duration::from_secs(100 * 86_400));
    let report = old.prune_on(99).await;
    assert!(matches!(kept(&report), PackKept::Young { until } if is_day(*until, 100)), "{report:?}");
    assert_eq!(report.keep_seconds, 100 * 86_400);
    assert_eq!(counts(&old.prune_on(101).await), [1, 0, 0, 0]);
}

/// A world in which nobody answered the deletion of an object.
async fn unanswered() -> Old {
    let old = Old { world: World::new().await, clock: Default::default() };
    old.world.refer("nothing").await;
    old.world.put("a.jpg", "orphan");
    execute_unanswered(&old.world).await;
    old
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_deletion_whose_outcome_nobody_knows_keeps_the_pack() {
    let old = unanswered().await;
    let report = old.prune_on(OLD).await;
    assert!(matches!(kept(&report), PackKept::Unsettled { .. }), "{report:?}");
    // Nor is one marked that became so after the mark.
    old.sql("UPDATE entry SET state = 'deleted', settled_at = sent_at WHERE state = 'sent'").await;
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    old.sql("UPDATE entry SET state = 'staged', settled_at = NULL WHERE key = 'a.jpg'").await;
    let report = old.prune_on(OLD + 1).await;
    assert!(matches!(kept(&report), PackKept::Unsettled { .. }), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_the_time_counts_from_the_last_outcome_of_the_pack() {
    let old = unanswered().await;
    let recovered = old.world.gc_on(&old.clock, 50).await.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert!(recovered.recovered.deleted > 0, "{:?}", recovered.recovered);
    for day in [OLD, 139] {
        let report = old.prune_on(day).await;
        assert!(matches!(kept(&report), PackKept::Young { until } if is_day(*until, 140)), "{report:?}");
    }
    assert_eq!(counts(&old.prune_on(141).await), [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_clock_that_was_set_back_prunes_nothing() {
    let mut old = Old::new(&["a.jpg"]).await;
    old.world.settings.keep = Duration::from_secs(86_400);
    let report = old.prune_on(-10).await;
    assert!(matches!(kept(&report), PackKept::Future { .. }), "{report:?}");
    // A mark from the future is not old enough before its own time and a day.
    assert_eq!(counts(&old.prune_on(10).await), [1, 0, 0, 0]);
    assert_eq!(counts(&old.prune_on(5).await), [0, 1, 0, 0]);
    assert_eq!(counts(&old.prune_on(11).await), [0, 0, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_hold_keeps_the_pack_of_its_key_until_it_is_over() {
    let old = Old::new(&["a/1.jpg", "b/2.jpg"]).await;
    old.hold("b/*", Some(days_ago(-100))).await;
    let report = old.prune_on(OLD).await;
    assert_eq!(*kept(&report), PackKept::Held { key: s3gc_core::ObjectKey::new("b/2.jpg").unwrap() });
    assert_eq!(counts(&old.prune_on(101).await), [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_hold_of_the_base_keeps_the_pack_of_what_is_derived() {
    let mut old = Old::new(&["thumbs/b.jpg"]).await;
    old.world.settings.variants = s3gc_core::VariantRules::new(vec!["^thumbs/(?<base>.+)$ -> $base".into()]).unwrap();
    old.hold("b.jpg", None).await;
    assert_eq!(kept(&old.prune_on(OLD).await).as_str(), "held");
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_restore_keeps_the_pack_for_one_retention() {
    let old = Old::new(&["a.jpg"]).await;
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    let gc = old.world.gc_on(&old.clock, OLD).await;
    gc.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    let report = old.prune_on(OLD + 1).await;
    assert!(
        matches!(only(&report), PruneOutcome::Kept { reason: PackKept::Held { .. }, was_marked: true }),
        "{report:?}"
    );
    assert_eq!(counts(&old.prune_on(OLD + 8).await), [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_while_the_application_migrates_nothing_is_pruned() {
    let old = Old::new(&["a.jpg"]).await;
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    let gc = old.world.gc().await;
    gc.begin_migration("images move to another table", None).await.unwrap();
    let report = old.prune_on(OLD + 1).await;
    assert!(
        matches!(only(&report), PruneOutcome::Kept { reason: PackKept::Migration { .. }, was_marked: true }),
        "{report:?}"
    );
    gc.end_migration().await.unwrap();
    assert_eq!(counts(&old.prune_on(OLD + 2).await), [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_reference_to_what_the_vault_alone_has_keeps_the_pack() {
    let old = Old::new(&["a.jpg", "b.jpg"]).await;
    old.world.refer(&format!("{}/{}/b.jpg", old.world.s3.endpoint(), s3gc_tests::BUCKET)).await;
    let referenced = PackKept::Referenced { key: s3gc_core::ObjectKey::new("b.jpg").unwrap(), objects: 1 };
    assert_eq!(*kept(&old.prune_on(OLD).await), referenced);
    sqlite(&old.world.url, "DELETE FROM posts WHERE image LIKE '%b.jpg'").await;
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    // The look is taken again before the removal.
    old.world.refer("a.jpg").await;
    old.world.refer("b.jpg").await;
    let report = old.prune_on(OLD + 1).await;
    assert!(matches!(only(&report), PruneOutcome::Kept { was_marked: true, .. }), "{report:?}");
    assert!(matches!(kept(&report), PackKept::Referenced { objects: 2, .. }), "{report:?}");
    old.world.gc().await.restore_key("b.jpg", RestoreOptions::default()).await.unwrap();
    assert_eq!(old.world.bucket().object("b.jpg").unwrap().bytes(), "the bytes of b.jpg");
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_reference_whose_object_is_in_the_bucket_keeps_no_pack() {
    let old = Old::new(&["a.jpg", "b.jpg"]).await;
    // One was restored, the other uploaded anew.
    old.world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    old.world.put("b.jpg", "newer");
    for key in ["a.jpg", "b.jpg"] {
        old.world.refer(key).await;
    }
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    assert_eq!(counts(&old.prune_on(OLD + 1).await), [0, 0, 1, 0]);
    assert_eq!(old.world.bucket().keys(), ["a.jpg", "b.jpg", "kept.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pack_with_more_than_the_catalog_knows_stays() {
    let old = Old::new(&["a.jpg", "b.jpg"]).await;
    old.sql("DELETE FROM entry WHERE key = 'a.jpg'").await;
    assert_eq!(kept(&old.prune_on(OLD).await).as_str(), "unknown");
    let other = Old::new(&["a.jpg", "b.jpg"]).await;
    let elsewhere = "UPDATE entry SET location = 's3://other', entry = json_set(entry, '$.location', 's3://other')";
    other.sql(&format!("{elsewhere} WHERE id = (SELECT max(id) FROM entry)")).await;
    assert_eq!(kept(&other.prune_on(OLD).await).as_str(), "unknown");
}

/// A collector with a catalog of its own for the vault of this world, which takes its packs up so many days from now.
async fn adopt(old: &Old, day: i64, damage: Option<String>) -> std::sync::Arc<s3gc_catalog::SqliteCatalog> {
    let path = old.world.dir.path().join("other.db");
    let catalog = std::sync::Arc::new(s3gc_catalog::SqliteCatalog::open(path).await.unwrap());
    let vault = old.world.vault();
    for known in old.packs().await {
        let index = s3gc_vault::pack::read_index(&*vault, &known.name).await.unwrap();
        let entries: Vec<StagedEntry> =
            index.entries.into_iter().map(|entry| StagedEntry { unreferenced_since: entry.staged_at, entry }).collect();
        let adopted = Some(Adoption { at: days_ago(-day), damage: damage.clone() });
        assert!(catalog.adopt(&PackRecord { adopted, ..known }, &entries).await.unwrap());
    }
    catalog
}

async fn other_on(old: &Old, catalog: &std::sync::Arc<s3gc_catalog::SqliteCatalog>, day: i64) -> Gc {
    let builder = old.world.builder_at(&old.clock, 24 * day).await.catalog(catalog.clone());
    builder.source(old.world.source_at(&old.clock).await).build().unwrap()
}

async fn prune_other(
    old: &Old,
    catalog: &std::sync::Arc<s3gc_catalog::SqliteCatalog>,
    day: i64,
) -> s3gc_core::PruneReport {
    let builder = old.world.builder_at(&old.clock, 24 * day).await.catalog(catalog.clone());
    prune(builder.source(old.world.source_at(&old.clock).await)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_catalog_that_was_built_from_the_packs_begins_to_count_anew() {
    let old = Old::new(&["a.jpg"]).await;
    let catalog = adopt(&old, 80, None).await;
    other_on(&old, &catalog, 80).await.run_cycle(RunOptions::default()).await.unwrap();
    let report = prune_other(&old, &catalog, 169).await;
    assert!(matches!(kept(&report), PackKept::Young { until } if is_day(*until, 170)), "{report:?}");
    assert_eq!(counts(&prune_other(&old, &catalog, 171).await), [1, 0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pack_that_was_damaged_when_it_was_found_stays() {
    let old = Old::new(&["a.jpg"]).await;
    let catalog = adopt(&old, 0, Some("its index was cut".into())).await;
    other_on(&old, &catalog, 1).await.run_cycle(RunOptions::default()).await.unwrap();
    let report = prune_other(&old, &catalog, OLD).await;
    assert!(
        matches!(kept(&report), PackKept::Unknown { detail } if detail.contains("its index was cut")),
        "{report:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pack_that_another_catalog_knows_and_a_file_that_merely_lies_there_stay() {
    let old = Old::new(&["a.jpg"]).await;
    let file = old.files().remove(0);
    let copy = file.with_file_name("00000000-0000-7000-8000-000000000000.tar.zst");
    std::fs::copy(&file, &copy).unwrap();
    let path = old.world.dir.path().join("other.db");
    let catalog = std::sync::Arc::new(s3gc_catalog::SqliteCatalog::open(path).await.unwrap());
    other_on(&old, &catalog, OLD).await.run_cycle(RunOptions::default()).await.unwrap();
    for day in [OLD, OLD + 1] {
        assert_eq!(prune_other(&old, &catalog, day).await.packs, []);
    }
    assert_eq!(old.files().len(), 2);
    for day in [OLD + 2, OLD + 3] {
        old.prune_on(day).await;
    }
    assert_eq!(old.files(), [copy], "its own catalog removes what it knows");
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pack_that_the_catalog_knows_in_another_vault_stays() {
    let old = Old::new(&["a.jpg"]).await;
    let file = old.files().remove(0);
    let other = old.world.dir.path().join("elsewhere");
    let copy = other.join(file.strip_prefix(old.world.vault_path()).unwrap());
    std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
    std::fs::copy(&file, &copy).unwrap();
    for day in [OLD, OLD + 1] {
        let vault = std::sync::Arc::new(s3gc_vault::DirVault::open(&other).unwrap());
        let builder = old.world.builder_at(&old.clock, 24 * day).await.vault(vault);
        let report = prune(builder.source(old.world.source_at(&old.clock).await)).await.unwrap();
        assert_eq!(report.packs, [], "day {day}");
    }
    assert!(file.exists() && copy.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_file_that_is_missing_or_another_one_is_told_and_left() {
    let old = Old::new(&["a.jpg"]).await;
    let file = old.files().remove(0);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(counts(&old.prune_on(OLD).await), [1, 0, 0, 0]);
    let longer = [&bytes[..], b"x"].concat();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &longer).unwrap();
    let report = old.prune_on(OLD + 1).await;
    assert_eq!(*kept(&report), PackKept::Differs { found_bytes: longer.len() as u64 });
    assert_eq!(std::fs::read(&file).unwrap(), longer);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(*kept(&old.prune_on(OLD + 2).await), PackKept::Missing);
    assert_eq!(old.packs().await[0].state, PackState::Kept, "vault verify goes on to name it");
}
