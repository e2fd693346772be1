//! Opens arbitrary packs, and real ones that were altered: an object is read as it was put in, or not at all.
#![no_main]

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arbitrary::Arbitrary;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use libfuzzer_sys::fuzz_target;
use s3gc_store::{Location, ObjectKey, ObjectMeta, Timestamp};
use s3gc_vault::pack::{self, NewEntry, PackHeader, PackId, PackWriter, VerifyLevel};
use s3gc_vault::{Error, FileName, Result, VaultBackend, VaultFile};

#[derive(Arbitrary, Debug)]
enum Input {
    /// These bytes.
    Raw(Vec<u8>),
    /// A real pack with other bytes at these places, cut there, with more behind it.
    Altered { edits: Vec<(u16, u8)>, cut: Option<u16>, tail: Vec<u8> },
}

/// A real pack: small objects in a group, one with a frame of its own, and a copy of each kind.
static REAL: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let now = Timestamp::UNIX_EPOCH;
    let header = PackHeader { vault_id: "fuzz".into(), id: PackId::at(now), created_at: now, audit_head: None };
    let mut writer = PackWriter::create(dir.path(), header, Arc::new(s3gc_compress::Zstd::default())).unwrap();
    for key in ["a", "b/c", "../../etc/passwd", "big", "copy/a", "copy/big"] {
        let body = body(key);
        let entry = NewEntry {
            location: Location::aws("photos"),
            key: ObjectKey::new(key).unwrap(),
            meta: ObjectMeta::new(body.len() as u64),
            run: "run".into(),
            staged_at: now,
        };
        writer.append(entry, &mut body.as_slice()).unwrap();
    }
    let pack = writer.finish().unwrap();
    let vault = s3gc_vault::DirVault::open(dir.path().join("vault")).unwrap();
    block_on(async {
        pack.store(&vault).await.unwrap();
        vault.read_range(&pack.name, 0..pack.size_bytes).await.unwrap().to_vec()
    })
});

fn body(key: &str) -> Vec<u8> {
    let key = key.strip_prefix("copy/").unwrap_or(key);
    let times = if key == "big" { 2000 } else { 3 };
    (0..times).flat_map(|n| format!("{key} {n} ").into_bytes()).collect()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<tokio::runtime::Runtime> =
        LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().unwrap());
    RUNTIME.block_on(work)
}

fuzz_target!(|input: Input| {
    let is_altered = matches!(input, Input::Altered { .. });
    let bytes = match input {
        Input::Raw(bytes) => bytes,
        Input::Altered { edits, cut, tail } => {
            let mut bytes = REAL.clone();
            let length = bytes.len();
            for (at, byte) in edits {
                bytes[usize::from(at) % length] ^= byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(usize::from(cut) % length);
            }
            bytes.extend(tail);
            bytes
        }
    };
    let vault: Arc<dyn VaultBackend> = Arc::new(One(bytes.into()));
    let name = PackId::at(Timestamp::UNIX_EPOCH).file_name();
    block_on(async {
        if pack::verify(Arc::clone(&vault), &name, VerifyLevel::Full, None).await.is_err() {
            return;
        }
        let Ok(index) = pack::read_index(&*vault, &name).await else { return };
        for entry in &index.entries {
            let Ok(opened) = pack::open(Arc::clone(&vault), &name, entry).await else { continue };
            let Ok(pieces) = opened.try_collect::<Vec<Bytes>>().await else { continue };
            let read = pieces.concat();
            assert_eq!(read.len() as u64, entry.meta.size_bytes);
            let key = entry.key.as_str();
            if is_altered && ["a", "b/c", "big", "copy/a", "copy/big"].contains(&key) && index.damage.is_none() {
                assert_eq!(read, body(key), "{key}");
            }
        }
    });
});

/// A vault with one file, of any name.
#[derive(Debug)]
struct One(Bytes);

#[async_trait]
impl VaultBackend for One {
    fn location(&self) -> &str {
        "memory:"
    }

    async fn put(&self, _: &FileName, _: BoxStream<'static, std::io::Result<Bytes>>, _: u64) -> Result<()> {
        panic!("reading writes nothing");
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        match self.0.get(start..end) {
            Some(_) => Ok(self.0.slice(start..end)),
            None => Err(Error::NotFound { vault: "memory:".into(), name: name.to_string() }),
        }
    }

    async fn size(&self, _: &FileName) -> Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn list(&self, _: &str) -> BoxStream<'_, Result<VaultFile>> {
        stream::empty().boxed()
    }

    async fn remove(&self, _: &FileName) -> Result<()> {
        panic!("reading removes nothing");
    }
}
