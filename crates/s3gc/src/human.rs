//! Numbers, sizes and times for people.

use std::time::Duration;

use s3gc_core::{ObjectKey, Tally, Timestamp};

/// Writes a number with a space between its thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Writes `1 object`, `2 objects`.
pub(crate) fn objects(number: u64) -> String {
    plural(number, "object")
}

pub(crate) fn plural(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Writes a size in units of a thousand: a GB is 10^9 bytes, as it is billed.
#[expect(clippy::cast_precision_loss, reason = "one digit after the point needs no more than 52 bits")]
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes as f64 / 1e3, UNITS[0]);
    for next in &UNITS[1..] {
        if value < 999.95 {
            break;
        }
        (value, unit) = (value / 1e3, next);
    }
    format!("{value:.1} {unit}")
}

pub(crate) fn tally(tally: Tally) -> String {
    format!("{}, {}", objects(tally.objects), size(tally.bytes))
}

/// Writes dollars, as exactly as there is anything to see.
pub(crate) fn money(dollars: f64) -> String {
    if dollars > 0.0 && dollars < 0.01 { "under $0.01".to_owned() } else { format!("${dollars:.2}") }
}

/// Writes what something costs a month.
pub(crate) fn monthly(dollars: f64) -> String {
    let money = money(dollars);
    if money.starts_with('$') { format!("about {money} a month") } else { format!("{money} a month") }
}

/// Writes a share in percent.
#[expect(clippy::cast_precision_loss, reason = "two digits after the point need no more than 52 bits")]
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "0 %".to_owned() } else { format!("{:.2} %", part as f64 * 100.0 / whole as f64) }
}

/// Writes `7d`, `1d12h`, `2m11s`, `0.4s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 10 {
        return format!("{:.1}s", duration.as_secs_f64());
    }
    let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (length, unit) in units {
        let number = rest / length;
        rest %= length;
        if number > 0 {
            parts.push(format!("{number}{unit}"));
        }
    }
    parts.truncate(2);
    parts.concat()
}

/// Writes how long it is from one time to another.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> String {
    duration(Duration::try_from(to.duration_since(from)).unwrap_or_default())
}

/// Writes a time to the second, in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    let seconds = Timestamp::from_second(time.as_second()).unwrap_or(time);
    seconds.to_string()
}

/// Writes the time if there is one.
pub(crate) fn maybe_time(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "-".to_owned(), time)
}

/// Writes a key so that it stays on its line and cannot speak to the terminal.
pub(crate) fn key(key: &ObjectKey) -> String {
    escape(key.as_str())
}

/// Escapes control characters.
pub(crate) fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut text, c| {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
        text
    })
}

/// Writes a table of aligned columns, without borders.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    table.set_header(header.to_vec());
    for row in rows {
        table.add_row(row);
    }
    let lines: Vec<String> =
        table.lines().map(|line| line.trim_end().strip_prefix(' ').unwrap_or_default().to_owned()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_a_space_between_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_204_331), "1 204 331");
        assert_eq!(objects(1), "1 object");
    }

    #[test]
    fn a_gigabyte_is_a_billion_bytes() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(1000), "1.0 kB");
        assert_eq!(size(2_700_000_000), "2.7 GB");
        assert_eq!(size(999_960), "1.0 MB");
        assert_eq!(size(u64::MAX), "18.4 EB");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        assert_eq!(duration(Duration::from_secs(7 * 86_400)), "7d");
        assert_eq!(duration(Duration::from_secs(131)), "2m11s");
        assert_eq!(duration(Duration::from_secs(90_061)), "1d1h");
        assert_eq!(duration(Duration::from_millis(430)), "0.4s");
    }

    #[test]
    fn small_money_is_not_rounded_to_nothing() {
        assert_eq!(monthly(0.0), "about $0.00 a month");
        assert_eq!(monthly(0.004), "under $0.01 a month");
        assert_eq!(monthly(0.062), "about $0.06 a month");
    }

    #[test]
    fn a_key_cannot_speak_to_the_terminal() {
        assert_eq!(escape("a\u{1b}[2J\nb é"), "a\\u{1b}[2J\\nb é");
    }

    #[test]
    fn times_are_shown_to_the_second_in_utc() {
        assert_eq!(time("2026-11-23T10:00:00.123456Z".parse().unwrap()), "2026-11-23T10:00:00Z");
    }
}
