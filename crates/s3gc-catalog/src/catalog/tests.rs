use s3gc_core::catalog::Error;
use sqlx::{Executor, query_scalar};

use super::*;

fn draft() -> AuditDraft {
    let (at, detail) = (Timestamp::UNIX_EPOCH, serde_json::Value::String("x".repeat(10_000)));
    AuditDraft { at, run: None, location: None, kind: "run".into(), key: None, detail }
}

#[tokio::test]
async fn an_intent_is_on_the_disk_before_the_call_returns() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(directory.path().join("catalog.db")).await.unwrap();
    let mut writer = catalog.shared.writer.lock().await;
    let synchronous: i64 = query_scalar("PRAGMA synchronous").fetch_one(&mut *writer).await.unwrap();
    let journal: String = query_scalar("PRAGMA journal_mode").fetch_one(&mut *writer).await.unwrap();
    let foreign_keys: i64 = query_scalar("PRAGMA foreign_keys").fetch_one(&mut *writer).await.unwrap();
    // https://www.sqlite.org/pragma.html#pragma_synchronous: 2 is FULL.
    assert_eq!((synchronous, journal.as_str(), foreign_keys), (2, "wal", 1));
}

#[tokio::test]
async fn a_full_disk_is_told_apart_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let catalog = SqliteCatalog::open(directory.path().join("catalog.db")).await.unwrap();
    // What SQLite says when the disk is full, it says too when the file has as many pages as it may have.
    catalog.shared.writer.lock().await.execute("PRAGMA max_page_count = 100").await.unwrap();
    let error = catalog.append_audit((0..100).map(|_| draft()).collect()).await.unwrap_err();
    assert!(matches!(error, Error::Full { .. }), "{error:?}");
    assert_eq!(catalog.audit_head().await.unwrap(), AuditHead::default());
    catalog.append_audit(vec![draft()]).await.unwrap();
}
