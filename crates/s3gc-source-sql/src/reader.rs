//! From rows to batches of references.

use s3gc_source::extract::{Readings, Template};
use s3gc_source::{BatchBuilder, ColumnCounts, ColumnId, Origin, ReferenceBatch};

use crate::catalog::{Input, Watched, WatchedColumn};
use crate::conn::Row;

/// When a batch is full.
const MAX_BATCH_ROWS: usize = 4096;
const MAX_BATCH_BYTES: usize = 256 * 1024;

/// Reads the rows of one statement.
#[derive(Debug)]
pub(crate) struct Reader {
    columns: Vec<ColumnReader>,
    /// The names of what identifies a row, if that is asked for.
    trace: Option<Vec<String>>,
    /// How many columns of the result there are before that.
    width: usize,
    scratch: Readings,
    rows: u64,
}

#[derive(Debug)]
struct ColumnReader {
    column: WatchedColumn,
    batch: BatchBuilder,
    rows: usize,
    total: ColumnCounts,
}

impl Reader {
    pub(crate) fn new(watched: &Watched, trace: bool) -> Self {
        let columns = watched.columns.iter().map(|column| ColumnReader {
            batch: BatchBuilder::new(column.id.clone()),
            column: column.clone(),
            rows: 0,
            total: ColumnCounts::default(),
        });
        Self {
            columns: columns.collect(),
            trace: trace.then(|| watched.row_id.clone()),
            width: watched.width,
            scratch: Readings::default(),
            rows: 0,
        }
    }

    /// Reads a row, and returns the batches that are now full.
    pub(crate) fn read(&mut self, row: &Row) -> sqlx::Result<Vec<ReferenceBatch>> {
        self.rows += 1;
        let row_id = match &self.trace {
            Some(names) => Some(describe_row(names, row, self.width, self.rows)?),
            None => None,
        };
        let mut full = Vec::new();
        for column in &mut self.columns {
            let origin =
                row_id.as_ref().map(|row_id| |text: &str| Origin { row: row_id.clone(), value: text.to_owned() });
            let (filled, is_text);
            let value = match &column.column.input {
                Input::Column(index) => row.bytes(*index)?,
                Input::Template(template, parts) => {
                    (filled, is_text) = fill(template, parts, row)?;
                    if !is_text {
                        column.batch.count_unread();
                    }
                    filled.as_deref().map(str::as_bytes)
                }
            };
            column.column.extractor.extract_into(value, origin, &mut self.scratch, &mut column.batch);
            column.rows += 1;
            if column.rows == MAX_BATCH_ROWS || column.batch.size_bytes() >= MAX_BATCH_BYTES {
                full.push(column.take());
            }
        }
        Ok(full)
    }

    /// Returns what is left, and the counts of each column.
    pub(crate) fn finish(mut self) -> (Vec<ReferenceBatch>, Vec<(ColumnId, ColumnCounts)>) {
        let left = self.columns.iter_mut().filter(|c| c.rows > 0).map(ColumnReader::take).collect();
        (left, self.columns.into_iter().map(|c| (c.column.id, c.total)).collect())
    }
}

impl ColumnReader {
    fn take(&mut self) -> ReferenceBatch {
        self.rows = 0;
        let batch = std::mem::replace(&mut self.batch, BatchBuilder::new(self.column.id.clone())).finish();
        self.total.add(batch.counts());
        batch
    }
}

/// Puts a key together; one that cannot be put together counts as NULL. What is not UTF-8 is read as Latin-1, and told.
fn fill(template: &Template, parts: &[(String, usize)], row: &Row) -> sqlx::Result<(Option<String>, bool)> {
    let (mut values, mut is_text) = (Vec::with_capacity(parts.len()), true);
    for (name, index) in parts {
        let value = row.bytes(*index)?.map(|bytes| match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                is_text = false;
                bytes.iter().copied().map(char::from).collect()
            }
        });
        values.push((name.as_str(), value));
    }
    let values: Vec<(&str, Option<&str>)> = values.iter().map(|(name, value)| (*name, value.as_deref())).collect();
    Ok((template.fill(&values), is_text))
}

/// Names a row by what stands behind the columns that are read, or by its place in the result.
fn describe_row(names: &[String], row: &Row, first: usize, number: u64) -> sqlx::Result<String> {
    if names.is_empty() {
        return Ok(format!("row {number} of the result"));
    }
    let mut parts = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let value = row.bytes(first + index)?.map_or_else(|| "NULL".into(), String::from_utf8_lossy);
        parts.push(format!("{name}={value}"));
    }
    Ok(parts.join(", "))
}
