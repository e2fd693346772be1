//! What the tests of packs share.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use s3gc_compress::{Compressor, Zstd};
use s3gc_store::{ETag, Location, ObjectKey, ObjectMeta, Timestamp};
use s3gc_vault::encryption::{AgeVault, Identities, Recipient, generate_identity};
use s3gc_vault::pack::{self, FinishedPack, NewEntry, PackEntry, PackHeader, PackId, PackWriter};
use s3gc_vault::{Error, FileName, Result, VaultBackend, VaultFile};
use secrecy::ExposeSecret as _;

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
    while text.len() < len.min(200_000) {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(["{\"id\": ", "\"name\": \"a name\", ", "true, ", "null}\n"][usize::try_from(n >> 62).unwrap()]);
        text.push_str(&(n >> 50).to_string());
    }
    text.bytes().cycle().take(len).collect()
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

/// A key of an encrypted vault.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) identities: Identities,
    pub(crate) recipient: Recipient,
    /// The text of the identity file.
    pub(crate) file: String,
}

pub(crate) fn key() -> Key {
    let (file, recipient) = generate_identity(now());
    let file = file.expose_secret().to_owned();
    Key { identities: Identities::parse(&file).unwrap(), recipient, file }
}

impl Key {
    /// Shows a vault as whoever has the key sees it.
    pub(crate) fn open(&self, vault: &Arc<dyn VaultBackend>) -> Arc<dyn VaultBackend> {
        Arc::new(AgeVault::new(Arc::clone(vault), self.identities.clone()))
    }
}

/// Ends a pack, encrypts it for these keys, and stores it.
pub(crate) async fn sealed(vault: &Arc<dyn VaultBackend>, writer: PackWriter, keys: &[&Key]) -> FinishedPack {
    let recipients: Vec<Recipient> = keys.iter().map(|key| key.recipient.clone()).collect();
    let finish = move || writer.finish().unwrap().encrypt(&recipients, &std::env::temp_dir()).unwrap();
    let pack = tokio::task::spawn_blocking(finish).await.unwrap();
    pack.store(vault.as_ref()).await.unwrap();
    pack
}

pub(crate) async fn stored(vault: &Arc<dyn VaultBackend>, writer: PackWriter) -> FinishedPack {
    let pack = tokio::task::spawn_blocking(move || writer.finish().unwrap()).await.unwrap();
    pack.store(vault.as_ref()).await.unwrap();
    pack
}

/// Objects of all kinds and sizes around the limits of the layout.
pub(crate) fn objects() -> Vec<(String, Vec<u8>)> {
    let mut objects = vec![
        ("empty".to_owned(), Vec::new()),
        ("../../etc/passwd".to_owned(), b"root".to_vec()),
        ("/etc/shadow".to_owned(), b"slash".to_vec()),
        ("a".to_owned(), b"file".to_vec()),
        ("a/b".to_owned(), b"under a file".to_vec()),
        ("a//b".to_owned(), b"twice".to_vec()),
        ("a/".to_owned(), b"folder marker".to_vec()),
        ("line\nbreak\u{1}\u{7f}".to_owned(), b"control".to_vec()),
        ("é".repeat(512), b"long".to_vec()),
        ("caf\u{e9}".to_owned(), b"nfc".to_vec()),
        ("cafe\u{301}".to_owned(), b"nfd".to_vec()),
        ("🦀/🎉.txt".to_owned(), b"emoji".to_vec()),
        ("~/%2F\\".to_owned(), b"marks".to_vec()),
        ("S3GC-INDEX.jsonl".to_owned(), b"not the index".to_vec()),
    ];
    for size in [1, 511, 512, 513, 8192, 128 << 10, (128 << 10) + 1, 1 << 20, 16 << 20, (16 << 20) + 1, 40_000_000] {
        objects.push((format!("text/{size}"), text(1, size)));
        objects.push((format!("noise/{size}"), noise(2, size)));
    }
    objects.extend((0..300).map(|i| (format!("many/{i}"), text(i, 5000))));
    // Copies of what shares a frame, has one of its own, is cut over several; of the same key, and twice.
    for size in [1, 8192, 1 << 20, 40_000_000] {
        objects.push((format!("copies/text/{size}"), text(1, size)));
        objects.push((format!("noise/{size}"), noise(2, size)));
    }
    objects.push((format!("copies/{}", "é".repeat(300)), noise(2, 8192)));
    objects.push(("copies/of/nothing".to_owned(), Vec::new()));
    objects
}

/// How many of [`objects`] are copies.
pub(crate) const COPIES: usize = 9;

/// A vault of one file in memory, which can be damaged, and counts how it is read.
#[derive(Debug, Default)]
pub(crate) struct MemVault {
    pub(crate) file: Mutex<Vec<u8>>,
    pub(crate) reads: Mutex<Vec<Range<u64>>>,
}

#[async_trait]
impl VaultBackend for MemVault {
    fn location(&self) -> &str {
        "mem"
    }

    async fn put(&self, _: &FileName, body: BoxStream<'static, std::io::Result<Bytes>>, _: u64) -> Result<()> {
        let pieces: Vec<Bytes> = body.try_collect().await.unwrap();
        *self.file.lock().unwrap() = pieces.concat();
        Ok(())
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        self.reads.lock().unwrap().push(range.clone());
        let file = self.file.lock().unwrap();
        let within = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        let bytes = within.and_then(|(start, end)| file.get(start..end));
        let beyond = || Error::NotFound { vault: "mem".into(), name: name.to_string() };
        bytes.map(Bytes::copy_from_slice).ok_or_else(beyond)
    }

    async fn size(&self, _: &FileName) -> Result<u64> {
        Ok(self.file.lock().unwrap().len().try_into().unwrap())
    }

    fn list(&self, _: &str) -> BoxStream<'_, Result<VaultFile>> {
        stream::empty().boxed()
    }

    async fn remove(&self, _: &FileName) -> Result<()> {
        Ok(())
    }
}
