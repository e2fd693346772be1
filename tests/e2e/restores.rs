//! Many restores, looked at from outside by another client, on two servers that know nothing of each other.
//! `S3GC_TEST_RESTORES=10000` is the long form.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ObjectCannedAcl;
use futures::{StreamExt, stream};
use s3gc_core::{Mode, RestoreOptions, RestoreWhat, RunOptions, RunState};
use s3gc_testkit::servers::Moto;
use s3gc_tests::{BUCKET, Corpus, Item, World, connect, scan};

/// How many requests are on their way at a time.
const CONCURRENCY: usize = 16;
/// Every so many objects one is referenced.
const KEPT: usize = 50;

/// All that a client can ask for of an object, dates and entity tags apart.
#[derive(Debug, PartialEq)]
struct Seen {
    bytes: Vec<u8>,
    headers: Vec<Option<String>>,
    user: BTreeMap<String, String>,
    tags: BTreeMap<String, String>,
    grants: Vec<String>,
}

fn client(endpoint: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new(s3gc_s3_mem::ACCESS_KEY, s3gc_s3_mem::SECRET_KEY, None, None, "test"))
        .build();
    Client::from_conf(config)
}

async fn put(client: &Client, item: &Item) {
    let header = |name: &str| item.headers.get(name).cloned();
    let tags = item.tags.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let expires = header("expires");
    let is_public = item.key.ends_with("7.bin");
    client
        .put_object()
        .bucket(BUCKET)
        .key(&item.key)
        .body(ByteStream::from(item.body.clone()))
        .set_content_type(header("content-type"))
        .set_cache_control(header("cache-control"))
        .set_content_disposition(header("content-disposition"))
        .set_content_language(header("content-language"))
        .set_content_encoding(header("content-encoding"))
        .set_metadata(Some(item.user.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()))
        .set_tagging((!tags.is_empty()).then_some(tags))
        .set_acl(is_public.then_some(ObjectCannedAcl::PublicRead))
        .customize()
        .mutate_request(move |request| {
            if let Some(expires) = expires.clone() {
                request.headers_mut().insert("expires", expires);
            }
        })
        .send()
        .await
        .unwrap();
}

async fn see(client: &Client, key: &str) -> Option<Seen> {
    let got = match client.get_object().bucket(BUCKET).key(key).send().await {
        Ok(got) => got,
        Err(error) => {
            assert!(error.into_service_error().is_no_such_key(), "{key}");
            return None;
        }
    };
    let tags = client.get_object_tagging().bucket(BUCKET).key(key).send().await.unwrap();
    let acl = client.get_object_acl().bucket(BUCKET).key(key).send().await.unwrap();
    let mut grants: Vec<String> = acl.grants().iter().map(|grant| format!("{grant:?}")).collect();
    grants.sort();
    let headers = [
        got.content_type(),
        got.cache_control(),
        got.content_disposition(),
        got.content_language(),
        got.content_encoding(),
        got.expires_string(),
        got.storage_class().map(aws_sdk_s3::types::StorageClass::as_str),
    ];
    Some(Seen {
        grants,
        headers: headers.map(|value| value.map(ToOwned::to_owned)).to_vec(),
        user: got.metadata().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect(),
        tags: tags.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
        bytes: got.body.collect().await.unwrap().to_vec(),
    })
}

async fn see_all(client: &Client, keys: &[String]) -> Vec<Option<Seen>> {
    stream::iter(keys).map(|key| see(client, key)).buffered(CONCURRENCY).collect().await
}

/// Returns the key if its object is not what it was.
async fn see_again<'a>(client: &Client, key: &'a str, before: &Option<Seen>) -> Option<&'a str> {
    (see(client, key).await != *before).then_some(key)
}

async fn everything_comes_back(endpoint: &str, default: usize) {
    let count = std::env::var("S3GC_TEST_RESTORES").map_or(default, |count| count.parse().unwrap());
    let client = client(endpoint);
    let mut world = World::new().await;
    world.without_retention();
    let mut corpus = Corpus::new(count + count / (KEPT - 1) + 1, BUCKET, endpoint);
    for (n, item) in corpus.items.iter_mut().enumerate() {
        item.key = format!("uploads/{}/{n}.bin", n % 97);
        item.value = n.is_multiple_of(KEPT).then(|| item.key.clone());
    }
    stream::iter(&corpus.items).for_each_concurrent(CONCURRENCY, |item| put(&client, item)).await;
    let values: Vec<String> = corpus.values().map(|value| format!("('{value}')")).collect();
    s3gc_tests::sqlite(&world.url, &format!("INSERT INTO posts (image) VALUES {}", values.join(","))).await;
    let (orphans, kept) = (corpus.orphans(), corpus.kept());
    assert!(orphans.len() >= count, "{} of {count}", orphans.len());
    let before = see_all(&client, &orphans).await;
    assert!(before.iter().all(Option::is_some));
    assert!(before.iter().flatten().any(|seen| seen.grants.len() > 1), "some are public");
    let source = scan(&world.url, endpoint).await;
    let gc = world.gc_with(connect(endpoint).await, Arc::clone(&source)).await;

    let mut deleted = 0;
    // A slow server does not delete thousands within the life of one look: what is left waits for the next run.
    for _ in 0..=count / 1000 {
        let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
        assert_eq!(report.state, RunState::Done, "{:?} {:?}", report.brakes, report.sweep.named);
        assert!(report.sweep.deleted.objects > 0, "{:?}", report.sweep);
        deleted += report.sweep.deleted.objects as usize;
        if deleted == orphans.len() {
            break;
        }
    }
    assert_eq!(deleted, orphans.len());
    assert!(see_all(&client, &orphans).await.iter().all(Option::is_none), "all orphans are gone");
    assert!(see_all(&client, &kept).await.iter().all(Option::is_some), "and nothing else");

    let restored = gc.restore(&RestoreWhat::Prefix("uploads/".into()), &RestoreOptions::default()).await.unwrap();
    assert_eq!((restored.restored.objects as usize, restored.failed.objects), (orphans.len(), 0));
    let differs: Vec<_> = stream::iter(orphans.iter().zip(&before))
        .map(|(key, before)| see_again(&client, key, before))
        .buffered(CONCURRENCY)
        .filter_map(std::future::ready)
        .take(20)
        .collect()
        .await;
    assert_eq!(differs, [""; 0], "all is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_all_of_many_objects_come_back_to_our_server() {
    let s3 = s3gc_s3_mem::S3Mem::start(s3gc_s3_mem::Options::default().bucket(BUCKET)).await.unwrap();
    s3.bucket(BUCKET).set_acls(true);
    everything_comes_back(&s3.endpoint(), 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_all_of_many_objects_come_back_to_moto() {
    let Some(moto) = Moto::shared() else { return };
    client(&moto.endpoint()).create_bucket().bucket(BUCKET).send().await.unwrap();
    everything_comes_back(&moto.endpoint(), 300).await;
}
