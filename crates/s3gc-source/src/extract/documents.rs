//! Values that hold many strings: JSON, arrays, text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::MAX_KEY_BYTES;
use super::locator::Pass;

/// What parts strings in any kind of text.
const TAGS: &[char] = &['<', '>', '"'];
/// What parts them in some, and is part of a key in others.
const QUOTES: &[char] = &['\'', '`', '<', '>', '"'];
/// What may stand before, between and after them.
const PUNCTUATION: &[char] = &['(', ')', '[', ']', '{', '}', '|', ',', ';', '\'', '`', '*', '\\'];

/// No word of a text that is longer than this, percent-encoded and signed, is a URL of a key.
const MAX_WORD_BYTES: usize = 8 * MAX_KEY_BYTES;

/// No key with blanks in it, in a text, is longer than this.
const MAX_PHRASE_BYTES: usize = 2 * MAX_KEY_BYTES;

/// How many parentheses around a word are looked at.
const MAX_NESTED: usize = 8;

impl Pass<'_> {
    /// Looks at the value to see what it is.
    pub(super) fn auto(&mut self, value: &str) {
        if value.len() <= MAX_WORD_BYTES {
            self.locator(value);
        }
        let bare = value.trim();
        let understood = match bare.as_bytes().first() {
            Some(b'{') => self.try_json(bare) || self.try_array(bare),
            Some(b'[') => self.try_json(bare) || self.try_array(bare),
            Some(b'"') => self.try_json(bare),
            _ => false,
        };
        if !understood
            && value.contains(|c: char| c.is_whitespace() || c == '=' || TAGS.contains(&c) || PUNCTUATION.contains(&c))
        {
            self.words(value);
        }
    }

    /// Reads a document of JSON.
    pub(super) fn json(&mut self, value: &str) {
        self.document(value, Self::try_json);
    }

    /// Reads an array.
    pub(super) fn array(&mut self, value: &str) {
        self.document(value, |this, bare| this.try_json(bare) || this.try_array(bare));
    }

    /// Reads text.
    pub(super) fn text(&mut self, value: &str) {
        if value.len() <= MAX_WORD_BYTES {
            self.locator(value);
        }
        self.words(value);
    }

    /// What is not such a document is marked all the same, and reported.
    fn document(&mut self, value: &str, read: impl FnOnce(&mut Self, &str) -> bool) {
        if !read(self, value.trim()) {
            self.misunderstood = true;
            self.auto(value);
        }
    }

    pub(super) fn try_json(&mut self, text: &str) -> bool {
        let mut parser = serde_json::Deserializer::from_str(text);
        let read = Strings(self).deserialize(&mut parser).is_ok();
        read && parser.end().is_ok()
    }

    /// Reads an array as PostgreSQL writes it (PostgreSQL manual, "Array Input and Output Syntax").
    fn try_array(&mut self, text: &str) -> bool {
        // The bounds of an array that does not begin at 1: `[0:1]={a,b}`.
        let body =
            if text.starts_with('[') { text.split_once("]={").map(|(_, rest)| rest) } else { text.strip_prefix('{') };
        let Some(body) = body else { return false };
        let mut depth = 1_usize;
        let mut item = String::new();
        let (mut quoted, mut in_quotes) = (false, false);
        let mut chars = body.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => item.extend(chars.next()),
                '"' => {
                    in_quotes = !in_quotes;
                    quoted = true;
                }
                _ if in_quotes => item.push(c),
                '{' => depth += 1,
                ',' | '}' => {
                    if !item.is_empty() && (quoted || !item.eq_ignore_ascii_case("null")) {
                        self.string(&item);
                    }
                    item.clear();
                    quoted = false;
                    if c == '}' {
                        depth -= 1;
                    }
                    if depth == 0 {
                        return chars.as_str().trim().is_empty();
                    }
                }
                _ => item.push(c),
            }
        }
        false
    }

    /// Reads a string of a document, which may be a document or text in its turn.
    fn string(&mut self, text: &str) {
        if !text.trim().is_empty() && !self.deeper(|this| this.auto(text)) {
            self.misunderstood = true;
        }
    }

    /// Reads every URL and every key-shaped word of a text. Since a key may hold what parts words in another text, the
    /// text is parted in several ways.
    fn words(&mut self, text: &str) {
        for word in text.split(|c: char| c.is_whitespace() || TAGS.contains(&c)) {
            // The whole was read already.
            if word.len() < text.len() {
                self.word(word);
            }
            if word.contains(QUOTES) {
                word.split(QUOTES).for_each(|part| self.word(part));
            }
            if word.contains(PUNCTUATION) {
                word.split(PUNCTUATION).for_each(|part| self.word(part));
            }
            if let Some((name, value)) = word.split_once('=')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':'))
            {
                self.word(value);
            }
        }
        // Names with blanks: a line, what stands in quotes, what stands in parentheses.
        text.lines().for_each(|line| self.phrase(line));
        for quote in QUOTES.iter().filter(|quote| text.contains(**quote)) {
            text.split(*quote).for_each(|part| self.phrase(part));
        }
        for mark in [',', ';', '|', '>', '<'] {
            if text.contains(mark) {
                text.split([mark, '\n', '<', '>']).for_each(|part| self.phrase(part));
            }
        }
        self.parentheses(text);
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
        if key_shaped && bare.len() <= MAX_PHRASE_BYTES && bare.contains(char::is_whitespace) {
            self.word(bare);
        }
    }

    fn word(&mut self, word: &str) {
        let key_shaped = |b: u8| b.is_ascii_digit() || matches!(b, b'/' | b'.' | b'_' | b'-' | b'%');
        if word.len() > MAX_WORD_BYTES || !word.bytes().any(key_shaped) {
            return;
        }
        self.locator(word);
        let bare =
            word.trim_matches(|c: char| matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '[' | ']' | '*'));
        if bare != word && !bare.is_empty() {
            self.locator(bare);
        }
    }
}

/// Walks through a document without building it, and reads each string, object keys too.
struct Strings<'p, 'a>(&'p mut Pass<'a>);

impl<'de> DeserializeSeed<'de> for Strings<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strings<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.string(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Strings(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            self.0.string(&name);
            map.next_value_seed(Strings(self.0))?;
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}
