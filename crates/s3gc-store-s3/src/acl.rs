//! Access control lists of objects.

use std::sync::PoisonError;

use aws_sdk_s3::types::{self, ObjectOwnership};
use s3gc_store::{Error, Grant, Grantee, ObjectKey, ObjectMeta, Permission, Result};

use crate::error::{Call, Failure, error};
use crate::status::few_attempts;
use crate::store::Inner;

/// The grants of a request that writes an object.
pub(crate) struct Grants<'a>(&'a [Grant]);

impl Grants<'_> {
    /// Writes those of one permission as its header wants them
    /// ([PutObject](https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html)).
    pub(crate) fn to(&self, permission: Permission) -> Option<String> {
        let of = |grant: &&Grant| grant.permission == permission;
        let shown: Vec<String> = self.0.iter().filter(of).map(|grant| show(&grant.to)).collect();
        (!shown.is_empty()).then(|| shown.join(", "))
    }
}

impl Inner {
    /// Tells whether objects of the bucket have access control lists. Since April 2023 new buckets of Amazon's do not
    /// ("Controlling ownership of objects", Amazon S3 User Guide).
    pub(crate) async fn has_acls(&self) -> Result<bool> {
        let known = *self.has_acls.lock().unwrap_or_else(PoisonError::into_inner);
        match known {
            Some(known) => Ok(known),
            None => {
                let has_acls = self.read_ownership().await?;
                *self.has_acls.lock().unwrap_or_else(PoisonError::into_inner) = Some(has_acls);
                Ok(has_acls)
            }
        }
    }

    pub(crate) async fn read_ownership(&self) -> Result<bool> {
        let call = self.bucket_call("GetBucketOwnershipControls");
        let request = self.client.get_bucket_ownership_controls().bucket(&self.bucket).customize();
        match request.config_override(few_attempts()).send().await {
            Ok(output) => {
                let rules = output.ownership_controls().map(types::OwnershipControls::rules).unwrap_or_default();
                Ok(!rules.iter().any(|rule| *rule.object_ownership() == ObjectOwnership::BucketOwnerEnforced))
            }
            Err(failure) => {
                let failure = Failure::of(&failure);
                // Ceph's radosgw before version 17 takes the question for one of the bucket's listing, and answers that.
                let is_other_answer = failure.status == Some(200);
                if failure.code == "OwnershipControlsNotFoundError" || is_other_answer {
                    return Ok(true);
                }
                match failure.into_error(call) {
                    // Who may not ask, and a server that does not know the question: each object is asked.
                    Error::AccessDenied { .. } | Error::Unsupported { .. } => Ok(true),
                    other => Err(other),
                }
            }
        }
    }

    /// Reads the list of an object; empty if it says no more than that the object is its owner's.
    pub(crate) async fn read_acl(&self, key: &ObjectKey) -> Result<Vec<Grant>> {
        let call = self.call("GetObjectAcl", key);
        let permit = self.permit().await;
        let answer = self.client.get_object_acl().bucket(&self.bucket).key(key.as_str()).send().await;
        drop(permit);
        let output = match answer {
            Ok(output) => output,
            Err(failure) => match error(call, &failure) {
                // A server without the operation has no lists.
                Error::Unsupported { .. } => {
                    *self.has_acls.lock().unwrap_or_else(PoisonError::into_inner) = Some(false);
                    return Ok(Vec::new());
                }
                other => return Err(other),
            },
        };
        let grants = output.grants().iter().map(|grant| read(call, grant)).collect::<Result<Vec<_>>>()?;
        let mut grants: Vec<Grant> = grants.into_iter().flatten().collect();
        grants.sort();
        let owner = output.owner().and_then(|owner| owner.id()).unwrap_or_default();
        let is_owners = |grant: &Grant| {
            grant.permission == Permission::FullControl && matches!(&grant.to, Grantee::Id(id) if id == owner)
        };
        if grants.iter().all(is_owners) {
            grants.clear();
        }
        Ok(grants)
    }

    /// Returns what a request that writes an object has to grant.
    pub(crate) async fn grants<'a>(&self, key: &ObjectKey, meta: &'a ObjectMeta) -> Result<Grants<'a>> {
        if meta.acl.is_empty() || self.has_acls().await? {
            return Ok(Grants(&meta.acl));
        }
        // Better an object that only its owner reads than none.
        tracing::warn!(%key, bucket = self.bucket, "the bucket takes no access control lists: written without its own");
        Ok(Grants(&[]))
    }
}

/// Reads one grant; `None` for a permission that says nothing about an object.
fn read(call: Call<'_>, grant: &types::Grant) -> Result<Option<Grant>> {
    let permission = match grant.permission() {
        Some(types::Permission::FullControl) => Permission::FullControl,
        Some(types::Permission::Read) => Permission::Read,
        Some(types::Permission::ReadAcp) => Permission::ReadAcp,
        Some(types::Permission::WriteAcp) => Permission::WriteAcp,
        Some(types::Permission::Write) => return Ok(None),
        other => return Err(call.protocol(format!("the permission {other:?} is not known"))),
    };
    let grantee = grant.grantee();
    let to = match grantee.map(|grantee| (grantee.id(), grantee.uri(), grantee.email_address())) {
        Some((Some(id), _, _)) => Grantee::Id(id.to_owned()),
        Some((_, Some(uri), _)) => Grantee::Group(uri.to_owned()),
        Some((_, _, Some(email))) => Grantee::Email(email.to_owned()),
        _ => return Err(call.protocol("a grant of the access control list names nobody")),
    };
    Ok(Some(Grant { to, permission }))
}

fn show(grantee: &Grantee) -> String {
    match grantee {
        Grantee::Id(id) => format!("id=\"{id}\""),
        Grantee::Group(uri) => format!("uri=\"{uri}\""),
        Grantee::Email(email) => format!("emailAddress=\"{email}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_answers_another_question_is_asked_for_each_object() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let body = "<?xml version=\"1.0\"?><ListBucketResult><Name>photos</Name></ListBucketResult>";
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let config = crate::S3Config::new("photos").with_endpoint(endpoint).with_credentials("a", "b", None);
        let store = crate::S3Store::connect(config).await.unwrap();
        assert!(store.inner.read_ownership().await.unwrap());
    }

    #[test]
    fn grants_are_written_by_permission() {
        let grant = |to, permission| Grant { to, permission };
        let acl = [
            grant(Grantee::Id("me".into()), Permission::FullControl),
            grant(Grantee::Group("http://acs.amazonaws.com/groups/global/AllUsers".into()), Permission::Read),
            grant(Grantee::Email("a@example.com".into()), Permission::Read),
        ];
        let grants = Grants(&acl);
        assert_eq!(grants.to(Permission::FullControl).as_deref(), Some("id=\"me\""));
        let read = "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\", emailAddress=\"a@example.com\"";
        assert_eq!(grants.to(Permission::Read).as_deref(), Some(read));
        assert_eq!(grants.to(Permission::ReadAcp), None);
    }
}
