//! Databases and buckets as frameworks made them (tests/frameworks): `init` proposes a configuration, and a plan with it,
//! unedited, finds exactly the orphans.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3gc_s3_mem::{Options, PutSpec, S3Mem};
use s3gc_testkit::servers::Postgres;
use serde_json::Value;
use sqlx::{ConnectOptions as _, Row as _};
use tempfile::TempDir;

use super::{expect, shell};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/frameworks").join(name)
}

fn lines(name: &str, file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(fixture(name).join(file)).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Fills a bucket with the objects of a fixture, all of them old enough to be collected.
async fn fill(bucket: &str, name: &str) -> S3Mem {
    let server = S3Mem::start(Options::default().bucket(bucket)).await.unwrap();
    let objects = std::fs::read(fixture(name).join("objects.json")).unwrap();
    let objects: Vec<Value> = serde_json::from_slice(&objects).unwrap();
    let old = "2026-01-02T03:04:05Z".parse::<jiff::Timestamp>().unwrap();
    for object in objects {
        let body = STANDARD.decode(object["body"].as_str().unwrap()).unwrap();
        let spec =
            PutSpec::default().last_modified(old).header("content-type", object["content_type"].as_str().unwrap());
        server.bucket(bucket).put(object["key"].as_str().unwrap(), body, spec);
    }
    server
}

/// Reads which objects the census found unreferenced.
async fn unreferenced(dir: &Path) -> BTreeSet<String> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.join("catalog.db")).read_only(true);
    let mut connection = options.connect().await.unwrap();
    let rows = sqlx::query("SELECT key FROM orphan").fetch_all(&mut connection).await.unwrap();
    rows.iter().map(|row| row.get("key")).collect()
}

async fn finds_exactly_the_orphans(name: &str, bucket: &str) {
    let Some(postgres) = s3gc_testkit::servers::require(Postgres::start()) else { return };
    let (dir, server) = (TempDir::new().unwrap(), fill(bucket, name).await);
    let url = postgres.fresh_database();
    postgres.sql(&url, &std::fs::read_to_string(fixture(name).join("dump.sql")).unwrap());
    let variables = [("URL", url.as_str()), ("DATABASE_URL", url.as_str())];
    let line = format!("s3gc init --url \"$URL\" --bucket {bucket} --endpoint {}", server.endpoint());
    let init = expect(0, dir.path(), &line, &variables).await;
    let file = std::fs::read_to_string(dir.path().join("s3gc.toml")).unwrap();
    let plan = shell(dir.path(), "s3gc plan --json", &variables).await;
    let report: Value = serde_json::from_str(plan.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(report["brakes"], serde_json::json!([]), "{}\n{file}", init.stdout);

    let (orphans, lookalikes) = (lines(name, "orphans.txt"), lines(name, "lookalikes.txt"));
    let found = unreferenced(dir.path()).await;
    let wrong: Vec<&String> = found.difference(&orphans).collect();
    assert!(wrong.is_empty(), "in use, and called orphans: {wrong:#?}\n{}\n{file}", init.stdout);
    let missed: Vec<&String> = orphans.difference(&found).filter(|key| !lookalikes.contains(*key)).collect();
    assert!(missed.is_empty(), "orphans that were not found: {missed:#?}\n{}\n{file}", init.stdout);
}

#[tokio::test]
async fn the_orphans_of_django_are_found() {
    finds_exactly_the_orphans("django", "django-fixture").await;
}

#[tokio::test]
async fn the_orphans_of_django_behind_a_media_prefix_are_found() {
    finds_exactly_the_orphans("django-media", "django-media-fixture").await;
}

#[tokio::test]
async fn the_orphans_of_directus_are_found() {
    finds_exactly_the_orphans("directus", "directus-fixture").await;
}

#[tokio::test]
async fn the_orphans_of_wagtail_are_found() {
    finds_exactly_the_orphans("wagtail", "wagtail-fixture").await;
}
