//! What a column holds, and how it names the objects of a bucket.

use serde::{Deserialize, Serialize};

/// What a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// To be seen from each value: a key, a URL, JSON, serialised PHP, an array or text.
    #[default]
    Auto,
    /// One key, or a URL of one; the value is never taken apart.
    Key,
    /// One URL, or a bare key; the value is never taken apart.
    Url,
    /// A JSON document: every string and number in it, object keys too, or what
    /// [JSON paths](ExtractConfig::json_paths) select.
    Json,
    /// An array, as PostgreSQL writes it (`{a,"b c"}`) or as JSON.
    Array,
    /// HTML, Markdown or plain text: every URL and every key-shaped word in it.
    Text,
    /// The name of a directory: everything under it is referenced. A playlist or manifest (`videos/1/index.m3u8`) names
    /// the directory it is in.
    Prefix,
    /// A key that was put together by a [`Template`](super::Template) from several columns of one row; never taken apart.
    Template,
}

/// How to read the values of a column as keys of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtractConfig {
    /// The bucket; empty where the store has no such name.
    pub bucket: String,
    /// The addresses of the S3-compatible server, such as `https://minio.example.com:9000`.
    pub endpoints: Vec<String>,
    /// The access points that stand for the bucket: a name (`photos-ap`), an alias (`photos-ap-k3x…-s3alias`), a host
    /// or an ARN. URLs of an access point that is not listed are URLs of an unknown host.
    pub access_points: Vec<String>,
    /// URLs that stand for the bucket's root, such as `https://cdn.example.com/assets/`.
    pub base_urls: Vec<String>,
    /// The other buckets that are configured: a URL of one of them is no reference to this one.
    pub other_buckets: Vec<String>,
    /// The base URLs of those other buckets.
    pub other_base_urls: Vec<String>,
    /// What the column holds.
    pub kind: Kind,
    /// Which parts of a document of [`Kind::Json`] hold keys: `$.image.url`, `$.images[*].src`, `$..url`. Without a
    /// path every string does.
    ///
    /// A path is `$` followed by `.name`, `['any name']`, `[0]`, `.*`, `[*]` and `..name`, as in
    /// [RFC 9535](https://www.rfc-editor.org/rfc/rfc9535). What it selects is read whole, with all strings below it.
    pub json_paths: Vec<String>,
    /// What stands before each key in the column and is not part of it. The value is read with it, too.
    pub strip: Option<String>,
    /// What stands before each key in the bucket and is missing in the column. The value is read without it, too.
    pub prepend: Option<String>,
    /// Whether samples of values that cannot be read are shown as they are, not [masked](crate::ColumnCounts::mask).
    pub show_values: bool,
}

/// Why a configuration makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidExtract {
    /// A base URL or an endpoint has no host.
    #[error("{0:?} is not a URL: write it as https://host/path")]
    Url(String),
    /// `strip`, `prepend` or an access point is there and empty.
    #[error("{0} is empty: leave it out")]
    Empty(&'static str),
    /// A JSON path does not parse.
    #[error("{path:?} is not a JSON path: {reason}")]
    JsonPath {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There are JSON paths, and the column is of another kind.
    #[error("JSON paths need the kind json: the column has the kind {0:?}")]
    NotJson(Kind),
}
