//! Which keys there are, and which are not built yet: nothing in a file is ignored.

use serde_json::{Map, Value as Json};
use strsim::damerau_levenshtein;

use super::problem::Problem;
use super::tree::{Node, Table, Text, Value, join};

/// What belongs to the design and is not in this version: the section and the key, or the key and its value. A line goes
/// when the thing is built; keys then enter the schema in `file.rs`.
const NOT_YET: &[NotYet] = &[
    NotYet { key: "schedule", value: None, help: "run `s3gc run` from cron or a systemd timer" },
    NotYet { key: "serve", value: None, help: "run `s3gc run` from cron or a systemd timer" },
    NotYet { key: "notify", value: None, help: "look at the exit code of `s3gc run`" },
    NotYet {
        key: "database.cdc",
        value: Some("postgres"),
        help: "write cdc = \"off\": every run then scans the tables",
    },
    NotYet { key: "database.cdc_url", value: None, help: "leave it out: there is no change data capture" },
    NotYet { key: "bucket.versioned", value: None, help: "leave it out: versions are kept" },
    NotYet { key: "limits.requests_per_second", value: None, help: "leave it out" },
    NotYet { key: "limits.bytes_per_second", value: None, help: "leave it out" },
    NotYet { key: "limits.rows_per_second", value: None, help: "leave it out" },
    NotYet { key: "references.variants", value: None, help: "write them as [bucket] variants = [...]" },
];

struct NotYet {
    key: &'static str,
    /// How the refused value begins; `None` refuses the key.
    value: Option<&'static str>,
    help: &'static str,
}

/// Checks every key of the tree against the schema.
pub(super) fn check(root: &Table, schema: &Json, problems: &mut Vec<Problem>) {
    Checker { schema, problems }.table(root, schema, "", "");
}

struct Checker<'a> {
    schema: &'a Json,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    /// `plain` is the path as [`NOT_YET`] writes it, whether there is one bucket or several.
    fn table(&mut self, table: &Table, schema: &Json, path: &str, plain: &str) {
        let schema = deref(self.schema, schema);
        let none = Map::new();
        let properties = schema.get("properties").and_then(Json::as_object).unwrap_or(&none);
        let any = schema.get("additionalProperties").filter(|any| any.is_object());
        for (key, entry) in table {
            let (path, plain) = (join(path, key), plain_path(plain, key));
            if let Some(not_yet) = NOT_YET.iter().find(|not_yet| not_yet.key == plain && not_yet.refuses(&entry.node)) {
                self.not_yet(not_yet, entry.key_span.clone(), &path, &entry.node);
            } else if let Some(schema) = properties.get(key).or(any) {
                self.node(&entry.node, schema, &path, &plain);
            } else {
                let mut problem = Problem::new(
                    &path,
                    match entry.node.origin {
                        super::Origin::File { .. } => "unknown key".to_owned(),
                        ref origin => format!("unknown key ({origin})"),
                    },
                );
                problem.span = entry.key_span.clone().or(entry.node.span.clone());
                problem.help = suggest(self.schema, properties, key);
                self.problems.push(problem);
            }
        }
    }

    fn node(&mut self, node: &Node, schema: &Json, path: &str, plain: &str) {
        let schema = deref(self.schema, schema);
        match &node.value {
            // A table where a value belongs is told by whoever reads the value.
            Value::Table(table) => {
                let choices = schema.get("anyOf").and_then(Json::as_array).into_iter().flatten();
                let mut schemas = std::iter::once(schema).chain(choices.map(|choice| deref(self.schema, choice)));
                if let Some(schema) = schemas.find(|schema| is_table(schema)) {
                    self.table(table, schema, path, plain);
                }
            }
            Value::Array(items) => {
                let Some(schema) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.node(item, schema, &format!("{path}[{index}]"), plain);
                }
            }
            _ => {}
        }
    }

    fn not_yet(&mut self, not_yet: &NotYet, key_span: Option<std::ops::Range<usize>>, path: &str, node: &Node) {
        let what = match &node.origin {
            super::Origin::File { .. } | super::Origin::Default => String::new(),
            origin => format!("{origin}: "),
        };
        let value =
            not_yet.value.filter(|value| !value.is_empty()).map(|value| format!("{value:?} is ")).unwrap_or_default();
        let span = if not_yet.value.is_some() { node.span.clone() } else { key_span };
        let message = format!("{what}{value}not available in this version");
        self.problems.push(Problem::new(path, message).at(span).help(not_yet.help));
    }
}

impl NotYet {
    fn refuses(&self, node: &Node) -> bool {
        match (self.value, &node.value) {
            (None, _) => true,
            (Some(start), Value::Text(Text { text, .. })) => {
                text.starts_with(start) && !(start.is_empty() && text.is_empty())
            }
            (Some("true"), Value::Bool(yes)) => *yes,
            (Some(""), Value::Array(items)) => !items.is_empty(),
            _ => false,
        }
    }
}

/// Paths of one of several buckets or databases read as those of a single one.
fn plain_path(section: &str, key: &str) -> String {
    match (section, key) {
        ("", "buckets") => "bucket".to_owned(),
        ("", "databases") => "databases".to_owned(),
        ("databases", _) => "database".to_owned(),
        ("bucket", "catalog" | "vault" | "safety" | "limits" | "report" | "tables" | "references") => key.to_owned(),
        _ => join(section, key),
    }
}

fn is_table(schema: &Json) -> bool {
    schema.get("properties").is_some() || schema.get("additionalProperties").is_some_and(Json::is_object)
}

pub(super) fn deref<'s>(root: &'s Json, schema: &'s Json) -> &'s Json {
    let target =
        schema.get("$ref").and_then(Json::as_str).and_then(|r| r.strip_prefix('#')).and_then(|p| root.pointer(p));
    target.unwrap_or(schema)
}

/// Finds what an unknown key was meant to be: a key spelt alike, or the same key elsewhere.
fn suggest(root: &Json, here: &Map<String, Json>, key: &str) -> Option<String> {
    let near = here.keys().map(|known| (damerau_levenshtein(known, key), known)).min();
    if let Some((distance, known)) = near
        && distance <= 2.max(key.len() / 4)
        && distance < key.len()
    {
        return Some(format!("did you mean {known}?"));
    }
    let sections = root.get("properties")?.as_object()?;
    if sections.contains_key(key) {
        return Some(format!("it belongs at the top level: [{key}]"));
    }
    for (section, schema) in sections {
        let properties = deref(root, schema).get("properties").and_then(Json::as_object);
        if properties.is_some_and(|properties| properties.contains_key(key)) {
            return Some(format!("it belongs in [{section}]"));
        }
    }
    let belongs = NOT_YET.iter().find(|n| n.key.rsplit('.').next() == Some(key)).map(|n| n.key);
    if let Some(key) = belongs {
        return Some(format!("{key} is not available in this version"));
    }
    let known = here.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    (!known.is_empty()).then(|| format!("there are: {known}"))
}
