//! What keeps a pack, as far as catalog and clock tell: its time, unsettled deletions, holds.

use std::time::Duration;

use s3gc_store::{ObjectKey, Timestamp};

use super::PackKept;
use crate::catalog::{EntryFilter, EntryId, EntryState, PackRecord};
use crate::gc::Parts;
use crate::judge::{HoldSet, Kept};
use crate::{Result, Settings};

/// How many entries of a pack are read at a time.
const PAGE: u32 = 1000;

/// How long a pack is kept: a database that is restored from its oldest backup must find its objects, whatever
/// `keep_days` says now.
pub(super) fn keep_time(settings: &Settings) -> Duration {
    settings.keep.max(settings.backup_window.unwrap_or_default())
}

/// Tells whether the pack may hold objects of this bucket: it does if its first entry is one, and when nobody knows.
pub(super) async fn is_ours(parts: &Parts, pack: &PackRecord) -> Result<bool> {
    let filter = EntryFilter { pack: Some(pack.name.clone()), ..EntryFilter::default() };
    let first = parts.catalog.entries(&filter, EntryId::default(), 1).await?;
    Ok(first.first().is_none_or(|entry| entry.entry.location == *parts.store.location()))
}

/// Tells what keeps a pack without reading its entries: they are no older than the pack, nor known for longer than it.
pub(super) fn check_age(settings: &Settings, pack: &PackRecord, now: Timestamp) -> Option<PackKept> {
    let known_since = pack.adopted.as_ref().map_or(pack.created_at, |adopted| adopted.at.max(pack.created_at));
    check_time(settings, known_since, now)
}

fn check_time(settings: &Settings, newest: Timestamp, now: Timestamp) -> Option<PackKept> {
    if newest > now {
        return Some(PackKept::Future { at: newest });
    }
    let until = newest.checked_add(keep_time(settings)).unwrap_or(Timestamp::MAX);
    (until > now).then_some(PackKept::Young { until })
}

/// Reads all entries of a pack; returns their keys, or what keeps it.
pub(super) async fn check(
    parts: &Parts,
    pack: &PackRecord,
    holds: &mut HoldSet,
    now: Timestamp,
) -> Result<Result<Vec<ObjectKey>, PackKept>> {
    let unknown = |detail: String| Ok(Err(PackKept::Unknown { detail }));
    if let Some(damage) = pack.adopted.as_ref().and_then(|adopted| adopted.damage.as_ref()) {
        return unknown(format!("it was damaged when it was found, and may hold more: {damage}"));
    }
    if let Some(kept) = check_age(&parts.settings, pack, now) {
        return Ok(Err(kept));
    }
    let filter = EntryFilter { pack: Some(pack.name.clone()), ..EntryFilter::default() };
    let (mut keys, mut newest, mut held, mut after) = (Vec::new(), Timestamp::MIN, None, EntryId::default());
    loop {
        let page = parts.catalog.entries(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for entry in page {
            let key = entry.entry.key;
            if entry.entry.location != *parts.store.location() {
                return unknown(format!("it holds {key} of {}", entry.entry.location));
            }
            if matches!(entry.state, EntryState::Staged | EntryState::Sent) {
                return Ok(Err(PackKept::Unsettled { key }));
            }
            newest = newest.max(entry.entry.staged_at).max(entry.settled_at.unwrap_or(Timestamp::MIN));
            if held.is_none() {
                held = holds.reason(&key, &parts.settings.variants).map(|reason| (reason, key.clone()));
            }
            keys.push(key);
        }
    }
    if keys.len() as u64 != pack.objects {
        return unknown(format!("it holds {} objects, and the catalog knows {}", pack.objects, keys.len()));
    }
    Ok(match (check_time(&parts.settings, newest, now), held) {
        (Some(kept), _) => Err(kept),
        (None, Some((Kept::Unsettled, key))) => Err(PackKept::Unsettled { key }),
        (None, Some((_, key))) => Err(PackKept::Held { key }),
        (None, None) => Ok(keys),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn i13_a_pack_stays_for_its_time_to_the_second_and_one_from_the_future_stays() {
        let mut settings = Settings::new("b", "/tmp");
        settings.keep = Duration::from_secs(90 * 86_400);
        let newest = at("2026-01-01T00:00:00Z");
        let until = at("2026-04-01T00:00:00Z");
        assert_eq!(check_time(&settings, newest, until), None);
        assert_eq!(check_time(&settings, newest, at("2026-03-31T23:59:59Z")), Some(PackKept::Young { until }));
        assert_eq!(check_time(&settings, until, newest), Some(PackKept::Future { at: until }));
        assert_eq!(check_time(&settings, Timestamp::MAX, Timestamp::MAX), None);
    }

    #[test]
    fn l17_a_pack_stays_for_as_long_as_the_database_can_be_restored() {
        let mut settings = Settings::new("b", "/tmp");
        settings.keep = Duration::from_secs(30 * 86_400);
        assert_eq!(keep_time(&settings), settings.keep);
        settings.backup_window = Some(Duration::from_secs(35 * 86_400));
        assert_eq!(keep_time(&settings), Duration::from_secs(35 * 86_400));
        settings.keep = Duration::from_secs(40 * 86_400);
        assert_eq!(keep_time(&settings), settings.keep);
    }
}
