//! From the tree to the configuration.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use s3gc_vault::encryption::Recipient;
use secrecy::{ExposeSecret, SecretString};

use super::check;
use super::model::{
    BucketConfig, Compression, Config, DatabaseConfig, DeleteChecksum, OnConflict, ReferenceConfig, SafetyConfig,
    Stage, StoreConfig, VaultConfig,
};
use super::problem::Problem;
use super::read::{self, Log, Section};
use super::references::{self, Draft};
use super::tree::{Node, Origin, Table, Value};
use super::units::{show_duration, show_size};
use super::values;
use super::vault;
use crate::catalog::Mode;
use crate::settings::{KeyPrefix, RetentionFrom, Settings};
use crate::{Ramp, VariantRules};

const DAY: Duration = Duration::from_secs(86_400);

/// Makes the configuration. It is of use only if the log has no problems.
pub(super) fn resolve(root: &Table, base: Option<&Path>, log: &mut Log) -> Config {
    let modes: Vec<(&str, Mode)> = [Mode::DryRun, Mode::AuditOnly, Mode::Execute].map(|m| (m.as_str(), m)).into();
    let top = Section { path: String::new(), shown: String::new(), table: Some(root) };
    let mode = top.or(log, "mode", Mode::DryRun, |node| read::one_of(node, &modes), ToString::to_string);
    let databases = databases(root, base, log);
    let shared = references::read(root, "", log);
    let places = places(root, log);
    let several = root.contains_key("buckets");
    for (path, own) in [(None, root)].into_iter().chain(places.iter().map(|(path, own)| (Some(path.as_str()), *own))) {
        for key in if several || path.is_none() { SECTIONS.as_slice() } else { &[] } {
            table_at(path.unwrap_or_default(), own, key, log);
        }
    }
    let mut buckets = Vec::new();
    for place in places {
        let resolver = Resolver { root, base, several, databases: &databases, mode, place };
        buckets.push(resolver.bucket(&shared, log));
    }
    check::between(&buckets, log);
    Config { mode, databases, buckets }
}

fn databases(root: &Table, base: Option<&Path>, log: &mut Log) -> BTreeMap<String, DatabaseConfig> {
    let mut databases = BTreeMap::new();
    let several = table(root, "databases", log);
    if let (Some(_), Some(entry)) = (several, root.get("database")) {
        let problem = Problem::new("database", "there are both [database] and [databases]").at(entry.key_span.clone());
        log.problems.push(problem.help("write [databases.NAME] for each"));
    }
    if let Some(single) = table(root, "database", log) {
        databases.insert("main".to_owned(), database("database".to_owned(), single, base, log));
    }
    for (name, entry) in several.into_iter().flatten() {
        let path = format!("databases.{name}");
        match entry.node.as_table() {
            Some(table) => drop(databases.insert(name.clone(), database(path, table, base, log))),
            None => log.problems.extend(read::refusal(&path, &entry.node, "is not a table".to_owned())),
        }
    }
    if databases.is_empty() && !root.contains_key("database") && !root.contains_key("databases") {
        let problem = Problem::new("database.url", "there is no database");
        log.problems.push(problem.help("set DATABASE_URL, or write url in [database]"));
    }
    databases
}

fn database(path: String, table: &Table, base: Option<&Path>, log: &mut Log) -> DatabaseConfig {
    let section = Section { shown: path.clone(), path, table: Some(table) };
    let mut url = SecretString::from(String::new());
    match section.get("url") {
        None => {
            let problem = section.problem("url", "the URL of the database is missing");
            log.problems.push(problem.help("set DATABASE_URL, or write url = \"${DATABASE_URL}\""));
        }
        Some(Node { value: Value::Broken, .. }) => {}
        Some(node) => match values::database_url(node, base) {
            Ok(read) => {
                section.record(log, "url", values::show_database_url(read.expose_secret()), node.origin.clone());
                url = read;
            }
            // The value is not shown: whatever it is, it may hold a password.
            Err((message, help)) => {
                let from =
                    if let Origin::Environment(name) = &node.origin { format!("{name}: ") } else { String::new() };
                let problem = section.problem("url", format!("{from}the value {message}"));
                log.problems.push(problem.help(help.unwrap_or_default()));
            }
        },
    }
    section.or(log, "cdc", (), |node| read::one_of(node, &[("off", ())]), |()| "off".to_owned());
    let backup_window = section.optional(log, "backup_window", read::duration, |d| show_duration(*d));
    let is_fenced = section.or(
        log,
        "fence",
        false,
        |node| read::one_of(node, &[("off", false), ("postgres", true)]),
        |on| if *on { "postgres" } else { "off" }.to_owned(),
    );
    let words = [("abort", OnConflict::Abort), ("restore", OnConflict::Restore)];
    let on_conflict = section.or(
        log,
        "fence_on_conflict",
        OnConflict::Abort,
        |node| read::one_of(node, &words),
        |word| if *word == OnConflict::Abort { "abort" } else { "restore" }.to_owned(),
    );
    let scheme = url.expose_secret().split(':').next().unwrap_or_default();
    if is_fenced && !matches!(scheme, "" | "postgres" | "postgresql") {
        let problem = section.problem("fence", "only PostgreSQL has a write fence");
        log.problems.push(problem.help("write fence = \"off\""));
    }
    DatabaseConfig { url, backup_window, fence: is_fenced.then_some(on_conflict) }
}

/// Finds the buckets: the name of the section of each, and its table.
fn places<'t>(root: &'t Table, log: &mut Log) -> Vec<(String, &'t Table)> {
    let mut places = Vec::new();
    let single = table(root, "bucket", log);
    if let (Some(_), Some(entry)) = (root.get("buckets"), root.get("bucket")) {
        let problem = Problem::new("bucket", "there are both [bucket] and [[buckets]]").at(entry.key_span.clone());
        log.problems.push(problem.help("write [[buckets]] for each"));
    } else {
        places.extend(single.map(|table| ("bucket".to_owned(), table)));
    }
    if let Some(entry) = root.get("buckets") {
        match &entry.node.value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = format!("buckets[{index}]");
                    match item.as_table() {
                        Some(table) => places.push((path, table)),
                        None => log.problems.extend(read::refusal(&path, item, "is not a table".to_owned())),
                    }
                }
            }
            _ => {
                let message = "is not a list of tables: write [[buckets]], or [bucket] for a single one".to_owned();
                log.problems.extend(read::refusal("buckets", &entry.node, message));
            }
        }
    }
    let named = root.get("bucket").is_some()
        || root.get("buckets").is_some_and(|e| !matches!(&e.node.value, Value::Array(l) if l.is_empty()));
    if !named {
        let problem = Problem::new("bucket.name", "there is no bucket");
        log.problems.push(problem.help("set S3_BUCKET, or write name or path in [bucket]"));
    }
    places
}

fn table<'t>(root: &'t Table, key: &str, log: &mut Log) -> Option<&'t Table> {
    table_at("", root, key, log)
}

/// Finds a section, and tells if what stands there is none.
fn table_at<'t>(path: &str, parent: &'t Table, key: &str, log: &mut Log) -> Option<&'t Table> {
    let node = &parent.get(key)?.node;
    if node.as_table().is_none() {
        log.problems.extend(read::refusal(&super::tree::join(path, key), node, "is not a table".to_owned()));
    }
    node.as_table()
}

/// Reads one bucket.
pub(super) struct Resolver<'a> {
    root: &'a Table,
    base: Option<&'a Path>,
    several: bool,
    databases: &'a BTreeMap<String, DatabaseConfig>,
    mode: Mode,
    /// The section of the bucket.
    place: (String, &'a Table),
}

impl Resolver<'_> {
    fn bucket(&self, shared: &[Draft], log: &mut Log) -> BucketConfig {
        let (path, table) = (&self.place.0, self.place.1);
        let mut section = Section { path: path.clone(), shown: path.clone(), table: Some(table) };
        let (name, store) = self.store(&section, log);
        let prefix = if self.several { format!("buckets.{name}") } else { String::new() };
        section.shown = if self.several { prefix.clone() } else { path.clone() };
        let defaults = Settings::new("", "");
        let show_prefixes = |list: &[KeyPrefix]| list.iter().map(KeyPrefix::as_str).collect::<Vec<_>>().join(", ");
        let prefixes = self.all(&section, log, "prefixes", values::prefix, show_prefixes);
        let exclude_prefixes = self.all(&section, log, "exclude_prefixes", values::prefix, show_prefixes);
        let base_urls = self.all(&section, log, "base_urls", values::base_url, |urls: &[String]| urls.join(", "));
        let access_points =
            self.all(&section, log, "access_points", values::access_point, |names: &[String]| names.join(", "));
        let retention = self.retention(&section, log);
        let from = [("unreferenced", RetentionFrom::Unreferenced), ("last_modified", RetentionFrom::LastModified)];
        let show_from = |value: &RetentionFrom| from.iter().find(|(_, v)| v == value).map_or("", |(w, _)| w).to_owned();
        let retention_from =
            section.or(log, "retention_from", RetentionFrom::default(), |node| read::one_of(node, &from), show_from);

        let own = if self.several { references::read(table, path, log) } else { Vec::new() };
        let drafts: Vec<&Draft> = shared.iter().chain(&own).collect();
        let mut rules = self.all(&section, log, "variants", read::text, |rules: &[String]| rules.join(", "));
        for rule in drafts.iter().flat_map(|draft| &draft.variants) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        let variants = VariantRules::new(rules).unwrap_or_else(|error| {
            // The parser of expressions draws over several lines.
            let message = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
            log.problems.push(section.problem("variants", message));
            VariantRules::default()
        });
        let (references, databases) = self.references(&section, &prefix, &name, &drafts, log);
        let windows = databases.iter().filter_map(|database| self.databases.get(database)?.backup_window);
        let backup_window = windows.max();

        let mut sections = SECTIONS.map(|key| self.section(key, &prefix));
        let [catalog, vault, safety, limits, report] = sections.each_mut().map(|(path, shown, table)| Section {
            path: std::mem::take(path),
            shown: std::mem::take(shown),
            table: Some(table),
        });
        let vault_config = self.vault(&vault, log);
        let safety_config = self.safety(&safety, log);
        let beside = vault::catalog_beside(&vault_config.place);
        let catalog_path = catalog.or(log, "path", beside, |node| read::path(node, self.base), |path| show_path(path));
        let plan_dir = catalog_path.parent().unwrap_or(Path::new("")).join("plans");
        let memory_bytes = limits.or(log, "memory", defaults.memory_bytes, memory, |bytes| show_size(*bytes));
        let show_values = report.or(log, "show_values", false, read::boolean, ToString::to_string);
        let price = report.or(log, "price_per_gb_month", defaults.price_per_gb_month, read::price, ToString::to_string);
        let bucket = BucketConfig {
            name,
            store,
            prefixes,
            exclude_prefixes,
            retention,
            retention_from,
            base_urls,
            access_points,
            variants,
            databases,
            references,
            backup_window,
            catalog: catalog_path,
            plan_dir,
            vault: vault_config,
            safety: safety_config,
            memory_bytes,
            price_per_gb_month: price,
            show_values,
        };
        let is_restored = |name: &String| self.databases.get(name).and_then(|d| d.fence) == Some(OnConflict::Restore);
        let fence_restores = bucket.databases.iter().any(is_restored);
        let sections = check::Sections { bucket: section, catalog, vault, safety };
        check::bucket(&bucket, self.mode, fence_restores, &sections, log);
        bucket
    }

    fn store(&self, section: &Section<'_>, log: &mut Log) -> (String, StoreConfig) {
        // The name is part of how resolved keys are shown, so it is read before anything is recorded.
        let mut quiet = Log::default();
        let name = section.optional(&mut quiet, "name", values::bucket_name, Clone::clone);
        let path = section.optional(&mut quiet, "path", |node| read::path(node, self.base), |path| show_path(path));
        let shown = |name: &str| if self.several { format!("buckets.{name}") } else { section.shown.clone() };
        let place = |shown| Section { path: section.path.clone(), shown, table: section.table };
        log.problems.append(&mut quiet.problems);
        let both = section.get("name").zip(section.get("path"));
        let s3 = |name: String, log: &mut Log| {
            let place = place(shown(&name));
            place.record(log, "name", name.clone(), section.get("name").map_or(Origin::Default, |n| n.origin.clone()));
            let region = place.optional(log, "region", read::text, Clone::clone);
            let endpoint = place.optional(log, "endpoint", values::endpoint, Clone::clone);
            let path_style = place.or(log, "path_style", endpoint.is_some(), read::boolean, ToString::to_string);
            let delete_checksum = place.or(log, "delete_checksum", DeleteChecksum::Auto, checksum, show_checksum);
            let store = StoreConfig::S3 { name: name.clone(), region, endpoint, path_style, delete_checksum };
            (name, store)
        };
        match (name, path) {
            _ if both.is_some() => {
                let who = |key| section.get(key).map(|node| node.origin.to_string()).unwrap_or_default();
                let problem = section.problem("path", "a bucket has a name or a path, not both");
                log.problems.push(problem.help(format!("name: {}; path: {}", who("name"), who("path"))));
                s3(String::new(), log)
            }
            (Some(name), _) => s3(name, log),
            (None, Some(path)) => {
                for key in ["region", "endpoint", "path_style", "delete_checksum"] {
                    // The environment of an AWS user has a region whatever is collected.
                    if section.get(key).is_some_and(|node| !matches!(node.origin, Origin::Environment(_))) {
                        log.problems.push(section.problem(key, "a local directory has none").help("leave it out"));
                    }
                }
                let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                    log.problems.push(section.problem("path", "the directory has no name").help("write its full path"));
                    return s3(String::new(), log);
                };
                let origin = section.get("path").map_or(Origin::Default, |node| node.origin.clone());
                place(shown(&name)).record(log, "path", show_path(&path), origin);
                (name, StoreConfig::Fs { path })
            }
            (None, None) => {
                if section.get("name").is_none() && section.get("path").is_none() {
                    let problem = section.problem("name", "the bucket has neither a name nor a path");
                    log.problems.push(problem.help(if self.several {
                        "write name = ..."
                    } else {
                        "write name = ..., or set S3_BUCKET"
                    }));
                }
                s3(String::new(), log)
            }
        }
    }

    fn retention(&self, section: &Section<'_>, log: &mut Log) -> Duration {
        match (section.get("retention_days"), section.get("retention")) {
            (Some(_), Some(_)) => {
                let problem = section.problem("retention", "there are both retention and retention_days");
                log.problems.push(problem.help("keep one of them"));
                7 * DAY
            }
            (None, Some(_)) => {
                section.optional(log, "retention", read::duration, |d| show_duration(*d)).unwrap_or(7 * DAY)
            }
            _ => section.or(log, "retention_days", 7 * DAY, read::days, show_days),
        }
    }

    /// Reads a list: each item has its own faults.
    fn all<T>(
        &self,
        section: &Section<'_>,
        log: &mut Log,
        key: &str,
        read: impl Fn(&Node) -> Result<T, read::Refusal>,
        show: impl Fn(&[T]) -> String,
    ) -> Vec<T> {
        let nodes = section.or(&mut Log::default(), key, Vec::new(), read::list, |_| String::new());
        let Some(node) = section.get(key) else {
            section.record(log, key, String::new(), Origin::Default);
            return Vec::new();
        };
        if let Err((message, help)) = read::list(node) {
            let problem = read::refusal(&format!("{}.{key}", section.path), node, message);
            log.problems.extend(problem.map(|problem| problem.help(help.unwrap_or_default())));
        }
        let mut values = Vec::new();
        for (index, item) in nodes.iter().enumerate() {
            match read(item) {
                Ok(value) => values.push(value),
                Err((message, help)) => {
                    let mut problem = read::refusal(&format!("{}.{key}[{index}]", section.path), item, message);
                    if let (Some(problem), Some(help)) = (&mut problem, help) {
                        problem.help = Some(help.to_owned());
                    }
                    log.problems.extend(problem);
                }
            }
        }
        section.record(log, key, show(&values), node.origin.clone());
        values
    }

    fn references(
        &self,
        section: &Section<'_>,
        shown: &str,
        bucket: &str,
        drafts: &[&Draft],
        log: &mut Log,
    ) -> (Vec<ReferenceConfig>, Vec<String>) {
        let known: Vec<&str> = self.databases.keys().map(String::as_str).collect();
        let one_or_more = |node: &Node| match &node.value {
            Value::Array(items) => items.iter().map(read::text).collect::<Result<Vec<_>, _>>(),
            _ => read::text(node).map(|name| vec![name]),
        };
        let named = section.optional(log, "database", one_or_more, |names| names.join(", "));
        for name in named.iter().flatten().filter(|name| !known.contains(&name.as_str())) {
            log.problems
                .push(section.problem("database", format!("there is no database {name:?}")).help(among(&known)));
        }
        references::duplicates(drafts, &mut log.problems);
        let candidates: Vec<&str> =
            named.as_ref().map_or(known.clone(), |names| names.iter().map(String::as_str).collect());
        let mut references = Vec::new();
        let mut used: Vec<String> = Vec::new();
        for draft in drafts {
            let fault =
                |message: String| Problem::new(&draft.path, message).at(draft.span.clone()).help(among(&candidates));
            let database = match (&draft.database, candidates.as_slice()) {
                (Some(name), _) if candidates.contains(&name.as_str()) => name.as_str(),
                (Some(name), _) if known.is_empty() => name.as_str(),
                (Some(name), _) => {
                    log.problems.push(fault(format!("bucket {bucket} has no database {name:?}")));
                    continue;
                }
                (None, [single]) => single,
                (None, []) => continue,
                (None, _) => {
                    log.problems.push(fault(format!(
                        "bucket {bucket} has several databases: which one has {}?",
                        draft.title()
                    )));
                    continue;
                }
            };
            log.resolved.push(read::Resolved {
                key: super::tree::join(shown, &format!("references.{}", draft.title())),
                value: format!("{} in {database}", draft.kind_name()),
                origin: draft.origin.clone(),
            });
            references.push(draft.resolve(database));
            if !used.iter().any(|name| name == database) {
                used.push(database.to_owned());
            }
        }
        for name in named.iter().flatten().filter(|name| known.contains(&name.as_str()) && !used.contains(name)) {
            let message = format!("no reference of bucket {bucket} is in database {name:?}");
            log.problems.push(section.problem("database", message).help("add its columns, or leave it out"));
        }
        if drafts.is_empty() {
            let which = if bucket.is_empty() { "the bucket".to_owned() } else { format!("bucket {bucket}") };
            let message = format!("{which} has no references: every object would be an orphan");
            let problem = Problem::new(format!("{}.references", section.path), message);
            let start = section.get("name").or(section.get("path")).and_then(|node| node.span.clone());
            log.problems
                .push(problem.at(start).help("write the columns that hold keys: [tables] users = [\"avatar_url\"]"));
        }
        (references, used)
    }

    /// Puts the bucket's own section over the one that all buckets share.
    fn section(&self, key: &str, shown: &str) -> (String, String, Table) {
        let mut table = self.root.get(key).and_then(|entry| entry.node.as_table()).cloned().unwrap_or_default();
        if self.several
            && let Some(own) = self.place.1.get(key).and_then(|entry| entry.node.as_table())
        {
            table.extend(own.iter().map(|(key, entry)| (key.clone(), entry.clone())));
        }
        (key.to_owned(), super::tree::join(shown, key), table)
    }

    fn vault(&self, section: &Section<'_>, log: &mut Log) -> VaultConfig {
        let keep = |node: &Node| match read::days(node)? {
            Duration::ZERO => read::refuse("is too short: what is deleted could not be restored", "write at least 1"),
            keep => Ok(keep),
        };
        let pack_size = |node: &Node| match read::size(node)? {
            bytes if (1 << 20..=4 << 30).contains(&bytes) => Ok(bytes),
            _ => read::refuse("is not between 1 MiB and 4 GiB", "write \"64 MiB\""),
        };
        let stages = [Stage::Pack, Stage::Copy, Stage::Auto].map(|stage| (stage.as_str(), stage));
        let copy_from = |node: &Node| match read::size(node)? {
            0 => read::refuse("is nothing to be copied", "write \"64 MiB\""),
            bytes => Ok(bytes),
        };
        let identity = |node: &Node| values::identity(node, self.base);
        let show_recipients =
            |recipients: &[Recipient]| recipients.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        VaultConfig {
            stage: section.or(
                log,
                "stage",
                Stage::default(),
                |node| read::one_of(node, &stages),
                |stage| stage.as_str().to_owned(),
            ),
            copy_from_bytes: section.or(log, "copy_from", 64 << 20, copy_from, |bytes| show_size(*bytes)),
            place: vault::place(section, self.base, log),
            keep: section.or(log, "keep_days", 90 * DAY, keep, show_days),
            compression: section.or(
                log,
                "compression",
                Compression::default(),
                values::compression,
                values::show_compression,
            ),
            pack_size_bytes: section.or(log, "pack_size", 64 << 20, pack_size, |bytes| show_size(*bytes)),
            auto_restore: section.or(log, "auto_restore", false, read::boolean, ToString::to_string),
            replica: vault::replica(section, self.base, log),
            lepton: section.or(log, "lepton", false, values::lepton, ToString::to_string),
            recipients: self.all(section, log, "recipients", values::recipient, show_recipients),
            identity: section.optional(log, "identity", identity, |path| show_path(path)),
        }
    }

    fn safety(&self, section: &Section<'_>, log: &mut Log) -> SafetyConfig {
        let defaults = Settings::new("", "");
        let time = |d: &Duration| show_duration(*d);
        let window = |node: &Node| match read::duration(node)? {
            Duration::ZERO => read::refuse("leaves no time to delete", "write \"5m\""),
            window => Ok(window),
        };
        SafetyConfig {
            max_delete: section.or(log, "max_delete", defaults.max_delete, values::max_delete, values::show_max_delete),
            max_delete_bytes: section.optional(log, "max_delete_bytes", read::size, |bytes| show_size(*bytes)),
            allow_short_retention: section.or(log, "allow_short_retention", false, read::boolean, ToString::to_string),
            unconditional_delete: section.or(log, "unconditional_delete", false, read::boolean, ToString::to_string),
            max_foreign_urls: section
                .or(log, "max_foreign_urls", defaults.max_foreign_urls, values::share, |share| format!("{share}%")),
            ignore_columns: self
                .all(section, log, "ignore_columns", values::column, |names: &[String]| names.join(", ")),
            migration_file: section.optional(
                log,
                "migration_file",
                |node| read::path(node, self.base),
                |path| show_path(path),
            ),
            ramp: ramp(section, log),
            recheck_window: section.or(log, "recheck_window", defaults.recheck_window, window, time),
            settle_after: section.or(log, "settle_after", defaults.settle_after, read::duration, time),
        }
    }
}

fn ramp(section: &Section<'_>, log: &mut Log) -> Option<Ramp> {
    let section = Section {
        path: super::tree::join(&section.path, "ramp"),
        shown: super::tree::join(&section.shown, "ramp"),
        table: section.table.and_then(|table| table_at(&section.path, table, "ramp", log)),
    };
    let defaults = Ramp::default();
    let observe_runs = |node: &Node| match u32::try_from(read::count(node)?) {
        Ok(days) if days <= 365 => Ok(days),
        _ => read::refuse("is more than a year of days", "write fewer"),
    };
    let growth = |node: &Node| match read::price(node) {
        Ok(growth) if (1.0..=100.0).contains(&growth) => Ok(growth),
        _ => read::refuse("is not a factor between 1 and 100", "write 2.0"),
    };
    let is_enabled = section.or(log, "enabled", true, read::boolean, ToString::to_string);
    let ramp = Ramp {
        observe_runs: section.or(log, "observe_runs", defaults.observe_runs, observe_runs, ToString::to_string),
        first_cap: section.or(log, "first_cap", defaults.first_cap, read::count, ToString::to_string),
        growth: section.or(log, "growth", defaults.growth, growth, ToString::to_string),
    };
    is_enabled.then_some(ramp)
}

/// The sections that a bucket may override.
pub(super) const SECTIONS: [&str; 5] = ["catalog", "vault", "safety", "limits", "report"];

fn memory(node: &Node) -> Result<u64, read::Refusal> {
    match read::size(node)? {
        bytes if bytes >= 1 << 20 => Ok(bytes),
        _ => read::refuse("is under 1 MiB", "write \"128 MiB\""),
    }
}

fn checksum(node: &Node) -> Result<DeleteChecksum, read::Refusal> {
    read::one_of(
        node,
        &[("auto", DeleteChecksum::Auto), ("crc32", DeleteChecksum::Crc32), ("md5", DeleteChecksum::Md5)],
    )
}

fn show_checksum(checksum: &DeleteChecksum) -> String {
    match checksum {
        DeleteChecksum::Auto => "auto",
        DeleteChecksum::Crc32 => "crc32",
        DeleteChecksum::Md5 => "md5",
    }
    .to_owned()
}

fn show_path(path: &Path) -> String {
    path.display().to_string()
}

fn show_days(days: &Duration) -> String {
    (days.as_secs() / DAY.as_secs()).to_string()
}

fn among(names: &[&str]) -> String {
    if names.is_empty() { "there are none".to_owned() } else { format!("there are: {}", names.join(", ")) }
}
