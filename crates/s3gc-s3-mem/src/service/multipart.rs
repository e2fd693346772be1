//! Uploads in parts.

use bytes::BytesMut;
use md5::{Digest, Md5};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput, CompleteMultipartUploadOutput,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::write::{collect, meta_of, store, verify};
use super::{Service, bucket_of, condition, etag};
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
            let object = Object::new(Body::from(body.freeze()), Tag::Other(told.as_str().into()), upload.meta);
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
