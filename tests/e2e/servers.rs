//! PostgreSQL, MariaDB and SQLite with a bucket on an S3 server.

use std::collections::{BTreeMap, BTreeSet};

use s3gc_core::{Mode, RestoreOptions, RestoreWhat, RunOptions, RunState};
use s3gc_s3_mem::StoredObject;
use s3gc_testkit::servers::{MariaDb, Postgres};
use s3gc_tests::{Corpus, World, sqlite};

const OBJECTS: usize = 10_000;

/// Writes a string as a literal of standard SQL.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn inserts(corpus: &Corpus, quote: impl Fn(&str) -> String) -> String {
    let values: Vec<String> = corpus.values().map(|value| format!("({})", quote(value))).collect();
    values.chunks(500).map(|rows| format!("INSERT INTO posts (image) VALUES {};\n", rows.join(","))).collect()
}

/// Everything that a restore must bring back; dates and entity tags are the store's.
fn content(object: &StoredObject) -> impl PartialEq + std::fmt::Debug + use<> {
    (object.bytes(), object.headers.clone(), object.user.clone(), object.tags.clone(), object.storage_class.clone())
}

/// The first keys that are in one list and not in the other.
fn difference(left: &[String], right: &[String]) -> Vec<String> {
    let (left, right): (BTreeSet<_>, BTreeSet<_>) = (left.iter().collect(), right.iter().collect());
    left.symmetric_difference(&right).take(20).map(|key| (*key).clone()).collect()
}

async fn collect_and_restore(world: World, corpus: Corpus) {
    let bucket = world.bucket();
    let before: BTreeMap<String, _> =
        bucket.keys().into_iter().map(|key| (key.clone(), content(&bucket.object(&key).unwrap()))).collect();
    assert_eq!(before.len(), corpus.items.len());
    let gc = world.gc().await;

    let plan = gc.run_cycle(RunOptions::default()).await.unwrap();
    assert_eq!(plan.state, RunState::Done, "{:?}", plan.brakes);
    assert_eq!(plan.counts.due.objects as usize, corpus.orphans().len());
    assert_eq!(world.s3.writes().len(), 0, "a dry run writes nothing");

    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{:?}", report.sweep.named);
    assert_eq!(difference(&bucket.keys(), &corpus.kept()), [""; 0], "exactly the orphans are gone: {:?}", report.sweep);

    let restored = gc.restore(&RestoreWhat::Run(report.run), &RestoreOptions::default()).await.unwrap();
    assert_eq!(
        restored.failed.objects,
        0,
        "{:?}",
        restored.objects.iter().find(|o| o.outcome != s3gc_core::RestoreOutcome::Restored)
    );
    assert_eq!(difference(&bucket.keys(), &before.keys().cloned().collect::<Vec<_>>()), [""; 0], "everything is back");
    for (key, expected) in &before {
        assert_eq!(content(&bucket.object(key).unwrap()), *expected, "{key}");
    }

    // What was restored is held: the next cycle leaves it alone.
    let again = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(again.sweep.deleted.objects, 0);
    assert_eq!(bucket.len(), before.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_and_s3_are_collected_and_restored() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE posts (id SERIAL PRIMARY KEY, image TEXT)");
    let world = World::with_database(tempfile::tempdir().unwrap(), url).await;
    let corpus = world.put_corpus(OBJECTS);
    server.sql(&world.url, &inserts(&corpus, literal));
    collect_and_restore(world, corpus).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_and_s3_are_collected_and_restored() {
    let Some(server) = MariaDb::shared() else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE posts (id INT AUTO_INCREMENT PRIMARY KEY, image TEXT) CHARACTER SET utf8mb4");
    let world = World::with_database(tempfile::tempdir().unwrap(), url).await;
    let corpus = world.put_corpus(OBJECTS);
    server.sql(&world.url, &inserts(&corpus, |text| literal(&text.replace('\\', "\\\\"))));
    collect_and_restore(world, corpus).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_and_s3_are_collected_and_restored() {
    let world = World::new().await;
    let corpus = world.put_corpus(OBJECTS);
    sqlite(&world.url, &format!("BEGIN;{}COMMIT;", inserts(&corpus, literal))).await;
    collect_and_restore(world, corpus).await;
}
