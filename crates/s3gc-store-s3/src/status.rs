//! What a bucket tells of itself.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectLockEnabled};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use s3gc_store::{Error, Result, StoreStatus, Versioning};

use crate::error::{Failure, error};
use crate::store::Inner;

/// A wrong address or a server that is down should be told soon.
const ATTEMPTS: u32 = 2;

impl Inner {
    pub(crate) async fn read_status(&self) -> Result<StoreStatus> {
        let date = Arc::new(Mutex::new(None));
        let versioning = self.read_versioning(&date).await?;
        let mut status = StoreStatus::new(versioning);
        status.now = *date.lock().unwrap_or_else(PoisonError::into_inner);
        status.object_lock = self.read_object_lock().await?;
        self.may_lock.store(status.object_lock, Ordering::Relaxed);
        let has_acls = self.read_ownership().await?;
        *self.has_acls.lock().unwrap_or_else(PoisonError::into_inner) = Some(has_acls);
        Ok(status)
    }

    async fn read_versioning(&self, date: &Arc<Mutex<Option<Timestamp>>>) -> Result<Versioning> {
        let call = self.bucket_call("GetBucketVersioning");
        let answer = self
            .client
            .get_bucket_versioning()
            .bucket(&self.bucket)
            .customize()
            .interceptor(ReadDate(Arc::clone(date)))
            .config_override(few_attempts())
            .send()
            .await;
        match answer {
            Ok(output) => match output.status() {
                None => Ok(Versioning::Off),
                Some(BucketVersioningStatus::Enabled) => Ok(Versioning::Enabled),
                Some(BucketVersioningStatus::Suspended) => Ok(Versioning::Suspended),
                Some(other) => Err(call.protocol(format!("the versioning status {other:?} is not known"))),
            },
            Err(failure) => match (error(call, &failure), misnamed(failure.raw_response())) {
                (_, Some(versioning)) => Ok(versioning),
                // A server without the operation has no versions; the bucket's existence is then proved by listing it.
                (Error::Unsupported { .. }, None) => self.read_existence(date).await.map(|()| Versioning::Off),
                (other, None) => Err(other),
            },
        }
    }

    async fn read_existence(&self, date: &Arc<Mutex<Option<Timestamp>>>) -> Result<()> {
        let call = self.bucket_call("ListObjectsV2");
        let list = self.client.list_objects_v2().bucket(&self.bucket).max_keys(1).customize();
        let list = list.interceptor(ReadDate(Arc::clone(date))).config_override(few_attempts());
        list.send().await.map(drop).map_err(|failure| error(call, &failure))
    }

    async fn read_object_lock(&self) -> Result<bool> {
        let call = self.bucket_call("GetObjectLockConfiguration");
        let request = self.client.get_object_lock_configuration().bucket(&self.bucket).customize();
        match request.config_override(few_attempts()).send().await {
            Ok(output) => {
                let configuration = output.object_lock_configuration();
                let enabled = configuration.and_then(|configuration| configuration.object_lock_enabled());
                Ok(enabled == Some(&ObjectLockEnabled::Enabled))
            }
            Err(failure) => {
                let failure = Failure::of(&failure);
                if failure.has_no_lock() {
                    return Ok(false);
                }
                match failure.into_error(call) {
                    // Who may not ask is answered as if there were locks: each object is then asked for its own.
                    Error::AccessDenied { .. } => {
                        tracing::warn!(bucket = self.bucket, "may not read the object lock configuration");
                        Ok(true)
                    }
                    other => Err(other),
                }
            }
        }
    }
}

/// Reads a good answer whose outermost element is not named `VersioningConfiguration`, as moto's is not: the AWS client
/// takes no other name.
fn misnamed(response: Option<&HttpResponse>) -> Option<Versioning> {
    let response = response.filter(|response| response.status().as_u16() == 200)?;
    let xml = std::str::from_utf8(response.body().bytes()?).ok()?;
    let status = |state: &str| xml.contains(&format!("<Status>{state}</Status>"));
    match (status("Enabled"), status("Suspended")) {
        (true, false) => Some(Versioning::Enabled),
        (false, true) => Some(Versioning::Suspended),
        (false, false) if xml.contains("<GetBucketVersioningResponse") => Some(Versioning::Off),
        _ => None,
    }
}

pub(crate) fn few_attempts() -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
}

/// Reads the `Date` header of an answer, whatever the answer is.
#[derive(Debug)]
struct ReadDate(Arc<Mutex<Option<Timestamp>>>);

impl Intercept for ReadDate {
    fn name(&self) -> &'static str {
        "ReadDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(http_date);
        if let Some(date) = date {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(date);
        }
        Ok(())
    }
}

/// Reads an HTTP date (RFC 9110, section 5.6.7), whose `GMT` RFC 2822 knows as an obsolete zone.
fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_read() {
        let date = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(date, "1994-11-06T08:49:37Z".parse().unwrap());
        assert_eq!(http_date("yesterday"), None);
    }
}
