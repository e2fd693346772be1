//! The configuration as a tree in which every value knows where it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::interpolate::Values;
use super::problem::{Problem, blot, line_and_column};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The file, in this line, from 1.
    File {
        /// The line.
        line: usize,
    },
    /// This environment variable.
    Environment(String),
    /// The command line.
    Flag,
    /// The program: the builder.
    Code,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { line } => write!(f, "file, line {line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag => f.write_str("flag"),
            Self::Code => f.write_str("code"),
        }
    }
}

/// A value with its place.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
    pub(super) span: Option<Range<usize>>,
}

#[derive(Clone)]
pub(super) enum Value {
    Text(Text),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Array(Vec<Node>),
    Table(Table),
    Date,
    /// A fault of it was already told.
    Broken,
}

#[derive(Clone)]
pub(super) struct Text {
    pub(super) text: String,
    /// From an environment variable, a flag or `${...}`, where numbers, booleans and lists are written as text.
    pub(super) loose: bool,
    /// What stands in the file, if `${...}` was replaced in it: messages show this and not what may be a secret.
    pub(super) written: Option<String>,
}

pub(super) type Table = BTreeMap<String, Entry>;

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key_span: Option<Range<usize>>,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn loose(text: &str, origin: Origin) -> Self {
        let text = Text { text: text.to_owned(), loose: true, written: None };
        Self { value: Value::Text(text), origin, span: None }
    }

    pub(super) fn code(value: Value) -> Self {
        Self { value, origin: Origin::Code, span: None }
    }

    pub(super) fn as_table(&self) -> Option<&Table> {
        if let Value::Table(table) = &self.value { Some(table) } else { None }
    }

    /// Shows the value in a message: quoted, and without secrets.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("{:?}", blot(text.written.as_ref().unwrap_or(&text.text))),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Bool(yes) => yes.to_string(),
            Value::Array(_) => "a list".to_owned(),
            Value::Table(_) => "a table".to_owned(),
            Value::Date => "a date".to_owned(),
            Value::Broken => "this".to_owned(),
        }
    }
}

impl From<Node> for Entry {
    fn from(node: Node) -> Self {
        Self { key_span: None, node }
    }
}

/// Parses a file. After faults of the grammar the tree is empty: what is left of the file would mislead.
pub(super) fn parse(text: &str, values: &mut Values<'_>, problems: &mut Vec<Problem>) -> Table {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let told = errors.iter().map(|error| Problem::new("", blot(error.message())).at(error.span()));
        problems.extend(told);
        return Table::new();
    }
    Builder { text, values, problems }.table(root.get_ref(), "")
}

struct Builder<'a, 'v> {
    text: &'a str,
    values: &'a mut Values<'v>,
    problems: &'a mut Vec<Problem>,
}

impl Builder<'_, '_> {
    fn table(&mut self, table: &DeTable<'_>, path: &str) -> Table {
        let mut out = Table::new();
        for (key, value) in table {
            let name = key.get_ref().clone().into_owned();
            let node = self.node(value, &join(path, &name));
            out.insert(name, Entry { key_span: Some(key.span()), node });
        }
        out
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>, path: &str) -> Node {
        let span = value.span();
        let origin = Origin::File { line: line_and_column(self.text, span.start).0 };
        let value = match value.get_ref() {
            DeValue::String(text) => self.string(text, &span, path),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => self.broken(path, &span, "the number is too large"),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => self.broken(path, &span, "this is not a number"),
            },
            DeValue::Boolean(yes) => Value::Bool(*yes),
            DeValue::Datetime(_) => Value::Date,
            DeValue::Array(items) => {
                let item = |(index, item)| self.node(item, &format!("{path}[{index}]"));
                Value::Array(items.iter().enumerate().map(item).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, path)),
        };
        Node { value, origin, span: Some(span) }
    }

    fn string(&mut self, text: &str, span: &Range<usize>, path: &str) -> Value {
        match self.values.interpolate(text) {
            None => Value::Text(Text { text: text.to_owned(), loose: false, written: None }),
            Some(Ok(value)) => Value::Text(Text { text: value, loose: true, written: Some(text.to_owned()) }),
            Some(Err(errors)) => {
                let help = "set it, or write ${NAME:-default}";
                self.problems.extend(errors.into_iter().map(|error| {
                    let unset = error.starts_with("environment variable");
                    let problem = Problem::new(path, error).at(Some(span.clone()));
                    if unset { problem.help(help) } else { problem }
                }));
                Value::Broken
            }
        }
    }

    fn broken(&mut self, path: &str, span: &Range<usize>, message: &str) -> Value {
        self.problems.push(Problem::new(path, message).at(Some(span.clone())));
        Value::Broken
    }
}

/// Joins the path of a section and a key.
pub(super) fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}
