//! What stands before the keys in a column, or is missing there: looked for where no value exists as it is.

use std::collections::BTreeMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use s3gc_source::extract::{ExtractConfig, Extractor, Readings};
use url::Url;

use super::bucket::{Bucket, Question};
use super::values::Form;
use crate::error::Result;

/// How many values of a column are tried, and how many strings of each.
pub(super) const MAX_VALUES: usize = 8;
const MAX_STRINGS: usize = 4;
/// How many directories of the bucket are tried before a value.
pub(super) const MAX_DIRECTORIES: usize = 20;
/// How many segments of a path are tried as something that is no part of the key.
const MAX_SEGMENTS: usize = 4;
const CONCURRENCY: usize = 32;

/// The difference between a column's values and the keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Affix {
    /// Stands in the column alone.
    Strip(String),
    /// Stands in the bucket alone.
    Prepend(String),
    /// Stands before the key in a URL: host and base.
    Base(String, String),
}

impl Affix {
    /// Reads values with it.
    pub(super) fn apply(&self, extract: &ExtractConfig) -> ExtractConfig {
        let mut extract = extract.clone();
        match self {
            Self::Strip(strip) => extract.strip = Some(strip.clone()),
            Self::Prepend(prepend) => extract.prepend = Some(prepend.clone()),
            Self::Base(_, base) => extract.base_urls.push(base.clone()),
        }
        extract
    }
}

/// Finds the affix with which most of the values exist.
pub(super) async fn find(bucket: &Bucket, values: &[String], directories: &[String]) -> Result<Option<Affix>> {
    let values = values.iter().take(MAX_VALUES);
    let tries: Vec<(Affix, String)> = values.flat_map(|value| tries(value, directories)).collect();
    let found: Vec<Option<Affix>> = stream::iter(tries)
        .map(|(affix, key)| async move {
            let found = bucket.first(vec![Question::Key(key)]).await?;
            Ok::<_, crate::Error>(found.map(|_| affix))
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await?;
    let mut counts: BTreeMap<Affix, usize> = BTreeMap::new();
    for affix in found.into_iter().flatten() {
        *counts.entry(affix).or_default() += 1;
    }
    Ok(counts.into_iter().max_by_key(|(_, count)| *count).map(|(affix, _)| affix))
}

/// Lists what a value could mean as a key: itself, or strings of a document that look like names of files.
pub(super) fn meanings(value: &str, form: Form, auto: &Extractor) -> Vec<String> {
    let value = value.trim();
    match form {
        Form::Key | Form::Url if !value.contains('@') => vec![value.to_owned()],
        Form::Json | Form::Array | Form::Text => {
            let mut readings = Readings::default();
            auto.extract(value, &mut readings);
            let is_file = |text: &&str| {
                let name = text.rsplit('/').next().unwrap_or_default();
                let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
                (2..=5).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric())
            };
            let files = readings.iter().map(|reading| reading.as_str()).filter(is_file);
            files.take(MAX_STRINGS).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Lists every affix that is tried with a value, with the key that the value then means.
fn tries(value: &str, directories: &[String]) -> Vec<(Affix, String)> {
    if let Ok(url) = Url::parse(value)
        && let Some(host) = url.host_str()
    {
        let path = url.path().trim_start_matches('/').to_owned();
        let base = |head: &str| {
            let base = format!("{}/{head}", url.origin().ascii_serialization());
            Affix::Base(host.to_owned(), base)
        };
        return tails(&path).map(|(head, tail)| (base(head), tail.to_owned())).collect();
    }
    let bare = value.trim_start_matches('/');
    let strip = |head: &str| Affix::Strip(value[..value.len() - bare.len() + head.len()].to_owned());
    let strips = tails(bare).map(|(head, tail)| (strip(head), tail.to_owned()));
    let prepends = directories.iter().map(|name| (Affix::Prepend(name.clone()), format!("{name}{bare}")));
    strips.chain(prepends).collect()
}

/// Takes one segment after the other off a path.
fn tails(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.match_indices('/').take(MAX_SEGMENTS).map(|(slash, _)| path.split_at(slash + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_directories_are_tried() {
        let names = |value: &str| -> Vec<String> {
            let tried = tries(value, &["up/".to_owned()]);
            tried.into_iter().map(|(affix, key)| format!("{affix:?} {key}")).collect()
        };
        assert_eq!(
            names("/m/a/b.jpg"),
            ["Strip(\"/m/\") a/b.jpg", "Strip(\"/m/a/\") b.jpg", "Prepend(\"up/\") up/m/a/b.jpg"]
        );
        assert_eq!(names("https://x.example/m/b.jpg?w=1"), ["Base(\"x.example\", \"https://x.example/m/\") b.jpg"]);
    }
}
