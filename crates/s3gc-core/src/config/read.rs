//! Typed readers: each takes one value, and tells what is wrong with it or where it came from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::problem::Problem;
use super::tree::{Node, Origin, Table, Text, Value, join};
use super::units;

/// A key of the configuration as it was resolved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Resolved {
    /// The key, such as `vault.keep_days`, or `buckets.eu-assets.vault.keep_days` where there are several.
    pub key: String,
    /// Its value, without secrets.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// What came of reading so far.
#[derive(Default)]
pub(super) struct Log {
    pub(super) problems: Vec<Problem>,
    pub(super) resolved: Vec<Resolved>,
}

/// A section: a table of the tree and its names.
pub(super) struct Section<'t> {
    /// Its name in the file, for problems.
    pub(super) path: String,
    /// Its name among the resolved keys.
    pub(super) shown: String,
    pub(super) table: Option<&'t Table>,
}

/// Why a value is refused: the end of the sentence that begins with the value, and the way out.
pub(super) type Refusal = (String, Option<&'static str>);

pub(super) fn refuse<T>(message: impl Into<String>, help: &'static str) -> Result<T, Refusal> {
    Err((message.into(), Some(help)))
}

impl<'t> Section<'t> {
    pub(super) fn get(&self, key: &str) -> Option<&'t Node> {
        self.table?.get(key).map(|entry| &entry.node)
    }

    /// Reads a value that may be absent, and records it if it is there.
    pub(super) fn optional<T>(
        &self,
        log: &mut Log,
        key: &str,
        read: impl FnOnce(&Node) -> Result<T, Refusal>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let node = self.get(key)?;
        let value = self.accept(log, key, node, read(node))?;
        self.record(log, key, show(&value), node.origin.clone());
        Some(value)
    }

    /// Reads a value that has a default, and records which it is.
    pub(super) fn or<T>(
        &self,
        log: &mut Log,
        key: &str,
        default: T,
        read: impl FnOnce(&Node) -> Result<T, Refusal>,
        show: impl Fn(&T) -> String,
    ) -> T {
        if self.get(key).is_none() {
            self.record(log, key, show(&default), Origin::Default);
            return default;
        }
        self.optional(log, key, read, show).unwrap_or(default)
    }

    pub(super) fn record(&self, log: &mut Log, key: &str, value: String, origin: Origin) {
        log.resolved.push(Resolved { key: join(&self.shown, key), value, origin });
    }

    /// Tells what is wrong with a key, at its value if it has one.
    pub(super) fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        let span = self.get(key).and_then(|node| node.span.clone());
        Problem::new(join(&self.path, key), message).at(span)
    }

    fn accept<T>(&self, log: &mut Log, key: &str, node: &Node, read: Result<T, Refusal>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err((message, help)) => {
                if let Some(mut problem) = refusal(&join(&self.path, key), node, message) {
                    problem.help = help.map(str::to_owned);
                    log.problems.push(problem);
                }
                None
            }
        }
    }
}

/// Makes the problem of a refused value; none if the value's own fault was told before.
pub(super) fn refusal(path: &str, node: &Node, message: String) -> Option<Problem> {
    if matches!(node.value, Value::Broken) {
        return None;
    }
    let from = match &node.origin {
        Origin::Environment(_) | Origin::Flag => format!("{}: ", node.origin),
        _ => String::new(),
    };
    Some(Problem::new(path, format!("{from}{} {message}", node.shown())).at(node.span.clone()))
}

pub(super) fn text(node: &Node) -> Result<String, Refusal> {
    match &node.value {
        Value::Text(Text { text, .. }) if text.is_empty() => refuse("is empty", "leave the key out"),
        Value::Text(Text { text, .. }) => Ok(text.clone()),
        _ => refuse("is not a string", "write it in quotes"),
    }
}

pub(super) fn boolean(node: &Node) -> Result<bool, Refusal> {
    let value = match &node.value {
        Value::Bool(yes) => Some(*yes),
        Value::Text(Text { text, loose: true, .. }) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        },
        _ => None,
    };
    value.ok_or_else(|| ("is neither true nor false".to_owned(), None))
}

/// Reads a whole number that is not negative.
pub(super) fn count(node: &Node) -> Result<u64, Refusal> {
    let value = match &node.value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Text(Text { text, loose: true, .. }) => text.trim().parse().ok(),
        _ => None,
    };
    value.ok_or_else(|| ("is not a whole number of at least 0".to_owned(), None))
}

/// Reads a number of days.
pub(super) fn days(node: &Node) -> Result<Duration, Refusal> {
    let number = count(node).map_err(|_| ("is not a whole number of days".to_owned(), None))?;
    match number.checked_mul(86_400) {
        Some(seconds) if number <= 36_500 => Ok(Duration::from_secs(seconds)),
        _ => refuse("is more than 100 years of days", "write fewer days"),
    }
}

pub(super) fn price(node: &Node) -> Result<f64, Refusal> {
    let value = match &node.value {
        Value::Float(number) => Some(*number),
        Value::Integer(number) => number.to_string().parse().ok(),
        Value::Text(Text { text, loose: true, .. }) => text.trim().parse().ok(),
        _ => None,
    };
    let value = value.filter(|number: &f64| number.is_finite() && *number >= 0.0);
    value.ok_or_else(|| ("is not a price".to_owned(), Some("write dollars, such as 0.023")))
}

pub(super) fn duration(node: &Node) -> Result<Duration, Refusal> {
    let value = if let Value::Text(Text { text, .. }) = &node.value { units::duration(text) } else { None };
    value.ok_or_else(|| {
        ("is not a duration".to_owned(), Some("write a number with its unit, such as \"36h\", \"7d\" or \"5m\""))
    })
}

pub(super) fn size(node: &Node) -> Result<u64, Refusal> {
    let value = if let Value::Text(Text { text, .. }) = &node.value { units::size(text) } else { None };
    value.ok_or_else(|| ("is not a size".to_owned(), Some("write a number with its unit, such as \"64 MiB\"")))
}

/// Reads a path; relative ones count from `base`.
pub(super) fn path(node: &Node, base: Option<&Path>) -> Result<PathBuf, Refusal> {
    let text = text(node)?;
    Ok(base.map_or_else(|| PathBuf::from(&text), |base| clean(&base.join(&text))))
}

/// Takes the `.` out of a path: `/etc/s3gc/./vault` is `/etc/s3gc/vault`.
fn clean(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Reads a list of strings: their nodes, so that each fault has its place. Text from a flag or a variable is split at
/// commas.
pub(super) fn list(node: &Node) -> Result<Vec<Node>, Refusal> {
    match &node.value {
        Value::Array(items) => Ok(items.clone()),
        Value::Text(Text { text, loose: true, .. }) => {
            let item = |item| Node { span: node.span.clone(), ..Node::loose(item, node.origin.clone()) };
            Ok(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(item).collect())
        }
        _ => refuse("is not a list", "write it in brackets: [\"...\"]"),
    }
}

/// Reads one word of several.
pub(super) fn one_of<T: Copy>(node: &Node, words: &[(&str, T)]) -> Result<T, Refusal> {
    let found = if let Value::Text(Text { text, .. }) = &node.value {
        words.iter().find(|(word, _)| word == text).map(|(_, value)| *value)
    } else {
        None
    };
    found.ok_or_else(|| {
        let words: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        (format!("is not one of {}", words.join(", ")), None)
    })
}
