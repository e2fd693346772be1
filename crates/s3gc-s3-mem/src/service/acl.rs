//! Access control lists.

use hyper::HeaderMap;
use s3s::dto::{
    self, GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput, GetObjectAclInput, GetObjectAclOutput,
    Grantee, ObjectOwnership, Owner, OwnershipControls, OwnershipControlsRule, Permission, Type,
};
use s3s::{S3Request, S3Response, S3Result, s3_error};

use super::{Service, no_such_key};
use crate::log::Op;
use crate::model::{BucketModel, Grant, Meta};

/// The canonical id of the owner of everything.
const OWNER: &str = "owner";
/// Everybody in the world.
const ALL_USERS: &str = "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"";

const HEADERS: [(&str, Grant); 4] = [
    ("x-amz-grant-full-control", Grant::FullControl),
    ("x-amz-grant-read", Grant::Read),
    ("x-amz-grant-read-acp", Grant::ReadAcp),
    ("x-amz-grant-write-acp", Grant::WriteAcp),
];

pub(super) async fn get_bucket_ownership_controls(
    service: &Service,
    req: S3Request<GetBucketOwnershipControlsInput>,
) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
    let name = req.input.bucket;
    service
        .run(Op::GetBucketOwnershipControls, &name, Vec::new(), |context| {
            let acls = context.with_bucket(&name, |bucket| Ok(bucket.acls))?;
            let ownership = if acls { ObjectOwnership::OBJECT_WRITER } else { ObjectOwnership::BUCKET_OWNER_ENFORCED };
            let rule = OwnershipControlsRule { object_ownership: ObjectOwnership::from_static(ownership) };
            let ownership_controls = Some(OwnershipControls { rules: vec![rule] });
            Ok(S3Response::new(GetBucketOwnershipControlsOutput { ownership_controls }))
        })
        .await
}

pub(super) async fn get_object_acl(
    service: &Service,
    req: S3Request<GetObjectAclInput>,
) -> S3Result<S3Response<GetObjectAclOutput>> {
    let input = req.input;
    let name = input.bucket;
    service
        .run(Op::GetObjectAcl, &name, vec![input.key.clone()], |context| {
            let granted = context.with_bucket(&name, |bucket| {
                bucket.current(&input.key).map(|(_, object)| object.meta().grants).ok_or_else(no_such_key)
            })?;
            let owner = format!("id=\"{OWNER}\"");
            let all = std::iter::once((Grant::FullControl, owner.clone()))
                .chain(granted.into_iter().filter(|(grant, to)| (*grant, to) != (Grant::FullControl, &owner)));
            let grants = all.map(|(grant, to)| told(grant, &to)).collect();
            let owner = Owner { id: Some(OWNER.to_owned()), ..Owner::default() };
            Ok(S3Response::new(GetObjectAclOutput { grants: Some(grants), owner: Some(owner), request_charged: None }))
        })
        .await
}

/// Takes what a request that writes an object grants.
pub(super) fn grants(headers: &HeaderMap) -> S3Result<Vec<(Grant, String)>> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut grants = match text("x-amz-acl") {
        None | Some("private" | "bucket-owner-full-control") => Vec::new(),
        Some("public-read") => vec![(Grant::Read, ALL_USERS.to_owned())],
        Some(_) => return Err(s3_error!(NotImplemented, "another canned list")),
    };
    for (name, grant) in HEADERS {
        for to in text(name).unwrap_or_default().split(',').map(str::trim).filter(|to| !to.is_empty()) {
            if !["id=\"", "uri=\""].iter().any(|kind| to.starts_with(kind)) || !to.ends_with('"') {
                return Err(s3_error!(InvalidArgument, "a grantee is id=\"...\" or uri=\"...\""));
            }
            grants.push((grant, to.to_owned()));
        }
    }
    Ok(grants)
}

/// Refuses grants where there are no lists.
pub(super) fn check(bucket: &BucketModel, meta: &Meta) -> S3Result<()> {
    if bucket.acls || meta.grants.is_empty() {
        return Ok(());
    }
    Err(s3_error!(AccessControlListNotSupported, "The bucket does not allow ACLs"))
}

fn told(grant: Grant, to: &str) -> dto::Grant {
    let name = to.split_once("=\"").map_or(to, |(_, name)| name).trim_end_matches('"').to_owned();
    let is_group = to.starts_with("uri=");
    let kind = if is_group { Type::GROUP } else { Type::CANONICAL_USER };
    let (uri, id) = if is_group { (Some(name), None) } else { (None, Some(name)) };
    let permission = match grant {
        Grant::FullControl => Permission::FULL_CONTROL,
        Grant::Read => Permission::READ,
        Grant::ReadAcp => Permission::READ_ACP,
        Grant::WriteAcp => Permission::WRITE_ACP,
    };
    let grantee = Grantee { id, uri, type_: Type::from_static(kind), display_name: None, email_address: None };
    dto::Grant { grantee: Some(grantee), permission: Some(Permission::from_static(permission)) }
}
