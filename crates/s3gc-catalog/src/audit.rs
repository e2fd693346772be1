//! The audit chain.

use s3gc_core::Location;
use s3gc_core::audit::{AuditDraft, AuditEntry, AuditHead};
use s3gc_core::catalog::AuditFilter;
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{Connection, QueryBuilder, SqliteConnection, SqliteExecutor, query};

use crate::rows::{Columns, ROWS_PER_STATEMENT, int, stamp};
use crate::trouble::Result;

/// Appends in a transaction of its own.
pub(crate) async fn append_all(writer: &mut SqliteConnection, drafts: Vec<AuditDraft>) -> Result<AuditHead> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let head = append(&mut transaction, drafts).await?;
    transaction.commit().await?;
    Ok(head)
}

/// Links drafts to the end of the chain, within the caller's transaction.
pub(crate) async fn append(transaction: &mut SqliteConnection, drafts: Vec<AuditDraft>) -> Result<AuditHead> {
    let mut last = head(&mut *transaction).await?;
    if drafts.is_empty() {
        return Ok(last);
    }
    let mut entries = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let entry = AuditEntry::link(&last, draft);
        last = entry.head();
        entries.push(entry);
    }
    for chunk in entries.chunks(ROWS_PER_STATEMENT) {
        insert(transaction, chunk).await?;
    }
    query("UPDATE audit_head SET seq = ?, hash = ?")
        .bind(int(last.seq)?)
        .bind(last.hash.to_string())
        .execute(transaction)
        .await?;
    Ok(last)
}

async fn insert(transaction: &mut SqliteConnection, entries: &[AuditEntry]) -> Result<()> {
    let mut statement = QueryBuilder::<Sqlite>::new(
        "INSERT INTO audit (seq, at, run, location, kind, key, detail, previous, hash) VALUES ",
    );
    for (place, entry) in entries.iter().enumerate() {
        let mut row = statement.push(if place == 0 { "(" } else { ", (" }).separated(", ");
        row.push_bind(int(entry.seq)?)
            .push_bind(stamp(entry.at)?)
            .push_bind(entry.run.map(|run| run.to_string()))
            .push_bind(entry.location.as_ref().map(Location::as_str))
            .push_bind(entry.kind.as_str())
            .push_bind(entry.key.as_deref())
            .push_bind(entry.detail.as_str())
            .push_bind(entry.previous.to_string())
            .push_bind(entry.hash.to_string())
            .push_unseparated(")");
    }
    statement.build().persistent(entries.len() == ROWS_PER_STATEMENT).execute(transaction).await?;
    Ok(())
}

pub(crate) async fn list(
    readers: &SqlitePool,
    filter: &AuditFilter,
    after: u64,
    limit: u32,
) -> Result<Vec<AuditEntry>> {
    let mut statement = QueryBuilder::<Sqlite>::new("SELECT * FROM audit WHERE seq > ");
    statement.push_bind(int(after)?);
    if let Some(run) = filter.run {
        statement.push(" AND run = ").push_bind(run.to_string());
    }
    if let Some(key) = &filter.key {
        statement.push(" AND key = ").push_bind(key.as_str());
    }
    if let Some(kind) = &filter.kind {
        statement.push(" AND kind = ").push_bind(kind.as_str());
    }
    if let Some(location) = &filter.location {
        statement.push(" AND location = ").push_bind(location.as_str());
    }
    statement.push(" ORDER BY seq LIMIT ").push_bind(limit);
    statement.build().fetch_all(readers).await?.iter().map(entry).collect()
}

fn entry(row: &SqliteRow) -> Result<AuditEntry> {
    Ok(AuditEntry {
        seq: row.number("seq")?,
        at: row.parsed("at")?,
        run: row.parsed_opt("run")?,
        location: row.text_opt("location")?.map(|name| Location::custom(&name)),
        kind: row.text("kind")?,
        key: row.text_opt("key")?,
        detail: row.text("detail")?,
        previous: row.parsed("previous")?,
        hash: row.parsed("hash")?,
    })
}

pub(crate) async fn head(executor: impl SqliteExecutor<'_>) -> Result<AuditHead> {
    let row = query("SELECT seq, hash FROM audit_head").fetch_one(executor).await?;
    Ok(AuditHead { seq: row.number("seq")?, hash: row.parsed("hash")? })
}
