//! The vault: what it holds, whether it can be read, and how the catalog comes back from it.

use std::path::PathBuf;

use crate::world::{ORPHANS, USERS, World, body, orphans};

pub(crate) fn packs(world: &World) -> Vec<PathBuf> {
    let (mut packs, mut left) = (Vec::new(), vec![world.path("state/vault/packs")]);
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { packs.push(path) }
        }
    }
    packs
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_can_be_listed_and_read() {
    let world = World::new().await;
    world.collect().await;
    let entries = world.expect(0, &["vault", "ls", "--json"]).await.json_lines();
    assert_eq!(entries.len(), ORPHANS);
    assert!(entries.iter().all(|entry| entry["state"] == "deleted"));
    let key = &orphans()[4];
    assert_eq!(world.expect(0, &["vault", "cat", key]).await.stdout, body(key));
    world.expect(1, &["vault", "cat", "no/such"]).await.says("the vault holds no object");
    let shown = world.expect(0, &["vault", "show", key]).await;
    shown.says("deleted").says("image/jpeg").says("camera").says("packs/");
    assert_eq!(world.expect(0, &["vault", "ls", "--prefix", "avatars/gone-1"]).await.stdout.lines().count(), 1);
    let metrics = world.expect(0, &["metrics", "--json"]).await.json();
    assert_eq!((&metrics["total_deleted"], &metrics["vault_packs"]), (&ORPHANS.into(), &1.into()));
    assert!(metrics["avg_compression_ratio"].as_f64().unwrap() > 0.0);
    assert!(metrics["vault_oldest_pack"].is_string(), "{metrics}");
    assert_eq!(metrics["vault_oldest_pack"], metrics["vault_newest_pack"]);
    world.expect(0, &["metrics"]).await.says("deleted      5 objects").says("packs from 20");
    let status = world.expect(0, &["status", "--json"]).await.json();
    assert_eq!((&status["last_run"]["state"], &status["totals"]["unsettled"]), (&"done".into(), &0.into()));
    assert!(status["lease"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_damaged_pack_is_found() {
    let world = World::new().await;
    world.collect().await;
    for level in ["quick", "sample=50%", "full"] {
        world.expect(0, &["vault", "verify", "--level", level]).await.says("all is well");
    }
    let full = world.expect(0, &["vault", "verify", "--level", "full", "--json"]).await.json();
    assert_eq!((&full["packs"], &full["objects_decoded"]), (&1.into(), &ORPHANS.into()));
    let pack = packs(&world).remove(0);
    let mut bytes = std::fs::read(&pack).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 0x55;
    let mut permissions = std::fs::metadata(&pack).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    std::fs::set_permissions(&pack, permissions).unwrap();
    std::fs::write(&pack, bytes).unwrap();
    let damaged = world.expect(6, &["vault", "verify", "--level", "full", "--json"]).await.json();
    assert_eq!(damaged["ok"], false);
    assert!(!damaged["faults"][0]["faults"].as_array().unwrap().is_empty());
    std::fs::remove_file(&pack).unwrap();
    world.expect(6, &["vault", "verify"]).await.says("no such file in the vault");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_not_mounted_is_not_taken_for_a_new_one() {
    let world = World::new().await;
    world.collect().await;
    std::fs::rename(world.path("state/vault"), world.path("unmounted")).unwrap();
    for args in [&["plan"][..], &["run", "--mode", "execute", "--yes"], &["restore", "--prefix", "avatars/"]] {
        world.expect(10, args).await.says("the vault is missing").says("mount or bring back");
    }
    // The mount point of a disk that is away is an empty directory.
    std::fs::create_dir(world.path("state/vault")).unwrap();
    world.expect(10, &["plan"]).await;
    std::fs::remove_dir(world.path("state/vault")).unwrap();
    std::fs::rename(world.path("unmounted"), world.path("state/vault")).unwrap();
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_catalog_comes_back_from_the_packs() {
    let world = World::new().await;
    world.collect().await;
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let path = world.path("state").join(file);
        if path.exists() {
            std::fs::remove_file(path).unwrap();
        }
    }
    assert_eq!(world.expect(0, &["vault", "ls"]).await.stdout, "");
    let reindexed = world.expect(0, &["vault", "reindex", "--json"]).await.json();
    assert_eq!((&reindexed["adopted"], &reindexed["objects"]), (&1.into(), &ORPHANS.into()));
    let again = world.expect(0, &["vault", "reindex", "--json"]).await.json();
    assert_eq!((&again["adopted"], &again["known"]), (&0.into(), &1.into()));
    world.expect(0, &["vault", "verify", "--level", "full"]).await;
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().object(&orphans()[0]).unwrap().bytes(), body(&orphans()[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_tell_what_the_vault_holds_by_codec_and_type() {
    let world = World::new().await;
    let empty = world.expect(0, &["vault", "stats", "--json"]).await.json();
    assert_eq!((&empty["packs"], &empty["ratio"]), (&0.into(), &0.0.into()));
    world.collect().await;
    let stats = world.expect(0, &["vault", "stats", "--json"]).await.json();
    assert_eq!((&stats["packs"], &stats["objects"]), (&1.into(), &ORPHANS.into()));
    let originals: usize = orphans().iter().map(|key| body(key).len()).sum();
    assert_eq!(stats["original_bytes"], originals);
    assert_eq!(stats["content_types"]["image/jpeg"]["objects"], ORPHANS);
    let size = packs(&world)[0].metadata().unwrap().len();
    assert_eq!(stats["size_bytes"], size);
    for group in ["codecs", "content_types"] {
        let shares = stats[group].as_object().unwrap().values();
        let sum = |name: &str| shares.clone().map(|share| share[name].as_u64().unwrap()).sum::<u64>();
        assert_eq!(sum("original_bytes"), u64::try_from(originals).unwrap());
        assert!(sum("stored_bytes") > 0 && sum("stored_bytes") < size, "{stats}");
    }
    world.expect(0, &["vault", "stats"]).await.says("image/jpeg").says("1 pack");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_photo_that_is_stored_with_lepton_comes_back_without_the_option() {
    let world = World::new().await;
    let old = s3gc_s3_mem::PutSpec::default().last_modified(crate::world::days_ago(30));
    for key in ["avatars/photo.jpg", "avatars/same.jpg"] {
        world.bucket().put(key, s3gc_testkit::jpeg::PHOTO, old.clone());
    }
    // Most of the bytes are photos.
    world.configure("lepton = true\n[safety]\nmax_delete = \"90%\"\n");
    world.expect(0, &["run", "--mode", "execute", "--yes"]).await.says("7 deleted");
    let stats = world.expect(0, &["vault", "stats", "--json"]).await.json();
    let lepton = &stats["codecs"]["lepton"];
    assert_eq!(lepton["objects"], 2, "{stats}");
    let photo = u64::try_from(s3gc_testkit::jpeg::PHOTO.len()).unwrap();
    assert!(lepton["stored_bytes"].as_u64().unwrap() < photo, "two copies are stored once: {stats}");
    world.configure("");
    world.expect(0, &["vault", "verify", "--level", "full"]).await.says("(7 decoded and compared): all is well");
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    for key in ["avatars/photo.jpg", "avatars/same.jpg"] {
        assert_eq!(world.bucket().object(key).unwrap().bytes(), s3gc_testkit::jpeg::PHOTO);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn export_writes_the_newest_copies_as_plain_files_without_the_catalog() {
    let world = World::new().await;
    world.collect().await;
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        drop(std::fs::remove_file(world.path("state").join(file)));
    }
    let dir = world.path("exported");
    let args = ["vault", "export", dir.to_str().unwrap(), "--json"];
    let first = world.expect(0, &args).await.json();
    assert_eq!((&first["written"], &first["left"]), (&ORPHANS.into(), &0.into()), "{first}");
    let bucket = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path());
    let bucket: Vec<PathBuf> = bucket.filter(|path| !path.ends_with(".s3gc")).collect();
    assert_eq!(bucket.len(), 1, "{bucket:?}");
    for key in orphans() {
        assert_eq!(std::fs::read_to_string(bucket[0].join(&key)).unwrap(), body(&key));
    }
    let again = world.expect(0, &args).await.json();
    assert_eq!((&again["written"], &again["left"]), (&0.into(), &ORPHANS.into()), "{again}");
}
