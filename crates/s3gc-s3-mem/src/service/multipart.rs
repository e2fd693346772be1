//! Uploads in parts.

use std::ops::Range;

use bytes::BytesMut;
use md5::{Digest, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CopyPartResult, CopySource, CreateMultipartUploadInput, CreateMultipartUploadOutput, UploadPartCopyInput,
    UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::write::{collect, meta_of, store, verify};
use super::{Service, bucket_of, condition, etag, no_such_key, precondition_failed, timestamp};
use crate::Body;
use crate::log::Op;
use crate::model::{Object, Tag, Upload, hex};

pub(super) async fn create(
    service: &Service,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let mut meta = meta_of(&req.headers, req.input.tagging.as_deref())?;
    meta.grants = super::acl::grants(&req.headers)?;
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::CreateMultipartUpload, &name, vec![input.key.clone()], |context| {
            let initiated = context.shared.now();
            let upload_id = context.shared.with_model(|model| {
                super::acl::check(bucket_of(model, &name)?, &meta)?;
                model.next_upload += 1;
                let id = format!("upload-{}", model.next_upload);
                let upload =
                    Upload { bucket: name.clone(), key: input.key.clone(), meta, initiated, parts: Default::default() };
                model.uploads.insert(id.clone(), upload);
                Ok::<_, s3s::S3Error>(id)
            })?;
            Ok(S3Response::new(CreateMultipartUploadOutput {
                bucket: Some(name.clone()),
                key: Some(input.key.clone()),
                upload_id: Some(upload_id),
                ..Default::default()
            }))
        })
        .await
}

pub(super) async fn upload_part(
    service: &Service,
    mut req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let body = collect(req.input.body.take(), req.input.content_length).await?;
    verify(&req.headers, req.trailing_headers.as_ref(), &body)?;
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::UploadPart, &name, vec![input.key.clone()], |context| {
            let sum: [u8; 16] = Md5::digest(&body).into();
            context.shared.with_model(|model| {
                let upload = model.uploads.get_mut(&input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
                upload.parts.insert(input.part_number, (body, sum));
                Ok::<_, s3s::S3Error>(())
            })?;
            Ok(S3Response::new(UploadPartOutput { e_tag: Some(etag(hex(&sum))), ..Default::default() }))
        })
        .await
}

/// Takes a part from another object ("UploadPartCopy", Amazon S3 API Reference).
pub(super) async fn upload_part_copy(
    service: &Service,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::UploadPartCopy, &name, vec![input.key.clone(), source_key(&input.copy_source)], |context| {
            let CopySource::Bucket { bucket: from, key, version_id: None } = &input.copy_source else {
                return Err(s3_error!(NotImplemented));
            };
            let object = context.with_bucket(from, |bucket| {
                bucket.current(key).map(|(_, object)| object.clone()).ok_or_else(no_such_key)
            })?;
            if condition(input.copy_source_if_match.as_ref()).is_some_and(|wanted| wanted != object.etag.text()) {
                return Err(precondition_failed());
            }
            let mut bytes = object.body.part(part_range(input.copy_source_range.as_deref(), object.body.len())?);
            if context.shared.with_faults(|faults| faults.quirks.damage_copies) && !bytes.is_empty() {
                let mut damaged = BytesMut::from(bytes);
                damaged[0] ^= 1;
                bytes = damaged.freeze();
            }
            let sum: [u8; 16] = Md5::digest(&bytes).into();
            context.shared.with_model(|model| {
                let upload = model.uploads.get_mut(&input.upload_id).ok_or_else(|| s3_error!(NoSuchUpload))?;
                upload.parts.insert(input.part_number, (bytes, sum));
                Ok::<_, s3s::S3Error>(())
            })?;
            let result = CopyPartResult {
                e_tag: Some(etag(hex(&sum))),
                last_modified: Some(timestamp(context.shared.now())),
                ..Default::default()
            };
            Ok(S3Response::new(UploadPartCopyOutput { copy_part_result: Some(result), ..Default::default() }))
        })
        .await
}

fn source_key(source: &CopySource) -> String {
    match source {
        CopySource::Bucket { key, .. } => key.to_string(),
        _ => String::new(),
    }
}

/// Reads `bytes=first-last`, both of them within the object.
fn part_range(range: Option<&str>, len: u64) -> S3Result<Range<u64>> {
    let Some(range) = range else { return Ok(0..len) };
    let bounds = range.strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let bounds = bounds.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    match bounds {
        Some((first, last)) if first <= last && last < len => Ok(first..last + 1),
        _ => Err(s3_error!(InvalidRange, "The requested range is not satisfiable")),
    }
}

pub(super) async fn complete(
    service: &Service,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::CompleteMultipartUpload, &name, vec![input.key.clone()], |context| {
            let upload = context.shared.with_model(|model| model.uploads.get(&input.upload_id).cloned());
            let upload = upload.filter(|upload| upload.bucket == name && upload.key == input.key);
            let upload = upload.ok_or_else(|| s3_error!(NoSuchUpload))?;
            let wanted = input.multipart_upload.as_ref().and_then(|upload| upload.parts.as_ref());
            let wanted = wanted.filter(|parts| !parts.is_empty()).ok_or_else(|| s3_error!(MalformedXML))?;
            let (mut body, mut sums) = (BytesMut::new(), Md5::new());
            for part in wanted {
                let stored = part.part_number.and_then(|number| upload.parts.get(&number));
                let (bytes, sum) = stored.ok_or_else(|| s3_error!(InvalidPart))?;
                if part.e_tag.as_ref().is_some_and(|tag| tag.value() != hex(sum)) {
                    return Err(s3_error!(InvalidPart));
                }
                body.extend_from_slice(bytes);
                sums.update(sum);
            }
            let sum: [u8; 16] = sums.finalize().into();
            let told = format!("{}-{}", hex(&sum), wanted.len());
            let body = Body::from(body.freeze());
            let ignored = context.shared.with_faults(|faults| faults.quirks.ignore_checksum_at_completion);
            if input.checksum_crc64nvme.as_ref().is_some_and(|crc| !ignored && *crc != body.crc64nvme()) {
                return Err(s3_error!(BadDigest, "The CRC64NVME you specified did not match what we computed"));
            }
            let object = Object::new(body, Tag::Other(told.as_str().into()), upload.meta);
            let conditions = (condition(input.if_match.as_ref()), condition(input.if_none_match.as_ref()));
            // The date of a multipart object is that of the initiation of its upload.
            let version_id = store(context, &name, &input.key, object, &conditions, Some(upload.initiated))?;
            context.shared.with_model(|model| model.uploads.remove(&input.upload_id));
            Ok(S3Response::new(CompleteMultipartUploadOutput {
                bucket: Some(name.clone()),
                key: Some(input.key.clone()),
                e_tag: Some(etag(told)),
                version_id,
                ..Default::default()
            }))
        })
        .await
}

pub(super) async fn abort(
    service: &Service,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::AbortMultipartUpload, &name, vec![input.key.clone()], |context| {
            let removed = context.shared.with_model(|model| model.uploads.remove(&input.upload_id));
            removed.ok_or_else(|| s3_error!(NoSuchUpload))?;
            Ok(S3Response::new(AbortMultipartUploadOutput::default()))
        })
        .await
}
