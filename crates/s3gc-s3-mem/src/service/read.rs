//! Reading objects.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use s3s::dto::{
    ChecksumMode, ChecksumType, ContentRange, ETagCondition, GetObjectInput, GetObjectLegalHoldInput,
    GetObjectLegalHoldOutput, GetObjectOutput, GetObjectRetentionInput, GetObjectRetentionOutput,
    GetObjectTaggingInput, GetObjectTaggingOutput, HeadObjectInput, HeadObjectOutput, ObjectLockLegalHold,
    ObjectLockLegalHoldStatus, ObjectLockMode, ObjectLockRetention, ObjectLockRetentionMode, Range, StorageClass,
    StreamingBlob, Tag,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

use super::{Service, condition, etag, no_such_key, precondition_failed, timestamp};
use crate::VersioningState;
use crate::body::Pieces;
use crate::log::Op;
use crate::model::{BucketModel, Meta, Object};

/// Classes whose objects cannot be read without a restore.
const ARCHIVES: [&str; 2] = [StorageClass::GLACIER, StorageClass::DEEP_ARCHIVE];

/// A version that was found for a request.
struct Found {
    object: Object,
    meta: Meta,
    last_modified: jiff::Timestamp,
    version: Option<String>,
}

pub(super) async fn get_object(
    service: &Service,
    req: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::GetObject, &name, vec![input.key.clone()], |context| {
            let found = context.with_bucket(&name, |bucket| find(bucket, &input.key, input.version_id.as_deref()))?;
            check(&found, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            if found.meta.customer_key && input.sse_customer_key.is_none() {
                return Err(needs_key());
            }
            if found.meta.storage_class.as_deref().is_some_and(|class| ARCHIVES.contains(&class)) {
                return Err(s3_error!(InvalidObjectState, "The operation is not valid for the object's storage class"));
            }
            let whole = found.object.body.len();
            let (range, content_range) = cut_range(input.range, whole)?;
            let length = range.end - range.start;
            let blob = StreamingBlob::new(Pieces::new(found.object.body.clone(), range, context.struck.cut_after()));
            let output = GetObjectOutput {
                body: Some(blob),
                content_length: i64::try_from(length).ok(),
                content_range,
                accept_ranges: Some("bytes".to_owned()),
                e_tag: Some(etag(found.object.etag.text())),
                last_modified: Some(timestamp(found.last_modified)),
                version_id: found.version,
                storage_class: found.meta.storage_class.clone().map(StorageClass::from),
                tag_count: i32::try_from(found.meta.tags.len()).ok().filter(|count| *count > 0),
                object_lock_legal_hold_status: legal_hold(&found.meta),
                object_lock_mode: lock_mode(&found.meta),
                object_lock_retain_until_date: found.meta.retain_until.map(timestamp),
                ..Default::default()
            };
            Ok(S3Response::with_headers(output, raw_headers(&found.meta)?))
        })
        .await
}

pub(super) async fn head_object(
    service: &Service,
    req: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::HeadObject, &name, vec![input.key.clone()], |context| {
            let found = context.with_bucket(&name, |bucket| find(bucket, &input.key, input.version_id.as_deref()))?;
            check(&found, input.if_match.as_ref(), input.if_none_match.as_ref())?;
            if found.meta.customer_key && input.sse_customer_key.is_none() {
                return Err(needs_key());
            }
            let (range, content_range) = cut_range(input.range, found.object.body.len())?;
            let is_asked = input.checksum_mode.as_ref().is_some_and(|mode| mode.as_str() == ChecksumMode::ENABLED);
            let is_told = is_asked && !context.shared.with_faults(|faults| faults.quirks.no_checksums);
            let output = HeadObjectOutput {
                checksum_crc64nvme: is_told.then(|| found.object.body.crc64nvme()),
                checksum_type: is_told.then(|| ChecksumType::from_static(ChecksumType::FULL_OBJECT)),
                content_length: i64::try_from(range.end - range.start).ok(),
                content_range,
                accept_ranges: Some("bytes".to_owned()),
                e_tag: Some(etag(found.object.etag.text())),
                last_modified: Some(timestamp(found.last_modified)),
                version_id: found.version,
                storage_class: found.meta.storage_class.clone().map(StorageClass::from),
                object_lock_legal_hold_status: legal_hold(&found.meta),
                object_lock_mode: lock_mode(&found.meta),
                object_lock_retain_until_date: found.meta.retain_until.map(timestamp),
                ..Default::default()
            };
            let mut headers = raw_headers(&found.meta)?;
            if !found.meta.tags.is_empty() {
                headers.insert("x-amz-tagging-count", HeaderValue::from(found.meta.tags.len()));
            }
            Ok(S3Response::with_headers(output, headers))
        })
        .await
}

pub(super) async fn get_object_tagging(
    service: &Service,
    req: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::GetObjectTagging, &name, vec![input.key.clone()], |context| {
            let found = context.with_bucket(&name, |bucket| find(bucket, &input.key, input.version_id.as_deref()))?;
            let tags = found.meta.tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) });
            let output = GetObjectTaggingOutput { tag_set: tags.collect(), version_id: found.version };
            Ok(S3Response::new(output))
        })
        .await
}

pub(super) async fn get_object_legal_hold(
    service: &Service,
    req: S3Request<GetObjectLegalHoldInput>,
) -> S3Result<S3Response<GetObjectLegalHoldOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::GetObjectLegalHold, &name, vec![input.key.clone()], |context| {
            let found = context.with_bucket(&name, |bucket| find(bucket, &input.key, input.version_id.as_deref()))?;
            let status = Some(legal_hold(&found.meta).ok_or_else(no_such_lock)?);
            Ok(S3Response::new(GetObjectLegalHoldOutput { legal_hold: Some(ObjectLockLegalHold { status }) }))
        })
        .await
}

pub(super) async fn get_object_retention(
    service: &Service,
    req: S3Request<GetObjectRetentionInput>,
) -> S3Result<S3Response<GetObjectRetentionOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::GetObjectRetention, &name, vec![input.key.clone()], |context| {
            let found = context.with_bucket(&name, |bucket| find(bucket, &input.key, input.version_id.as_deref()))?;
            let until = found.meta.retain_until.ok_or_else(no_such_lock)?;
            let mode = Some(ObjectLockRetentionMode::from_static(ObjectLockRetentionMode::COMPLIANCE));
            let retention = ObjectLockRetention { mode, retain_until_date: Some(timestamp(until)) };
            Ok(S3Response::new(GetObjectRetentionOutput { retention: Some(retention) }))
        })
        .await
}

fn no_such_lock() -> S3Error {
    s3_error!(NoSuchObjectLockConfiguration, "The specified object does not have a ObjectLock configuration")
}

fn find(bucket: &BucketModel, key: &str, version: Option<&str>) -> S3Result<Found> {
    let entry = match version {
        None => bucket.objects.get(key).and_then(|versions| versions.last()).ok_or_else(no_such_key)?,
        Some(id) if bucket.objects.contains_key(key) => {
            bucket.version(key, id).ok_or_else(|| s3_error!(NoSuchVersion))?
        }
        Some(_) => return Err(s3_error!(NoSuchVersion)),
    };
    let told = (bucket.versioning != VersioningState::Off).then(|| entry.public_id().to_owned());
    let Some(object) = &entry.object else {
        let mut error = if version.is_some() { s3_error!(MethodNotAllowed) } else { no_such_key() };
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
        error.set_headers(headers);
        return Err(error);
    };
    Ok(Found { object: object.clone(), meta: object.meta(), last_modified: entry.last_modified, version: told })
}

fn check(found: &Found, if_match: Option<&ETagCondition>, if_none_match: Option<&ETagCondition>) -> S3Result<()> {
    let tag = found.object.etag.text();
    if condition(if_match).is_some_and(|wanted| wanted != "*" && wanted != tag) {
        return Err(precondition_failed());
    }
    if condition(if_none_match).is_some_and(|unwanted| unwanted == "*" || unwanted == tag) {
        return Err(s3_error!(NotModified));
    }
    Ok(())
}

fn needs_key() -> S3Error {
    s3_error!(
        InvalidRequest,
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to \
         retrieve the object."
    )
}

fn cut_range(range: Option<Range>, whole: u64) -> S3Result<(std::ops::Range<u64>, Option<ContentRange>)> {
    let Some(range) = range else { return Ok((0..whole, None)) };
    let range = range.check(whole).map_err(|_| s3_error!(InvalidRange, "The requested range is not satisfiable"))?;
    let text = format!("bytes {}-{}/{whole}", range.start, range.end.saturating_sub(1));
    Ok((range, Some(text)))
}

fn legal_hold(meta: &Meta) -> Option<ObjectLockLegalHoldStatus> {
    meta.legal_hold.then(|| ObjectLockLegalHoldStatus::from_static(ObjectLockLegalHoldStatus::ON))
}

fn lock_mode(meta: &Meta) -> Option<ObjectLockMode> {
    meta.retain_until.map(|_| ObjectLockMode::from_static(ObjectLockMode::COMPLIANCE))
}

/// Gives content headers and user metadata back byte for byte, past the types of `s3s`, which parse and print dates
/// and RFC 2047 words.
fn raw_headers(meta: &Meta) -> S3Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let user = meta.user.iter().map(|(name, value)| (format!("x-amz-meta-{name}"), value));
    for (name, value) in meta.headers.iter().map(|(name, value)| (name.clone(), value)).chain(user) {
        let name = HeaderName::try_from(name).map_err(S3Error::internal_error)?;
        headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).map_err(S3Error::internal_error)?);
    }
    Ok(headers)
}
