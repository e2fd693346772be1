//! What is particular to SQLite.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{chain, connect, refused, scan};
use futures::StreamExt;
use s3gc_source::{Drain, Error, NotSampled, ReferenceSource, ScanItem, ScanRequest, UnwatchedRequest};
use s3gc_source_sql::Reference;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

/// A database with these tables, the application's connection to it, and its URL.
async fn database(journal: SqliteJournalMode, statements: &'static str) -> (TempDir, SqliteConnection, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true).journal_mode(journal);
    let mut application = options.connect().await.unwrap();
    sqlx::raw_sql(statements).execute(&mut application).await.unwrap();
    let url = format!("sqlite://{}", path.display());
    (dir, application, url)
}

#[tokio::test]
async fn values_of_every_storage_class_are_read_as_bytes() {
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT);
         INSERT INTO t (k) VALUES ('a.jpg'), (CAST('blob.jpg' AS BLOB)), (CAST(x'636166e92e6a7067' AS TEXT)), (NULL), (''), (12)";
    let (_dir, _application, url) = database(SqliteJournalMode::Wal, sql).await;
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    let found = scan(&source, ScanRequest::trace()).await.unwrap();
    assert_eq!(found.rows("a.jpg"), ["id=1"]);
    assert_eq!(found.rows("blob.jpg"), ["id=2"]);
    assert_eq!(found.rows("café.jpg"), ["id=3"], "what is not UTF-8 is marked as Latin-1");
    assert_eq!(found.rows("12"), ["id=6"]);
    let counts = found.counts("t.k");
    assert_eq!((counts.rows, counts.nulls, counts.values, counts.unread), (6, 1, 4, 1));
    assert_eq!(counts.unread_samples, ["xxxx.xxx"]);
}

#[tokio::test]
async fn types_and_names_are_checked() {
    let sql =
        "CREATE TABLE t (a INTEGER, b BLOB, c REAL, d BOOLEAN, e DATETIME, f VARCHAR(9), g, h JSON, \"i j\" TEXT);
         INSERT INTO t (f, g, h, \"i j\") VALUES ('f.jpg', 'g.jpg', '{\"x\":\"h.jpg\"}', 'i.jpg');
         CREATE VIEW v AS SELECT f || '' AS f FROM t; CREATE TABLE w (a TEXT, b TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
         INSERT INTO w VALUES ('w.jpg', 'x')";
    let (_dir, _application, url) = database(SqliteJournalMode::Wal, sql).await;
    for (column, name) in [("a", "INTEGER"), ("b", "BLOB"), ("c", "REAL"), ("d", "BOOLEAN"), ("e", "DATETIME")] {
        refused(&url, [Reference::column("t", column)], &[name, "cannot hold a key"]).await;
    }
    refused(&url, [Reference::column("tt", "a")], &["no table tt", "did you mean t?"]).await;
    refused(&url, [Reference::column("other.t", "f")], &["no table other.t"]).await;
    let columns = [("t", "F"), ("t", "g"), ("main.t", "h"), ("t", "i j"), ("v", "f"), ("w", "a")];
    let references = columns.map(|(table, column)| Reference::column(table, column));
    let source = connect(&url, references).await.unwrap();
    let found = scan(&source, ScanRequest::trace()).await.unwrap();
    for key in ["f.jpg", "g.jpg", "h.jpg", "i.jpg"] {
        assert!(found.has(key), "{key}");
    }
    assert_eq!(found.rows("f.jpg"), ["rowid=1", "row 1 of the result"]);
    assert_eq!(found.rows("w.jpg"), ["a=w.jpg, b=x"]);
}

#[tokio::test]
async fn a_query_is_one_statement_that_reads() {
    let sql = "CREATE TABLE t (k TEXT); INSERT INTO t VALUES ('a.jpg'), ('b.jpg')";
    let (_dir, _application, url) = database(SqliteJournalMode::Wal, sql).await;
    let query = Reference::query("WITH x AS (SELECT k FROM t) SELECT k, upper(k) AS big FROM x -- all\n;");
    let found = scan(&connect(&url, [query]).await.unwrap(), ScanRequest::census()).await.unwrap();
    assert!(found.has("b.jpg") && found.has("B.JPG"));
    refused(&url, [Reference::query("SELECT k FROM t; DELETE FROM t")], &["syntax error"]).await;
    refused(&url, [Reference::query("DELETE FROM t")], &["SELECT or WITH"]).await;
}

#[tokio::test]
async fn a_missing_file_is_an_error_that_names_it_and_is_not_created() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("missing.db");
    let url = format!("sqlite://{}", path.display());
    let error = refused(&url, [Reference::column("t", "k")], &["missing.db"]).await;
    assert!(matches!(error, Error::Unavailable { .. }));
    assert!(!path.exists());
    std::fs::write(&path, "this is not a database, whatever its name says, and it is long enough").unwrap();
    let error = refused(&url, [Reference::column("t", "k")], &["not a database"]).await;
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_database_that_is_not_utf_8_is_refused() {
    let sql = "PRAGMA encoding = 'UTF-16'; CREATE TABLE t (k TEXT)";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.db");
    let mut application = SqliteConnectOptions::new().filename(&path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut application).await.unwrap();
    let url = format!("sqlite://{}", path.display());
    refused(&url, [Reference::column("t", "k")], &["UTF-16", "only UTF-8"]).await;
}

#[tokio::test]
async fn l07_a_scan_reads_one_instant_while_the_application_writes() {
    let sql = "CREATE TABLE first (k TEXT); CREATE TABLE second (k TEXT); INSERT INTO second VALUES ('moving.jpg');
         WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000) INSERT INTO first SELECT 'many/' || n FROM n";
    let (_dir, mut application, url) = database(SqliteJournalMode::Wal, sql).await;
    let source = connect(&url, [Reference::column("first", "k"), Reference::column("second", "k")]).await.unwrap();
    let mut items = source.scan(ScanRequest::look());
    let mut found = vec![items.next().await.unwrap().unwrap()];
    let moving = "BEGIN; INSERT INTO first SELECT k FROM second; DELETE FROM second; COMMIT";
    sqlx::raw_sql(moving).execute(&mut application).await.unwrap();
    while let Some(item) = items.next().await {
        found.push(item.unwrap());
    }
    let has = |item: &ScanItem| matches!(item, ScanItem::Batch(b) if b.readings().any(|r| r.as_str() == "moving.jpg"));
    assert!(found.iter().any(has));
    assert!(scan(&source, ScanRequest::look()).await.unwrap().has("moving.jpg"));
}

#[tokio::test]
async fn drain_waits_for_the_writer_in_both_journal_modes() {
    let soon = std::time::Duration::from_millis(300);
    for journal in [SqliteJournalMode::Wal, SqliteJournalMode::Delete] {
        let (_dir, mut application, url) = database(journal, "CREATE TABLE t (k TEXT)").await;
        let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
        assert_eq!(source.drain(soon).await.unwrap(), Drain::Done);
        sqlx::raw_sql("BEGIN; INSERT INTO t VALUES ('a.jpg')").execute(&mut application).await.unwrap();
        let Drain::Blocked { by } = source.drain(soon).await.unwrap() else { panic!("{journal:?}: not blocked") };
        assert!(by.contains("app.db"), "{by}");
        sqlx::raw_sql("COMMIT").execute(&mut application).await.unwrap();
        assert_eq!(source.drain(soon).await.unwrap(), Drain::Done, "{journal:?}");
        assert!(scan(&source, ScanRequest::look()).await.unwrap().has("a.jpg"));
    }
}

#[tokio::test]
async fn i04_a_drain_that_cannot_tell_is_an_error() {
    let (dir, application, url) = database(SqliteJournalMode::Delete, "CREATE TABLE t (k TEXT)").await;
    drop(application);
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    // The file is gone: whether somebody still writes to it cannot be known.
    std::fs::remove_file(dir.path().join("app.db")).unwrap();
    let error = source.drain(std::time::Duration::ZERO).await.unwrap_err();
    assert!(chain(&error).contains("app.db"), "{}", chain(&error));
}

#[tokio::test]
async fn the_identity_is_that_of_the_file() {
    let (dir, _application, url) = database(SqliteJournalMode::Delete, "CREATE TABLE t (k TEXT, l TEXT)").await;
    let source = connect(&url, [Reference::column("t", "k")]).await.unwrap();
    let before = source.status().await.unwrap().unwrap();
    assert!(before.now.is_some() && before.identity.database.ends_with("app.db"));
    // A copy in its place is another database.
    let path = dir.path().join("app.db");
    std::fs::copy(&path, dir.path().join("copy.db")).unwrap();
    std::fs::rename(dir.path().join("copy.db"), &path).unwrap();
    let after = source.status().await.unwrap().unwrap();
    assert_ne!(after.identity.system, before.identity.system);
    assert_eq!(after.identity.schema, before.identity.schema);
}

#[tokio::test]
async fn l05_unwatched_columns_are_read_with_every_prefix_and_new_ones_come_first() {
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, watched TEXT, old TEXT, new TEXT);
         INSERT INTO t VALUES (1, 'a.jpg', 'nothing', 'covers/1.jpg')";
    let (_dir, _application, url) = database(SqliteJournalMode::Wal, sql).await;
    let with_prefix: Reference =
        serde_json::from_str(r#"{"table": "t", "column": "watched", "prepend": "media/"}"#).unwrap();
    let missing: Reference = serde_json::from_str(r#"{"table": "gone", "column": "c", "optional": true}"#).unwrap();
    let source = connect(&url, [with_prefix, missing]).await.unwrap();
    let mut request = UnwatchedRequest::new(["t.old".to_owned()].into(), [].into());
    let found = source.sample_unwatched(&request).await.unwrap().columns;
    assert_eq!(found.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["t.new", "t.old"]);
    let sample = found[0].sample.as_ref().unwrap();
    let keys: Vec<&str> = sample.readings().map(|reading| reading.as_str()).collect();
    assert!(keys.contains(&"media/covers/1.jpg") && keys.contains(&"covers/1.jpg"), "{keys:?}");
    request.patience = std::time::Duration::ZERO;
    let found = source.sample_unwatched(&request).await.unwrap().columns;
    assert!(found.iter().all(|column| column.sample == Err(NotSampled::OutOfTime)), "{found:?}");
    // What is optional and not there is named all the same.
    assert_eq!(scan(&source, ScanRequest::census()).await.unwrap().counts("gone.c").rows, 0);
}
