//! Bad input: each ends with a clear error or a recorded skip, and nothing is deleted that should not be.

use std::process::Command;

use jiff::SignedDuration;
use s3gc_core::{Error, Mode, RunOptions, RunState};
use s3gc_s3_mem::{Op, PutSpec};
use s3gc_source::extract::ExtractConfig;
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_store::ObjectStore as _;
use s3gc_store_s3::{S3Config, S3Store};
use s3gc_testkit::servers::{Postgres, Skip, require};
use s3gc_tests::{BUCKET, World};

async fn world() -> World {
    let world = World::new().await;
    world.put("kept.jpg", "kept");
    world.refer("kept.jpg").await;
    world.put("orphan.jpg", "orphan");
    world
}

/// Writes an error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

async fn source_error(url: &str, references: &[Reference]) -> s3gc_source::Error {
    use futures::StreamExt as _;
    use s3gc_source::{ReferenceSource as _, ScanItem, ScanRequest};
    let config = SqlConfig::new("main", url, references.to_vec());
    let source = match SqlSource::connect(config, &ExtractConfig::default()).await {
        Ok(source) => source,
        Err(error) => return error,
    };
    let mut items = source.scan(ScanRequest::census());
    while let Some(item) = items.next().await {
        match item {
            Ok(ScanItem::Batch(_)) => {}
            Ok(ScanItem::End(_)) => panic!("the scan came to its end"),
            Err(error) => return error,
        }
    }
    panic!("the scan ended without an error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_read_is_an_error_of_its_kind() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE posts (id SERIAL PRIMARY KEY, image TEXT, raw BYTEA)");
    let image = [Reference::column("posts", "image")];
    let wrong = url.replace(Postgres::PASSWORD, "wrong");
    let error = source_error(&wrong, &image).await;
    assert!(matches!(error, s3gc_source::Error::LoginRefused { .. }), "{}", chain(&error));
    let closed = "postgres://app:x@127.0.0.1:1/app";
    let error = source_error(closed, &image).await;
    assert!(matches!(error, s3gc_source::Error::Unavailable { .. }), "{}", chain(&error));
    let error = source_error(&url, &[Reference::column("posts", "raw")]).await;
    assert!(error.is_configuration() && chain(&error).contains("bytea"), "{}", chain(&error));
    let error = source_error(&url, &[Reference::column("posts", "imag")]).await;
    assert!(error.is_configuration() && chain(&error).contains("image"), "{}", chain(&error));
    let error = source_error(&url, &[Reference::column("missing", "image")]).await;
    assert!(error.is_configuration() && chain(&error).contains("missing"), "{}", chain(&error));
}

async fn store_error(world: &World, bucket: &str, region: &str) -> s3gc_store::Error {
    let config = S3Config::new(bucket)
        .with_endpoint(world.s3.endpoint())
        .with_region(region)
        .with_credentials(s3gc_s3_mem::ACCESS_KEY, s3gc_s3_mem::SECRET_KEY, None)
        .with_max_attempts(1);
    match S3Store::connect(config).await {
        Ok(store) => store.status().await.unwrap_err(),
        Err(error) => error,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_and_a_wrong_region_are_named() {
    let world = world().await;
    let region = world.s3.region().to_owned();
    let error = store_error(&world, "missing", &region).await;
    assert!(matches!(error, s3gc_store::Error::NoSuchStore { .. }), "{}", chain(&error));
    let error = store_error(&world, BUCKET, "ap-southeast-2").await;
    assert!(matches!(error, s3gc_store::Error::WrongRegion { .. }), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_permission_to_delete_nothing_is_deleted_and_it_is_said() {
    for op in [Op::DeleteObject, Op::DeleteObjects] {
        let world = world().await;
        world.s3.deny(op);
        let result = world.execute().await;
        let left: Vec<String> =
            world.bucket().keys().into_iter().filter(|key| !key.starts_with(s3gc_store::PROBE_PREFIX)).collect();
        match result {
            // The other operation is allowed, and does.
            Ok(report) => assert!(report.state == RunState::Done && left == ["kept.jpg"], "{op:?} {report:?}"),
            Err(error) => {
                assert!(
                    chain(&error).to_lowercase().contains("denied") || matches!(error, Error::Stop { .. }),
                    "{}",
                    chain(&error)
                );
                assert_eq!(left, ["kept.jpg", "orphan.jpg"], "{op:?}");
            }
        }
    }
}

/// A small file system of its own.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", "size=128k", "tmpfs"]).arg(dir.path()).status();
        let mounted = status.is_ok_and(|status| status.success());
        require(if mounted { Ok(()) } else { Err(Skip::new("s3", "a tmpfs cannot be mounted here")) })?;
        Some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        assert!(Command::new("umount").arg("-l").arg(self.0.path()).status().unwrap().success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_vault_deletes_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let world = world().await;
    // Bytes that do not compress, more than fit.
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    let noise: Vec<u8> = (0..300_000).map(|_| next()).collect();
    world.bucket().put("noise.bin", noise, PutSpec::default().last_modified(s3gc_tests::days_ago(30)));
    let gc = s3gc_core::Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .vault(std::sync::Arc::new(s3gc_vault::DirVault::open(disk.0.path().join("vault")).unwrap()))
        .catalog(world.catalog().await)
        .build()
        .unwrap();
    let error = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap_err();
    assert!(chain(&error).contains("no space left"), "{}", chain(&error));
    assert_eq!(world.bucket().keys(), ["kept.jpg", "noise.bin", "orphan.jpg"]);
    // With room it goes on.
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_another_bucket_catalog_or_configuration_is_refused() {
    let world = world().await;
    let gc = world.gc().await;
    let path = gc.run_cycle(RunOptions::default()).await.unwrap().plan.unwrap().path;
    let refused = |error: Error, why: &str| {
        assert!(matches!(error, Error::Plan { .. }), "{}", chain(&error));
        assert!(error.to_string().contains(why), "{error}");
    };

    let other = World::new().await;
    refused(other.gc().await.run_cycle(RunOptions::plan(&path)).await.unwrap_err(), "it is for s3+http");

    let catalog = s3gc_catalog::SqliteCatalog::open(world.dir.path().join("another.db")).await.unwrap();
    let with_another_catalog = s3gc_core::Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .vault(world.vault())
        .catalog(std::sync::Arc::new(catalog))
        .build()
        .unwrap();
    refused(with_another_catalog.run_cycle(RunOptions::plan(&path)).await.unwrap_err(), "another catalog");

    let mut settings = world.settings.clone();
    settings.retention = std::time::Duration::from_secs(2 * 24 * 60 * 60);
    let with_another_configuration = s3gc_core::Gc::builder(settings)
        .store(world.store().await)
        .source(world.source().await)
        .vault(world.vault())
        .catalog(world.catalog().await)
        .build()
        .unwrap();
    refused(with_another_configuration.run_cycle(RunOptions::plan(&path)).await.unwrap_err(), "configuration");
    assert_eq!(world.bucket().len(), 2);
}

/// The clock of another day.
#[derive(Debug)]
struct Later(SignedDuration);

impl s3gc_core::Clock for Later {
    fn now(&self) -> s3gc_core::Timestamp {
        s3gc_core::SystemClock.now().checked_add(self.0).unwrap()
    }

    fn boot(&self) -> std::time::Duration {
        s3gc_core::SystemClock.boot()
    }
}

/// A source that has no clock, so that a test may move the others.
#[derive(Debug)]
struct Timeless(std::sync::Arc<dyn s3gc_core::ReferenceSource>);

impl s3gc_core::ReferenceSource for Timeless {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn scan(
        &self,
        request: s3gc_source::ScanRequest,
    ) -> futures::stream::BoxStream<'_, s3gc_source::Result<s3gc_source::ScanItem>> {
        self.0.scan(request)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l10_a_plan_is_stale_after_a_day() {
    let world = world().await;
    let source = std::sync::Arc::new(Timeless(world.source().await));
    let gc = world.gc_with(world.store().await, source.clone()).await;
    let path = gc.run_cycle(RunOptions::default()).await.unwrap().plan.unwrap().path;
    let later = SignedDuration::from_hours(25);
    world.s3.set_clock_offset(later);
    let gc = s3gc_core::Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(source)
        .vault(world.vault())
        .catalog(world.catalog().await)
        .clock(std::sync::Arc::new(Later(later)))
        .build()
        .unwrap();
    let error = gc.run_cycle(RunOptions::plan(&path)).await.unwrap_err();
    assert!(matches!(error, Error::Plan { .. }) && error.to_string().contains("expired"), "{}", chain(&error));
    assert_eq!(world.bucket().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn l20_a_clock_that_is_off_stops_every_run() {
    let world = world().await;
    world.s3.set_clock_offset(SignedDuration::from_hours(25));
    let error = world.execute().await.unwrap_err();
    assert!(matches!(error, Error::Stop { name: "clock", .. }), "{error}");
    assert_eq!(world.bucket().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn l10_an_object_that_changed_since_the_plan_is_skipped_and_recorded() {
    let world = world().await;
    let gc = world.gc().await;
    let path = gc.run_cycle(RunOptions::default()).await.unwrap().plan.unwrap().path;
    world.bucket().put("orphan.jpg", b"another".to_vec(), PutSpec::default());
    let report = gc.run_cycle(RunOptions::plan(&path)).await.unwrap();
    assert_eq!((report.sweep.changed.objects, report.sweep.deleted.objects), (1, 0), "{:?}", report.sweep);
    assert_eq!(report.sweep.named[0].key.as_str(), "orphan.jpg");
    assert_eq!(world.bucket().object("orphan.jpg").unwrap().bytes(), "another");
}
