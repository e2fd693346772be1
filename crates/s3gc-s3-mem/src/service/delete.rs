//! Deleting objects.

use s3s::dto::{DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{Service, condition, no_such_key, precondition_failed};
use crate::log::Op;
use crate::model::NotDeleted;

/// The most keys of one request.
const MAX_KEYS: usize = 1000;

pub(super) async fn delete_object(
    service: &Service,
    req: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let input = req.input;
    let name = input.bucket.clone();
    service
        .run(Op::DeleteObject, &name, vec![input.key.clone()], |context| {
            let ignore = context.shared.with_faults(|faults| faults.quirks.ignore_if_match_on_delete);
            let if_match = condition(input.if_match.as_ref()).filter(|_| !ignore);
            let now = context.shared.now();
            let result = context.with_bucket(&name, |bucket| {
                Ok(bucket.delete(&input.key, input.version_id.as_deref(), if_match.as_deref(), now))
            })?;
            let deleted = result.map_err(|why| match why {
                NotDeleted::Precondition => precondition_failed(),
                NotDeleted::NoSuchKey => no_such_key(),
                NotDeleted::Held => s3_error!(AccessDenied, "the object is locked"),
            })?;
            Ok(S3Response::new(DeleteObjectOutput {
                delete_marker: deleted.marker.then_some(true),
                version_id: deleted.version,
                request_charged: None,
            }))
        })
        .await
}

pub(super) async fn delete_objects(
    service: &Service,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let has = |name: &str| req.headers.contains_key(name);
    let has_md5 = has("content-md5");
    let has_new_checksum = req.headers.keys().any(|name| name.as_str().starts_with("x-amz-checksum-"));
    let has_checksum = has_md5 || has_new_checksum;
    let input = req.input;
    let name = input.bucket.clone();
    let keys = input.delete.objects.iter().map(|object| object.key.clone()).collect();
    service
        .run(Op::DeleteObjects, &name, keys, |context| {
            let quirks = context.shared.with_faults(|faults| faults.quirks.clone());
            if quirks.needs_content_md5 && !has_md5 {
                return Err(s3_error!(InvalidRequest, "Missing required header for this request: Content-MD5"));
            }
            if quirks.needs_content_md5 && has_new_checksum {
                return Err(s3_error!(NotImplemented, "x-amz-checksum-* is not implemented"));
            }
            if !has_checksum {
                let message = "Missing required header for this request: Content-MD5 OR x-amz-checksum-*";
                return Err(s3_error!(InvalidRequest, "{message}"));
            }
            if input.delete.objects.is_empty() || input.delete.objects.len() > MAX_KEYS {
                return Err(s3_error!(MalformedXML, "between 1 and 1000 keys"));
            }
            let quiet = input.delete.quiet == Some(true);
            let now = context.shared.now();
            let (mut gone, mut errors) = (Vec::new(), Vec::new());
            context.with_bucket(&name, |bucket| {
                for wanted in &input.delete.objects {
                    let key = wanted.key.as_str();
                    if let Some(code) = context.struck.key_error(key) {
                        errors.push(key_error(key, wanted.version_id.as_deref(), code));
                        continue;
                    }
                    let tag = wanted.e_tag.as_ref().map(|tag| tag.value()).filter(|_| !quirks.ignore_etag_in_batch);
                    match bucket.delete(key, wanted.version_id.as_deref(), tag, now) {
                        _ if context.struck.key_unanswered(key) => {}
                        Ok(deleted) => gone.push(DeletedObject {
                            key: Some(key.to_owned()),
                            version_id: wanted.version_id.clone(),
                            delete_marker: deleted.marker.then_some(true),
                            delete_marker_version_id: deleted.version.filter(|_| deleted.marker),
                        }),
                        Err(why) => {
                            let code = match why {
                                NotDeleted::Precondition => "PreconditionFailed",
                                NotDeleted::NoSuchKey => "NoSuchKey",
                                NotDeleted::Held => "AccessDenied",
                            };
                            errors.push(key_error(key, wanted.version_id.as_deref(), code));
                        }
                    }
                }
                Ok(())
            })?;
            Ok(S3Response::new(DeleteObjectsOutput {
                deleted: (!quiet).then_some(gone),
                errors: Some(errors),
                request_charged: None,
            }))
        })
        .await
}

fn key_error(key: &str, version: Option<&str>, code: &str) -> Error {
    Error {
        key: Some(key.to_owned()),
        version_id: version.map(ToOwned::to_owned),
        code: Some(code.to_owned()),
        message: Some(code.to_owned()),
    }
}
