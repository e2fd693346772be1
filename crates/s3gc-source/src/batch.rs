//! Batches of references: the strings of many readings in one buffer, because scans are a hot path.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a column, as people write it: `posts.featured_image`, or the name of a custom query.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ColumnId(Arc<str>);

impl ColumnId {
    /// Names a column.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ColumnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ColumnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One plausible way to read a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading<'a> {
    /// The value names this object.
    Key(&'a str),
    /// The value names everything that begins with this string, which ends at a delimiter.
    Prefix(&'a str),
}

impl<'a> Reading<'a> {
    /// Returns the string of the reading.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Key(s) | Self::Prefix(s) => s,
        }
    }
}

/// What was counted in one column, or in one batch of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnCounts {
    /// Rows read.
    pub rows: u64,
    /// Rows where the column is NULL.
    pub nulls: u64,
    /// Values that hold something: neither NULL nor blank.
    pub values: u64,
    /// Readings, of all values.
    pub readings: u64,
    /// Values that cannot be read as any key.
    pub unread: u64,
    /// Values that are a URL of a host that is not configured; their path is marked all the same.
    pub foreign_urls: u64,
    /// Some unread values, cut to 64 characters, and masked unless the configuration says otherwise.
    pub unread_samples: Vec<String>,
}

impl ColumnCounts {
    /// How many samples of unread values are kept.
    pub const MAX_SAMPLES: usize = 5;
    /// How much of a sample is kept.
    pub const MAX_SAMPLE_CHARACTERS: usize = 64;

    /// Adds the counts of another batch of the same column.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.nulls += other.nulls;
        self.values += other.values;
        self.readings += other.readings;
        self.unread += other.unread;
        self.foreign_urls += other.foreign_urls;
        for sample in &other.unread_samples {
            self.sample_unread(sample);
        }
    }

    /// Hides what a value says and keeps its shape: letters become `x`, digits `9`.
    #[must_use]
    pub fn mask(value: &str) -> String {
        let hide = |c: char| match c {
            c if c.is_alphabetic() => 'x',
            c if c.is_numeric() => '9',
            c => c,
        };
        value.chars().take(Self::MAX_SAMPLE_CHARACTERS).map(hide).collect()
    }

    /// Keeps a value as a sample of what could not be read, cut to 64 characters, if there is room.
    pub fn sample_unread(&mut self, value: &str) {
        if self.unread_samples.len() < Self::MAX_SAMPLES {
            self.unread_samples.push(value.chars().take(Self::MAX_SAMPLE_CHARACTERS).collect());
        }
    }
}

/// Where a value came from, for `explain`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// What identifies the row, such as `id=42`.
    pub row: String,
    /// The value as it stands in the row.
    pub value: String,
}

/// The references of some rows of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceBatch {
    column: ColumnId,
    counts: ColumnCounts,
    text: String,
    readings: Vec<Span>,
    /// For each value the end of its readings, and for a traced batch its origin.
    values: Vec<usize>,
    origins: Vec<Origin>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
    is_prefix: bool,
}

impl ReferenceBatch {
    /// Begins a batch of one column.
    #[must_use]
    pub fn builder(column: ColumnId) -> BatchBuilder {
        BatchBuilder::new(column)
    }

    /// Makes a batch of whole keys, one value each: all that a simple source needs.
    #[must_use]
    pub fn of_keys<'a>(column: ColumnId, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut batch = BatchBuilder::new(column);
        for key in keys {
            batch.push_value([Reading::Key(key)]);
        }
        batch.finish()
    }

    /// Returns the column.
    #[must_use]
    pub fn column(&self) -> &ColumnId {
        &self.column
    }

    /// Returns what was counted in these rows.
    #[must_use]
    pub fn counts(&self) -> &ColumnCounts {
        &self.counts
    }

    /// Walks over all readings, of all values.
    pub fn readings(&self) -> impl Iterator<Item = Reading<'_>> {
        self.readings.iter().map(|span| self.reading(*span))
    }

    /// Walks over the values.
    pub fn values(&self) -> impl Iterator<Item = ValueRef<'_>> {
        (0..self.values.len()).map(|index| ValueRef { batch: self, index })
    }

    fn reading(&self, span: Span) -> Reading<'_> {
        let text = &self.text[span.start..span.end];
        if span.is_prefix { Reading::Prefix(text) } else { Reading::Key(text) }
    }
}

/// One value of a batch.
#[derive(Clone, Copy, Debug)]
pub struct ValueRef<'a> {
    batch: &'a ReferenceBatch,
    index: usize,
}

impl<'a> ValueRef<'a> {
    /// Walks over the readings of this value.
    pub fn readings(self) -> impl Iterator<Item = Reading<'a>> {
        let start = if self.index == 0 { 0 } else { self.batch.values[self.index - 1] };
        self.batch.readings[start..self.batch.values[self.index]].iter().map(move |span| self.batch.reading(*span))
    }

    /// Returns the row and the value, if the scan was asked for them.
    #[must_use]
    pub fn origin(self) -> Option<&'a Origin> {
        self.batch.origins.get(self.index)
    }
}

/// Builds a [`ReferenceBatch`].
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    batch: ReferenceBatch,
}

impl BatchBuilder {
    /// Begins a batch of one column.
    #[must_use]
    pub fn new(column: ColumnId) -> Self {
        Self {
            batch: ReferenceBatch {
                column,
                counts: ColumnCounts::default(),
                text: String::new(),
                readings: Vec::new(),
                values: Vec::new(),
                origins: Vec::new(),
            },
        }
    }

    /// Counts a row whose column is NULL.
    pub fn push_null(&mut self) {
        self.batch.counts.rows += 1;
        self.batch.counts.nulls += 1;
    }

    /// Counts a row whose value is blank.
    pub fn push_blank(&mut self) {
        self.batch.counts.rows += 1;
    }

    /// Adds a row with a value and its readings. No reading: the value counts as unread; give the sample with
    /// [`Self::sample_unread`].
    pub fn push_value<'a>(&mut self, readings: impl IntoIterator<Item = Reading<'a>>) {
        let before = self.batch.readings.len();
        for reading in readings {
            let text = reading.as_str();
            let start = self.batch.text.len();
            self.batch.text.push_str(text);
            let is_prefix = matches!(reading, Reading::Prefix(_));
            self.batch.readings.push(Span { start, end: self.batch.text.len(), is_prefix });
        }
        let added = self.batch.readings.len() - before;
        self.batch.counts.rows += 1;
        self.batch.counts.values += 1;
        self.batch.counts.readings += added as u64;
        self.batch.counts.unread += u64::from(added == 0);
        self.batch.values.push(self.batch.readings.len());
    }

    /// Adds a row as [`Self::push_value`] does, and remembers where it came from. A batch has an origin for all of its
    /// values or for none.
    pub fn push_traced<'a>(&mut self, origin: Origin, readings: impl IntoIterator<Item = Reading<'a>>) {
        self.push_value(readings);
        self.batch.origins.push(origin);
    }

    /// Counts the last value as a URL of a host that is not configured.
    pub fn count_foreign(&mut self) {
        self.batch.counts.foreign_urls += 1;
    }

    /// Counts the last value as unread though it has readings: it is marked as well as can be, and not understood.
    pub fn count_unread(&mut self) {
        self.batch.counts.unread += 1;
    }

    /// Keeps a value as a sample of what could not be read.
    pub fn sample_unread(&mut self, value: &str) {
        self.batch.counts.sample_unread(value);
    }

    /// Returns about how many bytes the batch holds.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.batch.text.len() + self.batch.readings.len() * size_of::<Span>() + self.batch.values.len() * 8
    }

    /// Tells whether no row was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.batch.counts.rows == 0
    }

    /// Ends the batch.
    #[must_use]
    pub fn finish(self) -> ReferenceBatch {
        self.batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_its_values_and_their_readings() {
        let mut builder = ReferenceBatch::builder(ColumnId::new("t.c"));
        builder.push_null();
        builder.push_value([Reading::Key("a"), Reading::Prefix("b/")]);
        builder.push_value([]);
        builder.push_value([Reading::Key("c")]);
        let batch = builder.finish();
        let values: Vec<Vec<Reading<'_>>> = batch.values().map(|v| v.readings().collect()).collect();
        assert_eq!(values, [vec![Reading::Key("a"), Reading::Prefix("b/")], vec![], vec![Reading::Key("c")]]);
        let counts = batch.counts();
        assert_eq!((counts.rows, counts.nulls, counts.values, counts.readings, counts.unread), (4, 1, 3, 3, 1));
    }
}
