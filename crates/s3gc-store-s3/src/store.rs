//! The store: connection, and the trait by its parts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Region, RequestChecksumCalculation, StalledStreamProtectionConfig};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use futures::stream::BoxStream;
use s3gc_store::{
    ByteStream, DeleteMeans, DeleteOutcome, DeleteRequest, Error, GetOptions, ListItem, ListRequest, Location,
    ObjectKey, ObjectMeta, ObjectStore, PutMode, Result, ServerCopy, SignGuard, StoreStatus, VersionEntry,
};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::{DeleteChecksum, S3Config};
use crate::error::{Call, Cause};

/// How long a body may stand still before it counts as broken.
const STALL_GRACE: Duration = Duration::from_secs(30);

/// The longest pause between two attempts.
const MAX_BACKOFF: Duration = Duration::from_secs(20);

/// A bucket of Amazon S3 or of a compatible server.
#[derive(Clone, Debug)]
pub struct S3Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    pub(crate) bucket: String,
    pub(crate) location: Location,
    pub(crate) region: String,
    pub(crate) multipart_above_bytes: u64,
    pub(crate) delete_checksum: DeleteChecksum,
    /// The server has asked for `Content-MD5`; it is sent from then on.
    pub(crate) md5_wanted: AtomicBool,
    /// An answer has counted an object's tags, so no count now means no tags.
    pub(crate) tags_counted: AtomicBool,
    /// The bucket has, or may have, Object Lock turned on.
    pub(crate) may_lock: AtomicBool,
    /// Whether objects of the bucket have access control lists, as the last status said; `None` before anybody asked.
    pub(crate) has_acls: Mutex<Option<bool>>,
    in_flight: Semaphore,
}

impl S3Store {
    /// Prepares the connection to a bucket; nothing is sent before the first request.
    ///
    /// # Errors
    ///
    /// If no region is configured or found, or the endpoint is not an address.
    pub async fn connect(config: S3Config) -> Result<Self> {
        let location = location(&config)?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest());
        if let Some(region) = region_hint(&config) {
            loader = loader.region(Region::new(region));
        }
        if let Some(given) = &config.credentials {
            loader = loader.credentials_provider(Credentials::new(
                &given.access_key,
                &given.secret_key,
                given.session_token.clone(),
                None,
                "configuration",
            ));
        }
        let shared = loader.load().await;
        let Some(region) = shared.region().map(ToString::to_string) else {
            return Err(Error::Other {
                operation: "connect",
                object: location.to_string(),
                source: Box::new(Cause(
                    "no region is known: set `region`, or AWS_REGION in the environment".to_owned(),
                )),
            });
        };
        let client = Client::from_conf(client_config(&config, &shared));
        let inner = Inner {
            client,
            bucket: config.bucket,
            location,
            region,
            multipart_above_bytes: config.multipart_above_bytes,
            delete_checksum: config.delete_checksum,
            md5_wanted: AtomicBool::new(config.delete_checksum == DeleteChecksum::Md5),
            tags_counted: AtomicBool::new(false),
            may_lock: AtomicBool::new(false),
            has_acls: Mutex::new(None),
            in_flight: Semaphore::new(config.max_in_flight.max(1)),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    /// Describes a request about one key.
    pub(crate) fn call<'a>(&'a self, operation: &'static str, key: &'a ObjectKey) -> Call<'a> {
        Call { operation, location: &self.location, region: &self.region, key: Some(key) }
    }

    /// Describes a request about the whole bucket.
    pub(crate) fn bucket_call(&self, operation: &'static str) -> Call<'_> {
        Call { operation, location: &self.location, region: &self.region, key: None }
    }

    /// Waits until one more request may be in flight.
    pub(crate) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.in_flight.acquire().await.ok()
    }

    pub(crate) fn may_lock(&self) -> bool {
        self.may_lock.load(Ordering::Relaxed)
    }

    pub(crate) fn sends_md5(&self) -> bool {
        self.md5_wanted.load(Ordering::Relaxed)
    }
}

fn location(config: &S3Config) -> Result<Location> {
    let Some(endpoint) = &config.endpoint else { return Ok(Location::aws(&config.bucket)) };
    let location = Location::s3_compatible(endpoint, &config.bucket);
    let http = url::Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if http {
        return Ok(location);
    }
    let reason = "`endpoint` is not an address such as https://host:port".to_owned();
    Err(Error::Other { operation: "connect", object: location.to_string(), source: Box::new(Cause(reason)) })
}

/// An S3-compatible server rarely cares for the region; us-east-1 is what they are shipped with.
fn region_hint(config: &S3Config) -> Option<String> {
    config.region.clone().or_else(|| config.endpoint.as_ref().map(|_| "us-east-1".to_owned()))
}

/// For requests that must reach the server once at most.
pub(crate) fn no_repetition() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled().with_max_attempts(1))
}

fn client_config(config: &S3Config, shared: &aws_config::SdkConfig) -> aws_sdk_s3::Config {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(config.connect_timeout_seconds.max(1)))
        .operation_attempt_timeout(Duration::from_secs(config.attempt_timeout_seconds.max(1)))
        .build();
    let retries = RetryConfig::standard().with_max_attempts(config.max_attempts.max(1)).with_max_backoff(MAX_BACKOFF);
    let stalled = StalledStreamProtectionConfig::enabled().grace_period(STALL_GRACE).build();
    let mut builder = aws_sdk_s3::config::Builder::from(shared)
        .retry_config(retries)
        .timeout_config(timeouts)
        .stalled_stream_protection(stalled)
        .force_path_style(config.uses_path_style());
    if let Some(endpoint) = &config.endpoint {
        // Many compatible servers do not know the checksum trailers that AWS's clients add on their own.
        builder = builder.endpoint_url(endpoint).request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    }
    builder.build()
}

#[async_trait]
impl ObjectStore for S3Store {
    fn location(&self) -> &Location {
        &self.inner.location
    }

    async fn status(&self) -> Result<StoreStatus> {
        self.inner.read_status().await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListItem>> {
        self.inner.list_pages(request)
    }

    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta> {
        self.inner.head_object(key).await
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<(ObjectMeta, ByteStream)> {
        self.inner.get_object(key, options).await
    }

    async fn tags(&self, key: &ObjectKey) -> Result<BTreeMap<String, String>> {
        self.inner.read_tags(key).await
    }

    async fn versions(&self, key: &ObjectKey) -> Result<Vec<VersionEntry>> {
        self.inner.read_versions(key).await
    }

    async fn put(&self, key: &ObjectKey, body: ByteStream, meta: &ObjectMeta, mode: PutMode) -> Result<ObjectMeta> {
        self.inner.upload(key, body, meta, mode).await
    }

    async fn delete(
        &self,
        batch: &[DeleteRequest],
        means: DeleteMeans,
        guard: &dyn SignGuard,
    ) -> Result<Vec<DeleteOutcome>> {
        Ok(self.inner.delete_all(batch, means, guard).await)
    }

    fn server_copy(&self) -> Option<&dyn ServerCopy> {
        Some(self)
    }
}
