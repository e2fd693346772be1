//! The contract of [`VaultBackend`].

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::channel::mpsc;
use futures::future::join_all;
use futures::stream::{self, BoxStream};
use futures::{SinkExt, StreamExt, TryStreamExt};
use s3gc_vault::{Error, FileName, LeaseRecord, Result, VaultBackend};

use super::skip;

suite!($ vault_backend_suite, vault, [
    clause_01_a_put_is_durable_when_it_returns_and_invisible_before,
    clause_02_the_same_again_is_ok_and_anything_else_a_conflict,
    clause_03_a_body_that_fails_or_has_another_length_leaves_nothing,
    clause_04_a_range_is_exact_or_an_error,
    clause_05_what_is_not_there_is_not_found,
    clause_06_list_yields_every_file_under_a_prefix_once,
    clause_07_removing_what_is_not_there_is_ok,
    clause_08_swap_succeeds_for_one_caller,
]);

/// What the suite tests: an empty vault.
pub struct Fixture {
    /// The vault.
    pub vault: Arc<dyn VaultBackend>,
    reopen: Option<Reopen>,
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

type Reopen = Box<dyn Fn() -> Arc<dyn VaultBackend> + Send + Sync>;

impl fmt::Debug for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fixture").field("vault", &self.vault).field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

impl Fixture {
    /// Tests this vault.
    pub fn new(vault: Arc<dyn VaultBackend>) -> Self {
        Self { vault, reopen: None, kept: Vec::new() }
    }

    /// Tells how another process would open the same vault.
    #[must_use]
    pub fn with_reopen(mut self, reopen: impl Fn() -> Arc<dyn VaultBackend> + Send + Sync + 'static) -> Self {
        self.reopen = Some(Box::new(reopen));
        self
    }

    /// Keeps something alive for as long as the fixture, such as a temporary directory or a server.
    #[must_use]
    pub fn with_kept(mut self, kept: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(kept));
        self
    }

    fn reopened(&self) -> Arc<dyn VaultBackend> {
        self.reopen.as_ref().map_or_else(|| Arc::clone(&self.vault), |reopen| reopen())
    }
}

/// Clause 1. That the bytes survive a loss of power cannot be tested here.
pub async fn clause_01_a_put_is_durable_when_it_returns_and_invisible_before(fixture: &Fixture) {
    let vault = &*fixture.vault;
    let (mut sender, body) = mpsc::channel::<io::Result<Bytes>>(0);
    let other = fixture.reopened();
    let watch = async {
        for _ in 0..3 {
            sender.send(Ok(Bytes::from_static(b"half"))).await.expect("the vault reads the body");
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(listing(vault, "").await, BTreeMap::new(), "a file is visible before it is whole");
            assert_eq!(listing(&*other, "").await, BTreeMap::new(), "a file is visible before it is whole");
            assert!(matches!(vault.size(&name("packs/a")).await, Err(Error::NotFound { .. })));
        }
        drop(sender);
    };
    let name = name("packs/a");
    let (put, ()) = futures::join!(vault.put(&name, body.boxed(), 12), watch);
    put.expect("put");
    assert_eq!(listing(&*other, "").await, BTreeMap::from([("packs/a".to_owned(), 12)]));
    assert_eq!(read(&*fixture.reopened(), "packs/a").await, "halfhalfhalf");
}

/// Clause 2, also for many callers at a time.
pub async fn clause_02_the_same_again_is_ok_and_anything_else_a_conflict(fixture: &Fixture) {
    let vault = &*fixture.vault;
    let large = vec![7; 3 << 20];
    let mut other = large.clone();
    other[(2 << 20) + 5] ^= 1;
    put(vault, "a", &large).await.expect("put");
    put(vault, "a", &large).await.expect("the same again");
    for bytes in [&other, &large[1..], b"".as_slice()] {
        assert!(matches!(put(vault, "a", bytes).await, Err(Error::Conflict { .. })));
    }
    assert!(read(vault, "a").await == large, "a conflict changed the file");
    put(vault, "empty", b"").await.expect("put");
    put(vault, "empty", b"").await.expect("the same again");

    let bodies: Vec<Vec<u8>> = (0..8).map(|n| vec![n % 2; 100_000]).collect();
    let racing = join_all(bodies.iter().map(|bytes| put(vault, "race", bytes))).await;
    let winner = read(vault, "race").await;
    for (bytes, outcome) in bodies.iter().zip(racing) {
        if *bytes == winner {
            outcome.expect("the bytes that won");
        } else {
            assert!(matches!(outcome, Err(Error::Conflict { .. })), "{outcome:?}");
        }
    }
}

/// Clause 3.
pub async fn clause_03_a_body_that_fails_or_has_another_length_leaves_nothing(fixture: &Fixture) {
    let vault = &*fixture.vault;
    let piece = || Ok(Bytes::from_static(b"12345"));
    let failure = || Err(io::Error::other("the body fails"));
    let bodies: Vec<(Vec<io::Result<Bytes>>, u64)> = vec![
        (vec![failure()], 10),
        (vec![piece(), failure()], 10),
        (vec![piece(), piece(), failure()], 10),
        (vec![piece()], 10),
        (vec![piece(), piece(), piece()], 10),
        (vec![], 10),
        (vec![piece()], 0),
    ];
    for (index, (body, size_bytes)) in bodies.into_iter().enumerate() {
        let put = vault.put(&name("a"), stream::iter(body).boxed(), size_bytes).await;
        assert!(put.is_err(), "body {index}");
        assert_eq!(listing(vault, "").await, BTreeMap::new(), "body {index}");
    }
    let target = name("a");
    let abandoned = vault.put(&target, stream::iter([piece()]).chain(stream::pending()).boxed(), 10);
    let gave_up = tokio::time::timeout(Duration::from_millis(100), abandoned).await;
    assert!(gave_up.is_err(), "a body that never ends cannot be put");
    assert_eq!(listing(vault, "").await, BTreeMap::new(), "a put was abandoned");
    put(vault, "a", b"1234567890").await.expect("the name is free");
}

/// Clause 4.
pub async fn clause_04_a_range_is_exact_or_an_error(fixture: &Fixture) {
    let vault = &*fixture.vault;
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    put(vault, "a", &bytes).await.expect("put");
    for (start, end) in [(0, 0), (0, 1), (0, 100_000), (1, 2), (99_999, 100_000), (100_000, 100_000), (500, 70_000)] {
        let got = vault.read_range(&name("a"), start..end).await.expect("a range within the file");
        assert!(*got == bytes[usize_of(start)..usize_of(end)], "{start}..{end}");
    }
    for (start, end) in [(0, 100_001), (99_999, 100_001), (100_001, 100_002), (5, 4), (0, u64::MAX), (u64::MAX, 0)] {
        assert!(vault.read_range(&name("a"), start..end).await.is_err(), "{start}..{end}");
    }
    assert_eq!(vault.size(&name("a")).await.expect("size"), 100_000);
}

/// Clause 5.
pub async fn clause_05_what_is_not_there_is_not_found(fixture: &Fixture) {
    let vault = &*fixture.vault;
    put(vault, "packs/2026/a", b"x").await.expect("put");
    for missing in ["b", "packs", "packs/2026", "packs/2026/b", "packs/2027/a", "packs/2026/a/b"] {
        assert!(matches!(vault.size(&name(missing)).await, Err(Error::NotFound { .. })), "{missing}");
        assert!(matches!(vault.read_range(&name(missing), 0..1).await, Err(Error::NotFound { .. })), "{missing}");
        assert!(matches!(vault.read_range(&name(missing), 0..0).await, Err(Error::NotFound { .. })), "{missing}");
    }
}

/// Clause 6.
pub async fn clause_06_list_yields_every_file_under_a_prefix_once(fixture: &Fixture) {
    let vault = &*fixture.vault;
    let mut all = BTreeMap::from([("a".to_owned(), 1), ("ab/c".to_owned(), 2), ("packs.txt".to_owned(), 3)]);
    all.extend((0..300_u64).map(|n| (format!("packs/2026/{:02}/{n}.tar.zst", n % 12), n)));
    for (name, size_bytes) in &all {
        put(vault, name, &vec![1; usize_of(*size_bytes)]).await.expect("put");
    }
    for prefix in ["", "a", "ab", "ab/", "packs", "packs/", "packs/2026/0", "packs/2026/03/3.tar.zst", "nothing", "b/"]
    {
        let expected: BTreeMap<_, _> =
            all.iter().filter(|(name, _)| name.starts_with(prefix)).map(|(name, size)| (name.clone(), *size)).collect();
        assert_eq!(listing(vault, prefix).await, expected, "under {prefix:?}");
    }
}

/// Clause 7.
#[expect(clippy::disallowed_methods, reason = "the contract of the removal is what is tested here")]
pub async fn clause_07_removing_what_is_not_there_is_ok(fixture: &Fixture) {
    let vault = &*fixture.vault;
    for missing in ["a", "b/c/d"] {
        vault.remove(&name(missing)).await.expect("there is nothing to remove");
    }
    put(vault, "b/c/d", b"x").await.expect("put");
    put(vault, "b/c/e", b"y").await.expect("put");
    for missing in ["b/c/d", "b/c/d", "b/c/d/f"] {
        vault.remove(&name(missing)).await.expect("remove");
    }
    assert_eq!(listing(&*fixture.reopened(), "").await, BTreeMap::from([("b/c/e".to_owned(), 1)]));
    put(vault, "b/c/d", b"other bytes").await.expect("the name is free again");
}

/// Clause 8.
pub async fn clause_08_swap_succeeds_for_one_caller(fixture: &Fixture) {
    let Some(lease) = fixture.vault.lease() else {
        return skip("clause 8", "the vault has no lease");
    };
    let record = |text: &str| LeaseRecord(Bytes::copy_from_slice(text.as_bytes()));
    assert_eq!(lease.read("a").await.expect("read"), None);
    if let Err(Error::Unsupported { reason, .. }) = lease.probe().await {
        let swap = lease.swap("a", None, &record("1")).await;
        assert!(matches!(swap, Err(Error::Unsupported { .. })), "{swap:?}");
        assert_eq!(lease.read("a").await.expect("read"), None, "a record was touched");
        return skip("clause 8", &reason);
    }
    assert!(!lease.swap("a", Some(&record("1")), &record("2")).await.expect("swap"), "there was none");
    assert!(lease.swap("a", None, &record("1")).await.expect("swap"));
    assert!(!lease.swap("a", None, &record("2")).await.expect("swap"), "there is one");
    assert!(lease.swap("a", Some(&record("1")), &record("")).await.expect("swap"));
    assert_eq!(lease.read("a").await.expect("read"), Some(record("")), "an empty record is not none");
    assert_eq!(lease.read("b").await.expect("read"), None, "another slot");
    assert_eq!(listing(&*fixture.vault, "").await, BTreeMap::new(), "a record is not a file");

    let other = fixture.reopened();
    let leases = [lease, other.lease().expect("a reopened vault has a lease too")];
    for round in 0..20 {
        let before = lease.read("a").await.expect("read");
        let contenders: Vec<_> = (0..8).map(|n| record(&format!("round {round} caller {n}"))).collect();
        let swaps = contenders.iter().zip(leases.iter().cycle());
        let won = join_all(swaps.map(|(new, lease)| lease.swap("a", before.as_ref(), new))).await;
        let winners: Vec<_> = contenders.into_iter().zip(won).filter(|(_, won)| *won.as_ref().expect("swap")).collect();
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        assert_eq!(other.lease().expect("lease").read("a").await.expect("read"), Some(winners[0].0.clone()));
    }
}

async fn put(vault: &dyn VaultBackend, file: &str, bytes: &[u8]) -> Result<()> {
    let pieces: Vec<_> = bytes.chunks(40_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let body: BoxStream<'static, io::Result<Bytes>> = stream::iter(pieces).boxed();
    vault.put(&name(file), body, u64::try_from(bytes.len()).expect("a length fits into 64 bits")).await
}

async fn read(vault: &dyn VaultBackend, file: &str) -> Bytes {
    let size_bytes = vault.size(&name(file)).await.expect("size");
    vault.read_range(&name(file), 0..size_bytes).await.expect("read")
}

async fn listing(vault: &dyn VaultBackend, prefix: &str) -> BTreeMap<String, u64> {
    let files: Vec<_> = vault.list(prefix).try_collect().await.expect("list");
    let count = files.len();
    let map: BTreeMap<_, _> = files.into_iter().map(|file| (file.name.to_string(), file.size_bytes)).collect();
    assert_eq!(map.len(), count, "a file was listed twice");
    map
}

fn name(name: &str) -> FileName {
    FileName::new(name).expect("a name of a file")
}

fn usize_of(n: u64) -> usize {
    usize::try_from(n).expect("small enough for memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suites::{clause_numbers, numbers_of};

    #[test]
    fn every_clause_of_the_contract_has_a_test() {
        let contract = clause_numbers(include_str!("../../../s3gc-vault/src/backend.rs"), "VaultBackend");
        assert_eq!(contract.len(), 8);
        assert_eq!(numbers_of(CLAUSES), contract);
    }
}
