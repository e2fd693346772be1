//! Where the vault is: a directory, or a prefix of a bucket.

use std::path::{Path, PathBuf};

use s3gc_vault::FileName;
use secrecy::SecretString;
use url::{Host, Url};

use super::check::real;
use super::model::{
    BucketConfig, Encryption, ObjectCredentials, ObjectPlace, ObjectScheme, Stage, StoreConfig, VaultPlace,
};
use super::read::{self, Log, Refusal, Section};
use super::tree::{Node, Value, join};
use super::values;

/// Where the vault is if nobody says.
const DEFAULT_VAULT: &str = "/var/lib/s3gc/vault";

/// Reads the place. A key that the place has no use for is a fault.
pub(super) fn place(section: &Section<'_>, base: Option<&Path>, log: &mut Log) -> VaultPlace {
    let default = || VaultPlace::Dir(PathBuf::from(DEFAULT_VAULT));
    let before = log.problems.len();
    let place = section.or(log, "path", default(), |node| address(node, base), ToString::to_string);
    if log.problems.len() > before {
        // Which keys belong to it nobody knows.
        return place;
    }
    let scheme = match &place {
        VaultPlace::Dir(_) => None,
        VaultPlace::Object(place) => Some(place.scheme),
    };
    let keys = Keys { section, scheme };
    let (s3, any) = ([ObjectScheme::S3], [ObjectScheme::S3, ObjectScheme::Gs, ObjectScheme::Az]);
    let region = keys.read(log, "region", &s3, read::text, Clone::clone);
    let endpoint = keys.read(log, "endpoint", &any, values::endpoint, Clone::clone);
    let path_style = keys.read(log, "path_style", &s3, read::boolean, ToString::to_string);
    let storage_class = keys.read(log, "storage_class", &any, |node| class(node, scheme), Clone::clone);
    let encryption = keys.encryption(log, &s3);
    let credentials = keys.credentials(log, &s3);
    match place {
        VaultPlace::Object(place) => VaultPlace::Object(ObjectPlace {
            region,
            endpoint,
            path_style,
            storage_class,
            encryption,
            credentials,
            ..place
        }),
        place => place,
    }
}

/// Reads the second place of the packs: its address alone, or a table with the keys of the vault's place.
pub(super) fn replica(section: &Section<'_>, base: Option<&Path>, log: &mut Log) -> Option<VaultPlace> {
    let Value::Table(table) = &section.get("replica")?.value else {
        return section.optional(log, "replica", |node| address(node, base), ToString::to_string);
    };
    let (path, shown) = (join(&section.path, "replica"), join(&section.shown, "replica"));
    let section = Section { path, shown, table: Some(table) };
    if section.get("path").is_none() {
        log.problems.push(section.problem("path", "is missing").help("write the address of the replica"));
        return None;
    }
    Some(place(&section, base, log))
}

/// Tells whether two places are one, or one inside the other.
pub(super) fn overlap(a: &VaultPlace, b: &VaultPlace) -> bool {
    match (a, b) {
        (VaultPlace::Dir(a), VaultPlace::Dir(b)) => {
            let (a, b) = (real(a), real(b));
            a.starts_with(&b) || b.starts_with(&a)
        }
        (VaultPlace::Object(a), VaultPlace::Object(b)) => {
            let prefix = |place: &ObjectPlace| format!("{}/", place.prefix).trim_start_matches('/').to_owned();
            let is_same = a.bucket == b.bucket && server(a.scheme, &a.endpoint) == server(b.scheme, &b.endpoint);
            is_same && (prefix(a).starts_with(&prefix(b)) || prefix(b).starts_with(&prefix(a)))
        }
        _ => false,
    }
}

/// Where the catalog is if nobody says: beside a vault in a directory.
pub(super) fn catalog_beside(place: &VaultPlace) -> PathBuf {
    let default = PathBuf::from(DEFAULT_VAULT);
    let dir = if let VaultPlace::Dir(path) = place { path } else { &default };
    dir.parent().unwrap_or(dir).join("catalog.db")
}

/// The keys that say more of a vault in a bucket.
struct Keys<'a, 't> {
    section: &'a Section<'t>,
    /// `None` for a directory.
    scheme: Option<ObjectScheme>,
}

impl Keys<'_, '_> {
    /// Tells whether the place takes a key, and refuses the key where it does not.
    fn takes(&self, log: &mut Log, key: &str, schemes: &[ObjectScheme]) -> bool {
        if self.scheme.is_some_and(|scheme| schemes.contains(&scheme)) {
            return true;
        }
        if self.section.get(key).is_some() {
            let message = match self.scheme {
                None => "a vault in a local directory has none".to_owned(),
                Some(scheme) => format!("a vault at {}:// has none", scheme.as_str()),
            };
            let help = match (self.scheme, key) {
                (Some(ObjectScheme::Gs), "access_key_id" | "secret_access_key" | "session_token") => {
                    "leave it out, and set GOOGLE_APPLICATION_CREDENTIALS in the environment"
                }
                (Some(ObjectScheme::Az), "access_key_id" | "secret_access_key" | "session_token") => {
                    "leave it out, and set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY in the environment"
                }
                _ => "leave it out",
            };
            log.problems.push(self.section.problem(key, message).help(help));
        }
        false
    }

    fn read<T>(
        &self,
        log: &mut Log,
        key: &str,
        schemes: &[ObjectScheme],
        read: impl FnOnce(&Node) -> Result<T, Refusal>,
        show: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        if self.takes(log, key, schemes) { self.section.optional(log, key, read, show) } else { None }
    }

    fn encryption(&self, log: &mut Log, schemes: &[ObjectScheme]) -> Option<Encryption> {
        let words = [("AES256", false), ("aws:kms", true)];
        let by_kms = |yes: &bool| if *yes { "aws:kms" } else { "AES256" }.to_owned();
        let kms = self.read(log, "encryption", schemes, |node| read::one_of(node, &words), by_kms);
        let key = self.read(log, "kms_key", schemes, read::text, Clone::clone);
        if key.is_some() && kms != Some(true) {
            let message = "only the encryption with KMS has a key of its own";
            log.problems.push(self.section.problem("kms_key", message).help("write encryption = \"aws:kms\""));
        }
        kms.map(|kms| if kms { Encryption::Kms(key) } else { Encryption::Aes256 })
    }

    fn credentials(&self, log: &mut Log, schemes: &[ObjectScheme]) -> Option<ObjectCredentials> {
        let id = self.read(log, "access_key_id", schemes, read::text, Clone::clone);
        let secret = self.secret(log, "secret_access_key", schemes);
        let token = self.secret(log, "session_token", schemes);
        let is_there = |key: &str| self.section.get(key).is_some();
        let lacks = |key: &str, of: &str| is_there(of) && !is_there(key);
        let missing = [
            ("secret_access_key", lacks("secret_access_key", "access_key_id"), "access_key_id"),
            ("access_key_id", lacks("access_key_id", "secret_access_key"), "secret_access_key"),
            ("access_key_id", lacks("access_key_id", "session_token"), "session_token"),
        ];
        if let Some((missing, _, has)) = missing.iter().find(|(_, lacks, _)| *lacks)
            && self.scheme == Some(ObjectScheme::S3)
        {
            let problem = self.section.problem(has, format!("there is no {missing} to it"));
            let help = "write both access_key_id and secret_access_key, or none for those of the environment";
            log.problems.push(problem.help(help));
        }
        Some(ObjectCredentials { access_key_id: id?, secret_access_key: secret?, session_token: token })
    }

    /// Reads a secret: no message holds any part of it.
    fn secret(&self, log: &mut Log, key: &str, schemes: &[ObjectScheme]) -> Option<SecretString> {
        if !self.takes(log, key, schemes) {
            return None;
        }
        let node = self.section.get(key)?;
        match read::text(node) {
            Ok(text) => {
                self.section.record(log, key, "[redacted]".to_owned(), node.origin.clone());
                Some(text.into())
            }
            Err((message, help)) => {
                // One that was told before is not told again.
                if read::refusal(key, node, String::new()).is_some() {
                    let problem = self.section.problem(key, format!("the value {message}"));
                    log.problems.push(problem.help(help.unwrap_or_default()));
                }
                None
            }
        }
    }
}

/// Reads the address of a vault; relative paths count from `base`.
fn address(node: &Node, base: Option<&Path>) -> Result<VaultPlace, Refusal> {
    const HELP: &str = "write a path, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix";
    let text = read::text(node)?;
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(VaultPlace::Dir(read::path(node, base)?)) };
    let scheme = match scheme {
        "s3" => ObjectScheme::S3,
        "gs" => ObjectScheme::Gs,
        "az" => ObjectScheme::Az,
        "file" => {
            let path = Url::parse(&text).ok().and_then(|url| url.to_file_path().ok());
            return path.map(VaultPlace::Dir).ok_or_else(|| {
                ("is not the address of a local directory".to_owned(), Some("write file:///path, or the path alone"))
            });
        }
        _ => return read::refuse("is no place for a vault", HELP),
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.contains('@') {
        let help = "write access_key_id and secret_access_key as keys of [vault], or leave them to the environment";
        return read::refuse("has more before its bucket than the scheme", help);
    }
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if bucket.is_empty() || !bucket.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        return read::refuse("names no bucket", HELP);
    }
    if !prefix.is_empty() && FileName::new(prefix).is_err() {
        return read::refuse(
            "has a prefix with other characters than letters, digits, `.`, `_` and `-` between its slashes",
            "write another prefix",
        );
    }
    Ok(VaultPlace::Object(ObjectPlace {
        scheme,
        bucket: bucket.to_owned(),
        prefix: prefix.to_owned(),
        region: None,
        endpoint: None,
        path_style: None,
        storage_class: None,
        encryption: None,
        credentials: None,
    }))
}

/// Reads a storage class. Packs are read back as soon as they are written, so an archive is none for them.
fn class(node: &Node, scheme: Option<ObjectScheme>) -> Result<String, Refusal> {
    let text = read::text(node)?;
    let is_archive = match scheme {
        Some(ObjectScheme::S3) => matches!(text.as_str(), "GLACIER" | "DEEP_ARCHIVE"),
        Some(ObjectScheme::Az) => text.eq_ignore_ascii_case("archive"),
        // What is in the archive of GCS can be read at once.
        _ => false,
    };
    if is_archive {
        let message = "cannot be read at once, and every pack is read back before anything is deleted";
        let help = match scheme {
            Some(ObjectScheme::Az) => "write \"Cool\" or \"Cold\"",
            _ => "write \"STANDARD_IA\" or \"GLACIER_IR\"",
        };
        return read::refuse(message, help);
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
        return read::refuse("is not a storage class", "write \"STANDARD_IA\"");
    }
    Ok(text)
}

/// Finds out whether a vault lies where a bucket is collected, or around it: its packs would be taken for garbage. Returns
/// what is wrong, and the way out.
pub(super) fn collected(bucket: &BucketConfig, place: &VaultPlace, whose: &str) -> Option<(String, String)> {
    match (&bucket.store, place) {
        (StoreConfig::Fs { path }, VaultPlace::Dir(vault)) => {
            let elsewhere = "put the vault elsewhere".to_owned();
            let (outer, inner) = (real(path), real(vault));
            if inner.starts_with(&outer) {
                let message = format!("{whose} is inside {}, the directory that is collected", path.display());
                return Some((message, elsewhere));
            }
            let message = format!("the directory that is collected, {}, is inside {whose}", path.display());
            outer.starts_with(&inner).then_some((message, elsewhere))
        }
        (StoreConfig::S3 { name, endpoint, .. }, VaultPlace::Object(place)) => {
            let is_same =
                *name == place.bucket && server(ObjectScheme::S3, endpoint) == server(place.scheme, &place.endpoint);
            let prefix = if place.prefix.is_empty() { String::new() } else { format!("{}/", place.prefix) };
            if !is_same || !is_claimed(bucket, &prefix) {
                return None;
            }
            let message = format!(
                "{whose}, {place}, is inside of what is collected from the bucket {name}: its packs would be garbage"
            );
            let help = match place.prefix.as_str() {
                "" => "put the vault into another bucket".to_owned(),
                _ => format!(
                    "put the vault into another bucket, or write exclude_prefixes = [\"{prefix}\"] for the bucket"
                ),
            };
            Some((message, help))
        }
        _ => None,
    }
}

/// Finds out why the store could not copy objects into the vault as the configuration asks it to. Returns the key, what is
/// wrong, and the way out.
pub(super) fn not_copied(bucket: &BucketConfig, has_size: bool) -> Option<(&'static str, String, &'static str)> {
    const HELP: &str = "write stage = \"pack\"";
    let (vault, stage) = (&bucket.vault, bucket.vault.stage.as_str());
    if vault.stage == Stage::Pack {
        let message = "only with stage = \"copy\" or \"auto\" is anything copied".to_owned();
        return has_size.then_some(("copy_from", message, "leave it out, or write stage = \"auto\""));
    }
    let refuse = |why: String| Some(("stage", format!("{stage:?} {why}"), HELP));
    let (StoreConfig::S3 { endpoint, region, .. }, VaultPlace::Object(place)) = (&bucket.store, &vault.place) else {
        return refuse("wants a bucket and a vault in a bucket of the same server".to_owned());
    };
    if server(ObjectScheme::S3, endpoint) != server(place.scheme, &place.endpoint) {
        return refuse(format!("wants the vault on the server of the bucket, and {place} is on another"));
    }
    if let (Some(region), Some(other)) = (region, &place.region)
        && region != other
    {
        return refuse(format!("wants the vault in the region of the bucket, {region}, and {place} is in {other}"));
    }
    if !vault.recipients.is_empty() {
        return refuse("would leave what is copied unencrypted, and there are recipients".to_owned());
    }
    if vault.replica.is_some() {
        return refuse("reads no object, and the replica wants each to be read".to_owned());
    }
    None
}

/// Tells whether anything under a prefix, or around it, may be deleted.
fn is_claimed(bucket: &BucketConfig, prefix: &str) -> bool {
    let whole = [""];
    let claims: Vec<&str> = bucket.prefixes.iter().map(|claim| claim.as_str()).collect();
    let claims = if claims.is_empty() { whole.as_slice() } else { &claims };
    claims.iter().any(|claim| {
        let inner = match (prefix.starts_with(claim), claim.starts_with(prefix)) {
            (true, _) => prefix,
            (_, true) => claim,
            _ => return false,
        };
        !bucket.exclude_prefixes.iter().any(|excluded| inner.starts_with(excluded.as_str()))
    })
}

/// Names a server, however its address is written.
fn server(scheme: ObjectScheme, endpoint: &Option<String>) -> String {
    let (aws, google) = ("aws".to_owned(), "google".to_owned());
    let url = match (scheme, endpoint) {
        (ObjectScheme::S3, None) => return aws,
        (ObjectScheme::Gs, None) => return google,
        (ObjectScheme::Az, _) => return "azure".to_owned(),
        (_, Some(endpoint)) => Url::parse(endpoint),
    };
    let Ok(url) = url else { return endpoint.clone().unwrap_or_default() };
    let port = url.port_or_known_default().unwrap_or_default();
    match url.host() {
        Some(Host::Domain(host)) if is_under(host, "amazonaws.com") || is_under(host, "amazonaws.com.cn") => aws,
        Some(Host::Domain(host)) if is_under(host, "googleapis.com") => google,
        Some(Host::Domain("localhost")) => format!("loopback:{port}"),
        Some(Host::Ipv4(address)) if address.is_loopback() => format!("loopback:{port}"),
        Some(Host::Ipv6(address)) if address.is_loopback() => format!("loopback:{port}"),
        host => format!("{}:{port}", host.map(|host| host.to_string()).unwrap_or_default()),
    }
}

fn is_under(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}
