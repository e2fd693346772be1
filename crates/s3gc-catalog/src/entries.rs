//! The index of the vault: packs, entries, intents and outcomes.

mod find;

use s3gc_core::Timestamp;
use s3gc_core::audit::AuditDraft;
use s3gc_core::catalog::{EntryId, EntryState, PackRecord, Settlement, StagedEntry};
use s3gc_core::store::VersionId;
use s3gc_core::{Location, ObjectKey};
use s3gc_failpoint::{Point, hit};
use sqlx::sqlite::Sqlite;
use sqlx::{Connection, QueryBuilder, SqliteConnection, query, query_scalar};

use crate::rows::{Columns, ROWS_PER_STATEMENT, count, int, json, stamp};
use crate::trouble::{Result, Trouble};
use crate::{audit, clocks, holds, packs};

pub(crate) use find::{find, unsettled, vaulted};

pub(crate) async fn stage(
    writer: &mut SqliteConnection,
    pack: &PackRecord,
    entries: &[StagedEntry],
) -> Result<Vec<EntryId>> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    packs::put(&mut transaction, pack).await?;
    let ids = put_entries(&mut transaction, pack, entries, EntryState::Staged, None).await?;
    transaction.commit().await?;
    Ok(ids)
}

pub(crate) async fn adopt(writer: &mut SqliteConnection, pack: &PackRecord, entries: &[StagedEntry]) -> Result<bool> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let known: i64 = query_scalar("SELECT count(*) FROM pack WHERE name = ?")
        .bind(pack.name.as_str())
        .fetch_one(&mut *transaction)
        .await?;
    if known > 0 {
        return Ok(false);
    }
    packs::put(&mut transaction, pack).await?;
    // When it was deleted is not known; the pack was written a little before.
    put_entries(&mut transaction, pack, entries, EntryState::Deleted, Some(pack.created_at)).await?;
    transaction.commit().await?;
    Ok(true)
}

pub(crate) async fn send(writer: &mut SqliteConnection, entries: &[EntryId], at: Timestamp) -> Result<()> {
    let at = stamp(at)?;
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    for chunk in entries.chunks(ROWS_PER_STATEMENT) {
        let mut statement = QueryBuilder::<Sqlite>::new("UPDATE entry SET state = 'sent', sent_at = ");
        statement.push_bind(at.as_str()).push(" WHERE state = 'staged' AND id IN (");
        let mut ids = statement.separated(", ");
        for id in chunk {
            ids.push_bind(id.0);
        }
        statement.push(")");
        let sent = statement.build().persistent(false).execute(&mut *transaction).await?;
        if sent.rows_affected() != count(chunk.len()) {
            return Err(Trouble::Refused("an entry to be sent is not staged, or named twice: none is sent".to_owned()));
        }
    }
    transaction.commit().await?;
    Ok(())
}

pub(crate) async fn settle(
    writer: &mut SqliteConnection,
    outcomes: &[Settlement],
    drafts: Vec<AuditDraft>,
) -> Result<()> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    for chunk in outcomes.chunks(ROWS_PER_STATEMENT) {
        let mut statement = settle_statement(chunk)?;
        let full = chunk.len() == ROWS_PER_STATEMENT;
        let settled = statement.build().persistent(full).execute(&mut *transaction).await?;
        if settled.rows_affected() != count(chunk.len()) {
            return Err(Trouble::Refused(
                "an entry to be settled is neither staged nor sent, or named twice: none is settled".to_owned(),
            ));
        }
    }
    hit(Point::OutcomesWritten);
    audit::append(&mut transaction, drafts).await?;
    hit(Point::AuditAppended);
    transaction.commit().await?;
    hit(Point::OutcomesCommitted);
    Ok(())
}

fn settle_statement(outcomes: &[Settlement]) -> Result<QueryBuilder<Sqlite>> {
    let mut statement = QueryBuilder::new(
        "UPDATE entry SET state = outcome.column2, marker = outcome.column3, settled_at = outcome.column4 \
         FROM (VALUES ",
    );
    for (place, outcome) in outcomes.iter().enumerate() {
        let state = match outcome.state {
            EntryState::Deleted
            | EntryState::Gone
            | EntryState::Changed
            | EntryState::Rescued
            | EntryState::PutBack => outcome.state.as_str(),
            EntryState::Staged | EntryState::Sent | EntryState::Restored => {
                return Err(Trouble::Refused(format!("{} is not an outcome", outcome.state.as_str())));
            }
        };
        let mut row = statement.push(if place == 0 { "(" } else { ", (" }).separated(", ");
        row.push_bind(outcome.entry.0)
            .push_bind(state)
            .push_bind(outcome.marker.as_ref().map(VersionId::as_str))
            .push_bind(stamp(outcome.at)?)
            .push_unseparated(")");
    }
    statement.push(") AS outcome WHERE entry.id = outcome.column1 AND entry.state IN ('staged', 'sent')");
    Ok(statement)
}

pub(crate) async fn restored(
    writer: &mut SqliteConnection,
    entry: EntryId,
    at: Timestamp,
    hold_until: Timestamp,
    draft: AuditDraft,
) -> Result<()> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let row = query("SELECT location, key, state FROM entry WHERE id = ?")
        .bind(entry.0)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| Trouble::NotFound("entry of the vault index", entry.0.to_string()))?;
    let (location, key): (Location, ObjectKey) = (Location::custom(&row.text("location")?), row.checked("key")?);
    let state = row.text("state")?;
    if state == "staged" {
        return Err(Trouble::Refused(format!("entry {} is {state}: settle it first", entry.0)));
    }
    query("UPDATE entry SET state = 'restored', restored_at = ?1, settled_at = coalesce(settled_at, ?1) WHERE id = ?2")
        .bind(stamp(at)?)
        .bind(entry.0)
        .execute(&mut *transaction)
        .await?;
    holds::hold_key(&mut transaction, &location, &key, hold_until).await?;
    clocks::erase(&mut transaction, &location, &[key]).await?;
    audit::append(&mut transaction, vec![draft]).await?;
    transaction.commit().await?;
    Ok(())
}

async fn put_entries(
    transaction: &mut SqliteConnection,
    pack: &PackRecord,
    entries: &[StagedEntry],
    state: EntryState,
    settled_at: Option<Timestamp>,
) -> Result<Vec<EntryId>> {
    // The rows of one statement need not be numbered in their order, so they get their numbers here. An id is never
    // used again: https://www.sqlite.org/autoinc.html.
    let last: Option<i64> =
        query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'entry'").fetch_optional(&mut *transaction).await?;
    let ids: Vec<EntryId> = (last.unwrap_or_default() + 1..).map(EntryId).take(entries.len()).collect();
    let settled_at = settled_at.map(stamp).transpose()?;
    for (entries, ids) in entries.chunks(ROWS_PER_STATEMENT).zip(ids.chunks(ROWS_PER_STATEMENT)) {
        let mut statement = QueryBuilder::<Sqlite>::new(
            "INSERT INTO entry (id, pack, location, key, size_bytes, run, state, unreferenced_since, settled_at, \
             entry) VALUES ",
        );
        for (place, (StagedEntry { entry, unreferenced_since }, id)) in entries.iter().zip(ids).enumerate() {
            let mut row = statement.push(if place == 0 { "(" } else { ", (" }).separated(", ");
            row.push_bind(id.0)
                .push_bind(pack.name.as_str())
                .push_bind(entry.location.as_str())
                .push_bind(entry.key.as_str())
                .push_bind(int(entry.meta.size_bytes)?)
                .push_bind(entry.run.as_str())
                .push_bind(state.as_str())
                .push_bind(stamp(*unreferenced_since)?)
                .push_bind(settled_at.as_deref())
                .push_bind(json(entry)?)
                .push_unseparated(")");
        }
        let full = entries.len() == ROWS_PER_STATEMENT;
        statement.build().persistent(full).execute(&mut *transaction).await?;
    }
    Ok(ids)
}
