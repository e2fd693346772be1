//! Ids of runs, and digests.

use std::fmt;
use std::str::FromStr;

use s3gc_store::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::{NoContext, Uuid};

pub use s3gc_vault::pack::Digest;

/// The id of a run: a UUID of version 7 (RFC 9562), shown as a ULID (26 characters of Crockford's base 32), so that
/// ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(u128);

/// A string that is not the id of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the id of a run: it has 26 letters and digits, as `s3gc runs ls` shows them")]
pub struct InvalidRunId(String);

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl RunId {
    /// Makes a new id at this time.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        Self(Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, nanos)).as_u128())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 26 characters of 5 bits hold 130 bits: the first character has only 3.
        let mut text = String::with_capacity(26);
        for position in (0..26).rev() {
            let digit = usize::try_from((self.0 >> (position * 5)) & 31).unwrap_or_default();
            text.push(char::from(ALPHABET[digit]));
        }
        f.pad(&text)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RunId {
    type Err = InvalidRunId;

    fn from_str(text: &str) -> Result<Self, InvalidRunId> {
        let invalid = || InvalidRunId(text.to_owned());
        if text.len() != 26 || text.as_bytes().first().is_none_or(|b| !(b'0'..=b'7').contains(b)) {
            return Err(invalid());
        }
        let mut value = 0_u128;
        for byte in text.bytes() {
            let upper = byte.to_ascii_uppercase();
            let digit = ALPHABET.iter().position(|a| *a == upper).ok_or_else(invalid)?;
            value = (value << 5) | u128::try_from(digit).map_err(|_| invalid())?;
        }
        Ok(Self(value))
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidRunId;

    fn try_from(text: String) -> Result<Self, InvalidRunId> {
        text.parse()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_survives_its_text() {
        let id = RunId::at("2026-11-23T10:00:00Z".parse().unwrap());
        let text = id.to_string();
        assert_eq!(text.len(), 26);
        assert_eq!(text.parse::<RunId>().unwrap(), id);
        assert_eq!(text.to_lowercase().parse::<RunId>().unwrap(), id);
    }

    #[test]
    fn run_ids_sort_by_time() {
        let early = RunId::at("2026-11-23T10:00:00Z".parse().unwrap());
        let late = RunId::at("2026-11-23T10:00:01Z".parse().unwrap());
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn what_is_not_a_run_id_is_refused() {
        for bad in ["", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01KAQ2M8", "01KAQ2M8UUUUUUUUUUUUUUUUUU"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}
