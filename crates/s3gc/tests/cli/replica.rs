//! A second place for the packs.

use std::path::{Path, PathBuf};

use crate::world::{ORPHANS, USERS, World, body, orphans};

const REPLICA: &str = "replica = \"copies\"";

fn files(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut left) = (Vec::new(), vec![dir.join("packs")]);
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found
}

fn flip(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 0x55;
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn both(world: &World) -> (PathBuf, PathBuf) {
    let (vault, copies) = (files(&world.path("state/vault")), files(&world.path("copies")));
    assert_eq!((vault.len(), copies.len()), (1, 1));
    (vault[0].clone(), copies[0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_what_the_vault_cannot_give_comes_from_the_replica() {
    let world = World::new().await;
    world.configure(REPLICA);
    world.collect().await;
    let (pack, copy) = both(&world);
    assert_eq!(std::fs::read(&pack).unwrap(), std::fs::read(&copy).unwrap());
    flip(&pack);
    world.expect(0, &["restore", "--prefix", "avatars/gone-1"]).await;
    std::fs::remove_file(&pack).unwrap();
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    for key in orphans() {
        assert_eq!(world.bucket().object(&key).unwrap().bytes(), body(&key), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_nothing_is_deleted_before_the_replica_has_it() {
    let world = World::new().await;
    world.configure(REPLICA);
    std::fs::create_dir(world.path("copies")).unwrap();
    std::fs::write(world.path("copies/packs"), "in the way").unwrap();
    world.expect(1, &["run", "--mode", "execute", "--yes"]).await.says("copies");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    std::fs::remove_file(world.path("copies/packs")).unwrap();
    world.collect().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_of_the_two_lacks_is_copied_and_nothing_is_replaced() {
    let world = World::new().await;
    world.collect().await;
    world.expect(2, &["vault", "replicate"]).await.says("there is no replica");
    world.configure(REPLICA);
    world.expect(0, &["vault", "replicate", "--dry-run"]).await.says("would be copied");
    assert_eq!(files(&world.path("copies")).len(), 0);
    let copied = world.expect(0, &["vault", "replicate", "--json"]).await.json();
    assert_eq!((&copied["packs"], copied["copied"].as_array().unwrap().len()), (&1.into(), 1));
    let again = world.expect(0, &["vault", "replicate", "--verify", "--json"]).await.json();
    assert_eq!((&again["compared"], again["copied"].as_array().unwrap().len()), (&1.into(), 0));

    let (pack, copy) = both(&world);
    let whole = std::fs::read(&pack).unwrap();
    flip(&copy);
    world.expect(0, &["vault", "replicate"]).await;
    world.expect(6, &["vault", "replicate", "--verify"]).await.says("the one in the replica is damaged");
    // A damaged copy does not become the vault's.
    std::fs::remove_file(&pack).unwrap();
    world.expect(6, &["vault", "replicate"]).await.says("is not what it should be");
    assert_eq!(files(&world.path("state/vault")).len(), 0);

    std::fs::remove_file(&copy).unwrap();
    std::fs::write(&copy, &whole).unwrap();
    world.expect(0, &["vault", "replicate"]).await.says("1 copied");
    assert_eq!(std::fs::read(&pack).unwrap(), whole);
    world.expect(0, &["vault", "verify", "--level", "full"]).await;
    world.expect(0, &["vault", "replicate", "--verify"]).await.says("1 compared");

    // A file that only the replica has, and nobody knows, stays where it is; one of another length is not replaced.
    std::fs::write(copy.with_file_name("0193-stray.tar.zst"), "stray").unwrap();
    std::fs::remove_file(&copy).unwrap();
    std::fs::write(&copy, &whole[1..]).unwrap();
    world.expect(6, &["vault", "replicate"]).await.says("the replica");
    assert_eq!(files(&world.path("state/vault")).len(), 1);
    assert_eq!(std::fs::read(&copy).unwrap(), &whole[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_vault_is_replaced_by_its_replica() {
    let world = World::new().await;
    world.configure(REPLICA);
    world.collect().await;
    std::fs::remove_dir_all(world.path("state/vault")).unwrap();
    world.expect(10, &["restore", "--prefix", "avatars/"]).await;
    let text = world.configuration().replace("path = \"state/vault\"", "path = \"copies\"");
    let text = format!("{text}[catalog]\npath = \"state/catalog.db\"\n");
    std::fs::write(world.path("s3gc.toml"), text).unwrap();
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
}
