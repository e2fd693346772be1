//! What goes into a pack comes out of it, through s3gc and through tar.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::sync::Arc;

use common::{append, new_entry, objects, read, stored, writer, zstd_writer};
use s3gc_compress::{Lz4, Plain};
use s3gc_vault::pack::{self, VerifyLevel};
use s3gc_vault::{DirVault, VaultBackend};

fn vault(dir: &tempfile::TempDir) -> Arc<dyn VaultBackend> {
    Arc::new(DirVault::open(dir.path().join("vault")).unwrap())
}

async fn comes_back(codec: impl s3gc_compress::Compressor) -> (tempfile::TempDir, pack::FinishedPack) {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(&dir);
    let objects = objects();
    let mut writer = writer(dir.path(), codec);
    for (key, body) in &objects {
        append(&mut writer, key, body);
    }
    let pack = stored(&vault, writer).await;
    pack::read_back(Arc::clone(&vault), &pack).await.unwrap();

    let index = pack::read_index(vault.as_ref(), &pack.name).await.unwrap();
    assert_eq!((index.damage, &index.entries), (None, &pack.entries));
    assert_eq!(index.header, pack.header);
    for (entry, (key, body)) in index.entries.iter().zip(&objects) {
        assert_eq!(entry.key.as_str(), key);
        assert_eq!(&entry.meta, &new_entry(key, body.len().try_into().unwrap()).meta);
        assert!(read(&vault, &pack.name, entry).await.unwrap() == *body, "{key:?}");
    }
    let report = pack::verify(vault, &pack.name, VerifyLevel::Full, Some(pack.blake3)).await.unwrap();
    assert_eq!((report.faults, report.checked), (vec![], objects.len()));
    let links = pack.entries.iter().enumerate().filter(|(i, entry)| {
        entry.meta.size_bytes > 0 && pack.entries[..*i].iter().any(|first| first.shares_bytes_with(entry))
    });
    assert_eq!(links.count(), common::COPIES);
    (dir, pack)
}

#[tokio::test(flavor = "multi_thread")]
async fn zstd_comes_back() {
    let (dir, pack) = comes_back(s3gc_compress::Zstd::default()).await;
    let codec = |key: &str| pack.entries.iter().find(|entry| entry.key.as_str() == key).unwrap().codec.clone();
    assert_eq!(codec("text/40000000"), "zstd");
    assert_eq!(codec("noise/40000000"), "raw");
    assert_eq!(codec("noise/8192"), "raw");
    let path = dir.path().join("vault").join(pack.name.as_str());
    let size = std::fs::File::open(path).unwrap().metadata().unwrap().len();
    assert_eq!(size, pack.size_bytes);
    assert!(size < 95_000_000, "{size}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lz4_comes_back() {
    let (_dir, pack) = comes_back(Lz4).await;
    assert!(pack.entries.iter().any(|entry| entry.codec == "lz4" && entry.member.ends_with(".lz4")));
}

#[tokio::test(flavor = "multi_thread")]
async fn none_comes_back() {
    let (_dir, pack) = comes_back(Plain).await;
    assert!(pack.entries.iter().all(|entry| entry.codec == "none"));
}

#[tokio::test(flavor = "multi_thread")]
async fn copies_take_no_room_however_large() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(&dir);
    let mut writer = zstd_writer(dir.path());
    let bodies = [common::noise(1, 17 << 20), common::noise(2, 300_000), common::text(3, 9_000)];
    for body in &bodies {
        append(&mut writer, "first", body);
    }
    let before = writer.stored_bytes();
    for (i, body) in bodies.iter().cycle().take(9).enumerate() {
        append(&mut writer, &format!("copy/{i}"), body);
    }
    // Nearly a copy is none.
    let mut other = bodies[0].clone();
    *other.last_mut().unwrap() ^= 1;
    let copies = writer.stored_bytes();
    append(&mut writer, "other", &other);
    assert!(copies - before < 9 * 3072, "{}", copies - before);
    assert!(writer.stored_bytes() - copies > 17 << 20);
    let pack = stored(&vault, writer).await;
    pack::read_back(Arc::clone(&vault), &pack).await.unwrap();
    assert_eq!(pack.original_bytes, pack.entries.iter().map(|entry| entry.meta.size_bytes).sum::<u64>());
    for (entry, body) in pack.entries[3..].iter().zip(bodies.iter().cycle().take(9).chain([&other])) {
        assert!(read(&vault, &pack.name, entry).await.unwrap() == *body, "{}", entry.key);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_pack_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(&dir);
    let pack = stored(&vault, zstd_writer(dir.path())).await;
    pack::read_back(vault, &pack).await.unwrap();
}
