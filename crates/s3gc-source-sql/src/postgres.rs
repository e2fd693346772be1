//! PostgreSQL.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use s3gc_source::{Drain, Error, Result, SourceIdentity, SourceLock, SourceStatus};
use s3gc_store::Timestamp;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use crate::catalog::{Catalog, Column, Table, query_name};
use crate::config::Reference;
use crate::conn::Conn;
use crate::error;
use crate::quote::{Sql, TableName};
use crate::scan::Session;
use crate::source::SqlSource;

pub(crate) async fn open(source: &SqlSource, options: &PgConnectOptions) -> Result<Conn> {
    let conn = options.connect().await.map_err(|e| error::map(&source.name, "database", "connecting", e))?;
    Ok(Conn::Postgres(conn))
}

pub(crate) async fn check_primary(source: &SqlSource, conn: &mut Conn) -> Result<()> {
    let standby = conn.value(&Sql::fixed("SELECT pg_is_in_recovery()")).await;
    let standby = standby.map_err(|e| error::map(&source.name, "database", "asking whether this is the primary", e))?;
    if standby.as_deref() == Some("f") {
        return Ok(());
    }
    let reason = "pg_is_in_recovery() is true: name the primary in the URL".to_owned();
    Err(Error::NotPrimary { source_name: source.name.clone(), reason })
}

/// Takes the snapshot in which everything is read.
///
/// A snapshot does not survive TRUNCATE or a rewriting ALTER TABLE: what was rewritten reads as empty (PostgreSQL manual,
/// "Caveats" of MVCC). So the tables are locked against both first. LOCK TABLE and SET take no snapshot; the first query
/// does, and sees all that was committed before the locks were granted.
pub(crate) async fn begin(source: &SqlSource, mut conn: Conn) -> Result<Session> {
    let before = source.resolve(&mut conn).await?;
    let mut tables: HashSet<TableName> = before.iter().filter_map(|w| w.table.clone()).collect();
    tables.extend(tables_of_queries(source, &mut conn).await?);

    let failed = |what: &'static str| move |e| error::map(&source.name, "scan", what, e);
    conn.run(&Sql::fixed("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        .await
        .map_err(failed("beginning the scan"))?;
    set_up(&mut conn).await.map_err(failed("setting up the scan"))?;
    if !tables.is_empty() {
        lock_tables(source, &mut conn, &tables).await?;
    }
    const FIRST_READ: &str = "SELECT (extract(epoch FROM statement_timestamp()) * 1000000)::bigint";
    let now = conn.value(&Sql::fixed(FIRST_READ)).await.map_err(failed("taking the snapshot"))?;
    check_primary(source, &mut conn).await?;
    let watched = source.resolve(&mut conn).await?;
    if let Some(other) = watched.iter().find(|w| w.table.as_ref().is_some_and(|table| !tables.contains(table))) {
        let source_error = format!("table {} was replaced while the scan began: scan again", other.label).into();
        let operation = "locking the tables".to_owned();
        return Err(Error::Failed { source_name: source.name.clone(), operation, source: source_error });
    }
    Ok(Session { conn, watched, snapshot_at: timestamp(now) })
}

/// Settings of this transaction alone, since a pooler may give the session to others afterwards.
pub(crate) async fn set_up(conn: &mut Conn) -> sqlx::Result<()> {
    // A policy that hides rows must be an error: PostgreSQL manual, "row_security".
    const ALL: &str = "SET LOCAL row_security = off; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s'; \
         SET LOCAL idle_in_transaction_session_timeout = 0";
    conn.run(&Sql::fixed(ALL)).await?;
    let Conn::Postgres(postgres) = &conn else { return Ok(()) };
    if postgres.server_version_num().is_some_and(|version| version >= 170_000) {
        conn.run(&Sql::fixed("SET LOCAL transaction_timeout = 0")).await?;
    }
    Ok(())
}

async fn lock_tables(source: &SqlSource, conn: &mut Conn, tables: &HashSet<TableName>) -> Result<()> {
    let mut tables: Vec<&TableName> = tables.iter().collect();
    // One order for all, so that two scans cannot block each other.
    tables.sort();
    let names: Vec<&str> = tables.iter().map(|t| t.table.as_str()).collect();
    let names = names.join(", ");
    conn.run(&Sql::lock_tables(tables)).await.map_err(|e| match error::Code::of(&e) {
        error::Code::Permission => Error::PermissionDenied {
            source_name: source.name.clone(),
            column: names.clone(),
            source: format!("{e}: locking needs SELECT on the whole table, not on columns").into(),
        },
        _ => error::map(&source.name, &names, &format!("locking {names} against TRUNCATE"), e),
    })
}

/// Finds the tables that the queries read: planning locks them, and the locks can be listed.
async fn tables_of_queries(source: &SqlSource, conn: &mut Conn) -> Result<Vec<TableName>> {
    const LOCKED: &str = "SELECT n.nspname, c.relname FROM pg_locks l \
         JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND c.relkind IN ('r', 'p') \
         AND n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')";
    let queries: Vec<(String, &str)> = source
        .references
        .iter()
        .filter_map(|(reference, _)| match reference {
            Reference::Query { sql, name, .. } => Some((query_name(sql, name.as_deref()), sql.as_str())),
            Reference::Column { .. } | Reference::Template { .. } => None,
        })
        .collect();
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |e| error::map(&source.name, "scan", "looking for the tables of the queries", e);
    conn.run(&Sql::fixed("BEGIN READ ONLY")).await.map_err(failed)?;
    set_up(conn).await.map_err(failed)?;
    for (name, sql) in queries {
        conn.run(&Sql::explain(sql)).await.map_err(|e| error::map(&source.name, &name, "planning the query", e))?;
    }
    let locked = conn.all(&Sql::fixed(LOCKED)).await.map_err(failed)?;
    conn.run(&Sql::fixed("ROLLBACK")).await.map_err(failed)?;
    let name = |row: Vec<Option<String>>| {
        let mut values = row.into_iter().flatten();
        Some(TableName { schema: values.next()?, table: values.next()? })
    };
    Ok(locked.into_iter().filter_map(name).collect())
}

pub(crate) async fn catalog(conn: &mut Conn) -> sqlx::Result<Catalog> {
    // Domains count as what they are made of.
    const COLUMNS: &str = "
        WITH RECURSIVE base (oid, type) AS (
            SELECT oid, oid FROM pg_type WHERE typtype <> 'd'
            UNION ALL
            SELECT d.oid, b.type FROM pg_type d JOIN base b ON b.oid = d.typbasetype WHERE d.typtype = 'd'
        ), holds (oid, yes) AS (
            SELECT b.oid, t.typcategory = 'S' OR t.typtype = 'e'
                OR t.typname IN ('uuid', 'json', 'jsonb', 'hstore', 'xml', 'ltree')
            FROM base b JOIN pg_type t ON t.oid = b.type
        )
        SELECT n.nspname, c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod),
            coalesce(h.yes OR (t.typcategory = 'A' AND e.yes), false),
            has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT'),
            array_position(i.indkey::int2[], a.attnum)::text
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        LEFT JOIN holds h ON h.oid = a.atttypid
        LEFT JOIN base b ON b.oid = a.atttypid
        LEFT JOIN pg_type t ON t.oid = b.type
        LEFT JOIN holds e ON e.oid = t.typelem
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
            AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
        ORDER BY n.nspname, c.relname, a.attnum";
    let mut catalog = Catalog::default();
    let mut keys: Vec<(usize, String)> = Vec::new();
    for row in conn.all(&Sql::fixed(COLUMNS)).await? {
        let mut values = row.into_iter();
        let mut next = || values.next().flatten();
        let (schema, table, kind) =
            (next().unwrap_or_default(), next().unwrap_or_default(), next().unwrap_or_default());
        let name = TableName { schema, table };
        if catalog.tables.last().is_none_or(|t| t.name != name) {
            finish_key(&mut catalog, &mut keys);
            let row_id = (kind == "r").then_some("ctid");
            let refused = refuse_kind(&kind);
            catalog.tables.push(Table { name, refused, columns: Vec::new(), key: Vec::new(), row_id });
        }
        let column = Column {
            name: next().unwrap_or_default(),
            type_name: next().unwrap_or_default(),
            can_hold_key: next().as_deref() == Some("t"),
            readable: next().as_deref() == Some("t"),
        };
        if let Some(position) = next().and_then(|position| position.parse().ok()) {
            keys.push((position, column.name.clone()));
        }
        if let Some(table) = catalog.tables.last_mut() {
            table.columns.push(column);
        }
    }
    finish_key(&mut catalog, &mut keys);
    Ok(catalog)
}

fn finish_key(catalog: &mut Catalog, keys: &mut Vec<(usize, String)>) {
    keys.sort();
    if let Some(table) = catalog.tables.last_mut() {
        table.key = keys.drain(..).map(|(_, name)| name).collect();
    }
}

fn refuse_kind(kind: &str) -> Option<String> {
    match kind {
        "m" => Some("a materialised view lags behind its tables: name those, or give its query as sql".into()),
        "f" => Some("a foreign table has no snapshot here: name its own database as a source".into()),
        _ => None,
    }
}

pub(crate) async fn status(source: &SqlSource, conn: &mut Conn) -> Result<SourceStatus> {
    const SYSTEM: &str = "SELECT system_identifier::text FROM pg_control_system()";
    const REST: &str = "SELECT current_database(), \
         (SELECT oid::text FROM pg_database WHERE datname = current_database()), \
         substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8), \
         pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text, \
         (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text";
    let failed = |e| error::map(&source.name, "database", "reading the status", e);
    let rest = conn.all(&Sql::fixed(REST)).await.map_err(failed)?;
    let mut rest = rest.into_iter().flatten();
    let mut next = || rest.next().flatten();
    let (database, oid, timeline) = (next().unwrap_or_default(), next().unwrap_or_default(), next());
    let (position, now) = (next(), next());
    let system = match conn.value(&Sql::fixed(SYSTEM)).await {
        Ok(id) => id.unwrap_or_default(),
        // Some hosts take the right away. A restored database then looks the same, and a new one does not.
        Err(e) if error::Code::of(&e) == error::Code::Permission => format!("without identifier, database oid {oid}"),
        Err(e) => return Err(failed(e)),
    };
    let identity = SourceIdentity { system, database: format!("{database} ({oid})"), timeline, schema: String::new() };
    let mut status = SourceStatus::new(identity);
    status.position = position.and_then(|position| position.parse().ok());
    status.now = timestamp(now);
    Ok(status)
}

/// Waits for every transaction that has a number before one of our own, on the whole server.
pub(crate) async fn drain(source: &SqlSource, patience: Duration) -> Result<Drain> {
    const OLDEST: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text";
    let deadline = Instant::now() + patience;
    let failed = |e| error::map(&source.name, "database", "waiting for open transactions", e);
    let mut conn = source.open().await?;
    check_primary(source, &mut conn).await?;
    let horizon = number(conn.value(&Sql::fixed("SELECT pg_current_xact_id()::text")).await.map_err(failed)?);
    let mut pause = Duration::from_millis(20);
    loop {
        let oldest = number(conn.value(&Sql::fixed(OLDEST)).await.map_err(failed)?);
        if horizon.is_some() && oldest >= horizon {
            return Ok(Drain::Done);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let by = blocker(&mut conn).await.map_err(failed)?;
            return Ok(Drain::Blocked { by });
        }
        tokio::time::sleep(pause.min(left)).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

/// Names the oldest open transaction. Everybody may see the locks; who holds them, only some.
pub(crate) async fn blocker(conn: &mut Conn) -> sqlx::Result<String> {
    const BLOCKER: &str = "
        SELECT coalesce(
            'prepared transaction ' || p.gid || ' of ' || p.owner || ' since ' || p.prepared::timestamptz(0),
            'process ' || l.pid || coalesce(' of ' || a.usename, '') || coalesce(' (' || nullif(a.application_name, '') || ')', '')
            || coalesce(', ' || a.state, '') || coalesce(', since ' || a.xact_start::timestamptz(0), ''),
            'a prepared transaction')
        FROM pg_locks l
        LEFT JOIN pg_stat_activity a ON a.pid = l.pid
        LEFT JOIN pg_prepared_xacts p ON p.transaction = l.transactionid
        WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted
            AND l.pid IS DISTINCT FROM pg_backend_pid()
        ORDER BY age(l.transactionid) DESC LIMIT 1";
    let rows = conn.all(&Sql::fixed(BLOCKER)).await?;
    let first = rows.into_iter().flatten().flatten().next();
    Ok(first.unwrap_or_else(|| "a transaction that was just over: try again".to_owned()))
}

/// Takes a session advisory lock. It needs a session of its own: not through a pooler in transaction mode.
pub(crate) async fn lock(source: &SqlSource, name: &str) -> Result<Box<dyn SourceLock>> {
    let mut conn = source.open().await?;
    check_primary(source, &mut conn).await?;
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..8]);
    let key = i64::from_le_bytes(bytes);
    // A holder that is just gone is noticed by the server within moments.
    for pause in [0, 50, 200, 500] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let taken = conn.value(&Sql::with_number("SELECT pg_try_advisory_lock({})", key)).await;
        let taken = taken.map_err(|e| error::map(&source.name, "database", "taking the lock", e))?;
        if taken.as_deref() == Some("t") {
            return Ok(Box::new(AdvisoryLock { source_name: source.name.clone(), name: name.to_owned(), key, conn }));
        }
    }
    Err(Error::Locked { source_name: source.name.clone(), lock: name.to_owned() })
}

#[derive(Debug)]
struct AdvisoryLock {
    source_name: String,
    name: String,
    key: i64,
    conn: Conn,
}

#[async_trait]
impl SourceLock for AdvisoryLock {
    async fn is_held(&mut self) -> Result<()> {
        // PostgreSQL manual, "pg_locks": the high half of the key is in classid, the low half in objid.
        const HELD: &str = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory' AND granted \
             AND pid = pg_backend_pid() AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = {}";
        let held = self.conn.value(&Sql::with_number(HELD, self.key)).await;
        let held = held.map_err(|e| error::map(&self.source_name, "database", "proving the lock", e))?;
        if held.as_deref() == Some("1") {
            return Ok(());
        }
        Err(Error::Locked { source_name: self.source_name.clone(), lock: self.name.clone() })
    }
}

pub(crate) fn number(text: Option<String>) -> Option<u64> {
    text?.parse().ok()
}

/// Reads microseconds since 1970.
pub(crate) fn timestamp(micros: Option<String>) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros?.parse().ok()?).ok()
}
