//! Copies from bucket to bucket: multipart uploads whose parts the server takes from another object.

use std::ops::Range;

use async_trait::async_trait;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedPart, ServerSideEncryption, StorageClass,
};
use futures::{StreamExt, TryStreamExt, stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3gc_store::{CopyPlace, Crc64Nvme, ETag, Error, ObjectKey, ObjectMeta, PutMode, Result, ServerCopy};

use crate::convert::meta_of_head;
use crate::error::{Call, error};
use crate::store::{Inner, S3Store};
use crate::upload::{MAX_PARTS, Upload};

/// The length of a part. S3 takes up to 5 GiB, but answers within the time for one request only to less.
const PART_BYTES: u64 = 128 << 20;

/// How many parts are copied at a time.
const CONCURRENCY: usize = 8;

/// What stands for itself in the header `x-amz-copy-source`, which is URL-encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The object that is copied.
struct From<'a> {
    bucket: &'a str,
    key: &'a ObjectKey,
    /// Only this state of it.
    etag: Option<&'a ETag>,
    size_bytes: u64,
}

#[async_trait]
impl ServerCopy for S3Store {
    async fn look(&self, key: &ObjectKey) -> Result<(ObjectMeta, Option<Crc64Nvme>)> {
        let inner = &*self.inner;
        let output = match inner.head_summed(&inner.bucket, key).await {
            Ok(output) => output,
            // Who may not ask for checksums is told otherwise why an object cannot be read.
            Err(failure) => return Err(inner.head_object(key).await.err().unwrap_or(failure)),
        };
        let mut meta = meta_of_head(inner.call("HeadObject", key), &output)?;
        meta.tags = Some(inner.read_tags(key).await?);
        if meta.hold.is_none() && inner.may_lock() {
            meta.hold = inner.read_hold(key).await?;
        }
        if inner.has_acls().await? {
            meta.acl = inner.read_acl(key).await?;
        }
        Ok((meta, crc_of(&output)))
    }

    async fn copy_out(&self, key: &ObjectKey, meta: &ObjectMeta, crc: Crc64Nvme, to: &CopyPlace) -> Result<()> {
        let inner = &*self.inner;
        let call = inner.call("CreateMultipartUpload", key);
        inner.check(call, to)?;
        let created = inner
            .client
            .create_multipart_upload()
            .bucket(to.bucket.short_name())
            .key(to.key.as_str())
            .checksum_algorithm(ChecksumAlgorithm::Crc64Nvme)
            .checksum_type(ChecksumType::FullObject)
            .set_storage_class(to.storage_class.as_deref().map(StorageClass::from))
            .set_server_side_encryption(to.encryption.as_deref().map(ServerSideEncryption::from))
            .set_ssekms_key_id(to.kms_key.clone());
        let created = created.send().await.map_err(|failure| error(call, &failure))?;
        let id = created.upload_id().ok_or_else(|| call.protocol("the answer has no upload id"))?.to_owned();
        let upload = Upload { bucket: to.bucket.short_name(), key: &to.key, id };
        let from = From { bucket: &inner.bucket, key, etag: Some(&meta.etag), size_bytes: meta.size_bytes };
        let copied = match inner.copy_parts(&from, &upload).await {
            Ok(parts) => inner.complete(&upload, parts, Some(crc), PutMode::Create).await,
            Err(error) => Err(error),
        };
        inner.or_abort(&upload, copied).await?;
        // A server may have ignored the checksum that it was given: what it tells of the copy counts.
        let output = inner.head_summed(upload.bucket, &to.key).await?;
        let size_bytes = output.content_length().and_then(|length| u64::try_from(length).ok());
        if size_bytes != Some(meta.size_bytes) || crc_of(&output) != Some(crc) {
            let told = |crc: Option<Crc64Nvme>| crc.map_or_else(|| "none".to_owned(), |crc| crc.to_string());
            let reason = format!(
                "the copy {} has {} bytes and the CRC-64/NVME {}, the object {} bytes and {crc}",
                to.key,
                size_bytes.unwrap_or_default(),
                told(crc_of(&output)),
                meta.size_bytes
            );
            return Err(inner.call("HeadObject", key).protocol(reason));
        }
        Ok(())
    }

    async fn copy_in(
        &self,
        place: &CopyPlace,
        crc: Crc64Nvme,
        key: &ObjectKey,
        meta: &ObjectMeta,
        mode: PutMode,
    ) -> Result<ObjectMeta> {
        let inner = &*self.inner;
        inner.check(inner.call("UploadPartCopy", key), place)?;
        let from = From { bucket: place.bucket.short_name(), key: &place.key, etag: None, size_bytes: meta.size_bytes };
        let upload = inner.begin_parts(key, meta, true).await?;
        let copied = match inner.copy_parts(&from, &upload).await {
            Ok(parts) => inner.complete(&upload, parts, Some(crc), mode).await,
            Err(error) => Err(error),
        };
        let (etag, version) = inner.or_abort(&upload, copied).await?;
        Ok(inner.written(key, etag, version, meta).await)
    }
}

impl Inner {
    fn check(&self, call: Call<'_>, place: &CopyPlace) -> Result<()> {
        if place.is_on_server_of(&self.location) {
            return Ok(());
        }
        tracing::debug!(place = %place.bucket, bucket = %self.location, "on another server: no copy");
        Err(Error::Unsupported { operation: call.operation })
    }

    /// Asks for an object with the checksum of its bytes.
    async fn head_summed(&self, bucket: &str, key: &ObjectKey) -> Result<HeadObjectOutput> {
        let _permit = self.permit().await;
        let request = self.client.head_object().bucket(bucket).key(key.as_str()).checksum_mode(ChecksumMode::Enabled);
        request.send().await.map_err(|failure| error(self.call("HeadObject", key), &failure))
    }

    async fn copy_parts(&self, from: &From<'_>, upload: &Upload<'_>) -> Result<Vec<CompletedPart>> {
        let part_bytes = PART_BYTES.max(from.size_bytes.div_ceil(MAX_PARTS));
        let count = from.size_bytes.div_ceil(part_bytes);
        let ranges = (0..count).map(|part| part * part_bytes..from.size_bytes.min((part + 1) * part_bytes));
        let numbered = ranges.zip(1..).map(|(range, number)| self.copy_part(from, upload, range, number));
        stream::iter(numbered).buffered(CONCURRENCY).try_collect().await
    }

    async fn copy_part(
        &self,
        from: &From<'_>,
        upload: &Upload<'_>,
        range: Range<u64>,
        number: i32,
    ) -> Result<CompletedPart> {
        let call = self.call("UploadPartCopy", from.key);
        let source = format!("{}/{}", from.bucket, from.key.as_str());
        let _permit = self.permit().await;
        let answer = self
            .client
            .upload_part_copy()
            .bucket(upload.bucket)
            .key(upload.key.as_str())
            .upload_id(&upload.id)
            .part_number(number)
            .copy_source(utf8_percent_encode(&source, ENCODED).to_string())
            .copy_source_range(format!("bytes={}-{}", range.start, range.end - 1))
            .set_copy_source_if_match(from.etag.map(ETag::quoted))
            .send()
            .await
            .map_err(|failure| error(call, &failure))?;
        let etag = answer.copy_part_result().and_then(|result| result.e_tag());
        let etag = etag.ok_or_else(|| call.protocol("the answer has no ETag"))?;
        Ok(CompletedPart::builder().part_number(number).e_tag(etag).build())
    }
}

/// Takes the checksum of the whole object. One that was put together of the checksums of parts depends on how they were
/// cut, and proves nothing about a copy.
fn crc_of(output: &HeadObjectOutput) -> Option<Crc64Nvme> {
    let is_composite = output.checksum_type() == Some(&ChecksumType::Composite);
    output.checksum_crc64_nvme().filter(|_| !is_composite)?.parse().ok()
}
