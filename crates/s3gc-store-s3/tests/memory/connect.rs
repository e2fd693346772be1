use std::time::{Duration, Instant};

use jiff::SignedDuration;
use s3gc_s3_mem::{Effect, Fault, Op, Options, S3Mem, SECRET_KEY, Timestamp, VersioningState};
use s3gc_store::{Error, ObjectStore, Versioning};
use s3gc_store_s3::{S3Config, S3Store};

use super::{config, key, start};

#[tokio::test]
async fn the_location_names_the_server_and_the_bucket() {
    let (server, _, store) = start().await;
    let address = server.endpoint().replace("http://", "");
    assert_eq!(store.location().as_str(), format!("s3+http://{address}/photos"));
    let aws = S3Store::connect(S3Config::new("photos").with_region("eu-west-1")).await.unwrap();
    assert_eq!(aws.location().as_str(), "s3://photos");
    let wrong = S3Store::connect(S3Config::new("photos").with_endpoint("minio:9000")).await.unwrap_err();
    assert!(wrong.to_string().starts_with("connect "), "{wrong}");
}

#[tokio::test]
async fn l20_the_status_tells_the_stores_clock_and_versioning() {
    let (server, bucket, store) = start().await;
    server.set_clock_offset(SignedDuration::from_mins(-7));
    for (state, versioning) in [
        (VersioningState::Off, Versioning::Off),
        (VersioningState::Enabled, Versioning::Enabled),
        (VersioningState::Suspended, Versioning::Suspended),
    ] {
        bucket.set_versioning(state);
        let status = store.status().await.unwrap();
        assert_eq!(status.versioning, versioning);
        let behind = status.now.unwrap().duration_until(Timestamp::now()).as_secs();
        assert!((418..430).contains(&behind), "{behind}");
        assert!(!status.object_lock && status.guarantees.is_none());
    }
    bucket.set_object_lock(true);
    assert!(store.status().await.unwrap().object_lock);
    assert!(server.writes().is_empty());
}

#[tokio::test]
async fn who_may_not_ask_for_locks_gets_them_looked_for() {
    let (server, _, store) = start().await;
    server.deny(Op::GetObjectLockConfiguration);
    assert!(store.status().await.unwrap().object_lock);
    server.deny(Op::GetBucketVersioning);
    assert!(matches!(store.status().await, Err(Error::AccessDenied { .. })));
}

#[tokio::test]
async fn a_missing_bucket_is_no_such_store() {
    let (server, _, _) = start().await;
    let mut config = config(&server);
    config.bucket = "nothere".to_owned();
    let store = S3Store::connect(config).await.unwrap();
    assert!(matches!(store.status().await, Err(Error::NoSuchStore { .. })));
}

#[tokio::test]
async fn a_wrong_region_is_named() {
    let server = S3Mem::start(Options::default().bucket("photos").region("eu-west-1")).await.unwrap();
    for region in ["us-east-1", "eu-north-1"] {
        let store = S3Store::connect(config(&server).with_region(region)).await.unwrap();
        for error in [store.status().await.unwrap_err(), store.head(&key("k")).await.unwrap_err()] {
            match error {
                Error::WrongRegion { configured, actual, .. } => {
                    assert_eq!((configured.as_str(), actual.as_deref()), (region, Some("eu-west-1")));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn i12_wrong_credentials_are_told_without_the_secret() {
    let (server, _, _) = start().await;
    let wrong = config(&server).with_credentials(s3gc_s3_mem::ACCESS_KEY, "not-the-secret", None);
    let error = S3Store::connect(wrong).await.unwrap().status().await.unwrap_err();
    assert!(matches!(error, Error::Credentials { .. }), "{error:?}");
    let shown = format!("{error:?}");
    assert!(!shown.contains("not-the-secret") && !shown.contains(SECRET_KEY), "{shown}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_soon_unavailable() {
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = S3Config::new("photos").with_endpoint(format!("http://{address}")).with_credentials("a", "b", None);
    let store = S3Store::connect(config).await.unwrap();
    let begin = Instant::now();
    let error = store.status().await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }) && error.is_transient(), "{error:?}");
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn reads_are_repeated_and_then_given_up() {
    let (server, bucket, store) = start().await;
    bucket.put("k", "x", Default::default());
    server.inject(Fault::new(Effect::SlowDown).on(Op::HeadObject).when(s3gc_s3_mem::When::First(2)));
    store.head(&key("k")).await.unwrap();
    assert_eq!(server.count(Op::HeadObject), 3);
    server.inject(Fault::new(Effect::InternalError).on(Op::GetBucketVersioning));
    assert!(matches!(store.status().await, Err(Error::Unavailable { .. })));
    server.clear_faults();
    server.inject(Fault::new(Effect::SlowDown).on(Op::GetBucketVersioning));
    assert!(matches!(store.status().await, Err(Error::SlowDown { .. })));
}
