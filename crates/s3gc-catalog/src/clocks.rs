//! Judgements and clocks.
//!
//! A judgement writes a whole new generation of clocks under its own number, in short transactions, so that the lease's
//! heartbeat never waits for long. What makes it count is one row: `judgement.state` becomes `current`.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use s3gc_core::catalog::{self, CensusRecord, Judgement, OrphanClock, Seen};
use s3gc_core::store::ETag;
use s3gc_core::{Location, ObjectKey, RunId, Timestamp};
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, SqliteConnection, query, query_scalar};

use crate::catalog::Shared;
use crate::rows::{Columns, ROWS_PER_STATEMENT, int, json, stamp};
use crate::trouble::{Result, Trouble};

/// How many clocks one transaction writes or removes.
const ROWS_PER_TRANSACTION: usize = 8192;

pub(crate) async fn last_census(readers: &SqlitePool, location: &Location) -> Result<Option<CensusRecord>> {
    let row = query("SELECT * FROM census WHERE location = ?").bind(location.as_str()).fetch_optional(readers).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(CensusRecord {
        run: row.parsed("run")?,
        completed_at: row.parsed("completed_at")?,
        config_hash: row.parsed("config_hash")?,
        counts: row.json("counts")?,
    }))
}

pub(crate) async fn put_census(
    writer: &mut SqliteConnection,
    location: &Location,
    census: &CensusRecord,
) -> Result<()> {
    query(
        "INSERT INTO census (location, run, completed_at, config_hash, counts) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (location) DO UPDATE SET run = excluded.run, completed_at = excluded.completed_at, \
         config_hash = excluded.config_hash, counts = excluded.counts",
    )
    .bind(location.as_str())
    .bind(census.run.to_string())
    .bind(stamp(census.completed_at)?)
    .bind(census.config_hash.to_string())
    .bind(json(&census.counts)?)
    .execute(writer)
    .await?;
    Ok(())
}

pub(crate) async fn read(
    readers: &SqlitePool,
    location: &Location,
    keys: &[ObjectKey],
) -> Result<Vec<Option<OrphanClock>>> {
    let mut found = HashMap::with_capacity(keys.len());
    let mut snapshot = readers.begin().await?;
    for chunk in keys.chunks(ROWS_PER_STATEMENT) {
        let mut statement = QueryBuilder::<Sqlite>::new("SELECT * FROM orphan WHERE location = ");
        statement.push_bind(location.as_str());
        push_keys(&mut statement, chunk);
        for row in statement.build().persistent(false).fetch_all(&mut *snapshot).await? {
            found.insert(row.text("key")?, clock(&row)?);
        }
    }
    Ok(keys.iter().map(|key| found.get(key.as_str()).cloned()).collect())
}

fn clock(row: &SqliteRow) -> Result<OrphanClock> {
    Ok(OrphanClock {
        etag: ETag::new(&row.text("etag")?),
        last_modified: row.parsed("last_modified")?,
        size_bytes: row.number("size_bytes")?,
        since: row.parsed("since")?,
        seen_in: row.parsed("seen_in")?,
    })
}

/// Erases clocks in a transaction of its own.
pub(crate) async fn erase_all(writer: &mut SqliteConnection, location: &Location, keys: &[ObjectKey]) -> Result<()> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    erase(&mut transaction, location, keys).await?;
    transaction.commit().await?;
    Ok(())
}

/// Erases clocks, also what a judgement in progress has of them: it would bring them back.
pub(crate) async fn erase(transaction: &mut SqliteConnection, location: &Location, keys: &[ObjectKey]) -> Result<()> {
    for chunk in keys.chunks(ROWS_PER_STATEMENT) {
        let mut statement = QueryBuilder::<Sqlite>::new(
            "DELETE FROM clock WHERE judgement IN (SELECT id FROM judgement WHERE location = ",
        );
        statement.push_bind(location.as_str()).push(")");
        push_keys(&mut statement, chunk);
        statement.build().persistent(false).execute(&mut *transaction).await?;
    }
    Ok(())
}

fn push_keys(statement: &mut QueryBuilder<Sqlite>, keys: &[ObjectKey]) {
    let mut list = statement.push(" AND key IN (").separated(", ");
    for key in keys {
        list.push_bind(key.as_str());
    }
    statement.push(")");
}

/// A judgement in progress.
#[derive(Debug)]
pub(crate) struct SqliteJudgement {
    shared: Arc<Shared>,
    /// Does not wait for the disk: the commit, by the writer, syncs the same log.
    connection: SqliteConnection,
    id: i64,
    location: Location,
    /// The judgement whose clocks go on.
    before: Option<i64>,
    at: String,
}

impl SqliteJudgement {
    /// Begins a judgement; one of the same location that is in progress can no longer be committed.
    pub(crate) async fn begin(
        shared: Arc<Shared>,
        location: &Location,
        run: RunId,
        at: Timestamp,
        restart_all: bool,
    ) -> Result<Self> {
        let at = stamp(at)?;
        let mut connection = shared.options.clone().synchronous(SqliteSynchronous::Normal).connect().await?;
        let mut writer = shared.writer.lock().await;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        query("UPDATE judgement SET state = 'old' WHERE location = ? AND state = 'open'")
            .bind(location.as_str())
            .execute(&mut *transaction)
            .await?;
        let before: Option<i64> = query_scalar("SELECT id FROM judgement WHERE location = ? AND state = 'current'")
            .bind(location.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        let id = query("INSERT INTO judgement (location, run, at, state) VALUES (?, ?, ?, 'open')")
            .bind(location.as_str())
            .bind(run.to_string())
            .bind(at.as_str())
            .execute(&mut *transaction)
            .await?
            .last_insert_rowid();
        transaction.commit().await?;
        drop(writer);
        remove_old(&shared, &mut connection, location).await?;
        let before = before.filter(|_| !restart_all);
        Ok(Self { shared, connection, id, location: location.clone(), before, at })
    }

    async fn write(&mut self, seen: &[Seen], since: &mut Vec<Timestamp>) -> Result<()> {
        let _turn = self.shared.writer.lock().await;
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        let open: Option<i64> = query_scalar("SELECT id FROM judgement WHERE id = ? AND state = 'open'")
            .bind(self.id)
            .fetch_optional(&mut *transaction)
            .await?;
        open.ok_or_else(superseded)?;
        let mut starts = HashMap::with_capacity(ROWS_PER_STATEMENT);
        for chunk in seen.chunks(ROWS_PER_STATEMENT) {
            let mut statement = observe_statement(self.id, self.before, &self.at, chunk)?;
            let full = chunk.len() == ROWS_PER_STATEMENT;
            starts.clear();
            for row in statement.build().persistent(full).fetch_all(&mut *transaction).await? {
                starts.insert(row.text("key")?, row.parsed("since")?);
            }
            for one in chunk {
                let start = starts.get(one.key.as_str()).copied();
                since
                    .push(start.ok_or_else(|| Trouble::Stored(format!("the clock of {:?} was not written", one.key)))?);
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn finish(mut self: Box<Self>, census: Option<&CensusRecord>) -> Result<()> {
        let mut writer = self.shared.writer.lock().await;
        let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
        query("UPDATE judgement SET state = 'old' WHERE location = ? AND state = 'current'")
            .bind(self.location.as_str())
            .execute(&mut *transaction)
            .await?;
        let done = query("UPDATE judgement SET state = 'current' WHERE id = ? AND state = 'open'")
            .bind(self.id)
            .execute(&mut *transaction)
            .await?;
        if done.rows_affected() != 1 {
            return Err(superseded());
        }
        if let Some(census) = census {
            put_census(&mut transaction, &self.location, census).await?;
        }
        transaction.commit().await?;
        drop(writer);
        if let Err(trouble) = remove_old(&self.shared, &mut self.connection, &self.location).await {
            // The judgement counts; the next one removes what is left.
            tracing::warn!(location = %self.location, ?trouble, "clocks of an older judgement are left in the catalog");
        }
        Ok(())
    }
}

#[async_trait]
impl Judgement for SqliteJudgement {
    async fn observe(&mut self, seen: &[Seen]) -> catalog::Result<Vec<Timestamp>> {
        let mut since = Vec::with_capacity(seen.len());
        for chunk in seen.chunks(ROWS_PER_TRANSACTION) {
            let result = self.write(chunk, &mut since).await;
            self.shared.named("writing the clocks of orphans", result)?;
        }
        Ok(since)
    }

    async fn commit(self: Box<Self>, census: Option<&CensusRecord>) -> catalog::Result<()> {
        let shared = Arc::clone(&self.shared);
        shared.named("committing the clocks of orphans", self.finish(census).await)
    }
}

/// A clock goes on if the judgement before has the key with the same tag and date. A key that is observed twice, once
/// as it was and once changed, keeps the later start.
fn observe_statement(id: i64, before: Option<i64>, at: &str, seen: &[Seen]) -> Result<QueryBuilder<Sqlite>> {
    let mut statement =
        QueryBuilder::new("INSERT INTO clock (judgement, key, etag, last_modified, size_bytes, since) SELECT ");
    statement.push_bind(id);
    statement.push(
        ", seen.column1, seen.column2, seen.column3, seen.column4, \
         CASE WHEN known.etag = seen.column2 AND known.last_modified = seen.column3 THEN known.since ELSE ",
    );
    statement.push_bind(at).push(" END FROM (VALUES ");
    for (place, one) in seen.iter().enumerate() {
        let mut row = statement.push(if place == 0 { "(" } else { ", (" }).separated(", ");
        row.push_bind(one.key.as_str())
            .push_bind(one.etag.as_str())
            .push_bind(stamp(one.last_modified)?)
            .push_bind(int(one.size_bytes)?)
            .push_unseparated(")");
    }
    statement.push(") AS seen LEFT JOIN clock AS known ON known.key = seen.column1 AND known.judgement = ");
    statement.push_bind(before);
    statement.push(
        " WHERE true ON CONFLICT (judgement, key) DO UPDATE SET etag = excluded.etag, \
         last_modified = excluded.last_modified, size_bytes = excluded.size_bytes, \
         since = max(since, excluded.since) RETURNING key, since",
    );
    Ok(statement)
}

/// Removes the clocks that no longer count, step by step.
async fn remove_old(shared: &Shared, connection: &mut SqliteConnection, location: &Location) -> Result<()> {
    let old: Vec<i64> = query_scalar("SELECT id FROM judgement WHERE location = ? AND state = 'old'")
        .bind(location.as_str())
        .fetch_all(&mut *connection)
        .await?;
    let step = i64::try_from(ROWS_PER_TRANSACTION).unwrap_or(i64::MAX);
    for id in old {
        loop {
            let _turn = shared.writer.lock().await;
            let end: Option<String> =
                query_scalar("SELECT key FROM clock WHERE judgement = ? ORDER BY key LIMIT 1 OFFSET ?")
                    .bind(id)
                    .bind(step)
                    .fetch_optional(&mut *connection)
                    .await?;
            let Some(end) = end else { break };
            query("DELETE FROM clock WHERE judgement = ? AND key < ?")
                .bind(id)
                .bind(end)
                .execute(&mut *connection)
                .await?;
        }
        let _turn = shared.writer.lock().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        query("DELETE FROM clock WHERE judgement = ?").bind(id).execute(&mut *transaction).await?;
        query("DELETE FROM judgement WHERE id = ?").bind(id).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

fn superseded() -> Trouble {
    Trouble::Refused("another judgement of the location began in the meantime: two runs collect it".to_owned())
}
