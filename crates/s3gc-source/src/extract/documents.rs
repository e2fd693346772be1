//! Values that hold many strings: JSON, serialised PHP, arrays, text.

use super::locator::Pass;
use super::words::{MAX_WORD_BYTES, is_markup, is_parted};

impl Pass<'_> {
    /// Looks at the value to see what it is.
    pub(super) fn auto(&mut self, value: &str) {
        let bare = value.trim();
        let understood = match bare.as_bytes().first() {
            Some(b'{' | b'[') => self.try_json(bare) || self.try_array(bare),
            Some(b'"') => self.try_json(bare),
            Some(b'a' | b's' | b'O') => self.try_php(bare),
            _ => false,
        };
        self.whole(value, understood);
        if !understood && (value.len() > MAX_WORD_BYTES || is_parted(value)) {
            self.words(value);
        }
    }

    /// Reads the value as one string. A document is read in its parts, and might at most be a strange key as a whole.
    fn whole(&mut self, value: &str, is_document: bool) {
        if is_document || value.trim_start().starts_with('<') && is_markup(value) {
            self.slashes(value);
            self.slashes(value.trim());
        } else if value.len() <= MAX_WORD_BYTES {
            self.locator(value);
        }
    }

    /// Reads a document of JSON.
    pub(super) fn json(&mut self, value: &str) {
        self.document(value, Self::try_selected_json);
    }

    /// Reads an array.
    pub(super) fn array(&mut self, value: &str) {
        self.document(value, |this, bare| this.try_json(bare) || this.try_array(bare));
    }

    /// Reads text.
    pub(super) fn text(&mut self, value: &str) {
        self.whole(value, false);
        self.words(value);
    }

    /// What is not such a document is marked all the same, and reported.
    fn document(&mut self, value: &str, read: impl FnOnce(&mut Self, &str) -> bool) {
        self.document = read(self, value.trim());
        if !self.document {
            self.misunderstood = true;
            self.auto(value);
        }
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
    pub(super) fn string(&mut self, text: &str) {
        if self.extractor.is_plain_word(text) {
            self.has_strings = true;
            self.affixes(text);
        } else if !text.trim().is_empty() {
            self.has_strings = true;
            self.deeper(|this| this.auto(text));
        }
    }
}
