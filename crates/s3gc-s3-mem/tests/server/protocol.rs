use aws_sdk_s3::error::ProvideErrorMetadata;
use s3gc_s3_mem::{Op, Options, PutSpec, S3Mem, SECRET_KEY, Timestamp};

use super::{client, code, start};

#[tokio::test]
async fn a_wrong_secret_is_refused() {
    let (server, _bucket, _client) = start().await;
    let stranger = client(&server, "us-east-1", "wrong");
    assert_eq!(code(stranger.list_objects_v2().bucket("photos").send().await), "SignatureDoesNotMatch");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn another_region_is_told_where_the_bucket_is() {
    let server = S3Mem::start(Options::default().bucket("photos").region("eu-west-1")).await.unwrap();
    assert!(client(&server, "eu-west-1", SECRET_KEY).head_bucket().bucket("photos").send().await.is_ok());
    let wrong = client(&server, "eu-north-1", SECRET_KEY).list_objects_v2().bucket("photos").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("AuthorizationHeaderMalformed"));
    let response = wrong.raw_response().unwrap();
    assert_eq!((response.status().as_u16(), response.headers().get("x-amz-bucket-region")), (400, Some("eu-west-1")));
    let global = client(&server, "us-east-1", SECRET_KEY).list_objects_v2().bucket("photos").send().await.unwrap_err();
    assert_eq!(global.raw_response().unwrap().status().as_u16(), 301);
}

#[tokio::test]
async fn requests_are_recorded_with_their_keys() {
    let (server, bucket, client) = start().await;
    bucket.put("k", "x", PutSpec::default());
    assert!(server.requests().is_empty());
    client.get_object().bucket("photos").key("k").send().await.unwrap();
    client.put_object().bucket("photos").key("n").send().await.unwrap();
    let ops: Vec<_> = server.requests().into_iter().map(|request| (request.op, request.keys)).collect();
    assert_eq!(ops, [(Op::GetObject, vec!["k".to_owned()]), (Op::PutObject, vec!["n".to_owned()])]);
    assert_eq!(server.writes().len(), 1);
}

#[tokio::test]
async fn the_servers_clock_can_be_off() {
    let (server, _bucket, client) = start().await;
    server.set_clock_offset(jiff_hours(-2));
    let put = client.put_object().bucket("photos").key("k").send().await;
    put.unwrap();
    let head = client.head_object().bucket("photos").key("k").send().await.unwrap();
    let age = Timestamp::from_second(head.last_modified().unwrap().secs()).unwrap().duration_until(now());
    assert!((7195..7300).contains(&age.as_secs()), "{age:?}");
}

#[tokio::test]
async fn a_bucket_tells_of_itself() {
    let (_server, bucket, client) = start().await;
    assert_eq!(
        code(client.get_object_lock_configuration().bucket("photos").send().await),
        "ObjectLockConfigurationNotFoundError"
    );
    bucket.set_object_lock(true);
    assert!(client.get_object_lock_configuration().bucket("photos").send().await.is_ok());
    client.create_bucket().bucket("other").send().await.unwrap();
    assert_eq!(client.list_buckets().send().await.unwrap().buckets().len(), 2);
    client.get_bucket_location().bucket("photos").send().await.unwrap();
    assert!(client.head_bucket().bucket("nothere").send().await.unwrap_err().into_service_error().is_not_found());
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn jiff_hours(hours: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(hours)
}
