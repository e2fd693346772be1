//! Serialised PHP, as WordPress and Laravel store it: `a:1:{s:4:"file";s:13:"2020/01/a.jpg";}`
//! ([PHP manual, `serialize`](https://www.php.net/manual/en/function.serialize.php)).

use super::locator::Pass;

/// How many directories are tried for the names of files that have none.
const MAX_DIRECTORIES: usize = 4;

impl Pass<'_> {
    /// Reads every string of a serialised value; `false` if it is none, or was cut.
    ///
    /// The metadata of WordPress has the path of the original, and of its sizes only the names: a name without a
    /// directory is also read in the directories of the others
    /// ([`wp_get_attachment_metadata`](https://developer.wordpress.org/reference/functions/wp_get_attachment_metadata/)).
    pub(super) fn try_php(&mut self, text: &str) -> bool {
        if !is_serialised(text) {
            return false;
        }
        let (strings, whole) = strings(text);
        let mut directories: Vec<&str> = Vec::new();
        for text in &strings {
            self.string(text);
            if let Some((directory, _)) = text.rsplit_once('/')
                && directories.len() < MAX_DIRECTORIES
                && !directories.contains(&directory)
            {
                directories.push(directory);
            }
        }
        for name in strings.iter().filter(|text| text.contains('.') && !text.contains('/')) {
            for directory in &directories {
                self.locator(&format!("{directory}/{name}"));
            }
        }
        whole && !strings.is_empty()
    }
}

fn is_serialised(text: &str) -> bool {
    let Some((kind, rest)) = text.split_once(':') else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let after = &rest[digits..];
    digits > 0
        && match kind {
            "a" => after.starts_with(":{"),
            "s" | "O" => after.starts_with(":\""),
            _ => false,
        }
}

/// Lists the strings, and tells whether every one was as long as it says. A change of the character set, or a search
/// and replace in the database, leaves lengths that are wrong: such a string ends at its quote.
fn strings(text: &str) -> (Vec<&str>, bool) {
    let mut found = Vec::new();
    let mut whole = true;
    let mut rest = text;
    while let Some(at) = rest.find("s:") {
        rest = &rest[at + 2..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Some(body) = rest[digits..].strip_prefix(":\"").filter(|_| digits > 0) else { continue };
        let length = rest[..digits].parse().unwrap_or(usize::MAX);
        let exact = body.get(..length).filter(|_| body[length..].starts_with('"'));
        let string = exact.unwrap_or_else(|| {
            whole = false;
            &body[..body.find("\";").unwrap_or(body.len())]
        });
        found.push(string);
        rest = &body[string.len()..];
    }
    (found, whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_as_long_as_they_say_or_end_at_their_quote() {
        assert_eq!(strings(r#"a:1:{s:3:"a"b";s:5:"café";}"#), (vec!["a\"b", "café"], true));
        assert_eq!(strings(r#"a:1:{s:9:"ab";s:1:"c";}"#), (vec!["ab", "c"], false));
        assert_eq!(strings(r#"a:1:{s:4:"ab"#), (vec!["ab"], false));
        assert_eq!(strings(r#"s:99999999999999999999:"ab";"#), (vec!["ab"], false));
        assert_eq!(strings("s:"), (vec![], true));
    }
}
