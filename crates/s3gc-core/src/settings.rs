//! What the engine is told about one bucket.

use std::path::PathBuf;
use std::time::Duration;

use s3gc_store::{ObjectKey, PROBE_PREFIX};
use serde::{Deserialize, Serialize};

use crate::catalog::Mode;
use crate::{Ramp, VariantRules};

/// The settings of one collector. Everything that is not said has a safe default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Settings {
    /// The name of the bucket in configuration and reports.
    pub name: String,
    /// What a run does unless it is told otherwise.
    pub mode: Mode,
    /// The claimed prefixes; empty for the whole bucket.
    pub prefixes: Vec<KeyPrefix>,
    /// What is never deleted.
    pub exclude: Vec<KeyPrefix>,
    /// Which objects are derived from others, and live as long as those are referenced.
    pub variants: VariantRules,
    /// How long an object stays unreferenced before it is due.
    pub retention: Duration,
    /// From when retention counts.
    pub retention_from: RetentionFrom,
    /// The brake on the share or the number of objects of one plan.
    pub max_delete: MaxDelete,
    /// The brake on the bytes of one plan.
    pub max_delete_bytes: Option<u64>,
    /// Whether `execute` may run with a retention of under a day.
    pub allow_short_retention: bool,
    /// Whether to delete on a store that neither compares entity tags nor keeps versions.
    pub unconditional_delete: bool,
    /// The brake on values that are URLs of hosts that are not configured, in percent of all values.
    pub max_foreign_urls: f64,
    /// Columns that are not watched and may name objects: `table.column`, `table.*`, or `*` for all.
    pub ignore_columns: Vec<String>,
    /// While this file exists the application migrates, and nothing is deleted.
    pub migration_file: Option<PathBuf>,
    /// How fast scheduled runs are trusted; `None` to let them delete at once.
    pub ramp: Option<Ramp>,
    /// Whether a run in `execute` mode brings back what was deleted and is referenced.
    pub auto_restore: bool,
    /// How long after its look a deletion may be signed.
    pub recheck_window: Duration,
    /// How long a signed request can still land.
    pub settle_after: Duration,
    /// How long to wait for open transactions before a look.
    pub drain_patience: Duration,
    /// How long the vault keeps what was deleted.
    pub keep: Duration,
    /// How far back the database can be restored; the vault may not keep for less.
    pub backup_window: Option<Duration>,
    /// About how large a pack grows, in bytes as stored.
    pub pack_size_bytes: u64,
    /// Which objects the store copies into the vault by itself; `None` to pack all of them here.
    pub copies: Option<Copies>,
    /// How many objects are staged before the references are looked at again.
    pub wave_objects: usize,
    /// How many bytes are staged before the references are looked at again.
    pub wave_bytes: u64,
    /// How many requests for objects are in flight.
    pub fetch_concurrency: usize,
    /// How many delete batches are in flight.
    pub delete_concurrency: usize,
    /// How much memory the key set may take, in bytes, before it goes to disk.
    pub memory_bytes: u64,
    /// Where spools and packs in the making are kept; the system's temporary directory by default.
    pub work_dir: Option<PathBuf>,
    /// Where plans are kept: beside the catalog.
    pub plan_dir: PathBuf,
    /// What a gigabyte costs a month, in dollars.
    pub price_per_gb_month: f64,
}

/// Which objects the store copies into the vault by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// Those of at least so many bytes; smaller ones are packed.
    pub min_bytes: u64,
    /// Pack an object that the store cannot copy, or not with a checksum of all its bytes, instead of keeping it.
    pub or_pack: bool,
}

/// From when retention counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetentionFrom {
    /// From the later of Last-Modified and the first census that saw the object unreferenced.
    #[default]
    Unreferenced,
    /// From the object's age alone: for a first clean-up that a person has reviewed.
    LastModified,
}

/// The brake on the size of one plan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxDelete {
    /// A share of the claimed objects, in percent.
    Percent(f64),
    /// A number of objects.
    Count(u64),
}

/// A string that cannot be a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a limit: write a share such as 20% or a number of objects such as 5000")]
pub struct InvalidMaxDelete(String);

impl std::str::FromStr for MaxDelete {
    type Err = InvalidMaxDelete;

    fn from_str(text: &str) -> Result<Self, InvalidMaxDelete> {
        let invalid = || InvalidMaxDelete(text.to_owned());
        match text.trim().strip_suffix('%') {
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(value) if (0.0..=100.0).contains(&value) => Ok(Self::Percent(value)),
                _ => Err(invalid()),
            },
            None => text.trim().replace('_', "").parse().map(Self::Count).map_err(|_| invalid()),
        }
    }
}

/// A prefix that ends at a delimiter: `images/` protects `images/a` and not `images2/a`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyPrefix(String);

/// A string that cannot be a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "prefix {0:?} does not end at a delimiter: write {0:?} with a / at its end, so that it does not also mean {0}2"
)]
pub struct InvalidPrefix(String);

impl KeyPrefix {
    /// Takes a prefix that ends in `/`.
    ///
    /// # Errors
    ///
    /// [`InvalidPrefix`] if it does not, or is empty.
    pub fn new(prefix: impl Into<String>) -> Result<Self, InvalidPrefix> {
        let prefix = prefix.into();
        if prefix.ends_with('/') { Ok(Self(prefix)) } else { Err(InvalidPrefix(prefix)) }
    }

    /// Returns the prefix.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a key is under the prefix.
    #[must_use]
    pub fn covers(&self, key: &ObjectKey) -> bool {
        key.as_str().starts_with(&self.0)
    }
}

impl TryFrom<String> for KeyPrefix {
    type Error = InvalidPrefix;

    fn try_from(prefix: String) -> Result<Self, InvalidPrefix> {
        Self::new(prefix)
    }
}

impl From<KeyPrefix> for String {
    fn from(prefix: KeyPrefix) -> Self {
        prefix.0
    }
}

impl Settings {
    /// An object with this tag, whatever its value, is never deleted.
    pub const KEEP_TAG: &str = "s3gc:keep";
    /// The shortest retention without `allow_short_retention`.
    pub const RETENTION_FLOOR: Duration = Duration::from_secs(24 * 60 * 60);

    /// Makes the default settings of a bucket.
    #[must_use]
    pub fn new(name: impl Into<String>, plan_dir: impl Into<PathBuf>) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            name: name.into(),
            mode: Mode::default(),
            prefixes: Vec::new(),
            exclude: Vec::new(),
            variants: VariantRules::default(),
            retention: 7 * DAY,
            retention_from: RetentionFrom::Unreferenced,
            max_delete: MaxDelete::Percent(20.0),
            max_delete_bytes: None,
            allow_short_retention: false,
            unconditional_delete: false,
            max_foreign_urls: 1.0,
            ignore_columns: Vec::new(),
            migration_file: None,
            ramp: Some(Ramp::default()),
            auto_restore: false,
            recheck_window: Duration::from_secs(5 * 60),
            settle_after: Duration::from_secs(16 * 60),
            drain_patience: Duration::from_secs(10 * 60),
            keep: 90 * DAY,
            backup_window: None,
            pack_size_bytes: 64 << 20,
            copies: None,
            wave_objects: 20_000,
            wave_bytes: 4 << 30,
            fetch_concurrency: 64,
            delete_concurrency: 8,
            memory_bytes: 128 << 20,
            work_dir: None,
            plan_dir: plan_dir.into(),
            price_per_gb_month: 0.023,
        }
    }

    /// Tells whether s3gc keeps this key for itself.
    #[must_use]
    pub fn is_reserved(key: &ObjectKey) -> bool {
        key.as_str().starts_with(PROBE_PREFIX) || key.as_str().starts_with(".s3gc/")
    }

    /// Tells whether the key is under a claimed prefix.
    #[must_use]
    pub fn is_claimed(&self, key: &ObjectKey) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| prefix.covers(key))
    }

    /// Tells whether the key is excluded.
    #[must_use]
    pub fn is_excluded(&self, key: &ObjectKey) -> bool {
        self.exclude.iter().any(|prefix| prefix.covers(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l05_a_prefix_ends_at_a_delimiter() {
        assert!(KeyPrefix::new("images").is_err());
        assert!(KeyPrefix::new("").is_err());
        let prefix = KeyPrefix::new("images/").unwrap();
        assert!(prefix.covers(&ObjectKey::new("images/a").unwrap()));
        assert!(!prefix.covers(&ObjectKey::new("images2/a").unwrap()));
    }

    #[test]
    fn l19_a_limit_that_makes_no_sense_is_refused() {
        for bad in ["", "20 percent", "-1", "101%", "nan%", "1e400%", "ten"] {
            assert!(bad.parse::<MaxDelete>().is_err(), "{bad}");
        }
        assert_eq!("20%".parse(), Ok(MaxDelete::Percent(20.0)));
        assert_eq!("5_000".parse(), Ok(MaxDelete::Count(5000)));
    }
}
