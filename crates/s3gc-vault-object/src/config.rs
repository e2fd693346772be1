//! Where the vault is, and how to talk to it.

use std::fmt;

use secrecy::SecretString;

/// Files larger than this are uploaded in parts of at least this size: 8 MiB.
const PART_BYTES: u64 = 8 << 20;

/// Which bucket, where, and how to talk to it.
///
/// # Examples
///
/// ```
/// use s3gc_vault_object::{ObjectConfig, Provider, StaticCredentials};
///
/// let mut config = ObjectConfig::new(Provider::S3, "backups", "s3gc");
/// config.endpoint = Some("http://127.0.0.1:9000".to_owned());
/// config.credentials = Some(StaticCredentials::new("key", "secret", None));
/// assert!(!format!("{config:?}").contains("secret"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectConfig {
    /// Whose store it is.
    pub provider: Provider,
    /// The bucket, or the container.
    pub bucket: String,
    /// What stands before the name of each file, without the slash behind it: parts as in a
    /// [`FileName`](s3gc_vault::FileName), or nothing.
    pub prefix: String,
    /// The region of an S3 bucket; that of the AWS profile or environment otherwise, `us-east-1` where an endpoint is
    /// given.
    pub region: Option<String>,
    /// The address of another server than the provider's own.
    pub endpoint: Option<String>,
    /// Whether an S3 bucket is named in the path instead of the host; on by default where an endpoint is given.
    pub path_style: Option<bool>,
    /// The storage class, or access tier, of the packs.
    pub storage_class: Option<String>,
    /// How S3 encrypts what it stores, if not as the bucket says.
    pub encryption: Option<Encryption>,
    /// The credentials for S3; those of the AWS chain otherwise. The other providers take theirs from the environment.
    pub credentials: Option<StaticCredentials>,
    /// Whether S3 is given a SHA-256 to keep beside the bytes, and not only in the signature; on by default at AWS, since
    /// older servers refuse it.
    pub checksums: Option<bool>,
    /// Larger files are uploaded in parts of at least this many bytes. Amazon S3 takes none under 5 MiB.
    pub part_bytes: u64,
}

/// Whose store it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3, or a compatible server.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

/// How S3 encrypts what it stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// With a key of S3.
    Aes256,
    /// With a key of KMS: this one, or the one that AWS manages for S3.
    Kms(Option<String>),
}

/// Credentials that a program gives; their secrets are never printed.
#[derive(Clone)]
pub struct StaticCredentials {
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only S3 has such keys"))]
    pub(crate) access_key_id: String,
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only S3 has such keys"))]
    pub(crate) secret_access_key: SecretString,
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only S3 has such keys"))]
    pub(crate) session_token: Option<SecretString>,
}

impl StaticCredentials {
    /// Takes an access key, and the token of a session where it is a temporary one.
    #[must_use]
    pub fn new(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<SecretString>,
        session_token: Option<SecretString>,
    ) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key: secret_access_key.into(), session_token }
    }
}

impl fmt::Debug for StaticCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticCredentials").finish_non_exhaustive()
    }
}

impl ObjectConfig {
    /// Describes a vault in a bucket of the provider, with everything else as the environment says.
    #[must_use]
    pub fn new(provider: Provider, bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            provider,
            bucket: bucket.into(),
            prefix: prefix.into(),
            region: None,
            endpoint: None,
            path_style: None,
            storage_class: None,
            encryption: None,
            credentials: None,
            checksums: None,
            part_bytes: PART_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i12_secrets_are_not_printed() {
        let mut config = ObjectConfig::new(Provider::S3, "b", "p");
        config.credentials = Some(StaticCredentials::new("AKID", "very-secret", Some("token-secret".into())));
        let shown = format!("{config:?}");
        assert!(!shown.contains("very-secret") && !shown.contains("token-secret"), "{shown}");
    }
}
