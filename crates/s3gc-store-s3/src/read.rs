//! Reading objects, their tags and their versions.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives;
use aws_sdk_s3::types::{EncodingType, ObjectLockLegalHoldStatus};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use s3gc_store::{
    ByteStream, ETag, Error, GetOptions, Hold, ObjectKey, ObjectMeta, Readable, Result, VersionEntry, VersionId,
};

use crate::convert::{meta_of_get, meta_of_head, timestamp};
use crate::error::{Call, Cause, Failure, error};
use crate::list::url_decode;
use crate::store::Inner;

impl Inner {
    pub(crate) async fn head_object(&self, key: &ObjectKey) -> Result<ObjectMeta> {
        let call = self.call("HeadObject", key);
        let permit = self.permit().await;
        let answer = self.client.head_object().bucket(&self.bucket).key(key.as_str()).send().await;
        drop(permit);
        match answer {
            Ok(output) => {
                let mut meta = meta_of_head(call, &output)?;
                meta.tags = self.tags_of_count(output.tag_count());
                Ok(meta)
            }
            Err(failure) => {
                let failure = Failure::of(&failure);
                // The answer to HEAD has no body, so a 400 does not say why; the answer to GET does.
                if failure.status == Some(400) && failure.code.is_empty() {
                    drop(self.get_object(key, GetOptions::default().with_range(0..1)).await?);
                }
                Err(failure.into_error(call))
            }
        }
    }

    pub(crate) async fn get_object(&self, key: &ObjectKey, options: GetOptions) -> Result<(ObjectMeta, ByteStream)> {
        let call = self.call("GetObject", key);
        let range = match &options.range {
            Some(range) if range.is_empty() => return Err(call.protocol("the range is empty")),
            Some(range) => Some(format!("bytes={}-{}", range.start, range.end - 1)),
            None => None,
        };
        let permit = self.permit().await;
        let answer = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .set_if_match(options.if_match.as_ref().map(ETag::quoted))
            .set_version_id(options.version.as_ref().map(|version| version.as_str().to_owned()))
            .set_range(range)
            .send()
            .await;
        drop(permit);
        let output = answer.map_err(|failure| {
            let failure = Failure::of(&failure);
            // A GET of a delete marker by its version (Amazon S3 API Reference, GetObject).
            if failure.code == "MethodNotAllowed" && options.version.is_some() {
                return Error::NotFound { key: key.to_string() };
            }
            failure.into_error(call)
        })?;
        let (length, whole) = lengths(call, &output, options.range.is_some())?;
        let mut meta = meta_of_get(call, &output, whole)?;
        meta.tags = self.tags_of_count(output.tag_count());
        // Not every server compares.
        if options.if_match.as_ref().is_some_and(|wanted| *wanted != meta.etag) {
            return Err(Error::Precondition { key: key.to_string() });
        }
        let version = options.version.as_ref().filter(|version| version.as_str() != "null");
        if version.is_some_and(|version| meta.version.as_ref() != Some(version)) {
            return Err(call.protocol("the answer is another version"));
        }
        if meta.readable == Readable::Archived {
            tracing::debug!(%key, "an object of an archive class was read");
        }
        meta.readable = Readable::Yes;
        // A piece of an object is no copy of it.
        if options.range.is_none() && meta.hold.is_none() && self.may_lock() {
            meta.hold = self.read_hold(key).await?;
        }
        if options.range.is_none() && self.has_acls().await? {
            meta.acl = self.read_acl(key).await?;
        }
        Ok((meta, whole_body(key, output.body, length)))
    }

    pub(crate) async fn read_tags(&self, key: &ObjectKey) -> Result<BTreeMap<String, String>> {
        let call = self.call("GetObjectTagging", key);
        let permit = self.permit().await;
        let answer = self.client.get_object_tagging().bucket(&self.bucket).key(key.as_str()).send().await;
        drop(permit);
        match answer {
            Ok(output) => {
                Ok(output.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
            }
            Err(failure) => match error(call, &failure) {
                // A server without the operation has no tags.
                Error::Unsupported { .. } => Ok(BTreeMap::new()),
                other => Err(other),
            },
        }
    }

    /// Asks for the legal hold and the retention of an object.
    ///
    /// S3 leaves them out of its other answers to who may not ask (Amazon S3 API Reference, GetObject:
    /// `x-amz-object-lock-legal-hold`), so nothing said there is no word that there is none.
    pub(crate) async fn read_hold(&self, key: &ObjectKey) -> Result<Hold> {
        let _permit = self.permit().await;
        let call = self.call("GetObjectLegalHold", key);
        let legal = match self.client.get_object_legal_hold().bucket(&self.bucket).key(key.as_str()).send().await {
            Ok(output) => {
                let status = output.legal_hold().and_then(|hold| hold.status());
                status == Some(&ObjectLockLegalHoldStatus::On)
            }
            Err(failure) => Failure::of(&failure).into_no_lock(call).map(|()| false)?,
        };
        let call = self.call("GetObjectRetention", key);
        let until = match self.client.get_object_retention().bucket(&self.bucket).key(key.as_str()).send().await {
            Ok(output) => output.retention().and_then(|retention| retention.retain_until_date()).and_then(timestamp),
            Err(failure) => Failure::of(&failure).into_no_lock(call).map(|()| None)?,
        };
        Ok(Hold { legal, until })
    }

    pub(crate) async fn read_versions(&self, key: &ObjectKey) -> Result<Vec<VersionEntry>> {
        let call = self.call("ListObjectVersions", key);
        let mut found = Vec::new();
        let (mut key_marker, mut version_marker) = (None, None);
        loop {
            let permit = self.permit().await;
            let output = self
                .client
                .list_object_versions()
                .bucket(&self.bucket)
                .prefix(key.as_str())
                .encoding_type(EncodingType::Url)
                .set_key_marker(key_marker)
                .set_version_id_marker(version_marker)
                .send()
                .await
                .map_err(|failure| error(call, &failure))?;
            drop(permit);
            let encoded = output.encoding_type() == Some(&EncodingType::Url);
            let decode = |name: &str| if encoded { url_decode(name) } else { name.as_bytes().to_vec() };
            let is_key = |name: Option<&str>| name.is_some_and(|name| decode(name) == key.as_str().as_bytes());
            for version in output.versions().iter().filter(|version| is_key(version.key())) {
                let at = version.last_modified().and_then(timestamp);
                let etag = version.e_tag().map(ETag::new);
                let size = version.size().and_then(|size| u64::try_from(size).ok());
                let (Some(at), Some(etag), Some(size)) = (at, etag, size) else {
                    return Err(call.protocol("a version without a date, an entity tag or a size"));
                };
                let id = version.version_id().map(VersionId::new);
                found.push(VersionEntry::new(id, Some(etag), size, at, version.is_latest() == Some(true)));
            }
            for marker in output.delete_markers().iter().filter(|marker| is_key(marker.key())) {
                let at = marker.last_modified().and_then(timestamp);
                let at = at.ok_or_else(|| call.protocol("a delete marker without a date"))?;
                let id = marker.version_id().map(VersionId::new);
                found.push(VersionEntry::new(id, None, 0, at, marker.is_latest() == Some(true)));
            }
            let next = output.next_key_marker().map(decode);
            // Other keys that begin with this one come after all its versions.
            let is_past = next.as_ref().is_some_and(|next| next.as_slice() > key.as_str().as_bytes());
            if output.is_truncated() != Some(true) || is_past {
                break;
            }
            let next = next.and_then(|next| String::from_utf8(next).ok());
            key_marker = Some(next.ok_or_else(|| call.protocol("the answer does not say where the next page is"))?);
            version_marker = output.next_version_id_marker().map(ToOwned::to_owned);
        }
        // Versions and markers come in separate lists; the sort is stable within each.
        found.sort_by_key(|entry| (!entry.is_latest, std::cmp::Reverse(entry.last_modified)));
        Ok(found)
    }

    /// Tells the tags where an answer's count of them proves that there are none.
    ///
    /// S3 counts only where there are some and the caller may read them, and some servers never do: no count proves
    /// something only after there was one.
    fn tags_of_count(&self, count: Option<i32>) -> Option<BTreeMap<String, String>> {
        match count {
            Some(0) => Some(BTreeMap::new()),
            Some(_) => {
                self.tags_counted.store(true, Ordering::Relaxed);
                None
            }
            None => self.tags_counted.load(Ordering::Relaxed).then(BTreeMap::new),
        }
    }
}

/// Returns the lengths of the body and of the whole object.
fn lengths(call: Call<'_>, output: &GetObjectOutput, ranged: bool) -> Result<(u64, u64)> {
    let length = output.content_length().and_then(|length| u64::try_from(length).ok());
    let length = length.ok_or_else(|| call.protocol("the answer has no Content-Length"))?;
    if !ranged {
        return Ok((length, length));
    }
    let range = output.content_range().ok_or_else(|| call.protocol("the server ignored the range"))?;
    let whole = range.rsplit_once('/').and_then(|(_, whole)| whole.parse().ok());
    Ok((length, whole.ok_or_else(|| call.protocol("the answer's Content-Range is not one"))?))
}

/// Passes a body on, and fails where it has another length than was announced.
fn whole_body(key: &ObjectKey, body: primitives::ByteStream, announced: u64) -> ByteStream {
    let length_error = move |key: &ObjectKey, actual_bytes| Error::BodyLength {
        object: key.to_string(),
        expected_bytes: announced,
        actual_bytes,
    };
    let start = Some((body, 0_u64, key.clone()));
    let step = move |state: Option<(primitives::ByteStream, u64, ObjectKey)>| async move {
        let (mut body, read, key) = state?;
        match body.next().await {
            None if read == announced => None,
            None => Some((Err(length_error(&key, read)), None)),
            Some(Ok(piece)) => {
                let read = read.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                if read > announced {
                    return Some((Err(length_error(&key, read)), None));
                }
                Some((Ok::<Bytes, Error>(piece), Some((body, read, key))))
            }
            Some(Err(failure)) => {
                let source = Box::new(Cause(format!("{failure} after {read} of {announced} bytes")));
                Some((Err(Error::Unavailable { operation: "GetObject", object: key.to_string(), source }), None))
            }
        }
    };
    stream::unfold(start, step).boxed()
}
