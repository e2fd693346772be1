//! What was achieved so far.

use s3gc_store::Timestamp;
use serde::{Deserialize, Serialize};

use crate::SourceCensus;
use crate::catalog::Totals;

/// The totals of a collector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metrics {
    /// Runs of any kind.
    pub total_runs: u64,
    /// Runs that failed.
    pub failed_runs: u64,
    /// Objects that were deleted.
    pub total_deleted: u64,
    /// Their bytes.
    pub deleted_bytes: u64,
    /// Objects that were restored.
    pub total_restored: u64,
    /// Objects that hide under delete markers and still cost money.
    pub hidden_objects: u64,
    /// Their bytes.
    pub hidden_bytes: u64,
    /// Packs in the vault.
    pub vault_packs: u64,
    /// Bytes in the vault.
    pub vault_size_bytes: u64,
    /// Bytes of the objects in the vault.
    pub vault_original_bytes: u64,
    /// When the oldest pack was written.
    pub vault_oldest_pack: Option<Timestamp>,
    /// When the newest was.
    pub vault_newest_pack: Option<Timestamp>,
    /// Bytes of the objects per byte of the vault; 0 for an empty vault.
    pub avg_compression_ratio: f64,
    /// Deletions whose outcome is not known.
    pub unsettled: u64,
    /// What the deleted objects cost a month, in dollars, less those that were restored or only hide.
    pub saved_per_month: f64,
    /// What the last good census counted in each column of each source.
    pub sources: Vec<SourceCensus>,
}

impl Metrics {
    /// Computes metrics from totals, and from what the last good census counted.
    #[must_use]
    pub fn new(totals: &Totals, sources: Vec<SourceCensus>, price_per_gb_month: f64) -> Self {
        Self {
            total_runs: totals.runs,
            failed_runs: totals.failed_runs,
            total_deleted: totals.deleted_objects,
            deleted_bytes: totals.deleted_bytes,
            total_restored: totals.restored_objects,
            hidden_objects: totals.hidden_objects,
            hidden_bytes: totals.hidden_bytes,
            vault_packs: totals.packs,
            vault_size_bytes: totals.vault_bytes,
            vault_original_bytes: totals.original_bytes,
            vault_oldest_pack: totals.oldest_pack,
            vault_newest_pack: totals.newest_pack,
            avg_compression_ratio: ratio(totals.original_bytes, totals.vault_bytes),
            unsettled: totals.unsettled,
            saved_per_month: monthly_cost(
                totals.deleted_bytes.saturating_sub(totals.restored_bytes + totals.hidden_bytes),
                price_per_gb_month,
            ),
            sources,
        }
    }
}

/// What bytes cost a month, in dollars, at a price per gigabyte of 10^9 bytes.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "money needs no more than 52 bits")]
pub fn monthly_cost(bytes: u64, price_per_gb_month: f64) -> f64 {
    bytes as f64 / 1e9 * price_per_gb_month
}

#[expect(clippy::cast_precision_loss, reason = "a ratio needs no more than 52 bits")]
pub(crate) fn ratio(original: u64, stored: u64) -> f64 {
    if stored == 0 { 0.0 } else { original as f64 / stored as f64 }
}
