use s3gc_s3_mem::{Body, Effect, Fault, Op, PutSpec, VersioningState, When};
use s3gc_store::{ETag, Error, GetOptions, ObjectMeta, ObjectStore, Readable, VersionId, read_all};

use super::{key, start, text};

#[tokio::test]
async fn i06_everything_about_an_object_is_read() {
    let (server, bucket, store) = start().await;
    let until = "2099-01-02T03:04:05Z";
    let spec = PutSpec::default()
        .header("content-type", "text/plain")
        .header("content-encoding", "gzip")
        .header("content-disposition", "attachment")
        .header("content-language", "de")
        .header("cache-control", "no-cache")
        .header("expires", "0")
        .header("x-amz-website-redirect-location", "/x")
        .user("owner", "alice")
        .tag("a", "1")
        .storage_class("STANDARD_IA")
        .legal_hold()
        .retain_until(until.parse().unwrap());
    let tag = bucket.put("a b+c/😀", "hello", spec);
    let (got, body) = store.get(&key("a b+c/😀"), GetOptions::default()).await.unwrap();
    assert_eq!(text(body).await.unwrap(), "hello");
    let head = store.head(&key("a b+c/😀")).await.unwrap();
    assert_eq!(got, head);
    assert_eq!((head.etag.as_str(), head.size_bytes), (tag.as_str(), 5));
    assert_eq!(head.headers.expires.as_deref(), Some("0"));
    assert_eq!(head.headers.website_redirect.as_deref(), Some("/x"));
    assert_eq!(head.headers.content_encoding.as_deref(), Some("gzip"));
    assert_eq!(head.user.get("owner").map(String::as_str), Some("alice"));
    assert_eq!(head.storage_class.as_deref(), Some("STANDARD_IA"));
    assert!(head.hold.legal && head.hold.until == Some(until.parse().unwrap()));
    assert_eq!(head.tags, None);
    let stored = bucket.object("a b+c/😀").unwrap().last_modified;
    assert!(ObjectMeta::is_same_instant(head.last_modified, stored));
    assert_eq!(store.tags(&key("a b+c/😀")).await.unwrap().get("a").map(String::as_str), Some("1"));
    assert!(server.writes().is_empty());
}

#[tokio::test]
async fn no_count_of_tags_proves_nothing_before_there_was_one() {
    let (_server, bucket, store) = start().await;
    bucket.put("plain", "x", PutSpec::default());
    bucket.put("tagged", "x", PutSpec::default().tag("a", "1"));
    assert_eq!(store.head(&key("plain")).await.unwrap().tags, None);
    assert_eq!(store.head(&key("tagged")).await.unwrap().tags, None);
    assert_eq!(store.head(&key("plain")).await.unwrap().tags, Some(Default::default()));
    assert_eq!(store.head(&key("tagged")).await.unwrap().tags, None);
}

#[tokio::test]
async fn where_objects_may_be_locked_none_is_taken_for_free_that_nobody_may_ask_for() {
    let (server, bucket, store) = start().await;
    bucket.put("k", "x", PutSpec::default());
    bucket.put("held", "x", PutSpec::default().legal_hold());
    server.deny(Op::GetObjectLegalHold);
    // Without Object Lock nobody asks.
    store.status().await.unwrap();
    assert!(store.get(&key("k"), GetOptions::default()).await.unwrap().0.hold.is_none());
    bucket.set_object_lock(true);
    store.status().await.unwrap();
    let refused = store.get(&key("k"), GetOptions::default()).await.map(|(meta, _)| meta);
    assert!(matches!(refused, Err(Error::AccessDenied { .. })), "{refused:?}");
    assert!(store.get(&key("held"), GetOptions::default()).await.unwrap().0.hold.legal);

    let (server, bucket, store) = start().await;
    bucket.put("k", "x", PutSpec::default());
    bucket.set_object_lock(true);
    store.status().await.unwrap();
    assert!(store.get(&key("k"), GetOptions::default()).await.unwrap().0.hold.is_none());
    let asked = server.requests().into_iter().map(|request| request.op).skip(3).collect::<Vec<_>>();
    assert_eq!(asked, [Op::GetObject, Op::GetObjectLegalHold, Op::GetObjectRetention]);
    server.deny(Op::GetObjectRetention);
    let refused = store.get(&key("k"), GetOptions::default()).await.map(|(meta, _)| meta);
    assert!(matches!(refused, Err(Error::AccessDenied { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_get_takes_one_request_and_compares() {
    let (server, bucket, store) = start().await;
    let tag = bucket.put("k", "0123456789", PutSpec::default());
    store.status().await.unwrap();
    let before = server.requests().len();
    let (_, body) = store.get(&key("k"), GetOptions::if_match(ETag::new(&tag))).await.unwrap();
    assert_eq!(text(body).await.unwrap(), "0123456789");
    assert_eq!(server.requests().len(), before + 1);
    let other = store.get(&key("k"), GetOptions::if_match(ETag::new("other"))).await;
    assert!(matches!(other, Err(Error::Precondition { .. })));
    let (meta, body) = store.get(&key("k"), GetOptions::default().with_range(2..5)).await.unwrap();
    assert_eq!((meta.size_bytes, text(body).await.unwrap().as_str()), (10, "234"));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (_server, bucket, store) = start().await;
    assert!(store.head(&key("k")).await.unwrap_err().is_not_found());
    assert!(store.get(&key("k"), GetOptions::default()).await.err().unwrap().is_not_found());
    assert!(store.tags(&key("k")).await.unwrap_err().is_not_found());
    bucket.set_versioning(VersioningState::Enabled);
    bucket.put("k", "x", PutSpec::default());
    bucket.delete("k");
    assert!(store.head(&key("k")).await.unwrap_err().is_not_found());
    let marker = VersionId::new(&bucket.versions("k")[0].id);
    assert!(store.get(&key("k"), GetOptions::version(marker)).await.err().unwrap().is_not_found());
}

#[tokio::test]
async fn archived_and_customer_encrypted_objects_say_so() {
    let (_server, bucket, store) = start().await;
    bucket.put("cold", "x", PutSpec::default().storage_class("GLACIER"));
    bucket.put("secret", "x", PutSpec::default().customer_key());
    assert_eq!(store.head(&key("cold")).await.unwrap().readable, Readable::Archived);
    assert!(matches!(store.get(&key("cold"), GetOptions::default()).await, Err(Error::Archived { .. })));
    assert!(matches!(store.get(&key("secret"), GetOptions::default()).await, Err(Error::NeedsKey { .. })));
    assert!(matches!(store.head(&key("secret")).await, Err(Error::NeedsKey { .. })));
}

#[tokio::test]
async fn i02_a_body_that_ends_early_is_never_a_short_object() {
    let (server, bucket, store) = start().await;
    bucket.put("k", Body::Zeros(300_000), PutSpec::default());
    server.inject(Fault::new(Effect::CutBody(100_000)).on(Op::GetObject).when(When::Nth(1)));
    let (_, body) = store.get(&key("k"), GetOptions::default()).await.unwrap();
    let error = read_all(body).await.unwrap_err();
    assert!(error.is_transient(), "{error:?}");
    let (_, body) = store.get(&key("k"), GetOptions::default()).await.unwrap();
    assert_eq!(read_all(body).await.unwrap().len(), 300_000);
}

#[tokio::test]
async fn versions_are_those_of_the_exact_key() {
    let (_server, bucket, store) = start().await;
    bucket.put("k", "null", PutSpec::default());
    bucket.set_versioning(VersioningState::Enabled);
    for name in ["k", "k2", "k/x", "k"] {
        bucket.put(name, "x", PutSpec::default());
    }
    bucket.delete("k");
    let versions = store.versions(&key("k")).await.unwrap();
    let stored = bucket.versions("k");
    assert_eq!(versions.len(), 4);
    assert!(versions[0].is_marker() && versions[0].is_latest);
    assert_eq!(versions[0].version.as_ref().unwrap().as_str(), stored[0].id);
    let mut found: Vec<_> = versions.iter().map(|entry| entry.version.as_ref().unwrap().as_str()).collect();
    let mut wanted: Vec<_> = stored.iter().map(|version| version.id.as_str()).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    assert!(store.versions(&key("nothing")).await.unwrap().is_empty());
    let old = versions.iter().find(|entry| entry.version == Some(VersionId::new("null"))).unwrap();
    let (_, body) = store.get(&key("k"), GetOptions::version(old.version.clone().unwrap())).await.unwrap();
    assert_eq!(text(body).await.unwrap(), "null");
}
