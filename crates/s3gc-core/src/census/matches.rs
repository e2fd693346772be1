//! How many of a column's values have an object: the sign that values are still read as the keys that they are.
//!
//! Fingerprints hold no strings, so a sample of the values is carried through the judgement: those with the smallest
//! fingerprints (bottom-k), which is a fair sample of the distinct values whatever their order.

use std::collections::{BTreeMap, HashMap};

use s3gc_source::{ColumnId, Reading, ReferenceBatch};

use crate::keyset::Salt;

/// How many values of a column are sampled.
const SAMPLE: usize = 16_384;

/// Samples values, and marks those that have an object.
#[derive(Debug)]
pub(crate) struct MatchSampler {
    salt: Salt,
    columns: BTreeMap<ColumnId, Sample>,
    /// Fingerprint of a reading -> whether objects have it. Filled by `finish`.
    keys: HashMap<u64, Seen>,
    prefixes: HashMap<u64, Seen>,
}

/// Which objects a reading names, of those that were judged so far.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    any: bool,
    unreferenced: bool,
}

impl Seen {
    fn mark(&mut self, is_referenced: bool) {
        self.any = true;
        self.unreferenced |= !is_referenced;
    }
}

#[derive(Debug, Default)]
struct Sample {
    values: Vec<SampledValue>,
    threshold: Option<u64>,
}

#[derive(Debug)]
struct SampledValue {
    rank: u64,
    keys: Box<[u64]>,
    prefixes: Box<[u64]>,
}

impl MatchSampler {
    pub(crate) fn new(salt: Salt) -> Self {
        Self { salt, columns: BTreeMap::new(), keys: HashMap::new(), prefixes: HashMap::new() }
    }

    /// Samples the values of a batch.
    pub(crate) fn add(&mut self, batch: &ReferenceBatch) {
        self.add_as(batch.column(), batch);
    }

    /// Samples the values of a batch under another name.
    pub(crate) fn add_as(&mut self, column: &ColumnId, batch: &ReferenceBatch) {
        if !self.columns.contains_key(column) {
            self.columns.insert(column.clone(), Sample::default());
        }
        let Some(sample) = self.columns.get_mut(column) else { return };
        for value in batch.values() {
            // Over all readings: documents of one kind begin alike, and would all be one value.
            let fold = |rank: Option<u64>, reading: Reading<'_>| {
                let next = rank.unwrap_or_default() ^ self.salt.fingerprint(reading.as_str());
                Some(next.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31))
            };
            let Some(rank) = value.readings().fold(None, fold) else { continue };
            if sample.threshold.is_some_and(|threshold| rank >= threshold) {
                continue;
            }
            let fingerprint = |reading: Reading<'_>| self.salt.fingerprint(reading.as_str());
            let is_key = |reading: &Reading<'_>| matches!(reading, Reading::Key(_));
            let keys = value.readings().filter(is_key).map(fingerprint).collect();
            let prefixes = value.readings().filter(|reading| !is_key(reading)).map(fingerprint).collect();
            sample.values.push(SampledValue { rank, keys, prefixes });
            if sample.values.len() >= 2 * SAMPLE {
                sample.prune();
            }
        }
    }

    /// Ends the sampling; more may be added, and it ended once more.
    pub(crate) fn finish(mut self) -> Self {
        for sample in self.columns.values_mut() {
            sample.prune();
            for value in &sample.values {
                self.keys.extend(value.keys.iter().map(|key| (*key, Seen::default())));
                self.prefixes.extend(value.prefixes.iter().map(|prefix| (*prefix, Seen::default())));
            }
        }
        self
    }

    /// Marks a key that exists in the store, by the fingerprints of the key and of the prefixes above it.
    pub(crate) fn mark(&mut self, key: u64, prefixes: &[u64], is_referenced: bool) {
        if let Some(seen) = self.keys.get_mut(&key) {
            seen.mark(is_referenced);
        }
        for prefix in prefixes {
            if let Some(seen) = self.prefixes.get_mut(prefix) {
                seen.mark(is_referenced);
            }
        }
    }

    /// Returns how many values of a column were sampled, and how many of them have an object.
    pub(crate) fn result(&self, column: &ColumnId) -> (u64, u64) {
        let sampled = self.columns.get(column).map_or(0, |sample| sample.values.len() as u64);
        (sampled, self.count(column, |seen| seen.any))
    }

    /// Returns how many sampled values of a column have an object that nothing references.
    pub(crate) fn unreferenced(&self, column: &ColumnId) -> u64 {
        self.count(column, |seen| seen.unreferenced)
    }

    fn count(&self, column: &ColumnId, what: impl Fn(&Seen) -> bool) -> u64 {
        let Some(sample) = self.columns.get(column) else { return 0 };
        let has = |value: &&SampledValue| {
            value.keys.iter().any(|key| self.keys.get(key).is_some_and(&what))
                || value.prefixes.iter().any(|prefix| self.prefixes.get(prefix).is_some_and(&what))
        };
        sample.values.iter().filter(has).count() as u64
    }
}

impl Sample {
    fn prune(&mut self) {
        self.values.sort_unstable_by_key(|value| value.rank);
        self.values.dedup_by_key(|value| value.rank);
        if self.values.len() > SAMPLE {
            self.values.truncate(SAMPLE);
            self.threshold = self.values.last().map(|value| value.rank);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(values: usize, existing: usize) -> (u64, u64) {
        let salt = Salt::random();
        let column = ColumnId::new("t.c");
        let keys: Vec<String> = (0..values).map(|n| format!("k/{n}")).collect();
        let mut sampler = MatchSampler::new(salt);
        sampler.add(&ReferenceBatch::of_keys(column.clone(), keys.iter().map(String::as_str)));
        sampler.add(&ReferenceBatch::of_keys(column.clone(), keys.iter().map(String::as_str)));
        let mut sampler = sampler.finish();
        for key in &keys[..existing] {
            sampler.mark(salt.fingerprint(key), &[], false);
        }
        sampler.result(&column)
    }

    #[test]
    fn a_small_column_is_counted_exactly_and_doubles_once() {
        assert_eq!(sampled(100, 40), (100, 40));
    }

    #[test]
    fn documents_that_begin_alike_are_different_values() {
        let (column, mut sampler) = (ColumnId::new("t.c"), MatchSampler::new(Salt::random()));
        let mut batch = ReferenceBatch::builder(column.clone());
        for n in 0..100 {
            batch.push_value([Reading::Key("type"), Reading::Key(&format!("k/{n}"))]);
        }
        sampler.add(&batch.finish());
        assert_eq!(sampler.finish().result(&column), (100, 0));
    }

    #[test]
    fn a_large_column_is_sampled_fairly() {
        let (sample, matched) = sampled(100_000, 50_000);
        assert_eq!(sample, SAMPLE as u64);
        let share = matched * 100 / sample;
        assert!((46..=54).contains(&share), "{share} %");
    }
}
