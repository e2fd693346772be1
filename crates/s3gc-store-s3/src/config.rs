//! The configuration of one bucket.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which bucket, where, and how to talk to it.
///
/// Credentials come from the standard AWS chain (environment, profile, SSO, container, instance), unless static ones
/// are given by [`S3Config::with_credentials`]; they are never part of a configuration file.
///
/// # Examples
///
/// ```
/// use s3gc_store_s3::S3Config;
///
/// let config = S3Config::new("photos").with_endpoint("http://127.0.0.1:9000").with_credentials("key", "secret", None);
/// assert!(config.uses_path_style());
/// assert!(!format!("{config:?}").contains("secret"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct S3Config {
    /// The name of the bucket.
    pub bucket: String,
    /// The bucket's region; that of the AWS profile or environment otherwise, `us-east-1` where an endpoint is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The address of an S3-compatible server, such as `https://minio.local:9000`; AWS otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Whether the bucket is named in the path instead of the host; on by default where an endpoint is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_style: Option<bool>,
    /// The checksum of DeleteObjects requests.
    #[serde(default)]
    pub delete_checksum: DeleteChecksum,
    /// How long a connection may take to be made, in seconds.
    #[serde(default = "defaults::connect_timeout_seconds")]
    pub connect_timeout_seconds: u64,
    /// How long one attempt of a request may take until its answer begins, in seconds.
    #[serde(default = "defaults::attempt_timeout_seconds")]
    pub attempt_timeout_seconds: u64,
    /// How often a request that only reads, or an upload of bytes in memory, is tried; deletions are never repeated.
    #[serde(default = "defaults::max_attempts")]
    pub max_attempts: u32,
    /// How many requests may be in flight at a time.
    #[serde(default = "defaults::max_in_flight")]
    pub max_in_flight: usize,
    /// Objects larger than this many bytes are uploaded in parts.
    #[serde(default = "defaults::multipart_above_bytes")]
    pub multipart_above_bytes: u64,
    /// Credentials given by the program.
    #[serde(skip)]
    pub credentials: Option<StaticCredentials>,
}

/// The checksum of DeleteObjects requests, which S3 demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeleteChecksum {
    /// CRC32, and `Content-MD5` for good once the server asks for it.
    #[default]
    Auto,
    /// `x-amz-checksum-crc32`, as AWS's own clients send.
    Crc32,
    /// `Content-MD5`, as older servers demand.
    Md5,
}

/// Credentials that a program gives; their secrets are never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct StaticCredentials {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) session_token: Option<String>,
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticCredentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

mod defaults {
    pub(super) fn connect_timeout_seconds() -> u64 {
        4
    }

    pub(super) fn attempt_timeout_seconds() -> u64 {
        60
    }

    pub(super) fn max_attempts() -> u32 {
        5
    }

    pub(super) fn max_in_flight() -> usize {
        64
    }

    pub(super) fn multipart_above_bytes() -> u64 {
        64 * 1024 * 1024
    }
}

impl S3Config {
    /// Describes a bucket of AWS in the region of the environment.
    #[must_use]
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            region: None,
            endpoint: None,
            path_style: None,
            delete_checksum: DeleteChecksum::Auto,
            connect_timeout_seconds: defaults::connect_timeout_seconds(),
            attempt_timeout_seconds: defaults::attempt_timeout_seconds(),
            max_attempts: defaults::max_attempts(),
            max_in_flight: defaults::max_in_flight(),
            multipart_above_bytes: defaults::multipart_above_bytes(),
            credentials: None,
        }
    }

    /// Sets the region.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the address of an S3-compatible server.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Uses these credentials instead of the AWS chain.
    #[must_use]
    pub fn with_credentials(
        mut self,
        access_key: impl Into<String>,
        secret_key: impl Into<String>,
        session_token: Option<String>,
    ) -> Self {
        self.credentials =
            Some(StaticCredentials { access_key: access_key.into(), secret_key: secret_key.into(), session_token });
        self
    }

    /// Sets the checksum of DeleteObjects requests.
    #[must_use]
    pub fn with_delete_checksum(mut self, checksum: DeleteChecksum) -> Self {
        self.delete_checksum = checksum;
        self
    }

    /// Sets how often a request that only reads is tried.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// Sets how many requests may be in flight at a time.
    #[must_use]
    pub fn with_max_in_flight(mut self, requests: usize) -> Self {
        self.max_in_flight = requests;
        self
    }

    /// Sets how long one attempt of a request may take, in whole seconds.
    #[must_use]
    pub fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout_seconds = timeout.as_secs();
        self
    }

    /// Sets the size in bytes above which objects are uploaded in parts.
    #[must_use]
    pub fn with_multipart_above(mut self, bytes: u64) -> Self {
        self.multipart_above_bytes = bytes;
        self
    }

    /// Tells whether the bucket is named in the path instead of the host.
    #[must_use]
    pub fn uses_path_style(&self) -> bool {
        self.path_style.unwrap_or(self.endpoint.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_setting_is_refused() {
        let right = r#"{"bucket": "b", "path_style": false, "delete_checksum": "md5"}"#;
        let config: S3Config = serde_json::from_str(right).unwrap();
        assert_eq!((config.max_attempts, config.uses_path_style()), (5, false));
        assert!(serde_json::from_str::<S3Config>(r#"{"bucket": "b", "end_point": "x"}"#).is_err());
    }

    #[test]
    fn i12_secrets_are_neither_printed_nor_written() {
        let config = S3Config::new("b").with_credentials("AKID", "very-secret", Some("token-secret".to_owned()));
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(shown.contains("AKID") && !shown.contains("secret\""), "{shown}");
        assert!(!shown.contains("very-secret") && !shown.contains("token-secret"), "{shown}");
    }
}
