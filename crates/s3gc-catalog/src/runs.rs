//! Runs, plans and totals.

use s3gc_core::catalog::{PlanRecord, RunRecord, Totals};
use s3gc_core::{Digest, Location, RunId};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{SqliteConnection, query};

use crate::rows::{Columns, json, stamp, stamp_opt, word};
use crate::trouble::{Result, Trouble};

pub(crate) async fn put(writer: &mut SqliteConnection, run: &RunRecord) -> Result<()> {
    query(
        "INSERT INTO run (id, location, mode, state, started_at, ended_at, error, report) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
         ON CONFLICT (id) DO UPDATE SET location = excluded.location, mode = excluded.mode, state = excluded.state, \
         started_at = excluded.started_at, ended_at = excluded.ended_at, error = excluded.error, \
         report = excluded.report",
    )
    .bind(run.id.to_string())
    .bind(run.location.as_str())
    .bind(run.mode.as_str())
    .bind(run.state.as_str())
    .bind(stamp(run.started_at)?)
    .bind(stamp_opt(run.ended_at)?)
    .bind(run.error.as_deref())
    .bind(run.report.as_ref().map(json).transpose()?)
    .execute(writer)
    .await?;
    Ok(())
}

pub(crate) async fn read(readers: &SqlitePool, id: RunId) -> Result<Option<RunRecord>> {
    let row = query("SELECT * FROM run WHERE id = ?").bind(id.to_string()).fetch_optional(readers).await?;
    row.as_ref().map(record).transpose()
}

pub(crate) async fn list(readers: &SqlitePool, location: Option<&Location>, limit: u32) -> Result<Vec<RunRecord>> {
    let rows = match location {
        None => query("SELECT * FROM run ORDER BY started_at DESC, id DESC LIMIT ?"),
        Some(location) => query("SELECT * FROM run WHERE location = ? ORDER BY started_at DESC, id DESC LIMIT ?")
            .bind(location.as_str()),
    };
    rows.bind(limit).fetch_all(readers).await?.iter().map(record).collect()
}

fn record(row: &SqliteRow) -> Result<RunRecord> {
    Ok(RunRecord {
        id: row.parsed("id")?,
        location: Location::custom(&row.text("location")?),
        mode: row.word("mode")?,
        state: row.word("state")?,
        started_at: row.parsed("started_at")?,
        ended_at: row.parsed_opt("ended_at")?,
        report: row.text_opt("report")?.map(|_| row.json("report")).transpose()?,
        error: row.text_opt("error")?,
    })
}

pub(crate) async fn put_plan(writer: &mut SqliteConnection, plan: &PlanRecord) -> Result<()> {
    query(
        "INSERT INTO plan (hash, run, location, created_at, state) VALUES (?, ?, ?, ?, ?) \
         ON CONFLICT (hash) DO UPDATE SET run = excluded.run, location = excluded.location, \
         created_at = excluded.created_at, state = excluded.state",
    )
    .bind(plan.hash.to_string())
    .bind(plan.run.to_string())
    .bind(plan.location.as_str())
    .bind(stamp(plan.created_at)?)
    .bind(word(&plan.state)?)
    .execute(writer)
    .await?;
    Ok(())
}

pub(crate) async fn plan(readers: &SqlitePool, hash: &Digest) -> Result<Option<PlanRecord>> {
    let row = query("SELECT * FROM plan WHERE hash = ?").bind(hash.to_string()).fetch_optional(readers).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(PlanRecord {
        hash: *hash,
        run: row.parsed("run")?,
        location: Location::custom(&row.text("location")?),
        created_at: row.parsed("created_at")?,
        state: row.word("state")?,
    }))
}

/// Adds up in one snapshot.
pub(crate) async fn totals(readers: &SqlitePool, location: Option<&Location>) -> Result<Totals> {
    let location = location.map(Location::as_str);
    let mut snapshot = readers.begin().await?;
    let runs = query(
        "SELECT count(*) AS runs, coalesce(sum(state IN ('failed', 'crashed')), 0) AS failed FROM run \
         WHERE ?1 IS NULL OR location = ?1",
    )
    .bind(location)
    .fetch_one(&mut *snapshot)
    .await?;
    let packs = query(
        "SELECT count(*) AS packs, coalesce(sum(size_bytes + copied_bytes), 0) AS vault, coalesce(sum(original_bytes), 0) AS original, \
         min(created_at) AS oldest, max(created_at) AS newest \
         FROM pack WHERE state IN ('kept', 'marked') \
         AND (?1 IS NULL OR EXISTS (SELECT 1 FROM entry WHERE entry.pack = pack.name AND location = ?1))",
    )
    .bind(location)
    .fetch_one(&mut *snapshot)
    .await?;
    let entries = query(
        "SELECT state, marker IS NOT NULL AS hidden, count(*) AS objects, sum(size_bytes) AS bytes \
         FROM entry INDEXED BY entry_by_state WHERE ?1 IS NULL OR location = ?1 GROUP BY 1, 2",
    )
    .bind(location)
    .fetch_all(&mut *snapshot)
    .await?;
    let mut totals = Totals {
        runs: runs.number("runs")?,
        failed_runs: runs.number("failed")?,
        packs: packs.number("packs")?,
        vault_bytes: packs.number("vault")?,
        original_bytes: packs.number("original")?,
        oldest_pack: packs.parsed_opt("oldest")?,
        newest_pack: packs.parsed_opt("newest")?,
        ..Totals::default()
    };
    for row in &entries {
        add(&mut totals, row)?;
    }
    Ok(totals)
}

fn add(totals: &mut Totals, row: &SqliteRow) -> Result<(), Trouble> {
    let (objects, bytes): (u64, u64) = (row.number("objects")?, row.number("bytes")?);
    let state = row.text("state")?;
    match state.as_str() {
        "staged" | "sent" => totals.unsettled += objects,
        "deleted" | "restored" => {
            totals.deleted_objects += objects;
            totals.deleted_bytes += bytes;
        }
        _ => {}
    }
    if state == "restored" {
        totals.restored_objects += objects;
        totals.restored_bytes += bytes;
    }
    if state == "deleted" && row.integer("hidden")? == 1 {
        totals.hidden_objects += objects;
        totals.hidden_bytes += bytes;
    }
    Ok(())
}
