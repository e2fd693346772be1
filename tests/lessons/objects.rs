//! What was done to the wrong object, or to less than the object: versions, metadata, prefixes, certificates.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use s3gc_core::{KeyPrefix, ObjectKey};
use s3gc_s3_mem::{Op, PutSpec, VersioningState};
use s3gc_store_s3::{S3Config, S3Store};
use s3gc_tests::{BUCKET, World, days_ago};

#[tokio::test(flavor = "multi_thread")]
async fn l24_an_object_with_many_versions_is_counted_once_and_gets_one_marker() {
    let world = World::new().await;
    world.bucket().set_versioning(VersioningState::Enabled);
    world.refer("kept.jpg").await;
    for body in ["first", "second", "third"] {
        world.put("kept.jpg", body);
        world.put("orphan.jpg", body);
    }
    let report = world.execute().await.unwrap();
    assert_eq!((report.counts.due.objects, report.sweep.deleted.objects), (1, 1), "{:?}", report.counts);
    assert_eq!(report.sweep.hidden.objects, 1, "what lies under a marker still costs money");
    let versions = world.bucket().versions("orphan.jpg");
    assert_eq!(versions.iter().filter(|version| version.etag.is_none()).count(), 1, "{versions:?}");
    assert_eq!((versions.len(), world.bucket().versions("kept.jpg").len()), (4, 3), "no version is destroyed");
    // What is hidden is no object any more: nothing grows from run to run.
    let report = world.execute().await.unwrap();
    assert_eq!((report.counts.due.objects, report.sweep.deleted.objects), (0, 0));
    assert_eq!(world.bucket().versions("orphan.jpg"), versions);
}

#[tokio::test(flavor = "multi_thread")]
async fn l25_everything_about_an_object_comes_back_from_the_vault() {
    let world = World::new().await;
    world.refer("nothing.jpg").await;
    let spec = PutSpec::default()
        .last_modified(days_ago(30))
        .header("content-type", "image/svg+xml")
        .header("content-encoding", "gzip")
        .header("content-language", "de, en")
        .header("content-disposition", "attachment; filename*=UTF-8''%C3%A4.svg")
        .header("cache-control", "private, max-age=0")
        .header("expires", "Wed, 21 Oct 2037 07:28:00 GMT")
        .user("owner", "ann")
        .user("x-empty", "")
        .tag("kind", "logo")
        .tag("a b", "c=d&e")
        .storage_class("STANDARD_IA");
    world.bucket().put("logo.svg", vec![0, 159, 146, 150, 0, 10], spec);
    let before = world.bucket().object("logo.svg").unwrap();
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 1);
    world.gc().await.restore_key("logo.svg", s3gc_core::RestoreOptions::default()).await.unwrap();
    let after = world.bucket().object("logo.svg").unwrap();
    assert_eq!(after.bytes(), before.bytes());
    assert_eq!((after.headers, after.user), (before.headers, before.user));
    assert_eq!((after.tags, after.storage_class), (before.tags, before.storage_class));
}

#[tokio::test(flavor = "multi_thread")]
async fn l26_only_exact_keys_are_deleted_whatever_is_empty() {
    assert!(ObjectKey::new("").is_err() && KeyPrefix::new("").is_err());
    let world = World::new().await;
    for value in ["", "/", " ", "A", "a b", "a/b", "ab", "a/b/c", "aa/"] {
        world.refer(value).await;
    }
    let kept = ["A", "a b", "a/b", "a/b/c", "aa/", "ab"];
    for key in kept.iter().chain(&["a", "a/", "a/b/"]) {
        world.put(key, "body");
    }
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 3, "{:?}", report.sweep);
    assert_eq!(world.bucket().keys(), kept);
    let mut asked: Vec<String> = world
        .s3
        .writes()
        .into_iter()
        .filter(|request| matches!(request.op, Op::DeleteObject | Op::DeleteObjects))
        .flat_map(|request| request.keys)
        .filter(|key| !key.starts_with(".s3gc-probe/"))
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, ["a", "a/", "a/b/"], "each once, by its whole name");
}

#[tokio::test(flavor = "multi_thread")]
async fn l27_a_server_with_a_certificate_that_nobody_vouches_for_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (key, cert) = (dir.path().join("key.pem"), dir.path().join("cert.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"])
        .args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout"])
        .args([&key, std::path::Path::new("-out"), &cert])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        println!("skipped: no openssl here");
        return;
    }
    let mut server = Command::new("openssl")
        .args(["s_server", "-accept", "127.0.0.1:0", "-www", "-key"])
        .args([&key, std::path::Path::new("-cert"), &cert])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let address = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("ACCEPT ").map(str::to_owned));
    let config = S3Config::new(BUCKET)
        .with_endpoint(format!("https://{}", address.unwrap()))
        .with_credentials(s3gc_s3_mem::ACCESS_KEY, s3gc_s3_mem::SECRET_KEY, None)
        .with_max_attempts(1);
    let result = match S3Store::connect(config).await {
        Ok(store) => s3gc_core::ObjectStore::status(&store).await.map(|_| ()),
        Err(error) => Err(error),
    };
    server.kill().unwrap();
    server.wait().unwrap();
    let error = result.unwrap_err();
    let chain: Vec<String> = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    assert!(chain.iter().any(|part| part.contains("certificate")), "{chain:?}");
}
