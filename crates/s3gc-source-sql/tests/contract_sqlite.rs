//! The contract, over SQLite.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use async_trait::async_trait;
use s3gc_source_sql::Reference;
use s3gc_testkit::suites::source::{Data, Fixture, Open};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{Sqlite, Transaction};

struct Application(SqlitePool);

#[async_trait]
impl Data for Application {
    async fn insert(&self, key: &str) {
        sqlx::query("INSERT INTO users (avatar, note) VALUES (?, NULL)").bind(key).execute(&self.0).await.unwrap();
    }

    async fn remove(&self, key: &str) {
        sqlx::query("DELETE FROM users WHERE avatar = ?").bind(key).execute(&self.0).await.unwrap();
    }

    async fn spoil(&self) -> bool {
        sqlx::query("ALTER TABLE users RENAME COLUMN note TO remark").execute(&self.0).await.unwrap();
        true
    }

    async fn begin(&self, key: &str) -> Option<Box<dyn Open>> {
        let mut transaction = self.0.begin().await.unwrap();
        sqlx::query("INSERT INTO users (avatar) VALUES (?)").bind(key).execute(&mut *transaction).await.unwrap();
        Some(Box::new(Writing(transaction)))
    }
}

struct Writing(Transaction<'static, Sqlite>);

#[async_trait]
impl Open for Writing {
    async fn commit(self: Box<Self>) {
        self.0.commit().await.unwrap();
    }
}

async fn fixture() -> Fixture {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.db");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let options = options.journal_mode(sqlx::sqlite::SqliteJournalMode::Wal);
    let pool = SqlitePool::connect_with(options).await.unwrap();
    sqlx::query("CREATE TABLE users (id INTEGER PRIMARY KEY, avatar TEXT, note TEXT)").execute(&pool).await.unwrap();
    let references = [Reference::column("users", "avatar"), Reference::column("users", "note")];
    let source = common::connect(&format!("sqlite:{}", path.display()), references).await.unwrap();
    Fixture::new(source, Application(pool)).with_kept(dir)
}

s3gc_testkit::reference_source_suite!(fixture().await);
