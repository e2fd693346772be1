#![doc = include_str!("../README.md")]

mod batch;
mod error;
pub mod extract;
mod fence;
mod source;
mod unwatched;

pub use batch::{BatchBuilder, ColumnCounts, ColumnId, Origin, Reading, ReferenceBatch, ValueRef};
pub use error::{BoxError, Error, Result};
pub use fence::{Condemned, FenceStatus, Fenced, Marked, Order, Settled, WriteFence};
pub use source::{Drain, ReferenceSource, ScanEnd, ScanItem, ScanRequest, SourceIdentity, SourceLock, SourceStatus};
pub use unwatched::{NotSampled, Unwatched, UnwatchedColumn, UnwatchedRequest};
