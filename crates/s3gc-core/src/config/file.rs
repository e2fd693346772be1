//! The format of the file, as types: the JSON schema and the list of known keys are made from them.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::catalog::Mode;
use crate::settings::RetentionFrom;

/// Returns the JSON schema (draft 2020-12) of the configuration file, as `config schema` prints it.
#[must_use]
pub fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<File>();
    RecursiveTransform(drop_null).transform(&mut schema);
    schema.to_value()
}

/// TOML has no null: a key that may be left out is not one that may be null.
fn drop_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [single] = types.as_slice() {
            let single = single.clone();
            object.insert("type".to_owned(), single);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(single)] = choices.as_slice() {
            let single = single.clone();
            object.remove("anyOf");
            for (key, value) in single {
                object.entry(key).or_insert(value);
            }
        }
    }
}

/// A value, or a string with `${VAR}` in it.
#[derive(JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "only its schema is used")]
enum Or<T> {
    Value(T),
    Variable(#[schemars(regex(pattern = r"\$\{"))] String),
}

/// The configuration of s3gc. Every string may hold `${VAR}`, `${VAR:-default}` and `${file:/path}`; `$$` is a dollar
/// sign.
#[derive(JsonSchema)]
#[schemars(rename = "s3gc", deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct File {
    /// What a run may do. Default: dry_run.
    mode: Option<Or<Mode>>,
    /// The database whose rows reference the objects.
    database: Option<Database>,
    /// Several databases by name, instead of `database`.
    databases: Option<BTreeMap<String, Database>>,
    /// The bucket.
    bucket: Option<Bucket>,
    /// Several buckets, instead of `bucket`; each may override the sections `catalog`, `vault`, `safety`, `limits` and
    /// `report`.
    buckets: Option<Vec<OneOfBuckets>>,
    /// The columns that hold keys, by table: the short form of `references`.
    tables: Option<BTreeMap<String, Vec<String>>>,
    /// The columns and queries that hold keys.
    references: Option<Vec<Reference>>,
    /// The catalog: the durable state.
    catalog: Option<Catalog>,
    /// The vault: what was deleted.
    vault: Option<Vault>,
    /// What keeps a run from deleting too much.
    safety: Option<Safety>,
    /// What a run may use.
    limits: Option<Limits>,
    /// What reports count with.
    report: Option<Report>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Database {
    /// The address: postgres://, mysql://, mariadb:// or sqlite:.
    url: Option<String>,
    /// Change data capture. Default: off.
    cdc: Option<Or<Cdc>>,
    /// How far back the database can be restored, such as 35d; vault.keep_days may not be shorter.
    backup_window: Option<String>,
    /// The write fence: no new reference meets the deletion of its object. Needs `s3gc fence setup`. Default: off.
    fence: Option<Or<FenceKind>>,
    /// What becomes of a transaction that refers to an object that is being deleted: it fails with 40001, or goes on and
    /// the object comes back from the vault. Default: abort.
    fence_on_conflict: Option<Or<FenceConflict>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum FenceKind {
    Off,
    Postgres,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum FenceConflict {
    Abort,
    Restore,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Cdc {
    Off,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Bucket {
    /// The name of the bucket.
    name: Option<String>,
    /// A local directory, instead of a bucket.
    path: Option<String>,
    /// The region. Default: what the AWS profile says.
    region: Option<String>,
    /// The address of an S3-compatible server, such as `https://minio.local:9000`. Default: AWS.
    endpoint: Option<String>,
    /// Whether the bucket stands in the path of a request and not in its host. Default: true with an endpoint.
    path_style: Option<Or<bool>>,
    /// The checksum of a batch delete. Default: auto.
    delete_checksum: Option<Or<DeleteChecksum>>,
    /// The claimed prefixes, each with a / at its end. Default: the whole bucket.
    prefixes: Option<Or<Vec<String>>>,
    /// What is never deleted: prefixes, each with a / at its end.
    exclude_prefixes: Option<Or<Vec<String>>>,
    /// How many days an object stays unreferenced before it is due. Default: 7.
    retention_days: Option<Or<u32>>,
    /// The same as a duration, such as 36h.
    retention: Option<String>,
    /// From when retention counts. Default: unreferenced.
    retention_from: Option<Or<RetentionFrom>>,
    /// URLs that stand for the root of the bucket, such as those of a CDN.
    base_urls: Option<Or<Vec<String>>>,
    /// The access points that stand for the bucket: names, aliases, hosts or ARNs. Default: none.
    access_points: Option<Or<Vec<String>>>,
    /// Rules for derived objects, which live as long as their base: EXPRESSION -> BASE, such as
    /// "^thumbs/(?<base>.+)$ -> $base". Default: none.
    variants: Option<Or<Vec<String>>>,
    /// The database or databases that reference this bucket. Default: the only one.
    database: Option<OneOrMore>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct OneOfBuckets {
    #[schemars(flatten)]
    bucket: Bucket,
    /// Columns that hold keys of this bucket, besides the ones all buckets share.
    tables: Option<BTreeMap<String, Vec<String>>>,
    /// Columns and queries that hold keys of this bucket, besides the ones all buckets share.
    references: Option<Vec<Reference>>,
    /// Overrides for this bucket.
    catalog: Option<Catalog>,
    /// Overrides for this bucket.
    vault: Option<Vault>,
    /// Overrides for this bucket.
    safety: Option<Safety>,
    /// Overrides for this bucket.
    limits: Option<Limits>,
    /// Overrides for this bucket.
    report: Option<Report>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum DeleteChecksum {
    Auto,
    Crc32,
    Md5,
}

/// A column (`table` and `column`), a key made from columns (`table` and `template`), a query (`sql`), or what a
/// framework keeps (`preset`).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Reference {
    /// The table, with its schema where it needs one: users, cms.pages.
    table: Option<String>,
    /// The column.
    column: Option<String>,
    /// A key with the names of columns in it: uploads/user/{id}/{avatar}.
    template: Option<String>,
    /// A SELECT; every column of its result is read.
    sql: Option<String>,
    /// The name of the query in reports. Default: made from the text of the query.
    name: Option<String>,
    /// What the values are. Default: auto.
    kind: Option<Or<Kind>>,
    /// Which parts of a JSON document hold keys: $.image.url, $.images[*].src, $..url. Default: every string in it.
    json_paths: Option<Or<Vec<String>>>,
    /// Whether there may be no such table or column. Default: false.
    optional: Option<Or<bool>>,
    /// The columns of a framework or content system: django, active_storage, carrierwave, shrine, paperclip,
    /// laravel_medialibrary, strapi, wordpress, payload, directus.
    preset: Option<String>,
    /// What stands before the keys of a preset in the bucket.
    prefix: Option<String>,
    /// The name of the class in the keys of a preset.
    class: Option<String>,
    /// The styles, versions or sizes that a preset is told of.
    styles: Option<Or<Vec<String>>>,
    /// Optional columns that a preset is told of.
    columns: Option<Or<Vec<String>>>,
    /// What stands before each key in the column and is not part of it.
    strip: Option<String>,
    /// What stands before each key in the bucket and is missing in the column.
    prepend: Option<String>,
    /// The database, where the bucket has several.
    database: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Kind {
    Auto,
    Key,
    Url,
    Json,
    Array,
    Text,
    Prefix,
    Template,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Catalog {
    /// The file. Default: catalog.db in the directory that holds the vault's.
    path: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Vault {
    /// The directory, or s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX. Default: /var/lib/s3gc/vault.
    path: Option<String>,
    /// The region of a bucket of S3. Default: that of the AWS profile.
    region: Option<String>,
    /// The address of another server than the provider's own. Default: AWS_ENDPOINT_URL_S3, else the provider's.
    endpoint: Option<String>,
    /// Whether a bucket of S3 stands in the path of a request and not in its host. Default: true with an endpoint.
    path_style: Option<Or<bool>>,
    /// The storage class of the packs in a bucket. Default: what the bucket says.
    storage_class: Option<String>,
    /// How S3 encrypts the files of the vault. Default: what the bucket says.
    encryption: Option<Or<Encryption>>,
    /// The key of KMS, for the encryption aws:kms. Default: the one that AWS manages for S3.
    kms_key: Option<String>,
    /// The access key for a bucket of S3. Default: that of the AWS chain.
    access_key_id: Option<String>,
    /// The secret of the access key.
    secret_access_key: Option<String>,
    /// The token of a session, for temporary keys.
    session_token: Option<String>,
    /// How many days the vault keeps what was deleted. Default: 90.
    keep_days: Option<Or<u32>>,
    /// How objects are written into the vault. Default: pack.
    stage: Option<Or<Stage>>,
    /// From which size on objects are copied, where stage says so. Default: 64 MiB.
    copy_from: Option<String>,
    /// About how large a pack grows. Default: 64 MiB.
    pack_size: Option<String>,
    /// Whether a run in execute mode brings back a deleted object that something references. Default: false.
    auto_restore: Option<Or<bool>>,
    /// zstd, zstd:LEVEL (1 to 22), lz4 or none. Default: zstd.
    compression: Option<String>,
    /// Whether JPEG files of up to 16 MiB are encoded with Lepton, losslessly. Default: false.
    lepton: Option<Or<bool>>,
    /// To whom new packs are encrypted: recipients of age, age1... Default: to nobody, and packs are plain.
    recipients: Option<Or<Vec<String>>>,
    /// The age identity file with which this host reads encrypted packs. Default: none, and it cannot.
    identity: Option<String>,
    /// A second place that has every pack, too: its path alone, or a table. Default: none.
    replica: Option<Replica>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Replica {
    Path(String),
    Table(Box<ReplicaTable>),
}

/// The keys of [vault] that say where it is.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct ReplicaTable {
    /// As [vault] path.
    path: String,
    /// As [vault] region.
    region: Option<String>,
    /// As [vault] endpoint.
    endpoint: Option<String>,
    /// As [vault] path_style.
    path_style: Option<Or<bool>>,
    /// As [vault] storage_class.
    storage_class: Option<String>,
    /// As [vault] encryption.
    encryption: Option<Or<Encryption>>,
    /// As [vault] kms_key.
    kms_key: Option<String>,
    /// As [vault] access_key_id.
    access_key_id: Option<String>,
    /// As [vault] secret_access_key.
    secret_access_key: Option<String>,
    /// As [vault] session_token.
    session_token: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Stage {
    Pack,
    Copy,
    Auto,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
enum Encryption {
    #[schemars(rename = "AES256")]
    Aes256,
    #[schemars(rename = "aws:kms")]
    Kms,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Safety {
    /// The brake on one plan: a share such as 20% of the claimed objects, or a count. Default: 20%.
    max_delete: Option<CountOrText>,
    /// The brake on the bytes of one plan, such as 50 GiB. Default: none.
    max_delete_bytes: Option<String>,
    /// Whether execute may run with a retention of under a day. Default: false.
    allow_short_retention: Option<Or<bool>>,
    /// Whether to delete on a store that ignores If-Match on a delete and keeps no versions. Default: false.
    unconditional_delete: Option<Or<bool>>,
    /// The brake on values that are URLs of hosts that are not configured, such as 1%. Default: 1%.
    max_foreign_urls: Option<String>,
    /// Columns that are not watched and may name objects: table.column, table.*, or * for all. Default: none.
    ignore_columns: Option<Or<Vec<String>>>,
    /// While this file exists the application migrates, and nothing is deleted. Default: none.
    migration_file: Option<String>,
    /// How fast scheduled runs are trusted.
    ramp: Option<RampTable>,
    /// How long after a look its deletions may be signed. Default: 5m.
    recheck_window: Option<String>,
    /// How long a signed request can still land. Default: 16m.
    settle_after: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct RampTable {
    /// Whether scheduled runs are held back at all. Default: true.
    enabled: Option<Or<bool>>,
    /// On how many days a complete run must have tripped nothing before a scheduled one deletes. Default: 3.
    observe_runs: Option<Or<u32>>,
    /// How many objects scheduled runs may delete on the first day after that. Default: 100.
    first_cap: Option<Or<u64>>,
    /// By what that is multiplied after each day on which all went well. Default: 2.
    growth: Option<Or<f64>>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum CountOrText {
    Count(u64),
    Text(String),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Limits {
    /// How much memory the set of references may take before it goes to disk. Default: 128 MiB.
    memory: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Report {
    /// What a gigabyte costs a month, in dollars. Default: 0.023.
    price_per_gb_month: Option<Or<f64>>,
    /// Whether samples of values that cannot be read are shown as they are, not masked. Default: false.
    show_values: Option<Or<bool>>,
}
