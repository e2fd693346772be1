//! `[tables]` and `[[references]]`.

use std::collections::BTreeSet;
use std::ops::Range;

use s3gc_source::extract::{ExtractConfig, Extractor, Kind, Preset, PresetColumn, PresetOptions, Template};

use super::model::{ReferenceConfig, ReferencePlace};
use super::problem::Problem;
use super::read::{Log, Section, boolean, list, one_of, refusal, text};
use super::tree::{Node, Origin, Table, Value, join};

const KINDS: &[(&str, Kind)] = &[
    ("auto", Kind::Auto),
    ("key", Kind::Key),
    ("url", Kind::Url),
    ("json", Kind::Json),
    ("array", Kind::Array),
    ("text", Kind::Text),
    ("prefix", Kind::Prefix),
    ("template", Kind::Template),
];

/// A reference of which the database may not be known yet.
pub(super) struct Draft {
    pub(super) database: Option<String>,
    pub(super) path: String,
    pub(super) span: Option<Range<usize>>,
    pub(super) origin: Origin,
    /// Rules for derived objects, which a preset brings along.
    pub(super) variants: Vec<String>,
    place: ReferencePlace,
    kind: Kind,
    json_paths: Vec<String>,
    strip: Option<String>,
    prepend: Option<String>,
    optional: bool,
}

impl Draft {
    /// What it is called in reports.
    pub(super) fn title(&self) -> String {
        match &self.place {
            ReferencePlace::Column { table, column } => format!("{table}.{column}"),
            ReferencePlace::Template { table, template } => format!("{table}.{template}"),
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
            json_paths: self.json_paths.clone(),
            strip: self.strip.clone(),
            prepend: self.prepend.clone(),
            optional: self.optional,
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
                    variants: Vec::new(),
                    place: ReferencePlace::Column { table: table.clone(), column: name },
                    kind: Kind::Auto,
                    json_paths: Vec::new(),
                    strip: None,
                    prepend: None,
                    optional: false,
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
            Some(table) if table.get("preset").is_some() => drafts.extend(preset(item, table, &path, log)),
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
    for key in PRESET_ALONE.iter().filter(|key| section.get(key).is_some()) {
        quiet
            .problems
            .push(section.problem(key, "belongs to a preset").help("write preset = \"...\", or leave it out"));
    }
    let mut word = |key| section.optional(&mut quiet, key, text, Clone::clone);
    let (sql, name, database) = (word("sql"), word("name"), word("database"));
    let (table_name, column, template) = (word("table"), word("column"), word("template"));
    let (strip, prepend) = (word("strip"), word("prepend"));
    let kind = section.optional(&mut quiet, "kind", |node| one_of(node, KINDS), |_| String::new());
    let json_paths = texts(&section, "json_paths", &mut quiet);
    let optional = section.or(&mut quiet, "optional", false, boolean, |_| String::new());
    let faults = quiet.problems.len();
    let fault = |message: &str, help: &str| Problem::new(&path, message).at(node.span.clone()).help(help);
    let has = |key| section.get(key).is_some();
    if has("sql") && (has("table") || has("column") || has("template")) {
        quiet.problems.push(fault("a reference is a column or a query, not both", "write two references"));
    } else if has("column") && has("template") {
        quiet.problems.push(fault("a reference is a column or a template, not both", "write two references"));
    } else if !(has("sql") || has("table") && (has("column") || has("template"))) {
        let help = "write { table = ..., column = ... }, or { table = ..., template = ... }";
        quiet.problems.push(fault("a reference needs a table and a column, or sql", help));
    } else if has("name") && !has("sql") {
        quiet.problems.push(section.problem("name", "only a query has a name").help("leave it out"));
    } else if has("optional") && has("sql") {
        quiet.problems.push(section.problem("optional", "a query is never optional").help("leave it out"));
    }
    if has("template") {
        for key in ["strip", "prepend", "json_paths"].into_iter().filter(|key| has(key)) {
            let problem = section.problem(key, "a template is the whole key");
            quiet.problems.push(problem.help("write what stands before it into the template"));
        }
        if kind.is_some_and(|kind| !matches!(kind, Kind::Template | Kind::Prefix)) {
            let problem = section.problem("kind", "a template gives a key, or with kind = \"prefix\" a directory");
            quiet.problems.push(problem.help("leave it out"));
        }
    } else if kind == Some(Kind::Template) {
        let problem = section.problem("kind", "needs a template").help("template = \"uploads/{id}/{file}\"");
        quiet.problems.push(problem);
    }
    let place = match (sql, table_name, column, template) {
        (Some(sql), ..) => {
            // The name stays the same wherever the query stands in the file.
            let name = name.unwrap_or_else(|| format!("query-{}", &blake3::hash(sql.as_bytes()).to_hex()[..8]));
            Some(ReferencePlace::Query { name, sql })
        }
        (None, Some(table), Some(column), _) => Some(ReferencePlace::Column { table, column }),
        (None, Some(table), None, Some(template)) => {
            if let Err(error) = Template::parse(&template) {
                quiet.problems.push(section.problem("template", error.to_string()));
            }
            Some(ReferencePlace::Template { table, template })
        }
        _ => None,
    };
    let is_template = matches!(place, Some(ReferencePlace::Template { .. }));
    let kind = kind.unwrap_or(if is_template { Kind::Template } else { Kind::Auto });
    let config = ExtractConfig { kind, json_paths: json_paths.clone(), ..ExtractConfig::default() };
    if let Err(error) = Extractor::new(config) {
        quiet.problems.push(section.problem("json_paths", error.to_string()));
    }
    let sound = quiet.problems.len() == faults;
    log.problems.append(&mut quiet.problems);
    let (variants, span, origin) = (Vec::new(), node.span.clone(), node.origin.clone());
    let draft =
        |place| Draft { database, path, span, origin, variants, place, kind, json_paths, strip, prepend, optional };
    place.filter(|_| sound).map(draft)
}

/// What only a preset is told.
const PRESET_ALONE: [&str; 4] = ["prefix", "class", "styles", "columns"];

/// Expands a preset into references as anybody could write them.
fn preset(node: &Node, table: &Table, path: &str, log: &mut Log) -> Vec<Draft> {
    let mut quiet = Log::default();
    let section = Section { path: path.to_owned(), shown: String::new(), table: Some(table) };
    for key in ["sql", "name", "kind", "template", "json_paths", "strip", "prepend", "optional"] {
        if section.get(key).is_some() {
            quiet.problems.push(section.problem(key, "a preset says that itself").help("leave it out"));
        }
    }
    let mut word = |key| section.optional(&mut quiet, key, text, Clone::clone);
    let (name, database) = (word("preset"), word("database"));
    let (prefix, table, column, class) = (word("prefix"), word("table"), word("column"), word("class"));
    let (styles, columns) = (texts(&section, "styles", &mut quiet), texts(&section, "columns", &mut quiet));
    let options = PresetOptions { prefix, table, column, class, styles, columns };
    let expanded = name.unwrap_or_default().parse::<Preset>().and_then(|preset| preset.expand(&options));
    let expanded = expanded.unwrap_or_else(|error| {
        quiet.problems.push(section.problem("preset", error.to_string()));
        Vec::new()
    });
    let sound = quiet.problems.is_empty();
    log.problems.append(&mut quiet.problems);
    let draft = |of: PresetColumn| {
        let place = match of.template {
            Some(template) => ReferencePlace::Template { table: of.table, template },
            None => ReferencePlace::Column { table: of.table, column: of.columns.concat() },
        };
        Draft {
            database: database.clone(),
            path: path.to_owned(),
            span: node.span.clone(),
            origin: node.origin.clone(),
            variants: of.variants,
            place,
            kind: of.kind,
            json_paths: of.json_paths,
            strip: of.strip,
            prepend: of.prepend,
            optional: of.optional,
        }
    };
    expanded.into_iter().filter(|_| sound).map(draft).collect()
}

/// Reads a list of texts.
fn texts(section: &Section<'_>, key: &str, log: &mut Log) -> Vec<String> {
    let read = |node: &Node| list(node)?.iter().map(text).collect::<Result<Vec<String>, _>>();
    section.or(log, key, Vec::new(), read, |_| String::new())
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
