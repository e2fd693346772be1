//! `[vault] stage = "copy"`: the store copies objects into the vault, and back.

use s3gc_s3_mem::{Op, PutSpec};

use crate::world::{ORPHANS, USERS, World, body, days_ago, orphans};

const EXECUTE: &[&str] = &["run", "--mode", "execute", "--yes", "--json"];

async fn copying(stage: &str) -> World {
    let world = World::new().await;
    drop(world.server.bucket("backups"));
    write(&world, stage);
    std::fs::create_dir_all(world.path("state")).unwrap();
    world
}

fn write(world: &World, stage: &str) {
    let vault = format!("path = \"s3://backups/s3gc\"\nendpoint = \"{}\"\n{stage}", world.server.endpoint());
    let text = world.configuration().replace("path = \"state/vault\"", &vault);
    std::fs::write(world.path("s3gc.toml"), format!("{text}\n[catalog]\npath = \"state/catalog.db\"\n")).unwrap();
}

const COPY: &str = "stage = \"copy\"\ncopy_from = \"1 B\"";
const AUTO: &str = "stage = \"auto\"\ncopy_from = \"1 B\"";

fn vault(world: &World, dir: &str) -> Vec<String> {
    let keys = world.server.bucket("backups").keys();
    keys.into_iter().filter(|key| key.starts_with(&format!("s3gc/{dir}/"))).collect()
}

fn all_back(world: &World) {
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    for key in orphans() {
        let object = world.bucket().object(&key).unwrap();
        assert_eq!(object.bytes(), body(&key));
        assert_eq!((object.headers["content-type"].as_str(), object.user["camera"].as_str()), ("image/jpeg", "box"));
        assert_eq!(object.tags["team"], "web");
    }
}

/// Nothing was deleted, for this reason.
async fn keeps_all(world: &World, why: &str) {
    world.expect(3, &["run", "--mode", "execute", "--yes"]).await.says(why);
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    assert_eq!(world.server.count(Op::DeleteObject) + world.server.count(Op::DeleteObjects), canaries(world));
}

/// How many deletions there were of objects that the probe wrote itself.
fn canaries(world: &World) -> usize {
    let deletions = world.server.requests().into_iter();
    deletions
        .filter(|request| matches!(request.op, Op::DeleteObject | Op::DeleteObjects))
        .filter(|request| request.keys.iter().all(|key| key.starts_with(".s3gc")))
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_what_the_store_copied_comes_back_without_being_read() {
    let world = copying(COPY).await;
    world.collect().await;
    assert!(orphans().iter().all(|key| world.bucket().object(key).is_none()));
    assert_eq!((vault(&world, "copies").len(), vault(&world, "packs").len()), (ORPHANS, ORPHANS));
    let read = |key: &str| world.server.requests().iter().any(|r| r.op == Op::GetObject && r.keys == [key]);
    assert!(!orphans().iter().any(|key| read(key)), "no byte was read");
    for level in ["quick", "sample=50%", "full"] {
        world.expect(0, &["vault", "verify", "--level", level]).await.says("all is well");
    }
    assert_eq!(world.expect(0, &["vault", "cat", &orphans()[4]]).await.stdout, body(&orphans()[4]));
    world.expect(0, &["vault", "show", &orphans()[0]]).await.says("crc64nvme").says("copy");
    let stats = world.expect(0, &["vault", "stats", "--json"]).await.json();
    assert_eq!(stats["codecs"]["copy"]["objects"], ORPHANS);
    assert!(stats["size_bytes"].as_u64() > stats["original_bytes"].as_u64(), "copies are counted: {stats}");
    let evidence = world.expect(0, &["audit", "ls", "--kind", "delete", "--json"]).await.json_lines();
    assert!(evidence.iter().all(|entry| entry["detail"].as_str().unwrap().contains("crc64nvme")), "{evidence:?}");

    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    all_back(&world);
    assert_eq!(world.server.count(Op::UploadPartCopy), 2 * ORPHANS, "there and back");

    // The packs alone tell of the copies.
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        drop(std::fs::remove_file(world.path("state").join(file)));
    }
    let reindexed = world.expect(0, &["vault", "reindex", "--json"]).await.json();
    assert_eq!((&reindexed["adopted"], &reindexed["objects"]), (&ORPHANS.into(), &ORPHANS.into()));
    world.expect(0, &["vault", "export", "out"]).await;
    world.expect(0, &["restore", "--prefix", "avatars/", "--to", "back"]).await;
    for key in orphans() {
        assert_eq!(std::fs::read_to_string(world.path("back").join(&key)).unwrap(), body(&key));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_copy_that_is_not_the_object_deletes_nothing() {
    let world = copying(COPY).await;
    world.server.quirks(|quirks| quirks.damage_copies = true);
    keeps_all(&world, "CompleteMultipartUpload").await;
    // On a server that does not compare.
    world.server.quirks(|quirks| quirks.ignore_checksum_at_completion = true);
    keeps_all(&world, "CRC-64/NVME").await;
    assert_eq!(vault(&world, "packs").len(), 0);
    // What was copied in vain is told.
    world.expect(0, &["vault", "verify"]).await.says("5 copies of ").says("without a pack");
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_without_a_checksum_of_the_whole_an_object_is_kept_or_packed() {
    let world = copying(COPY).await;
    world.server.quirks(|quirks| quirks.no_checksums = true);
    keeps_all(&world, "tells no CRC-64/NVME").await;
    assert_eq!(world.server.count(Op::UploadPartCopy), 0);
    write(&world, AUTO);
    world.collect().await;
    assert_eq!((vault(&world, "copies").len(), vault(&world, "packs").len()), (0, 1));
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    all_back(&world);
}

#[tokio::test(flavor = "multi_thread")]
async fn small_objects_are_packed_and_large_ones_are_copied() {
    let world = copying("stage = \"auto\"\ncopy_from = \"1 MiB\"\n[safety]\nmax_delete = \"100%\"").await;
    let large = vec![7; 2 << 20];
    world.bucket().put("avatars/large.bin", large.clone(), PutSpec::default().last_modified(days_ago(30)));
    let report = world.expect(0, EXECUTE).await.json();
    assert_eq!(report["sweep"]["copied"], serde_json::json!({ "objects": 1, "bytes": 2 << 20 }), "{report}");
    assert_eq!((vault(&world, "copies").len(), vault(&world, "packs").len()), (1, 2));
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().object("avatars/large.bin").unwrap().bytes(), large);
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_an_object_that_is_rewritten_before_its_copy_is_kept() {
    let world = copying(COPY).await;
    let (bucket, key) = (world.bucket(), orphans()[2].clone());
    let rewritten = key.clone();
    world.server.before(Op::CreateMultipartUpload, move |_| {
        bucket.put(&rewritten, "a new photo", PutSpec::default());
    });
    let report = world.expect(0, EXECUTE).await.json();
    assert_eq!(report["sweep"]["deleted"]["objects"], ORPHANS - 1, "{report}");
    assert_eq!(world.bucket().object(&key).unwrap().bytes(), "a new photo");
    assert_eq!(vault(&world, "copies").len(), ORPHANS - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_damaged_or_missing_copy_is_found_and_restored_to_nobody() {
    let world = copying(COPY).await;
    world.collect().await;
    let copies = vault(&world, "copies");
    let backups = world.server.bucket("backups");
    let mut bytes = backups.object(&copies[0]).unwrap().bytes().to_vec();
    bytes[3] ^= 1;
    backups.put(&copies[0], bytes, PutSpec::default());
    backups.delete(&copies[1]);
    world.expect(6, &["vault", "verify", "--level", "quick"]).await.says("is not there");
    world.expect(6, &["vault", "verify", "--level", "full"]).await.says("is not there").says("CRC-64/NVME");
    world.expect(3, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1 - 2, "the two that are not sound stay away");
    assert!(world.server.unfinished_uploads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_restore_replaces_no_object_that_came_meanwhile() {
    let world = copying(COPY).await;
    world.collect().await;
    let (bucket, key) = (world.bucket(), orphans()[0].clone());
    let new = key.clone();
    world.server.before(Op::UploadPartCopy, move |_| {
        bucket.put(&new, "a new photo", PutSpec::default());
    });
    world.expect(1, &["restore", &key]).await.says("lives already");
    assert_eq!(world.bucket().object(&key).unwrap().bytes(), "a new photo");
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pruned_pack_takes_its_copy_along() {
    let world = copying(COPY).await;
    world.collect().await;
    world.age_packs().await;
    let text = std::fs::read_to_string(world.path("s3gc.toml")).unwrap();
    std::fs::write(world.path("s3gc.toml"), format!("mode = \"execute\"\n{text}")).unwrap();
    world.expect(0, &["vault", "prune"]).await.says("5 packs marked");
    assert_eq!(vault(&world, "copies").len(), ORPHANS);
    world.age_marks().await;
    world.expect(0, &["vault", "prune"]).await.says("5 packs removed");
    assert_eq!((vault(&world, "copies").len(), vault(&world, "packs").len()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_copied_before_there_was_a_replica_is_replicated() {
    let world = copying(COPY).await;
    world.collect().await;
    write(&world, "replica = \"second\"");
    let copied = world.expect(0, &["vault", "replicate", "--json"]).await.json();
    assert_eq!(copied["copied"].as_array().unwrap().len(), 2 * ORPHANS);
    world.expect(0, &["vault", "replicate", "--verify"]).await;
    for copy in vault(&world, "copies") {
        world.server.bucket("backups").delete(&copy);
    }
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    all_back(&world);
}
