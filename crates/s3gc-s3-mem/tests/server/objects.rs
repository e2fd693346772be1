use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, StorageClass};
use s3gc_s3_mem::{Body, Op, PutSpec, Timestamp};

use super::{code, start};

const KEYS: [&str; 14] =
    ["a", "/a", "a/", "a//b", " a ", "a b+c", "%2F", "a%20b", "é", "e\u{301}", "😀", "a\nb", "a&b<c>\"d'", "a/../b"];

#[tokio::test]
async fn a_key_comes_back_exactly_as_it_was_put() {
    let (_server, bucket, client) = start().await;
    for key in KEYS {
        client.put_object().bucket("photos").key(key).body(ByteStream::from_static(b"x")).send().await.unwrap();
    }
    let mut wanted = KEYS.map(ToOwned::to_owned).to_vec();
    wanted.sort();
    assert_eq!(bucket.keys(), wanted);
    for key in KEYS {
        client.head_object().bucket("photos").key(key).send().await.unwrap();
    }
}

#[tokio::test]
async fn bytes_and_headers_come_back_as_they_were_put() {
    let (_server, bucket, client) = start().await;
    let put = client
        .put_object()
        .bucket("photos")
        .key("k")
        .body(ByteStream::from_static(b"hello"))
        .content_type("text/plain; charset=utf-8")
        .content_encoding("gzip")
        .content_disposition("attachment; filename=\"x y.txt\"")
        .content_language("de")
        .cache_control("max-age=60")
        .website_redirect_location("/elsewhere")
        .metadata("owner", "alice")
        .tagging("a=1&b=two%20words")
        .storage_class(StorageClass::StandardIa)
        .send()
        .await
        .unwrap();
    assert_eq!(put.e_tag(), Some("\"5d41402abc4b2a76b9719d911017c592\""));
    let got = client.get_object().bucket("photos").key("k").send().await.unwrap();
    assert_eq!(got.content_type(), Some("text/plain; charset=utf-8"));
    assert_eq!(got.content_encoding(), Some("gzip"));
    assert_eq!(got.content_disposition(), Some("attachment; filename=\"x y.txt\""));
    assert_eq!(got.content_language(), Some("de"));
    assert_eq!(got.cache_control(), Some("max-age=60"));
    assert_eq!(got.website_redirect_location(), Some("/elsewhere"));
    assert_eq!(got.metadata().unwrap().get("owner").map(String::as_str), Some("alice"));
    assert_eq!(got.storage_class(), Some(&StorageClass::StandardIa));
    assert_eq!(got.tag_count(), Some(2));
    assert_eq!(got.body.collect().await.unwrap().into_bytes().as_ref(), b"hello");
    assert_eq!(bucket.object("k").unwrap().tags.get("b").map(String::as_str), Some("two words"));
    let tags = client.get_object_tagging().bucket("photos").key("k").send().await.unwrap();
    assert_eq!(tags.tag_set().len(), 2);
}

#[tokio::test]
async fn expires_is_any_string() {
    let (_server, _bucket, client) = start().await;
    for expires in ["Thu, 01 Dec 1994 16:00:00 GMT", "0", "never"] {
        let put = client.put_object().bucket("photos").key("k").body(ByteStream::from_static(b"x"));
        let put = put.customize().mutate_request(move |request| {
            request.headers_mut().insert("expires", expires);
        });
        put.send().await.unwrap();
        let got = client.head_object().bucket("photos").key("k").send().await.unwrap();
        assert_eq!(got.expires_string(), Some(expires));
    }
}

#[tokio::test]
async fn a_range_is_a_part_of_the_bytes() {
    let (_server, bucket, client) = start().await;
    bucket.put("k", "0123456789", PutSpec::default());
    let got = client.get_object().bucket("photos").key("k").range("bytes=2-4").send().await.unwrap();
    assert_eq!(got.content_range(), Some("bytes 2-4/10"));
    assert_eq!(got.body.collect().await.unwrap().into_bytes().as_ref(), b"234");
    assert_eq!(code(client.get_object().bucket("photos").key("k").range("bytes=10-").send().await), "InvalidRange");
}

#[tokio::test]
async fn conditions_are_kept() {
    let (_server, bucket, client) = start().await;
    let tag = bucket.put("k", "one", PutSpec::default());
    let get = || client.get_object().bucket("photos").key("k");
    assert!(get().if_match(&tag).send().await.is_ok());
    assert_eq!(code(get().if_match("\"other\"").send().await), "PreconditionFailed");
    let put = || client.put_object().bucket("photos").key("k").body(ByteStream::from_static(b"two"));
    assert_eq!(code(put().if_none_match("*").send().await), "PreconditionFailed");
    assert_eq!(code(put().if_match("other").send().await), "PreconditionFailed");
    assert_eq!(bucket.object("k").unwrap().bytes().as_ref(), b"one");
    put().if_match(&tag).send().await.unwrap();
    assert_eq!(bucket.object("k").unwrap().bytes().as_ref(), b"two");
    put().key("new").if_none_match("*").send().await.unwrap();
}

#[tokio::test]
async fn archived_and_customer_encrypted_objects_cannot_be_read() {
    let (_server, bucket, client) = start().await;
    bucket.put("cold", "x", PutSpec::default().storage_class("GLACIER"));
    bucket.put("secret", "x", PutSpec::default().customer_key());
    assert_eq!(code(client.get_object().bucket("photos").key("cold").send().await), "InvalidObjectState");
    assert!(client.head_object().bucket("photos").key("cold").send().await.is_ok());
    assert_eq!(code(client.get_object().bucket("photos").key("secret").send().await), "InvalidRequest");
    let head = client.head_object().bucket("photos").key("secret").send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 400);
}

#[tokio::test]
async fn generated_bodies_and_dates_are_served() {
    let (_server, bucket, client) = start().await;
    let date: Timestamp = "2020-02-03T04:05:06.789Z".parse().unwrap();
    bucket.put("k", Body::Zeros(200_000), PutSpec::default().last_modified(date).etag("abc-2"));
    let got = client.get_object().bucket("photos").key("k").send().await.unwrap();
    assert_eq!(got.e_tag(), Some("\"abc-2\""));
    assert_eq!(got.last_modified().unwrap().secs(), date.as_second());
    assert_eq!(got.body.collect().await.unwrap().into_bytes().as_ref(), vec![0; 200_000]);
    let listed = client.list_objects_v2().bucket("photos").send().await.unwrap();
    assert_eq!(listed.contents()[0].last_modified().unwrap().to_millis().unwrap(), date.as_millisecond());
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object() {
    let (server, bucket, client) = start().await;
    let created =
        client.create_multipart_upload().bucket("photos").key("big").content_type("a/b").send().await.unwrap();
    let id = created.upload_id().unwrap();
    let mut parts = Vec::new();
    for (number, bytes) in [(1, "hello "), (2, "world")] {
        let part = client.upload_part().bucket("photos").key("big").upload_id(id).part_number(number);
        let part = part.body(ByteStream::from_static(bytes.as_bytes())).send().await.unwrap();
        parts.push(CompletedPart::builder().part_number(number).set_e_tag(part.e_tag).build());
    }
    assert!(bucket.object("big").is_none());
    let upload = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
    client
        .complete_multipart_upload()
        .bucket("photos")
        .key("big")
        .upload_id(id)
        .multipart_upload(upload)
        .send()
        .await
        .unwrap();
    let stored = bucket.object("big").unwrap();
    assert_eq!(stored.bytes().as_ref(), b"hello world");
    assert!(stored.etag.ends_with("-2"));
    assert_eq!(stored.headers.get("content-type").map(String::as_str), Some("a/b"));
    assert_eq!(server.count(Op::UploadPart), 2);
    let aborted = client.create_multipart_upload().bucket("photos").key("x").send().await.unwrap();
    let id = aborted.upload_id().unwrap();
    client.abort_multipart_upload().bucket("photos").key("x").upload_id(id).send().await.unwrap();
    assert!(bucket.object("x").is_none());
}

#[tokio::test]
async fn a_copy_has_the_bytes_and_metadata_of_its_source() {
    let (_server, bucket, client) = start().await;
    bucket.put("a", "x", PutSpec::default().user("owner", "bob"));
    client.copy_object().bucket("photos").key("b").copy_source("photos/a").send().await.unwrap();
    assert_eq!(bucket.object("b").unwrap().user.get("owner").map(String::as_str), Some("bob"));
}
