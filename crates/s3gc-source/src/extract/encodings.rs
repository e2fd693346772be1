//! Undoing encodings: percent, HTML, JavaScript and JSON escapes, Markdown, base64, and character sets taken for others.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization as _;

/// The longest string in base64 that is decoded.
pub(super) const MAX_PACKED_BYTES: usize = 1 << 20;

/// Decodes `%XX`; bytes that are not UTF-8 are taken as Latin-1.
pub(super) fn percent(text: &str) -> String {
    let bytes: Cow<'_, [u8]> = percent_decode_str(text).into();
    String::from_utf8(bytes.into_owned())
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

/// Returns the text in the Unicode forms NFC and NFD.
///
/// A character of ASCII is never changed, and only the one before a mark can be merged with it; so only the parts that
/// are not ASCII are looked at, each with the character before it (Unicode Standard Annex 15).
pub(super) fn normalised(text: &str) -> (String, String) {
    let (mut composed, mut decomposed) = (String::with_capacity(text.len()), String::with_capacity(2 * text.len()));
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|b| !b.is_ascii()) {
        let start = at.saturating_sub(1);
        let end = rest.bytes().skip(at).position(|b| b.is_ascii()).map_or(rest.len(), |length| at + length);
        composed.push_str(&rest[..start]);
        decomposed.push_str(&rest[..start]);
        composed.extend(rest[start..end].nfc());
        decomposed.extend(rest[start..end].nfd());
        rest = &rest[end..];
    }
    composed.push_str(rest);
    decomposed.push_str(rest);
    (composed, decomposed)
}

/// Undoes UTF-8 that was taken for Latin-1 (`cafÃ©`), as a connection with the wrong character set stores it.
pub(super) fn repair(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = text.chars().map(latin_1).collect();
    String::from_utf8(bytes?).ok()
}

/// The byte of a character in Latin-1 as browsers and MySQL mean it: Windows-1252 (WHATWG Encoding Standard).
fn latin_1(c: char) -> Option<u8> {
    const HIGH: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    let plain = u8::try_from(u32::from(c)).ok();
    plain.or_else(|| HIGH.chars().position(|high| high == c).and_then(|at| u8::try_from(0x80 + at).ok()))
}

/// Decodes text in base64, of either alphabet, with or without its padding; `None` if it is none, or not of text.
pub(super) fn base64(packed: &str) -> Option<String> {
    let bare = packed.trim_end_matches('=');
    if bare.len() < 4 || bare.len() > MAX_PACKED_BYTES || !begins_as_text(bare) {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(bare).or_else(|_| STANDARD_NO_PAD.decode(bare)).ok()?;
    String::from_utf8(bytes).ok().filter(|text| !text.contains(|c: char| c.is_control() && !c.is_whitespace()))
}

/// Tells at little cost whether the first three bytes may be text: most words that are not base64 fail here.
fn begins_as_text(packed: &str) -> bool {
    let first = packed.get(..4);
    let bytes = first.and_then(|first| URL_SAFE_NO_PAD.decode(first).or_else(|_| STANDARD_NO_PAD.decode(first)).ok());
    bytes.is_some_and(|bytes| bytes.iter().all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\n' | b'\r' | b'\t')))
        // Beyond ASCII: the first byte of a character has its two high bits set, the others only the highest.
        || first.is_some_and(|first| matches!(first.as_bytes()[0], b'w'..=b'z' | b'0'..=b'8'))
}

/// Undoes the escapes of HTML, also where they were applied twice (`&amp;amp;`).
pub(super) fn html(text: &str) -> Cow<'_, str> {
    let mut result = Cow::Borrowed(text);
    for _ in 0..3 {
        match unescape_html(&result) {
            Some(plainer) => result = Cow::Owned(plainer),
            None => break,
        }
    }
    result
}

/// Undoes them once; `None` if there are none.
fn unescape_html(text: &str) -> Option<String> {
    if !text.contains(';') {
        return None;
    }
    let mut rest = text;
    let mut out = String::new();
    let mut changed = false;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest name is `&thetasym;`; a number may have leading zeros.
        let end = rest.bytes().take(12).position(|b| b == b';');
        match end.and_then(|end| Some((entity(&rest[1..end])?, end))) {
            Some((c, end)) => {
                out.push(c);
                rest = &rest[end + 1..];
                changed = true;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// The names of ASCII, from the HTML Standard, "Named character references".
const ASCII_ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("lt", '<'),
    ("gt", '>'),
    ("sol", '/'),
    ("bsol", '\\'),
    ("period", '.'),
    ("lowbar", '_'),
    ("hyphen", '-'),
    ("dash", '-'),
    ("colon", ':'),
    ("semi", ';'),
    ("comma", ','),
    ("quest", '?'),
    ("equals", '='),
    ("num", '#'),
    ("percnt", '%'),
    ("plus", '+'),
    ("lpar", '('),
    ("rpar", ')'),
    ("lsqb", '['),
    ("rsqb", ']'),
    ("commat", '@'),
    ("excl", '!'),
    ("ast", '*'),
    ("dollar", '$'),
    ("vert", '|'),
    ("Tab", '\t'),
    ("NewLine", '\n'),
];

/// The names of the characters from U+00A0 to U+00FF, in their order, as PHP's `htmlentities` writes them.
const LATIN_1_ENTITIES: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg \
     plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc \
     Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc \
     Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig \
     ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash \
     ugrave uacute ucirc uuml yacute thorn yuml";

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    if let Some((_, c)) = ASCII_ENTITIES.iter().find(|(known, _)| *known == name) {
        return Some(*c);
    }
    let at = LATIN_1_ENTITIES.split_ascii_whitespace().position(|known| known == name)?;
    char::from_u32(0xa0 + u32::try_from(at).ok()?)
}

/// Undoes `\/`, `\"`, `\uXXXX` and `\xXX`, as JSON and JavaScript write them, and `%uXXXX`, as the function `escape` of
/// JavaScript does; `None` if there are none.
pub(super) fn javascript(text: &str) -> Option<String> {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    let mut changed = false;
    while let Some(c) = rest.chars().next() {
        let (code, length) = match (c, rest.as_bytes().get(1)) {
            ('\\', Some(b'/' | b'"' | b'\'' | b'\\')) => (u16::from(rest.as_bytes()[1]), 2),
            ('\\' | '%', Some(b'u')) => hex(rest, 2..6).map_or((0, 0), |code| (code, 6)),
            ('\\', Some(b'x')) => hex(rest, 2..4).map_or((0, 0), |code| (code, 4)),
            _ => (0, 0),
        };
        if length > 0 {
            units.push(code);
            changed = true;
        } else {
            units.extend(c.encode_utf16(&mut [0; 2]).iter());
        }
        rest = &rest[length.max(if length > 0 { 0 } else { c.len_utf8() })..];
    }
    changed.then(|| String::from_utf16_lossy(&units))
}

fn hex(text: &str, range: std::ops::Range<usize>) -> Option<u16> {
    let digits = text.get(range).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

/// Undoes the escapes of Markdown: `a\_b\(1\).jpg` (CommonMark, "Backslash escapes"); `None` if there are none.
pub(super) fn markdown(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' || !chars.peek().is_some_and(char::is_ascii_punctuation) {
            out.push(c);
        }
    }
    (out.len() < text.len()).then_some(out)
}

/// Resolves `.` and `..`, and with `merge` also makes one slash of several.
pub(super) fn resolve(path: &str, merge: bool) -> String {
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
    if merge && path.ends_with('/') && !segments.is_empty() {
        segments.push("");
    }
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_normalised_as_the_whole_is() {
        for text in
            ["café/b", "cafe\u{301}/e\u{301}e\u{327}\u{301}x\u{301}", "\u{301}a", "각/ᄀ\u{1161}\u{11a8}", "日本", "aé"]
        {
            let whole = (text.nfc().collect::<String>(), text.nfd().collect::<String>());
            assert_eq!(normalised(text), whole, "{text}");
        }
    }

    #[test]
    fn every_escape_of_html_is_undone() {
        for (escaped, plain) in [
            ("a&amp;b", "a&b"),
            ("a&amp;amp;b", "a&b"),
            ("&#47;a&#x2F;b&#X2f;c&sol;d", "/a/b/c/d"),
            ("caf&eacute;&nbsp;&yuml;", "café\u{a0}ÿ"),
            ("&#128512;", "😀"),
            ("a&b;c&;&#;&#x;&#xffffffff;&unknown;", "a&b;c&;&#;&#x;&#xffffffff;&unknown;"),
            ("&é;&", "&é;&"),
        ] {
            assert_eq!(html(escaped), plain);
        }
        assert_eq!(LATIN_1_ENTITIES.split_ascii_whitespace().count(), 96);
    }

    #[test]
    fn every_escape_of_javascript_is_undone() {
        for (escaped, plain) in [
            (r"https:\/\/x\/a", Some("https://x/a")),
            (r"caf\u00e9\x2ejpg", Some("café.jpg")),
            (r"\ud83d\ude00", Some("😀")),
            ("caf%u00E9", Some("café")),
            (r"a\b\u12", None),
            ("é%", None),
        ] {
            assert_eq!(javascript(escaped).as_deref(), plain, "{escaped}");
        }
        assert_eq!(markdown(r"a\_b\\c\d").as_deref(), Some(r"a_b\c\d"));
        assert_eq!(markdown(r"a_b"), None);
    }

    #[test]
    fn base64_of_text_is_decoded_and_all_else_is_not() {
        for (packed, plain) in [
            ("YXZhdGFycy9hLmpwZw==", Some("avatars/a.jpg")),
            ("YXZhdGFycy9hLmpwZw", Some("avatars/a.jpg")),
            ("w6kvYS5qcGc", Some("é/a.jpg")),
            ("xtapjjcjiudrlk3tmwyjgpuobabd", None),
            ("YWJj", Some("abc")),
            ("YQpi", Some("a\nb")),
            ("YWJjAA", None),
            ("avatars", None),
            ("", None),
        ] {
            assert_eq!(base64(packed).as_deref(), plain, "{packed}");
        }
        assert!(base64(&"YWJj".repeat(MAX_PACKED_BYTES / 4)).is_some());
        assert_eq!(base64(&"YWJj".repeat(MAX_PACKED_BYTES / 4 + 1)), None, "too long");
    }

    #[test]
    fn dots_are_resolved_and_slashes_merged_only_where_that_is_asked_for() {
        for (path, plain, merged) in [
            ("a//b", "a//b", "a/b"),
            ("a/./b/../c", "a/c", "a/c"),
            ("../a", "a", "a"),
            ("a//b/", "a//b/", "a/b/"),
            ("/a", "/a", "/a"),
        ] {
            assert_eq!((resolve(path, false).as_str(), resolve(path, true).as_str()), (plain, merged), "{path}");
        }
    }
}
