//! Readers of values on the command line.

use std::time::Duration;

use s3gc_core::{IfExists, KeyPrefix, ObjectKey, Timestamp};
use s3gc_vault::pack::VerifyLevel;

pub(crate) fn key(text: &str) -> Result<ObjectKey, String> {
    ObjectKey::new(text).map_err(|error| error.to_string())
}

pub(crate) fn prefix(text: &str) -> Result<KeyPrefix, String> {
    KeyPrefix::new(text).map_err(|error| error.to_string())
}

/// Reads `10m`, `1h 30m`, `90s`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let help = || format!("{text:?} is not a duration: write a number with its unit, such as 90s, 10m or 2h");
    let span: jiff::SignedDuration = text.parse().map_err(|_| help())?;
    Duration::try_from(span).map_err(|_| help())
}

/// Reads an instant, or a day, which begins at midnight UTC.
pub(crate) fn time(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == "2026-11-23".len());
    day.and_then(|day| day.to_zoned(jiff::tz::TimeZone::UTC).ok()).map(|day| day.timestamp()).ok_or_else(|| {
        format!("{text:?} is not a time: write 2026-11-23T02:30:00Z, or a day such as 2026-11-23 (from midnight UTC)")
    })
}

pub(crate) fn if_exists(text: &str) -> Result<IfExists, String> {
    match text {
        "skip" => Ok(IfExists::Skip),
        "fail" => Ok(IfExists::Fail),
        "overwrite" => Ok(IfExists::Overwrite),
        _ => Err("write skip, fail or overwrite".to_owned()),
    }
}

pub(crate) fn verify_level(text: &str) -> Result<VerifyLevel, String> {
    let sample = text.strip_prefix("sample=").map(|share| share.strip_suffix('%').unwrap_or(share).parse::<u8>());
    match (text, sample) {
        ("quick", _) => Ok(VerifyLevel::Quick),
        ("full", _) => Ok(VerifyLevel::Full),
        // Another sample each time: over many runs everything is read.
        (_, Some(Ok(percent @ 1..=100))) => Ok(VerifyLevel::Sample { percent, seed: rand::random() }),
        _ => Err("write quick, sample=5% (1 to 100), or full".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_utc() {
        assert_eq!(time("2026-11-23").unwrap(), time("2026-11-23T00:00:00Z").unwrap());
        assert_eq!(time("2026-11-23T01:00:00+01:00").unwrap(), time("2026-11-23").unwrap());
        for bad in ["", "yesterday", "2026-11-23T00:00:00", "2026-13-01", "20261123"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_duration_has_a_unit_and_is_not_negative() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_secs(5400)));
        for bad in ["", "10", "-5m", "soon"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_verify_level_is_one_of_three() {
        assert!(matches!(verify_level("sample=5%"), Ok(VerifyLevel::Sample { percent: 5, .. })));
        assert_eq!(verify_level("full"), Ok(VerifyLevel::Full));
        for bad in ["", "sample", "sample=0%", "sample=101%", "deep"] {
            assert!(verify_level(bad).is_err(), "{bad}");
        }
    }
}
