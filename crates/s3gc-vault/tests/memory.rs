//! A large object goes through in pieces. The only test of its process, since it looks at the process's memory.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::io::Read;
use std::sync::Arc;

use common::{new_entry, noise_reader, zstd_writer};
use futures::TryStreamExt;
use s3gc_vault::pack::{self, Digest};
use s3gc_vault::{DirVault, VaultBackend};

const SIZE: u64 = 300_000_000;

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i11_memory_stays_small_for_an_object_of_300_mb() {
    let dir = tempfile::tempdir().unwrap();
    let vault: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
    let path = dir.path().to_owned();
    let pack = tokio::task::spawn_blocking(move || {
        let mut writer = zstd_writer(&path);
        // Half of it compresses.
        let body = noise_reader(1).take(SIZE / 2).chain(std::io::repeat(7).take(SIZE / 2));
        writer.append(new_entry("huge", SIZE), &mut { body }).unwrap();
        writer.finish().unwrap()
    })
    .await
    .unwrap();
    pack.store(vault.as_ref()).await.unwrap();
    pack::read_back(Arc::clone(&vault), &pack).await.unwrap();

    let mut hasher = blake3::Hasher::new();
    let mut pieces = pack::open(vault, &pack.name, &pack.entries[0]).await.unwrap();
    let mut len = 0;
    while let Some(piece) = pieces.try_next().await.unwrap() {
        hasher.update(&piece);
        len += u64::try_from(piece.len()).unwrap();
    }
    assert_eq!((len, Digest::from(hasher.finalize())), (SIZE, pack.entries[0].blake3));
    let peak = peak_mib();
    assert!(peak < 120, "the peak was {peak} MiB");
}
