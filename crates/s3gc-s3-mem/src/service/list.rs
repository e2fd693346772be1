//! Listings of objects and of versions.

use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, EncodingType, ListObjectVersionsInput, ListObjectVersionsOutput,
    ListObjectsV2Input, ListObjectsV2Output, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
};
use s3s::{S3Request, S3Response, S3Result, dto, s3_error};

use super::{Service, etag, timestamp};
use crate::fault::Effect;
use crate::log::Op;
use crate::model::{BucketModel, Object, Version};

/// The most entries of a page.
const MAX_KEYS: i32 = 1000;

/// What a listing leaves as it is; a space becomes `+`, as Amazon's server has it.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b' ');

/// Encodes a key as `encoding-type=url` does.
fn url_encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string().replace(' ', "+")
}

pub(super) async fn list_objects_v2(
    service: &Service,
    req: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = req.input;
    let keys = vec![input.prefix.clone().unwrap_or_default()];
    let name = input.bucket.clone();
    service
        .run(Op::ListObjectsV2, &name, keys, |context| {
            let quirks = context.shared.with_faults(|faults| faults.quirks.clone());
            let encoded = input.encoding_type.is_some() && !quirks.no_url_encoding;
            let encode = |text: &str| if encoded { url_encode(text) } else { text.to_owned() };
            let after = match &input.continuation_token {
                Some(token) => Some(read_token(token)?),
                None => input.start_after.clone(),
            };
            let limit = page_size(input.max_keys)?;
            let prefix = input.prefix.clone().unwrap_or_default();
            let page = context.with_bucket(&name, |bucket| {
                Ok(ObjectsPage::read(bucket, &prefix, after.as_deref(), input.delimiter.as_deref(), limit, &encode))
            })?;
            let mut contents = page.contents;
            if context.struck.has(&Effect::Unordered) {
                contents.reverse();
            }
            let mut next = page.next.as_deref().map(write_token);
            if context.struck.has(&Effect::RepeatPage) && next.is_some() {
                next = Some(input.continuation_token.clone().unwrap_or_else(|| write_token("")));
            }
            let is_truncated = next.is_some();
            if context.struck.has(&Effect::LostToken) {
                next = None;
            }
            Ok(S3Response::new(ListObjectsV2Output {
                name: Some(name.clone()),
                prefix: Some(encode(&prefix)),
                delimiter: input.delimiter.as_deref().map(encode),
                start_after: input.start_after.as_deref().map(encode),
                max_keys: Some(input.max_keys.unwrap_or(MAX_KEYS)),
                key_count: i32::try_from(contents.len() + page.prefixes.len()).ok(),
                continuation_token: input.continuation_token.clone(),
                next_continuation_token: next,
                is_truncated: Some(is_truncated),
                encoding_type: encoded.then(|| EncodingType::from_static(EncodingType::URL)),
                contents: Some(contents),
                common_prefixes: Some(page.prefixes),
                request_charged: None,
            }))
        })
        .await
}

struct ObjectsPage {
    contents: Vec<dto::Object>,
    prefixes: Vec<CommonPrefix>,
    /// The next page begins after this string.
    next: Option<String>,
}

impl ObjectsPage {
    fn read(
        bucket: &BucketModel,
        prefix: &str,
        after: Option<&str>,
        delimiter: Option<&str>,
        limit: usize,
        encode: &dyn Fn(&str) -> String,
    ) -> Self {
        let mut page = Self { contents: Vec::new(), prefixes: Vec::new(), next: None };
        let mut last = after.unwrap_or_default().to_owned();
        let mut start = after.filter(|after| *after >= prefix).map_or(
            // The first key of a prefix may be the prefix itself.
            Bound::Included(prefix.to_owned()),
            |after| Bound::Excluded(after.to_owned()),
        );
        'ranges: loop {
            let range = (start.as_ref().map(String::as_str), Bound::Unbounded);
            for (key, versions) in bucket.objects.range::<str, _>(range) {
                let Some(rest) = key.strip_prefix(prefix) else { return page };
                let Some((version, object)) = current(versions) else { continue };
                let folded = delimiter.filter(|d| !d.is_empty()).and_then(|d| rest.find(d).map(|at| at + d.len()));
                let folded = folded.and_then(|end| rest.get(..end)).map(|rest| format!("{prefix}{rest}"));
                if folded.as_deref().is_some_and(|folded| last.starts_with(folded)) {
                    continue;
                }
                if page.contents.len() + page.prefixes.len() == limit {
                    page.next = (limit > 0).then_some(last);
                    return page;
                }
                let Some(folded) = folded else {
                    key.as_ref().clone_into(&mut last);
                    page.contents.push(describe(key, version, object, encode));
                    continue;
                };
                page.prefixes.push(CommonPrefix { prefix: Some(encode(&folded)) });
                // Nothing that begins with the common prefix is looked at again.
                last = format!("{folded}\u{10FFFF}");
                start = Bound::Excluded(last.clone());
                continue 'ranges;
            }
            return page;
        }
    }
}

fn current(versions: &[Version]) -> Option<(&Version, &Object)> {
    let version = versions.last()?;
    Some((version, version.object.as_ref()?))
}

fn describe(key: &str, version: &Version, object: &Object, encode: &dyn Fn(&str) -> String) -> dto::Object {
    let class = match object.storage_class() {
        Some(class) => ObjectStorageClass::from(class.to_owned()),
        None => ObjectStorageClass::from_static(ObjectStorageClass::STANDARD),
    };
    dto::Object {
        key: Some(encode(key)),
        size: i64::try_from(object.body.len()).ok(),
        e_tag: Some(etag(object.etag.text())),
        last_modified: Some(timestamp(version.last_modified)),
        storage_class: Some(class),
        ..Default::default()
    }
}

pub(super) async fn list_object_versions(
    service: &Service,
    req: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = req.input;
    let keys = vec![input.prefix.clone().unwrap_or_default()];
    let name = input.bucket.clone();
    service
        .run(Op::ListObjectVersions, &name, keys, |context| {
            let encoded = input.encoding_type.is_some();
            let encode = |text: &str| if encoded { url_encode(text) } else { text.to_owned() };
            let limit = page_size(input.max_keys)?;
            let mut output = context.with_bucket(&name, |bucket| Ok(versions_page(bucket, &input, limit, &encode)))?;
            output.name = Some(name.clone());
            output.prefix = input.prefix.as_deref().map(encode);
            output.max_keys = Some(input.max_keys.unwrap_or(MAX_KEYS));
            output.encoding_type = encoded.then(|| EncodingType::from_static(EncodingType::URL));
            Ok(S3Response::new(output))
        })
        .await
}

fn versions_page(
    bucket: &BucketModel,
    input: &ListObjectVersionsInput,
    limit: usize,
    encode: &dyn Fn(&str) -> String,
) -> ListObjectVersionsOutput {
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let key_marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
    let version_marker = input.version_id_marker.as_deref().filter(|marker| !marker.is_empty());
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    let mut last: Option<(&str, &str)> = None;
    let mut output = ListObjectVersionsOutput { is_truncated: Some(false), ..Default::default() };
    let from = key_marker.unwrap_or_default().max(prefix);
    'keys: for (key, stored) in bucket.objects.range::<str, _>((Bound::Included(from), Bound::Unbounded)) {
        if !key.starts_with(prefix) {
            break;
        }
        let mut skipping = false;
        if key_marker == Some(key.as_ref()) {
            if version_marker.is_none() {
                continue;
            }
            skipping = true;
        }
        for (age, version) in stored.iter().rev().enumerate() {
            if skipping {
                skipping = version_marker != Some(version.public_id());
                continue;
            }
            if versions.len() + markers.len() == limit {
                output.is_truncated = Some(true);
                output.next_key_marker = last.map(|(key, _)| encode(key));
                output.next_version_id_marker = last.map(|(_, id)| id.to_owned());
                break 'keys;
            }
            last = Some((key, version.public_id()));
            match &version.object {
                Some(object) => versions.push(describe_version(key, version, object, age == 0, encode)),
                None => markers.push(DeleteMarkerEntry {
                    key: Some(encode(key)),
                    version_id: Some(version.public_id().to_owned()),
                    is_latest: Some(age == 0),
                    last_modified: Some(timestamp(version.last_modified)),
                    owner: None,
                }),
            }
        }
    }
    output.versions = Some(versions);
    output.delete_markers = Some(markers);
    output
}

fn describe_version(
    key: &str,
    version: &Version,
    object: &Object,
    is_latest: bool,
    encode: &dyn Fn(&str) -> String,
) -> ObjectVersion {
    let class = object.storage_class().unwrap_or(ObjectVersionStorageClass::STANDARD).to_owned();
    ObjectVersion {
        key: Some(encode(key)),
        version_id: Some(version.public_id().to_owned()),
        is_latest: Some(is_latest),
        last_modified: Some(timestamp(version.last_modified)),
        e_tag: Some(etag(object.etag.text())),
        size: i64::try_from(object.body.len()).ok(),
        storage_class: Some(ObjectVersionStorageClass::from(class)),
        ..Default::default()
    }
}

fn page_size(wanted: Option<i32>) -> S3Result<usize> {
    usize::try_from(wanted.unwrap_or(MAX_KEYS).min(MAX_KEYS)).map_err(|_| s3_error!(InvalidArgument, "max-keys"))
}

fn write_token(last: &str) -> String {
    format!("t{}", URL_SAFE_NO_PAD.encode(last))
}

fn read_token(token: &str) -> S3Result<String> {
    let invalid = || s3_error!(InvalidArgument, "The continuation token provided is incorrect");
    let bytes = token.strip_prefix('t').and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or_else(invalid)?;
    String::from_utf8(bytes).map_err(|_| invalid())
}
