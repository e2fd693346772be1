//! Samples of columns that nobody configured: does one of them hold references, too?

use std::collections::BTreeSet;
use std::time::Duration;

use crate::ReferenceBatch;

/// What to sample, and how much it may cost.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UnwatchedRequest {
    /// The columns of the last good run, as `table.column`; others are new and are looked at first.
    pub known: BTreeSet<String>,
    /// Columns that are not looked at: `table.column`, `table.*`, or `*` for all.
    pub ignore: BTreeSet<String>,
    /// How many values of each column.
    pub values: u32,
    /// How long all of it may take. What is left then is not looked at.
    pub patience: Duration,
    /// Which of the known columns comes first, so that runs that end early do not look at the same ones.
    pub first: usize,
}

impl UnwatchedRequest {
    /// How many values of a column are sampled, half of them of the newest rows where there is a primary key.
    pub const VALUES: u32 = 100;
    /// How long a source may take.
    pub const PATIENCE: Duration = Duration::from_secs(30);

    /// Asks for the usual number of values, in the usual time.
    #[must_use]
    pub fn new(known: BTreeSet<String>, ignore: BTreeSet<String>) -> Self {
        Self { known, ignore, values: Self::VALUES, patience: Self::PATIENCE, first: 0 }
    }

    /// Begins at another of the known columns.
    #[must_use]
    pub fn starting_at(mut self, first: usize) -> Self {
        self.first = first;
        self
    }

    /// Tells whether the column is not to be looked at.
    #[must_use]
    pub fn ignores(&self, table: &str, column: &str) -> bool {
        self.ignore.contains("*")
            || self.ignore.contains(&format!("{table}.*"))
            || self.ignore.contains(&format!("{table}.{column}"))
    }
}

/// A column that could hold references and is not watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnwatchedColumn {
    /// Its name: `table.column`.
    pub name: String,
    /// Some of its values, read as a watched column without a kind is; or why it was not looked at.
    pub sample: Result<ReferenceBatch, NotSampled>,
}

/// Why a column was not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotSampled {
    /// The configuration says so.
    Ignored,
    /// It was not its turn before the time was over.
    OutOfTime,
    /// The user may not read it.
    Denied(String),
    /// It cannot be read, or not in time.
    Failed(String),
}

/// What a source found beside the columns that are watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unwatched {
    /// Every column that could hold references and is not watched.
    pub columns: Vec<UnwatchedColumn>,
    /// Whether custom queries are watched, which may read any of these columns.
    pub has_queries: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_a_table_or_everything_is_ignored_by_name() {
        let request = |ignore: &str| UnwatchedRequest::new(BTreeSet::new(), [ignore.to_owned()].into());
        assert!(request("log.note").ignores("log", "note") && !request("log.note").ignores("log", "text"));
        assert!(request("log.*").ignores("log", "text") && !request("log.*").ignores("logs", "text"));
        assert!(request("*").ignores("any", "thing"));
    }
}
