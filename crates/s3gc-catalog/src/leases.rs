//! Leases.

use s3gc_core::Location;
use s3gc_core::catalog::Lease;
use sqlx::sqlite::SqlitePool;
use sqlx::{SqliteConnection, query};

use crate::rows::{Columns, int, stamp, stamp_opt};
use crate::trouble::Result;

pub(crate) async fn read(readers: &SqlitePool, location: &Location) -> Result<Option<Lease>> {
    let row = query("SELECT * FROM lease WHERE location = ?").bind(location.as_str()).fetch_optional(readers).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Lease {
        epoch: row.number("epoch")?,
        run: row.parsed("run")?,
        host: row.text("host")?,
        boot_id: row.text("boot_id")?,
        pid_namespace: row.text("pid_namespace")?,
        pid: row.number("pid")?,
        pid_start: row.number("pid_start")?,
        acquired_at: row.parsed("acquired_at")?,
        heartbeat_at: row.parsed("heartbeat_at")?,
        released_at: row.parsed_opt("released_at")?,
        effects_after: row.parsed_opt("effects_after")?,
    }))
}

/// One statement compares and writes, so no other writer comes between.
pub(crate) async fn swap(
    writer: &mut SqliteConnection,
    location: &Location,
    expected: Option<&Lease>,
    new: &Lease,
) -> Result<bool> {
    let (epoch, heartbeat) = match expected {
        Some(lease) => (Some(int(lease.epoch)?), Some(stamp(lease.heartbeat_at)?)),
        None => (None, None),
    };
    let statement = match expected {
        None => query(
            "INSERT INTO lease (location, epoch, run, host, boot_id, pid_namespace, pid, pid_start, acquired_at, \
             heartbeat_at, released_at, effects_after) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (location) DO NOTHING",
        ),
        Some(_) => query(
            "UPDATE lease SET epoch = ?2, run = ?3, host = ?4, boot_id = ?5, pid_namespace = ?6, pid = ?7, \
             pid_start = ?8, acquired_at = ?9, heartbeat_at = ?10, released_at = ?11, \
             effects_after = ?12 WHERE location = ?1 AND epoch = ?13 AND heartbeat_at = ?14",
        ),
    };
    let done = statement
        .bind(location.as_str())
        .bind(int(new.epoch)?)
        .bind(new.run.to_string())
        .bind(new.host.as_str())
        .bind(new.boot_id.as_str())
        .bind(new.pid_namespace.as_str())
        .bind(i64::from(new.pid))
        .bind(int(new.pid_start)?)
        .bind(stamp(new.acquired_at)?)
        .bind(stamp(new.heartbeat_at)?)
        .bind(stamp_opt(new.released_at)?)
        .bind(stamp_opt(new.effects_after)?)
        .bind(epoch)
        .bind(heartbeat)
        .execute(writer)
        .await?;
    Ok(done.rows_affected() == 1)
}
