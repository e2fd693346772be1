//! Writing objects.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use hyper::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, PutObjectInput, PutObjectOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, StreamingBlob,
};
use s3s::{S3Error, S3Request, S3Response, S3Result, TrailingHeaders, s3_error};

use super::expires::ANY_EXPIRES;
use super::{Context, Service, bucket_of, condition, etag, no_such_key, precondition_failed, timestamp};
use crate::Body;
use crate::log::Op;
use crate::model::{BucketModel, Meta, Object, Tag};

/// The content headers that are kept.
const CONTENT_HEADERS: [&str; 7] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
    "x-amz-website-redirect-location",
];

pub(super) async fn put_object(
    service: &Service,
    mut req: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let body = collect(req.input.body.take(), req.input.content_length).await?;
    verify(&req.headers, req.trailing_headers.as_ref(), &body)?;
    let mut meta = meta_of(&req.headers, req.input.tagging.as_deref())?;
    meta.legal_hold = req.input.object_lock_legal_hold_status.as_ref().is_some_and(|status| status.as_str() == "ON");
    meta.customer_key = req.input.sse_customer_algorithm.is_some();
    meta.grants = super::acl::grants(&req.headers)?;
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::PutObject, &name, vec![input.key.clone()], |context| {
            let conditions = (condition(input.if_match.as_ref()), condition(input.if_none_match.as_ref()));
            let body = Body::from(body);
            let tag = Tag::Md5(body.md5());
            let told = tag.text();
            let version = store(context, &name, &input.key, Object::new(body, tag, meta), &conditions, None)?;
            Ok(S3Response::new(PutObjectOutput { e_tag: Some(etag(told)), version_id: version, ..Default::default() }))
        })
        .await
}

pub(super) async fn put_object_tagging(
    service: &Service,
    req: S3Request<PutObjectTaggingInput>,
) -> S3Result<S3Response<PutObjectTaggingOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::PutObjectTagging, &name, vec![input.key.clone()], |context| {
            context.with_bucket(&name, |bucket| {
                let version = bucket.version_mut(&input.key, input.version_id.as_deref()).ok_or_else(no_such_key)?;
                let object = version.object.as_mut().ok_or_else(no_such_key)?;
                let mut meta = object.meta();
                meta.tags = input
                    .tagging
                    .tag_set
                    .iter()
                    .filter_map(|tag| Some((tag.key.clone()?, tag.value.clone()?)))
                    .collect();
                object.set_meta(meta);
                Ok(())
            })?;
            Ok(S3Response::new(PutObjectTaggingOutput::default()))
        })
        .await
}

pub(super) async fn copy_object(
    service: &Service,
    req: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let replace = req.input.metadata_directive.as_ref().is_some_and(|directive| directive.as_str() == "REPLACE");
    let replaced = replace.then(|| meta_of(&req.headers, req.input.tagging.as_deref())).transpose()?;
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::CopyObject, &name, vec![input.key.clone()], |context| {
            let CopySource::Bucket { bucket: from, key, version_id } = &input.copy_source else {
                return Err(s3_error!(NotImplemented));
            };
            let mut object = context.with_bucket(from, |bucket| {
                let version = match version_id.as_deref() {
                    Some(id) => bucket.version(key, id).and_then(|version| version.object.clone()),
                    None => bucket.current(key).map(|(_, object)| object.clone()),
                };
                version.ok_or_else(no_such_key)
            })?;
            // A copy has no list but its own ("CopyObject", Amazon S3 API Reference).
            let mut meta = replaced.unwrap_or_else(|| object.meta());
            meta.grants.clear();
            object.set_meta(meta);
            // A copy is one part, whatever its source was.
            object.etag = Tag::Md5(object.body.md5());
            let told = object.etag.text();
            let now = context.shared.now();
            let version_id = store(context, &name, &input.key, object, &(None, None), Some(now))?;
            let result =
                CopyObjectResult { e_tag: Some(etag(told)), last_modified: Some(timestamp(now)), ..Default::default() };
            Ok(S3Response::new(CopyObjectOutput { copy_object_result: Some(result), version_id, ..Default::default() }))
        })
        .await
}

/// Stores an object if `(If-Match, If-None-Match)` allow it, and returns the version to tell.
pub(super) fn store(
    context: &Context<'_>,
    bucket: &str,
    key: &str,
    object: Object,
    (if_match, if_none_match): &(Option<String>, Option<String>),
    at: Option<jiff::Timestamp>,
) -> S3Result<Option<String>> {
    let quirks = context.shared.with_faults(|faults| faults.quirks.clone());
    if quirks.refuse_conditions_on_put && (if_match.is_some() || if_none_match.is_some()) {
        return Err(s3_error!(NotImplemented, "A header you provided implies functionality that is not implemented"));
    }
    let now = context.shared.now();
    context.shared.with_model(|model| {
        let bucket = bucket_of(model, bucket)?;
        super::acl::check(bucket, &object.meta())?;
        let live = bucket.current(key).map(|(_, object)| object.etag.text());
        if if_none_match.is_some() && live.is_some() && !quirks.ignore_if_none_match_on_put {
            return Err(precondition_failed());
        }
        if let Some(wanted) = if_match.as_ref().filter(|_| !quirks.ignore_if_match_on_put) {
            let live = live.ok_or_else(no_such_key)?;
            if wanted != "*" && *wanted != live {
                return Err(precondition_failed());
            }
        }
        check_hold(bucket, key, now)?;
        Ok(bucket.put(key, object, at.unwrap_or(now)))
    })
}

/// Protects a held object where no version of it would stay.
fn check_hold(bucket: &BucketModel, key: &str, now: jiff::Timestamp) -> S3Result<()> {
    let destroys = bucket.versioning != crate::VersioningState::Enabled;
    let held = bucket.current(key).is_some_and(|(_, object)| object.meta().forbids_delete(now));
    if destroys && held { Err(s3_error!(AccessDenied, "the object is locked")) } else { Ok(()) }
}

/// Reads a body to its announced end.
pub(super) async fn collect(body: Option<StreamingBlob>, announced: Option<i64>) -> S3Result<Bytes> {
    let mut all = BytesMut::new();
    if let Some(mut body) = body {
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|error| S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, error))?;
            all.extend_from_slice(&piece);
        }
    }
    match announced.and_then(|length| usize::try_from(length).ok()) {
        Some(length) if length != all.len() => Err(s3_error!(IncompleteBody)),
        _ => Ok(all.freeze()),
    }
}

/// Compares a body with the checksums of its headers and trailers.
pub(super) fn verify(headers: &HeaderMap, trailers: Option<&TrailingHeaders>, body: &Bytes) -> S3Result<()> {
    let trailers = trailers.and_then(TrailingHeaders::take).unwrap_or_default();
    let header = |name: &str| headers.get(name).or_else(|| trailers.get(name)).and_then(|value| value.to_str().ok());
    if let Some(wanted) = header("content-md5") {
        let sum = Body::from(body.clone()).md5();
        if base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sum) != wanted {
            return Err(s3_error!(BadDigest, "Content-MD5 does not match"));
        }
    }
    if let Some(wanted) = header("x-amz-checksum-crc32") {
        let mut hasher = ChecksumHasher { crc32: Some(s3s::crypto::Crc32::default()), ..ChecksumHasher::default() };
        hasher.update(body);
        if hasher.finalize().checksum_crc32.as_deref() != Some(wanted) {
            return Err(s3_error!(BadDigest, "x-amz-checksum-crc32 does not match"));
        }
    }
    if let Some(wanted) = header("x-amz-checksum-sha256") {
        let mut hasher = ChecksumHasher { sha256: Some(s3s::crypto::Sha256::default()), ..ChecksumHasher::default() };
        hasher.update(body);
        if hasher.finalize().checksum_sha256.as_deref() != Some(wanted) {
            return Err(s3_error!(BadDigest, "x-amz-checksum-sha256 does not match"));
        }
    }
    Ok(())
}

/// Takes what is stored beside the bytes from the headers of a request, as they are.
pub(super) fn meta_of(headers: &HeaderMap, tagging: Option<&str>) -> S3Result<Meta> {
    let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut meta = Meta::default();
    for name in CONTENT_HEADERS {
        if let Some(value) = headers.get(name).map(text) {
            meta.headers.insert(name.to_owned(), value);
        }
    }
    if let Some(expires) = headers.get(&ANY_EXPIRES).map(text) {
        meta.headers.insert("expires".to_owned(), expires);
    }
    // aws-chunked names the framing of the request, not the content.
    if let Some(encoding) = meta.headers.remove("content-encoding") {
        let kept: Vec<&str> =
            encoding.split(',').map(str::trim).filter(|e| !e.is_empty() && *e != "aws-chunked").collect();
        if !kept.is_empty() {
            meta.headers.insert("content-encoding".to_owned(), kept.join(","));
        }
    }
    for (name, value) in headers {
        if let Some(name) = name.as_str().strip_prefix("x-amz-meta-") {
            meta.user.insert(name.to_owned(), text(value));
        }
    }
    meta.storage_class = headers.get("x-amz-storage-class").map(text).filter(|class| class != "STANDARD");
    let encryption = |part: &str| headers.get(format!("x-amz-server-side-encryption{part}")).map(text);
    meta.encryption = encryption("").map(|kind| match encryption("-aws-kms-key-id") {
        Some(key) => format!("{kind} {key}"),
        None => kind,
    });
    meta.tags = tags_of(tagging.unwrap_or_default())?;
    if let Some(until) = headers.get("x-amz-object-lock-retain-until-date").map(text) {
        meta.retain_until = Some(until.parse().map_err(|_| s3_error!(InvalidArgument, "retain until date"))?);
    }
    Ok(meta)
}

fn tags_of(tagging: &str) -> S3Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for (key, value) in url::form_urlencoded::parse(tagging.as_bytes()) {
        if tags.insert(key.into_owned(), value.into_owned()).is_some() {
            return Err(s3_error!(InvalidTag, "a tag is given twice"));
        }
    }
    Ok(tags)
}
