use futures::StreamExt;
use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, Timestamp, When};
use s3gc_store::{Checkpoint, Error, ListEnd, ListEntry, ListItem, ListRequest, ObjectStore, Readable};
use s3gc_store_s3::S3Store;

use super::start;

async fn list(store: &S3Store, request: ListRequest) -> (Vec<ListEntry>, Option<ListEnd>, Option<Error>) {
    let (mut entries, mut end, mut failure) = (Vec::new(), None, None);
    let mut items = store.list(request);
    while let Some(item) = items.next().await {
        assert!(end.is_none() && failure.is_none(), "something comes after the end");
        match item {
            Ok(ListItem::Page(page)) => entries.extend(page.entries),
            Ok(ListItem::End(reached)) => end = Some(reached),
            Err(error) => failure = Some(error),
        }
    }
    (entries, end, failure)
}

fn keys(entries: &[ListEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.as_str()).collect()
}

#[tokio::test]
async fn a_listing_gives_every_key_exactly_and_its_end() {
    let (server, bucket, store) = start().await;
    let mut names: Vec<String> = (0..2100).map(|n| format!("many/{n:05}")).collect();
    names.extend(
        [
            "/a", "a", "a//b", " a ", "a b+c", "%2F", "a%20b", "é", "e\u{301}", "😀", "a\nb", "a\rb", "\u{1}",
            "a&<>\"'", "a\\b",
        ]
        .map(ToOwned::to_owned),
    );
    bucket.seed(names.iter().map(|name| (name, 7)), "2020-01-02T03:04:05.678Z".parse().unwrap());
    names.sort();
    for _ in 0..2 {
        let (entries, end, failure) = list(&store, ListRequest::new("")).await;
        assert!(failure.is_none(), "{failure:?}");
        assert_eq!(keys(&entries), names);
        assert_eq!(end, Some(ListEnd { entries: u64::try_from(names.len()).unwrap(), skipped: 0 }));
        assert_eq!(entries[0].size_bytes, 7);
        assert_eq!(entries[0].last_modified, "2020-01-02T03:04:05.678Z".parse().unwrap());
    }
    assert_eq!(server.count(Op::ListObjectsV2), 6);
    let (entries, ..) = list(&store, ListRequest::new("many/000")).await;
    assert_eq!(entries.len(), 100);
    let (entries, end, _) = list(&store, ListRequest::new("nothing")).await;
    assert_eq!((entries.len(), end), (0, Some(ListEnd { entries: 0, skipped: 0 })));
}

#[tokio::test]
async fn keys_are_exact_where_the_server_does_not_encode_them() {
    let (server, bucket, store) = start().await;
    server.quirks(|quirks| quirks.no_url_encoding = true);
    for name in ["a+b c%20d", "é😀", "<&>"] {
        bucket.put(name, "x", PutSpec::default());
    }
    let (entries, ..) = list(&store, ListRequest::new("")).await;
    assert_eq!(keys(&entries), bucket.keys());
}

#[tokio::test]
async fn a_listing_goes_on_from_a_checkpoint() {
    let (_server, bucket, store) = start().await;
    bucket.seed((0..1500).map(|n| (format!("k{n:05}"), 0)), Timestamp::UNIX_EPOCH);
    let mut request = ListRequest::new("k");
    let first = store.list(request.clone()).next().await.unwrap().unwrap();
    let ListItem::Page(page) = first else { panic!("a page comes first") };
    assert_eq!(page.checkpoint, Some(Checkpoint("k00999".to_owned())));
    request.resume = page.checkpoint;
    let (entries, end, _) = list(&store, request).await;
    assert_eq!((entries.len(), entries[0].key.as_str()), (500, "k01000"));
    assert_eq!(end.unwrap().entries, 500);
}

#[tokio::test]
async fn i04_a_listing_that_breaks_or_lies_has_no_end() {
    for (effect, when) in [
        (Effect::Unordered, When::Nth(2)),
        (Effect::RepeatPage, When::Nth(2)),
        (Effect::RepeatPage, When::Nth(1)),
        (Effect::LostToken, When::Nth(1)),
    ] {
        let (server, bucket, store) = start().await;
        bucket.seed((0..2500).map(|n| (format!("k{n:05}"), 0)), Timestamp::UNIX_EPOCH);
        server.inject(Fault::new(effect.clone()).on(Op::ListObjectsV2).when(when));
        let (_, end, failure) = list(&store, ListRequest::new("")).await;
        assert!(end.is_none(), "{effect:?}");
        assert!(matches!(failure, Some(Error::Protocol { .. })), "{effect:?}: {failure:?}");
    }
    let (server, bucket, _) = start().await;
    let store = S3Store::connect(super::config(&server).with_max_attempts(1)).await.unwrap();
    bucket.seed((0..2500).map(|n| (format!("k{n:05}"), 0)), Timestamp::UNIX_EPOCH);
    server.inject(Fault::new(Effect::DropBefore).on(Op::ListObjectsV2).when(When::Nth(2)));
    let (entries, end, failure) = list(&store, ListRequest::new("")).await;
    assert_eq!((entries.len(), end), (1000, None));
    assert!(failure.unwrap().is_transient());
    server.deny(Op::ListObjectsV2);
    let (_, end, failure) = list(&store, ListRequest::new("")).await;
    assert!(end.is_none() && matches!(failure, Some(Error::AccessDenied { .. })));
}

#[tokio::test]
async fn archived_objects_are_listed_as_such() {
    let (_server, bucket, store) = start().await;
    bucket.put("cold", "x", PutSpec::default().storage_class("DEEP_ARCHIVE"));
    bucket.put("cool", "x", PutSpec::default().storage_class("GLACIER_IR"));
    let (entries, ..) = list(&store, ListRequest::new("")).await;
    assert_eq!(entries.iter().map(|e| e.readable).collect::<Vec<_>>(), [Readable::Archived, Readable::Yes]);
}
