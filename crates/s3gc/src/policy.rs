//! The least that s3gc has to be allowed: IAM policies and database grants, from the configuration.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use s3gc_core::config::{BucketConfig, Config, Encryption, ObjectPlace, ObjectScheme, Stage, StoreConfig, VaultPlace};
use s3gc_source_sql::SqlConfig;
use s3gc_store::Location;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::assemble::{on_conflict, reference};
use crate::error::{Error, Result};

/// What buckets and databases have to allow.
#[derive(Debug, Serialize)]
pub(crate) struct Policy {
    buckets: Vec<BucketPolicy>,
    databases: Vec<Grants>,
}

/// The IAM policies of a bucket: `scanner` is enough for plans, both together to delete and restore. `docs/permissions.md`
/// says what each action is for.
#[derive(Debug, Serialize)]
struct BucketPolicy {
    bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scanner: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reaper: Option<Value>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vault: Option<VaultPolicy>,
}

/// What the bucket of a vault has to allow: `writer` is enough to delete, to restore and to verify, `prune` is what
/// `vault prune` needs beside it.
#[derive(Debug, Serialize)]
struct VaultPolicy {
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    writer: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prune: Option<Value>,
    notes: Vec<String>,
}

/// The statements that let s3gc read a database, and those that let it use the write fence there.
#[derive(Debug, Serialize)]
struct Grants {
    database: String,
    statements: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fence: Vec<String>,
    notes: Vec<String>,
}

/// Lists what the chosen buckets and their databases have to allow.
///
/// # Errors
///
/// If the URL of a database is none.
pub(crate) fn policy(config: &Config, names: &[String]) -> Result<Policy> {
    let buckets: Vec<&BucketConfig> = config.buckets.iter().filter(|bucket| names.contains(&bucket.name)).collect();
    let databases: BTreeSet<&String> = buckets.iter().flat_map(|bucket| &bucket.databases).collect();
    let databases = databases.into_iter().map(|name| grants(config, name, &buckets)).collect::<Result<_>>()?;
    Ok(Policy { databases, buckets: buckets.into_iter().map(bucket_policy).collect() })
}

impl Policy {
    /// Writes the policy for people.
    pub(crate) fn text(&self) -> Result<String> {
        let pretty = |value: &Value| {
            serde_json::to_string_pretty(value)
                .map_err(|source| Error::Other { what: "writing JSON".into(), source: source.into() })
        };
        let mut text = String::new();
        let mut line = |words: &str| writeln!(text, "{words}").unwrap_or_default();
        for bucket in &self.buckets {
            if let Some(directory) = &bucket.directory {
                line(&format!(
                    "# {}: read and write access to {directory}; to read is enough for plans\n",
                    bucket.bucket
                ));
            }
            if let Some(scanner) = &bucket.scanner {
                line(&format!("# {}: IAM policy to plan (dry_run, audit_only)", bucket.bucket));
                line(&pretty(scanner)?);
            }
            if let Some(reaper) = &bucket.reaper {
                line(&format!(
                    "\n# {}: IAM policy to delete and restore (execute), beside the one above",
                    bucket.bucket
                ));
                line(&pretty(reaper)?);
                line("");
            }
            for note in &bucket.notes {
                line(&format!("# {note}"));
            }
            let Some(vault) = &bucket.vault else { continue };
            if let Some(writer) = &vault.writer {
                line(&format!("\n# {}: IAM policy for the vault {}", bucket.bucket, vault.place));
                line(&pretty(writer)?);
            }
            if let Some(prune) = &vault.prune {
                line(&format!("\n# {}: IAM policy for s3gc vault prune alone, beside the one above", bucket.bucket));
                line(&pretty(prune)?);
                line("");
            }
            for note in &vault.notes {
                line(&format!("# {note}"));
            }
        }
        for database in &self.databases {
            line(&format!("-- {}: grants", database.database));
            for note in &database.notes {
                line(&format!("-- {note}"));
            }
            for statement in &database.statements {
                line(statement);
            }
            if !database.fence.is_empty() {
                line("-- and for the write fence, after s3gc fence setup");
            }
            for statement in &database.fence {
                line(statement);
            }
            line("");
        }
        Ok(text)
    }
}

fn bucket_policy(config: &BucketConfig) -> BucketPolicy {
    let mut policy = BucketPolicy {
        bucket: config.name.clone(),
        directory: None,
        scanner: None,
        reaper: None,
        notes: Vec::new(),
        vault: if let VaultPlace::Object(place) = &config.vault.place { Some(vault_policy(place)) } else { None },
    };
    match &config.store {
        StoreConfig::S3 { name, region, .. } => {
            let bucket = format!("arn:{}:s3:::{name}", partition(region.as_deref().unwrap_or_default()));
            let mut objects: Vec<String> =
                config.prefixes.iter().map(|prefix| format!("{bucket}/{}*", literal(prefix.as_str()))).collect();
            if objects.is_empty() {
                objects.push(format!("{bucket}/*"));
            }
            policy.scanner = Some(scanner(&bucket, &objects));
            policy.reaper = Some(reaper(&bucket, &objects, copies(config)));
            policy.notes.push(
                "objects that are encrypted with a key of KMS need kms:Decrypt on it to be staged, and \
                 kms:GenerateDataKey to be restored"
                    .into(),
            );
        }
        StoreConfig::Fs { path } => policy.directory = Some(path.display().to_string()),
        _ => {}
    }
    policy
}

/// Packs are created and read; a record of the lease is replaced, which S3 does not tell from creating. Nothing is ever
/// deleted but by `vault prune`.
fn vault_policy(place: &ObjectPlace) -> VaultPolicy {
    let mut policy = VaultPolicy { place: place.to_string(), writer: None, prune: None, notes: Vec::new() };
    let under = if place.prefix.is_empty() { String::new() } else { format!("{}/", place.prefix) };
    let note = match place.scheme {
        ObjectScheme::S3 => {
            let bucket =
                format!("arn:{}:s3:::{}", partition(place.region.as_deref().unwrap_or_default()), place.bucket);
            let write = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"];
            let mut statements = vec![
                statement("S3gcVaultList", &["s3:ListBucket"], std::slice::from_ref(&bucket)),
                statement("S3gcVaultWrite", &write, &[format!("{bucket}/{under}*")]),
            ];
            let key = if let Some(Encryption::Kms(key)) = &place.encryption { key.as_deref() } else { None };
            let arn = key.filter(|key| key.starts_with("arn:") && key.contains(":key/"));
            if let Some(arn) = arn {
                let use_key = ["kms:GenerateDataKey", "kms:Decrypt"];
                statements.push(statement("S3gcVaultKey", &use_key, &[arn.to_owned()]));
            }
            policy.writer = Some(json!({ "Version": "2012-10-17", "Statement": statements }));
            let prunable = ["packs", "copies"].map(|files| format!("{bucket}/{under}{files}/*"));
            let delete = statement("S3gcVaultPrune", &["s3:DeleteObject"], &prunable);
            policy.prune = Some(json!({ "Version": "2012-10-17", "Statement": [delete] }));
            if arn.is_some() {
                return policy;
            }
            "a vault that is encrypted with a key of KMS needs kms:GenerateDataKey and kms:Decrypt on it".to_owned()
        }
        ObjectScheme::Gs => format!(
            "the vault {place} needs storage.objects.list, get and create and storage.multipartUploads.create and abort, \
             and storage.objects.delete on {under}leases~/, where records are replaced; s3gc vault prune needs it on \
             {under}packs/ too"
        ),
        _ => format!(
            "the vault {place} needs the data actions blobs/read and blobs/write on the container; s3gc vault prune needs \
             blobs/delete too"
        ),
    };
    policy.notes.push(note);
    policy
}

/// AWS partitions, by the regions' names (AWS General Reference, "Amazon Resource Names").
fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Writes a prefix so that IAM takes each of its characters for itself (IAM User Guide, "IAM policy elements: Variables and
/// tags": `${*}`, `${?}` and `${$}`). Else a prefix with a `*` in it would allow more than is claimed.
fn literal(prefix: &str) -> String {
    let character = |c: char| match c {
        '*' | '?' | '$' => format!("${{{c}}}"),
        c => c.to_string(),
    };
    prefix.chars().map(character).collect()
}

fn statement(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}

/// Names can be listed in the whole bucket: a condition on the prefix would also decide whether a missing object is
/// answered with 404 or with 403, and a restore has to know that it is missing.
fn scanner(bucket: &str, objects: &[String]) -> Value {
    let of_bucket = [
        "s3:ListBucket",
        "s3:GetBucketVersioning",
        "s3:GetBucketObjectLockConfiguration",
        "s3:GetBucketOwnershipControls",
    ];
    // S3 leaves locks and legal holds out of its answers to those who may not ask for them (Amazon S3 API Reference,
    // GetObject: `x-amz-object-lock-legal-hold`), so a protected object would look like any other.
    let of_objects =
        ["s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectTagging", "s3:GetObjectRetention", "s3:GetObjectLegalHold"];
    json!({
        "Version": "2012-10-17",
        "Statement": [
            statement("S3gcList", &of_bucket, &[bucket.to_owned()]),
            statement("S3gcRead", &of_objects, objects),
        ],
    })
}

/// What a deletion needs: a version is only ever named to remove a delete marker, or a canary, of our own.
fn reaper(bucket: &str, objects: &[String], copies: Option<String>) -> Value {
    let canaries = [format!("{bucket}/{}*", s3gc_store::PROBE_PREFIX)];
    let on_canaries = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"];
    let on_objects = ["s3:DeleteObject", "s3:DeleteObjectVersion"];
    let to_restore = ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging", "s3:AbortMultipartUpload"];
    let mut statements = vec![
        statement("S3gcVersions", &["s3:ListBucketVersions"], &[bucket.to_owned()]),
        statement("S3gcProbe", &on_canaries, &canaries),
        statement("S3gcDelete", &on_objects, objects),
        statement("S3gcRestore", &to_restore, objects),
    ];
    let on_copies = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"];
    statements.extend(copies.map(|copies| statement("S3gcCopy", &on_copies, &[copies])));
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// Where the bucket's own identity copies objects to, and back from.
fn copies(config: &BucketConfig) -> Option<String> {
    match &config.vault.place {
        VaultPlace::Object(place) if config.vault.stage != Stage::Pack => {
            let under = if place.prefix.is_empty() { String::new() } else { format!("{}/", place.prefix) };
            let partition = partition(place.region.as_deref().unwrap_or_default());
            Some(format!("arn:{partition}:s3:::{}/{under}copies/*", place.bucket))
        }
        _ => None,
    }
}

/// Writes the grants of a database for everything that the chosen buckets read of it.
fn grants(config: &Config, name: &str, buckets: &[&BucketConfig]) -> Result<Grants> {
    let of_database = || buckets.iter().filter(|bucket| bucket.databases.iter().any(|database| database == name));
    let references = of_database().flat_map(|bucket| &bucket.references).filter(|reference| reference.database == name);
    let database = config.databases.get(name);
    let url = database.map(|database| database.url.expose_secret()).unwrap_or_default();
    let mut sql = SqlConfig::new(name, url, references.map(reference));
    sql.fence = database.and_then(|database| database.fence).map(on_conflict);
    let locations: Vec<String> = of_database().filter_map(|b| location(&b.store)).map(|l| l.to_string()).collect();
    let s3gc_source_sql::Grants { statements, fence, mut notes, .. } = sql.grants(&locations)?;
    if sql.fence.is_some() {
        let absent = of_database().filter(|bucket| location(&bucket.store).is_none());
        notes.extend(
            absent.map(|bucket| format!("the directory of {} is not there, so its fence is left out", bucket.name)),
        );
    }
    Ok(Grants { database: name.to_owned(), statements, fence, notes })
}

/// The name of a store as the store itself gives it.
fn location(store: &StoreConfig) -> Option<Location> {
    match store {
        StoreConfig::S3 { name, endpoint: None, .. } => Some(Location::aws(name)),
        StoreConfig::S3 { name, endpoint: Some(endpoint), .. } => Some(Location::s3_compatible(endpoint, name)),
        StoreConfig::Fs { path } => Some(Location::directory(std::fs::canonicalize(path).ok()?.to_str()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3gc_core::config::Config;

    fn config(url: &str) -> Config {
        Config::builder("photos")
            .database_url(url)
            .table("users", ["avatar", "cover"])
            .table("cms.pages", ["image"])
            .prefixes(["uploads/"])
            .vault_path("/var/lib/s3gc/vault")
            .build()
            .unwrap()
    }

    #[test]
    fn i12_grants_name_the_watched_tables_and_never_the_password() {
        let config = config("postgres://app:hunter2@db/shop");
        let text = policy(&config, &["photos".to_owned()]).unwrap().text().unwrap();
        for line in [
            "GRANT CONNECT ON DATABASE \"shop\" TO \"app\";",
            "GRANT USAGE ON SCHEMA \"cms\" TO \"app\";",
            "GRANT USAGE ON SCHEMA \"public\" TO \"app\";",
            "GRANT SELECT ON TABLE \"public\".\"users\" TO \"app\";",
            "GRANT SELECT ON TABLE \"cms\".\"pages\" TO \"app\";",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn mysql_grants_are_for_the_watched_columns_alone() {
        let policy = policy(&config("mysql://app:x@db/shop"), &["photos".to_owned()]).unwrap();
        assert_eq!(
            policy.databases[0].statements,
            [
                "GRANT PROCESS ON *.* TO 'app'@'%';",
                "GRANT SELECT (`image`) ON `cms`.`pages` TO 'app'@'%';",
                "GRANT SELECT (`avatar`, `cover`) ON `shop`.`users` TO 'app'@'%';",
            ]
        );
    }

    #[test]
    fn i05_the_policy_to_plan_writes_nothing() {
        let policy = policy(&config("mysql://app:x@db/shop"), &["photos".to_owned()]).unwrap();
        let scanner = policy.buckets[0].scanner.as_ref().unwrap().to_string();
        assert!(!scanner.contains("Put") && !scanner.contains("Delete"), "{scanner}");
        assert!(scanner.contains("arn:aws:s3:::photos/uploads/*"), "{scanner}");
        let reaper = policy.buckets[0].reaper.as_ref().unwrap().to_string();
        assert!(reaper.contains("arn:aws:s3:::photos/.s3gc-probe/*"), "{reaper}");
    }

    #[test]
    fn the_policy_of_a_vault_names_its_prefix_and_deletes_only_to_prune() {
        let vault = |path: &str| {
            let config = Config::builder("photos")
                .database_url("mysql://app:x@db/shop")
                .table("users", ["avatar"])
                .vault_path(path)
                .vault_storage_class("STANDARD")
                .build()
                .unwrap();
            let policy = policy(&config, &["photos".to_owned()]).unwrap();
            (policy.text().unwrap(), policy.buckets.into_iter().next().unwrap().vault.unwrap())
        };
        let (text, policy) = vault("s3://backups/a/s3gc");
        assert!(text.contains("for the vault s3://backups/a/s3gc") && text.contains("vault prune alone"), "{text}");
        let writer = policy.writer.unwrap().to_string();
        assert!(writer.contains("arn:aws:s3:::backups/a/s3gc/*") && !writer.contains("Delete"), "{writer}");
        assert!(policy.prune.unwrap().to_string().contains("arn:aws:s3:::backups/a/s3gc/packs/*"));
        assert!(vault("s3://backups").1.writer.unwrap().to_string().contains("arn:aws:s3:::backups/*"));
        for other in ["gs://backups/s3gc", "az://backups/s3gc"] {
            let (text, policy) = vault(other);
            assert!(policy.writer.is_none() && text.contains(&format!("# the vault {other} needs")), "{text}");
        }
    }

    #[test]
    fn who_copies_into_the_vault_may_write_copies_and_nothing_else_there() {
        let reaper = |stage| {
            let config = Config::builder("photos")
                .database_url("mysql://app:x@db/shop")
                .table("users", ["avatar"])
                .vault_path("s3://backups/s3gc")
                .stage(stage)
                .build()
                .unwrap();
            let policy = policy(&config, &["photos".to_owned()]).unwrap().buckets.remove(0);
            (policy.reaper.unwrap()["Statement"].as_array().unwrap().clone(), policy.vault.unwrap())
        };
        let (statements, vault) = reaper(Stage::Auto);
        let copies = statements.iter().find(|statement| statement["Sid"] == "S3gcCopy").unwrap();
        assert_eq!(copies["Resource"], json!(["arn:aws:s3:::backups/s3gc/copies/*"]));
        assert!(!copies.to_string().contains("Delete"));
        assert!(vault.prune.unwrap().to_string().contains("arn:aws:s3:::backups/s3gc/copies/*"));
        assert!(reaper(Stage::Pack).0.iter().all(|statement| statement["Sid"] != "S3gcCopy"));
    }

    #[test]
    fn the_key_of_a_vault_is_in_its_policy() {
        let writer = |key: &str| {
            let config = Config::builder("photos")
                .database_url("mysql://app:x@db/shop")
                .table("users", ["avatar"])
                .vault_path("s3://backups/s3gc")
                .vault_encryption(Encryption::Kms(Some(key.to_owned())))
                .build()
                .unwrap();
            let vault = policy(&config, &["photos".to_owned()]).unwrap().buckets.remove(0).vault.unwrap();
            (vault.writer.unwrap().to_string(), vault.notes)
        };
        let arn = "arn:aws:kms:eu-west-1:123456789012:key/abcd";
        let (text, notes) = writer(arn);
        assert!(text.contains(&format!("\"Resource\":[\"{arn}\"]")) && notes.is_empty(), "{text}");
        // What stands for a key can come to stand for another one, and IAM wants the key.
        let (text, notes) = writer("alias/vault");
        assert!(!text.contains("kms:") && notes[0].contains("kms:Decrypt"), "{text}");
    }

    #[test]
    fn a_prefix_with_wildcards_allows_itself_alone() {
        assert_eq!(literal("a*b?/$x/"), "a${*}b${?}/${$}x/");
        assert_eq!(literal("uploads/"), "uploads/");
    }
}
