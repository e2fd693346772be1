//! The operations, as `s3s` calls them after it checked the signature.

mod acl;
mod bucket;
mod delete;
mod expires;
mod list;
mod multipart;
mod read;
mod write;

use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::HeaderValue;
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::validation::NameValidation;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result, s3_error};

use crate::fault::{Effect, Struck};
use crate::log::Op;
use crate::model::{BucketModel, Model};
use crate::server::Shared;

/// Builds the service that checks signatures and serves all operations.
pub(crate) fn build(shared: Arc<Shared>) -> S3Service {
    let mut config = S3Config::default();
    // The server's clock may be set off on purpose, and Amazon's client then signs by it.
    config.presigned_url_max_skew_time_secs = u32::MAX;
    let config = Arc::new(StaticConfigProvider::new(Arc::new(config)));
    let mut inside = S3ServiceBuilder::new(Service { shared: Arc::clone(&shared) });
    inside.set_validation(AnyName);
    let (access_key, secret_key) = shared.keys.clone();
    let mut builder = S3ServiceBuilder::new(Service { shared });
    builder.set_auth(SimpleAuth::from_single(access_key, secret_key));
    builder.set_config(config);
    builder.set_validation(AnyName);
    builder.set_route(expires::AnyExpires::new(inside.build()));
    builder.build()
}

/// Lets a test name its bucket `b`.
struct AnyName;

impl NameValidation for AnyName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty()
    }
}

struct Service {
    shared: Arc<Shared>,
}

/// What an operation needs beside its input.
struct Context<'a> {
    shared: &'a Shared,
    struck: Struck,
}

impl Context<'_> {
    fn with_bucket<T>(&self, name: &str, work: impl FnOnce(&mut BucketModel) -> S3Result<T>) -> S3Result<T> {
        self.shared.with_model(|model| work(bucket_of(model, name)?))
    }
}

fn bucket_of<'a>(model: &'a mut Model, name: &str) -> S3Result<&'a mut BucketModel> {
    model.buckets.get_mut(name).ok_or_else(|| s3_error!(NoSuchBucket, "The specified bucket does not exist"))
}

impl Service {
    /// Runs an operation: record, deny, delay, fail, hooks around it.
    async fn run<T>(
        &self,
        op: Op,
        bucket: &str,
        keys: Vec<String>,
        work: impl FnOnce(&Context<'_>) -> S3Result<S3Response<T>> + Send,
    ) -> S3Result<S3Response<T>> {
        self.shared.record(op, bucket, &keys);
        let (struck, before, after) = self
            .shared
            .with_faults(|faults| (faults.strike(op, bucket, &keys), faults.hooks_before(op), faults.hooks_after(op)));
        if !struck.latency.is_zero() {
            tokio::time::sleep(struck.latency).await;
        }
        if struck.has(&Effect::DropBefore) {
            return Err(dropped());
        }
        if struck.has(&Effect::AccessDenied) {
            return Err(s3_error!(AccessDenied, "Access Denied"));
        }
        if struck.has(&Effect::SlowDown) {
            return Err(s3_error!(SlowDown, "Please reduce your request rate."));
        }
        if struck.has(&Effect::InternalError) {
            return Err(s3_error!(InternalError, "We encountered an internal error. Please try again."));
        }
        for key in &keys {
            before.iter().for_each(|hook| hook(key));
        }
        let context = Context { shared: &self.shared, struck };
        let result = work(&context);
        for key in &keys {
            after.iter().for_each(|hook| hook(key));
        }
        if context.struck.has(&Effect::DropAfter) {
            return Err(dropped());
        }
        if context.struck.has(&Effect::ErrorAfter) {
            return Err(s3_error!(InternalError, "We encountered an internal error. Please try again."));
        }
        result
    }
}

/// An answer that the HTTP layer turns into a closed connection.
fn dropped() -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::InternalError);
    error.set_headers(HeaderMap::from_iter([(crate::http::DROP.clone(), HeaderValue::from_static("1"))]));
    error
}

fn timestamp(at: jiff::Timestamp) -> dto::Timestamp {
    dto::Timestamp::from(std::time::SystemTime::from(at))
}

fn etag(text: String) -> dto::ETag {
    dto::ETag::Strong(text)
}

fn condition(condition: Option<&dto::ETagCondition>) -> Option<String> {
    condition.map(|condition| condition.as_etag().map_or_else(|| "*".to_owned(), |etag| etag.value().to_owned()))
}

fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

fn precondition_failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}

macro_rules! operations {
    ($($method:ident($input:ident) -> $output:ident = $function:path;)*) => {
        #[async_trait::async_trait]
        impl S3 for Service {
            $(async fn $method(&self, req: S3Request<dto::$input>) -> S3Result<S3Response<dto::$output>> {
                $function(self, req).await
            })*
        }
    };
}

operations! {
    list_buckets(ListBucketsInput) -> ListBucketsOutput = bucket::list_buckets;
    create_bucket(CreateBucketInput) -> CreateBucketOutput = bucket::create_bucket;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = bucket::head_bucket;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = bucket::get_bucket_location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput = bucket::get_bucket_versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput = bucket::put_bucket_versioning;
    get_object_lock_configuration(GetObjectLockConfigurationInput) -> GetObjectLockConfigurationOutput
        = bucket::get_object_lock_configuration;
    get_bucket_ownership_controls(GetBucketOwnershipControlsInput) -> GetBucketOwnershipControlsOutput
        = acl::get_bucket_ownership_controls;
    get_object_acl(GetObjectAclInput) -> GetObjectAclOutput = acl::get_object_acl;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = list::list_objects_v2;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = list::list_object_versions;
    get_object(GetObjectInput) -> GetObjectOutput = read::get_object;
    head_object(HeadObjectInput) -> HeadObjectOutput = read::head_object;
    get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput = read::get_object_tagging;
    get_object_legal_hold(GetObjectLegalHoldInput) -> GetObjectLegalHoldOutput = read::get_object_legal_hold;
    get_object_retention(GetObjectRetentionInput) -> GetObjectRetentionOutput = read::get_object_retention;
    put_object(PutObjectInput) -> PutObjectOutput = write::put_object;
    put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput = write::put_object_tagging;
    copy_object(CopyObjectInput) -> CopyObjectOutput = write::copy_object;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = delete::delete_object;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = delete::delete_objects;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput = multipart::create;
    upload_part(UploadPartInput) -> UploadPartOutput = multipart::upload_part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = multipart::upload_part_copy;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput = multipart::complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput = multipart::abort;
}
