//! Catalogs and packs that are not what was written.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::check::{same, whole};
use crate::place::{EXECUTE, Place, Store};
use crate::world::{ORPHANS, USERS, orphans};

fn packs(place: &Place) -> Vec<PathBuf> {
    let (mut packs, mut left) = (Vec::new(), vec![place.world.path("state/vault/packs")]);
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { packs.push(path) }
        }
    }
    packs.sort();
    packs
}

/// Writes a file of the vault, which is read-only.
fn overwrite(path: &PathBuf, bytes: &[u8]) {
    if path.exists() {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    std::fs::write(path, bytes).unwrap();
}

async fn collected() -> Place {
    let mut place = Place::new(Store::Bucket).await;
    place.run(EXECUTE).await;
    place.world.sql_in("state/catalog.db", "PRAGMA wal_checkpoint(TRUNCATE)").await;
    place
}

fn without_log(place: &Place) {
    for file in ["catalog.db-wal", "catalog.db-shm"] {
        std::fs::remove_file(place.world.path("state").join(file)).unwrap_or_default();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_damaged_catalog_is_refused_and_reindex_brings_the_vault_back() {
    let mut place = collected().await;
    let path = place.world.path("state/catalog.db");
    without_log(&place);
    let good = std::fs::read(&path).unwrap();
    // The schema, of which every command reads; then every page but the first.
    let mut damaged = vec![b"this is a letter to my aunt\n".repeat(200)];
    for from in [0, 100, 4096] {
        let mut bytes = good.clone();
        bytes[from..].iter_mut().take(if from == 4096 { usize::MAX } else { 2000 }).for_each(|byte| *byte ^= 0x5a);
        damaged.push(bytes);
    }
    for bytes in damaged {
        without_log(&place);
        std::fs::write(&path, bytes).unwrap();
        let refused = place.world.expect(1, EXECUTE).await;
        refused.says("catalog.db").says("vault reindex").says("move it away");
        assert_eq!(place.world.bucket().len(), USERS + 1, "nothing was deleted");
    }
    // The way out that the message names.
    without_log(&place);
    std::fs::rename(&path, place.world.path("state/catalog.damaged")).unwrap();
    let reindexed = place.world.expect(0, &["vault", "reindex", "--json"]).await.json();
    assert_eq!(reindexed["objects"], ORPHANS);
    place.run(&["restore", "--prefix", "avatars/"]).await;
    same(&place, "after a reindex");
    place.run(EXECUTE).await;
    whole(&place, "after a reindex").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_catalog_that_was_emptied_or_put_back_does_not_collect_as_if_nothing_were() {
    let mut place = Place::new(Store::Bucket).await;
    place.run(&["plan"]).await;
    place.world.sql_in("state/catalog.db", "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let path = place.world.path("state/catalog.db");
    let old = std::fs::read(&path).unwrap();
    place.run(EXECUTE).await;
    without_log(&place);
    std::fs::write(&path, old).unwrap();
    let stopped = place.world.expect(5, EXECUTE).await;
    stopped.says("catalog.db").says("is older than the vault remembers it").says("vault reindex");
    // Cut to nothing it is a new catalog: another one, whose clocks begin, and the vault keeps all.
    without_log(&place);
    std::fs::write(&path, "").unwrap();
    place.world.expect(0, &["vault", "reindex"]).await;
    place.run(&["restore", "--prefix", "avatars/"]).await;
    same(&place, "after a reindex");
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_pack_that_is_cut_flipped_swapped_or_missing_is_found_and_never_restored_silently() {
    let mut place = Place::new(Store::Bucket).await;
    let old = s3gc_s3_mem::PutSpec::default().last_modified(crate::world::days_ago(30));
    place.run(EXECUTE).await;
    place.world.bucket().put("avatars/second.jpg", "another pack", old);
    place.run(EXECUTE).await;
    let packs = packs(&place);
    let [first, second] = packs.as_slice() else { panic!("{packs:?}") };
    let (good, other) = (std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    let mut damages: Vec<Option<Vec<u8>>> = vec![None, Some(other), Some(Vec::new())];
    for eighth in 1..8 {
        damages.push(Some(good[..good.len() * eighth / 8].to_vec()));
        let mut flipped = good.clone();
        flipped[good.len() * eighth / 8] ^= 0x10;
        damages.push(Some(flipped));
    }
    for (number, damage) in damages.iter().enumerate() {
        match damage {
            Some(bytes) => overwrite(first, bytes),
            None => std::fs::remove_file(first).unwrap(),
        }
        place.world.expect(6, &["vault", "verify", "--level", "full"]).await.says("packs/");
        let args = ["restore", "--prefix", "avatars/", "--to", "out", "--if-exists", "overwrite", "--json"];
        let done = place.world.s3gc(&args).await;
        assert!([0, 3].contains(&done.code), "damage {number}: {done:?}");
        let report = done.json();
        let failed = report["failed"]["objects"].as_u64().unwrap();
        assert_eq!(done.code == 3, failed > 0, "damage {number}: {report}");
        // Whatever was said to be restored is the original; a flip may hit what no object needs.
        let mut restored = 0;
        for object in report["objects"].as_array().unwrap() {
            let key = object["key"].as_str().unwrap();
            if object["outcome"]["outcome"] == "restored" {
                restored += 1;
                let body = std::fs::read_to_string(place.world.path("out").join(key)).unwrap();
                let expected =
                    if orphans().contains(&key.to_owned()) { crate::world::body(key) } else { "another pack".into() };
                assert_eq!(body, expected, "damage {number}: {key}");
            } else {
                assert!(orphans().contains(&key.to_owned()), "damage {number}: {key} is in the other pack");
            }
        }
        assert!(restored >= 1, "damage {number}: the other pack goes on: {report}");
        if number < 3 {
            assert_eq!(failed, ORPHANS as u64, "damage {number}: {report}");
        }
        std::fs::remove_dir_all(place.world.path("out")).unwrap();
    }
    overwrite(first, &good);
    place.run(&["restore", "--prefix", "avatars/"]).await;
    same(&place, "with the good pack");
}
