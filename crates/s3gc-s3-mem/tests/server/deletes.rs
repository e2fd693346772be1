use aws_sdk_s3::types::{BucketVersioningStatus, Delete, ObjectIdentifier, VersioningConfiguration};
use s3gc_s3_mem::{PutSpec, VersioningState};

use super::{code, start};

fn name(key: &str) -> ObjectIdentifier {
    ObjectIdentifier::builder().key(key).build().unwrap()
}

#[tokio::test]
async fn a_conditional_delete_compares_the_entity_tag() {
    let (server, bucket, client) = start().await;
    let tag = bucket.put("k", "x", PutSpec::default());
    let delete = || client.delete_object().bucket("photos").key("k");
    assert_eq!(code(delete().if_match("\"other\"").send().await), "PreconditionFailed");
    assert_eq!(bucket.keys(), ["k"]);
    delete().if_match(&tag).send().await.unwrap();
    assert!(bucket.is_empty());
    assert_eq!(code(delete().if_match(&tag).send().await), "NoSuchKey");
    delete().send().await.unwrap();
    bucket.put("k", "x", PutSpec::default());
    server.quirks(|quirks| quirks.ignore_if_match_on_delete = true);
    delete().if_match("\"other\"").send().await.unwrap();
    assert!(bucket.is_empty());
}

#[tokio::test]
async fn a_batch_answers_for_each_key() {
    let (server, bucket, client) = start().await;
    for key in ["a", "b", "c", "held"] {
        bucket.put(key, "x", PutSpec::default());
    }
    bucket.put("held", "x", PutSpec::default().legal_hold());
    let tag = bucket.object("a").unwrap().etag;
    let wrong = ObjectIdentifier::builder().key("b").e_tag("\"wrong\"").build().unwrap();
    let right = ObjectIdentifier::builder().key("a").e_tag(format!("\"{tag}\"")).build().unwrap();
    let delete =
        Delete::builder().set_objects(Some(vec![right, wrong, name("missing"), name("held")])).build().unwrap();
    let answer = client.delete_objects().bucket("photos").delete(delete.clone()).send().await.unwrap();
    let gone: Vec<_> = answer.deleted().iter().filter_map(|deleted| deleted.key()).collect();
    assert_eq!(gone, ["a", "missing"]);
    let errors: Vec<_> = answer.errors().iter().map(|e| (e.key().unwrap(), e.code().unwrap())).collect();
    assert_eq!(errors, [("b", "PreconditionFailed"), ("held", "AccessDenied")]);
    assert_eq!(bucket.keys(), ["b", "c", "held"]);
    server.quirks(|quirks| quirks.ignore_etag_in_batch = true);
    client.delete_objects().bucket("photos").delete(delete).send().await.unwrap();
    assert_eq!(bucket.keys(), ["c", "held"]);
}

#[tokio::test]
async fn a_batch_needs_a_checksum_and_it_has_to_match() {
    let (server, bucket, client) = start().await;
    bucket.put("a", "x", PutSpec::default());
    let delete = Delete::builder().objects(name("a")).build().unwrap();
    let send = || client.delete_objects().bucket("photos").delete(delete.clone());
    let wrong = send().customize().mutate_request(|request| {
        request.headers_mut().insert("x-amz-checksum-crc32", "AAAAAA==");
    });
    assert_eq!(code(wrong.send().await), "BadDigest");
    server.quirks(|quirks| quirks.needs_content_md5 = true);
    assert_eq!(code(send().send().await), "InvalidRequest");
    assert_eq!(bucket.keys(), ["a"]);
}

#[tokio::test]
async fn an_enabled_bucket_hides_the_object_under_a_marker() {
    let (_server, bucket, client) = start().await;
    bucket.put("k", "null version", PutSpec::default());
    bucket.set_versioning(VersioningState::Enabled);
    let put = client.put_object().bucket("photos").key("k").send().await.unwrap();
    let deleted = client.delete_object().bucket("photos").key("k").send().await.unwrap();
    assert_eq!(deleted.delete_marker(), Some(true));
    let marker = deleted.version_id().unwrap();
    assert!(bucket.is_empty());
    assert_eq!(code(client.get_object().bucket("photos").key("k").send().await), "NoSuchKey");
    let ids: Vec<String> = bucket.versions("k").into_iter().map(|version| version.id).collect();
    assert_eq!(ids, [marker, put.version_id().unwrap(), "null"]);
    let by_id = client.get_object().bucket("photos").key("k").version_id("null").send().await.unwrap();
    assert_eq!(by_id.body.collect().await.unwrap().into_bytes().as_ref(), b"null version");
    let undone = client.delete_object().bucket("photos").key("k").version_id(marker).send().await.unwrap();
    assert_eq!((undone.delete_marker(), undone.version_id()), (Some(true), Some(marker)));
    assert_eq!(bucket.keys(), ["k"]);
}

#[tokio::test]
async fn a_suspended_bucket_loses_its_null_version_to_a_null_marker() {
    let (_server, bucket, client) = start().await;
    bucket.set_versioning(VersioningState::Enabled);
    bucket.put("k", "kept", PutSpec::default());
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    client.put_bucket_versioning().bucket("photos").versioning_configuration(suspended).send().await.unwrap();
    let status = client.get_bucket_versioning().bucket("photos").send().await.unwrap();
    assert_eq!(status.status(), Some(&BucketVersioningStatus::Suspended));
    let put = client.put_object().bucket("photos").key("k").send().await.unwrap();
    assert_eq!(put.version_id(), Some("null"));
    assert_eq!(bucket.versions("k").len(), 2);
    let deleted = client.delete_object().bucket("photos").key("k").send().await.unwrap();
    assert_eq!((deleted.delete_marker(), deleted.version_id()), (Some(true), Some("null")));
    let versions = bucket.versions("k");
    assert_eq!(versions.len(), 2, "{versions:?}");
    assert_eq!((versions[0].id.as_str(), &versions[0].etag), ("null", &None));
    assert!(versions[1].etag.is_some());
    client.delete_object().bucket("photos").key("k").send().await.unwrap();
    assert_eq!(bucket.versions("k").len(), 2, "a null marker replaces a null marker");
}
