//! The store against moto, an S3 that others wrote: it honours `If-Match` on DeleteObject, and no entity tag in
//! DeleteObjects.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like the test")]
#![expect(clippy::disallowed_methods, reason = "the deletes here are the subject of the test, on a server of its own")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use bytes::Bytes;
use futures::{StreamExt, stream};
use s3gc_store::{
    ByteStream, DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, Error, GetOptions, ListItem, ListRequest,
    ObjectKey, ObjectMeta, ObjectStore, PutMode, SignGuard, SignRefused, Versioning, read_all,
};
use s3gc_store_s3::{S3Config, S3Store};
use s3gc_testkit::servers::Moto;
use s3gc_testkit::suites::store::Fixture;

struct Yes;

impl SignGuard for Yes {
    fn may_sign(&self) -> Result<(), SignRefused> {
        Ok(())
    }
}

/// Makes a bucket of its own, or says why the test is skipped.
async fn bucket(versioned: bool) -> Option<(Client, S3Store)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let moto = Moto::shared()?;
    let name = format!("bucket-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(moto.endpoint())
        .force_path_style(true)
        .credentials_provider(Credentials::new(Moto::ACCESS_KEY, Moto::SECRET_KEY, None, None, "test"));
    let client = Client::from_conf(config.build());
    client.create_bucket().bucket(&name).send().await.unwrap();
    if versioned {
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        client.put_bucket_versioning().bucket(&name).versioning_configuration(enabled).send().await.unwrap();
    }
    let config = S3Config::new(name).with_endpoint(moto.endpoint());
    let config = config.with_credentials(Moto::ACCESS_KEY, Moto::SECRET_KEY, None);
    Some((client, S3Store::connect(config).await.unwrap()))
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

fn body(text: &'static str) -> ByteStream {
    stream::once(async move { Ok(Bytes::from_static(text.as_bytes())) }).boxed()
}

fn meta(text: &str) -> ObjectMeta {
    ObjectMeta::new(u64::try_from(text.len()).unwrap())
}

async fn put(store: &S3Store, name: &str, text: &'static str) -> ObjectMeta {
    store.put(&key(name), body(text), &meta(text), PutMode::Replace).await.unwrap()
}

fn current(name: &str, meta: &ObjectMeta) -> DeleteRequest {
    DeleteRequest { key: key(name), target: DeleteTarget::Current { if_match: meta.etag.clone() } }
}

async fn keys(store: &S3Store) -> Vec<String> {
    let (mut keys, mut ended) = (Vec::new(), false);
    let mut items = store.list(ListRequest::new(""));
    while let Some(item) = items.next().await {
        match item.unwrap() {
            ListItem::Page(page) => keys.extend(page.entries.into_iter().map(|entry| String::from(entry.key))),
            ListItem::End(_) => ended = true,
        }
    }
    assert!(ended);
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_exact() {
    let Some((_, store)) = bucket(false).await else { return };
    let mut names = ["a", "/a", "a/", "a//b", " a ", "a b+c", "%2F", "a%20b", "é", "e\u{301}", "😀", "a&<>\"'"];
    for name in names {
        put(&store, name, "x").await;
    }
    names.sort_unstable();
    assert_eq!(keys(&store).await, names);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_object_survives_a_compared_deletion() {
    let Some((_, store)) = bucket(false).await else { return };
    let old = put(&store, "k", "old").await;
    let new = put(&store, "k", "new").await;
    let outcomes = store.delete(&[current("k", &old)], DeleteMeans::SingleEtag, &Yes).await.unwrap();
    assert!(matches!(outcomes[0], DeleteOutcome::Changed), "{outcomes:?}");
    let outcomes = store.delete(&[current("k", &new)], DeleteMeans::SingleEtag, &Yes).await.unwrap();
    assert!(matches!(outcomes[0], DeleteOutcome::Deleted { marker: None }), "{outcomes:?}");
    let outcomes = store.delete(&[current("k", &new)], DeleteMeans::SingleEtag, &Yes).await.unwrap();
    assert!(matches!(outcomes[0], DeleteOutcome::AlreadyGone | DeleteOutcome::Deleted { .. }), "{outcomes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_hides_and_its_removal_brings_the_object_back() {
    let Some((_, store)) = bucket(true).await else { return };
    assert_eq!(store.status().await.unwrap().versioning, Versioning::Enabled);
    for names in [vec!["a"], vec!["a", "b"]] {
        let mut batch = Vec::new();
        for name in &names {
            batch.push(current(name, &put(&store, name, "x").await));
        }
        let mut undo = Vec::new();
        for (name, outcome) in names.iter().zip(store.delete(&batch, DeleteMeans::Marker, &Yes).await.unwrap()) {
            let DeleteOutcome::Deleted { marker: Some(marker) } = outcome else { panic!("{outcome:?}") };
            assert_eq!(store.versions(&key(name)).await.unwrap()[0].version.as_ref(), Some(&marker));
            undo.push(DeleteRequest { key: key(name), target: DeleteTarget::OwnMarker(marker) });
        }
        assert!(keys(&store).await.is_empty());
        for outcome in store.delete(&undo, DeleteMeans::Marker, &Yes).await.unwrap() {
            assert!(matches!(outcome, DeleteOutcome::Deleted { marker: None }), "{outcome:?}");
        }
        assert_eq!(keys(&store).await, names);
        for name in names {
            store.delete(&[current(name, &meta(""))], DeleteMeans::Marker, &Yes).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_no_such_store() {
    let Some(moto) = Moto::shared() else { return };
    let config = S3Config::new("nothere").with_endpoint(moto.endpoint());
    let store = S3Store::connect(config.with_credentials("a", "b", None)).await.unwrap();
    assert!(matches!(store.status().await, Err(Error::NoSuchStore { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_can_be_put_back_as_it_was() {
    let Some((_, store)) = bucket(false).await else { return };
    let mut wanted = meta("hello");
    wanted.headers.content_type = Some("text/plain".into());
    wanted.headers.content_encoding = Some("gzip".into());
    wanted.headers.cache_control = Some("max-age=1".into());
    wanted.headers.content_disposition = Some("attachment".into());
    wanted.user.insert("owner".into(), "alice".into());
    wanted.tags = Some(BTreeMap::from([("a b".to_owned(), "c+d=e".to_owned())]));
    wanted.storage_class = Some("STANDARD_IA".into());
    store.put(&key("k"), body("hello"), &wanted, PutMode::Create).await.unwrap();
    let (got, bytes) = store.get(&key("k"), GetOptions::default()).await.unwrap();
    assert_eq!(read_all(bytes).await.unwrap().as_ref(), b"hello");
    assert_eq!((&got.headers, &got.user, &got.storage_class), (&wanted.headers, &wanted.user, &wanted.storage_class));
    assert_eq!(Some(store.tags(&key("k")).await.unwrap()), wanted.tags);
    let again = store.put(&key("k"), body("hello"), &wanted, PutMode::Create).await;
    assert!(matches!(again, Err(Error::Precondition { .. })), "{again:?}");
}

mod contract {
    use super::*;

    s3gc_testkit::object_store_suite!(match bucket(false).await {
        Some((_, store)) => {
            let mut fixture = Fixture::new(Arc::new(store), [DeleteMeans::SingleEtag, DeleteMeans::Unconditional]);
            fixture.storage_class = Some("STANDARD_IA".to_owned());
            // Its web framework knows no path with a line end.
            fixture.keys.retain(|name| !name.contains(char::is_control));
            // It takes only the characters that AWS documents for tags; the suite uses others.
            fixture.has_tags = false;
            Some(fixture)
        }
        None => None,
    });
}

#[tokio::test]
async fn i06_an_access_control_list_comes_back() {
    let Some((client, store)) = bucket(false).await else { return };
    let canned = aws_sdk_s3::types::ObjectCannedAcl::PublicRead;
    let name = store.location().as_str().rsplit('/').next().unwrap().to_owned();
    let put = client.put_object().bucket(&name).key("public.txt").acl(canned).body(Bytes::from("hello").into());
    put.send().await.unwrap();
    let (read, _) = store.get(&key("public.txt"), GetOptions::default()).await.unwrap();
    assert!(!read.acl.is_empty());
    store.put(&key("again.txt"), body("hello"), &read, PutMode::Create).await.unwrap();
    let acl = async |key| {
        let acl = client.get_object_acl().bucket(&name).key(key).send().await.unwrap();
        let mut grants: Vec<String> = acl.grants().iter().map(|grant| format!("{grant:?}")).collect();
        grants.sort();
        grants
    };
    assert_eq!(acl("again.txt").await, acl("public.txt").await);
    assert_eq!(acl("again.txt").await.len(), 2);
}
