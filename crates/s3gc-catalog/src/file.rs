//! Opening the file: making it, knowing it for a catalog, bringing it up to date.

use std::path::Path;
use std::time::Duration;

use s3gc_core::catalog::{CatalogId, Error};
use s3gc_failpoint::{Point, hit};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use uuid::Uuid;

use crate::rows::Columns;
use crate::trouble::{Result, Trouble, WAY_OUT};

/// The bytes `s3gc` (<https://www.sqlite.org/pragma.html#pragma_application_id>).
const APPLICATION_ID: i64 = 0x7333_6763;

/// How long a write waits for one of another process.
const BUSY_TIMEOUT: Duration = Duration::from_mins(1);

/// How many reads go on at a time.
const READERS: u32 = 4;

static MIGRATOR: Migrator = sqlx::migrate!();

/// An open file.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) id: CatalogId,
    pub(crate) writer: SqliteConnection,
    pub(crate) readers: SqlitePool,
    pub(crate) options: SqliteConnectOptions,
}

/// Opens the file, made and migrated.
pub(crate) async fn open(path: &Path) -> Result<File, Error> {
    let name = path.display().to_string();
    let unusable = |reason: String| Error::Unusable { catalog: name.clone(), reason };
    make(path).await.map_err(|error| Trouble::from(error).named(&name, "making the file"))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let mut writer = options.connect().await.map_err(|error| Trouble::from(error).named(&name, "opening"))?;
    let mut tries = 0;
    let known = loop {
        // Another process may be making the same file; the change to a write-ahead log does not wait by itself.
        match recognise(&mut writer).await {
            Err(trouble) if trouble.is_busy() && tries < 100 => tries += 1,
            other => break other.map_err(|trouble| trouble.named(&name, "opening"))?,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    if let Some(reason) = known {
        return Err(unusable(reason));
    }
    let id = match migrate(&mut writer).await {
        Ok(id) => id,
        Err(MigrateError::VersionMissing(version)) => {
            return Err(unusable(format!(
                "it was written by a newer s3gc (migration {version} is unknown): install that version again, or name \
                 another file"
            )));
        }
        Err(MigrateError::VersionMismatch(version) | MigrateError::Dirty(version)) => {
            return Err(unusable(format!("its schema was changed by hand (migration {version}): {WAY_OUT}")));
        }
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            return Err(Trouble::Sql(error).named(&name, "migrating"));
        }
        Err(other) => return Err(Trouble::Other(other.into()).named(&name, "migrating")),
    };
    let readers =
        SqlitePoolOptions::new().max_connections(READERS).connect_lazy_with(options.clone().pragma("query_only", "ON"));
    sync_directory(path).await.map_err(|error| Trouble::from(error).named(&name, "making the file"))?;
    Ok(File { id, writer, readers, options })
}

/// Makes an empty file that only its owner can read, unless there is one: keys can be personal data.
async fn make(path: &Path) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        tokio::fs::create_dir_all(parent).await?;
    }
    let mut options = tokio::fs::OpenOptions::new();
    #[cfg(unix)]
    options.mode(0o600);
    match options.write(true).create_new(true).open(path).await {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// Makes the name of the file durable, which SQLite does not do for the file itself.
async fn sync_directory(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { tokio::fs::File::open(parent).await?.sync_all().await } else { Ok(()) }
}

/// Turns an empty file or a catalog to a write-ahead log; tells why another file is none, and leaves it as it is.
async fn recognise(connection: &mut SqliteConnection) -> Result<Option<String>> {
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let objects: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await?;
    if application != APPLICATION_ID && (application != 0 || objects != 0) {
        return Ok(Some("the file is a database of something else: name another file".to_owned()));
    }
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL").fetch_one(&mut *connection).await?;
    Ok((mode != "wal").then(|| {
        "its file system has no shared memory for SQLite's write-ahead log: put the file on a local disk".to_owned()
    }))
}

/// Brings the schema up to date in one transaction, which other processes wait for.
async fn migrate(connection: &mut SqliteConnection) -> Result<CatalogId, MigrateError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    hit(Point::CatalogMigrating);
    MIGRATOR.run_direct(None, &mut *transaction, false).await?;
    sqlx::query("INSERT INTO catalog (one, id) VALUES (1, ?) ON CONFLICT DO NOTHING")
        .bind(Uuid::now_v7().to_string())
        .execute(&mut *transaction)
        .await?;
    let row = sqlx::query("SELECT id FROM catalog").fetch_one(&mut *transaction).await?;
    let id = row.parsed("id").map_err(|trouble| MigrateError::Source(format!("{trouble:?}").into()))?;
    transaction.commit().await?;
    hit(Point::CatalogMigrated);
    Ok(CatalogId(id))
}
