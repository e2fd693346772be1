//! From a column value to readings: every plausible way to read the value as a key or a key prefix.
//!
//! Applications store keys in many forms: bare, with a leading slash, as URLs of the bucket, of a CDN or with a signature,
//! percent-encoded, in JSON, in arrays, in HTML. A collector that misses one form deletes what is in use, so a value marks
//! every reading that is plausible, and a wrong reading can only keep an object. The module is pure: no clock, no network.
//!
//! The way of a value: `documents` takes JSON, serialised PHP, arrays and text apart into strings, with the help of
//! `json`, `php` and `words`; `locator` reads each string, with `places` telling whose URL it is, `proxies` finding URLs
//! in URLs and `encodings` undoing escapes; `readings` collects what they find.
//!
//! No value takes long: nesting, following and the sum of all readings are bounded, and a value that was not read to its
//! end for that is [`Outcome::Unread`].

mod aws;
mod config;
mod documents;
mod encodings;
mod json;
mod json_path;
mod locator;
mod php;
mod places;
mod preset;
mod proxies;
mod readings;
mod template;
mod variants;
mod words;

pub use config::{ExtractConfig, InvalidExtract, Kind};
use json_path::JsonPath;
use locator::Pass;
use places::Places;
pub use preset::{InvalidPreset, Preset, PresetColumn, PresetOptions};
pub use readings::Readings;
pub use template::{Filter, InvalidTemplate, Template};
pub use variants::{InvalidVariant, Variants};

use crate::{BatchBuilder, ColumnCounts, Origin};

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
    show_values: bool,
    json_paths: Vec<JsonPath>,
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
        if !config.json_paths.is_empty() && config.kind != Kind::Json {
            return Err(InvalidExtract::NotJson(config.kind));
        }
        let json_paths = config.json_paths.iter().map(|path| JsonPath::parse(path)).collect::<Result<_, _>>()?;
        let places = Places::new(&config)?;
        Ok(Self {
            kind: config.kind,
            strip: config.strip,
            prepend: config.prepend,
            show_values: config.show_values,
            json_paths,
            places,
        })
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
        let mut pass = Pass::new(self, value, out);
        match self.kind {
            Kind::Auto => pass.auto(value),
            Kind::Key | Kind::Url | Kind::Prefix | Kind::Template => pass.locator(value),
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
                if self.show_values {
                    batch.sample_unread(text);
                } else {
                    batch.sample_unread(&ColumnCounts::mask(text));
                }
            }
            _ => {}
        }
    }

    /// Tells whether the value has one reading, itself, without looking closer: the common case, so the fast one.
    fn is_plain_key(&self, value: &str) -> bool {
        matches!(self.kind, Kind::Auto | Kind::Key | Kind::Url | Kind::Text | Kind::Template)
            && self.is_plain_word(value)
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
        let has_more = || self.places.after_bucket(value).is_some() || value.split('/').any(proxies::is_instruction);
        !(slashed && has_more()) && (dotted || locator::in_base64(value).is_none())
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
