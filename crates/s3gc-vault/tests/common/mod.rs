//! What the tests of packs share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use s3gc_compress::{Compressor, Zstd};
use s3gc_store::{ETag, Location, ObjectKey, ObjectMeta, Timestamp};
use s3gc_vault::pack::{self, FinishedPack, NewEntry, PackEntry, PackHeader, PackId, PackWriter};
use s3gc_vault::{FileName, VaultBackend};

pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:34:56Z".parse().unwrap()
}

pub(crate) fn header() -> PackHeader {
    let id = PackId::at(now());
    PackHeader { vault_id: "vault-1".into(), id, created_at: now(), audit_head: Some("a5".into()) }
}

pub(crate) fn writer(dir: &Path, codec: impl Compressor) -> PackWriter {
    PackWriter::create(dir, header(), Arc::new(codec)).unwrap()
}

pub(crate) fn zstd_writer(dir: &Path) -> PackWriter {
    writer(dir, Zstd::default())
}

pub(crate) fn new_entry(key: &str, size_bytes: u64) -> NewEntry {
    let mut meta = ObjectMeta::new(size_bytes);
    meta.etag = ETag::new("d41d8cd98f00b204e9800998ecf8427e");
    meta.last_modified = now();
    meta.headers.content_type = Some("text/plain; charset=\"ü\"".into());
    meta.user.insert("who".into(), "me\nyou".into());
    NewEntry {
        location: Location::aws("photos"),
        key: ObjectKey::new(key).unwrap(),
        meta,
        run: "01KAQ2M8".into(),
        staged_at: now(),
    }
}

pub(crate) fn append(writer: &mut PackWriter, key: &str, body: &[u8]) {
    writer.append(new_entry(key, body.len().try_into().unwrap()), &mut &*body).unwrap();
}

/// Bytes that do not compress, always the same for a seed.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    noise_reader(seed).read_exact(&mut bytes).unwrap();
    bytes
}

/// An endless body that does not compress.
pub(crate) fn noise_reader(seed: u64) -> impl Read {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof()
}

/// Text that compresses, always the same for a seed.
pub(crate) fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut text = String::new();
    let mut n = seed;
    while text.len() < len {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(["{\"id\": ", "\"name\": \"a name\", ", "true, ", "null}\n"][usize::try_from(n >> 62).unwrap()]);
        text.push_str(&(n >> 50).to_string());
    }
    text.truncate(len);
    text.into_bytes()
}

pub(crate) async fn read(
    vault: &Arc<dyn VaultBackend>,
    name: &FileName,
    entry: &PackEntry,
) -> std::io::Result<Vec<u8>> {
    let pieces = pack::open(Arc::clone(vault), name, entry).await.map_err(std::io::Error::other)?;
    let pieces: Vec<Bytes> = pieces.try_collect().await?;
    Ok(pieces.concat())
}

pub(crate) async fn stored(vault: &Arc<dyn VaultBackend>, writer: PackWriter) -> FinishedPack {
    let pack = tokio::task::spawn_blocking(move || writer.finish().unwrap()).await.unwrap();
    pack.store(vault.as_ref()).await.unwrap();
    pack
}
