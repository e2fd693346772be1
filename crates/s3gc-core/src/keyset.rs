//! A set of strings as salted 64-bit fingerprints: 8 bytes a string, sorted, on disk beyond its memory.
//!
//! Two strings with one fingerprint look like one: a key may then count as referenced that is not, which keeps an
//! object. The salt changes with every run, so that no object is kept so for ever.

use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::sealed::{SealedFile, SealedWriter};

/// How many fingerprints a record of a spilled run holds.
const BLOCK: usize = 8192;

/// Fingerprints strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt(u64);

impl Salt {
    /// Takes a random salt.
    pub(crate) fn random() -> Self {
        Self(rand::random())
    }

    /// Fingerprints a string.
    pub(crate) fn fingerprint(self, text: &str) -> u64 {
        xxh3_64_with_seed(text.as_bytes(), self.0)
    }
}

/// Collects fingerprints.
#[derive(Debug)]
pub(crate) struct KeySetBuilder {
    salt: Salt,
    buffer: Vec<u64>,
    limit: usize,
    runs: Vec<SealedFile>,
    dir: PathBuf,
}

impl KeySetBuilder {
    /// Begins an empty set that takes at most about `memory_bytes` of memory and then goes to files in `dir`.
    pub(crate) fn new(salt: Salt, memory_bytes: u64, dir: &Path) -> Self {
        let limit = usize::try_from(memory_bytes / 8).unwrap_or(usize::MAX).max(BLOCK);
        Self { salt, buffer: Vec::new(), limit, runs: Vec::new(), dir: dir.to_owned() }
    }

    /// Adds a string.
    pub(crate) fn insert(&mut self, text: &str) -> io::Result<()> {
        self.insert_fingerprint(self.salt.fingerprint(text))
    }

    /// Adds a fingerprint.
    pub(crate) fn insert_fingerprint(&mut self, fingerprint: u64) -> io::Result<()> {
        if self.buffer.len() == self.buffer.capacity() {
            self.make_room()?;
        }
        self.buffer.push(fingerprint);
        Ok(())
    }

    /// Ends the set.
    pub(crate) fn finish(mut self) -> io::Result<KeySet> {
        self.sort();
        self.buffer.shrink_to_fit();
        Ok(KeySet { salt: self.salt, memory: self.buffer, runs: self.runs })
    }

    /// Grows by at most what the limit leaves, after dropping doubles; spills when that does not help.
    fn make_room(&mut self) -> io::Result<()> {
        let full = self.buffer.len();
        if full >= self.limit {
            self.sort();
            if self.buffer.len() > self.limit / 4 * 3 {
                self.spill()?;
            }
            return Ok(());
        }
        // Growth by half keeps the old and the new buffer, which exist together for a moment, under 3 x 8 bytes a key.
        let more = (full / 2).max(BLOCK).min(self.limit - full);
        self.buffer.reserve_exact(more);
        Ok(())
    }

    fn sort(&mut self) {
        self.buffer.sort_unstable();
        self.buffer.dedup();
    }

    fn spill(&mut self) -> io::Result<()> {
        let mut writer = SealedWriter::create(&self.dir)?;
        let mut record = Vec::with_capacity(BLOCK * 8);
        for block in self.buffer.chunks(BLOCK) {
            record.clear();
            record.extend(block.iter().flat_map(|fingerprint| fingerprint.to_le_bytes()));
            writer.push(&record)?;
        }
        self.runs.push(writer.finish()?);
        self.buffer.clear();
        Ok(())
    }
}

/// A set of fingerprints.
#[derive(Debug)]
pub(crate) struct KeySet {
    salt: Salt,
    memory: Vec<u64>,
    runs: Vec<SealedFile>,
}

impl KeySet {
    /// Returns the salt of the fingerprints.
    pub(crate) fn salt(&self) -> Salt {
        self.salt
    }

    /// Tells whether the set is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.runs.is_empty()
    }

    /// Tells whether a part of the set is on disk, so that each call of `contains` reads all of it.
    pub(crate) fn is_spilled(&self) -> bool {
        !self.runs.is_empty()
    }

    /// Tells for each fingerprint whether it is in the set.
    pub(crate) fn contains(&mut self, probes: &[u64]) -> io::Result<Vec<bool>> {
        let mut found: Vec<bool> = probes.iter().map(|probe| self.memory.binary_search(probe).is_ok()).collect();
        if self.runs.is_empty() {
            return Ok(found);
        }
        let mut order: Vec<usize> = (0..probes.len()).collect();
        order.sort_unstable_by_key(|index| probes[*index]);
        for run in &mut self.runs {
            merge(run, probes, &order, &mut found)?;
        }
        Ok(found)
    }
}

/// Walks over a sorted run and the sorted probes together, to the run's end so that its seal is checked.
fn merge(run: &mut SealedFile, probes: &[u64], order: &[usize], found: &mut [bool]) -> io::Result<()> {
    let mut reader = run.reader()?;
    let mut record = Vec::new();
    let mut next = 0;
    while reader.next(&mut record)? {
        let (fingerprints, rest) = record.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a spilled key set is damaged"));
        }
        for fingerprint in fingerprints.iter().map(|bytes| u64::from_le_bytes(*bytes)) {
            while next < order.len() && probes[order[next]] < fingerprint {
                next += 1;
            }
            while next < order.len() && probes[order[next]] == fingerprint {
                found[order[next]] = true;
                next += 1;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(count: usize, memory_bytes: u64) -> KeySet {
        let mut builder = KeySetBuilder::new(Salt(7), memory_bytes, &std::env::temp_dir());
        for n in 0..count {
            builder.insert(&format!("uploads/{n}.jpg")).unwrap();
            builder.insert(&format!("uploads/{n}.jpg")).unwrap();
        }
        builder.finish().unwrap()
    }

    fn check(mut set: KeySet, count: usize) {
        let salt = set.salt();
        let probes: Vec<u64> = (0..count + 1000).map(|n| salt.fingerprint(&format!("uploads/{n}.jpg"))).collect();
        let found = set.contains(&probes).unwrap();
        assert!(found[..count].iter().all(|f| *f), "every member is found");
        assert!(!found[count..].iter().any(|f| *f), "nothing else is found");
    }

    #[test]
    fn a_set_in_memory_has_its_members_and_no_others() {
        let set = build(50_000, 64 << 20);
        assert!(!set.is_spilled());
        check(set, 50_000);
    }

    #[test]
    fn i11_a_set_beyond_its_memory_spills_and_has_the_same_members() {
        let set = build(50_000, 100_000);
        assert!(set.is_spilled());
        assert!(set.memory.capacity() <= 100_000 / 8 * 2, "{}", set.memory.capacity());
        check(set, 50_000);
    }

    #[test]
    fn the_salt_changes_the_fingerprint() {
        assert_ne!(Salt(1).fingerprint("a"), Salt(2).fingerprint("a"));
    }
}
