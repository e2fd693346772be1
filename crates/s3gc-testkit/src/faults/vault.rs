//! A vault in which calls go wrong.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use s3gc_vault::{Error, FileName, LeaseRecord, Result, VaultBackend, VaultFile, VaultLease};

use super::{Fault, FaultPlan, Injected};

/// Plays a [`FaultPlan`] into a vault.
///
/// Operations: `put`, `read_range`, `size`, `list`, `remove`, `lease_read`, `lease_swap`; `file` for each file of a
/// listing, its end too. A `put` with `Truncate` or `Corrupt` keeps half of the bytes, or other ones, and says that all
/// is well, and so does a `read_range`: such a vault breaks its contract, and s3gc has to notice.
#[derive(Clone, Debug)]
pub struct FaultyVault {
    inner: Arc<dyn VaultBackend>,
    plan: FaultPlan,
}

impl FaultyVault {
    /// Wraps a vault.
    #[must_use]
    pub fn new(inner: Arc<dyn VaultBackend>, plan: FaultPlan) -> Self {
        Self { inner, plan }
    }

    fn error(&self, operation: &'static str, name: &str, fault: &Fault) -> Error {
        let source = Box::new(Injected::new(operation, fault));
        Error::Io { vault: self.location().to_owned(), operation, name: name.to_owned(), source }
    }

    /// Counts a call that only reads.
    async fn enter(&self, operation: &'static str, name: &str) -> Result<()> {
        match self.plan.enter(operation).await {
            None => Ok(()),
            Some(fault) => Err(self.error(operation, name, &fault)),
        }
    }

    fn inner_lease(&self) -> Result<&dyn VaultLease> {
        let missing = || Error::Io {
            vault: self.location().to_owned(),
            operation: "asking for",
            name: "a lease".to_owned(),
            source: "the vault had one before".into(),
        };
        self.inner.lease().ok_or_else(missing)
    }
}

#[async_trait]
impl VaultBackend for FaultyVault {
    fn location(&self) -> &str {
        self.inner.location()
    }

    async fn put(&self, name: &FileName, body: BoxStream<'static, io::Result<Bytes>>, size_bytes: u64) -> Result<()> {
        match self.plan.enter("put").await {
            None => self.inner.put(name, body, size_bytes).await,
            Some(fault @ Fault::Unanswered) => {
                self.inner.put(name, body, size_bytes).await?;
                Err(self.error("put", name.as_str(), &fault))
            }
            Some(fault @ (Fault::Truncate | Fault::Corrupt)) => {
                let pieces: Vec<Bytes> = match body.try_collect().await {
                    Ok(pieces) => pieces,
                    Err(_) => return Err(self.error("put", name.as_str(), &Fault::Fail)),
                };
                let bytes = damaged(&pieces.concat().into(), &fault);
                let size_bytes = u64::try_from(bytes.len()).unwrap_or(0);
                self.inner.put(name, stream::iter([Ok(bytes)]).boxed(), size_bytes).await
            }
            Some(fault) => Err(self.error("put", name.as_str(), &fault)),
        }
    }

    async fn read_range(&self, name: &FileName, range: Range<u64>) -> Result<Bytes> {
        match self.plan.enter("read_range").await {
            None => self.inner.read_range(name, range).await,
            Some(fault @ (Fault::Truncate | Fault::Corrupt)) => {
                Ok(damaged(&self.inner.read_range(name, range).await?, &fault))
            }
            Some(fault) => Err(self.error("read_range", name.as_str(), &fault)),
        }
    }

    async fn size(&self, name: &FileName) -> Result<u64> {
        self.enter("size", name.as_str()).await?;
        self.inner.size(name).await
    }

    fn list(&self, prefix: &str) -> BoxStream<'_, Result<VaultFile>> {
        let prefix = prefix.to_owned();
        stream::once(async move {
            let listing = self.inner.list(&prefix);
            match self.plan.enter("list").await {
                None => self.plan.items("file", listing, move |operation, fault| self.error(operation, "", fault)),
                Some(Fault::Truncate) => {
                    let files: Vec<_> = listing.collect().await;
                    let half = files.len() / 2;
                    stream::iter(files).take(half).boxed()
                }
                Some(Fault::Reorder) => {
                    let files: Vec<_> = listing.collect().await;
                    stream::iter(files.into_iter().rev()).boxed()
                }
                Some(fault) => stream::iter([Err(self.error("list", &prefix, &fault))]).boxed(),
            }
        })
        .flatten()
        .boxed()
    }

    #[expect(clippy::disallowed_methods, reason = "passes on the removal that was asked for")]
    async fn remove(&self, name: &FileName) -> Result<()> {
        match self.plan.enter("remove").await {
            None => self.inner.remove(name).await,
            Some(fault @ Fault::Unanswered) => {
                self.inner.remove(name).await?;
                Err(self.error("remove", name.as_str(), &fault))
            }
            Some(fault) => Err(self.error("remove", name.as_str(), &fault)),
        }
    }

    fn lease(&self) -> Option<&dyn VaultLease> {
        self.inner.lease().map(|_| self as &dyn VaultLease)
    }
}

#[async_trait]
impl VaultLease for FaultyVault {
    async fn read(&self, slot: &str) -> Result<Option<LeaseRecord>> {
        self.enter("lease_read", slot).await?;
        self.inner_lease()?.read(slot).await
    }

    async fn swap(&self, slot: &str, expected: Option<&LeaseRecord>, new: &LeaseRecord) -> Result<bool> {
        match self.plan.enter("lease_swap").await {
            None => self.inner_lease()?.swap(slot, expected, new).await,
            Some(fault @ Fault::Unanswered) => {
                self.inner_lease()?.swap(slot, expected, new).await?;
                Err(self.error("lease_swap", slot, &fault))
            }
            Some(fault) => Err(self.error("lease_swap", slot, &fault)),
        }
    }

    async fn probe(&self) -> Result<()> {
        self.inner_lease()?.probe().await
    }
}

/// Keeps the first half of the bytes, or flips a bit in their middle.
pub(super) fn damaged(bytes: &Bytes, fault: &Fault) -> Bytes {
    let half = bytes.len() / 2;
    if matches!(fault, Fault::Truncate) {
        return bytes.slice(..half);
    }
    let mut flipped = bytes.to_vec();
    if let Some(byte) = flipped.get_mut(half) {
        *byte ^= 1;
    }
    flipped.into()
}

#[cfg(test)]
mod tests {
    use s3gc_vault::DirVault;

    use super::*;

    fn vault(plan: &FaultPlan) -> (tempfile::TempDir, FaultyVault) {
        let directory = tempfile::tempdir().unwrap();
        let inner = Arc::new(DirVault::open(directory.path()).unwrap());
        (directory, FaultyVault::new(inner, plan.clone()))
    }

    fn name(name: &str) -> FileName {
        FileName::new(name).unwrap()
    }

    async fn put(vault: &FaultyVault, file: &str) -> Result<()> {
        vault.put(&name(file), stream::iter([Ok(Bytes::from_static(b"0123456789"))]).boxed(), 10).await
    }

    #[tokio::test]
    async fn a_put_fails_or_lies_as_planned() {
        let plan = FaultPlan::new()
            .at("put", 1, Fault::Fail)
            .at("put", 2, Fault::Unanswered)
            .at("put", 3, Fault::Truncate)
            .at("put", 4, Fault::Corrupt)
            .at("put", 5, Fault::Reorder);
        let (_directory, vault) = vault(&plan);
        assert!(put(&vault, "failed").await.is_err());
        assert!(put(&vault, "unanswered").await.is_err());
        put(&vault, "cut").await.unwrap();
        put(&vault, "corrupt").await.unwrap();
        assert!(format!("{:?}", put(&vault, "wrong").await).contains("the fault plan is wrong"));
        assert!(vault.size(&name("failed")).await.is_err());
        assert_eq!(vault.size(&name("unanswered")).await.unwrap(), 10);
        assert_eq!(vault.read_range(&name("cut"), 0..5).await.unwrap(), "01234");
        assert_eq!(vault.read_range(&name("corrupt"), 0..10).await.unwrap(), "0123446789");
        assert_eq!(plan.fired(), 5);
    }

    #[tokio::test]
    async fn a_read_and_a_listing_go_wrong_as_planned() {
        let plan = FaultPlan::new()
            .at("read_range", 1, Fault::Truncate)
            .at("read_range", 2, Fault::Corrupt)
            .at("size", 1, Fault::Fail)
            .at("list", 2, Fault::Truncate)
            .at("file", 5, Fault::Fail);
        let (_directory, vault) = vault(&plan);
        put(&vault, "a").await.unwrap();
        put(&vault, "b").await.unwrap();
        assert_eq!(vault.read_range(&name("a"), 0..10).await.unwrap(), "01234");
        assert_eq!(vault.read_range(&name("a"), 0..10).await.unwrap(), "0123446789");
        assert_eq!(vault.read_range(&name("a"), 0..10).await.unwrap(), "0123456789");
        assert!(vault.size(&name("a")).await.is_err());
        assert_eq!(vault.list("").count().await, 2);
        assert_eq!(vault.list("").count().await, 1, "cut");
        let files: Vec<_> = vault.list("").collect().await;
        assert!(files.len() == 2 && files[1].is_err(), "{files:?}");
        assert_eq!(plan.fired(), 5);
    }

    #[tokio::test]
    async fn a_lease_goes_wrong_as_planned() {
        let plan = FaultPlan::new().at("lease_swap", 1, Fault::Fail).at("lease_swap", 2, Fault::Unanswered);
        let (_directory, vault) = vault(&plan);
        let lease = vault.lease().unwrap();
        let record = LeaseRecord(Bytes::from_static(b"mine"));
        assert!(lease.swap("a", None, &record).await.is_err());
        assert_eq!(lease.read("a").await.unwrap(), None);
        assert!(lease.swap("a", None, &record).await.is_err());
        assert_eq!(lease.read("a").await.unwrap(), Some(record));
    }
}
