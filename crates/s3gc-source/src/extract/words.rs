//! Text: HTML, Markdown, lists, prose.

use std::borrow::Cow;

use super::locator::Pass;
use super::{MAX_KEY_BYTES, encodings};

/// What parts strings in any kind of text.
const TAGS: &[char] = &['<', '>', '"'];
/// What parts them in some, and is part of a key in others.
const QUOTES: &[char] = &['\'', '`', '<', '>', '"'];
/// What may stand before, between and after them.
const PUNCTUATION: &[char] = &['(', ')', '[', ']', '{', '}', '|', ',', ';', '\'', '`', '*', '\\'];

/// No word of a text that is longer than this is a URL of a key: the longest key, percent-encoded three times, with a
/// signature and the token of a session.
pub(super) const MAX_WORD_BYTES: usize = 16 * MAX_KEY_BYTES;

/// No key with blanks in it, in a text, is longer than this.
const MAX_PHRASE_BYTES: usize = 2 * MAX_KEY_BYTES;

/// How many names before a value are looked at.
const MAX_NAMES: usize = 3;

/// How many parentheses around a word are looked at.
const MAX_NESTED: usize = 8;

/// Tells whether there is anything in a string that parts words.
pub(super) fn is_parted(text: &str) -> bool {
    text.bytes().any(|b| PARTS[usize::from(b)])
        || after_name(text).is_some()
        || !text.is_ascii() && text.contains(char::is_whitespace)
}

/// Tells whether it is a piece of HTML.
pub(super) fn is_markup(text: &str) -> bool {
    ["</", "/>", "=\""].iter().any(|sign| text.contains(sign))
}

/// Returns what follows `name=` or `name:`, unless it is a URL or an ARN.
fn after_name(word: &str) -> Option<&str> {
    if word.starts_with("arn:") {
        return None;
    }
    let length = word.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
    let value = word[length..].trim_start_matches(':');
    let value = if value.len() == word.len() - length { value.strip_prefix('=')? } else { value };
    (!value.is_empty() && !value.starts_with("//")).then_some(value)
}

/// The bytes that part words.
const PARTS: [bool; 256] = {
    let mut parts = [false; 256];
    let bytes = b" \t\n\r\x0b\x0c<>\"()[]{}|,;'`*\\";
    let mut at = 0;
    while at < bytes.len() {
        parts[bytes[at] as usize] = true;
        at += 1;
    }
    parts
};

impl Pass<'_> {
    /// Reads every URL and every key-shaped word of a text. Since a key may hold what parts words in another text, the
    /// text is parted in several ways.
    pub(super) fn words(&mut self, text: &str) {
        for word in text.split(|c: char| c.is_whitespace() || TAGS.contains(&c)) {
            self.parts(word, word.len() == text.len());
        }
        // Names with blanks: a line, what stands in quotes, what stands in parentheses.
        text.lines().for_each(|line| self.phrase(line));
        for quote in QUOTES.iter().filter(|quote| text.contains(**quote)) {
            text.split(*quote).for_each(|part| self.phrase(part));
        }
        for mark in [',', ';', '|', '>', '<', '\t'] {
            if text.contains(mark) {
                text.split([mark, '\n', '<', '>']).for_each(|part| self.phrase(part));
            }
        }
        self.parentheses(text);
        // Quotes, slashes and brackets that are escaped part nothing before they are unescaped: JSON in an attribute.
        if ["&quot;", "&#", "&lt;", "&sol;"].iter().any(|escape| text.contains(escape))
            && let Cow::Owned(plain) = encodings::html(text)
        {
            self.deeper(|this| this.words(&plain));
        }
    }

    /// Reads what stands between blanks, and its parts.
    fn parts(&mut self, word: &str, is_all: bool) {
        // The whole was read already, if it is not too long.
        if !is_all || word.len() > MAX_WORD_BYTES {
            self.word(word);
        }
        if word.contains(QUOTES) {
            word.split(QUOTES).for_each(|part| self.word(part));
        }
        let mut longest = word.len();
        if word.contains(PUNCTUATION) {
            longest = 0;
            for part in word.split(PUNCTUATION) {
                longest = longest.max(part.len());
                self.word(part);
            }
        }
        if let Some(value) = after_name(word).filter(|_| is_all) {
            self.word(value);
        }
        // An image that is written out in the text names nothing.
        self.misunderstood |= longest > MAX_WORD_BYTES && !word.contains(";base64,");
    }

    /// Reads what stands between parentheses, which may hold others: `![](a_(1).jpg)`.
    fn parentheses(&mut self, text: &str) {
        let mut open = Vec::new();
        for (at, c) in text.char_indices() {
            match c {
                '(' => {
                    if open.len() == MAX_NESTED {
                        open.remove(0);
                    }
                    open.push(at + 1);
                }
                ')' => {
                    if let Some(start) = open.pop() {
                        self.word(&text[start..at]);
                    }
                }
                '\n' => open.clear(),
                _ => {}
            }
        }
    }

    fn phrase(&mut self, text: &str) {
        let bare = text.trim();
        let key_shaped = bare.contains('/') || bare.trim_end_matches('.').contains('.');
        // A line of HTML is no name; what its tags and quotes hold is read on its own.
        if key_shaped && !is_markup(bare) && bare.len() <= MAX_PHRASE_BYTES && bare.contains(char::is_whitespace) {
            self.word(bare);
        }
    }

    fn word(&mut self, word: &str) {
        let mut rest = word;
        // `File:a/b.jpg`, `data:src="a/b.jpg"`: the names before a value are few.
        for _ in 0..MAX_NAMES {
            let bare = self.named(rest);
            match after_name(bare) {
                Some(value) => rest = value,
                None => return,
            }
        }
    }

    /// Reads a word, and returns it without the punctuation around it.
    fn named<'t>(&mut self, word: &'t str) -> &'t str {
        let key_shaped = |b: u8| b.is_ascii_digit() || matches!(b, b'/' | b'.' | b'_' | b'-' | b'%');
        if word.len() > MAX_WORD_BYTES || !word.bytes().any(key_shaped) {
            return "";
        }
        if self.extractor.is_plain_word(word) {
            self.affixes(word);
        } else {
            self.locator(word);
        }
        let bare = word.trim_matches(|c: char| {
            matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '[' | ']' | '*' | '\\' | '"' | '\'' | '`')
        });
        if bare.len() < word.len() && !bare.is_empty() {
            self.locator(bare);
        }
        bare
    }
}
