//! A bucket, a database, a vault and a catalog.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use s3gc_catalog::SqliteCatalog;
use s3gc_core::{Catalog, Gc, GcBuilder, ObjectStore, ReferenceSource, RetentionFrom, RunOptions, RunReport, Settings};
use s3gc_s3_mem::{Bucket, Options, PutSpec, S3Mem};
use s3gc_source::extract::ExtractConfig;
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_store_s3::{S3Config, S3Store};
use s3gc_vault::{DirVault, VaultBackend};
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::{Corpus, Item, LaterClock, LaterSource};

/// The name of the bucket.
pub const BUCKET: &str = "photos";

/// A bucket on an S3 server, a database, a vault in a directory, and a catalog in a file.
#[derive(Debug)]
pub struct World {
    /// Where vault, catalog and database file are.
    pub dir: TempDir,
    /// The S3 server.
    pub s3: S3Mem,
    /// The database.
    pub url: String,
    /// What the collector is told.
    pub settings: Settings,
}

impl World {
    /// Makes an empty bucket and an SQLite database with the table `posts (id, image)`.
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("app.db").display());
        sqlite(&url, "CREATE TABLE posts (id INTEGER PRIMARY KEY, image TEXT)").await;
        Self::with_database(dir, url).await
    }

    /// Makes an empty bucket beside this database, which has the table `posts (id, image)`.
    pub async fn with_database(dir: TempDir, url: String) -> Self {
        let s3 = S3Mem::start(Options::default().bucket(BUCKET)).await.unwrap();
        let mut settings = Settings::new(BUCKET, dir.path().join("plans"));
        // What a person does for a first clean-up: objects that are old enough are due at once.
        settings.retention_from = RetentionFrom::LastModified;
        settings.max_delete = s3gc_core::MaxDelete::Percent(100.0);
        Self { dir, s3, url, settings }
    }

    /// Returns the bucket.
    #[must_use]
    pub fn bucket(&self) -> Bucket {
        self.s3.bucket(BUCKET)
    }

    /// Uploads an object 30 days ago.
    pub fn put(&self, key: &str, body: &str) {
        self.bucket().put(key, body.to_owned().into_bytes(), PutSpec::default().last_modified(days_ago(30)));
    }

    /// Uploads an item of a corpus 30 days ago.
    pub fn put_item(&self, item: &Item) {
        let mut spec = PutSpec::default().last_modified(days_ago(30));
        for (name, value) in &item.headers {
            spec = spec.header(name, value);
        }
        for (name, value) in &item.user {
            spec = spec.user(name, value);
        }
        for (name, value) in &item.tags {
            spec = spec.tag(name, value);
        }
        self.bucket().put(&item.key, item.body.clone(), spec);
    }

    /// Makes a corpus and uploads it; its values are the caller's to insert.
    #[must_use]
    pub fn put_corpus(&self, count: usize) -> Corpus {
        let corpus = Corpus::new(count, BUCKET, &self.s3.endpoint());
        for item in &corpus.items {
            self.put_item(item);
        }
        corpus
    }

    /// Inserts a row that refers to a key, into an SQLite database.
    pub async fn refer(&self, value: &str) {
        let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
        sqlx::query("INSERT INTO posts (image) VALUES (?)").bind(value).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Connects to the bucket.
    pub async fn store(&self) -> Arc<dyn ObjectStore> {
        connect(&self.s3.endpoint()).await
    }

    /// Connects to the database.
    pub async fn source(&self) -> Arc<dyn ReferenceSource> {
        scan(&self.url, &self.s3.endpoint()).await
    }

    /// Opens the catalog.
    pub async fn catalog(&self) -> Arc<dyn Catalog> {
        Arc::new(SqliteCatalog::open(self.catalog_path()).await.unwrap())
    }

    /// Opens the vault.
    #[must_use]
    pub fn vault(&self) -> Arc<dyn VaultBackend> {
        Arc::new(DirVault::open(self.vault_path()).unwrap())
    }

    /// Returns where the catalog is.
    #[must_use]
    pub fn catalog_path(&self) -> PathBuf {
        self.dir.path().join("catalog.db")
    }

    /// Returns where the vault is.
    #[must_use]
    pub fn vault_path(&self) -> PathBuf {
        self.dir.path().join("vault")
    }

    /// Puts the collector together.
    pub async fn gc(&self) -> Gc {
        self.gc_with(self.store().await, self.source().await).await
    }

    /// Puts the collector together with another store or source.
    pub async fn gc_with(&self, store: Arc<dyn ObjectStore>, source: Arc<dyn ReferenceSource>) -> Gc {
        self.parts(store, source).await.build().unwrap()
    }

    /// Puts the collector together some days from now: by its own clock, that of the server and that of the database.
    pub async fn gc_on(&self, clock: &LaterClock, day: i64) -> Gc {
        self.builder_at(clock, 24 * day).await.source(self.source_at(clock).await).build().unwrap()
    }

    /// Begins to put the collector together some hours from now; its source is missing.
    pub async fn builder_at(&self, clock: &LaterClock, hours: i64) -> GcBuilder {
        clock.set_hours(hours);
        self.s3.set_clock_offset(SignedDuration::from_hours(hours));
        self.builder(self.store().await).await.clock(Arc::new(clock.clone()))
    }

    /// Connects to the database, which has the time of this clock.
    pub async fn source_at(&self, clock: &LaterClock) -> Arc<dyn ReferenceSource> {
        Arc::new(LaterSource { inner: self.source().await, clock: clock.clone() })
    }

    async fn parts(&self, store: Arc<dyn ObjectStore>, source: Arc<dyn ReferenceSource>) -> GcBuilder {
        self.builder(store).await.source(source)
    }

    async fn builder(&self, store: Arc<dyn ObjectStore>) -> GcBuilder {
        Gc::builder(self.settings.clone()).store(store).vault(self.vault()).catalog(self.catalog().await)
    }

    /// Runs in `execute` mode.
    ///
    /// # Errors
    ///
    /// What the run fails with.
    pub async fn execute(&self) -> s3gc_core::Result<RunReport> {
        self.gc().await.run_cycle(RunOptions::mode(s3gc_core::Mode::Execute)).await
    }

    /// Lists the files of the vault.
    #[must_use]
    pub fn vault_files(&self) -> Vec<PathBuf> {
        fn walk(dir: &Path, files: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(dir).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, files) } else { files.push(path) }
            }
        }
        let mut files = Vec::new();
        walk(&self.vault_path(), &mut files);
        files
    }

    /// Sets a retention that is over at once, for stores whose dates cannot be set.
    pub fn without_retention(&mut self) {
        self.settings.retention = Duration::ZERO;
        self.settings.allow_short_retention = true;
    }
}

/// Connects to the bucket of a server.
pub async fn connect(endpoint: &str) -> Arc<dyn ObjectStore> {
    let config = S3Config::new(BUCKET)
        .with_endpoint(endpoint)
        .with_credentials(s3gc_s3_mem::ACCESS_KEY, s3gc_s3_mem::SECRET_KEY, None)
        .with_max_attempts(2);
    Arc::new(S3Store::connect(config).await.unwrap())
}

/// Watches the column `posts.image` of a database for keys of the bucket.
pub async fn scan(url: &str, endpoint: &str) -> Arc<dyn ReferenceSource> {
    let config = SqlConfig::new("main", url, [Reference::column("posts", "image")]);
    let extract =
        ExtractConfig { bucket: BUCKET.into(), endpoints: vec![endpoint.to_owned()], ..ExtractConfig::default() };
    Arc::new(SqlSource::connect(config, &extract).await.unwrap())
}

/// Returns the time so many days ago.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a test's own clock")]
pub fn days_ago(days: i64) -> Timestamp {
    Timestamp::now().checked_sub(SignedDuration::from_hours(24 * days)).unwrap()
}

/// Runs statements on an SQLite database, which is made if it is not there.
pub async fn sqlite(url: &str, statements: &str) {
    let options: sqlx::sqlite::SqliteConnectOptions = url.parse().unwrap();
    let mut connection = sqlx::SqliteConnection::connect_with(&options.create_if_missing(true)).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
