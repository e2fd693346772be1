//! The environment variables that stand for keys, and how layers are put over a file.

use std::collections::{BTreeMap, BTreeSet};

use strsim::damerau_levenshtein;

use super::problem::Problem;
use super::tree::{Entry, Node, Origin, Table, Text, Value};

/// The variables that stand for a key, and the key; a later line wins.
pub(super) const VARIABLES: &[(&str, &str)] = &[
    ("S3_BUCKET", "bucket.name"),
    ("AWS_REGION", "bucket.region"),
    // The SDK would follow it too: without it here, a store at AWS and one elsewhere would look the same.
    ("AWS_ENDPOINT_URL", "bucket.endpoint"),
    ("AWS_ENDPOINT_URL_S3", "bucket.endpoint"),
    ("DATABASE_URL", "database.url"),
    ("S3GC_MODE", "mode"),
    ("S3GC_TABLES", "tables"),
    ("S3GC_VAULT_PATH", "vault.path"),
    ("S3GC_VAULT_IDENTITY", "vault.identity"),
    ("S3GC_RETENTION_DAYS", "bucket.retention_days"),
    ("S3GC_EXCLUDE_PREFIXES", "bucket.exclude_prefixes"),
    ("S3GC_SCHEDULE_CRON", "schedule.at"),
    ("S3GC_CDC_BACKEND", "database.cdc"),
    ("S3GC_MAX_DELETE", "safety.max_delete"),
    ("S3GC_ALLOW_SHORT_RETENTION", "safety.allow_short_retention"),
    ("S3GC_UNCONDITIONAL_DELETE", "safety.unconditional_delete"),
    ("S3GC_SETTLE_AFTER", "safety.settle_after"),
    ("S3GC_CATALOG_PATH", "catalog.path"),
    ("S3GC_ADMIN_API_KEY", "serve.admin_api_key"),
    ("S3GC_LISTEN", "serve.listen"),
];

/// The variable that names the file.
pub const CONFIG_VARIABLE: &str = "S3GC_CONFIG";

/// Variables that other programs share: they fill a single bucket or database, and several ones say their own.
const SHARED: &[&str] = &["S3_BUCKET", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "DATABASE_URL"];

/// Puts the environment over the file. Returns the variables that were set and did not apply.
pub(super) fn apply(
    root: &mut Table,
    environment: &BTreeMap<String, String>,
    interpolated: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let mut unused = Vec::new();
    for (name, path) in VARIABLES {
        // Compose files pass what is not set as an empty string.
        let Some(value) = environment.get(*name).filter(|value| !value.is_empty()) else { continue };
        let several = match path.split_once('.') {
            Some(("bucket", _)) => root.contains_key("buckets"),
            Some(("database", _)) => root.contains_key("databases"),
            _ => false,
        };
        if several && SHARED.contains(name) {
            if !interpolated.contains(*name) {
                unused.push((*name).to_owned());
            }
            continue;
        }
        put(root, path, &Node::loose(value, Origin::Environment((*name).to_owned())), problems);
    }
    problems.extend(misspelt(environment));
    unused
}

/// Lets what other programs follow fill what nobody said of a vault in S3. It does not win over the file: the bucket may be
/// on the server of the environment, and the vault elsewhere.
pub(super) fn fall_back(root: &mut Table, environment: &BTreeMap<String, String>) {
    const VARIABLES: [(&str, &str); 3] =
        [("AWS_REGION", "region"), ("AWS_ENDPOINT_URL_S3", "endpoint"), ("AWS_ENDPOINT_URL", "endpoint")];
    if root.contains_key("buckets") {
        return;
    }
    let Some(Value::Table(vault)) = root.get_mut("vault").map(|entry| &mut entry.node.value) else { return };
    let in_s3 = matches!(
        vault.get("path").map(|entry| &entry.node.value),
        Some(Value::Text(Text { text, .. })) if text.starts_with("s3://")
    );
    for (name, key) in VARIABLES {
        let value = environment.get(name).filter(|value| in_s3 && !value.is_empty());
        if let Some(value) = value.filter(|_| !vault.contains_key(key)) {
            insert(vault, key, &Node::loose(value, Origin::Environment(name.to_owned())));
        }
    }
}

/// Finds variables whose name is nearly one of ours. Others that begin alike are left alone: Kubernetes makes
/// `S3GC_SERVICE_HOST` and its kind for a service called s3gc.
fn misspelt(environment: &BTreeMap<String, String>) -> impl Iterator<Item = Problem> {
    let known = || VARIABLES.iter().map(|(name, _)| *name).chain([CONFIG_VARIABLE]).filter(|n| n.starts_with("S3GC_"));
    environment.keys().filter(|name| name.starts_with("S3GC_")).filter_map(move |name| {
        let nearest = known().min_by_key(|k| damerau_levenshtein(k, name))?;
        (1..=2).contains(&damerau_levenshtein(nearest, name)).then(|| {
            let message = format!("environment variable {name} is not known");
            Problem::new("", message).help(format!("did you mean {nearest}?"))
        })
    })
}

/// Puts one value over what is there: for every bucket and database, whatever the file says for one of them.
pub(super) fn put(root: &mut Table, path: &str, node: &Node, problems: &mut Vec<Problem>) {
    if path == "tables" {
        let tables = tables(node, problems);
        root.insert(path.to_owned(), tables.into());
        return;
    }
    let Some((section, key)) = path.split_once('.') else {
        root.insert(path.to_owned(), node.clone().into());
        return;
    };
    match section {
        "bucket" if root.contains_key("buckets") => {
            if matches!(key, "name" | "path") {
                let message = format!("{} cannot stand for one of several buckets", node.origin);
                problems.push(Problem::new(path, message).help("change it in the file"));
                return;
            }
            elements(root, "buckets").into_iter().for_each(|bucket| insert(bucket, key, node));
        }
        "database" if root.contains_key("databases") => {
            elements(root, "databases").into_iter().for_each(|database| insert(database, key, node));
        }
        _ => {
            for bucket in elements(root, "buckets") {
                if let Some(Value::Table(own)) = bucket.get_mut(section).map(|entry| &mut entry.node.value) {
                    own.remove(key);
                }
            }
            let empty =
                || Entry::from(Node { value: Value::Table(Table::new()), origin: node.origin.clone(), span: None });
            let entry = root.entry(section.to_owned()).or_insert_with(empty);
            if let Value::Table(table) = &mut entry.node.value {
                insert(table, key, node);
            }
        }
    }
}

/// Lists the tables in a list or a table of tables.
fn elements<'t>(root: &'t mut Table, key: &str) -> Vec<&'t mut Table> {
    let nodes: Vec<&mut Node> = match root.get_mut(key).map(|entry| &mut entry.node.value) {
        Some(Value::Array(items)) => items.iter_mut().collect(),
        Some(Value::Table(table)) => table.values_mut().map(|entry| &mut entry.node).collect(),
        _ => Vec::new(),
    };
    let table = |node: &'t mut Node| if let Value::Table(table) = &mut node.value { Some(table) } else { None };
    nodes.into_iter().filter_map(table).collect()
}

fn insert(table: &mut Table, key: &str, node: &Node) {
    // The two ways to say it exclude each other, and the upper layer wins.
    match key {
        "retention_days" => drop(table.remove("retention")),
        "retention" => drop(table.remove("retention_days")),
        _ => {}
    }
    table.insert(key.to_owned(), node.clone().into());
}

/// Reads `users.avatar_url,cms.pages.image` as `[tables]`.
fn tables(node: &Node, problems: &mut Vec<Problem>) -> Node {
    let Value::Text(Text { text, .. }) = &node.value else { return node.clone() };
    let mut tables: BTreeMap<&str, Vec<Node>> = BTreeMap::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        match item.rsplit_once('.') {
            Some((table, column)) if !table.is_empty() && !column.is_empty() => {
                tables.entry(table).or_default().push(Node::loose(column, node.origin.clone()));
            }
            _ => {
                let message = format!("{}: {item:?} is not a column", node.origin);
                problems.push(Problem::new("tables", message).help("write table.column, with commas between several"));
            }
        }
    }
    let list = |items| Node { value: Value::Array(items), origin: node.origin.clone(), span: None };
    let table = tables.into_iter().map(|(name, items)| (name.to_owned(), list(items).into())).collect();
    Node { value: Value::Table(table), origin: node.origin.clone(), span: None }
}
