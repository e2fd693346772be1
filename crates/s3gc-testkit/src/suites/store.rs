//! The contract of [`ObjectStore`](s3gc_store::ObjectStore).

mod fixture;
mod help;
mod keys;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream;
use futures::{StreamExt, TryStreamExt};
use s3gc_store::{
    ContentHeaders, DeleteMeans, DeleteOutcome, Error, GetOptions, ObjectMeta, PutMode, Result, SignRefused, read_all,
};

pub use fixture::{Fixture, Wire};
use help::{
    Allow, body, complete_listing, current, delete, delete_all, is_there, key, listing, meta_of, put, put_hard_keys,
    read, try_put,
};
pub use keys::hard_keys;

use super::skip;

suite!($ object_store_suite, store, [
    clause_01_list_yields_every_object_once_and_one_end,
    clause_02_list_yields_keys_exactly_as_they_were_put,
    clause_03_a_prefix_is_a_string_and_not_a_directory,
    clause_04_a_listing_that_fails_has_no_end,
    clause_05_get_gives_back_what_was_put,
    clause_06_head_and_get_agree_with_the_listing,
    clause_07_get_compares_the_entity_tag,
    clause_08_a_missing_key_is_not_found,
    clause_09_a_body_that_ends_early_is_an_error,
    clause_10_a_put_is_whole_or_not_there,
    clause_11_create_never_replaces,
    clause_12_delete_gives_each_request_its_outcome_and_touches_nothing_else,
    clause_13_deleting_a_missing_object_is_ok,
    clause_14_delete_leaves_a_changed_object_alone,
    clause_15_delete_asks_the_guard,
    clause_16_delete_never_sends_a_request_twice,
    clause_17_a_rewritten_object_can_be_told_from_the_old_one,
    clause_18_an_unsafe_key_is_refused_and_nothing_is_written,
    clause_19_tags_are_given_back_as_they_were_put,
]);

/// Clause 1, over more than one page.
pub async fn clause_01_list_yields_every_object_once_and_one_end(fixture: &Fixture) {
    let store = &*fixture.store;
    let empty = complete_listing(store, "").await;
    assert!(empty.entries.is_empty(), "the fixture's store is not empty: {:?}", empty.keys());

    let mut names: Vec<String> = (0..fixture.many).map(|n| format!("many/{}/{n:05}", n % 7)).collect();
    names.sort_unstable();
    stream::iter(&names).for_each_concurrent(16, |name| async move { drop(put(store, name, "x").await) }).await;

    let found = complete_listing(store, "").await;
    assert_eq!(found.keys(), names);
    let end = found.end.expect("a complete listing has an end");
    assert_eq!((end.entries, end.skipped), (len(&found.entries), len(&found.skipped)));
    assert_eq!(found.rest, 0, "nothing comes after the end");
}

/// Clause 2.
pub async fn clause_02_list_yields_keys_exactly_as_they_were_put(fixture: &Fixture) {
    let held = put_hard_keys(fixture, "clause 2").await;
    let found = complete_listing(&*fixture.store, "").await;
    assert_eq!(found.keys(), held.keys().map(String::as_str).collect::<Vec<_>>());
    for (name, bytes) in &held {
        assert_eq!(read(&*fixture.store, name).await, *bytes, "{name:?} holds the bytes of another key");
    }
}

/// Clause 3.
pub async fn clause_03_a_prefix_is_a_string_and_not_a_directory(fixture: &Fixture) {
    let held = put_hard_keys(fixture, "clause 3").await;
    for prefix in ["a/b", "a/", "a", "b", "b/", "é", "🎉", "/", "100%", "a+", " ", "nothing", "trailing/", "日本"]
    {
        let expected: Vec<_> = held.keys().map(String::as_str).filter(|name| name.starts_with(prefix)).collect();
        let found = complete_listing(&*fixture.store, prefix).await;
        assert_eq!(found.keys(), expected, "under the prefix {prefix:?}");
        assert_eq!(found.end.expect("a complete listing has an end").entries, len(&expected));
    }
}

/// Clause 4.
pub async fn clause_04_a_listing_that_fails_has_no_end(fixture: &Fixture) {
    let Some(broken) = fixture.broken() else {
        return skip("clause 4", "the fixture has no store whose listing fails");
    };
    let found = listing(broken, "").await;
    assert!(found.error.is_some(), "the listing of the broken store did not fail");
    assert!(found.end.is_none(), "a listing that failed has an end");
    assert_eq!(found.rest, 0, "something came after the error");
}

/// Clause 5.
pub async fn clause_05_get_gives_back_what_was_put(fixture: &Fixture) {
    let store = &*fixture.store;
    let bytes = Bytes::from((0..300_000u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    let mut meta = meta_of(&bytes);
    if fixture.has_headers {
        meta.headers = ContentHeaders {
            content_type: Some("image/x-test; charset=utf-8".to_owned()),
            content_encoding: Some("x-own".to_owned()),
            content_disposition: Some("attachment; filename=\"a b.png\"".to_owned()),
            content_language: Some("de, en".to_owned()),
            cache_control: Some("max-age=3600, private".to_owned()),
            expires: Some("Thu, 01 Dec 2033 16:00:00 GMT".to_owned()),
            website_redirect: None,
        };
    } else {
        skip("clause 5", "the store keeps no content headers");
    }
    if fixture.has_user_metadata {
        meta.user = pairs([("owner", "42"), ("title", "two words, and a comma"), ("dash-ed", "-")]);
    } else {
        skip("clause 5", "the store keeps no user metadata");
    }
    meta.storage_class.clone_from(&fixture.storage_class);
    if meta.storage_class.is_none() {
        skip("clause 5", "the store keeps no storage class");
    }

    store.put(&key("all/of it"), body(&bytes), &meta, PutMode::Create).await.expect("put");
    let (got, stream) = store.get(&key("all/of it"), GetOptions::default()).await.expect("get");
    assert_eq!(read_all(stream).await.expect("read"), bytes);
    for got in [got, store.head(&key("all/of it")).await.expect("head")] {
        // A server may add a content type where there was none, but never change one.
        let mut headers = got.headers;
        if meta.headers.content_type.is_none() {
            headers.content_type = None;
        }
        assert_eq!(headers, meta.headers);
        assert_eq!(got.user, meta.user);
        assert_eq!(got.storage_class, meta.storage_class);
    }

    let range = GetOptions::default().with_range(1000..2000);
    let (_, stream) = store.get(&key("all/of it"), range).await.expect("get a range");
    assert_eq!(read_all(stream).await.expect("read a range"), bytes.slice(1000..2000));

    put(store, "empty", "").await;
    assert_eq!(read(store, "empty").await, Bytes::new());
}

/// Clause 6.
pub async fn clause_06_head_and_get_agree_with_the_listing(fixture: &Fixture) {
    let held = put_hard_keys(fixture, "clause 6").await;
    let found = complete_listing(&*fixture.store, "").await;
    assert_eq!(found.entries.len(), held.len());
    for entry in &found.entries {
        let head = fixture.store.head(&entry.key).await.expect("head");
        let (get, stream) = fixture.store.get(&entry.key, GetOptions::default()).await.expect("get");
        assert_eq!(len(&read_all(stream).await.expect("read")), entry.size_bytes);
        for told in [head, get] {
            assert_eq!((told.size_bytes, &told.etag), (entry.size_bytes, &entry.etag), "{:?}", entry.key);
            assert!(ObjectMeta::is_same_instant(told.last_modified, entry.last_modified), "{:?}", entry.key);
        }
    }
}

/// Clause 7.
pub async fn clause_07_get_compares_the_entity_tag(fixture: &Fixture) {
    let store = &*fixture.store;
    put(store, "k", "old").await;
    let old = store.head(&key("k")).await.expect("head").etag;
    let (_, stream) = store.get(&key("k"), GetOptions::if_match(old.clone())).await.expect("get of the same state");
    assert_eq!(read_all(stream).await.expect("read"), "old");

    put(store, "k", "newer").await;
    let answer = store.get(&key("k"), GetOptions::if_match(old)).await;
    assert!(matches!(answer, Err(Error::Precondition { .. })), "{:?}", answer.map(|(meta, _)| meta));
}

/// Clause 8.
pub async fn clause_08_a_missing_key_is_not_found(fixture: &Fixture) {
    let store = &*fixture.store;
    put(store, "dir/there", "x").await;
    for missing in ["missing", "dir", "dir/there/below", "dir/ther", "dir/there "] {
        let head = store.head(&key(missing)).await;
        assert!(matches!(head, Err(Error::NotFound { .. })), "head of {missing:?}: {head:?}");
        let get = store.get(&key(missing), GetOptions::default()).await.map(|(meta, _)| meta);
        assert!(matches!(get, Err(Error::NotFound { .. })), "get of {missing:?}: {get:?}");
        let versions = store.versions(&key(missing)).await.expect("versions");
        assert!(versions.is_empty(), "versions of {missing:?}: {versions:?}");
    }
}

/// Clause 9.
pub async fn clause_09_a_body_that_ends_early_is_an_error(fixture: &Fixture) {
    let bytes = Bytes::from(vec![7; 4 << 20]);
    try_put(&*fixture.store, "long", &bytes, PutMode::Create).await.expect("put");
    match fixture.get_cut(&key("long")).await {
        Some(Ok((meta, stream))) => {
            assert_eq!(meta.size_bytes, len(&bytes), "get tells the whole length");
            let read = read_all(stream).await;
            assert!(
                read.is_err(),
                "a body of {} bytes instead of {} was taken",
                read.map_or(0, |b| b.len()),
                len(&bytes)
            );
        }
        Some(Err(error)) => panic!("the body was to be cut, not the answer: {error:?}"),
        None => skip("clause 9", "the fixture cannot cut a body"),
    }
}

/// Clause 10.
pub async fn clause_10_a_put_is_whole_or_not_there(fixture: &Fixture) {
    let store = &*fixture.store;
    put(store, "old", "kept").await;
    let piece = || Ok(Bytes::from_static(b"12345"));
    let lost = || Error::Protocol { operation: "read", object: "body".to_owned(), reason: "the line broke".to_owned() };
    for (name, mode) in [("new", PutMode::Create), ("new", PutMode::Replace), ("old", PutMode::Replace)] {
        let bodies: [(&str, Vec<Result<Bytes>>); 4] = [
            ("fails", vec![piece(), Err(lost())]),
            ("fails when its length is reached", vec![piece(), piece(), Err(lost())]),
            ("is short", vec![piece()]),
            ("is long", vec![piece(), piece(), piece()]),
        ];
        for (what, pieces) in bodies {
            let answer = store.put(&key(name), stream::iter(pieces).boxed(), &ObjectMeta::new(10), mode).await;
            assert!(answer.is_err(), "a body that {what} was taken");
            assert!(!is_there(store, "new").await, "a body that {what} left something behind");
            assert_eq!(read(store, "old").await, "kept", "a body that {what} replaced an object");
        }
    }
    assert_eq!(complete_listing(store, "").await.keys(), ["old"]);
}

/// Clause 11.
pub async fn clause_11_create_never_replaces(fixture: &Fixture) {
    let store = &*fixture.store;
    let promised = store.status().await.expect("status").guarantees.is_some_and(|g| g.creates_only);
    assert!(fixture.creates_only || !promised, "the store promises what the fixture denies");
    if !fixture.creates_only {
        return skip("clause 11", "the store does not promise it, and says so");
    }
    put(store, "k", "first").await;
    let answer = try_put(store, "k", &Bytes::from_static(b"second"), PutMode::Create).await;
    assert!(matches!(answer, Err(Error::Precondition { .. })), "{answer:?}");
    assert_eq!(read(store, "k").await, "first");

    let bodies: Vec<Bytes> = (0..8).map(|n| Bytes::from(format!("racer {n}"))).collect();
    let answers = join_all(bodies.iter().map(|bytes| try_put(store, "race", bytes, PutMode::Create))).await;
    let winners: Vec<_> = answers.iter().zip(&bodies).filter(|(answer, _)| answer.is_ok()).collect();
    assert_eq!(winners.len(), 1, "{answers:?}");
    assert_eq!(read(store, "race").await, *winners[0].1);
}

/// Clause 12.
pub async fn clause_12_delete_gives_each_request_its_outcome_and_touches_nothing_else(fixture: &Fixture) {
    let store = &*fixture.store;
    for &means in &fixture.means {
        let mut held = put_hard_keys(fixture, "clause 12").await;
        let found = complete_listing(store, "").await;
        // Every second one, so that each deleted key has neighbours that live.
        let doomed: Vec<_> =
            found.entries.iter().step_by(2).map(|entry| (entry.key.as_str(), entry.etag.clone())).collect();
        let batch: Vec<_> = doomed.iter().map(|(name, etag)| current(name, etag)).collect();
        for (outcome, (name, _)) in delete_all(store, &batch, means).await.iter().zip(&doomed) {
            assert!(matches!(outcome, DeleteOutcome::Deleted { .. }), "{means:?} of {name:?}: {outcome:?}");
            held.remove(*name);
        }
        let left = complete_listing(store, "").await;
        assert_eq!(left.keys(), held.keys().map(String::as_str).collect::<Vec<_>>(), "{means:?}");
        for (name, bytes) in &held {
            assert_eq!(read(store, name).await, *bytes, "{means:?}: {name:?}");
        }

        // Outcomes stay in order when they differ.
        let mixed: Vec<_> = found.entries.iter().map(|entry| current(entry.key.as_str(), &entry.etag)).collect();
        for (outcome, entry) in delete_all(store, &mixed, means).await.iter().zip(&found.entries) {
            if held.contains_key(entry.key.as_str()) {
                assert!(matches!(outcome, DeleteOutcome::Deleted { .. }), "{means:?} of {:?}: {outcome:?}", entry.key);
            }
        }
        assert!(complete_listing(store, "").await.entries.is_empty(), "{means:?}");
    }
}

/// Clause 13.
pub async fn clause_13_deleting_a_missing_object_is_ok(fixture: &Fixture) {
    let store = &*fixture.store;
    for &means in &fixture.means {
        put(store, "dir/neighbour", "x").await;
        put(store, "gone", "x").await;
        let etag = store.head(&key("gone")).await.expect("head").etag;
        for name in ["gone", "gone", "dir", "dir/neighbour/below", "never"] {
            let outcomes = delete_all(store, &[current(name, &etag)], means).await;
            let ok = matches!(outcomes[..], [DeleteOutcome::Deleted { .. } | DeleteOutcome::AlreadyGone]);
            assert!(ok, "{means:?} of {name:?}: {outcomes:?}");
        }
        assert_eq!(complete_listing(store, "").await.keys(), ["dir/neighbour"]);
    }
}

/// Clause 14.
pub async fn clause_14_delete_leaves_a_changed_object_alone(fixture: &Fixture) {
    let store = &*fixture.store;
    for &means in &fixture.means {
        if !matches!(means, DeleteMeans::BatchEtag | DeleteMeans::SingleEtag) {
            skip("clause 14", &format!("{means:?} compares nothing"));
            continue;
        }
        put(store, "changed", "staged").await;
        put(store, "elsewhere", "staged").await;
        put(store, "same", "staged").await;
        let mut batch = Vec::new();
        for name in ["changed", "same", "elsewhere"] {
            batch.push(current(name, &store.head(&key(name)).await.expect("head").etag));
        }
        put(store, "changed", "rewritten").await;
        if !fixture.rewrite(&key("elsewhere"), Bytes::from_static(b"by another")).await {
            put(store, "elsewhere", "by another").await;
        }
        let outcomes = delete_all(store, &batch, means).await;
        let expected = [DeleteOutcome::Changed, DeleteOutcome::Deleted { marker: None }, DeleteOutcome::Changed];
        for ((outcome, expected), request) in outcomes.iter().zip(&expected).zip(&batch) {
            let same = std::mem::discriminant(outcome) == std::mem::discriminant(expected);
            assert!(same, "{means:?} of {:?}: {outcome:?}", request.key);
        }
        assert_eq!(read(store, "changed").await, "rewritten");
        assert_eq!(read(store, "elsewhere").await, "by another");
        assert!(!is_there(store, "same").await);
    }
}

/// Clause 15.
pub async fn clause_15_delete_asks_the_guard(fixture: &Fixture) {
    let store = &*fixture.store;
    let names = ["g/1", "g/2", "g/3", "g/4"];
    for &means in &fixture.means {
        for allowed in 0..3 {
            let mut batch = Vec::new();
            for name in names {
                put(store, name, "guarded").await;
                batch.push(current(name, &store.head(&key(name)).await.expect("head").etag));
            }
            let guard = Allow::times(allowed);
            let outcomes = delete(store, &batch, means, &guard).await.expect("outcomes, not an error");
            assert!(guard.asked() > 0, "{means:?}: the guard was not asked");
            assert_eq!(outcomes.len(), batch.len());
            let mut deleted = 0;
            for (name, outcome) in names.iter().zip(&outcomes) {
                match outcome {
                    DeleteOutcome::Deleted { .. } => {
                        deleted += 1;
                        assert!(!is_there(store, name).await, "{means:?}: {name} is reported deleted and lives");
                    }
                    DeleteOutcome::Refused(Error::SignRefused(SignRefused(_))) => {
                        assert!(is_there(store, name).await, "{means:?}: {name} is reported refused and is gone");
                    }
                    other => panic!("{means:?} with {allowed} signatures allowed: {name}: {other:?}"),
                }
            }
            let is_single = means == DeleteMeans::SingleEtag;
            assert!(allowed > 0 || deleted == 0, "{means:?}: deleted without a signature");
            assert!(!is_single || deleted <= allowed, "{means:?}: {deleted} deleted with {allowed} signatures");
        }
    }
}

/// Clause 16.
pub async fn clause_16_delete_never_sends_a_request_twice(fixture: &Fixture) {
    let store = &*fixture.store;
    for &means in &fixture.means {
        let mut batch = Vec::new();
        for name in ["t/1", "t/2", "t/3"] {
            put(store, name, "once").await;
            batch.push(current(name, &store.head(&key(name)).await.expect("head").etag));
        }
        let guard = Allow::times(u64::MAX);
        let outcomes = delete(store, &batch, means, &guard).await.expect("delete");
        assert!(outcomes.iter().all(|outcome| matches!(outcome, DeleteOutcome::Deleted { .. })), "{outcomes:?}");
        assert!(guard.asked() <= len(&batch), "{means:?}: {} signatures for {} requests", guard.asked(), batch.len());

        let Some(wire) = fixture.wire() else {
            skip("clause 16", "the fixture cannot lose an answer");
            continue;
        };
        put(store, "t/lost", "once").await;
        let request = current("t/lost", &store.head(&key("t/lost")).await.expect("head").etag);
        let before = (wire.delete_requests)();
        (wire.lose_next_answer)();
        let outcomes = delete(store, &[request], means, &Allow::times(u64::MAX)).await.expect("outcomes, not an error");
        assert!(matches!(outcomes[..], [DeleteOutcome::Unknown(_)]), "{means:?}: {outcomes:?}");
        assert_eq!((wire.delete_requests)() - before, 1, "{means:?}: the request was sent again");
    }
}

/// Clause 17.
pub async fn clause_17_a_rewritten_object_can_be_told_from_the_old_one(fixture: &Fixture) {
    let store = &*fixture.store;
    put(store, "k", "bytes").await;
    let first = store.head(&key("k")).await.expect("head");
    put(store, "k", "other").await;
    let second = store.head(&key("k")).await.expect("head");
    assert_ne!(first.etag, second.etag, "other bytes of the same length");

    // Same bytes may get the same tag; then the time differs, as soon as a second has passed.
    for past_the_store in [false, true] {
        let before = store.head(&key("k")).await.expect("head");
        tokio::time::sleep(Duration::from_millis(1100)).await;
        if !past_the_store {
            put(store, "k", "other").await;
        } else if !fixture.rewrite(&key("k"), Bytes::from_static(b"other")).await {
            return skip("clause 17", "the fixture cannot write past the store");
        }
        let after = store.head(&key("k")).await.expect("head");
        let same = before.etag == after.etag && ObjectMeta::is_same_instant(before.last_modified, after.last_modified);
        assert!(!same, "rewritten with the same bytes: {before:?} and {after:?}");
    }
}

/// Clause 18.
pub async fn clause_18_an_unsafe_key_is_refused_and_nothing_is_written(fixture: &Fixture) {
    let store = &*fixture.store;
    let mut held: BTreeMap<&str, Bytes> = BTreeMap::new();
    for name in &fixture.keys {
        let bytes = Bytes::from(format!("of {name}"));
        match try_put(store, name, &bytes, PutMode::Replace).await {
            Ok(_) => drop(held.insert(name, bytes)),
            Err(Error::UnsafeKey { key, reason }) => {
                assert_eq!(key, *name, "the error names another key");
                assert!(!reason.is_empty(), "the error gives no reason");
                assert!(!is_there(store, name).await, "{name:?} was refused and is there");
            }
            Err(error) => panic!("put {name:?}: {error:?}"),
        }
    }
    let found = complete_listing(store, "").await;
    assert_eq!(found.keys(), held.keys().copied().collect::<Vec<_>>());
    assert!(found.skipped.is_empty(), "a refused key left a name behind: {:?}", found.skipped);
    let read_back =
        stream::iter(held.keys()).then(|name| async move { Ok::<_, Error>((*name, read(store, name).await)) });
    assert_eq!(read_back.try_collect::<BTreeMap<_, _>>().await.expect("read back"), held);
}

/// Clause 19.
pub async fn clause_19_tags_are_given_back_as_they_were_put(fixture: &Fixture) {
    let store = &*fixture.store;
    put(store, "untagged", "x").await;
    assert_eq!(store.tags(&key("untagged")).await.expect("tags"), BTreeMap::new());
    assert!(matches!(store.tags(&key("missing")).await, Err(Error::NotFound { .. })));
    if !fixture.has_tags {
        return skip("clause 19", "the store keeps no tags");
    }
    let bytes = Bytes::from_static(b"tagged");
    let mut meta = meta_of(&bytes);
    let tags = pairs([("team", "web & mobile"), ("cost/center", "a=b+c"), ("empty", "")]);
    meta.tags = Some(tags.clone());
    store.put(&key("tagged"), body(&bytes), &meta, PutMode::Create).await.expect("put");
    assert_eq!(store.tags(&key("tagged")).await.expect("tags"), tags);
    assert_eq!(read(store, "tagged").await, bytes);

    put(store, "tagged", "replaced without tags").await;
    assert_eq!(store.tags(&key("tagged")).await.expect("tags"), BTreeMap::new());
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn len<T>(items: &(impl AsRef<[T]> + ?Sized)) -> u64 {
    u64::try_from(items.as_ref().len()).expect("a length fits into 64 bits")
}

#[cfg(test)]
mod tests;
