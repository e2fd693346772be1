//! Writing objects: one request for those of moderate size, parts for larger ones.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use aws_sdk_s3::primitives;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, StorageClass};
use aws_smithy_types::body::SdkBody;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::channel::mpsc;
use futures::sink::SinkExt;
use http_body::{Body, Frame, SizeHint};
use s3gc_store::{ByteStream, Crc64Nvme, ETag, Error, ObjectKey, ObjectMeta, Permission, PutMode, Result, VersionId};

use crate::error::{Call, error};
use crate::store::{Inner, no_repetition};

/// Bodies up to this length are held in memory, so that a failed attempt can be repeated.
const BUFFERED_BYTES: u64 = 8 * 1024 * 1024;

/// The length of a part; S3 wants at least 5 MiB ("Amazon S3 multipart upload limits").
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// The most parts of an upload (the same page).
pub(crate) const MAX_PARTS: u64 = 10_000;

impl Inner {
    pub(crate) async fn upload(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        meta: &ObjectMeta,
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        let (etag, version) = if meta.size_bytes > self.multipart_above_bytes {
            self.put_parts(key, body, meta, mode).await?
        } else {
            self.put_whole(key, body, meta, mode).await?
        };
        Ok(self.written(key, etag, version, meta).await)
    }

    /// Tells of an object that was just written: only its date is not in the answer to the put.
    pub(crate) async fn written(
        &self,
        key: &ObjectKey,
        etag: ETag,
        version: Option<VersionId>,
        meta: &ObjectMeta,
    ) -> ObjectMeta {
        match self.head_object(key).await {
            Ok(written) if written.etag == etag && written.size_bytes == meta.size_bytes => {
                ObjectMeta { tags: meta.tags.clone(), ..written }
            }
            other => {
                tracing::debug!(%key, ?other, "rewritten or unreadable right after it was put");
                ObjectMeta { etag, version, ..meta.clone() }
            }
        }
    }

    async fn put_whole(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        meta: &ObjectMeta,
        mode: PutMode,
    ) -> Result<(ETag, Option<VersionId>)> {
        let call = self.call("PutObject", key);
        let length = content_length(call, meta.size_bytes)?;
        let grants = self.grants(key, meta).await?;
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key.as_str())
            .content_length(length)
            .set_content_type(meta.headers.content_type.clone())
            .set_content_encoding(meta.headers.content_encoding.clone())
            .set_content_disposition(meta.headers.content_disposition.clone())
            .set_content_language(meta.headers.content_language.clone())
            .set_cache_control(meta.headers.cache_control.clone())
            .set_website_redirect_location(meta.headers.website_redirect.clone())
            .set_metadata(user_metadata(meta))
            .set_tagging(tagging(meta))
            .set_storage_class(meta.storage_class.as_deref().map(StorageClass::from))
            .set_grant_full_control(grants.to(Permission::FullControl))
            .set_grant_read(grants.to(Permission::Read))
            .set_grant_read_acp(grants.to(Permission::ReadAcp))
            .set_grant_write_acp(grants.to(Permission::WriteAcp))
            .set_if_none_match((mode == PutMode::Create).then(|| "*".to_owned()));
        // No permit is held while the body is read: a body may ask this store something before its last piece.
        let output = if meta.size_bytes <= BUFFERED_BYTES {
            let mut reader = Reader::new(key, body, meta.size_bytes);
            let bytes = reader.read(meta.size_bytes).await?;
            reader.finish().await?;
            let _permit = self.permit().await;
            let request = request.body(primitives::ByteStream::from(bytes));
            let request = with_expires(request.customize(), meta).config_override(repetition(mode));
            request.send().await.map_err(|failure| error(call, &failure))?
        } else {
            let (sender, receiver) = mpsc::channel(4);
            let failed = Arc::new(Mutex::new(None));
            let sent = SizedBody { receiver, left: meta.size_bytes };
            let request = request.body(primitives::ByteStream::new(SdkBody::from_body_1_x(sent)));
            let send = with_expires(request.customize(), meta).config_override(repetition(mode)).send();
            let pump = pump(Reader::new(key, body, meta.size_bytes), sender, Arc::clone(&failed));
            let (answer, ()) = futures::join!(send, pump);
            if let Some(failure) = failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(failure);
            }
            answer.map_err(|failure| error(call, &failure))?
        };
        let etag = ETag::new(output.e_tag().ok_or_else(|| call.protocol("the answer has no ETag"))?);
        Ok((etag, output.version_id().map(VersionId::new)))
    }

    async fn put_parts(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        meta: &ObjectMeta,
        mode: PutMode,
    ) -> Result<(ETag, Option<VersionId>)> {
        let upload = self.begin_parts(key, meta, false).await?;
        let result = match self.fill_parts(&upload, body, meta.size_bytes).await {
            Ok(parts) => self.complete(&upload, parts, None, mode).await,
            Err(error) => Err(error),
        };
        self.or_abort(&upload, result).await
    }

    /// Begins an object in parts. With `is_summed` the server computes its CRC-64/NVME.
    pub(crate) async fn begin_parts<'a>(
        &'a self,
        key: &'a ObjectKey,
        meta: &ObjectMeta,
        is_summed: bool,
    ) -> Result<Upload<'a>> {
        let call = self.call("CreateMultipartUpload", key);
        let grants = self.grants(key, meta).await?;
        let request = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(key.as_str())
            .set_content_type(meta.headers.content_type.clone())
            .set_content_encoding(meta.headers.content_encoding.clone())
            .set_content_disposition(meta.headers.content_disposition.clone())
            .set_content_language(meta.headers.content_language.clone())
            .set_cache_control(meta.headers.cache_control.clone())
            .set_website_redirect_location(meta.headers.website_redirect.clone())
            .set_metadata(user_metadata(meta))
            .set_tagging(tagging(meta))
            .set_storage_class(meta.storage_class.as_deref().map(StorageClass::from))
            .set_grant_full_control(grants.to(Permission::FullControl))
            .set_grant_read(grants.to(Permission::Read))
            .set_grant_read_acp(grants.to(Permission::ReadAcp))
            .set_grant_write_acp(grants.to(Permission::WriteAcp))
            .set_checksum_algorithm(is_summed.then_some(ChecksumAlgorithm::Crc64Nvme))
            .set_checksum_type(is_summed.then_some(ChecksumType::FullObject));
        let created = with_expires(request.customize(), meta).send().await.map_err(|failure| error(call, &failure))?;
        let id = created.upload_id().ok_or_else(|| call.protocol("the answer has no upload id"))?;
        Ok(Upload { bucket: &self.bucket, key, id: id.to_owned() })
    }

    async fn fill_parts(&self, upload: &Upload<'_>, body: ByteStream, size_bytes: u64) -> Result<Vec<CompletedPart>> {
        let part_bytes = PART_BYTES.max(size_bytes.div_ceil(MAX_PARTS));
        let mut reader = Reader::new(upload.key, body, size_bytes);
        let mut parts = Vec::new();
        let mut number = 0;
        while reader.left > 0 {
            let bytes = reader.read(part_bytes).await?;
            number += 1;
            let call = self.call("UploadPart", upload.key);
            let permit = self.permit().await;
            let part = self
                .client
                .upload_part()
                .bucket(upload.bucket)
                .key(upload.key.as_str())
                .upload_id(&upload.id)
                .part_number(number)
                .body(primitives::ByteStream::from(bytes))
                .send()
                .await
                .map_err(|failure| error(call, &failure))?;
            drop(permit);
            parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
        }
        reader.finish().await?;
        Ok(parts)
    }

    /// Makes an object of the parts; the server refuses that where it computes another checksum than the one given.
    pub(crate) async fn complete(
        &self,
        upload: &Upload<'_>,
        parts: Vec<CompletedPart>,
        crc: Option<Crc64Nvme>,
        mode: PutMode,
    ) -> Result<(ETag, Option<VersionId>)> {
        let Upload { bucket, key, id } = upload;
        // Many servers ignore the condition here, and the parts may have taken hours.
        if mode == PutMode::Create && *bucket == self.bucket {
            match self.head_object(key).await {
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
                Ok(_) => return Err(Error::Precondition { key: key.to_string() }),
            }
        }
        let call = self.call("CompleteMultipartUpload", key);
        let _permit = self.permit().await;
        let done = self
            .client
            .complete_multipart_upload()
            .bucket(*bucket)
            .key(key.as_str())
            .upload_id(id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .set_checksum_crc64_nvme(crc.map(|crc| crc.to_string()))
            .set_checksum_type(crc.map(|_| ChecksumType::FullObject))
            .set_if_none_match((mode == PutMode::Create).then(|| "*".to_owned()))
            .customize()
            .config_override(repetition(mode))
            .send()
            .await
            .map_err(|failure| error(call, &failure))?;
        let etag = ETag::new(done.e_tag().ok_or_else(|| call.protocol("the answer has no ETag"))?);
        Ok((etag, done.version_id().map(VersionId::new)))
    }

    /// Gives up an upload that failed, so that its parts cost nothing.
    pub(crate) async fn or_abort<T>(&self, upload: &Upload<'_>, result: Result<T>) -> Result<T> {
        let Upload { bucket, key, id } = upload;
        if result.is_err() {
            let abort = self.client.abort_multipart_upload().bucket(*bucket).key(key.as_str()).upload_id(id);
            if let Err(failure) = abort.send().await {
                let failure = error(self.call("AbortMultipartUpload", key), &failure);
                tracing::warn!(%key, upload = id, error = %failure, "an upload in parts is left behind");
            }
        }
        result
    }
}

/// An upload in parts that has begun.
pub(crate) struct Upload<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) key: &'a ObjectKey,
    pub(crate) id: String,
}

/// A creation is sent once: most servers ignore its condition, and a repetition would replace what was written since.
fn repetition(mode: PutMode) -> aws_sdk_s3::config::Builder {
    match mode {
        PutMode::Create => no_repetition(),
        PutMode::Replace => aws_sdk_s3::config::Builder::new(),
    }
}

/// `Expires` may be any string, which the AWS client's own type cannot say.
fn with_expires<T, E, B>(
    request: aws_sdk_s3::client::customize::CustomizableOperation<T, E, B>,
    meta: &ObjectMeta,
) -> aws_sdk_s3::client::customize::CustomizableOperation<T, E, B> {
    match meta.headers.expires.clone() {
        Some(expires) => request.mutate_request(move |request| {
            request.headers_mut().insert("expires", expires.clone());
        }),
        None => request,
    }
}

fn user_metadata(meta: &ObjectMeta) -> Option<std::collections::HashMap<String, String>> {
    let user = meta.user.iter().map(|(name, value)| (name.clone(), value.clone()));
    (!meta.user.is_empty()).then(|| user.collect())
}

/// Writes tags as the query string that the `x-amz-tagging` header wants.
fn tagging(meta: &ObjectMeta) -> Option<String> {
    let tags = meta.tags.as_ref().filter(|tags| !tags.is_empty())?;
    Some(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(tags).finish())
}

fn content_length(call: Call<'_>, size_bytes: u64) -> Result<i64> {
    i64::try_from(size_bytes).map_err(|_| call.protocol("the object is larger than any can be"))
}

/// Cuts a body into pieces of wanted lengths, and knows what is left of what was announced.
struct Reader {
    key: ObjectKey,
    body: ByteStream,
    rest: Bytes,
    announced: u64,
    left: u64,
}

impl Reader {
    fn new(key: &ObjectKey, body: ByteStream, announced: u64) -> Self {
        Self { key: key.clone(), body, rest: Bytes::new(), announced, left: announced }
    }

    /// Returns the next piece as it comes, or none after the last.
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        while self.rest.is_empty() {
            match self.body.next().await.transpose()? {
                Some(piece) => self.rest = piece,
                None if self.left == 0 => return Ok(None),
                None => return Err(self.length_error(self.announced - self.left)),
            }
        }
        let piece = std::mem::take(&mut self.rest);
        let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        if length > self.left {
            return Err(self.length_error(self.announced.saturating_add(length - self.left)));
        }
        self.left -= length;
        Ok(Some(piece))
    }

    /// Returns so many bytes, or as many as are left.
    async fn read(&mut self, wanted: u64) -> Result<Bytes> {
        let wanted = usize::try_from(wanted.min(self.left)).unwrap_or(usize::MAX);
        let mut bytes = BytesMut::with_capacity(wanted);
        while bytes.len() < wanted {
            let Some(mut piece) = self.piece().await? else { break };
            let missing = wanted - bytes.len();
            if piece.len() > missing {
                self.rest = piece.split_off(missing);
                self.left = self.left.saturating_add(u64::try_from(self.rest.len()).unwrap_or(u64::MAX));
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }

    /// Checks that nothing comes after the last announced byte.
    async fn finish(&mut self) -> Result<()> {
        match self.piece().await? {
            None => Ok(()),
            Some(_) => Err(self.length_error(self.announced)),
        }
    }

    fn length_error(&self, actual_bytes: u64) -> Error {
        Error::BodyLength { object: self.key.to_string(), expected_bytes: self.announced, actual_bytes }
    }
}

/// Hands a body to the request; the connection breaks off where the body fails.
async fn pump(mut reader: Reader, mut sender: mpsc::Sender<Option<Bytes>>, failed: Arc<Mutex<Option<Error>>>) {
    loop {
        match reader.piece().await {
            Ok(Some(piece)) => {
                // The last byte must not be sent before it is known that nothing follows it.
                if reader.left == 0
                    && let Err(error) = reader.finish().await
                {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    break;
                }
                if sender.send(Some(piece)).await.is_err() {
                    // The request is over; its own error says why.
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                break;
            }
        }
    }
    if sender.send(None).await.is_err() {
        tracing::debug!("the request ended before its body failed");
    }
}

/// A body of known length; `None` in the channel breaks it off.
struct SizedBody {
    receiver: mpsc::Receiver<Option<Bytes>>,
    left: u64,
}

impl Body for SizedBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, std::io::Error>>> {
        match self.receiver.poll_next_unpin(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Some(piece))) => {
                self.left = self.left.saturating_sub(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                Poll::Ready(Some(Ok(Frame::data(piece))))
            }
            Poll::Ready(None) if self.left == 0 => Poll::Ready(None),
            Poll::Ready(Some(None) | None) => Poll::Ready(Some(Err(std::io::Error::other("the body is not whole")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
