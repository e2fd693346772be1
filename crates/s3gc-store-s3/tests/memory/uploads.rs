use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, When};
use s3gc_store::{ByteStream, ContentHeaders, Error, GetOptions, ObjectStore, PutMode, read_all};
use s3gc_store_s3::S3Store;

use super::{body, config, key, meta_for, start, text};

const MIB: usize = 1024 * 1024;

fn zeros(bytes: usize) -> ByteStream {
    let pieces = (0..bytes).step_by(MIB).map(move |from| Ok(Bytes::from(vec![0; MIB.min(bytes - from)])));
    stream::iter(pieces.collect::<Vec<_>>()).boxed()
}

#[tokio::test]
async fn i06_what_was_read_can_be_put_back_as_it_was() {
    let (server, bucket, store) = start().await;
    let mut meta = meta_for(11);
    meta.headers = ContentHeaders {
        content_type: Some("image/png".into()),
        content_encoding: Some("gzip".into()),
        content_disposition: Some("attachment; filename=\"x.png\"".into()),
        content_language: Some("de".into()),
        cache_control: Some("max-age=1".into()),
        expires: Some("whenever".into()),
        website_redirect: Some("/elsewhere".into()),
    };
    meta.user.insert("owner".into(), "alice".into());
    meta.tags = Some(BTreeMap::from([("a b".to_owned(), "c&d=é".to_owned()), ("e".into(), String::new())]));
    meta.storage_class = Some("STANDARD_IA".into());
    for name in ["small", "a b+c/%2F/😀"] {
        let put = store.put(&key(name), body(&["hello ", "world"]), &meta, PutMode::Create).await.unwrap();
        let (got, bytes) = store.get(&key(name), GetOptions::default()).await.unwrap();
        assert_eq!(text(bytes).await.unwrap(), "hello world");
        assert_eq!((&got.headers, &got.user, &got.storage_class), (&meta.headers, &meta.user, &meta.storage_class));
        assert_eq!((put.etag, put.last_modified), (got.etag, got.last_modified));
        assert_eq!(Some(store.tags(&key(name)).await.unwrap()), meta.tags);
    }
    assert_eq!(bucket.len(), 2);
    assert_eq!(server.count(Op::PutObject), 2);
}

#[tokio::test]
async fn i06_create_never_replaces() {
    let (_server, bucket, store) = start().await;
    bucket.put("k", "live", PutSpec::default());
    let put = store.put(&key("k"), body(&["new"]), &meta_for(3), PutMode::Create).await;
    assert!(matches!(put, Err(Error::Precondition { .. })), "{put:?}");
    assert_eq!(bucket.object("k").unwrap().bytes().as_ref(), b"live");
    store.put(&key("k"), body(&["new"]), &meta_for(3), PutMode::Replace).await.unwrap();
    assert_eq!(bucket.object("k").unwrap().bytes().as_ref(), b"new");
}

#[tokio::test]
async fn a_body_that_fails_or_has_another_length_leaves_nothing() {
    let (server, bucket, _) = start().await;
    let store = S3Store::connect(config(&server).with_multipart_above(u64::try_from(20 * MIB).unwrap())).await.unwrap();
    // In one piece from memory, in one request as it comes, and in parts.
    for size in [3, 12 * MIB, 40 * MIB] {
        let put = |body| {
            let store = store.clone();
            async move { store.put(&key("k"), body, &meta_for(size), PutMode::Create).await }
        };
        for wrong in [size - 1, size + 1, 0] {
            let result = put(zeros(wrong)).await;
            assert!(matches!(result, Err(Error::BodyLength { .. })), "{size} {wrong}: {result:?}");
        }
        let failing = zeros(size / 2).chain(stream::once(async { Err(Error::NotFound { key: "source".into() }) }));
        let result = put(failing.boxed()).await;
        assert!(matches!(&result, Err(Error::NotFound { key }) if key == "source"), "{size}: {result:?}");
        assert!(bucket.is_empty(), "{size}");
    }
    assert_eq!(server.count(Op::AbortMultipartUpload), 4);
    assert_eq!(server.count(Op::CompleteMultipartUpload), 0);
}

#[tokio::test]
async fn a_large_object_is_uploaded_in_parts() {
    let (server, bucket, _) = start().await;
    let store = S3Store::connect(config(&server).with_multipart_above(u64::try_from(9 * MIB).unwrap())).await.unwrap();
    let mut meta = meta_for(33 * MIB + 5);
    meta.user.insert("owner".into(), "alice".into());
    meta.headers.expires = Some("0".into());
    let put = store.put(&key("big"), zeros(33 * MIB + 5), &meta, PutMode::Create).await.unwrap();
    assert!(put.etag.is_multipart());
    assert_eq!(server.count(Op::UploadPart), 3);
    let (got, bytes) = store.get(&key("big"), GetOptions::default()).await.unwrap();
    assert_eq!(read_all(bytes).await.unwrap().len(), 33 * MIB + 5);
    assert_eq!((&got.user, &got.headers.expires), (&meta.user, &meta.headers.expires));
    let again = store.put(&key("big"), zeros(33 * MIB + 5), &meta, PutMode::Create).await;
    assert!(matches!(again, Err(Error::Precondition { .. })));
    assert_eq!((server.count(Op::AbortMultipartUpload), bucket.len()), (1, 1));
}

#[tokio::test]
async fn an_object_of_moderate_size_goes_in_one_request_as_it_comes() {
    let (server, bucket, store) = start().await;
    store.put(&key("k"), zeros(20 * MIB), &meta_for(20 * MIB), PutMode::Create).await.unwrap();
    assert_eq!((server.count(Op::PutObject), bucket.object("k").unwrap().body.len()), (1, 20 * 1024 * 1024));
    assert!(!bucket.object("k").unwrap().etag.contains('-'));
}

#[tokio::test]
async fn a_refused_part_is_tried_again_and_a_denied_put_is_told() {
    let (server, _, _) = start().await;
    let store = S3Store::connect(config(&server).with_multipart_above(0)).await.unwrap();
    server.inject(Fault::new(Effect::SlowDown).on(Op::UploadPart).when(When::First(1)));
    store.put(&key("k"), body(&["x"]), &meta_for(1), PutMode::Replace).await.unwrap();
    server.set_read_only(true);
    let denied = store.put(&key("k"), body(&["x"]), &meta_for(1), PutMode::Replace).await;
    assert!(matches!(denied, Err(Error::AccessDenied { .. })));
}

#[tokio::test]
async fn a_body_may_ask_the_store_something_while_it_is_put() {
    let (server, bucket, _) = start().await;
    let store = Arc::new(S3Store::connect(config(&server).with_max_in_flight(1)).await.unwrap());
    // Held in memory, and sent as it comes.
    for size in [5, 9 << 20] {
        let asked = Arc::clone(&store);
        let body = stream::once(async move {
            assert!(asked.head(&key("other")).await.is_err_and(|error| error.is_not_found()));
            Ok(Bytes::from(vec![b'x'; size]))
        });
        let put = async { store.put(&key("a"), body.boxed(), &meta_for(size), PutMode::Replace).await };
        tokio::time::timeout(Duration::from_secs(20), put).await.expect("it waits for itself").unwrap();
        assert_eq!(bucket.object("a").unwrap().bytes().len(), size);
    }
}

#[tokio::test]
async fn l12_a_creation_is_sent_once_since_its_condition_may_be_ignored() {
    for multipart_above in [0, u64::MAX] {
        let (server, bucket, _) = start().await;
        let store = S3Store::connect(config(&server).with_multipart_above(multipart_above)).await.unwrap();
        server.quirks(|quirks| quirks.ignore_if_none_match_on_put = true);
        let op = if multipart_above == 0 { Op::CompleteMultipartUpload } else { Op::PutObject };
        server.inject(Fault::new(Effect::ErrorAfter).on(op).when(When::First(1)));
        let application = bucket.clone();
        server.after(op, move |key| {
            application.put(key, b"live".to_vec(), PutSpec::default());
        });
        let result = store.put(&key("k"), body(&["from the vault"]), &meta_for(14), PutMode::Create).await;
        assert!(result.is_err(), "{result:?}");
        assert_eq!((server.count(op), bucket.object("k").unwrap().bytes().as_ref()), (1, &b"live"[..]));
    }
}

#[tokio::test]
async fn l12_an_upload_in_parts_looks_before_it_completes() {
    let (server, bucket, _) = start().await;
    let store = S3Store::connect(config(&server).with_multipart_above(0)).await.unwrap();
    server.quirks(|quirks| quirks.ignore_if_none_match_on_put = true);
    let application = bucket.clone();
    server.after(Op::UploadPart, move |key| {
        application.put(key, b"live".to_vec(), PutSpec::default());
    });
    let result = store.put(&key("k"), body(&["from the vault"]), &meta_for(14), PutMode::Create).await;
    assert!(matches!(result, Err(Error::Precondition { .. })), "{result:?}");
    assert_eq!(bucket.object("k").unwrap().bytes(), "live");
}
