//! A vault of your own: packs in memory.
//!
//! A real one keeps them where they survive a loss of power before `put` returns; this one is good for tests and benches.
//! `cargo run -p s3gc-examples --example custom_vault`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use s3gc_vault::{Error, FileName, Result, VaultBackend, VaultFile};

/// Files by name.
#[derive(Debug, Default)]
struct MemoryVault {
    files: Mutex<BTreeMap<FileName, Bytes>>,
}

impl MemoryVault {
    fn files(&self) -> MutexGuard<'_, BTreeMap<FileName, Bytes>> {
        // No step leaves the map half changed.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, name: &FileName) -> Result<Bytes> {
        let not_found = || Error::NotFound { vault: self.location().to_owned(), name: name.to_string() };
        self.files().get(name).cloned().ok_or_else(not_found)
    }

    fn failed(&self, operation: &'static str, name: &FileName, source: io::Error) -> Error {
        Error::Io { vault: self.location().to_owned(), operation, name: name.to_string(), source: source.into() }
    }
}

#[async_trait]
impl VaultBackend for MemoryVault {
    fn location(&self) -> &str {
        "memory:"
    }

    async fn put(
        &self,
        name: &FileName,
        mut body: BoxStream<'static, io::Result<Bytes>>,
        size_bytes: u64,
    ) -> Result<()> {
        let mut bytes = BytesMut::new();
        while let Some(piece) = body.try_next().await.map_err(|error| self.failed("writing", name, error))? {
            bytes.extend_from_slice(&piece);
        }
        if u64::try_from(bytes.len()) != Ok(size_bytes) {
            let reason = format!("{size_bytes} bytes were announced, and {} came", bytes.len());
            return Err(self.failed("writing", name, io::Error::new(io::ErrorKind::UnexpectedEof, reason)));
        }
        let bytes = bytes.freeze();
        let mut files = self.files();
        if files.get(name).is_some_and(|stored| *stored != bytes) {
            return Err(Error::Conflict { vault: self.location().to_owned(), name: name.to_string() });
        }
        files.insert(name.clone(), bytes);
        Ok(())
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        let bytes = self.find(name)?;
        let whole = |n: u64| usize::try_from(n).ok().filter(|n| *n <= bytes.len());
        match (whole(range.start), whole(range.end)) {
            (Some(start), Some(end)) if start <= end => Ok(bytes.slice(start..end)),
            _ => {
                let reason = format!("{range:?} is not within its {} bytes", bytes.len());
                Err(self.failed("reading", name, io::Error::new(io::ErrorKind::UnexpectedEof, reason)))
            }
        }
    }

    async fn size(&self, name: &FileName) -> Result<u64> {
        let bytes = self.find(name)?;
        u64::try_from(bytes.len()).map_err(|error| self.failed("reading", name, io::Error::other(error)))
    }

    fn list(&self, prefix: &str) -> BoxStream<'_, Result<VaultFile>> {
        let named: Vec<_> = self.files().keys().filter(|name| name.as_str().starts_with(prefix)).cloned().collect();
        let file = async |name| Ok(VaultFile { size_bytes: self.size(&name).await?, name });
        stream::iter(named).then(file).boxed()
    }

    async fn remove(&self, name: &FileName) -> Result<()> {
        self.files().remove(name);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In a program: `Gc::builder(settings).vault(vault)`.
    let vault: Arc<dyn VaultBackend> = Arc::new(MemoryVault::default());
    let name = FileName::new("packs/2026/11/example.tar.zst")?;
    let bytes = Bytes::from_static(b"the bytes of a pack");
    vault.put(&name, stream::iter([Ok(bytes.clone())]).boxed(), 19).await?;
    println!("{:?}", vault.list("packs/").try_collect::<Vec<_>>().await?);
    println!("{:?}", vault.read_range(&name, 4..9).await?);

    let conflict = vault.put(&name, stream::iter([Ok(bytes.slice(..18))]).boxed(), 18).await;
    println!("a pack is never replaced: {conflict:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use s3gc_testkit::suites::vault::Fixture;

    use super::*;

    s3gc_testkit::vault_backend_suite!(Fixture::new(Arc::new(MemoryVault::default())));

    #[test]
    fn the_example_runs() {
        main().unwrap();
    }
}
