//! Who shares a bucket: applications that nobody told the collector of, and other collectors.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use s3gc_catalog::SqliteCatalog;
use s3gc_core::{Error, Gc, KeyPrefix, MaxDelete, Mode, RunOptions, RunState};
use s3gc_s3_mem::Op;
use s3gc_tests::{World, sqlite};
use s3gc_vault::DirVault;

use crate::{brakes, postgres};

#[tokio::test(flavor = "multi_thread")]
async fn l03_an_owner_that_nobody_named_is_protected_by_the_brake_and_by_what_is_claimed() {
    let mut world = World::new().await;
    world.settings.max_delete = MaxDelete::Percent(20.0);
    for n in 0..20 {
        world.put(&format!("ours/{n}.jpg"), "image");
        world.refer(&format!("ours/{n}.jpg")).await;
        world.put(&format!("theirs/{n}.jpg"), "image");
    }
    world.put("ours/orphan.jpg", "image");
    let report = world.execute().await.unwrap();
    assert_eq!(report.state, RunState::Blocked);
    assert!(brakes(&report).contains(&"orphans"), "{:?}", report.brakes);
    assert_eq!(world.bucket().len(), 41);

    world.settings.prefixes = vec![KeyPrefix::new("ours/").unwrap()];
    // What is claimed belongs to the configuration, whose change asks for a dry run.
    world.gc().await.run_cycle(RunOptions::default()).await.unwrap();
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1, "{:?}", report.brakes);
    assert_eq!(world.bucket().len(), 40);
}

/// A collector of the same bucket and database that shares neither catalog nor vault with the world's.
async fn stranger(world: &World) -> Gc {
    let dir = world.dir.path().join("stranger");
    std::fs::create_dir_all(&dir).unwrap();
    Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .vault(Arc::new(DirVault::open(dir.join("vault")).unwrap()))
        .catalog(Arc::new(SqliteCatalog::open(dir.join("catalog.db")).await.unwrap()))
        .build()
        .unwrap()
}

const POSTS: &str = "CREATE TABLE posts (id serial, image text); INSERT INTO posts (image) VALUES ('kept.jpg')";

/// Runs the world's collector, and, when it reads its first object, something and then another collector; returns what
/// that one met, in two modes.
async fn run_beside(world: &World, other: Arc<Gc>, is_lease_removed: bool) -> Vec<Error> {
    for key in ["a.jpg", "b.jpg", "kept.jpg"] {
        world.put(key, "image");
    }
    let met = Arc::new(Mutex::new(Vec::new()));
    let (said, is_first) = (Arc::clone(&met), AtomicBool::new(true));
    let catalog = format!("sqlite:{}", world.catalog_path().display());
    world.s3.after(Op::GetObject, move |_| {
        if !is_first.swap(false, Ordering::SeqCst) {
            return;
        }
        let run = async {
            if is_lease_removed {
                sqlite(&catalog, "DELETE FROM lease").await;
            }
            for mode in [Mode::Execute, Mode::DryRun] {
                let result = other.run_cycle(RunOptions::mode(mode)).await;
                said.lock().unwrap().extend(result.err());
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(run));
    });
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 2, "{:?}", report.sweep);
    assert_eq!(world.bucket().keys(), ["kept.jpg"]);
    std::mem::take(&mut *met.lock().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn l22_two_catalogs_on_one_bucket_exclude_each_other_by_the_lock_in_the_database() {
    let Some((world, _)) = postgres(POSTS).await else { return };
    let other = Arc::new(stranger(&world).await);
    let met = run_beside(&world, Arc::clone(&other), false).await;
    let [Error::Locked { holder, .. }, Error::Locked { .. }] = &met[..] else { panic!("{met:?}") };
    assert!(holder.contains("main"), "it does not say where: {holder}");
    // The first has ended, and with it its lock.
    other.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn l22_a_lease_that_was_removed_by_hand_lets_nobody_in() {
    let Some((world, _)) = postgres(POSTS).await else { return };
    let other = Arc::new(world.gc().await);
    let met = run_beside(&world, other, true).await;
    // The record in the vault knows better than a catalog without its lease.
    assert!(matches!(&met[..], [Error::Stop { name: "catalog", .. }, _]), "{met:?}");
}
