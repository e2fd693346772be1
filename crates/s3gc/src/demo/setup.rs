//! The demo's database, bucket and configuration.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use s3gc_core::config::{Config, Loader};
use s3gc_core::{Clock as _, Digest, Gc, SystemClock};
use s3gc_s3_mem::{ACCESS_KEY, Bucket, Options, PutSpec, S3Mem, SECRET_KEY};
use s3gc_store_s3::{S3Config, S3Store};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use super::content;
use super::world::{BUCKET, CDN, World, world};
use crate::assemble::{AssembleError, assemble_over};
use crate::error::{Error, Result};

/// The database, in the demo's directory.
pub(super) const DATABASE: &str = "app.db";
/// The configuration, in the demo's directory.
pub(super) const CONFIG: &str = "s3gc.toml";

/// The app as it stands before the collector comes.
pub(super) struct Stage {
    pub(super) world: World,
    pub(super) server: S3Mem,
    /// The BLAKE3 of each file.
    pub(super) digests: BTreeMap<String, Digest>,
    pub(super) bytes: u64,
    pub(super) gc: Gc,
}

impl Stage {
    /// Makes database, bucket and configuration in this directory, and the collector from the configuration.
    pub(super) async fn set(dir: &Path) -> Result<Self> {
        let server = S3Mem::start(Options::default().bucket(BUCKET).without_log()).await;
        let server = server.map_err(Error::io("starting the demo's S3 server"))?;
        let world = world(&server.endpoint());
        fill_database(dir, &world).await.map_err(|source| Error::Other {
            what: format!("making the database {}", dir.join(DATABASE).display()),
            source: source.into(),
        })?;
        let (digests, bytes) = fill_bucket(&server.bucket(BUCKET), &world);
        let path = dir.join(CONFIG);
        let text = config_text(&server);
        std::fs::write(&path, &text).map_err(Error::io(format!("writing {}", path.display())))?;
        let config = Loader::new().file(&path, text).load()?.config;
        let gc = collector(&config, &server).await?;
        Ok(Self { world, server, digests, bytes, gc })
    }

    pub(super) fn bucket(&self) -> Bucket {
        self.server.bucket(BUCKET)
    }
}

/// Puts together what any command would, with the keys of the demo's own server.
async fn collector(config: &Config, server: &S3Mem) -> Result<Gc> {
    let s3 = S3Config::new(BUCKET)
        .with_endpoint(server.endpoint())
        .with_region(server.region())
        .with_credentials(ACCESS_KEY, SECRET_KEY, None);
    let failed = |source| AssembleError::Store { bucket: BUCKET.to_owned(), source };
    let store = S3Store::connect(s3).await.map_err(failed)?;
    let bucket = config.bucket(BUCKET).ok_or_else(|| Error::NotFound(format!("{BUCKET}: not configured")))?;
    Ok(assemble_over(config, bucket, Arc::new(store)).await?)
}

async fn fill_database(dir: &Path, world: &World) -> sqlx::Result<()> {
    const SCHEMA: &str = "\
        CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, avatar_url TEXT);
        CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT NOT NULL, featured_image TEXT);
        CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT NOT NULL, gallery JSON);
        CREATE TABLE pages (id INTEGER PRIMARY KEY, slug TEXT NOT NULL, body TEXT);";
    let options = SqliteConnectOptions::new().filename(dir.join(DATABASE)).create_if_missing(true);
    let mut connection = options.connect().await?;
    sqlx::raw_sql(SCHEMA).execute(&mut connection).await?;
    let rows = &world.rows;
    insert(&mut connection, "INSERT INTO users (email, avatar_url) VALUES (?, ?)", &rows.users).await?;
    insert(&mut connection, "INSERT INTO posts (title, featured_image) VALUES (?, ?)", &rows.posts).await?;
    insert(&mut connection, "INSERT INTO products (name, gallery) VALUES (?, ?)", &rows.products).await?;
    insert(&mut connection, "INSERT INTO pages (slug, body) VALUES (?, ?)", &rows.pages).await?;
    connection.close().await
}

async fn insert(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: &[(String, Option<String>)],
) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    for (name, value) in rows {
        sqlx::query(statement).bind(name).bind(value).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}

/// Uploads every file at its date in the past, and returns the digest of each and the length of all.
fn fill_bucket(bucket: &Bucket, world: &World) -> (BTreeMap<String, Digest>, u64) {
    let now = SystemClock.now();
    let mut digests = BTreeMap::new();
    let mut total = 0;
    for file in &world.files {
        let (bytes, content_type) = content::file(&file.key);
        let age = std::time::Duration::from_secs(file.age_hours * 60 * 60);
        let spec = PutSpec::default()
            .last_modified(now.checked_sub(age).unwrap_or(now))
            .header("content-type", content_type)
            .user("uploaded-by", "demo");
        total += u64::try_from(bytes.len()).unwrap_or_default();
        digests.insert(file.key.clone(), Digest::of(&bytes));
        bucket.put(&file.key, bytes, spec);
    }
    (digests, total)
}

fn config_text(server: &S3Mem) -> String {
    let (endpoint, region) = (server.endpoint(), server.region());
    format!(
        r#"# The configuration of the demo's photo app. The bucket lives in the process of `s3gc demo` and ends with it.
mode = "dry_run"                     # `s3gc run` deletes only when it is told: --mode execute

[database]
url = "sqlite:{DATABASE}"

[bucket]
name = "{BUCKET}"
region = "{region}"
endpoint = "{endpoint}"
exclude_prefixes = ["system/"]       # no row refers to these, and they are needed all the same
base_urls = ["{CDN}"]
retention_days = 7
retention_from = "last_modified"     # so that the demo need not wait for a week; the default is "unreferenced"

[[references]]
table = "users"
column = "avatar_url"

[[references]]
table = "posts"
column = "featured_image"

[[references]]
table = "products"
column = "gallery"
kind = "json"

[[references]]
table = "pages"
column = "body"
kind = "text"                        # every URL in the HTML

[vault]
path = "vault"                       # everything that is deleted is kept here
keep_days = 90
"#
    )
}
