//! The configuration.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Which directory is the store.
///
/// # Examples
///
/// ```
/// use s3gc_store_fs::FsConfig;
///
/// let config = FsConfig::new("/srv/app/uploads");
/// assert_eq!(config.path.to_str(), Some("/srv/app/uploads"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct FsConfig {
    /// The directory; the key of a file in it is its path from here.
    pub path: PathBuf,
}

impl FsConfig {
    /// Takes a directory as the store.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }
}
