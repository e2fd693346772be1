//! From a column value to readings: every plausible way to read the value as a key or a key prefix.
//!
//! Applications store keys in many forms: bare, with a leading slash, as URLs of the bucket, of a CDN or with a signature,
//! percent-encoded, in JSON, in arrays, in HTML. A collector that misses one form deletes what is in use, so a value marks
//! every reading that is plausible, and a wrong reading can only keep an object. The module is pure: no clock, no network.
//!
//! The way of a value: `documents` takes JSON, arrays and text apart into strings; `locator` reads each string, with
//! `places` telling whose URL it is; `readings` collects what they find.

mod documents;
mod locator;
mod places;
mod readings;

use locator::Pass;
use places::Places;
pub use readings::Readings;
use serde::{Deserialize, Serialize};

use crate::{BatchBuilder, Origin};

/// What a column holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// To be seen from each value: a key, a URL, JSON, an array or text.
    #[default]
    Auto,
    /// One key, or a URL of one; the value is never taken apart.
    Key,
    /// One URL, or a bare key; the value is never taken apart.
    Url,
    /// A JSON document: every string in it, object keys too.
    Json,
    /// An array, as PostgreSQL writes it (`{a,"b c"}`) or as JSON.
    Array,
    /// HTML, Markdown or plain text: every URL and every key-shaped word in it.
    Text,
    /// The name of a directory: everything under it is referenced.
    Prefix,
}

/// How to read the values of a column as keys of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtractConfig {
    /// The bucket; empty where the store has no such name.
    pub bucket: String,
    /// The addresses of the S3-compatible server, such as `https://minio.example.com:9000`.
    pub endpoints: Vec<String>,
    /// URLs that stand for the bucket's root, such as `https://cdn.example.com/assets/`.
    pub base_urls: Vec<String>,
    /// The other buckets that are configured: a URL of one of them is no reference to this one.
    pub other_buckets: Vec<String>,
    /// The base URLs of those other buckets.
    pub other_base_urls: Vec<String>,
    /// What the column holds.
    pub kind: Kind,
    /// What stands before each key in the column and is not part of it. The value is read with it, too.
    pub strip: Option<String>,
    /// What stands before each key in the bucket and is missing in the column. The value is read without it, too.
    pub prepend: Option<String>,
}

/// Why a configuration makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidExtract {
    /// A base URL or an endpoint has no host.
    #[error("{0:?} is not a URL: write it as https://host/path")]
    Url(String),
    /// `strip` or `prepend` is there and empty.
    #[error("{0} is empty: leave it out")]
    Empty(&'static str),
}

/// What came of reading a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing in it.
    Blank,
    /// It was read.
    Read {
        /// It is, or holds, a URL of a host that is not configured; its path is marked all the same.
        foreign: bool,
    },
    /// It only names objects of other configured buckets.
    Elsewhere,
    /// It is not what its column should hold, or too long for a key. There may be readings all the same.
    Unread,
}

/// Reads the values of one column.
///
/// # Examples
///
/// ```
/// use s3gc_source::Reading;
/// use s3gc_source::extract::{ExtractConfig, Extractor, Outcome, Readings};
///
/// let extractor = Extractor::new(ExtractConfig { bucket: "photos".into(), ..ExtractConfig::default() })?;
/// let mut readings = Readings::default();
/// let outcome = extractor.extract("https://photos.s3.amazonaws.com/a%20b.jpg?X-Amz-Expires=60", &mut readings);
/// assert_eq!(outcome, Outcome::Read { foreign: false });
/// assert!(readings.iter().any(|reading| reading == Reading::Key("a b.jpg")));
/// # Ok::<(), s3gc_source::extract::InvalidExtract>(())
/// ```
#[derive(Clone, Debug)]
pub struct Extractor {
    kind: Kind,
    strip: Option<String>,
    prepend: Option<String>,
    places: Places,
}

impl Extractor {
    /// Makes an extractor.
    ///
    /// # Errors
    ///
    /// [`InvalidExtract`] if the configuration makes no sense.
    pub fn new(config: ExtractConfig) -> Result<Self, InvalidExtract> {
        for (name, affix) in [("strip", &config.strip), ("prepend", &config.prepend)] {
            if affix.as_deref() == Some("") {
                return Err(InvalidExtract::Empty(name));
            }
        }
        let places = Places::new(&config)?;
        Ok(Self { kind: config.kind, strip: config.strip, prepend: config.prepend, places })
    }

    /// Reads a value: `out` then holds its readings, each once, and nothing else.
    pub fn extract(&self, value: &str, out: &mut Readings) -> Outcome {
        out.clear();
        if self.is_plain_key(value) {
            out.push(value, false);
            return Outcome::Read { foreign: false };
        }
        if value.trim().is_empty() {
            return Outcome::Blank;
        }
        let mut pass = Pass::new(self, out);
        match self.kind {
            Kind::Auto => pass.auto(value),
            Kind::Key | Kind::Url | Kind::Prefix => pass.locator(value),
            Kind::Json => pass.json(value),
            Kind::Array => pass.array(value),
            Kind::Text => pass.text(value),
        }
        pass.outcome()
    }

    /// Reads a value as the database gave it, and adds it with its readings and counts to a batch. `scratch` saves
    /// allocations from value to value.
    ///
    /// A value that is not UTF-8 counts as unread, and is marked as Latin-1.
    pub fn extract_into(
        &self,
        value: Option<&[u8]>,
        origin: Option<impl FnOnce(&str) -> Origin>,
        scratch: &mut Readings,
        batch: &mut BatchBuilder,
    ) {
        let Some(bytes) = value else { return batch.push_null() };
        let latin;
        let (text, valid) = match std::str::from_utf8(bytes) {
            Ok(text) => (text, true),
            Err(_) => {
                latin = bytes.iter().copied().map(char::from).collect::<String>();
                (latin.as_str(), false)
            }
        };
        let mut outcome = self.extract(text, scratch);
        if !valid {
            outcome = Outcome::Unread;
        }
        match outcome {
            // A row that says nothing of this bucket.
            Outcome::Blank | Outcome::Elsewhere => return batch.push_blank(),
            Outcome::Read { .. } | Outcome::Unread => {}
        }
        match origin {
            Some(origin) => batch.push_traced(origin(text), scratch.iter()),
            None => batch.push_value(scratch.iter()),
        }
        match outcome {
            Outcome::Read { foreign: true } => batch.count_foreign(),
            Outcome::Unread => {
                if !scratch.is_empty() {
                    batch.count_unread();
                }
                batch.sample_unread(text);
            }
            _ => {}
        }
    }

    /// Tells whether the value has one reading, itself, without looking closer: the common case, so the fast one.
    fn is_plain_key(&self, value: &str) -> bool {
        matches!(self.kind, Kind::Auto | Kind::Key | Kind::Url | Kind::Text) && self.is_plain_word(value)
    }

    /// The same for a word of a document.
    fn is_plain_word(&self, value: &str) -> bool {
        let no_affixes = self.strip.is_none() && self.prepend.is_none();
        if !no_affixes || value.is_empty() || value.len() > MAX_KEY_BYTES {
            return false;
        }
        // A dot before the first slash may be a host; `//`, `/.` and a leading slash have more than one reading.
        let (mut before, mut dotted, mut slashed) = (b'/', false, false);
        for &byte in value.as_bytes() {
            if !PLAIN[usize::from(byte)] || (before == b'/' && (byte == b'/' || byte == b'.')) {
                return false;
            }
            if byte == b'/' {
                if dotted && !slashed {
                    return false;
                }
                slashed = true;
            }
            dotted |= byte == b'.';
            before = byte;
        }
        !(slashed && self.places.after_bucket(value).is_some())
    }
}

/// The longest key; what is longer is no reading.
const MAX_KEY_BYTES: usize = s3gc_store::MAX_KEY_BYTES;

/// The bytes that mean themselves in every form.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256, and a const cannot call try_from")]
        let c = byte as u8;
        plain[byte] = c.is_ascii_alphanumeric() || matches!(c, b'/' | b'_' | b'.' | b'-');
        byte += 1;
    }
    plain
};

#[cfg(test)]
mod tests;
