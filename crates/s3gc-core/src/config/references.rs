//! `[tables]` and `[[references]]`.

use std::collections::BTreeSet;
use std::ops::Range;

use s3gc_source::extract::Kind;

use super::model::{ReferenceConfig, ReferencePlace};
use super::problem::Problem;
use super::read::{Log, Section, list, one_of, refusal, text};
use super::tree::{Node, Origin, Table, Value, join};

const KINDS: &[(&str, Kind)] = &[
    ("auto", Kind::Auto),
    ("key", Kind::Key),
    ("url", Kind::Url),
    ("json", Kind::Json),
    ("array", Kind::Array),
    ("text", Kind::Text),
    ("prefix", Kind::Prefix),
];

/// A reference of which the database may not be known yet.
pub(super) struct Draft {
    pub(super) database: Option<String>,
    pub(super) path: String,
    pub(super) span: Option<Range<usize>>,
    pub(super) origin: Origin,
    place: ReferencePlace,
    kind: Kind,
    strip: Option<String>,
    prepend: Option<String>,
}

impl Draft {
    /// What it is called in reports.
    pub(super) fn title(&self) -> String {
        match &self.place {
            ReferencePlace::Column { table, column } => format!("{table}.{column}"),
            ReferencePlace::Query { name, .. } => name.clone(),
        }
    }

    pub(super) fn kind_name(&self) -> &'static str {
        kind_name(self.kind)
    }

    pub(super) fn resolve(&self, database: &str) -> ReferenceConfig {
        ReferenceConfig {
            database: database.to_owned(),
            place: self.place.clone(),
            kind: self.kind,
            strip: self.strip.clone(),
            prepend: self.prepend.clone(),
        }
    }
}

/// The word for a kind.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("auto", |(name, _)| name)
}

/// Reads both forms from a table that may have them: the root, or one of several buckets.
pub(super) fn read(table: &Table, path: &str, log: &mut Log) -> Vec<Draft> {
    let mut drafts = Vec::new();
    if let Some(entry) = table.get("tables") {
        short_form(&entry.node, &join(path, "tables"), log, &mut drafts);
    }
    if let Some(entry) = table.get("references") {
        long_form(&entry.node, &join(path, "references"), log, &mut drafts);
    }
    drafts
}

fn short_form(node: &Node, path: &str, log: &mut Log, drafts: &mut Vec<Draft>) {
    let Some(tables) = node.as_table() else {
        log.problems.extend(refusal(path, node, "is not a table of tables and their columns".to_owned()));
        return;
    };
    for (table, entry) in tables {
        let path = join(path, table);
        if entry.node.as_table().is_some() {
            let problem = Problem::new(&path, "the columns of a table are a list").at(entry.key_span.clone());
            log.problems
                .push(problem.help(format!("a table in a schema is written in quotes: \"{table}.name\" = [...]")));
            continue;
        }
        let columns = match &entry.node.value {
            Value::Array(columns) => columns.as_slice(),
            _ => {
                log.problems.extend(refusal(&path, &entry.node, "is not a list of columns".to_owned()));
                continue;
            }
        };
        if columns.is_empty() {
            let problem = Problem::new(&path, "the list of columns is empty").at(entry.node.span.clone());
            log.problems.push(problem.help("name the columns that hold keys, or leave the table out"));
        }
        for (index, column) in columns.iter().enumerate() {
            match text(column) {
                Ok(name) => drafts.push(Draft {
                    database: None,
                    path: path.clone(),
                    span: column.span.clone(),
                    origin: column.origin.clone(),
                    place: ReferencePlace::Column { table: table.clone(), column: name },
                    kind: Kind::Auto,
                    strip: None,
                    prepend: None,
                }),
                Err((message, _)) => log.problems.extend(refusal(&format!("{path}[{index}]"), column, message)),
            }
        }
    }
}

fn long_form(node: &Node, path: &str, log: &mut Log, drafts: &mut Vec<Draft>) {
    let items = match list(node) {
        Ok(items) => items,
        Err((message, _)) => return log.problems.extend(refusal(path, node, message)),
    };
    for (index, item) in items.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match item.as_table() {
            Some(table) => drafts.extend(one(item, table, path, log)),
            None => log.problems.extend(refusal(
                &path,
                item,
                "is not a table: write { table = ..., column = ... }".to_owned(),
            )),
        }
    }
}

fn one(node: &Node, table: &Table, path: String, log: &mut Log) -> Option<Draft> {
    // What a reference says is recorded as one line, by the bucket that uses it.
    let mut quiet = Log::default();
    let section = Section { path: path.clone(), shown: String::new(), table: Some(table) };
    let mut word = |key| section.optional(&mut quiet, key, text, Clone::clone);
    let (sql, name, database) = (word("sql"), word("name"), word("database"));
    let (table_name, column) = (word("table"), word("column"));
    let (strip, prepend) = (word("strip"), word("prepend"));
    let kind = section.or(&mut quiet, "kind", Kind::Auto, |node| one_of(node, KINDS), |_| String::new());
    let faults = quiet.problems.len();
    let fault = |message: &str, help: &str| Problem::new(&path, message).at(node.span.clone()).help(help);
    let has = |key| section.get(key).is_some();
    if has("sql") && (has("table") || has("column")) {
        quiet.problems.push(fault("a reference is a column or a query, not both", "write two references"));
    } else if !(has("sql") || has("table") && has("column")) {
        quiet
            .problems
            .push(fault("a reference needs a table and a column, or sql", "write { table = ..., column = ... }"));
    } else if has("name") && !has("sql") {
        quiet.problems.push(section.problem("name", "only a query has a name").help("leave it out"));
    }
    let place = match (sql, table_name, column) {
        (Some(sql), _, _) => {
            // The name stays the same wherever the query stands in the file.
            let name = name.unwrap_or_else(|| format!("query-{}", &blake3::hash(sql.as_bytes()).to_hex()[..8]));
            Some(ReferencePlace::Query { name, sql })
        }
        (None, Some(table), Some(column)) => Some(ReferencePlace::Column { table, column }),
        _ => None,
    };
    let sound = quiet.problems.len() == faults;
    log.problems.append(&mut quiet.problems);
    let draft = |place| Draft {
        database,
        path,
        span: node.span.clone(),
        origin: node.origin.clone(),
        place,
        kind,
        strip,
        prepend,
    };
    place.filter(|_| sound).map(draft)
}

/// Finds what is referenced twice.
pub(super) fn duplicates(drafts: &[&Draft], problems: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for draft in drafts {
        if !seen.insert((draft.database.clone(), draft.title())) {
            let message = format!("{} is listed twice", draft.title());
            problems.push(Problem::new(&draft.path, message).at(draft.span.clone()).help("keep one of them"));
        }
    }
}
