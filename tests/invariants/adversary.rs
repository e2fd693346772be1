//! Ways in which a collector could lose an object, found by looking for them.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use s3gc_core::catalog::{Hold, HoldKind, PackRecord, StagedEntry};
use s3gc_core::{Gc, Mode, RestoreOptions, RetentionFrom, RunOptions, RunState, Settings};
use s3gc_s3_mem::{Op, PutSpec, VersioningState};
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultySource, FaultyStore};
use s3gc_tests::{World, days_ago, sqlite};

use crate::exactly::make_lax;

/// The first deletion of a run after the four of the probe.
const FIRST_DELETE: u64 = 5;

/// Lets signatures die soon.
pub(crate) fn settle_soon(world: &mut World) {
    world.settings.settle_after = Duration::ZERO;
    world.settings.recheck_window = Duration::from_secs(1);
}

/// Three objects that no row names, beside a row that names nothing.
pub(crate) async fn put_orphans(world: &World) {
    world.refer("nothing").await;
    for key in ["a.jpg", "b.jpg", "c.jpg"] {
        world.put(key, "orphan");
    }
}

/// Runs with a store whose first deletion happens and is not answered.
pub(crate) async fn execute_unanswered(world: &World) {
    let plan = FaultPlan::new().at("delete", FIRST_DELETE, Fault::Unanswered);
    let store = Arc::new(FaultyStore::new(world.store().await, plan.clone()));
    let gc = world.gc_with(store, world.source().await).await;
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!((plan.fired(), report.sweep.unknown.objects), (1, 1), "{:?}", report.sweep);
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_key_with_an_unanswered_deletion_is_not_restored_from_an_older_one() {
    let world = World::new().await;
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 1);
    world.put("a.jpg", "new");
    execute_unanswered(&world).await;
    let outcome = world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await;
    let now = world.bucket().object("a.jpg").map(|object| object.bytes());
    assert!(now.as_ref().is_none_or(|bytes| bytes == "new"), "restored {now:?}: {outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_after_a_reindex_in_any_order_the_newest_state_is_restored() {
    let world = World::new().await;
    world.refer("nothing").await;
    for body in ["old", "new"] {
        world.put("a.jpg", body);
        assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 1);
    }
    let vault = world.vault();
    let mut packs = world.catalog().await.packs(None, 10).await.unwrap();
    packs.sort_by_key(|pack| std::cmp::Reverse(pack.created_at));
    let catalog = s3gc_catalog::SqliteCatalog::open(world.dir.path().join("other.db")).await.unwrap();
    let catalog: Arc<dyn s3gc_core::Catalog> = Arc::new(catalog);
    for known in packs {
        let index = s3gc_vault::pack::read_index(&*vault, &known.name).await.unwrap();
        let entries: Vec<StagedEntry> =
            index.entries.into_iter().map(|entry| StagedEntry { unreferenced_since: entry.staged_at, entry }).collect();
        assert!(catalog.adopt(&PackRecord { ..known }, &entries).await.unwrap());
    }
    let gc = Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .vault(vault)
        .catalog(catalog)
        .build()
        .unwrap();
    gc.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "new");
}

#[tokio::test(flavor = "multi_thread")]
async fn l01_a_prefix_that_loses_its_references_trips_whatever_retention_counts_from() {
    let mut world = World::new().await;
    world.settings.retention_from = RetentionFrom::Unreferenced;
    world.settings.retention = Duration::from_secs(2);
    world.settings.allow_short_retention = true;
    world.settings.max_delete = s3gc_core::MaxDelete::Percent(20.0);
    for n in 0..30 {
        world.put(&format!("avatars/{n}"), "x");
    }
    for n in 0..400 {
        world.put(&format!("docs/{n}"), "x");
    }
    let insert = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 399) INSERT INTO posts \
                  (image) SELECT 'docs/' || n FROM n UNION ALL SELECT 'avatars/' || n FROM n WHERE n < 30";
    sqlite(&world.url, insert).await;
    let gc = world.gc().await;
    assert_eq!(gc.run_cycle(RunOptions::default()).await.unwrap().brakes, []);
    // The avatars move to a table that nobody told s3gc of.
    sqlite(&world.url, "DELETE FROM posts WHERE image LIKE 'avatars/%' AND image <> 'avatars/1'").await;
    let mut brakes = gc.run_cycle(RunOptions::default()).await.unwrap().brakes;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    brakes.extend(report.brakes);
    assert!(
        brakes.iter().any(|brake| brake.name == "orphans:avatars/"),
        "{} objects of avatars/ deleted without a brake: {brakes:?}",
        report.sweep.deleted.objects
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn l15_a_column_that_never_matched_anything_trips_at_the_first_run() {
    let mut world = World::new().await;
    world.settings.max_delete = s3gc_core::MaxDelete::Percent(20.0);
    for n in 0..300 {
        let prefix = if n < 50 { "avatars" } else { "docs" };
        world.put(&format!("{prefix}/{n}"), "x");
    }
    sqlite(&world.url, "CREATE TABLE docs (id INTEGER PRIMARY KEY, path TEXT)").await;
    // `prepend = "avatars/"` was forgotten.
    let insert = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 299) \
                  INSERT INTO docs (path) SELECT 'docs/' || n FROM n WHERE n >= 50; \
                  WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 49) \
                  INSERT INTO posts (image) SELECT n FROM n";
    sqlite(&world.url, insert).await;
    let references = [Reference::column("posts", "image"), Reference::column("docs", "path")];
    let source = SqlSource::connect(SqlConfig::new("main", &world.url, references), &Default::default()).await.unwrap();
    let gc = world.gc_with(world.store().await, Arc::new(source)).await;
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(report.state, RunState::Blocked, "{} deleted", report.sweep.deleted.objects);
}

#[tokio::test(flavor = "multi_thread")]
async fn l03_a_source_that_is_gone_trips() {
    let world = World::new().await;
    let other = format!("sqlite:{}", world.dir.path().join("other-app.db").display());
    let rows = "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 29) \
                INSERT INTO posts (image) SELECT 'x/' || n FROM n";
    sqlite(&other, &format!("CREATE TABLE posts (id INTEGER PRIMARY KEY, image TEXT); {rows}")).await;
    world.put("kept.jpg", "kept");
    world.refer("kept.jpg").await;
    let config = SqlConfig::new("other", &other, [Reference::column("posts", "image")]);
    let second = SqlSource::connect(config, &Default::default()).await.unwrap();
    let both = Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .source(Arc::new(second))
        .vault(world.vault())
        .catalog(world.catalog().await)
        .build()
        .unwrap();
    assert_eq!(both.run_cycle(RunOptions::default()).await.unwrap().brakes, []);
    let one = world.gc().await;
    let first = one.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    let second = one.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(second.state, RunState::Blocked, "after {:?} it goes on by itself", first.brakes);
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_a_marker_that_could_not_be_checked_is_checked_by_the_next_run() {
    let mut world = World::new().await;
    settle_soon(&mut world);
    put_orphans(&world).await;
    make_lax(&world);
    world.bucket().set_versioning(VersioningState::Enabled);
    let bucket = world.bucket();
    world.s3.before(Op::DeleteObjects, move |key| {
        if key == "a.jpg" {
            bucket.put(key, b"rewritten".to_vec(), PutSpec::default());
        }
    });
    // The first call is the probe's, which must see that versions can be listed.
    let plan = (2..20).fold(FaultPlan::new(), |plan, call| plan.at("versions", call, Fault::FailTransient));
    let store = Arc::new(FaultyStore::new(world.store().await, plan));
    world.gc_with(store, world.source().await).await.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert!(world.bucket().object("a.jpg").is_none(), "it lies under a marker of ours");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    world.execute().await.unwrap();
    let found = world.bucket().object("a.jpg").map(|object| object.bytes());
    assert_eq!(found.unwrap_or_default(), "rewritten", "the application's new object is hidden for ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_store_without_a_list_of_versions_goes_on_after_an_unanswered_deletion() {
    let mut world = World::new().await;
    settle_soon(&mut world);
    world.refer("nothing").await;
    world.put("a.jpg", "orphan");
    world.s3.deny(Op::ListObjectVersions);
    execute_unanswered(&world).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let result = world.gc().await.run_cycle(RunOptions::default()).await;
    assert!(result.is_ok(), "no run goes on ever again: {result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_added_during_a_run_holds_the_waves_to_come() {
    let mut world = World::new().await;
    world.settings.wave_objects = 1;
    put_orphans(&world).await;
    let catalog = world.catalog().await;
    world.s3.after(Op::DeleteObjects, move |key| {
        if key.starts_with(".s3gc-probe/") {
            return;
        }
        let hold = Hold {
            kind: HoldKind::Glob,
            id: 0,
            location: None,
            glob: "**".into(),
            reason: "wait".into(),
            created_at: days_ago(0),
            until: None,
        };
        let catalog = Arc::clone(&catalog);
        let add = async move { catalog.add_hold(&hold).await.unwrap() };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(add));
    });
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1, "{:?}", report.sweep);
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_every_look_comes_after_a_drain() {
    let mut world = World::new().await;
    world.settings.recheck_window = Duration::from_secs(3);
    world.settings.delete_concurrency = 1;
    world.refer("nothing").await;
    for n in 0..150 {
        world.put(&format!("o/{n}"), "orphan");
    }
    let hits = std::sync::atomic::AtomicU32::new(0);
    world.s3.after(Op::DeleteObjects, move |key| {
        if !key.starts_with(".s3gc-probe/") && hits.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(3200));
        }
    });
    let plan = FaultPlan::new();
    let source = Arc::new(FaultySource::new(world.source().await, plan.clone()));
    let gc = world.gc_with(world.store().await, source).await;
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 150);
    assert!(plan.calls_of("scan") > 2, "one look was enough, so this proves nothing");
    assert_eq!(plan.calls_of("drain"), plan.calls_of("scan") - 1, "{:?}", plan.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_a_dry_run_after_an_unanswered_deletion_writes_nothing() {
    let mut world = World::new().await;
    settle_soon(&mut world);
    world.refer("nothing").await;
    world.put("a.jpg", "orphan");
    execute_unanswered(&world).await;
    world.refer("a.jpg").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    world.s3.clear_requests();
    world.gc().await.run_cycle(RunOptions::default()).await.unwrap();
    assert_eq!(world.s3.writes().len(), 0, "{:?}", world.s3.writes());
}

const CHILD: &str = "S3GC_TEST_NAMESPACE_CHILD";

/// Not a test of its own: a collector in another process namespace, as in another container of this host.
#[tokio::test(flavor = "multi_thread")]
async fn i09_child() {
    let Ok(description) = std::env::var(CHILD) else { return };
    let (dir, endpoint) = description.split_once('|').unwrap();
    let dir = std::path::Path::new(dir);
    let mut settings = Settings::new(s3gc_tests::BUCKET, dir.join("plans"));
    settings.retention_from = RetentionFrom::LastModified;
    settings.max_delete = s3gc_core::MaxDelete::Percent(100.0);
    let gc = Gc::builder(settings)
        .store(s3gc_tests::connect(endpoint).await)
        .source(s3gc_tests::scan(&format!("sqlite:{}", dir.join("app.db").display()), endpoint).await)
        .vault(Arc::new(s3gc_vault::DirVault::open(dir.join("vault")).unwrap()))
        .catalog(Arc::new(s3gc_catalog::SqliteCatalog::open(dir.join("catalog.db")).await.unwrap()))
        .build()
        .unwrap();
    gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_a_collector_in_another_container_of_this_host_is_not_taken_for_dead() {
    let can = Command::new("unshare").args(["-p", "-f", "--mount-proc", "true"]).status();
    if !can.is_ok_and(|status| status.success()) {
        // As with a missing service: a skip fails where the tests are required.
        assert!(std::env::var_os("S3GC_TEST_REQUIRE").is_none(), "no process namespaces here");
        println!("skipped: no process namespaces here");
        return;
    }
    let world = World::new().await;
    put_orphans(&world).await;
    world.s3.set_latency(Duration::from_millis(500));
    let mut child = Command::new("unshare")
        .args(["-p", "-f", "--mount-proc"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "adversary::i09_child", "-q"])
        .env(CHILD, format!("{}|{}", world.dir.path().display(), world.s3.endpoint()))
        .spawn()
        .unwrap();
    let catalog = world.catalog().await;
    let location = world.store().await.location().clone();
    while catalog.lease(&location).await.unwrap().is_none_or(|lease| lease.released_at.is_some()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let result = world.execute().await;
    child.wait().unwrap();
    assert!(matches!(result, Err(s3gc_core::Error::Locked { .. })), "two collectors at once: {result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_the_same_bytes_uploaded_again_after_staging_stay_visible_in_a_bucket_with_versions() {
    let world = World::new().await;
    world.refer("nothing").await;
    for key in ["a.jpg", "b.jpg"] {
        world.put(key, "orphan");
    }
    world.bucket().set_versioning(VersioningState::Enabled);
    let bucket = world.bucket();
    world.s3.after(Op::GetObject, move |key| {
        if key == "a.jpg" {
            bucket.put(key, b"orphan".to_vec(), PutSpec::default());
        }
    });
    let report = world.execute().await.unwrap();
    assert_eq!(world.bucket().keys(), ["a.jpg"], "{:?}", report.sweep);
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_versioning_that_is_suspended_while_objects_are_staged_is_noticed() {
    let world = World::new().await;
    put_orphans(&world).await;
    make_lax(&world);
    world.bucket().set_versioning(VersioningState::Enabled);
    let bucket = world.bucket();
    world.s3.after(Op::GetObject, move |key| {
        bucket.set_versioning(VersioningState::Suspended);
        if key == "a.jpg" {
            bucket.put(key, b"rewritten".to_vec(), PutSpec::default());
        }
    });
    let result = world.execute().await;
    let found = world.bucket().versions("a.jpg");
    assert!(world.bucket().object("a.jpg").is_some(), "gone for good: {found:?} {result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_recovery_does_not_believe_a_database_that_trips_the_identity() {
    let mut world = World::new().await;
    settle_soon(&mut world);
    world.refer("nothing").await;
    world.put("a.jpg", "orphan");
    execute_unanswered(&world).await;
    world.refer("a.jpg").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let right = world.url.clone();
    world.url = format!("sqlite:{}", world.dir.path().join("wrong.db").display());
    sqlite(&world.url, "CREATE TABLE posts (id INTEGER PRIMARY KEY, image TEXT)").await;
    let report = world.execute().await.unwrap();
    assert!(report.brakes.iter().any(|brake| brake.name == "identity"), "{:?}", report.brakes);
    world.url = right;
    world.execute().await.unwrap();
    assert_eq!(world.bucket().keys(), ["a.jpg"], "deleted, referenced, and forgotten");
}

#[test]
fn i01_a_proxy_url_on_the_host_of_another_bucket_still_names_ours() {
    use s3gc_source::extract::{ExtractConfig, Extractor, Readings};
    let extractor = Extractor::new(ExtractConfig {
        bucket: "photos".into(),
        other_buckets: vec!["thumbs".into()],
        other_base_urls: vec!["https://img.example.com/".into()],
        ..ExtractConfig::default()
    })
    .unwrap();
    let mut readings = Readings::default();
    let value = "https://img.example.com/300x/https://photos.s3.amazonaws.com/a.jpg";
    let outcome = extractor.extract(value, &mut readings);
    assert!(readings.iter().any(|reading| reading.as_str() == "a.jpg"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_restore_to_a_lax_store_does_not_replace_what_was_uploaded_meanwhile() {
    let world = World::new().await;
    world.refer("nothing").await;
    world.put("a.jpg", "old");
    world.execute().await.unwrap();
    world.s3.quirks(|quirks| quirks.ignore_if_none_match_on_put = true);
    let bucket = world.bucket();
    // After the HEAD of the restore; reading a large object from the vault takes minutes.
    let is_first = std::sync::atomic::AtomicBool::new(true);
    world.s3.after(Op::HeadObject, move |key| {
        if is_first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            bucket.put(key, b"live".to_vec(), PutSpec::default());
        }
    });
    let report = world.gc().await.restore_key("a.jpg", RestoreOptions::default()).await.unwrap();
    assert_eq!(world.bucket().object("a.jpg").unwrap().bytes(), "live", "{report:?}");
}
