//! What is particular to buckets, against a server in memory: parts, conditions that are ignored, answers that are lost.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]
#![expect(clippy::disallowed_methods, reason = "the removal of files is a subject of these tests")]

mod conditions;
mod faults;
mod leases;
mod uploads;

use std::io;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use s3gc_s3_mem::{ACCESS_KEY, Bucket, Options, S3Mem, SECRET_KEY};
use s3gc_vault::{FileName, Result, VaultBackend};
use s3gc_vault_object::{ObjectConfig, ObjectVault, Provider, StaticCredentials};

const PART: u64 = 64 << 10;
const PACK: &str = "packs/2026/11/a.tar.zst";
const KEY: &str = "s3gc/packs/2026/11/a.tar.zst";

fn config(server: &S3Mem) -> ObjectConfig {
    let mut config = ObjectConfig::new(Provider::S3, "vault", "s3gc");
    config.endpoint = Some(server.endpoint());
    config.credentials = Some(StaticCredentials::new(ACCESS_KEY, SECRET_KEY, None));
    config.part_bytes = PART;
    config
}

async fn start() -> (S3Mem, Bucket, ObjectVault) {
    let server = S3Mem::start(Options::default().bucket("vault")).await.unwrap();
    let vault = ObjectVault::connect(config(&server)).await.unwrap();
    let bucket = server.bucket("vault");
    (server, bucket, vault)
}

fn name(name: &str) -> FileName {
    FileName::new(name).unwrap()
}

/// Bytes that differ with the seed from their middle on.
fn bytes(length: usize, seed: u8) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|n| n.to_le_bytes()[0]).collect();
    bytes[length / 2] ^= seed;
    bytes
}

fn pieces(bytes: &[u8]) -> Vec<io::Result<Bytes>> {
    bytes.chunks(10_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect()
}

async fn put(vault: &dyn VaultBackend, file: &str, bytes: &[u8]) -> Result<()> {
    vault.put(&name(file), stream::iter(pieces(bytes)).boxed(), u64::try_from(bytes.len()).unwrap()).await
}

async fn listed(vault: &dyn VaultBackend, prefix: &str) -> Result<Vec<String>> {
    vault.list(prefix).map_ok(|file| file.name.to_string()).try_collect().await
}
