//! I7: kill the process anywhere, start it again: nothing is lost, and the catalog agrees with the bucket.
//!
//! The test starts itself as a child process that aborts at its n-th call of the store, the vault or the catalog.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use s3gc_core::catalog::{EntryFilter, EntryId, EntryState};
use s3gc_core::{Gc, Mode, RestoreOptions, RestoreWhat, RunOptions, Settings};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultyCatalog, FaultyStore, FaultyVault};
use s3gc_tests::World;

const CHILD: &str = "S3GC_TEST_CRASH_CHILD";

/// What a child must know of the world: directory, endpoint, and the call at which it dies.
fn describe(world: &World, call: u64) -> String {
    format!("{}|{}|{call}", world.dir.path().display(), world.s3.endpoint())
}

fn adapt(settings: &mut Settings) {
    // A signature is dead soon, so that the next start may look at what became of its objects.
    settings.settle_after = Duration::ZERO;
    settings.recheck_window = Duration::from_secs(1);
    settings.wave_objects = 4;
}

/// Not a test of its own: the child of the test below.
#[tokio::test(flavor = "multi_thread")]
async fn i07_child() {
    let Ok(description) = std::env::var(CHILD) else { return };
    let parts: Vec<&str> = description.split('|').collect();
    let (dir, endpoint, call) = (std::path::Path::new(parts[0]), parts[1], parts[2].parse::<u64>().unwrap());
    let mut settings = Settings::new(s3gc_tests::BUCKET, dir.join("plans"));
    settings.retention_from = s3gc_core::RetentionFrom::LastModified;
    settings.max_delete = s3gc_core::MaxDelete::Percent(100.0);
    adapt(&mut settings);
    let die = FaultPlan::new().at_any(call, Fault::hook(|| async { std::process::abort() }));
    let url = format!("sqlite:{}", dir.join("app.db").display());
    let store = s3gc_tests::connect(endpoint).await;
    let source = s3gc_tests::scan(&url, endpoint).await;
    let catalog = s3gc_catalog::SqliteCatalog::open(dir.join("catalog.db")).await.unwrap();
    let vault = s3gc_vault::DirVault::open(dir.join("vault")).unwrap();
    let gc = Gc::builder(settings)
        .store(Arc::new(FaultyStore::new(store, die.clone())))
        .source(source)
        .vault(Arc::new(FaultyVault::new(Arc::new(vault), die.clone())))
        .catalog(Arc::new(FaultyCatalog::new(Arc::new(catalog), die.clone())))
        .build()
        .unwrap();
    gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    // It came to its end: the parent has seen every call.
    std::process::exit(77);
}

/// How many worlds are killed at a time: most of the time of each is waiting.
const AT_A_TIME: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn i07_killed_at_any_call_nothing_is_lost() {
    let log = calls().await;
    assert!(log.len() > 30, "only {} calls were seen", log.len());
    // The long form dies at every call; the short one at the last call of each operation, and here and there.
    let is_long = std::env::var_os("S3GC_TEST_LONG").is_some();
    let is_chosen = |index: &usize| is_long || index.is_multiple_of(16) || !log[index + 1..].contains(&log[*index]);
    let chosen: Vec<usize> = (0..log.len()).filter(is_chosen).collect();
    let count = chosen.len();
    let died: Vec<bool> =
        stream::iter(chosen).map(|index| kill(index as u64 + 1)).buffer_unordered(AT_A_TIME).collect().await;
    // A run has not always the same number of calls.
    assert!(died.iter().filter(|died| **died).count() + 2 >= count, "{died:?}");
    assert!(!kill(log.len() as u64 + 1000).await, "nobody killed it");
}

/// A world with ten orphans.
async fn world() -> World {
    let mut world = World::new().await;
    adapt(&mut world.settings);
    for n in 0..10 {
        world.put(&format!("orphan/{n}"), &format!("orphan {n}"));
    }
    world.put("kept", "kept");
    world.refer("kept").await;
    world
}

/// Lists the calls of a run that nobody kills.
async fn calls() -> Vec<&'static str> {
    let (world, plan) = (world().await, FaultPlan::new());
    let gc = Gc::builder(world.settings.clone())
        .store(Arc::new(FaultyStore::new(world.store().await, plan.clone())))
        .source(world.source().await)
        .vault(Arc::new(FaultyVault::new(world.vault(), plan.clone())))
        .catalog(Arc::new(FaultyCatalog::new(world.catalog().await, plan.clone())))
        .build()
        .unwrap();
    gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    plan.log()
}

/// Kills a run at one call, and looks at what the next one makes of it. Tells whether it died.
async fn kill(call: u64) -> bool {
    let world = world().await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "crash::i07_child", "--nocapture", "-q"]).env(CHILD, describe(&world, call));
    let output = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
    let code = output.status.code();
    assert!(matches!(code, None | Some(77)), "call {call}: {code:?} {}", String::from_utf8_lossy(&output.stderr));
    check(&world, call).await;
    code.is_none()
}

async fn check(world: &World, call: u64) {
    // What is gone is in the vault, whole, whatever the catalog says.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let gone_before: BTreeSet<String> = gone(world);
    let report = world.execute().await.unwrap_or_else(|error| panic!("call {call}: {error}"));
    assert_eq!(world.bucket().keys(), ["kept"], "call {call}: {:?}", report.sweep);
    let catalog = world.catalog().await;
    let filter = EntryFilter { states: vec![EntryState::Deleted], ..EntryFilter::default() };
    let deleted = catalog.entries(&filter, EntryId::default(), 1000).await.unwrap();
    let keys: BTreeSet<String> = deleted.iter().map(|entry| entry.entry.key.to_string()).collect();
    assert_eq!((keys.len(), deleted.len()), (10, 10), "call {call}: each object is deleted once");
    assert!(gone_before.is_subset(&keys));
    let unsettled = catalog.unsettled(gc_location(world).await.as_ref(), EntryId::default(), 10).await.unwrap();
    assert!(unsettled.is_empty(), "call {call}");
    let what = RestoreWhat::Prefix("orphan/".into());
    let restored = world.gc().await.restore(&what, &RestoreOptions::default()).await.unwrap();
    assert_eq!(restored.restored.objects, 10, "call {call}: {:?}", restored.objects);
    for n in 0..10 {
        let object = world.bucket().object(&format!("orphan/{n}")).unwrap();
        assert_eq!(object.bytes(), format!("orphan {n}"), "call {call}");
    }
}

fn gone(world: &World) -> BTreeSet<String> {
    let there: BTreeSet<String> = world.bucket().keys().into_iter().collect();
    (0..10).map(|n| format!("orphan/{n}")).filter(|key| !there.contains(key)).collect()
}

async fn gc_location(world: &World) -> Box<s3gc_core::Location> {
    Box::new(world.store().await.location().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_an_unanswered_deletion_is_settled_later_and_undone_if_it_hit_a_referenced_object() {
    let mut world = World::new().await;
    adapt(&mut world.settings);
    world.refer("nothing").await;
    for key in ["a", "b"] {
        world.put(key, "orphan");
    }
    let lost = s3gc_s3_mem::Fault::new(s3gc_s3_mem::Effect::DropAfter).on(s3gc_s3_mem::Op::DeleteObjects);
    world.s3.inject(lost.key("a"));
    let report = world.execute().await.unwrap();
    assert_eq!(report.state, s3gc_core::RunState::Partial);
    assert_eq!((report.sweep.unknown.objects, report.sweep.deleted.objects), (2, 0), "{:?}", report.sweep);
    assert!(world.bucket().is_empty(), "the server did what it did not answer");
    world.s3.clear_faults();

    // While a signature may live nothing is settled.
    let report = world.execute().await.unwrap();
    assert_eq!(report.recovered.waiting, 2);

    world.refer("a").await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let report = world.execute().await.unwrap();
    assert_eq!((report.recovered.deleted, report.recovered.restored), (2, 1), "{:?}", report.recovered);
    assert_eq!(world.bucket().keys(), ["a"]);
    assert_eq!(world.bucket().object("a").unwrap().bytes(), "orphan");
}
