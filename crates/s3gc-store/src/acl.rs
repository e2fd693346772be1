//! Access control lists.

use serde::{Deserialize, Serialize};

/// What an access control list allows somebody to do with an object
/// ([Amazon S3 User Guide](https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html)).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub to: Grantee,
    /// What.
    pub permission: Permission,
}

/// Who is allowed something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grantee {
    /// An account, by its canonical user id.
    Id(String),
    /// A group, by its URI, such as `http://acs.amazonaws.com/groups/global/AllUsers`.
    Group(String),
    /// An account, by its e-mail address.
    Email(String),
}

/// What somebody is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Everything.
    FullControl,
    /// To read the object.
    Read,
    /// To read its access control list.
    ReadAcp,
    /// To change its access control list.
    WriteAcp,
}
