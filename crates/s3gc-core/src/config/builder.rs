//! The configuration as Rust code.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use s3gc_source::extract::{Kind, Preset};

use super::load::{finish, process_environment};
use super::model::{Compression, Config, Encryption, Stage};
use super::problem::{ConfigErrors, Problem};
use super::read::Log;
use super::tree::{Node, Table, Text, Value};
use super::units::{show_duration, show_size};
use super::values::{show_compression, show_max_delete};
use crate::Ramp;
use crate::catalog::Mode;
use crate::settings::{MaxDelete, RetentionFrom};

/// Builds a [`Config`] of one bucket and one database; [`Config::builder`] makes it.
///
/// It is checked by the same rules as a file, when it is built.
#[derive(Clone)]
#[must_use]
pub struct ConfigBuilder {
    mode: Mode,
    sections: BTreeMap<&'static str, Table>,
    references: Vec<Node>,
}

impl Config {
    /// Starts the configuration of a bucket.
    ///
    /// # Examples
    ///
    /// ```
    /// use s3gc_core::catalog::Mode;
    /// use s3gc_core::config::Config;
    ///
    /// let config = Config::builder("photo-app-storage")
    ///     .database_url("postgres://app@db/app")
    ///     .table("users", ["avatar_url", "cover_photo"])
    ///     .exclude_prefixes(["backups/"])
    ///     .retention_days(7)
    ///     .vault_path("/var/lib/s3gc_vault")
    ///     .mode(Mode::DryRun)
    ///     .build()?;
    /// assert_eq!(config.buckets[0].references.len(), 2);
    /// # Ok::<(), s3gc_core::config::ConfigErrors>(())
    /// ```
    pub fn builder(bucket: impl Into<String>) -> ConfigBuilder {
        ConfigBuilder::new().text("bucket", "name", bucket.into())
    }

    /// Starts the configuration of a local directory.
    pub fn directory_builder(path: impl AsRef<Path>) -> ConfigBuilder {
        ConfigBuilder::new().text("bucket", "path", path.as_ref().to_string_lossy().into_owned())
    }
}

impl ConfigBuilder {
    fn new() -> Self {
        Self { mode: Mode::DryRun, sections: BTreeMap::new(), references: Vec::new() }
    }

    /// Sets the URL of the database. Without it, `build` takes `DATABASE_URL` of the environment.
    pub fn database_url(self, url: impl Into<String>) -> Self {
        self.text("database", "url", url.into())
    }

    /// Sets how far back the database can be restored.
    pub fn backup_window(self, window: Duration) -> Self {
        self.text("database", "backup_window", show_duration(window))
    }

    /// Adds columns that hold keys, of any kind.
    pub fn table<C: Into<String>>(mut self, table: impl Into<String>, columns: impl IntoIterator<Item = C>) -> Self {
        let entry =
            self.section("tables").entry(table.into()).or_insert_with(|| Node::code(Value::Array(Vec::new())).into());
        if let Value::Array(items) = &mut entry.node.value {
            items.extend(columns.into_iter().map(|column| string(column.into())));
        }
        self
    }

    /// Adds a column that holds keys of this kind.
    pub fn column(self, table: impl Into<String>, column: impl Into<String>, kind: Kind) -> Self {
        self.reference([("table", table.into()), ("column", column.into()), ("kind", kind_name(kind))])
    }

    /// Adds keys that are put together from columns of one row: `uploads/user/{id}/{avatar}`.
    pub fn template(self, table: impl Into<String>, template: impl Into<String>) -> Self {
        self.reference([("table", table.into()), ("template", template.into())])
    }

    /// Adds what a framework or content system keeps, as far as it needs no options.
    pub fn preset(self, preset: Preset) -> Self {
        self.reference([("preset", preset.name().to_owned())])
    }

    /// Adds a query whose results hold keys of this kind.
    pub fn query(self, name: impl Into<String>, sql: impl Into<String>, kind: Kind) -> Self {
        self.reference([("name", name.into()), ("sql", sql.into()), ("kind", kind_name(kind))])
    }

    /// Sets the claimed prefixes.
    pub fn prefixes<P: Into<String>>(self, prefixes: impl IntoIterator<Item = P>) -> Self {
        self.list("prefixes", prefixes)
    }

    /// Sets what is never deleted.
    pub fn exclude_prefixes<P: Into<String>>(self, prefixes: impl IntoIterator<Item = P>) -> Self {
        self.list("exclude_prefixes", prefixes)
    }

    /// Sets the URLs that stand for the root of the bucket.
    pub fn base_urls<U: Into<String>>(self, urls: impl IntoIterator<Item = U>) -> Self {
        self.list("base_urls", urls)
    }

    /// Sets the access points that stand for the bucket: names, aliases, hosts or ARNs.
    pub fn access_points<A: Into<String>>(self, points: impl IntoIterator<Item = A>) -> Self {
        self.list("access_points", points)
    }

    /// Sets rules for derived objects, which live as long as their base: `EXPRESSION -> BASE`.
    pub fn variants<R: Into<String>>(self, rules: impl IntoIterator<Item = R>) -> Self {
        self.list("variants", rules)
    }

    /// Sets how many days an object stays unreferenced before it is due.
    pub fn retention_days(self, days: u32) -> Self {
        self.set("bucket", "retention_days", Value::Integer(i64::from(days)))
    }

    /// Sets how long an object stays unreferenced before it is due.
    pub fn retention(self, retention: Duration) -> Self {
        self.text("bucket", "retention", show_duration(retention))
    }

    /// Sets from when retention counts.
    pub fn retention_from(self, from: RetentionFrom) -> Self {
        let word = match from {
            RetentionFrom::Unreferenced => "unreferenced",
            RetentionFrom::LastModified => "last_modified",
        };
        self.text("bucket", "retention_from", word.to_owned())
    }

    /// Sets the region.
    pub fn region(self, region: impl Into<String>) -> Self {
        self.text("bucket", "region", region.into())
    }

    /// Sets the address of an S3-compatible server.
    pub fn endpoint(self, endpoint: impl Into<String>) -> Self {
        self.text("bucket", "endpoint", endpoint.into())
    }

    /// Sets whether the bucket stands in the path of a request and not in its host.
    pub fn path_style(self, yes: bool) -> Self {
        self.set("bucket", "path_style", Value::Bool(yes))
    }

    /// Sets the directory of the vault, or the URL of a vault in a bucket: `s3://backups/s3gc`.
    pub fn vault_path(self, path: impl AsRef<Path>) -> Self {
        self.text("vault", "path", path.as_ref().to_string_lossy().into_owned())
    }

    /// Sets the region of a vault in S3.
    pub fn vault_region(self, region: impl Into<String>) -> Self {
        self.text("vault", "region", region.into())
    }

    /// Sets the server of a vault in a bucket.
    pub fn vault_endpoint(self, endpoint: impl Into<String>) -> Self {
        self.text("vault", "endpoint", endpoint.into())
    }

    /// Sets whether the vault's bucket stands in the path of a request and not in its host.
    pub fn vault_path_style(self, yes: bool) -> Self {
        self.set("vault", "path_style", Value::Bool(yes))
    }

    /// Sets the storage class of the packs of a vault in a bucket.
    pub fn vault_storage_class(self, class: impl Into<String>) -> Self {
        self.text("vault", "storage_class", class.into())
    }

    /// Sets how S3 encrypts the vault's files.
    pub fn vault_encryption(self, encryption: Encryption) -> Self {
        match encryption {
            Encryption::Aes256 => self.text("vault", "encryption", "AES256".to_owned()),
            Encryption::Kms(key) => {
                let this = self.text("vault", "encryption", "aws:kms".to_owned());
                match key {
                    Some(key) => this.text("vault", "kms_key", key),
                    None => this,
                }
            }
        }
    }

    /// Sets the access key for a vault in S3, and the token of a session where it is a temporary one.
    pub fn vault_credentials(
        self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<String>,
        session_token: Option<String>,
    ) -> Self {
        let this = self.text("vault", "access_key_id", access_key_id.into());
        let this = this.text("vault", "secret_access_key", secret_access_key.into());
        match session_token {
            Some(token) => this.text("vault", "session_token", token),
            None => this,
        }
    }

    /// Sets how many days the vault keeps what was deleted.
    pub fn keep_days(self, days: u32) -> Self {
        self.set("vault", "keep_days", Value::Integer(i64::from(days)))
    }

    /// Sets how the vault compresses.
    pub fn compression(self, compression: Compression) -> Self {
        self.text("vault", "compression", show_compression(&compression))
    }

    /// Sets whether JPEG files are encoded with Lepton.
    pub fn lepton(self, yes: bool) -> Self {
        self.set("vault", "lepton", Value::Bool(yes))
    }

    /// Sets how objects come into the vault.
    pub fn stage(self, stage: Stage) -> Self {
        self.text("vault", "stage", stage.as_str().to_owned())
    }

    /// Sets from which size on the store copies objects by itself, where [`Self::stage`] says so.
    pub fn copy_from_bytes(self, bytes: u64) -> Self {
        self.text("vault", "copy_from", format!("{bytes} B"))
    }

    /// Encrypts new packs to these recipients of age: `age1...`.
    pub fn recipients<R: Into<String>>(self, recipients: impl IntoIterator<Item = R>) -> Self {
        let items = recipients.into_iter().map(|item| string(item.into())).collect();
        self.set("vault", "recipients", Value::Array(items))
    }

    /// Sets the age identity file with which encrypted packs are read.
    pub fn identity(self, path: impl AsRef<Path>) -> Self {
        self.text("vault", "identity", path.as_ref().to_string_lossy().into_owned())
    }

    /// Sets the file of the catalog.
    pub fn catalog_path(self, path: impl AsRef<Path>) -> Self {
        self.text("catalog", "path", path.as_ref().to_string_lossy().into_owned())
    }

    /// Sets the brake on the size of one plan.
    pub fn max_delete(self, limit: MaxDelete) -> Self {
        self.text("safety", "max_delete", show_max_delete(&limit))
    }

    /// Sets whether `execute` may run with a retention of under a day.
    pub fn allow_short_retention(self, yes: bool) -> Self {
        self.set("safety", "allow_short_retention", Value::Bool(yes))
    }

    /// Sets whether to delete on a store that neither compares entity tags nor keeps versions.
    pub fn unconditional_delete(self, yes: bool) -> Self {
        self.set("safety", "unconditional_delete", Value::Bool(yes))
    }

    /// Sets the brake on values that are URLs of hosts that are not configured, in percent.
    pub fn max_foreign_urls(self, percent: f64) -> Self {
        self.text("safety", "max_foreign_urls", format!("{percent}%"))
    }

    /// Sets which columns are not watched and may name objects: `table.column`, `table.*`, or `*` for all.
    pub fn ignore_columns<C: Into<String>>(self, columns: impl IntoIterator<Item = C>) -> Self {
        let items = columns.into_iter().map(|item| string(item.into())).collect();
        self.set("safety", "ignore_columns", Value::Array(items))
    }

    /// Says that nothing is deleted while this file exists: the application migrates.
    pub fn migration_file(self, path: impl AsRef<Path>) -> Self {
        self.text("safety", "migration_file", path.as_ref().to_string_lossy().into_owned())
    }

    /// Sets whether a run in `execute` mode brings back what was deleted and is referenced.
    pub fn auto_restore(self, yes: bool) -> Self {
        self.set("vault", "auto_restore", Value::Bool(yes))
    }

    /// Sets how fast scheduled runs are trusted; `None` lets them delete at once.
    pub fn ramp(self, ramp: Option<Ramp>) -> Self {
        let entry = |value| Node::code(value).into();
        let mut table = Table::new();
        table.insert("enabled".into(), entry(Value::Bool(ramp.is_some())));
        if let Some(ramp) = ramp {
            table.insert("observe_runs".into(), entry(Value::Integer(ramp.observe_runs.into())));
            let first_cap = i64::try_from(ramp.first_cap).unwrap_or(i64::MAX);
            table.insert("first_cap".into(), entry(Value::Integer(first_cap)));
            table.insert("growth".into(), entry(Value::Float(ramp.growth)));
        }
        self.set("safety", "ramp", Value::Table(table))
    }

    /// Sets how long after its look a deletion may be signed.
    pub fn recheck_window(self, window: Duration) -> Self {
        self.text("safety", "recheck_window", show_duration(window))
    }

    /// Sets how long a signed request can still land.
    pub fn settle_after(self, time: Duration) -> Self {
        self.text("safety", "settle_after", show_duration(time))
    }

    /// Sets how much memory the set of references may take, in bytes, before it goes to disk.
    pub fn memory(self, bytes: u64) -> Self {
        self.text("limits", "memory", show_size(bytes))
    }

    /// Sets the mode.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Checks everything and makes the configuration.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once.
    pub fn build(self) -> Result<Config, ConfigErrors> {
        let mut this = self;
        if !this.section("database").contains_key("url") {
            let url = process_environment().find(|(name, value)| name == "DATABASE_URL" && !value.is_empty());
            match url {
                Some((_, url)) => this = this.database_url(url),
                None => {
                    let help = "call database_url, or set DATABASE_URL";
                    let problem = Problem::new("database.url", "there is no database").help(help);
                    return Err(ConfigErrors::new(None, "", vec![problem]));
                }
            }
        }
        let mut log = Log::default();
        let sections = this.sections.into_iter().map(|(name, table)| (name, Value::Table(table)));
        let rest =
            [("mode", string(this.mode.as_str().to_owned()).value), ("references", Value::Array(this.references))];
        let root: Table = sections.chain(rest).map(|(key, value)| (key.to_owned(), Node::code(value).into())).collect();
        let config = finish(&root, None, &mut log);
        if log.problems.is_empty() { Ok(config) } else { Err(ConfigErrors::new(None, "", log.problems)) }
    }

    fn text(self, section: &'static str, key: &str, text: String) -> Self {
        self.set(section, key, string(text).value)
    }

    fn list<T: Into<String>>(self, key: &str, items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(|item| string(item.into())).collect();
        self.set("bucket", key, Value::Array(items))
    }

    fn reference<const N: usize>(mut self, keys: [(&str, String); N]) -> Self {
        let table = keys.into_iter().map(|(key, value)| (key.to_owned(), string(value).into())).collect();
        self.references.push(Node::code(Value::Table(table)));
        self
    }

    fn set(mut self, section: &'static str, key: &str, value: Value) -> Self {
        self.section(section).insert(key.to_owned(), Node::code(value).into());
        self
    }

    fn section(&mut self, name: &'static str) -> &mut Table {
        self.sections.entry(name).or_default()
    }
}

impl std::fmt::Debug for ConfigBuilder {
    /// Shows the sections alone: the values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigBuilder")
            .field("sections", &self.sections.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn string(text: String) -> Node {
    Node::code(Value::Text(Text { text, loose: false, written: None }))
}

fn kind_name(kind: Kind) -> String {
    super::references::kind_name(kind).to_owned()
}
