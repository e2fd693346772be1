//! MySQL and MariaDB.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use s3gc_source::{Drain, Error, Result, SourceIdentity, SourceLock, SourceStatus};
use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlConnectOptions;

use crate::catalog::{Catalog, Column, Table, query_name};
use crate::config::Reference;
use crate::conn::Conn;
use crate::error;
use crate::postgres::timestamp;
use crate::quote::{Dialect, Sql, TableName};
use crate::scan::Session;
use crate::source::SqlSource;

const NOW: &str = "SELECT CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS UNSIGNED)";

/// The storage engines with transactions that read at one instant.
const ENGINES: [&str; 2] = ["innodb", "rocksdb"];

pub(crate) async fn open(source: &SqlSource, options: &MySqlConnectOptions) -> Result<Conn> {
    let failed = |e| error::map(&source.name, "database", "connecting", e);
    let mut conn = Conn::MySql(options.connect().await.map_err(failed)?);
    // A scan may take hours, and its reader may be slower than the server.
    const SESSION: &str = "SET SESSION net_write_timeout = 3600, wait_timeout = 86400, lock_wait_timeout = 10";
    conn.run(&Sql::fixed(SESSION)).await.map_err(failed)?;
    let no_limit = match is_mariadb(&mut conn).await.map_err(failed)? {
        true => "SET SESSION max_statement_time = 0",
        false => "SET SESSION max_execution_time = 0",
    };
    conn.run(&Sql::fixed(no_limit)).await.map_err(failed)?;
    Ok(conn)
}

/// Limits how long a statement of this session may take.
pub(crate) async fn limit_statements(conn: &mut Conn, limit: Duration) -> sqlx::Result<()> {
    let limit = match is_mariadb(conn).await? {
        true => Sql::with_number("SET SESSION max_statement_time = {}", number(limit.as_secs())),
        false => Sql::with_number("SET SESSION max_execution_time = {}", number(limit.as_millis())),
    };
    conn.run(&limit).await
}

fn number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

async fn is_mariadb(conn: &mut Conn) -> sqlx::Result<bool> {
    Ok(conn.value(&Sql::fixed("SELECT VERSION()")).await?.is_some_and(|version| version.contains("MariaDB")))
}

pub(crate) async fn check_primary(source: &SqlSource, conn: &mut Conn) -> Result<()> {
    let refuse = |reason: &str| Err(Error::NotPrimary { source_name: source.name.clone(), reason: reason.to_owned() });
    let failed = |e| error::map(&source.name, "database", "asking whether this is the primary", e);
    let read_only = conn.value(&Sql::fixed("SELECT @@global.read_only")).await.map_err(failed)?;
    if !matches!(read_only.as_deref(), Some("0" | "OFF")) {
        return refuse("read_only is set: name the primary in the URL");
    }
    for sql in ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"] {
        match conn.all(&Sql::fixed(sql)).await {
            Ok(rows) if rows.is_empty() => return Ok(()),
            Ok(_) => return refuse("the server replicates from another: name the primary in the URL"),
            // Who may not ask is told nothing.
            Err(e) if error::Code::of(&e) == error::Code::Permission => return Ok(()),
            // One of the two is a syntax error, by version.
            Err(e) if error::Code::of(&e) == error::Code::Schema => {}
            Err(e) => return Err(failed(e)),
        }
    }
    Ok(())
}

/// Takes the snapshot in which everything is read: InnoDB takes it with the first row that is read.
///
/// Opening a table keeps it from being truncated or altered until the end of the transaction (MySQL manual, "Metadata
/// Locking"), so all are opened before.
pub(crate) async fn begin(source: &SqlSource, mut conn: Conn) -> Result<Session> {
    let failed = |e| error::map(&source.name, "scan", "taking the snapshot", e);
    check_primary(source, &mut conn).await?;
    conn.run(&Sql::fixed("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")).await.map_err(failed)?;
    let watched = source.resolve(&mut conn).await?;
    let now = conn.value(&Sql::fixed(NOW)).await.map_err(failed)?;
    conn.run(&Sql::fixed("START TRANSACTION READ ONLY")).await.map_err(failed)?;
    for w in &watched {
        if let Some(table) = &w.table {
            conn.run(&Sql::touch(Dialect::MySql, table)).await.map_err(|e| source.failed(w, e))?;
        }
    }
    for (reference, _) in &source.references {
        if let Reference::Query { sql, name, .. } = reference {
            let name = query_name(sql, name.as_deref());
            let planned = conn.run(&Sql::explain(sql)).await;
            planned.map_err(|e| error::map(&source.name, &name, "planning the query", e))?;
        }
    }
    // What is open cannot change any more; what was read of the catalogue before may have.
    let opened = source.resolve(&mut conn).await?;
    if opened.iter().map(|w| &w.description).ne(watched.iter().map(|w| &w.description)) {
        let operation = "opening the tables".to_owned();
        let reason = "a table changed while the scan began: scan again".into();
        return Err(Error::Failed { source_name: source.name.clone(), operation, source: reason });
    }
    Ok(Session { conn, watched, snapshot_at: timestamp(now) })
}

pub(crate) async fn catalog(conn: &mut Conn) -> sqlx::Result<Catalog> {
    const COLUMNS: &str = "
        SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, t.ENGINE,
            c.COLUMN_NAME, c.COLUMN_TYPE, c.DATA_TYPE, FIND_IN_SET('select', c.PRIVILEGES), c.COLUMN_KEY
        FROM information_schema.TABLES t
        JOIN information_schema.COLUMNS c ON c.TABLE_SCHEMA = t.TABLE_SCHEMA AND c.TABLE_NAME = t.TABLE_NAME
        WHERE t.TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
        ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME, c.ORDINAL_POSITION";
    const TEXT: [&str; 9] = ["char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "enum", "uuid"];
    let default_schema = conn.value(&Sql::fixed("SELECT DATABASE()")).await?;
    let mut catalog = Catalog { default_schema, ..Catalog::default() };
    for row in conn.all(&Sql::fixed(COLUMNS)).await? {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        let name = TableName { schema: next().unwrap_or_default(), table: next().unwrap_or_default() };
        let (kind, engine) = (next().unwrap_or_default(), next());
        if catalog.tables.last().is_none_or(|t| t.name != name) {
            let refused = refuse_engine(&kind, engine.as_deref());
            let (columns, key) = (Vec::new(), Vec::new());
            catalog.tables.push(Table { name, refused, columns, key, row_id: None });
        }
        let (column, type_name, data_type) = (next().unwrap_or_default(), next().unwrap_or_default(), next());
        let readable = next().is_some_and(|position| position != "0");
        let Some(table) = catalog.tables.last_mut() else { continue };
        if next().as_deref() == Some("PRI") {
            table.key.push(column.clone());
        }
        let can_hold_key = data_type.is_some_and(|t| TEXT.contains(&t.to_lowercase().as_str()));
        table.columns.push(Column { name: column, type_name, can_hold_key, readable });
    }
    Ok(catalog)
}

fn refuse_engine(kind: &str, engine: Option<&str>) -> Option<String> {
    match engine {
        Some(engine) if ENGINES.contains(&engine.to_lowercase().as_str()) => None,
        Some(engine) => Some(format!("a table of engine {engine} cannot be read at one instant: convert it to InnoDB")),
        None if kind == "VIEW" => None,
        None => Some(format!("a {} cannot be read", kind.to_lowercase())),
    }
}

pub(crate) async fn status(source: &SqlSource, conn: &mut Conn) -> Result<SourceStatus> {
    let failed = |e| error::map(&source.name, "database", "reading the status", e);
    let system = match is_mariadb(conn).await.map_err(failed)? {
        // MariaDB has no identifier of its own.
        true => "SELECT CONCAT('server_id ', @@server_id, ', ', @@hostname, ', ', @@datadir)",
        false => "SELECT @@server_uuid",
    };
    let system = conn.value(&Sql::fixed(system)).await.map_err(failed)?.unwrap_or_default();
    let database = conn.value(&Sql::fixed("SELECT DATABASE()")).await.map_err(failed)?.unwrap_or_default();
    let mut status = SourceStatus::new(SourceIdentity { system, database, timeline: None, schema: String::new() });
    status.now = timestamp(conn.value(&Sql::fixed(NOW)).await.map_err(failed)?);
    Ok(status)
}

/// Waits for every transaction that has changed rows, and for the prepared ones.
///
/// The server answers from a cache of 0.1 s, and to a user without the PROCESS privilege, by version, with an error or with
/// nothing. So a transaction of our own is the proof: where it is listed, so is every other.
pub(crate) async fn drain(source: &SqlSource, patience: Duration) -> Result<Drain> {
    let deadline = Instant::now() + patience;
    let failed = |e: sqlx::Error| match error::Code::of(&e) {
        error::Code::Permission => no_process_privilege(source),
        _ => error::map(&source.name, "database", "waiting for open transactions", e),
    };
    let mut conn = source.open().await?;
    check_primary(source, &mut conn).await?;
    conn.run(&Sql::fixed("START TRANSACTION WITH CONSISTENT SNAPSHOT")).await.map_err(failed)?;
    let mut tries = 0;
    let waiting_for = loop {
        let open = open_transactions(&mut conn).await.map_err(failed)?;
        if open.listed_ourselves {
            break open.others;
        }
        tries += 1;
        if tries == 10 {
            return Err(no_process_privilege(source));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    conn.run(&Sql::fixed("COMMIT")).await.map_err(failed)?;
    let waiting_for: HashSet<String> = waiting_for.into_iter().flat_map(|t| t.ids).collect();
    let mut pause = Duration::from_millis(110);
    loop {
        let open = open_transactions(&mut conn).await.map_err(failed)?.others;
        let Some(blocker) = open.into_iter().find(|t| t.ids.iter().any(|id| waiting_for.contains(id))) else {
            return Ok(Drain::Done);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Drain::Blocked { by: blocker.description });
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

fn no_process_privilege(source: &SqlSource) -> Error {
    Error::PermissionDenied {
        source_name: source.name.clone(),
        column: "information_schema.INNODB_TRX".to_owned(),
        source: "open transactions cannot be seen: GRANT PROCESS ON *.* TO the user of s3gc".into(),
    }
}

#[derive(Debug, Default)]
struct OpenTransactions {
    listed_ourselves: bool,
    others: Vec<OpenTransaction>,
}

#[derive(Debug)]
struct OpenTransaction {
    /// Each way to know it again: by its thread, and by its own id once it is prepared and its thread may be gone.
    ids: Vec<String>,
    description: String,
}

async fn open_transactions(conn: &mut Conn) -> sqlx::Result<OpenTransactions> {
    // A transaction without a thread was prepared, and its client is gone.
    const OPEN: &str = "
        SELECT t.trx_mysql_thread_id = CONNECTION_ID(), t.trx_mysql_thread_id, t.trx_started, t.trx_id,
            CONCAT('connection ', t.trx_mysql_thread_id, COALESCE(CONCAT(' of ', p.USER, '@', p.HOST), ''),
                ', since ', t.trx_started)
        FROM information_schema.INNODB_TRX t LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id
        WHERE t.trx_mysql_thread_id = CONNECTION_ID() OR t.trx_mysql_thread_id = 0
            OR t.trx_rows_modified > 0 OR t.trx_state = 'LOCK WAIT'";
    let mut open = OpenTransactions::default();
    for row in conn.all(&Sql::fixed(OPEN)).await? {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten().unwrap_or_default();
        let (ours, thread, started, trx, description) = (next(), next(), next(), next(), next());
        if ours == "1" {
            open.listed_ourselves = true;
        } else if thread == "0" {
            let description = "a prepared transaction (XA RECOVER)".into();
            open.others.push(OpenTransaction { ids: vec![trx], description });
        } else {
            let mut ids = vec![format!("{thread} {started}")];
            // One that wrote nothing has none yet.
            ids.extend(Some(trx).filter(|trx| trx != "0"));
            open.others.push(OpenTransaction { ids, description });
        }
    }
    match conn.all(&Sql::fixed("XA RECOVER")).await {
        Ok(rows) => open.others.extend(rows.into_iter().map(|row| {
            let id = row.into_iter().flatten().collect::<Vec<_>>().join(" ");
            OpenTransaction { description: format!("prepared transaction {id}"), ids: vec![id] }
        })),
        // MySQL shows them to few; they are among the others, too.
        Err(e) if error::Code::of(&e) == error::Code::Permission => {}
        Err(e) => return Err(e),
    }
    Ok(open)
}

/// Takes a lock of the server by name, held by its session.
pub(crate) async fn lock(source: &SqlSource, name: &str) -> Result<Box<dyn SourceLock>> {
    let mut conn = source.open().await?;
    check_primary(source, &mut conn).await?;
    let key = blake3::hash(name.as_bytes());
    // A holder that is just gone is noticed by the server within moments.
    let taken = conn.value(&Sql::with_digest("SELECT GET_LOCK('s3gc:{}', 1)", key)).await;
    let taken = taken.map_err(|e| error::map(&source.name, "database", "taking the lock", e))?;
    if taken.as_deref() == Some("1") {
        return Ok(Box::new(NamedLock { source_name: source.name.clone(), name: name.to_owned(), key, conn }));
    }
    Err(Error::Locked { source_name: source.name.clone(), lock: name.to_owned() })
}

#[derive(Debug)]
struct NamedLock {
    source_name: String,
    name: String,
    key: blake3::Hash,
    conn: Conn,
}

#[async_trait]
impl SourceLock for NamedLock {
    async fn is_held(&mut self) -> Result<()> {
        const HELD: &str = "SELECT IS_USED_LOCK('s3gc:{}') = CONNECTION_ID()";
        let held = self.conn.value(&Sql::with_digest(HELD, self.key)).await;
        let held = held.map_err(|e| error::map(&self.source_name, "database", "proving the lock", e))?;
        if held.as_deref() == Some("1") {
            return Ok(());
        }
        Err(Error::Locked { source_name: self.source_name.clone(), lock: self.name.clone() })
    }
}
