//! Holds and pins.

use s3gc_core::catalog::{Hold, HoldKind, Pin};
use s3gc_core::{Location, ObjectKey, Timestamp};
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Connection as _, SqliteConnection, query};

use crate::clocks;
use crate::rows::{Columns, stamp, stamp_opt, word};
use crate::trouble::Result;

pub(crate) async fn add(writer: &mut SqliteConnection, hold: &Hold) -> Result<i64> {
    let added = query("INSERT INTO hold (kind, location, glob, reason, created_at, until) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(word(&hold.kind)?)
        .bind(hold.location.as_ref().map(Location::as_str))
        .bind(hold.glob.as_str())
        .bind(hold.reason.as_str())
        .bind(stamp(hold.created_at)?)
        .bind(stamp_opt(hold.until)?)
        .execute(writer)
        .await?;
    Ok(added.last_insert_rowid())
}

/// Lists the holds that apply to a location: those of all locations too.
pub(crate) async fn list(readers: &SqlitePool, location: Option<&Location>) -> Result<Vec<Hold>> {
    let rows = query("SELECT * FROM hold WHERE ?1 IS NULL OR location IS NULL OR location = ?1 ORDER BY id")
        .bind(location.map(Location::as_str))
        .fetch_all(readers)
        .await?;
    let hold = |row: &SqliteRow| {
        Ok(Hold {
            id: row.integer("id")?,
            kind: match row.text("kind")?.as_str() {
                "migration" => HoldKind::Migration,
                _ => HoldKind::Glob,
            },
            location: row.text_opt("location")?.map(|name| Location::custom(&name)),
            glob: row.text("glob")?,
            reason: row.text("reason")?,
            created_at: row.parsed("created_at")?,
            until: row.parsed_opt("until")?,
        })
    };
    rows.iter().map(hold).collect()
}

pub(crate) async fn remove(writer: &mut SqliteConnection, id: i64) -> Result<bool> {
    let removed = query("DELETE FROM hold WHERE id = ?").bind(id).execute(writer).await?;
    Ok(removed.rows_affected() == 1)
}

/// Holds a key, and erases its clock.
pub(crate) async fn set_key(
    writer: &mut SqliteConnection,
    location: &Location,
    key: &ObjectKey,
    until: Timestamp,
) -> Result<()> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    hold_key(&mut transaction, location, key, until).await?;
    clocks::erase(&mut transaction, location, std::slice::from_ref(key)).await?;
    transaction.commit().await?;
    Ok(())
}

/// Holds a key; a hold that lasts longer stays.
pub(crate) async fn hold_key(
    transaction: &mut SqliteConnection,
    location: &Location,
    key: &ObjectKey,
    until: Timestamp,
) -> Result<()> {
    query(
        "INSERT INTO held_key (location, key, until) VALUES (?, ?, ?) \
         ON CONFLICT (location, key) DO UPDATE SET until = max(until, excluded.until)",
    )
    .bind(location.as_str())
    .bind(key.as_str())
    .bind(stamp(until)?)
    .execute(transaction)
    .await?;
    Ok(())
}

pub(crate) async fn held_keys(
    readers: &SqlitePool,
    location: &Location,
    now: Timestamp,
    after: Option<&ObjectKey>,
    limit: u32,
) -> Result<Vec<ObjectKey>> {
    // No key is empty, so all come after the empty text.
    let rows = query("SELECT key FROM held_key WHERE location = ? AND key > ? AND until > ? ORDER BY key LIMIT ?")
        .bind(location.as_str())
        .bind(after.map_or("", ObjectKey::as_str))
        .bind(stamp(now)?)
        .bind(limit)
        .fetch_all(readers)
        .await?;
    rows.iter().map(|row| row.checked("key")).collect()
}

pub(crate) async fn pins(readers: &SqlitePool, location: &Location) -> Result<Vec<Pin>> {
    let rows =
        query("SELECT * FROM pin WHERE location = ? ORDER BY name").bind(location.as_str()).fetch_all(readers).await?;
    let pin =
        |row: &SqliteRow| Ok(Pin { name: row.text("name")?, value: row.text("value")?, set_at: row.parsed("set_at")? });
    rows.iter().map(pin).collect()
}

pub(crate) async fn set_pin(writer: &mut SqliteConnection, location: &Location, pin: &Pin) -> Result<()> {
    query(
        "INSERT INTO pin (location, name, value, set_at) VALUES (?, ?, ?, ?) \
         ON CONFLICT (location, name) DO UPDATE SET value = excluded.value, set_at = excluded.set_at",
    )
    .bind(location.as_str())
    .bind(pin.name.as_str())
    .bind(pin.value.as_str())
    .bind(stamp(pin.set_at)?)
    .execute(writer)
    .await?;
    Ok(())
}
