//! Every way to read one string as a key, a URL of one, or the tail of one.
//!
//! The stages run in this order, each for every form that the stage before it found: surrounding blanks and escapes;
//! whose URL it is; query, fragment, slashes and dots; percent-encoding; Unicode normalisation; `strip` and `prepend`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization as _;

use super::places::{Place, Url};
use super::{Extractor, Kind, Outcome, Readings};

/// How deep a URL in a URL, a document in a string, or an encoding of an encoding is followed.
const MAX_DEPTH: u8 = 6;

/// How many of them are followed in one word, so that no value takes long.
const MAX_FOLLOWED: u8 = 32;

/// One value being read.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    pub(super) extractor: &'a Extractor,
    out: &'a mut Readings,
    depth: u8,
    left_to_follow: u8,
    foreign: bool,
    elsewhere: bool,
    pub(super) misunderstood: bool,
}

impl<'a> Pass<'a> {
    pub(super) fn new(extractor: &'a Extractor, out: &'a mut Readings) -> Self {
        Self {
            extractor,
            out,
            depth: 0,
            left_to_follow: MAX_FOLLOWED,
            foreign: false,
            elsewhere: false,
            misunderstood: false,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        if self.misunderstood {
            Outcome::Unread
        } else if !self.out.is_empty() {
            Outcome::Read { foreign: self.foreign }
        } else if self.elsewhere {
            Outcome::Elsewhere
        } else {
            Outcome::Unread
        }
    }

    /// Runs a step one level deeper; `false` if that is too deep.
    pub(super) fn deeper(&mut self, step: impl FnOnce(&mut Self)) -> bool {
        if self.depth == MAX_DEPTH {
            return false;
        }
        self.depth += 1;
        step(self);
        self.depth -= 1;
        true
    }

    /// Follows something found inside of a word, unless enough was followed.
    fn follow(&mut self, step: impl FnOnce(&mut Self)) {
        if let Some(left) = self.left_to_follow.checked_sub(1) {
            self.left_to_follow = left;
            self.deeper(step);
        }
    }

    /// Reads a string that is one locator: a key or a URL.
    pub(super) fn locator(&mut self, text: &str) {
        self.left_to_follow = MAX_FOLLOWED;
        self.forms(text);
    }

    fn forms(&mut self, text: &str) {
        self.place(text);
        let bare = text.trim_matches(is_blank);
        if bare != text {
            self.place(bare);
        }
        if bare.contains('\\') {
            self.place(&bare.replace("\\/", "/"));
            self.place(&bare.replace('\\', "/"));
        }
        if let Cow::Owned(unescaped) = unescape_html(bare) {
            self.place(&unescaped);
        }
    }

    /// Finds out whose URL it is, if it is one.
    fn place(&mut self, text: &str) {
        let Some(url) = Url::parse(text) else { return self.not_a_url(text) };
        let relative = text.starts_with("//");
        match self.extractor.places.place(url) {
            Place::Other => {
                self.elsewhere = true;
                // An image proxy of theirs may show an object of ours.
                self.embedded(text);
                // Two slashes may also begin a key.
                if relative && !url.has_host_name() {
                    self.not_a_url(text);
                }
            }
            Place::Ours(path) => {
                self.unicode(text);
                self.path(path);
                self.embedded(text);
            }
            Place::Foreign(path) => {
                if relative {
                    self.not_a_url(text);
                    self.foreign |= url.has_host_name();
                } else {
                    self.unicode(text);
                    self.foreign = true;
                }
                self.path(path);
                // The first segment may be a bucket.
                if let Some((_, rest)) = path.split_once('/') {
                    self.path(rest);
                }
                self.embedded(text);
            }
        }
    }

    /// Reads a string that begins with no scheme.
    fn not_a_url(&mut self, text: &str) {
        self.path(text);
        let bare = text.trim_start_matches('/');
        if let Some(key) = self.extractor.places.after_bucket(bare) {
            self.path(key);
        }
        if let Some(key) = bare.strip_prefix("arn:aws:s3:::").and_then(|arn| self.extractor.places.after_bucket(arn)) {
            self.path(key);
        }
        let first = bare.split('/').next().unwrap_or_default();
        if first.len() < bare.len()
            && first.contains(['.', ':'])
            && let Some(url) = Url::without_scheme(bare)
            && let Place::Ours(path) | Place::Foreign(path) = self.extractor.places.place(url)
        {
            self.path(path);
        }
        self.embedded(text);
    }

    /// Follows URLs inside of the string: image proxies and redirects carry the original in path or query.
    fn embedded(&mut self, text: &str) {
        let after_own = text.find("://").map_or(0, |at| at + 3);
        let mut from = if Url::parse(text).is_some() { after_own } else { 0 };
        while let Some(at) = text[from..].find("://").map(|at| from + at) {
            let scheme = text[..at].bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
            if scheme > 0 {
                self.follow(|this| this.place(&text[at - scheme..]));
            }
            from = at + 3;
        }
        if let Some((_, query)) = text.split_once('?') {
            for (name, value) in query.split(['&', '#']).filter_map(|pair| pair.split_once('=')) {
                if !is_signature(name) && value.contains(['/', '.', '%']) {
                    self.follow(|this| this.encoded(value));
                }
            }
        }
        for (at, _) in text.match_indices('/') {
            let tail = &text[at + 1..];
            // `{"`, `http` and `s3:` in base64.
            if ["eyJ", "aHR0c", "czM6"].iter().any(|start| tail.starts_with(start)) {
                self.follow(|this| {
                    if let Some(inner) = decode_base64(tail)
                        && !this.try_json(&inner)
                    {
                        this.forms(&inner);
                    }
                });
            }
        }
    }

    /// Reads what follows the root of a bucket, or is a key.
    fn path(&mut self, path: &str) {
        let Some(cut) = path.find(['?', '#']) else { return self.encoded(path) };
        // What is encoded in a signature is no part of a key.
        if path[cut..].contains("X-Amz-Signature=") {
            self.slashes(path);
        } else {
            self.encoded(path);
        }
        self.encoded(&path[..cut]);
        if let Some(fragment) = path.find('#').filter(|at| *at != cut) {
            self.encoded(&path[..fragment]);
        }
    }

    /// Undoes percent-encoding, once and twice, with `+` as itself and as a space.
    fn encoded(&mut self, text: &str) {
        self.slashes(text);
        if !text.contains(['%', '+']) {
            return;
        }
        let mut forms = vec![text.to_owned()];
        if text.contains('+') {
            forms.push(text.replace('+', " "));
            self.slashes(&forms[1]);
        }
        for form in forms {
            let once = decode_percent(&form);
            self.decoded(&once, &form);
            let twice = decode_percent(&once);
            self.decoded(&twice, &once);
            if once.contains('+') {
                self.slashes(&once.replace('+', " "));
            }
        }
    }

    fn decoded(&mut self, text: &str, before: &str) {
        if text == before {
            return;
        }
        self.slashes(text);
        // What was encoded as a whole may be a URL, or have a query.
        if text.contains("://") || text.starts_with("//") || text.contains(['?', '#']) {
            self.follow(|this| this.place(text));
        }
    }

    /// Reads it with and without leading slashes, and as a browser resolves dots and doubled slashes.
    fn slashes(&mut self, text: &str) {
        self.unicode(text);
        let one = text.strip_prefix('/').unwrap_or(text);
        let bare = text.trim_start_matches('/');
        if one != text {
            self.unicode(one);
        }
        if bare != one {
            self.unicode(bare);
        }
        if bare.contains("//") || bare.contains("/.") || bare.starts_with('.') {
            self.unicode(&resolve(bare, false));
            self.unicode(&resolve(bare, true));
        }
    }

    fn unicode(&mut self, text: &str) {
        self.affixes(text);
        if text.is_ascii() {
            return;
        }
        self.affixes(&text.nfc().collect::<String>());
        self.affixes(&text.nfd().collect::<String>());
        if let Some(repaired) = repair(text) {
            self.affixes(&repaired);
            self.affixes(&repaired.nfc().collect::<String>());
        }
    }

    fn affixes(&mut self, text: &str) {
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

    pub(super) fn push(&mut self, text: &str) {
        if self.extractor.kind != Kind::Prefix {
            return self.out.push(text, false);
        }
        // The value may also be the key of the directory's own marker object.
        self.out.push(text, false);
        let bare = text.trim_end_matches('/');
        if !bare.is_empty() {
            self.out.push(&format!("{bare}/"), true);
        }
        if text.ends_with('/') {
            self.out.push(text, true);
        }
    }
}

/// Undoes UTF-8 that was taken for Latin-1 (`cafÃ©`), as a connection with the wrong character set stores it.
fn repair(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = text.chars().map(latin_1).collect();
    String::from_utf8(bytes?).ok()
}

/// The byte of a character in Latin-1 as browsers and MySQL mean it: Windows-1252 (WHATWG Encoding Standard).
fn latin_1(c: char) -> Option<u8> {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let plain = u8::try_from(u32::from(c)).ok();
    plain.or_else(|| HIGH.chars().position(|high| high == c).and_then(|at| u8::try_from(0x80 + at).ok()))
}

/// White space, and what editors and spreadsheets leave around a value.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{feff}' | '\u{200b}' | '\u{200e}' | '\u{200f}')
}

/// The parameters of a signature: their values are long, secret, and never keys.
fn is_signature(name: &str) -> bool {
    name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
        || matches!(name, "Signature" | "AWSAccessKeyId" | "Expires" | "Policy" | "Key-Pair-Id")
}

/// Decodes `%XX`; bytes that are not UTF-8 are taken as Latin-1.
fn decode_percent(text: &str) -> String {
    let bytes: Cow<'_, [u8]> = percent_decode_str(text).into();
    String::from_utf8(bytes.into_owned())
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

/// Decodes a URL or a document in base64, which may be cut into segments and end in an extension.
fn decode_base64(tail: &str) -> Option<String> {
    let packed: String = tail.split(['.', '?', '#', '=']).next()?.split('/').collect();
    let bytes = URL_SAFE_NO_PAD.decode(&packed).or_else(|_| STANDARD_NO_PAD.decode(&packed)).ok()?;
    String::from_utf8(bytes).ok()
}

/// Undoes the escapes of HTML that occur in URLs.
fn unescape_html(text: &str) -> Cow<'_, str> {
    const ESCAPES: [(&str, &str); 10] = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&#x2F;", "/"),
        ("&#x2f;", "/"),
        ("&#47;", "/"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    if !(text.contains('&') && text.contains(';')) {
        return Cow::Borrowed(text);
    }
    let mut result = Cow::Borrowed(text);
    for (escape, plain) in ESCAPES {
        if result.contains(escape) {
            result = Cow::Owned(result.replace(escape, plain));
        }
    }
    result
}

/// Resolves `.` and `..`, and with `merge` also makes one slash of several.
fn resolve(path: &str, merge: bool) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            "" if merge && !segments.is_empty() => {}
            _ => segments.push(segment),
        }
    }
    segments.join("/")
}
