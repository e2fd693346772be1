//! The contract, over MariaDB.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use async_trait::async_trait;
use s3gc_source_sql::Reference;
use s3gc_testkit::servers::MariaDb;
use s3gc_testkit::suites::source::{Data, Fixture, Open};
use sqlx::mysql::MySqlPool;
use sqlx::{MySql, Transaction};

struct Application(MySqlPool);

#[async_trait]
impl Data for Application {
    async fn insert(&self, key: &str) {
        sqlx::query("INSERT INTO users (avatar) VALUES (?)").bind(key).execute(&self.0).await.unwrap();
    }

    async fn remove(&self, key: &str) {
        sqlx::query("DELETE FROM users WHERE avatar = ?").bind(key).execute(&self.0).await.unwrap();
    }

    async fn spoil(&self) -> bool {
        sqlx::query("ALTER TABLE posts RENAME TO articles").execute(&self.0).await.unwrap();
        true
    }

    async fn begin(&self, key: &str) -> Option<Box<dyn Open>> {
        let mut transaction = self.0.begin().await.unwrap();
        sqlx::query("INSERT INTO users (avatar) VALUES (?)").bind(key).execute(&mut *transaction).await.unwrap();
        Some(Box::new(Writing(transaction)))
    }
}

struct Writing(Transaction<'static, MySql>);

#[async_trait]
impl Open for Writing {
    async fn commit(self: Box<Self>) {
        self.0.commit().await.unwrap();
    }
}

async fn fixture() -> Option<Fixture> {
    let server = MariaDb::shared()?;
    let url = server.fresh_database();
    server.sql(
        &url,
        "CREATE TABLE users (id bigint AUTO_INCREMENT PRIMARY KEY, avatar text);
         CREATE TABLE posts (id bigint AUTO_INCREMENT PRIMARY KEY, image text);",
    );
    let references = [Reference::column("users", "avatar"), Reference::column("posts", "image")];
    let source = common::connect(&url, references).await.unwrap();
    Some(Fixture::new(source, Application(MySqlPool::connect(&url).await.unwrap())))
}

s3gc_testkit::reference_source_suite!(fixture().await);
