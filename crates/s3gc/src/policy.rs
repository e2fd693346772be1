//! The least that s3gc has to be allowed: IAM policies and database grants, from the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use s3gc_core::config::{BucketConfig, Config, ReferencePlace, StoreConfig};
use s3gc_source::extract::Template;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// What buckets and databases have to allow.
#[derive(Debug, Serialize)]
pub(crate) struct Policy {
    buckets: Vec<BucketPolicy>,
    databases: Vec<Grants>,
}

/// The IAM policies of a bucket: `scanner` is enough for plans, `reaper` is needed to delete and restore.
#[derive(Debug, Serialize)]
struct BucketPolicy {
    bucket: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scanner: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reaper: Option<Value>,
}

/// The statements that let s3gc read a database.
#[derive(Debug, Serialize)]
struct Grants {
    database: String,
    statements: Vec<String>,
    notes: Vec<String>,
}

/// Lists what the chosen buckets and their databases have to allow.
pub(crate) fn policy(config: &Config, names: &[String]) -> Policy {
    let buckets: Vec<&BucketConfig> = config.buckets.iter().filter(|bucket| names.contains(&bucket.name)).collect();
    let databases: BTreeSet<&String> = buckets.iter().flat_map(|bucket| &bucket.databases).collect();
    Policy {
        databases: databases.into_iter().filter_map(|name| grants(config, name, &buckets)).collect(),
        buckets: buckets.into_iter().map(bucket_policy).collect(),
    }
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
        }
        for database in &self.databases {
            line(&format!("-- {}: grants", database.database));
            for note in &database.notes {
                line(&format!("-- {note}"));
            }
            for statement in &database.statements {
                line(statement);
            }
            line("");
        }
        Ok(text)
    }
}

fn bucket_policy(config: &BucketConfig) -> BucketPolicy {
    let mut policy = BucketPolicy { bucket: config.name.clone(), directory: None, scanner: None, reaper: None };
    match &config.store {
        StoreConfig::S3 { name, region, .. } => {
            let bucket = format!("arn:{}:s3:::{name}", partition(region.as_deref().unwrap_or_default()));
            let mut objects: Vec<String> =
                config.prefixes.iter().map(|prefix| format!("{bucket}/{}*", prefix.as_str())).collect();
            if objects.is_empty() {
                objects.push(format!("{bucket}/*"));
            }
            policy.scanner = Some(scanner(&bucket, &objects));
            policy.reaper = Some(reaper(&bucket, &objects));
        }
        StoreConfig::Fs { path } => policy.directory = Some(path.display().to_string()),
        _ => {}
    }
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

fn statement(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}

fn scanner(bucket: &str, objects: &[String]) -> Value {
    let of_bucket = ["s3:ListBucket", "s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"];
    json!({
        "Version": "2012-10-17",
        "Statement": [
            statement("S3gcList", &of_bucket, &[bucket.to_owned()]),
            statement("S3gcRead", &["s3:GetObject", "s3:GetObjectTagging"], objects),
        ],
    })
}

/// What a deletion needs: a version is only ever named to remove a delete marker, or a canary, of our own.
fn reaper(bucket: &str, objects: &[String]) -> Value {
    let canaries = [format!("{bucket}/{}*", s3gc_store::PROBE_PREFIX)];
    let on_canaries = ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"];
    let on_objects = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObjectVersion"];
    let to_restore = ["s3:PutObject", "s3:PutObjectTagging", "s3:AbortMultipartUpload"];
    json!({
        "Version": "2012-10-17",
        "Statement": [
            statement("S3gcVersions", &["s3:ListBucketVersions"], &[bucket.to_owned()]),
            statement("S3gcProbe", &on_canaries, &canaries),
            statement("S3gcDelete", &on_objects, objects),
            statement("S3gcRestore", &to_restore, objects),
        ],
    })
}

fn grants(config: &Config, name: &str, buckets: &[&BucketConfig]) -> Option<Grants> {
    let url = config.databases.get(name)?.url.expose_secret();
    let references = || buckets.iter().flat_map(|b| &b.references).filter(|reference| reference.database == name);
    let mut columns: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut notes = Vec::new();
    for reference in references() {
        match &reference.place {
            ReferencePlace::Column { table, column } => {
                columns.entry(table).or_default().insert(column.clone());
            }
            ReferencePlace::Template { table, template } => {
                // One that does not parse is an error of the configuration.
                let template = Template::parse(template).ok();
                let names = template.iter().flat_map(Template::columns).map(str::to_owned);
                columns.entry(table).or_default().extend(names);
            }
            ReferencePlace::Query { name, .. } => {
                notes.push(format!("query {name}: grant SELECT on the tables that it reads, too"));
            }
        }
    }
    let statements = match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("postgres" | "postgresql") => postgres(url, &columns, &mut notes),
        Some("mysql" | "mariadb") => mysql(url, &columns),
        _ => {
            notes.push("SQLite has no grants: the file has to be readable".into());
            Vec::new()
        }
    };
    Some(Grants { database: name.to_owned(), statements, notes })
}

/// `LOCK TABLE ... IN ACCESS SHARE MODE`, without which a snapshot does not survive TRUNCATE, needs SELECT on the whole
/// table (PostgreSQL, LOCK: "Notes"): that on columns is not enough.
fn postgres(url: &str, columns: &BTreeMap<&str, BTreeSet<String>>, notes: &mut Vec<String>) -> Vec<String> {
    let (user, database) = user_and_database(url);
    let (user, database) = (quote(&user, '"'), quote(&database, '"'));
    notes.push(
        "the tables are locked against TRUNCATE and ALTER while they are read: SELECT on columns is not enough".into(),
    );
    let schemas: BTreeSet<&str> =
        columns.keys().map(|table| table.rsplit_once('.').map_or("public", |(schema, _)| schema)).collect();
    let mut statements = vec![format!("GRANT CONNECT ON DATABASE {database} TO {user};")];
    statements.extend(schemas.into_iter().map(|schema| format!("GRANT USAGE ON SCHEMA {schema} TO {user};")));
    statements.extend(columns.keys().map(|table| format!("GRANT SELECT ON TABLE {table} TO {user};")));
    statements
}

/// `PROCESS` shows the open transactions, which a deletion waits for.
fn mysql(url: &str, columns: &BTreeMap<&str, BTreeSet<String>>) -> Vec<String> {
    let (user, database) = user_and_database(url);
    let user = format!("'{}'@'%'", user.replace('\'', "''"));
    let mut statements = vec![format!("GRANT PROCESS ON *.* TO {user};")];
    statements.extend(columns.iter().map(|(table, columns)| {
        let table =
            if table.contains('.') { (*table).to_owned() } else { format!("{}.{table}", quote(&database, '`')) };
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        format!("GRANT SELECT ({}) ON {table} TO {user};", columns.join(", "))
    }));
    statements
}

/// Reads the user and the name of the database from its address; never the password.
fn user_and_database(url: &str) -> (String, String) {
    let Ok(url) = url::Url::parse(url) else { return ("s3gc".to_owned(), "app".to_owned()) };
    let or = |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
    (or(url.username(), "s3gc"), or(url.path().trim_start_matches('/'), "app"))
}

/// Quotes a name if it needs it.
fn quote(name: &str, mark: char) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("{mark}{}{mark}", name.replace(mark, &format!("{mark}{mark}")))
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
        let text = policy(&config, &["photos".to_owned()]).text().unwrap();
        for line in [
            "GRANT CONNECT ON DATABASE shop TO app;",
            "GRANT USAGE ON SCHEMA cms TO app;",
            "GRANT USAGE ON SCHEMA public TO app;",
            "GRANT SELECT ON TABLE users TO app;",
            "GRANT SELECT ON TABLE cms.pages TO app;",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn mysql_grants_are_for_the_watched_columns_alone() {
        let policy = policy(&config("mysql://app:x@db/shop"), &["photos".to_owned()]);
        assert_eq!(
            policy.databases[0].statements,
            [
                "GRANT PROCESS ON *.* TO 'app'@'%';",
                "GRANT SELECT (image) ON cms.pages TO 'app'@'%';",
                "GRANT SELECT (avatar, cover) ON shop.users TO 'app'@'%';",
            ]
        );
    }

    #[test]
    fn i05_the_policy_to_plan_writes_nothing() {
        let policy = policy(&config("mysql://app:x@db/shop"), &["photos".to_owned()]);
        let scanner = policy.buckets[0].scanner.as_ref().unwrap().to_string();
        assert!(!scanner.contains("Put") && !scanner.contains("Delete"), "{scanner}");
        assert!(scanner.contains("arn:aws:s3:::photos/uploads/*"), "{scanner}");
        let reaper = policy.buckets[0].reaper.as_ref().unwrap().to_string();
        assert!(reaper.contains("arn:aws:s3:::photos/.s3gc-probe/*"), "{reaper}");
    }
}
