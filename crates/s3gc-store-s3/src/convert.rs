//! Between the AWS client's types and those of a store.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{ArchiveStatus, ObjectLockLegalHoldStatus, StorageClass};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use s3gc_store::{ContentHeaders, ETag, Hold, ObjectMeta, Readable, Result, VersionId};

use crate::error::Call;

/// Classes whose objects have to be restored by S3 before they can be read.
pub(crate) fn is_archive_class(class: &str) -> bool {
    matches!(class, "GLACIER" | "DEEP_ARCHIVE")
}

pub(crate) fn timestamp(at: &DateTime) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(at.subsec_nanos()).ok()?;
    Timestamp::new(at.secs(), nanoseconds).ok()
}

/// Takes what both HEAD and GET tell.
macro_rules! meta_of {
    ($call:expr, $output:expr, $size_bytes:expr, $archive_status:expr) => {{
        let (call, output): (Call<'_>, _) = ($call, $output);
        let last_modified = output.last_modified().and_then(timestamp);
        let mut meta = ObjectMeta::new($size_bytes);
        meta.etag = ETag::new(output.e_tag().ok_or_else(|| call.protocol("the answer has no ETag"))?);
        meta.last_modified = last_modified.ok_or_else(|| call.protocol("the answer has no Last-Modified"))?;
        meta.version = output.version_id().map(VersionId::new);
        meta.headers = ContentHeaders {
            content_type: output.content_type().map(ToOwned::to_owned),
            content_encoding: output.content_encoding().map(ToOwned::to_owned),
            content_disposition: output.content_disposition().map(ToOwned::to_owned),
            content_language: output.content_language().map(ToOwned::to_owned),
            cache_control: output.cache_control().map(ToOwned::to_owned),
            expires: output.expires_string().map(ToOwned::to_owned),
            website_redirect: output.website_redirect_location().map(ToOwned::to_owned),
        };
        meta.user =
            output.metadata().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
        let class = output.storage_class().map(StorageClass::as_str).filter(|class| *class != "STANDARD");
        meta.storage_class = class.map(ToOwned::to_owned);
        meta.hold = Hold {
            legal: output.object_lock_legal_hold_status() == Some(&ObjectLockLegalHoldStatus::On),
            until: output.object_lock_retain_until_date().and_then(timestamp),
        };
        let restored = output.restore().is_some_and(|restore| restore.contains("ongoing-request=\"false\""));
        let archived = class.is_some_and(is_archive_class) || $archive_status;
        meta.readable = if archived && !restored { Readable::Archived } else { Readable::Yes };
        meta
    }};
}

pub(crate) fn meta_of_head(call: Call<'_>, output: &HeadObjectOutput) -> Result<ObjectMeta> {
    let length = output.content_length().and_then(|length| u64::try_from(length).ok());
    let size_bytes = length.ok_or_else(|| call.protocol("the answer has no Content-Length"))?;
    let archived =
        matches!(output.archive_status(), Some(ArchiveStatus::ArchiveAccess | ArchiveStatus::DeepArchiveAccess));
    Ok(meta_of!(call, output, size_bytes, archived))
}

/// `size_bytes` is the length of the whole object, also where a part of it is read.
pub(crate) fn meta_of_get(call: Call<'_>, output: &GetObjectOutput, size_bytes: u64) -> Result<ObjectMeta> {
    if output.missing_meta().is_some_and(|missing| missing > 0) {
        return Err(call.protocol("the object has user metadata that cannot be told in HTTP headers"));
    }
    Ok(meta_of!(call, output, size_bytes, false))
}
