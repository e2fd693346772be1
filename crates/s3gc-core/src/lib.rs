#![doc = include_str!("../README.md")]

mod apply;
pub mod audit;
mod brakes;
pub mod catalog;
mod census;
mod check;
mod clock;
pub mod config;
mod cycle;
mod error;
mod explain;
mod fence;
mod gc;
mod host;
mod ids;
mod judge;
mod keyset;
mod lease;
mod look;
mod metrics;
mod missing;
mod plan;
mod preflight;
mod progress;
mod recover;
mod report;
mod restore;
mod sealed;
mod sentinel;
mod settings;
mod stage;
mod sweep;
mod variants;

pub use brakes::{Baseline, Brake};
pub use catalog::{Catalog, Mode, RunState};
pub use census::{ColumnCensus, SourceCensus};
pub use check::{CheckItem, CheckState};
pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use error::{Error, Result};
pub use explain::{Explanation, Sighting, Verdict};
pub use gc::{Gc, GcBuilder, RunOptions};
pub use ids::{Digest, InvalidRunId, RunId};
pub use judge::{JudgeCounts, Kept, PrefixCounts, Tally};
pub use metrics::{Metrics, monthly_cost};
pub use missing::{MissingColumn, MissingReference, MissingReport};
pub use plan::{PlanEntry, PlanFile, PlanHeader, PlanReader};
pub use progress::{Event, Phase, Progress};
pub use report::{PlanSummary, RecoverReport, RunReport, Skip, Skipped, SweepReport};
pub use restore::{IfExists, RestoreOptions, RestoreOutcome, RestoreReport, RestoreWhat, RestoredObject};
pub use sentinel::{HoldingColumn, UnwatchedCensus};
pub use settings::{InvalidMaxDelete, InvalidPrefix, KeyPrefix, MaxDelete, RetentionFrom, Settings};

pub use variants::VariantRules;

pub use s3gc_compress as compress;
pub use s3gc_source as source;
pub use s3gc_store as store;
pub use s3gc_vault as vault;

pub use s3gc_compress::Compressor;
pub use s3gc_source::ReferenceSource;
pub use s3gc_store::{Location, ObjectKey, ObjectStore, Timestamp};
pub use s3gc_vault::VaultBackend;
