//! Every way to read one string as a key, a URL of one, or the tail of one.
//!
//! The stages run in this order, each for every form that the stage before it found: surrounding blanks and escapes;
//! whose URL it is; query, fragment, slashes and dots; percent-encoding; Unicode normalisation; `strip` and `prepend`.

use super::encodings::{self, resolve};
use super::places::{Place, Url};
use super::{Extractor, Kind, MAX_KEY_BYTES, Outcome, Readings};

/// How deep a URL in a URL, a document in a string, or an encoding of an encoding is followed.
const MAX_DEPTH: u8 = 8;

/// How many of them are followed in one word, so that no value takes long.
const MAX_FOLLOWED: u8 = 64;

/// How many directories of a path that is not known to begin at a bucket's root are left out, one after the other.
const MAX_TAILS: usize = 32;

/// How often percent-encoding is undone: a link in a redirect in a log is encoded three times.
const MAX_ENCODINGS: u8 = 3;

/// How many bytes of readings a value of any length may cost, and how many more each of its bytes may. Text costs below
/// 100, a signed URL below 50.
const BASE_BUDGET: usize = 1 << 20;
const BUDGET_A_BYTE: usize = 400;

/// One value being read.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub(super) extractor: &'a Extractor,
    pub(super) out: &'a mut Readings,
    depth: u8,
    /// How many arrays and objects of JSON it is in.
    pub(super) nested: u8,
    left_to_follow: u8,
    budget: usize,
    foreign: bool,
    elsewhere: bool,
    /// It is not what it should be, or was not read to its end.
    pub(super) misunderstood: bool,
    /// It is a document, read to its end.
    pub(super) document: bool,
    /// There is a string in the document that is not blank.
    pub(super) has_strings: bool,
}

impl<'a> Pass<'a> {
    pub(super) fn new(extractor: &'a Extractor, value: &str, out: &'a mut Readings) -> Self {
        Self {
            extractor,
            out,
            depth: 0,
            nested: 0,
            left_to_follow: MAX_FOLLOWED,
            budget: value.len().saturating_mul(BUDGET_A_BYTE).saturating_add(BASE_BUDGET),
            foreign: false,
            elsewhere: false,
            misunderstood: false,
            document: false,
            has_strings: false,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        if self.misunderstood || self.out.is_full() {
            Outcome::Unread
        } else if !self.out.is_empty() {
            Outcome::Read { foreign: self.foreign }
        } else if self.elsewhere {
            Outcome::Elsewhere
        } else if self.document && !self.has_strings {
            Outcome::Blank
        } else {
            Outcome::Unread
        }
    }

    /// Runs a step one level deeper, unless that is too deep.
    pub(super) fn deeper(&mut self, step: impl FnOnce(&mut Self)) {
        if self.depth == MAX_DEPTH {
            self.misunderstood = true;
            return;
        }
        self.depth += 1;
        step(self);
        self.depth -= 1;
    }

    /// Follows something found inside of a word, unless enough was followed.
    pub(super) fn follow(&mut self, step: impl FnOnce(&mut Self)) {
        match self.left_to_follow.checked_sub(1) {
            Some(left) => {
                self.left_to_follow = left;
                self.deeper(step);
            }
            None => self.misunderstood = true,
        }
    }

    /// Pays for the reading of some bytes; `false` if there was enough of it.
    fn spend(&mut self, bytes: usize) -> bool {
        let left = self.budget.checked_sub(bytes);
        self.misunderstood |= left.is_none();
        self.budget = left.unwrap_or(0);
        left.is_some()
    }

    /// Reads a string that is one locator: a key or a URL.
    pub(super) fn locator(&mut self, text: &str) {
        self.left_to_follow = MAX_FOLLOWED;
        self.forms(text);
    }

    pub(super) fn forms(&mut self, text: &str) {
        self.place(text);
        let bare = text.trim_matches(is_blank);
        if bare.len() < text.len() {
            self.place(bare);
        }
        if bare.contains('\\') || bare.contains("%u") || bare.contains('&') && bare.contains(';') {
            self.escaped(bare);
        }
        if let Some(inner) = in_base64(bare) {
            self.follow(|this| this.unpacked(&inner));
        }
    }

    /// Undoes the escapes of HTML, JSON and Markdown, and one after the other.
    fn escaped(&mut self, bare: &str) {
        let html = encodings::html(bare);
        let changed = html != bare;
        if changed {
            self.place(&html);
        }
        for text in [bare, &html].into_iter().take(1 + usize::from(changed)) {
            let backslash = text.contains('\\');
            if (backslash || text.contains("%u"))
                && let Some(plain) = encodings::javascript(text)
            {
                self.place(&plain);
            }
            if backslash {
                self.place(&text.replace('\\', "/"));
                if let Some(plain) = encodings::markdown(text) {
                    self.place(&plain);
                }
            }
        }
    }

    /// Reads what was packed in base64: a URL, a key, or a document in which an image server finds them.
    pub(super) fn unpacked(&mut self, inner: &str) {
        if !self.try_json(inner) {
            self.forms(inner);
        }
    }

    /// Finds out whose URL it is, if it is one.
    pub(super) fn place(&mut self, text: &str) {
        if !self.spend(text.len()) {
            return;
        }
        let relative = text.starts_with("//");
        let Some((place, has_host_name)) = self.located(text) else { return self.not_a_url(text) };
        match place {
            Place::Other => {
                self.elsewhere = true;
                // An image proxy of theirs may show an object of ours.
                self.embedded(text);
                // Two slashes may also begin a key.
                if relative && !has_host_name {
                    self.not_a_url(text);
                }
            }
            Place::Ours(path) => {
                self.unicode(text);
                self.path(path);
                self.transformed(path);
                self.embedded(text);
            }
            Place::Configured { key, path } => {
                self.path(key);
                self.outside(text, path);
            }
            Place::Foreign(path) => {
                self.foreign |= !relative || has_host_name;
                self.outside(text, path);
            }
        }
    }

    /// Tells where a URL or an ARN points, and whether its host looks like one.
    fn located<'t>(&self, text: &'t str) -> Option<(Place<'t>, bool)> {
        let places = &self.extractor.places;
        if let Some(place) = places.arn(text.strip_prefix("s3://").unwrap_or(text)) {
            return Some((place, true));
        }
        Url::parse(text).map(|url| (places.place(url), url.has_host_name()))
    }

    /// Reads a URL of which it is not certain where in its path the key begins.
    fn outside(&mut self, text: &str, path: &str) {
        if text.starts_with("//") {
            self.not_a_url(text);
        } else {
            self.unicode(text);
            self.embedded(text);
        }
        self.path(path);
        self.tails(path);
    }

    /// Reads a string that begins with no scheme.
    fn not_a_url(&mut self, text: &str) {
        self.path(text);
        let bare = text.trim_start_matches('/');
        if let Some(key) = self.extractor.places.after_bucket(bare) {
            self.path(key);
        }
        let first = bare.split('/').next().unwrap_or_default();
        if first.len() < bare.len()
            && first.contains(['.', ':'])
            && let Some(url) = Url::without_scheme(bare)
        {
            match self.extractor.places.place(url) {
                Place::Ours(path) => self.path(path),
                Place::Configured { key, path } => {
                    self.path(key);
                    self.path(path);
                    self.tails(path);
                }
                Place::Foreign(path) => {
                    self.path(path);
                    self.tails(path);
                }
                Place::Other => {}
            }
        }
        self.transformed(bare);
        self.embedded(text);
    }

    /// Reads a path as if the key began after each of its first slashes: in the URL of an unknown host, the first
    /// segment may be a bucket, and others may tell an image server what to do.
    pub(super) fn tails(&mut self, path: &str) {
        let end = path.find(['?', '#']).unwrap_or(path.len());
        for (n, (at, _)) in path.match_indices('/').enumerate() {
            if n == MAX_TAILS {
                self.misunderstood = true;
                return;
            }
            match &path[at + 1..] {
                tail if n == 0 => self.path(tail),
                _ if at < end => self.encoded(&path[at + 1..end]),
                tail => self.encoded(tail),
            }
        }
        self.packed_tails(&path[..end]);
    }

    /// Reads what follows the root of a bucket, or is a key.
    pub(super) fn path(&mut self, path: &str) {
        let Some(cut) = path.bytes().position(|b| matches!(b, b'?' | b'#')) else { return self.encoded(path) };
        // What is encoded in a signature is no part of a key.
        if path[cut..].contains("Signature=") {
            self.unicode(path);
        } else {
            self.encoded(path);
        }
        self.encoded(&path[..cut]);
        if let Some(fragment) = path.find('#').filter(|at| *at != cut) {
            self.encoded(&path[..fragment]);
        }
    }

    /// Undoes percent-encoding, several times, with `+` as itself and as a space.
    fn encoded(&mut self, text: &str) {
        self.slashes(text);
        if !text.bytes().any(|b| matches!(b, b'%' | b'+')) {
            return;
        }
        self.percent(text);
        if text.contains('+') {
            let spaced = text.replace('+', " ");
            self.slashes(&spaced);
            self.percent(&spaced);
        }
    }

    fn percent(&mut self, text: &str) {
        let mut before = text.to_owned();
        for _ in 0..MAX_ENCODINGS {
            if !before.contains('%') {
                return;
            }
            let decoded = encodings::percent(&before);
            if decoded == before {
                return;
            }
            self.decoded(&decoded);
            if decoded.contains('+') {
                self.slashes(&decoded.replace('+', " "));
            }
            before = decoded;
        }
    }

    fn decoded(&mut self, text: &str) {
        self.slashes(text);
        if let Some(key) = self.extractor.places.after_bucket(text.trim_start_matches('/')) {
            self.slashes(key);
        }
        // What was encoded as a whole may be a URL, or have a query.
        if text.contains("://") || text.starts_with("//") || text.contains(['?', '#']) {
            self.follow(|this| this.place(text));
        }
    }

    /// Reads it with and without leading slashes, and as a browser resolves dots and doubled slashes.
    pub(super) fn slashes(&mut self, text: &str) {
        self.unicode(text);
        let one = text.strip_prefix('/').unwrap_or(text);
        let bare = text.trim_start_matches('/');
        if one.len() < text.len() {
            self.unicode(one);
        }
        if bare.len() < one.len() {
            self.unicode(bare);
        }
        // What is longer shrinks by its dots at most to a key that has none.
        if bare.len() <= 4 * MAX_KEY_BYTES && (bare.starts_with('.') || bare.contains("//") || bare.contains("/.")) {
            self.unicode(&resolve(bare, false));
            self.unicode(&resolve(bare, true));
        }
    }

    fn unicode(&mut self, text: &str) {
        if !self.spend(text.len()) {
            return;
        }
        self.affixes(text);
        // Normalisation makes a string shorter, but not to less than a third.
        if text.is_ascii() || text.len() > 4 * MAX_KEY_BYTES {
            return;
        }
        let (composed, decomposed) = encodings::normalised(text);
        self.affixes(&composed);
        self.affixes(&decomposed);
        if let Some(repaired) = encodings::repair(text) {
            self.affixes(&repaired);
            self.affixes(&encodings::normalised(&repaired).0);
        }
    }

    pub(super) fn affixes(&mut self, text: &str) {
        self.push(text);
        let stripped = self.extractor.strip.as_deref().and_then(|strip| text.strip_prefix(strip));
        if let Some(stripped) = stripped {
            self.push(stripped);
            self.push(stripped.trim_start_matches('/'));
        }
        if let Some(prepend) = self.extractor.prepend.as_deref() {
            let bare = stripped.unwrap_or(text);
            let unslashed = bare.trim_start_matches('/');
            for rest in [bare, unslashed, text] {
                self.push(&format!("{prepend}{rest}"));
            }
            if !prepend.ends_with('/') {
                self.push(&format!("{prepend}/{unslashed}"));
            }
        }
    }

    fn push(&mut self, text: &str) {
        self.out.push(text, false);
        if self.extractor.kind != Kind::Prefix {
            return;
        }
        // The value may also be the key of the directory's own marker object.
        let bare = text.trim_end_matches('/');
        if !bare.is_empty() {
            self.out.push(&format!("{bare}/"), true);
        }
        if text.ends_with('/') {
            self.out.push(text, true);
        }
        // A playlist names its segments by their names in its directory.
        if let Some((directory, file)) = text.rsplit_once('/')
            && !directory.trim_matches('/').is_empty()
            && is_manifest(file)
        {
            self.out.push(&text[..=directory.len()], true);
        }
    }
}

/// The manifests of HLS (RFC 8216), MPEG-DASH (ISO/IEC 23009-1), Smooth Streaming and HDS, and the index of a DICOM file
/// set (DICOM PS3.10).
fn is_manifest(file: &str) -> bool {
    let manifests = ["m3u8", "m3u", "mpd", "ism", "isml", "f4m"];
    let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
    manifests.iter().any(|known| known.eq_ignore_ascii_case(extension)) || file.eq_ignore_ascii_case("DICOMDIR")
}

/// Decodes a word in base64 that holds a URL, a path or a document.
pub(super) fn in_base64(word: &str) -> Option<String> {
    let packed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
    if word.len() < 8 || !word.bytes().all(packed) || !word.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    encodings::base64(word).filter(|inner| inner.contains(['/', '.', ':', '{']))
}

/// White space, and what editors and spreadsheets leave around a value.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{200f}')
}
