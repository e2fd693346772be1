//! The readings of one value.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::MAX_KEY_BYTES;
use crate::Reading;

/// The readings of one value, each once: a buffer to be used again for the next value.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    text: String,
    spans: Vec<Span>,
    /// The index of a span by the hash of its string, where there are too many to compare them all.
    by_hash: HashMap<u64, usize>,
    hasher: RandomState,
    is_full: bool,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
    is_prefix: bool,
}

impl Readings {
    /// How many readings are compared one by one.
    const FEW: usize = 16;

    /// How many readings a value may have, and how many bytes they may have together.
    const MAX: usize = 1 << 20;
    const MAX_BYTES: usize = 1 << 26;

    /// Walks over the readings.
    pub fn iter(&self) -> impl Iterator<Item = Reading<'_>> {
        self.spans.iter().map(|span| self.reading(*span))
    }

    /// Returns how many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
        self.by_hash.clear();
        self.is_full = false;
    }

    /// Tells whether readings were left out.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Adds a reading, unless it is there already, empty, or too long for a key.
    pub(super) fn push(&mut self, key: &str, is_prefix: bool) {
        if key.is_empty() || key.len() > MAX_KEY_BYTES || self.contains(key, is_prefix) {
            return;
        }
        if self.spans.len() == Self::MAX || self.text.len() + key.len() > Self::MAX_BYTES {
            self.is_full = true;
            return;
        }
        let start = self.text.len();
        self.text.push_str(key);
        self.spans.push(Span { start, end: self.text.len(), is_prefix });
        if self.spans.len() > Self::FEW {
            self.by_hash.insert(self.hash(key, is_prefix), self.spans.len() - 1);
        }
    }

    /// May miss one where hashes collide, which costs a second entry; never finds one that is not there.
    fn contains(&self, key: &str, is_prefix: bool) -> bool {
        let same = |span: &Span| span.is_prefix == is_prefix && &self.text[span.start..span.end] == key;
        if self.spans.iter().take(Self::FEW).any(same) {
            return true;
        }
        self.spans.len() > Self::FEW
            && self.by_hash.get(&self.hash(key, is_prefix)).is_some_and(|index| same(&self.spans[*index]))
    }

    fn hash(&self, key: &str, is_prefix: bool) -> u64 {
        self.hasher.hash_one((key, is_prefix))
    }

    fn reading(&self, span: Span) -> Reading<'_> {
        let text = &self.text[span.start..span.end];
        if span.is_prefix { Reading::Prefix(text) } else { Reading::Key(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i11_what_is_beyond_the_bytes_of_a_value_is_left_out_and_told() {
        let mut readings = Readings::default();
        assert!(readings.is_empty());
        let long = "x".repeat(MAX_KEY_BYTES - 8);
        let fit = Readings::MAX_BYTES / MAX_KEY_BYTES;
        for n in 0..fit {
            readings.push(&format!("{long}{n:08}"), false);
        }
        assert_eq!((readings.len(), readings.is_full()), (fit, false));
        readings.push("y", false);
        assert_eq!((readings.len(), readings.is_full()), (fit, true));
        readings.clear();
        assert_eq!((readings.len(), readings.is_full()), (0, false));
    }

    #[test]
    fn i01_a_reading_of_any_length_that_a_key_may_have_is_there() {
        let mut readings = Readings::default();
        for text in ["", &"x".repeat(MAX_KEY_BYTES), &"x".repeat(MAX_KEY_BYTES + 1)] {
            readings.push(text, false);
        }
        assert_eq!(readings.iter().map(|reading| reading.as_str().len()).collect::<Vec<_>>(), [MAX_KEY_BYTES]);
    }
}
