//! The configuration, resolved and checked.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use s3gc_compress::{Compressor, Lz4, Plain, Zstd};
use s3gc_source::extract::Kind;
use s3gc_vault::encryption::Recipient;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::catalog::Mode;
use crate::settings::{Copies, KeyPrefix, MaxDelete, RetentionFrom, Settings};
use crate::{Ramp, VariantRules};

/// What s3gc is told: resolved, with every default filled in, and checked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What a run may do.
    pub mode: Mode,
    /// The databases by name; the one of `[database]` is called `main`.
    pub databases: BTreeMap<String, DatabaseConfig>,
    /// The buckets, at least one, each with a name of its own.
    pub buckets: Vec<BucketConfig>,
}

/// A database whose rows reference objects.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DatabaseConfig {
    /// The address: `postgres://`, `mysql://`, `mariadb://` or `sqlite:`; the path of an SQLite file is resolved.
    pub url: SecretString,
    /// How far back the database can be restored.
    pub backup_window: Option<Duration>,
    /// The write fence, if it is turned on, and what becomes of a transaction that meets a deletion.
    pub fence: Option<OnConflict>,
}

/// What becomes of a transaction that refers to an object that is just being deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnConflict {
    /// It fails, to be tried again.
    Abort,
    /// It goes on, and the object is brought back from the vault.
    Restore,
}

/// A bucket, or a directory, with everything that applies to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BucketConfig {
    /// Its name in reports and on the command line.
    pub name: String,
    /// What is collected.
    pub store: StoreConfig,
    /// The claimed prefixes; empty for the whole bucket.
    pub prefixes: Vec<KeyPrefix>,
    /// What is never deleted.
    pub exclude_prefixes: Vec<KeyPrefix>,
    /// How long an object stays unreferenced before it is due.
    pub retention: Duration,
    /// From when retention counts.
    pub retention_from: RetentionFrom,
    /// URLs that stand for the root of the bucket.
    pub base_urls: Vec<String>,
    /// The access points that stand for the bucket: names, aliases, hosts or ARNs.
    pub access_points: Vec<String>,
    /// Which objects are derived from others, and live as long as those are referenced.
    pub variants: VariantRules,
    /// The names of the databases that reference it: those of its references, each once.
    pub databases: Vec<String>,
    /// The columns and queries that hold its keys, at least one.
    pub references: Vec<ReferenceConfig>,
    /// The longest backup window of its databases.
    pub backup_window: Option<Duration>,
    /// The file of the catalog.
    pub catalog: PathBuf,
    /// Where plans are kept: `plans` beside the catalog.
    pub plan_dir: PathBuf,
    /// What was deleted.
    pub vault: VaultConfig,
    /// What keeps a run from deleting too much.
    pub safety: SafetyConfig,
    /// How much memory the set of references may take, in bytes, before it goes to disk.
    pub memory_bytes: u64,
    /// What a gigabyte costs a month, in dollars.
    pub price_per_gb_month: f64,
    /// Whether samples of values that cannot be read are shown as they are, not masked.
    pub show_values: bool,
}

/// What is collected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreConfig {
    /// A bucket.
    S3 {
        /// Its name.
        name: String,
        /// Its region; `None` for what the AWS profile says.
        region: Option<String>,
        /// The address of an S3-compatible server; `None` for AWS.
        endpoint: Option<String>,
        /// Whether the bucket stands in the path of a request and not in its host.
        path_style: bool,
        /// The checksum of a batch delete.
        delete_checksum: DeleteChecksum,
    },
    /// A local directory.
    Fs {
        /// The directory.
        path: PathBuf,
    },
}

/// The checksum that a batch delete is sent with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeleteChecksum {
    /// What the server is seen to take.
    #[default]
    Auto,
    /// CRC32, as the AWS SDK sends it.
    Crc32,
    /// Content-MD5, for servers that know nothing newer.
    Md5,
}

/// Where keys are referenced.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferenceConfig {
    /// The name of the database.
    pub database: String,
    /// The column or the query.
    pub place: ReferencePlace,
    /// What the values are.
    pub kind: Kind,
    /// Which parts of a JSON document hold keys; empty for every string in it.
    pub json_paths: Vec<String>,
    /// What stands before each key in the column and is not part of it.
    pub strip: Option<String>,
    /// What stands before each key in the bucket and is missing in the column.
    pub prepend: Option<String>,
    /// Whether there may be no such table or column, as in other versions of an application.
    pub optional: bool,
}

/// The place of a reference in its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferencePlace {
    /// A column of a table.
    Column {
        /// The table, with its schema where one was given: `users`, `cms.pages`.
        table: String,
        /// The column.
        column: String,
    },
    /// Keys that are put together from columns of one row.
    Template {
        /// The table.
        table: String,
        /// The key with the names of columns in it: `uploads/user/{id}/{avatar}`.
        template: String,
    },
    /// The result of a query.
    Query {
        /// Its name in reports.
        name: String,
        /// The query.
        sql: String,
    },
}

/// The vault.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VaultConfig {
    /// Where it is.
    pub place: VaultPlace,
    /// How long it keeps what was deleted: whole days.
    pub keep: Duration,
    /// How it compresses.
    pub compression: Compression,
    /// How objects come into it.
    pub stage: Stage,
    /// From which size on the store copies objects by itself, unless all are packed: in bytes.
    pub copy_from_bytes: u64,
    /// About how large a pack grows, in bytes as stored.
    pub pack_size_bytes: u64,
    /// Whether a run in `execute` mode brings back what was deleted and is referenced.
    pub auto_restore: bool,
    /// Whether JPEG files are encoded with Lepton.
    pub lepton: bool,
    /// To whom new packs are encrypted; none, and they are plain.
    pub recipients: Vec<Recipient>,
    /// The age identity file with which this host reads encrypted packs.
    pub identity: Option<PathBuf>,
    /// A second place that has every pack, too.
    pub replica: Option<VaultPlace>,
}

/// How objects come into the vault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// All of them are read and packed.
    #[default]
    Pack,
    /// The store copies large ones to the vault's bucket; one that it cannot copy with a checksum stays.
    Copy,
    /// The same, and one that it cannot copy with a checksum is packed.
    Auto,
}

impl Stage {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Copy => "copy",
            Self::Auto => "auto",
        }
    }
}

/// Where a vault is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum VaultPlace {
    /// In a local directory.
    Dir(PathBuf),
    /// In a bucket.
    Object(ObjectPlace),
}

/// A vault in a bucket.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectPlace {
    /// Whose store it is.
    pub scheme: ObjectScheme,
    /// The bucket, or the container.
    pub bucket: String,
    /// What stands before the name of each file, without the slash behind it; may be empty.
    pub prefix: String,
    /// The region of an S3 bucket; `None` for what the AWS profile says.
    pub region: Option<String>,
    /// The address of another server than the provider's own.
    pub endpoint: Option<String>,
    /// Whether an S3 bucket stands in the path of a request and not in its host; `None` for what the server takes.
    pub path_style: Option<bool>,
    /// The storage class of the packs; `None` for the bucket's own.
    pub storage_class: Option<String>,
    /// How S3 encrypts what it stores; `None` for what the bucket says.
    pub encryption: Option<Encryption>,
    /// Credentials for S3; `None` for those of the AWS chain, and for the other providers.
    pub credentials: Option<ObjectCredentials>,
}

/// Whose store a vault is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectScheme {
    /// `s3://`: Amazon S3, or a compatible server.
    S3,
    /// `gs://`: Google Cloud Storage.
    Gs,
    /// `az://`: Azure Blob Storage.
    Az,
}

/// How S3 encrypts what it stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// With a key of S3.
    Aes256,
    /// With a key of KMS: this one, or the one that AWS manages for S3.
    Kms(Option<String>),
}

/// Credentials for S3 that stand in the configuration.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectCredentials {
    /// The id of the access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
    /// The token of a session, for temporary keys.
    pub session_token: Option<SecretString>,
}

impl ObjectScheme {
    /// Returns the scheme as it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gs => "gs",
            Self::Az => "az",
        }
    }
}

impl fmt::Display for VaultPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dir(path) => path.display().fmt(f),
            Self::Object(place) => place.fmt(f),
        }
    }
}

impl fmt::Display for ObjectPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

/// How the vault compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Zstandard, at a level of 1 to 22.
    Zstd(i32),
    /// LZ4.
    Lz4,
    /// Not at all.
    None,
}

impl Default for Compression {
    fn default() -> Self {
        Self::Zstd(Zstd::DEFAULT_LEVEL)
    }
}

impl Compression {
    /// Makes the codec.
    #[must_use]
    pub fn compressor(self) -> Box<dyn Compressor> {
        match self {
            Self::Zstd(level) => Box::new(Zstd::new(level)),
            Self::Lz4 => Box::new(Lz4),
            Self::None => Box::new(Plain),
        }
    }
}

/// What keeps a run from deleting too much, or too early.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SafetyConfig {
    /// The brake on the share or the number of objects of one plan.
    pub max_delete: MaxDelete,
    /// The brake on the bytes of one plan.
    pub max_delete_bytes: Option<u64>,
    /// Whether `execute` may run with a retention of under a day.
    pub allow_short_retention: bool,
    /// Whether to delete on a store that neither compares entity tags nor keeps versions.
    pub unconditional_delete: bool,
    /// The brake on values that are URLs of hosts that are not configured, in percent.
    pub max_foreign_urls: f64,
    /// Columns that are not watched and may name objects: `table.column`, `table.*`, or `*` for all.
    pub ignore_columns: Vec<String>,
    /// While this file exists the application migrates, and nothing is deleted.
    pub migration_file: Option<PathBuf>,
    /// How fast scheduled runs are trusted; `None` to let them delete at once.
    pub ramp: Option<Ramp>,
    /// How long after its look a deletion may be signed.
    pub recheck_window: Duration,
    /// How long a signed request can still land.
    pub settle_after: Duration,
}

impl Config {
    /// Returns the bucket of this name.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Option<&BucketConfig> {
        self.buckets.iter().find(|bucket| bucket.name == name)
    }
}

impl BucketConfig {
    /// Makes the settings of the engine.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            prefixes: self.prefixes.clone(),
            exclude: self.exclude_prefixes.clone(),
            variants: self.variants.clone(),
            retention: self.retention,
            retention_from: self.retention_from,
            max_delete: self.safety.max_delete,
            max_delete_bytes: self.safety.max_delete_bytes,
            allow_short_retention: self.safety.allow_short_retention,
            unconditional_delete: self.safety.unconditional_delete,
            max_foreign_urls: self.safety.max_foreign_urls,
            ignore_columns: self.safety.ignore_columns.clone(),
            migration_file: self.safety.migration_file.clone(),
            ramp: self.safety.ramp,
            auto_restore: self.vault.auto_restore,
            recheck_window: self.safety.recheck_window,
            settle_after: self.safety.settle_after,
            keep: self.vault.keep,
            backup_window: self.backup_window,
            pack_size_bytes: self.vault.pack_size_bytes,
            copies: (self.vault.stage != Stage::Pack)
                .then_some(Copies { min_bytes: self.vault.copy_from_bytes, or_pack: self.vault.stage == Stage::Auto }),
            memory_bytes: self.memory_bytes,
            price_per_gb_month: self.price_per_gb_month,
            ..Settings::new(self.name.clone(), self.plan_dir.clone())
        }
    }

    /// Lists what widens deletion when it changes, in an order that does not depend on how it was written: its digest is
    /// what the `config` brake compares. The mode, the vault and the secrets are not in it.
    #[must_use]
    pub fn widening(&self) -> Value {
        let prefixes = |list: &[KeyPrefix]| sorted(list.iter().map(|prefix| json!(prefix.as_str())));
        let references = sorted(self.references.iter().map(|reference| {
            let place = match &reference.place {
                ReferencePlace::Column { table, column } => json!({ "table": table, "column": column }),
                ReferencePlace::Template { table, template } => json!({ "table": table, "template": template }),
                ReferencePlace::Query { name, sql } => json!({ "name": name, "sql": sql }),
            };
            json!({
                "database": reference.database,
                "place": place,
                "kind": reference.kind,
                "json_paths": reference.json_paths,
                "optional": reference.optional,
                "strip": reference.strip,
                "prepend": reference.prepend,
            })
        }));
        json!({
            "prefixes": prefixes(&self.prefixes),
            "exclude_prefixes": prefixes(&self.exclude_prefixes),
            "retention_ms": u64::try_from(self.retention.as_millis()).unwrap_or(u64::MAX),
            "retention_from": self.retention_from,
            "base_urls": sorted(self.base_urls.iter().map(|url| json!(url))),
            "access_points": sorted(self.access_points.iter().map(|name| json!(name))),
            "variants": sorted(self.variants.rules().iter().map(|rule| json!(rule))),
            "references": references,
            "max_delete": self.safety.max_delete,
            "max_delete_bytes": self.safety.max_delete_bytes,
            "allow_short_retention": self.safety.allow_short_retention,
            "unconditional_delete": self.safety.unconditional_delete,
            "max_foreign_urls": self.safety.max_foreign_urls,
            "migration_file": self.safety.migration_file,
            "ramp": self.safety.ramp,
            "ignore_columns": sorted(self.safety.ignore_columns.iter().map(|name| json!(name))),
        })
    }
}

fn sorted(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_cached_key(Value::to_string);
    values
}
