//! What a vault holds, and how well it compressed.

use std::collections::{BTreeMap, HashMap, HashSet};

use s3gc_store::Timestamp;
use s3gc_vault::FileName;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::catalog::{EntryFilter, EntryId, EntryRecord, PackRecord};
use crate::gc::Parts;
use crate::metrics::ratio;

/// How many records of the catalog are read at a time.
const PAGE: u32 = 1000;
/// How many content types are told apart; the rest is `other`, so that hostile ones cannot fill the memory.
const MAX_TYPES: usize = 200;

/// What the packs of a vault hold, by what the catalog knows of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VaultStats {
    /// The vault.
    pub vault: String,
    /// How many packs it has.
    pub packs: u64,
    /// Their bytes.
    pub size_bytes: u64,
    /// The bytes of the objects in them.
    pub original_bytes: u64,
    /// Bytes of the objects per byte of the packs; 0 for an empty vault.
    pub ratio: f64,
    /// How many objects they hold.
    pub objects: u64,
    /// When the oldest pack was written.
    pub oldest: Option<Timestamp>,
    /// When the newest was.
    pub newest: Option<Timestamp>,
    /// By how the objects are stored: `zstd`, `raw` where nothing is gained by compression, `copy` where the store copied
    /// them, `lz4`, ...
    pub codecs: BTreeMap<String, VaultShare>,
    /// By content type, without its parameters.
    pub content_types: BTreeMap<String, VaultShare>,
}

/// A part of a vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VaultShare {
    /// How many objects.
    pub objects: u64,
    /// Their bytes.
    pub original_bytes: u64,
    /// The bytes of the packs that they take; small objects share a frame, and each has its part of it by its length. An
    /// object whose bytes are those of another one of its pack takes none.
    pub stored_bytes: u64,
    /// Bytes of the objects per byte of the packs; 0 where there are none.
    pub ratio: f64,
}

/// Lists the packs that the catalog knows in this vault; those that were pruned, too.
pub(crate) async fn packs(parts: &Parts) -> Result<Vec<PackRecord>> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = parts.catalog.packs(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.name.clone());
        all.extend(page);
    }
    all.retain(|pack: &PackRecord| pack.vault == parts.vault.location());
    Ok(all)
}

/// Adds up the packs of the vault, whichever bucket their objects are from.
pub(crate) async fn vault_stats(parts: &Parts) -> Result<VaultStats> {
    let mut stats = VaultStats { vault: parts.vault.location().to_owned(), ..VaultStats::default() };
    let mut packs = packs(parts).await?;
    packs.retain(|pack| !pack.state.is_gone());
    packs.iter().for_each(|pack| stats.add_pack(pack));
    let packs: HashSet<FileName> = packs.into_iter().map(|pack| pack.name).collect();
    let mut open = OpenPack::default();
    let mut id = EntryId::default();
    loop {
        let page = parts.catalog.entries(&EntryFilter::default(), id, PAGE).await?;
        let Some(last) = page.last() else { break };
        id = last.id;
        // The entries of a pack are written together, so their ids follow each other.
        for entry in page.into_iter().filter(|entry| packs.contains(&entry.pack)) {
            if open.name.as_ref() != Some(&entry.pack) {
                let next = OpenPack { name: Some(entry.pack.clone()), ..OpenPack::default() };
                stats.add_members(std::mem::replace(&mut open, next));
            }
            open.add(&entry);
        }
    }
    stats.add_members(open);
    stats.ratio = ratio(stats.original_bytes, stats.size_bytes);
    for share in stats.codecs.values_mut().chain(stats.content_types.values_mut()) {
        share.ratio = ratio(share.original_bytes, share.stored_bytes);
    }
    Ok(stats)
}

/// A pack whose entries are being read.
#[derive(Debug, Default)]
struct OpenPack {
    name: Option<FileName>,
    members: Vec<Member>,
    /// By where a frame begins: its length, and that of the members in it.
    frames: HashMap<u64, (u64, u64)>,
    /// Where data begins that is counted already.
    places: HashSet<(u64, u64)>,
}

#[derive(Debug)]
struct Member {
    frame: u64,
    bytes: u64,
    original_bytes: u64,
    copied_bytes: u64,
    codec: String,
    content_type: String,
}

impl OpenPack {
    fn add(&mut self, record: &EntryRecord) {
        let (entry, meta) = (&record.entry, &record.entry.meta);
        let is_copy = meta.size_bytes > 0 && !self.places.insert((entry.frame_offset, entry.offset_in_frame));
        // An empty member takes its header alone.
        let bytes = if is_copy { 0 } else { entry.member_bytes.max(1) };
        self.frames.entry(entry.frame_offset).or_insert((entry.frame_len, 0)).1 += bytes;
        let content_type = meta.headers.content_type.as_deref().unwrap_or_default();
        let content_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        self.members.push(Member {
            frame: entry.frame_offset,
            bytes,
            original_bytes: meta.size_bytes,
            copied_bytes: entry.copied_bytes(),
            codec: entry.codec.clone(),
            content_type: if content_type.is_empty() { "none".to_owned() } else { content_type },
        });
    }
}

impl VaultStats {
    fn add_pack(&mut self, pack: &PackRecord) {
        self.packs += 1;
        self.size_bytes += pack.size_bytes + pack.copied_bytes;
        self.original_bytes += pack.original_bytes;
        self.objects += pack.objects;
        self.oldest = Some(self.oldest.map_or(pack.created_at, |oldest| oldest.min(pack.created_at)));
        self.newest = Some(self.newest.map_or(pack.created_at, |newest| newest.max(pack.created_at)));
    }

    fn add_members(&mut self, pack: OpenPack) {
        for member in pack.members {
            let (len, all) = pack.frames.get(&member.frame).copied().unwrap_or_default();
            let stored = u128::from(len) * u128::from(member.bytes) / u128::from(all.max(1));
            let stored = u64::try_from(stored).unwrap_or(u64::MAX).saturating_add(member.copied_bytes);
            let is_new = !self.content_types.contains_key(&member.content_type);
            let content_type =
                if is_new && self.content_types.len() >= MAX_TYPES { "other".to_owned() } else { member.content_type };
            let codec = self.codecs.entry(member.codec).or_default();
            let content_type = self.content_types.entry(content_type).or_default();
            for share in [codec, content_type] {
                share.objects += 1;
                share.original_bytes += member.original_bytes;
                share.stored_bytes += stored;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use s3gc_store::{Location, ObjectKey, ObjectMeta};
    use s3gc_vault::pack::PackEntry;

    use super::*;
    use crate::catalog::EntryState;

    fn record(key: &str, size_bytes: u64, frame: (u64, u64), offset_in_frame: u64) -> EntryRecord {
        EntryRecord {
            id: EntryId::default(),
            pack: FileName::new("packs/p").unwrap(),
            entry: PackEntry {
                location: Location::aws("b"),
                key: ObjectKey::new(key).unwrap(),
                meta: ObjectMeta::new(size_bytes),
                run: "r".into(),
                staged_at: Timestamp::UNIX_EPOCH,
                blake3: crate::Digest::of(b""),
                codec: if size_bytes == 600 { "raw" } else { "zstd" }.into(),
                member: String::new(),
                frame_offset: frame.0,
                frame_len: frame.1,
                offset_in_frame,
                member_bytes: size_bytes,
                copied: None,
            },
            state: EntryState::Deleted,
            unreferenced_since: Timestamp::UNIX_EPOCH,
            sent_at: None,
            settled_at: None,
            marker: None,
            restored_at: None,
            pruned_at: None,
        }
    }

    #[test]
    fn what_objects_share_is_stored_once() {
        let mut pack = OpenPack::default();
        for (key, size, frame, offset) in [
            ("a", 100, (0, 80), 512),
            ("copy of a", 100, (0, 80), 512),
            ("b", 300, (0, 80), 1536),
            ("empty", 0, (80, 50), 512),
            ("also empty", 0, (80, 50), 512),
            ("c", 600, (130, 640), 512),
            ("copy of c", 600, (130, 640), 512),
        ] {
            pack.add(&record(key, size, frame, offset));
        }
        let mut stats = VaultStats::default();
        stats.add_members(pack);
        let share = |codec: &str| {
            let share = stats.codecs[codec];
            (share.objects, share.original_bytes, share.stored_bytes)
        };
        assert_eq!(share("raw"), (2, 1200, 640));
        assert_eq!(share("zstd"), (5, 500, 80 + 50));
    }
}
