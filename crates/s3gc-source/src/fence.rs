//! The write fence: what keeps a new reference from meeting the deletion of its object.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Drain, Result, SourceLock};

/// A part of a database that every transaction passes before it commits a reference.
///
/// The collector writes down which keys it is about to delete. Whoever writes a reference to one of them holds the key
/// until the transaction ends, and the collector leaves held keys alone; who comes later is told, or leaves an order to
/// bring the object back. `owner` names the collector, so that several can share a database.
///
/// # Contract
///
/// 1. `condemn` says of each key whether it is fenced. One that is not must not be deleted.
/// 2. `wait` returns `Done` only if every transaction is over that could write a reference without seeing what was
///    condemned before the call.
/// 3. `mark` takes only keys that no open transaction refers to. It waits for nobody.
/// 4. Once a key is marked, a transaction that refers to it fails, or leaves an order.
/// 5. While the value of `hold` lives, every row that is written passes the fence, and no row becomes visible without
///    being written. It fails if the fence is not whole.
/// 6. `settle` takes keys out of the fence, or remembers that they are gone; then a new reference leaves an order. It
///    waits for nobody, and what is in use stays for the next `settle` or `tidy`.
/// 7. An order commits with the reference that it is for, and stands until `finish_orders`.
/// 8. `status` changes nothing. `install` changes nothing where nothing is missing.
/// 9. After `teardown` nothing of this owner is left in the database.
#[async_trait]
pub trait WriteFence: fmt::Debug + Send + Sync {
    /// Writes down that these keys are about to be deleted, and returns for each whether it is fenced.
    ///
    /// # Errors
    ///
    /// If the database fails; then none is fenced.
    async fn condemn(&self, owner: &str, wave: &str, keys: &[Condemned]) -> Result<Vec<Fenced>>;

    /// Waits for everybody who might not see what was condemned, for at most `patience`.
    ///
    /// # Errors
    ///
    /// If the database cannot tell.
    async fn wait(&self, patience: Duration) -> Result<Drain>;

    /// Marks the keys of a wave as being deleted, and returns those that it could mark.
    ///
    /// # Errors
    ///
    /// If the database fails.
    async fn mark(&self, owner: &str, wave: &str) -> Result<Vec<String>>;

    /// Keeps the fence as it is, and checks that it is whole, until the returned value is dropped.
    ///
    /// # Errors
    ///
    /// If it is not, or somebody is changing a table right now.
    async fn hold(&self, owner: &str) -> Result<Box<dyn SourceLock>>;

    /// Says what became of keys.
    ///
    /// # Errors
    ///
    /// If the database fails.
    async fn settle(&self, owner: &str, keys: &[&str], to: Settled) -> Result<()>;

    /// Takes out what is condemned and not marked, and forgets what is gone for a day: for the beginning of a run.
    ///
    /// # Errors
    ///
    /// If the database fails.
    async fn tidy(&self, owner: &str) -> Result<()>;

    /// Lists the keys that are marked, and those that are gone.
    ///
    /// # Errors
    ///
    /// If the database fails.
    async fn marked(&self, owner: &str) -> Result<Vec<Marked>>;

    /// Lists the orders to bring objects back.
    ///
    /// # Errors
    ///
    /// If the database fails.
    async fn orders(&self, owner: &str) -> Result<Vec<Order>>;

    /// Removes orders that were carried out.
    ///
    /// # Errors
    ///
    /// If the database fails.
    async fn finish_orders(&self, owner: &str, orders: &[i64]) -> Result<()>;

    /// Tells how things are.
    ///
    /// # Errors
    ///
    /// If the database cannot be read, or what is watched cannot be fenced.
    async fn status(&self, owner: &str) -> Result<FenceStatus>;

    /// Returns the statements that [`WriteFence::install`] runs.
    ///
    /// # Errors
    ///
    /// If what is watched cannot be fenced.
    async fn setup_sql(&self, owner: &str) -> Result<String>;

    /// Installs what is missing, in one transaction, and returns what that was.
    ///
    /// # Errors
    ///
    /// If what is watched cannot be fenced, or a privilege is missing.
    async fn install(&self, owner: &str) -> Result<Vec<String>>;

    /// Removes everything of this owner, and the rest with the last owner.
    ///
    /// # Errors
    ///
    /// If a privilege is missing.
    async fn teardown(&self, owner: &str) -> Result<()>;
}

/// A key that is about to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condemned {
    /// The key.
    pub key: String,
    /// The keys that it is derived from: a reference to one of them keeps it.
    pub bases: Vec<String>,
}

/// Whether a key is fenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fenced {
    /// A new reference to it will be noticed.
    Yes,
    /// It may not be, for this reason.
    No(&'static str),
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Its object was deleted.
    Gone,
    /// Its object stays.
    Kept,
}

/// A key that is marked, or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// The key.
    pub key: String,
    /// Whether its object was deleted; else nobody said yet.
    pub is_gone: bool,
}

/// An order to bring an object back, because a transaction that refers to it has committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub id: i64,
    /// The key; `None` where the reference is written in a way that only a scan can read.
    pub key: Option<String>,
}

/// How a fence is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FenceStatus {
    /// What is missing or wrong, each in a sentence; nothing if the fence is whole.
    pub faults: Vec<String>,
    /// Each watched table, and whether the fence is on it.
    pub tables: Vec<(String, bool)>,
    /// How many keys are condemned, being deleted, and gone.
    pub condemned: u64,
    /// See above.
    pub deleting: u64,
    /// See above.
    pub gone: u64,
    /// How many orders wait.
    pub orders: u64,
}

impl FenceStatus {
    /// Tells whether nothing is missing.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }
}
