//! Readers of the values that are s3gc's own: URLs, prefixes, limits, codecs.

use std::path::{Path, PathBuf};

use s3gc_vault::encryption::{Identities, InvalidRecipient, Recipient};
use secrecy::SecretString;
use url::Url;

use super::model::Compression;
use super::read::{Refusal, boolean, count, path, refuse, text};
use super::tree::{Node, Value};
use crate::settings::{KeyPrefix, MaxDelete};

/// Reads the URL of a database; the path of an SQLite file counts from `base`. No message holds any part of it.
pub(super) fn database_url(node: &Node, base: Option<&Path>) -> Result<SecretString, Refusal> {
    const HELP: &str = "write postgres://, mysql:// or mariadb://user:password@host/database, or sqlite:file.db";
    let text = text(node)?;
    match text.split_once(':').map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest)) {
        Some((scheme, rest)) if scheme == "sqlite" => Ok(sqlite_url(rest, base).into()),
        Some((scheme, _)) if matches!(scheme.as_str(), "postgres" | "postgresql" | "mysql" | "mariadb") => {
            match Url::parse(&text) {
                Ok(url) if text.contains("://") && !url.cannot_be_a_base() => Ok(text.into()),
                _ => refuse(
                    "is not a URL",
                    "write scheme://user:password@host/database, with special characters of the password \
                     percent-encoded",
                ),
            }
        }
        _ => refuse("is not the URL of a database that s3gc knows", HELP),
    }
}

/// Reads the name, the alias, the host or the ARN of an access point.
pub(super) fn access_point(node: &Node) -> Result<String, Refusal> {
    let name = text(node)?;
    let is_name =
        !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '/' && !name.starts_with("arn:"));
    if is_name { Ok(name) } else { refuse("names no access point", "write its name, alias, host or ARN") }
}

/// Reads the name of a column, or of all columns of a table, or of all.
pub(super) fn column(node: &Node) -> Result<String, Refusal> {
    let name = text(node)?;
    let is_name =
        name == "*" || name.rsplit_once('.').is_some_and(|(table, column)| !table.is_empty() && !column.is_empty());
    if is_name { Ok(name) } else { refuse("names no column", "write \"table.column\", \"table.*\", or \"*\" for all") }
}

/// Makes the path of an SQLite file absolute, as far as `base` is.
fn sqlite_url(rest: &str, base: Option<&Path>) -> String {
    let file = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = file.split_once('?').map_or((file, String::new()), |(path, query)| (path, format!("?{query}")));
    match base {
        Some(base) if !path.is_empty() && !path.starts_with([':', '/']) => {
            // SQLite URLs are percent-decoded: only what stands before the given path is not encoded yet.
            let base = base.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
            format!("sqlite://{}/{}{query}", base.trim_end_matches('/'), path.trim_start_matches("./"))
        }
        _ => format!("sqlite:{rest}"),
    }
}

/// Shows a database's URL without user, password and parameters.
pub(super) fn show_database_url(url: &str) -> String {
    if url.starts_with("sqlite:") {
        return url.split('?').next().unwrap_or_default().to_owned();
    }
    let Ok(mut url) = Url::parse(url) else { return "[redacted]".to_owned() };
    let had_user = !url.username().is_empty() || url.password().is_some();
    url.set_query(None);
    url.set_fragment(None);
    if had_user && (url.set_password(None).is_err() || url.set_username("***").is_err()) {
        return "[redacted]".to_owned();
    }
    url.to_string()
}

/// Reads the address of an S3-compatible server.
pub(super) fn endpoint(node: &Node) -> Result<String, Refusal> {
    const HELP: &str = "write it as https://host or http://host:port";
    let text = text(node)?;
    let Some(url) = web_url(&text) else { return refuse("is not the address of a server", HELP) };
    match url.path() {
        "" | "/" => Ok(text.trim_end_matches('/').to_owned()),
        _ => refuse("has a path: an endpoint is a server alone", HELP),
    }
}

/// Reads a URL that stands for the root of a bucket.
pub(super) fn base_url(node: &Node) -> Result<String, Refusal> {
    let text = text(node)?;
    match web_url(&text) {
        Some(_) => Ok(text),
        None => refuse("is not a URL that keys can follow", "write it as https://host/ or https://host/path/"),
    }
}

/// Parses a URL with http or https, without credentials and parameters.
fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    bare.then_some(url)
}

/// Reads the name of a bucket.
pub(super) fn bucket_name(node: &Node) -> Result<String, Refusal> {
    let text = text(node)?;
    if text.contains(['/', ' ', '\t', '\n']) {
        return refuse("is not the name of a bucket", "write the name alone, without s3:// and without a prefix");
    }
    Ok(text)
}

/// Reads a prefix, which ends in `/`.
pub(super) fn prefix(node: &Node) -> Result<KeyPrefix, Refusal> {
    let text = text(node)?;
    if let Some(key) = text.strip_prefix('/') {
        let message = format!("begins with a /, and the keys under it would too: write {key:?} if they do not");
        if !key.starts_with('/') {
            return Err((message, None));
        }
    }
    KeyPrefix::new(text.as_str()).map_err(|_| {
        let message =
            format!("does not end in /: write \"{text}/\", since {text:?} would also mean {:?}", format!("{text}2"));
        (message, None)
    })
}

/// Reads the brake on the size of a plan.
pub(super) fn max_delete(node: &Node) -> Result<MaxDelete, Refusal> {
    let value = match &node.value {
        Value::Text(text) => text.text.parse().ok(),
        _ => count(node).ok().map(MaxDelete::Count),
    };
    value.ok_or_else(|| {
        ("is not a limit".to_owned(), Some("write a share such as \"20%\" or a number of objects such as 5000"))
    })
}

pub(super) fn show_max_delete(limit: &MaxDelete) -> String {
    match limit {
        MaxDelete::Percent(percent) => format!("{percent}%"),
        MaxDelete::Count(count) => count.to_string(),
    }
}

/// Reads a share in percent.
pub(super) fn share(node: &Node) -> Result<f64, Refusal> {
    match text(node).ok().and_then(|text| text.parse().ok()) {
        Some(MaxDelete::Percent(percent)) => Ok(percent),
        _ => refuse("is not a share", "write \"1%\""),
    }
}

/// Reads whether JPEG files are encoded.
pub(super) fn lepton(node: &Node) -> Result<bool, Refusal> {
    match boolean(node)? {
        true if s3gc_compress::by_id("lepton").is_none() => {
            refuse("cannot be: this build of s3gc has no Lepton", "leave the key out")
        }
        is_on => Ok(is_on),
    }
}

/// Reads to whom packs are encrypted.
pub(super) fn recipient(node: &Node) -> Result<Recipient, Refusal> {
    let parsed: Result<Recipient, InvalidRecipient> = text(node)?.parse();
    parsed.map_err(|error| {
        let help = match error {
            InvalidRecipient::Secret => "write its public key, age1..., and keep the secret one elsewhere",
            _ => "write \"age1...\", as s3gc vault keygen and age-keygen print it",
        };
        (error.to_string(), Some(help))
    })
}

/// Reads the path of an identity file, and makes sure that it is one; what is in it is dropped again.
pub(super) fn identity(node: &Node, base: Option<&Path>) -> Result<PathBuf, Refusal> {
    let text = text(node)?;
    if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
        return refuse("is the identity itself", "write the path of a file with it, which only s3gc can read");
    }
    let path = path(node, base)?;
    match Identities::read(&path) {
        Ok(_) => Ok(path),
        Err(error) => {
            let help = "write the path of an age identity file; s3gc vault keygen FILE makes a new one";
            Err((error.to_string(), Some(help)))
        }
    }
}

/// Reads the codec of the vault.
pub(super) fn compression(node: &Node) -> Result<Compression, Refusal> {
    let text = text(node)?;
    let level = text.strip_prefix("zstd:").map(str::parse::<i32>);
    match (text.as_str(), level) {
        ("zstd", _) => Ok(Compression::default()),
        ("lz4", _) => Ok(Compression::Lz4),
        ("none", _) => Ok(Compression::None),
        (_, Some(Ok(level))) if (1..=22).contains(&level) => Ok(Compression::Zstd(level)),
        (_, Some(_)) => refuse("has no level of 1 to 22", "write \"zstd\" or \"zstd:19\""),
        _ => refuse("is not a codec", "write \"zstd\", \"zstd:LEVEL\", \"lz4\" or \"none\""),
    }
}

pub(super) fn show_compression(compression: &Compression) -> String {
    match compression {
        Compression::Zstd(level) => format!("zstd:{level}"),
        Compression::Lz4 => "lz4".to_owned(),
        Compression::None => "none".to_owned(),
    }
}
