//! Reading the index of the vault.

use s3gc_core::catalog::{EntryFilter, EntryId, EntryRecord};
use s3gc_core::store::VersionId;
use s3gc_core::{Location, ObjectKey};
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{QueryBuilder, query, query_scalar};

use crate::rows::{Columns, stamp};
use crate::trouble::Result;

pub(crate) async fn unsettled(
    readers: &SqlitePool,
    location: &Location,
    after: EntryId,
    limit: u32,
) -> Result<Vec<EntryRecord>> {
    let rows =
        query("SELECT * FROM entry WHERE location = ? AND state IN ('staged', 'sent') AND id > ? ORDER BY id LIMIT ?")
            .bind(location.as_str())
            .bind(after.0)
            .bind(limit)
            .fetch_all(readers)
            .await?;
    rows.iter().map(record).collect()
}

/// As the index `entry_vaulted` has it.
const VAULTED: &str = "SELECT id, key FROM entry WHERE location = ? AND state = 'deleted' AND pruned_at IS NULL AND id > ? \
                       ORDER BY id LIMIT ?";

pub(crate) async fn vaulted(
    readers: &SqlitePool,
    location: &Location,
    after: EntryId,
    limit: u32,
) -> Result<Vec<(EntryId, ObjectKey)>> {
    let rows = query(VAULTED).bind(location.as_str()).bind(after.0).bind(limit).fetch_all(readers).await?;
    rows.iter().map(|row| Ok((EntryId(row.integer("id")?), row.checked("key")?))).collect()
}

/// Pages walk along the ids: an index serves only where it leads to few rows (key, prefix, run, pack), since any other
/// would have to sort all matches again for each page. A `+` before a column keeps SQLite from using its index.
pub(crate) async fn find(
    readers: &SqlitePool,
    filter: &EntryFilter,
    after: EntryId,
    limit: u32,
) -> Result<Vec<EntryRecord>> {
    let after = after.max(before_the_first(readers, filter).await?);
    let mut statement = QueryBuilder::<Sqlite>::new("SELECT * FROM entry WHERE id > ");
    statement.push_bind(after.0);
    if let Some(location) = &filter.location {
        statement.push(" AND +location = ").push_bind(location.as_str());
    }
    if let Some(key) = &filter.key {
        statement.push(" AND key = ").push_bind(key.as_str());
    }
    if let Some(prefix) = &filter.prefix {
        statement.push(" AND key >= ").push_bind(prefix.as_str());
        if let Some(end) = end_of_prefix(prefix) {
            statement.push(" AND key < ").push_bind(end);
        }
    }
    if let Some(run) = filter.run {
        statement.push(" AND run = ").push_bind(run.to_string());
    }
    if let Some(since) = filter.since {
        statement.push(" AND coalesce(settled_at, sent_at) >= ").push_bind(stamp(since)?);
    }
    if let Some(until) = filter.until {
        statement.push(" AND coalesce(settled_at, sent_at) < ").push_bind(stamp(until)?);
    }
    if let Some(pack) = &filter.pack {
        statement.push(" AND pack = ").push_bind(pack.as_str());
    }
    if let Some(is_pruned) = filter.is_pruned {
        statement.push(if is_pruned { " AND pruned_at IS NOT NULL" } else { " AND pruned_at IS NULL" });
    }
    if !filter.states.is_empty() {
        let mut states = statement.push(" AND +state IN (").separated(", ");
        for state in &filter.states {
            states.push_bind(state.as_str());
        }
        statement.push(")");
    }
    statement.push(" ORDER BY id LIMIT ").push_bind(limit);
    statement.build().fetch_all(readers).await?.iter().map(record).collect()
}

/// Finds by the indexes where the entries settled or sent since a time begin, so that a walk need not pass all older ones.
async fn before_the_first(readers: &SqlitePool, filter: &EntryFilter) -> Result<EntryId> {
    let Some(since) = filter.since else { return Ok(EntryId::default()) };
    let first: Option<i64> = query_scalar(
        "SELECT min(id) FROM (SELECT min(id) AS id FROM entry WHERE settled_at >= ?1
            UNION ALL SELECT min(id) FROM entry WHERE state IN ('staged', 'sent') AND sent_at >= ?1)",
    )
    .bind(stamp(since)?)
    .fetch_one(readers)
    .await?;
    Ok(EntryId(first.map_or(i64::MAX, |id| id - 1)))
}

/// Returns the least text above all that begin with the prefix; `None` if there is no such text. The bytes of UTF-8
/// sort as its characters do.
fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        let next = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

fn record(row: &SqliteRow) -> Result<EntryRecord> {
    Ok(EntryRecord {
        id: EntryId(row.integer("id")?),
        pack: row.checked("pack")?,
        entry: row.json("entry")?,
        state: row.word("state")?,
        unreferenced_since: row.parsed("unreferenced_since")?,
        sent_at: row.parsed_opt("sent_at")?,
        settled_at: row.parsed_opt("settled_at")?,
        marker: row.text_opt("marker")?.map(|id| VersionId::new(&id)),
        restored_at: row.parsed_opt("restored_at")?,
        pruned_at: row.parsed_opt("pruned_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_just_above_all_that_begin_with_it() {
        for (prefix, end) in [
            ("a", Some("b")),
            ("a/", Some("a0")),
            ("a\u{D7FF}", Some("a\u{E000}")),
            ("a\u{10FFFF}", Some("b")),
            ("\u{10FFFF}", None),
            ("\0", Some("\u{1}")),
            ("", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), end, "{prefix:?}");
        }
    }
}
