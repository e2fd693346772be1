use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use s3gc_s3_mem::{Bucket, Effect, Fault, Op, PutSpec, VersioningState, When};
use s3gc_store::{
    DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, ETag, Error, ObjectStore, SignGuard, SignRefused,
    VersionId,
};
use s3gc_store_s3::{DeleteChecksum, S3Store};

use super::{config, key, start};

const ALL: [DeleteMeans; 4] =
    [DeleteMeans::BatchEtag, DeleteMeans::SingleEtag, DeleteMeans::Marker, DeleteMeans::Unconditional];

/// Allows so many signatures.
struct Allow(AtomicUsize);

impl Allow {
    fn all() -> Self {
        Self(AtomicUsize::new(usize::MAX))
    }

    fn only(times: usize) -> Self {
        Self(AtomicUsize::new(times))
    }
}

impl SignGuard for Allow {
    fn may_sign(&self) -> Result<(), SignRefused> {
        let left = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| SignRefused("too late".to_owned()))
    }
}

fn request(bucket: &Bucket, name: &str) -> DeleteRequest {
    let tag = bucket.object(name).map_or_else(|| "none".to_owned(), |object| object.etag);
    DeleteRequest { key: key(name), target: DeleteTarget::Current { if_match: ETag::new(&tag) } }
}

fn with_tag(name: &str, tag: &str) -> DeleteRequest {
    DeleteRequest { key: key(name), target: DeleteTarget::Current { if_match: ETag::new(tag) } }
}

async fn delete(store: &S3Store, batch: &[DeleteRequest], means: DeleteMeans) -> Vec<DeleteOutcome> {
    let outcomes = store.delete(batch, means, &Allow::all()).await.unwrap();
    assert_eq!(outcomes.len(), batch.len());
    outcomes
}

#[tokio::test]
async fn every_means_deletes_what_it_is_asked_and_nothing_else() {
    for means in ALL {
        let (_server, bucket, store) = start().await;
        let names = ["a", "a/", "/a", "a//b", " a ", "a b+c", "%2F", "é", "😀", "a\nb", "a\u{1}b", "a&<>\"'"];
        for name in names {
            bucket.put(name, "x", PutSpec::default());
            bucket.put(&format!("{name}.kept"), "x", PutSpec::default());
        }
        bucket.put("b", "x", PutSpec::default());
        let batch: Vec<_> = names.iter().map(|name| request(&bucket, name)).collect();
        for outcome in delete(&store, &batch, means).await {
            assert!(matches!(outcome, DeleteOutcome::Deleted { marker: None }), "{means:?}: {outcome:?}");
        }
        assert_eq!(bucket.len(), names.len() + 1, "{means:?}");
        assert!(names.iter().all(|name| bucket.object(name).is_none()), "{means:?}");
    }
}

#[tokio::test]
async fn i03_a_rewritten_object_survives_a_compared_deletion() {
    for means in [DeleteMeans::BatchEtag, DeleteMeans::SingleEtag] {
        let (server, bucket, store) = start().await;
        for name in ["changed", "same", "gone"] {
            bucket.put(name, "old", PutSpec::default());
        }
        let batch = ["changed", "same", "gone"].map(|name| request(&bucket, name));
        let (hand, op) = match means {
            DeleteMeans::BatchEtag => (bucket.clone(), Op::DeleteObjects),
            _ => (bucket.clone(), Op::DeleteObject),
        };
        server.before(op, move |name| match name {
            "changed" => drop(hand.put(name, "new", PutSpec::default())),
            "gone" => hand.delete(name),
            _ => {}
        });
        let outcomes = delete(&store, &batch, means).await;
        assert!(matches!(outcomes[0], DeleteOutcome::Changed), "{outcomes:?}");
        assert!(matches!(outcomes[1], DeleteOutcome::Deleted { .. }), "{outcomes:?}");
        assert!(matches!(outcomes[2], DeleteOutcome::AlreadyGone), "{outcomes:?}");
        assert_eq!(bucket.object("changed").unwrap().bytes().as_ref(), b"new");
        assert_eq!(bucket.keys(), ["changed"]);
    }
}

#[tokio::test]
async fn a_large_batch_is_split_and_answered_in_order() {
    let (server, bucket, store) = start().await;
    bucket.seed((0..2345).map(|n| (format!("k{n:05}"), 1)), s3gc_s3_mem::Timestamp::UNIX_EPOCH);
    let mut batch: Vec<_> = bucket.keys().iter().map(|name| request(&bucket, name)).collect();
    batch[1234] = with_tag("k01234", "other");
    let outcomes = delete(&store, &batch, DeleteMeans::BatchEtag).await;
    for (index, outcome) in outcomes.iter().enumerate() {
        let right = match outcome {
            DeleteOutcome::Changed => index == 1234,
            DeleteOutcome::Deleted { .. } => index != 1234,
            _ => false,
        };
        assert!(right, "{index}: {outcome:?}");
    }
    assert_eq!((server.count(Op::DeleteObjects), server.requests().len()), (3, 3));
    assert_eq!(bucket.keys(), ["k01234"]);
}

#[tokio::test]
async fn i03_an_unanswered_deletion_is_unknown_and_never_sent_again() {
    for means in ALL {
        for effect in
            [Effect::DropAfter, Effect::DropBefore, Effect::ErrorAfter, Effect::InternalError, Effect::SlowDown]
        {
            let (server, bucket, store) = start().await;
            for name in ["a", "b"] {
                bucket.put(name, "x", PutSpec::default());
            }
            server.inject(Fault::new(effect.clone()));
            let batch = ["a", "b"].map(|name| request(&bucket, name));
            for outcome in delete(&store, &batch, means).await {
                assert!(matches!(outcome, DeleteOutcome::Unknown(_)), "{means:?} {effect:?}: {outcome:?}");
            }
            let expected = if means == DeleteMeans::SingleEtag { 2 } else { 1 };
            assert_eq!(server.requests().len(), expected, "{means:?} {effect:?}");
        }
    }
}

#[tokio::test]
async fn a_late_answer_is_unknown() {
    let (server, bucket, _) = start().await;
    let store = S3Store::connect(config(&server).with_attempt_timeout(Duration::from_secs(1))).await.unwrap();
    bucket.put("a", "x", PutSpec::default());
    server.inject(Fault::new(Effect::Latency(Duration::from_secs(5))));
    let outcomes = delete(&store, &[request(&bucket, "a")], DeleteMeans::SingleEtag).await;
    assert!(matches!(outcomes[0], DeleteOutcome::Unknown(Error::Unavailable { .. })), "{outcomes:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn each_key_of_a_batch_has_its_own_outcome() {
    let (server, bucket, store) = start().await;
    for name in ["ok", "denied", "internal", "slow", "silent", "held"] {
        bucket.put(name, "x", PutSpec::default());
    }
    bucket.put("held", "x", PutSpec::default().legal_hold());
    server.inject(Fault::new(Effect::KeyError("AccessDenied")).key("denied"));
    server.inject(Fault::new(Effect::KeyError("InternalError")).key("internal"));
    server.inject(Fault::new(Effect::KeyError("SlowDown")).key("slow"));
    server.inject(Fault::new(Effect::KeyUnanswered).key("silent"));
    let names = ["ok", "denied", "internal", "slow", "silent", "held", "missing"];
    let batch = names.map(|name| request(&bucket, name));
    let outcomes = delete(&store, &batch, DeleteMeans::BatchEtag).await;
    assert!(matches!(outcomes[0], DeleteOutcome::Deleted { .. }));
    assert!(matches!(outcomes[1], DeleteOutcome::Refused(Error::AccessDenied { .. })), "{outcomes:?}");
    assert!(matches!(outcomes[2], DeleteOutcome::Unknown(Error::Unavailable { .. })), "{outcomes:?}");
    assert!(matches!(outcomes[3], DeleteOutcome::Unknown(Error::SlowDown { .. })), "{outcomes:?}");
    assert!(matches!(outcomes[4], DeleteOutcome::Unknown(Error::Protocol { .. })), "{outcomes:?}");
    assert!(matches!(outcomes[5], DeleteOutcome::Refused(Error::AccessDenied { .. })), "{outcomes:?}");
    assert!(matches!(outcomes[6], DeleteOutcome::AlreadyGone), "{outcomes:?}");
    assert_eq!(server.count(Op::DeleteObjects), 1);
}

#[tokio::test]
async fn a_denied_deletion_is_refused_and_the_object_lives() {
    for means in ALL {
        let (server, bucket, store) = start().await;
        bucket.put("a", "x", PutSpec::default());
        bucket.put("b", "x", PutSpec::default());
        server.set_read_only(true);
        for outcome in delete(&store, &["a", "b"].map(|name| request(&bucket, name)), means).await {
            assert!(matches!(outcome, DeleteOutcome::Refused(Error::AccessDenied { .. })), "{outcome:?}");
        }
        assert_eq!(bucket.len(), 2);
    }
}

#[tokio::test]
async fn i09_nothing_is_sent_after_the_guard_refuses() {
    let (server, bucket, store) = start().await;
    bucket.seed((0..2500).map(|n| (format!("k{n:05}"), 1)), s3gc_s3_mem::Timestamp::UNIX_EPOCH);
    let batch: Vec<_> = bucket.keys().iter().map(|name| request(&bucket, name)).collect();
    let outcomes = store.delete(&batch, DeleteMeans::BatchEtag, &Allow::only(1)).await.unwrap();
    let deleted = outcomes.iter().filter(|outcome| matches!(outcome, DeleteOutcome::Deleted { .. })).count();
    let refused =
        outcomes.iter().filter(|outcome| matches!(outcome, DeleteOutcome::Refused(Error::SignRefused(_)))).count();
    assert_eq!((deleted, refused), (1000, 1500));
    assert_eq!((server.requests().len(), bucket.len()), (1, 1500));
    let outcomes = store.delete(&batch[2000..2003], DeleteMeans::SingleEtag, &Allow::only(0)).await.unwrap();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, DeleteOutcome::Refused(Error::SignRefused(_)))));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn i09_the_guard_is_asked_when_its_turn_comes_and_not_before() {
    let (server, bucket, _) = start().await;
    let store = S3Store::connect(config(&server).with_max_in_flight(1)).await.unwrap();
    for name in ["a", "b", "c"] {
        bucket.put(name, "x", PutSpec::default());
    }
    server.inject(Fault::new(Effect::Latency(Duration::from_millis(200))));
    let until = std::time::Instant::now() + Duration::from_millis(300);
    struct Until(std::time::Instant);
    impl SignGuard for Until {
        fn may_sign(&self) -> Result<(), SignRefused> {
            if std::time::Instant::now() < self.0 { Ok(()) } else { Err(SignRefused("too late".to_owned())) }
        }
    }
    let batch = ["a", "b", "c"].map(|name| request(&bucket, name));
    let outcomes = store.delete(&batch, DeleteMeans::SingleEtag, &Until(until)).await.unwrap();
    assert!(matches!(outcomes[2], DeleteOutcome::Refused(Error::SignRefused(_))), "{outcomes:?}");
    assert_eq!(server.requests().len(), 2);
    assert_eq!(bucket.keys(), ["c"]);
}

#[tokio::test]
async fn i03_a_marker_hides_and_its_removal_brings_the_object_back() {
    for names in [vec!["a"], vec!["a", "b"]] {
        let (_server, bucket, store) = start().await;
        bucket.set_versioning(VersioningState::Enabled);
        for name in &names {
            bucket.put(name, "x", PutSpec::default());
        }
        let batch: Vec<_> = names.iter().map(|name| request(&bucket, name)).collect();
        let mut undo = Vec::new();
        for (name, outcome) in names.iter().zip(delete(&store, &batch, DeleteMeans::Marker).await) {
            let DeleteOutcome::Deleted { marker: Some(marker) } = outcome else { panic!("{outcome:?}") };
            assert_eq!(marker.as_str(), bucket.versions(name)[0].id);
            undo.push(DeleteRequest { key: key(name), target: DeleteTarget::OwnMarker(marker) });
        }
        assert!(bucket.is_empty());
        for outcome in delete(&store, &undo, DeleteMeans::Marker).await {
            assert!(matches!(outcome, DeleteOutcome::Deleted { marker: None }), "{outcome:?}");
        }
        assert_eq!(bucket.keys(), names);
        for outcome in delete(&store, &undo, DeleteMeans::Marker).await {
            assert!(matches!(outcome, DeleteOutcome::Deleted { marker: None }), "{outcome:?}");
        }
        assert_eq!(bucket.keys(), names, "no version but our own marker is ever deleted");
    }
}

#[tokio::test]
async fn a_suspended_bucket_tells_its_null_marker() {
    let (_server, bucket, store) = start().await;
    bucket.set_versioning(VersioningState::Suspended);
    bucket.put("a", "x", PutSpec::default());
    let outcomes = delete(&store, &[request(&bucket, "a")], DeleteMeans::SingleEtag).await;
    assert!(matches!(&outcomes[0], DeleteOutcome::Deleted { marker: Some(id) } if *id == VersionId::new("null")));
}

#[tokio::test]
async fn a_server_that_wants_content_md5_gets_it_for_good() {
    let (server, bucket, store) = start().await;
    server.quirks(|quirks| quirks.needs_content_md5 = true);
    for round in 0..2 {
        for name in ["a", "b"] {
            bucket.put(name, "x", PutSpec::default());
        }
        let batch = ["a", "b"].map(|name| request(&bucket, name));
        for outcome in delete(&store, &batch, DeleteMeans::BatchEtag).await {
            assert!(matches!(outcome, DeleteOutcome::Deleted { .. }), "{outcome:?}");
        }
        assert_eq!(server.count(Op::DeleteObjects), 2 + round);
    }
    bucket.put("a", "x", PutSpec::default());
    bucket.put("b", "x", PutSpec::default());
    let batch = ["a", "b"].map(|name| request(&bucket, name));
    let fresh = S3Store::connect(config(&server)).await.unwrap();
    let outcomes = fresh.delete(&batch, DeleteMeans::BatchEtag, &Allow::only(1)).await.unwrap();
    assert!(matches!(outcomes[0], DeleteOutcome::Refused(Error::SignRefused(_))), "the guard is asked again");
    let crc32 = config(&server).with_delete_checksum(DeleteChecksum::Crc32);
    let outcomes = delete(&S3Store::connect(crc32).await.unwrap(), &batch, DeleteMeans::BatchEtag).await;
    assert!(matches!(outcomes[0], DeleteOutcome::Refused(_)), "{outcomes:?}");
    let md5 = config(&server).with_delete_checksum(DeleteChecksum::Md5);
    server.clear_requests();
    let outcomes = delete(&S3Store::connect(md5).await.unwrap(), &batch, DeleteMeans::BatchEtag).await;
    assert!(matches!(outcomes[0], DeleteOutcome::Deleted { .. }), "{outcomes:?}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn l12_a_server_may_ignore_the_condition_and_only_a_probe_can_tell() {
    let (server, bucket, store) = start().await;
    server.quirks(|quirks| (quirks.ignore_if_match_on_delete, quirks.ignore_etag_in_batch) = (true, true));
    for (name, means) in [("a", DeleteMeans::SingleEtag), ("b", DeleteMeans::BatchEtag)] {
        bucket.put(name, "x", PutSpec::default());
        bucket.put("z", "x", PutSpec::default());
        let outcomes = delete(&store, &[with_tag(name, "other"), with_tag("z", "other")], means).await;
        assert!(matches!(outcomes[0], DeleteOutcome::Deleted { .. }), "{outcomes:?}");
    }
    assert_eq!(server.count(Op::DeleteObjects), 1);
}

#[tokio::test]
async fn the_first_request_may_fail_and_the_second_is_not_touched_by_it() {
    let (server, bucket, store) = start().await;
    bucket.seed((0..1500).map(|n| (format!("k{n:05}"), 1)), s3gc_s3_mem::Timestamp::UNIX_EPOCH);
    let batch: Vec<_> = bucket.keys().iter().map(|name| request(&bucket, name)).collect();
    server.inject(Fault::new(Effect::InternalError).when(When::Nth(1)));
    let outcomes = delete(&store, &batch, DeleteMeans::Unconditional).await;
    let unknown = outcomes.iter().filter(|outcome| matches!(outcome, DeleteOutcome::Unknown(_))).count();
    assert!(unknown == 1000 || unknown == 500, "{unknown}");
    assert_eq!(bucket.len(), unknown);
}
