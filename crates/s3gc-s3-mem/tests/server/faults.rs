use std::time::{Duration, Instant};

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, When};

use super::{code, start};

#[tokio::test]
async fn a_fault_strikes_the_nth_request_of_an_operation() {
    let (server, bucket, client) = start().await;
    bucket.put("k", "x", PutSpec::default());
    server.inject(Fault::new(Effect::SlowDown).on(Op::GetObject).when(When::Nth(2)));
    let get = || client.get_object().bucket("photos").key("k").send();
    assert!(get().await.is_ok());
    assert_eq!(code(get().await), "SlowDown");
    assert!(get().await.is_ok());
    server.inject(Fault::new(Effect::InternalError).key("k").when(When::First(1)));
    assert!(
        client
            .head_object()
            .bucket("photos")
            .key("other")
            .send()
            .await
            .unwrap_err()
            .raw_response()
            .unwrap()
            .status()
            .as_u16()
            == 404
    );
    assert_eq!(code(get().await), "InternalError");
    assert!(get().await.is_ok());
}

#[tokio::test]
async fn an_unanswered_delete_took_effect_and_a_refused_one_did_not() {
    let (server, bucket, client) = start().await;
    bucket.put("a", "x", PutSpec::default());
    bucket.put("b", "x", PutSpec::default());
    server.inject(Fault::new(Effect::DropAfter).on(Op::DeleteObject).when(When::Nth(1)));
    server.inject(Fault::new(Effect::DropBefore).on(Op::DeleteObject).when(When::Nth(2)));
    let a = client.delete_object().bucket("photos").key("a").send().await.unwrap_err();
    let b = client.delete_object().bucket("photos").key("b").send().await.unwrap_err();
    assert!(a.raw_response().is_none() && b.raw_response().is_none());
    assert_eq!(bucket.keys(), ["b"]);
}

#[tokio::test]
async fn a_body_can_be_cut_short() {
    let (server, bucket, client) = start().await;
    bucket.put("k", vec![7; 100_000], PutSpec::default());
    server.inject(Fault::new(Effect::CutBody(70_000)));
    let got = client.get_object().bucket("photos").key("k").send().await.unwrap();
    assert_eq!(got.content_length(), Some(100_000));
    assert!(got.body.collect().await.is_err());
}

#[tokio::test]
async fn an_answer_can_be_late() {
    let (server, _bucket, client) = start().await;
    server.inject(Fault::new(Effect::Latency(Duration::from_millis(80))).on(Op::HeadBucket));
    let begin = Instant::now();
    client.head_bucket().bucket("photos").send().await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_batch_can_fail_for_one_key_or_forget_one() {
    let (server, bucket, client) = start().await;
    for key in ["a", "b", "c"] {
        bucket.put(key, "x", PutSpec::default());
    }
    server.inject(Fault::new(Effect::KeyError("InternalError")).key("a"));
    server.inject(Fault::new(Effect::KeyUnanswered).key("b"));
    let objects = ["a", "b", "c"].map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(objects.to_vec())).build().unwrap();
    let answer = client.delete_objects().bucket("photos").delete(delete).send().await.unwrap();
    assert_eq!(answer.deleted().iter().map(|d| d.key().unwrap()).collect::<Vec<_>>(), ["c"]);
    assert_eq!(answer.errors()[0].code(), Some("InternalError"));
    assert_eq!(bucket.keys(), ["a"]);
}

#[tokio::test]
async fn a_hook_runs_before_and_after_an_operation_takes_effect() {
    let (server, bucket, client) = start().await;
    bucket.put("k", "old", PutSpec::default());
    let (inside, seen) = (bucket.clone(), bucket.clone());
    server.before(Op::DeleteObject, move |key| {
        inside.put(key, "new", PutSpec::default());
    });
    server.after(Op::DeleteObject, move |key| assert!(seen.object(key).is_some()));
    let old = bucket.object("k").unwrap().etag;
    assert_eq!(code(client.delete_object().bucket("photos").key("k").if_match(old).send().await), "PreconditionFailed");
    assert_eq!(bucket.object("k").unwrap().bytes().as_ref(), b"new");
}

#[tokio::test]
async fn denied_operations_change_nothing() {
    let (server, bucket, client) = start().await;
    bucket.put("k", "x", PutSpec::default());
    server.deny(Op::ListObjectsV2);
    assert_eq!(code(client.list_objects_v2().bucket("photos").send().await), "AccessDenied");
    server.set_read_only(true);
    assert_eq!(code(client.delete_object().bucket("photos").key("k").send().await), "AccessDenied");
    assert_eq!(code(client.put_object().bucket("photos").key("n").send().await), "AccessDenied");
    assert!(client.head_object().bucket("photos").key("k").send().await.is_ok());
    assert_eq!(bucket.keys(), ["k"]);
}
