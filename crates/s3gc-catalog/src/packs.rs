//! The packs of the vault, and their way out of it.

use s3gc_core::Timestamp;
use s3gc_core::audit::AuditDraft;
use s3gc_core::catalog::{Adoption, PackRecord, PackState};
use s3gc_core::vault::FileName;
use sqlx::sqlite::{SqlitePool, SqliteRow};
use sqlx::{Connection, SqliteConnection, query, query_scalar};

use crate::audit;
use crate::rows::{Columns, int, stamp, stamp_opt};
use crate::trouble::{Result, Trouble};

/// Writes a new pack, which stays in the vault.
pub(crate) async fn put(transaction: &mut SqliteConnection, pack: &PackRecord) -> Result<()> {
    query(
        "INSERT INTO pack (name, vault, run, created_at, size_bytes, blake3, original_bytes, objects, adopted_at, damage, \
         copied_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(pack.name.as_str())
    .bind(pack.vault.as_str())
    .bind(pack.run.as_str())
    .bind(stamp(pack.created_at)?)
    .bind(int(pack.size_bytes)?)
    .bind(pack.blake3.to_string())
    .bind(int(pack.original_bytes)?)
    .bind(int(pack.objects)?)
    .bind(stamp_opt(pack.adopted.as_ref().map(|adopted| adopted.at))?)
    .bind(pack.adopted.as_ref().and_then(|adopted| adopted.damage.as_deref()))
    .bind(int(pack.copied_bytes)?)
    .execute(transaction)
    .await?;
    Ok(())
}

pub(crate) async fn list(readers: &SqlitePool, after: Option<&FileName>, limit: u32) -> Result<Vec<PackRecord>> {
    let rows = query("SELECT * FROM pack WHERE name > ? ORDER BY name LIMIT ?")
        .bind(after.map_or("", FileName::as_str))
        .bind(limit)
        .fetch_all(readers)
        .await?;
    rows.iter().map(record).collect()
}

fn record(row: &SqliteRow) -> Result<PackRecord> {
    let damage = row.text_opt("damage")?;
    Ok(PackRecord {
        name: row.checked("name")?,
        vault: row.text("vault")?,
        run: row.text("run")?,
        created_at: row.parsed("created_at")?,
        size_bytes: row.number("size_bytes")?,
        copied_bytes: row.number("copied_bytes")?,
        blake3: row.parsed("blake3")?,
        original_bytes: row.number("original_bytes")?,
        objects: row.number("objects")?,
        adopted: row.parsed_opt("adopted_at")?.map(|at| Adoption { at, damage }),
        state: state(row)?,
    })
}

fn state(row: &SqliteRow) -> Result<PackState> {
    let at: Option<Timestamp> = row.parsed_opt("state_at")?;
    match (row.text("state")?.as_str(), at) {
        ("kept", None) => Ok(PackState::Kept),
        ("marked", Some(at)) => Ok(PackState::Marked { at }),
        ("pruning", Some(at)) => Ok(PackState::Pruning { at }),
        ("pruned", Some(at)) => Ok(PackState::Pruned { at }),
        (word, at) => Err(Trouble::Stored(format!("a pack stands as {word:?} since {at:?}"))),
    }
}

/// Moves a pack from one state to the next; tells whether it did.
pub(crate) async fn step(
    writer: &mut SqliteConnection,
    pack: &FileName,
    expected: PackState,
    next: PackState,
    draft: AuditDraft,
) -> Result<bool> {
    if !expected.leads_to(next) {
        let (from, to) = (expected.as_str(), next.as_str());
        return Err(Trouble::Refused(format!("a pack that is {from} is not made {to}")));
    }
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let row = query("SELECT state, state_at FROM pack WHERE name = ?")
        .bind(pack.as_str())
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or_else(|| Trouble::NotFound("pack", pack.to_string()))?;
    if state(&row)? != expected {
        return Ok(false);
    }
    if let PackState::Pruning { at } = next
        && is_needed(&mut transaction, pack, at).await?
    {
        return Ok(false);
    }
    query("UPDATE pack SET state = ?, state_at = ? WHERE name = ?")
        .bind(next.as_str())
        .bind(stamp_opt(next.at())?)
        .bind(pack.as_str())
        .execute(&mut *transaction)
        .await?;
    let pruned_at = match (expected, next) {
        (_, PackState::Pruning { at }) => Some(Some(at)),
        (PackState::Pruning { .. }, PackState::Kept) => Some(None),
        _ => None,
    };
    if let Some(pruned_at) = pruned_at {
        query("UPDATE entry SET pruned_at = ? WHERE pack = ?")
            .bind(stamp_opt(pruned_at)?)
            .bind(pack.as_str())
            .execute(&mut *transaction)
            .await?;
    }
    audit::append(&mut transaction, vec![draft]).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Tells whether an entry of a pack is not settled, or is being restored: a restore holds its key before it reads.
async fn is_needed(transaction: &mut SqliteConnection, pack: &FileName, at: Timestamp) -> Result<bool> {
    let needed: i64 = query_scalar(
        "SELECT EXISTS (SELECT 1 FROM entry WHERE pack = ?1 AND state IN ('staged', 'sent'))
             OR EXISTS (SELECT 1 FROM entry JOIN held_key USING (location, key) WHERE pack = ?1 AND until > ?2)",
    )
    .bind(pack.as_str())
    .bind(stamp(at)?)
    .fetch_one(transaction)
    .await?;
    Ok(needed != 0)
}
