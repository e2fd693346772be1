//! Durations and sizes, as people write them.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Units of bytes, the largest binary ones first, as [`show_size`] tries them in this order.
const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Reads a duration such as `36h`, `7d`, `5m` or `1h 30m`; a day has 24 hours.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let span: Span = text.trim().parse().ok()?;
    // Months and years have no fixed length: jiff refuses them here.
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(length).ok()
}

/// Reads a size such as `64 MiB`.
pub(super) fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '_')?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    number.replace('_', "").parse::<u64>().ok()?.checked_mul(*factor)
}

/// Writes a duration so that [`duration`] reads it back.
pub(super) fn show_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if duration.subsec_millis() > 0 {
        return format!("{}ms", duration.as_millis());
    }
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds > 0 && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds / length);
        }
    }
    format!("{seconds}s")
}

/// Writes a size so that [`size`] reads it back.
pub(super) fn show_size(bytes: u64) -> String {
    let fits = SIZE_UNITS.iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor));
    fits.map_or_else(|| format!("{bytes} B"), |(unit, factor)| format!("{} {unit}", bytes / factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, seconds) in
            [("36h", 129_600), ("7d", 604_800), ("5m", 300), ("16 minutes", 960), ("1w", 604_800), ("0s", 0)]
        {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)), "{text}");
            assert_eq!(duration(&show_duration(Duration::from_secs(seconds))), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(duration("1h 30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration(&show_duration(Duration::from_millis(1500))), Some(Duration::from_millis(1500)));
        for bad in ["", "7", "-1d", "1 month", "1y", "d", "seven days"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes) in [("64 MiB", 64 << 20), ("1GB", 1_000_000_000), ("10 kb", 10_000), ("7 B", 7), ("0 B", 0)] {
            assert_eq!(size(text), Some(bytes), "{text}");
            assert_eq!(size(&show_size(bytes)), Some(bytes));
        }
        for bad in ["", "64", "MiB", "1.5 GiB", "-1 B", "99999999999 TiB", "3 bytes"] {
            assert_eq!(size(bad), None, "{bad}");
        }
    }
}
