#![doc = include_str!("../README.md")]

pub mod audit;
pub mod catalog;
mod clock;
mod ids;
mod settings;

pub use clock::{Clock, SystemClock};
pub use ids::{Digest, InvalidRunId, RunId};
pub use settings::{InvalidMaxDelete, InvalidPrefix, KeyPrefix, MaxDelete, RetentionFrom, Settings};

pub use s3gc_compress as compress;
pub use s3gc_source as source;
pub use s3gc_store as store;
pub use s3gc_vault as vault;

pub use s3gc_compress::Compressor;
pub use s3gc_source::ReferenceSource;
pub use s3gc_store::{Location, ObjectKey, ObjectStore, Timestamp};
pub use s3gc_vault::VaultBackend;
