//! Between columns and values.

use std::fmt::Display;
use std::str::FromStr;

use s3gc_core::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::trouble::{Result, Trouble};

/// How many rows one statement takes: more make it no faster.
pub(crate) const ROWS_PER_STATEMENT: usize = 256;

/// Writes a time in RFC 3339 with nanoseconds, so that the text sorts as the times do.
pub(crate) fn stamp(time: Timestamp) -> Result<String> {
    let text = format!("{time:.9}");
    // A year before 0 has a sign and six digits: its text would not sort.
    if text.starts_with('-') { Err(Trouble::Refused(format!("{time} is before the year 0"))) } else { Ok(text) }
}

/// Writes a time that may be missing.
pub(crate) fn stamp_opt(time: Option<Timestamp>) -> Result<Option<String>> {
    time.map(stamp).transpose()
}

/// Fits a number into SQLite's signed integers.
pub(crate) fn int(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Trouble::Refused(format!("{number} is more than SQLite can store")))
}

/// Counts something that is in memory.
pub(crate) fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Writes a value whose JSON is one word.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        other => Err(Trouble::Refused(format!("{other:?} is not one word"))),
    }
}

/// Writes JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Trouble::Other(error.into()))
}

/// Reads columns by name.
pub(crate) trait Columns {
    /// Reads text.
    fn text(&self, column: &str) -> Result<String>;
    /// Reads text that may be missing.
    fn text_opt(&self, column: &str) -> Result<Option<String>>;
    /// Reads an integer.
    fn integer(&self, column: &str) -> Result<i64>;

    /// Reads what its text says.
    fn parsed<T: FromStr<Err: Display>>(&self, column: &str) -> Result<T> {
        parse(column, &self.text(column)?)
    }

    /// Reads what its text says, if there is one.
    fn parsed_opt<T: FromStr<Err: Display>>(&self, column: &str) -> Result<Option<T>> {
        self.text_opt(column)?.map(|text| parse(column, &text)).transpose()
    }

    /// Reads a type that takes its text and checks it.
    fn checked<T: TryFrom<String, Error: Display>>(&self, column: &str) -> Result<T> {
        T::try_from(self.text(column)?).map_err(|error| stored(column, &error))
    }

    /// Reads a number that is never negative.
    fn number<T: TryFrom<i64, Error: Display>>(&self, column: &str) -> Result<T> {
        T::try_from(self.integer(column)?).map_err(|error| stored(column, &error))
    }

    /// Reads a value whose JSON is one word.
    fn word<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_value(self.text(column)?.into()).map_err(|error| stored(column, &error))
    }

    /// Reads JSON.
    fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T> {
        serde_json::from_str(&self.text(column)?).map_err(|error| stored(column, &error))
    }
}

impl Columns for SqliteRow {
    fn text(&self, column: &str) -> Result<String> {
        Ok(self.try_get(column)?)
    }

    fn text_opt(&self, column: &str) -> Result<Option<String>> {
        Ok(self.try_get(column)?)
    }

    fn integer(&self, column: &str) -> Result<i64> {
        Ok(self.try_get(column)?)
    }
}

fn parse<T: FromStr<Err: Display>>(column: &str, text: &str) -> Result<T> {
    text.parse().map_err(|error| stored(column, &error))
}

fn stored(column: &str, error: &dyn Display) -> Trouble {
    Trouble::Stored(format!("column {column} holds what s3gc did not write ({error})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_text_and_come_back_exactly() {
        let times: Vec<Timestamp> = ["0001-01-01T00:00:00Z", "2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000000001Z"]
            .into_iter()
            .chain(["2026-11-23T10:00:00.5Z", "2026-11-23T10:00:01Z", "9999-01-01T00:00:00.999999999Z"])
            .map(|text| text.parse().unwrap())
            .collect();
        let texts: Vec<String> = times.iter().map(|time| stamp(*time).unwrap()).collect();
        assert!(texts.is_sorted() && texts.iter().all(|text| text.len() == texts[0].len()), "{texts:?}");
        assert_eq!(texts.iter().map(|text| text.parse::<Timestamp>().unwrap()).collect::<Vec<_>>(), times);
        assert!(stamp(Timestamp::MIN).is_err());
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        assert_eq!(int(7).unwrap(), 7);
        assert!(int(u64::MAX).is_err());
    }
}
