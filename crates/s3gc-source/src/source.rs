//! The trait.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use s3gc_store::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ColumnId, ReferenceBatch, Result, Unwatched, UnwatchedRequest, WriteFence};

/// Something that knows which keys are referenced: `name` and `scan` are all that it must have.
///
/// # Contract
///
/// 1. `scan` yields every reference that was committed before it was called and still stands when it ends.
/// 2. `scan` ends with one `End` and then nothing; without an `End` the scan is not complete.
/// 3. A scan that fails yields an error and no `End`. A part that cannot be read is a failure, never an empty part.
/// 4. Every column is named in `End`, one without rows too, and its counts are the sum of its batches.
/// 5. Two scans may run at the same time, and each sees what was committed before it began.
/// 6. With `ScanRequest::trace` each value has its origin, or no value of the source has one.
/// 7. `status`, where there is one, gives the same identity each time.
/// 8. `drain` returns `Done` only if every transaction that was open when it was called is over.
/// 9. `lock` excludes a second holder of the same name, until the first is dropped.
/// 10. A reading is never empty, and a prefix ends at a delimiter.
///
/// `s3gc-testkit` has one test for each clause.
///
/// # Examples
///
/// ```
/// use futures::StreamExt;
/// use futures::stream::{self, BoxStream};
/// use s3gc_source::{ColumnId, ReferenceBatch, ReferenceSource, Result, ScanEnd, ScanItem, ScanRequest};
///
/// #[derive(Debug)]
/// struct Favourites;
///
/// impl ReferenceSource for Favourites {
///     fn name(&self) -> &str {
///         "favourites"
///     }
///
///     fn scan(&self, _: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
///         let column = ColumnId::new("favourites");
///         let batch = ReferenceBatch::of_keys(column.clone(), ["avatars/alice.jpg"]);
///         let end = ScanEnd::new([(column, batch.counts().clone())]);
///         stream::iter([Ok(ScanItem::Batch(batch)), Ok(ScanItem::End(end))]).boxed()
///     }
/// }
/// ```
#[async_trait]
pub trait ReferenceSource: fmt::Debug + Send + Sync + 'static {
    /// Returns the name of the source in configuration, reports and errors.
    fn name(&self) -> &str;

    /// Reads all references at one instant, in batches, in any order, ended by `End`.
    fn scan(&self, request: ScanRequest) -> BoxStream<'_, Result<ScanItem>>;

    /// Reads the identity, the clock and the role of the database; `None` where there is nothing to tell.
    ///
    /// # Errors
    ///
    /// If it cannot be reached, or is not the primary.
    async fn status(&self) -> Result<Option<SourceStatus>> {
        Ok(None)
    }

    /// Samples the columns that could hold references and are not watched, so that a census can tell whether one of them
    /// names objects; nothing where there is nothing of the kind. A column that cannot be sampled is no error.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached.
    async fn sample_unwatched(&self, request: &UnwatchedRequest) -> Result<Unwatched> {
        let _: &UnwatchedRequest = request;
        Ok(Unwatched::default())
    }

    /// Waits until every transaction that has written before this call is over, for at most `patience`.
    ///
    /// # Errors
    ///
    /// If the database cannot tell.
    async fn drain(&self, patience: Duration) -> Result<Drain> {
        // Nothing to wait for in a source without transactions.
        let _: Duration = patience;
        Ok(Drain::Done)
    }

    /// Takes the lock of this name for as long as the returned value lives; `None` where there are no locks.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`](crate::Error::Locked) if somebody else holds it.
    async fn lock(&self, name: &str) -> Result<Option<Box<dyn SourceLock>>> {
        let _: &str = name;
        Ok(None)
    }

    /// Returns the write fence, where there is one and it is turned on.
    fn fence(&self) -> Option<&dyn WriteFence> {
        None
    }
}

/// A lock in a database, held until it is dropped.
#[async_trait]
pub trait SourceLock: fmt::Debug + Send + Sync {
    /// Proves that the lock is still held.
    ///
    /// # Errors
    ///
    /// If it is not, or nobody can tell.
    async fn is_held(&mut self) -> Result<()>;
}

/// How to scan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanRequest {
    /// Remember row and value of each reference, where the source can: for `explain`.
    pub trace: bool,
    /// See every commit before this scan: for the look. The snapshot is taken when the scan begins, and is never one that
    /// is shared or kept. A snapshot for each statement would miss a reference that moves, in one transaction, from a
    /// table that is still to be read to one that was read already.
    pub newest: bool,
}

impl ScanRequest {
    /// The scan of a census: one snapshot.
    #[must_use]
    pub fn census() -> Self {
        Self::default()
    }

    /// The scan of a look: the newest commits.
    #[must_use]
    pub fn look() -> Self {
        Self { newest: true, ..Self::default() }
    }

    /// The scan of `explain`: with origins.
    #[must_use]
    pub fn trace() -> Self {
        Self { trace: true, ..Self::default() }
    }
}

/// A part of a scan.
#[derive(Clone, Debug)]
pub enum ScanItem {
    /// Some references of one column.
    Batch(ReferenceBatch),
    /// The scan is complete.
    End(ScanEnd),
}

/// The end of a complete scan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScanEnd {
    /// Every column with its counts, one without rows too.
    pub columns: Vec<(ColumnId, crate::ColumnCounts)>,
    /// The database's clock when the snapshot was taken.
    pub snapshot_at: Option<Timestamp>,
}

impl ScanEnd {
    /// Ends a scan of these columns.
    #[must_use]
    pub fn new(columns: impl IntoIterator<Item = (ColumnId, crate::ColumnCounts)>) -> Self {
        Self { columns: columns.into_iter().collect(), snapshot_at: None }
    }
}

/// What a source tells of itself.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceStatus {
    /// What does not change unless somebody puts another database in its place.
    pub identity: SourceIdentity,
    /// The database's clock.
    pub now: Option<Timestamp>,
    /// A position in the database's log that only grows.
    pub position: Option<u64>,
}

impl SourceStatus {
    /// Describes a source by its identity.
    #[must_use]
    pub fn new(identity: SourceIdentity) -> Self {
        Self { identity, now: None, position: None }
    }
}

/// What identifies a database and the columns that are watched in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceIdentity {
    /// The database system: a Postgres system identifier, a MySQL server UUID, the device and inode of an SQLite file.
    pub system: String,
    /// The database in it.
    pub database: String,
    /// The timeline, which a promotion or a restore changes.
    pub timeline: Option<String>,
    /// The watched columns, a line each: its name, a tab, and its type or a digest of what it is. A line that is gone or
    /// says something else is a change that a person has to see; a new line is none.
    pub schema: String,
}

/// What came of waiting for the open transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drain {
    /// All of them are over.
    Done,
    /// Some are not.
    Blocked {
        /// Who, as a person can find them: process id, user, state, since when.
        by: String,
    },
}
