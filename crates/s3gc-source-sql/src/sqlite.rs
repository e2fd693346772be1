//! SQLite.

use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use s3gc_source::{Drain, Error, Result, SourceIdentity, SourceStatus};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::catalog::{Catalog, Column, Table};
use crate::conn::Conn;
use crate::error;
use crate::postgres::timestamp;
use crate::quote::{Sql, TableName};
use crate::scan::Session;
use crate::source::SqlSource;

const NOW: &str = "SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

pub(crate) async fn open(source: &SqlSource, options: &SqliteConnectOptions) -> Result<Conn> {
    file(source, options)?;
    let conn = options.connect().await.map_err(|e| error::map(&source.name, "database", "opening the file", e))?;
    let mut conn = Conn::Sqlite(conn);
    let failed = |e| error::map(&source.name, "database", "opening the file", e);
    let encoding = conn.value(&Sql::fixed("PRAGMA encoding")).await.map_err(failed)?.unwrap_or_default();
    if encoding != "UTF-8" {
        let reason = format!("the database is in {encoding}: only UTF-8 can be read");
        return Err(Error::Schema { source_name: source.name.clone(), column: "encoding".into(), reason });
    }
    Ok(conn)
}

/// Looks at the file, so that a missing one is named.
fn file(source: &SqlSource, options: &SqliteConnectOptions) -> Result<std::fs::Metadata> {
    let path = options.get_filename();
    std::fs::metadata(path).map_err(|e| Error::Unavailable {
        source_name: source.name.clone(),
        source: format!("{}: {e}", path.display()).into(),
    })
}

/// Takes the snapshot: a deferred transaction takes it with its first read.
///
/// In a database without a write-ahead log the application cannot commit while the scan reads (SQLite documentation,
/// "File Locking And Concurrency In SQLite Version 3").
pub(crate) async fn begin(source: &SqlSource, mut conn: Conn) -> Result<Session> {
    let failed = |e| error::map(&source.name, "scan", "taking the snapshot", e);
    conn.run(&Sql::fixed("BEGIN DEFERRED")).await.map_err(failed)?;
    let now = conn.value(&Sql::fixed(NOW)).await.map_err(failed)?;
    conn.value(&Sql::fixed("SELECT count(*) FROM sqlite_schema")).await.map_err(failed)?;
    let watched = source.resolve(&mut conn).await?;
    Ok(Session { conn, watched, snapshot_at: timestamp(now) })
}

pub(crate) async fn catalog(conn: &mut Conn) -> sqlx::Result<Catalog> {
    const COLUMNS: &str = "SELECT m.type, m.name, p.name, p.type, p.pk \
         FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) p \
         WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY m.name, p.cid";
    let mut catalog = Catalog { default_schema: Some("main".to_owned()), ..Catalog::default() };
    for row in conn.all(&Sql::fixed(COLUMNS)).await? {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten().unwrap_or_default();
        let kind = next();
        let name = TableName { schema: "main".to_owned(), table: next() };
        if catalog.tables.last().is_none_or(|t| t.name != name) {
            let row_id = (kind == "table").then_some("rowid");
            catalog.tables.push(Table { name, refused: None, columns: Vec::new(), key: Vec::new(), row_id });
        }
        let (column, type_name, key) = (next(), next(), next());
        let Some(table) = catalog.tables.last_mut() else { continue };
        if key != "0" {
            table.key.push(column.clone());
        }
        let can_hold_key = can_hold_key(&type_name);
        table.columns.push(Column { name: column, type_name, can_hold_key, readable: true });
    }
    Ok(catalog)
}

/// Tells by its declaration whether a column is meant for text; most words are, and so is none.
fn can_hold_key(type_name: &str) -> bool {
    const NOT_TEXT: [&str; 10] = ["INT", "BLOB", "REAL", "FLOA", "DOUB", "BOOL", "NUM", "DEC", "DATE", "TIME"];
    let upper = type_name.to_uppercase();
    !NOT_TEXT.iter().any(|word| upper.contains(word))
}

pub(crate) async fn status(
    source: &SqlSource,
    options: &SqliteConnectOptions,
    conn: &mut Conn,
) -> Result<SourceStatus> {
    let metadata = file(source, options)?;
    let path = options.get_filename();
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let now = conn.value(&Sql::fixed(NOW)).await;
    let now = now.map_err(|e| error::map(&source.name, "database", "reading the clock", e))?;
    let mut status = SourceStatus::new(SourceIdentity {
        system: format!("device {} inode {}", metadata.dev(), metadata.ino()),
        database: path.display().to_string(),
        timeline: None,
        schema: String::new(),
    });
    status.now = timestamp(now);
    Ok(status)
}

/// Waits for the one transaction that may have written: only one at a time can hold the write lock, so whoever gets it
/// knows that no other is open. It is given back at once, and nothing is written.
///
/// Without the permission to write the file nobody can tell, since another user may have it: an error.
pub(crate) async fn drain(source: &SqlSource, options: &SqliteConnectOptions, patience: Duration) -> Result<Drain> {
    let deadline = Instant::now() + patience;
    file(source, options)?;
    let path = options.get_filename().display().to_string();
    let failed = |e: sqlx::Error| Error::Failed {
        source_name: source.name.clone(),
        operation: format!("waiting for open transactions (which needs the permission to write {path})"),
        source: e.into(),
    };
    let options = options.clone().read_only(false).busy_timeout(Duration::from_millis(200));
    let mut conn = Conn::Sqlite(options.connect().await.map_err(failed)?);
    loop {
        match conn.run(&Sql::fixed("BEGIN IMMEDIATE")).await {
            Ok(()) => {
                conn.run(&Sql::fixed("ROLLBACK")).await.map_err(failed)?;
                return Ok(Drain::Done);
            }
            Err(e) if error::is_busy(&e) => {}
            Err(e) => return Err(failed(e)),
        }
        if Instant::now() >= deadline {
            return Ok(Drain::Blocked { by: format!("whoever holds the write lock of {path}") });
        }
    }
}
