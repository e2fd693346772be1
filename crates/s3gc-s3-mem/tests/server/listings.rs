use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, Timestamp, VersioningState};

use super::{code, start};

#[tokio::test]
async fn pages_follow_each_other_in_byte_order() {
    let (_server, bucket, client) = start().await;
    let keys: Vec<String> =
        (0..2500).map(|n| format!("k{n:05}")).chain(["Z".into(), "é".into(), "😀".into()]).collect();
    bucket.seed(keys.iter().map(|key| (key, 3)), Timestamp::UNIX_EPOCH);
    let (mut listed, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = client.list_objects_v2().bucket("photos").set_continuation_token(token).send().await.unwrap();
        pages += 1;
        listed.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        token = page.next_continuation_token;
        assert_eq!(page.is_truncated, Some(token.is_some()));
        if token.is_none() {
            break;
        }
    }
    let mut wanted = keys;
    wanted.sort();
    assert_eq!((listed, pages), (wanted, 3));
}

#[tokio::test]
async fn a_prefix_a_start_and_a_page_size_are_kept() {
    let (_server, bucket, client) = start().await;
    for key in ["a", "a/", "a/1", "a/2", "ab", "b"] {
        bucket.put(key, "x", PutSpec::default());
    }
    let list = || client.list_objects_v2().bucket("photos");
    let keys = |page: aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output| {
        page.contents().iter().map(|object| object.key().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(keys(list().prefix("a/").send().await.unwrap()), ["a/", "a/1", "a/2"]);
    assert_eq!(keys(list().prefix("a").start_after("a/1").send().await.unwrap()), ["a/2", "ab"]);
    assert_eq!(keys(list().prefix("b").start_after("a").send().await.unwrap()), ["b"]);
    let page = list().prefix("a").max_keys(2).send().await.unwrap();
    assert_eq!((page.key_count(), page.is_truncated()), (Some(2), Some(true)));
    assert_eq!(keys(page), ["a", "a/"]);
    assert_eq!(code(client.list_objects_v2().bucket("nothere").send().await), "NoSuchBucket");
}

#[tokio::test]
async fn a_delimiter_folds_keys_into_common_prefixes() {
    let (_server, bucket, client) = start().await;
    for key in ["a/1", "a/2", "b", "c/x/1", "c/y", "d"] {
        bucket.put(key, "x", PutSpec::default());
    }
    let (mut folded, mut plain, mut token) = (Vec::new(), Vec::new(), None);
    loop {
        let list = client.list_objects_v2().bucket("photos").delimiter("/").max_keys(2);
        let page = list.set_continuation_token(token).send().await.unwrap();
        folded.extend(page.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap().to_owned()));
        plain.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        token = page.next_continuation_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!((folded, plain), (vec!["a/".to_owned(), "c/".into()], vec!["b".to_owned(), "d".into()]));
}

#[tokio::test]
async fn encoded_keys_are_encoded_as_amazon_does() {
    let (_server, bucket, client) = start().await;
    bucket.put("a b+c/é\u{1}", "x", PutSpec::default());
    let list = client.list_objects_v2().bucket("photos").encoding_type(aws_sdk_s3::types::EncodingType::Url);
    assert_eq!(list.send().await.unwrap().contents()[0].key(), Some("a+b%2Bc/%C3%A9%01"));
}

#[tokio::test]
async fn versions_are_listed_newest_first_across_pages() {
    let (_server, bucket, client) = start().await;
    bucket.set_versioning(VersioningState::Enabled);
    for round in 0..3 {
        bucket.put("k", format!("{round}"), PutSpec::default());
        bucket.put("k2", format!("{round}"), PutSpec::default());
    }
    bucket.delete("k");
    let (mut seen, mut key_marker, mut version_marker) = (Vec::new(), None, None);
    loop {
        let list = client.list_object_versions().bucket("photos").prefix("k").max_keys(2);
        let page = list.set_key_marker(key_marker).set_version_id_marker(version_marker).send().await.unwrap();
        seen.extend(
            page.delete_markers().iter().map(|m| (m.key().unwrap().to_owned(), m.version_id().unwrap().to_owned())),
        );
        seen.extend(page.versions().iter().map(|v| (v.key().unwrap().to_owned(), v.version_id().unwrap().to_owned())));
        if page.is_truncated() != Some(true) {
            break;
        }
        (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
    }
    let of = |key: &str| bucket.versions(key).into_iter().map(|v| (key.to_owned(), v.id)).collect::<Vec<_>>();
    assert_eq!(seen, [of("k"), of("k2")].concat());
}

#[tokio::test]
async fn listings_can_be_made_to_lie() {
    let (server, bucket, client) = start().await;
    bucket.seed((0..1500).map(|n| (format!("k{n:05}"), 0)), Timestamp::UNIX_EPOCH);
    let list = || client.list_objects_v2().bucket("photos");
    server.inject(Fault::new(Effect::Unordered).on(Op::ListObjectsV2));
    let page = list().send().await.unwrap();
    assert!(page.contents()[0].key() > page.contents()[1].key());
    server.clear_faults();
    server.inject(Fault::new(Effect::LostToken));
    let page = list().send().await.unwrap();
    assert_eq!((page.is_truncated(), page.next_continuation_token()), (Some(true), None));
    server.clear_faults();
    server.inject(Fault::new(Effect::RepeatPage));
    let token = list().send().await.unwrap().next_continuation_token.unwrap();
    let page = list().continuation_token(token).send().await.unwrap();
    assert_eq!(page.contents()[0].key(), Some("k00000"));
}
