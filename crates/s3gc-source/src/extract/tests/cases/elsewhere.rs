//! What only names other configured buckets, and what must not be marked.

use super::super::{Kind, Outcome, extractor, read};

/// Values that name an object of another configured bucket, whatever the kind of the column.
pub(super) const VALUES: &[&str] = &[
    "https://private.s3.amazonaws.com/a/b.jpg",
    "https://private.s3.eu-west-1.amazonaws.com/a/b.jpg",
    "https://private.s3-us-west-2.amazonaws.com/a/b.jpg",
    "https://private.s3.dualstack.eu-west-1.amazonaws.com/a/b.jpg",
    "https://private.s3-accelerate.amazonaws.com/a/b.jpg",
    "https://private.s3.cn-north-1.amazonaws.com.cn/a/b.jpg",
    "http://private.s3-website-us-east-1.amazonaws.com/a/b.jpg",
    "https://s3.eu-west-1.amazonaws.com/private/a/b.jpg?X-Amz-Credential=AKIA%2F2026%2Fs3&X-Amz-Expires=60",
    "https://s3-us-west-2.amazonaws.com/private/a/b.jpg",
    "https://photos.old.s3.amazonaws.com/a/b.jpg",
    "https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com/private/a/b.jpg",
    "http://127.0.0.1:9000/private/a/b.jpg",
    "https://private.minio.example.com/a/b.jpg",
    "https://cdn.example.com/private/a/b.jpg",
    "s3://private/a/b.jpg",
    "arn:aws:s3:::private/a/b.jpg",
    "https://s3.console.aws.amazon.com/s3/object/private?region=eu-west-1",
];

/// Values with what they must not mark.
pub(super) const NOT_MARKED: &[(Kind, &str, &[&str])] = &[
    (Kind::Auto, "images", &["images2", "image", "images/"]),
    (Kind::Prefix, "images2", &["images2*", "*", "images/*"]),
    (Kind::Prefix, "index.m3u8", &["*", "/*"]),
    (Kind::Prefix, "/index.m3u8", &["*", "/*"]),
    (Kind::Prefix, "videos/1.v2", &["videos/*"]),
    (Kind::Key, "a b/c.jpg", &["a", "b/c.jpg"]),
    (Kind::Json, r#"{"a":"s3://private/x.jpg","b":"y.jpg"}"#, &["x.jpg", "private/x.jpg"]),
    (Kind::Text, "just some words here", &["just", "words"]),
    (Kind::Text, "https://private.s3.amazonaws.com/x.jpg and y.jpg", &["x.jpg"]),
    (Kind::Url, "https://photos.s3.amazonaws.com/x/y.jpg", &["y.jpg"]),
];

#[test]
fn a_value_that_names_another_configured_bucket_is_no_reference() {
    for value in VALUES.iter().take(16) {
        for kind in [Kind::Auto, Kind::Key, Kind::Url, Kind::Text, Kind::Template] {
            assert_eq!(read(&extractor(kind), value), (Outcome::Elsewhere, vec![]), "{value} as {kind:?}");
        }
    }
}

#[test]
fn what_is_not_named_is_not_marked() {
    for (kind, value, must_not) in NOT_MARKED {
        let (_, readings) = read(&extractor(*kind), value);
        for key in *must_not {
            assert!(!readings.iter().any(|r| r == key), "{value}: {key} is in {readings:?}");
        }
    }
}

#[test]
fn only_the_very_name_of_another_bucket_keeps_a_url_from_being_marked() {
    for value in [
        "s3://Private/a/b.jpg",
        "s3://private2/a/b.jpg",
        "https://s3.amazonaws.com/PRIVATE/a/b.jpg",
        "https://private.s3.example.com/a/b.jpg",
        "https://private.ec2.amazonaws.com/a/b.jpg",
        "https://x.private.s3.amazonaws.com/a/b.jpg",
        "https://cdn.example.com/private2/a/b.jpg",
        "https://cdn.example.com:8080/private/a/b.jpg",
        "https://private-123456789012.s3-accesspoint.us-west-2.amazonaws.com/a/b.jpg",
        "http://127.0.0.1:9001/private/a/b.jpg",
        "private/a/b.jpg",
        "/private/a/b.jpg",
        "//private/a/b.jpg",
        "gs://private/a/b.jpg",
    ] {
        let (outcome, readings) = read(&extractor(Kind::Auto), value);
        assert!(matches!(outcome, Outcome::Read { .. }), "{value}");
        assert!(
            readings.iter().any(|key| key == "a/b.jpg" || key.ends_with("private/a/b.jpg")),
            "{value}: {readings:?}"
        );
    }
}
