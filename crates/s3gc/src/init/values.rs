//! What the values of a column look like.

use s3gc_source::extract::Kind;
use serde::Serialize;

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Form {
    Key,
    Url,
    Json,
    Array,
    Text,
    Directory,
}

impl Form {
    /// Looks at a value of a column of this type.
    pub(super) fn of(value: &str, type_name: &str) -> Self {
        let bare = value.trim();
        let is_array = || type_name.ends_with("[]") && bare.ends_with('}');
        match bare.as_bytes().first() {
            Some(b'{' | b'[' | b'"') if serde_json::from_str::<serde::de::IgnoredAny>(bare).is_ok() => Self::Json,
            Some(b'{' | b'[') if is_array() => Self::Array,
            _ if bare.contains('<') => Self::Text,
            _ if is_url(bare) => Self::Url,
            // A key may hold blanks; what holds many is prose.
            _ if bare.contains('\n') || bare.split_whitespace().count() > 4 => Self::Text,
            _ => Self::Key,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Url => "URL",
            Self::Json => "JSON",
            Self::Array => "array",
            Self::Text => "text with URLs or keys",
            Self::Directory => "directory",
        }
    }
}

fn is_url(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let named = scheme.is_some_and(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_alphanumeric()));
    (named || text.starts_with("//")) && !text.contains(char::is_whitespace)
}

/// Chooses how a column is read. `auto` reads every form; another kind is named only where every value seen is of it, and
/// where that kind falls back to `auto`, or reads as much.
pub(super) fn kind(all: &[Form], matched: &[Form]) -> Kind {
    let every = |form: Form| !all.is_empty() && all.iter().all(|other| *other == form);
    // `prefix` takes nothing apart.
    if matched.contains(&Form::Directory) && all.iter().all(|form| matches!(form, Form::Key | Form::Url)) {
        Kind::Prefix
    } else if every(Form::Json) {
        Kind::Json
    } else if every(Form::Array) {
        Kind::Array
    } else if every(Form::Text) {
        Kind::Text
    } else {
        Kind::Auto
    }
}

/// The word for a kind in a configuration.
pub(super) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Json => "json",
        Kind::Array => "array",
        Kind::Text => "text",
        Kind::Prefix => "prefix",
        _ => "auto",
    }
}

/// Finds the http URLs in a value, whatever it is.
pub(super) fn urls(value: &str) -> Vec<String> {
    const MAX: usize = 20;
    let value = value.replace("\\/", "/");
    let mut urls = Vec::new();
    let mut rest = value.as_str();
    while let Some(at) = ["https://", "http://"].iter().filter_map(|scheme| rest.find(scheme)).min() {
        let end = |c: char| c.is_whitespace() || c.is_control() || "\"'<>()[]{}\\`,|".contains(c);
        let url = &rest[at..];
        let url = &url[..url.find(end).unwrap_or(url.len())];
        urls.push(url.to_owned());
        rest = &rest[at + url.len()..];
        if urls.len() == MAX {
            break;
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_seen_from_the_value() {
        for (value, form) in [
            ("avatars/a.jpg", Form::Key),
            ("my holiday photo.jpg", Form::Key),
            ("https://cdn.example/a.jpg", Form::Url),
            ("s3://bucket/a.jpg", Form::Url),
            (r#"{"src":"a.jpg"}"#, Form::Json),
            ("{a.jpg,b.jpg}", Form::Array),
            ("<img src=\"a.jpg\">", Form::Text),
            ("see https://cdn.example/a.jpg for more than this", Form::Text),
        ] {
            assert_eq!(Form::of(value, "text[]"), form, "{value}");
        }
    }

    #[test]
    fn l04_a_kind_is_narrowed_only_where_nothing_else_was_seen() {
        assert_eq!(kind(&[Form::Json, Form::Json], &[Form::Json]), Kind::Json);
        assert_eq!(kind(&[Form::Json, Form::Url], &[Form::Json]), Kind::Auto);
        assert_eq!(kind(&[Form::Text, Form::Json], &[Form::Text]), Kind::Auto);
        assert_eq!(kind(&[Form::Key, Form::Key], &[Form::Key]), Kind::Auto);
        assert_eq!(kind(&[Form::Key, Form::Url], &[Form::Key, Form::Directory]), Kind::Prefix);
        assert_eq!(kind(&[Form::Key, Form::Json], &[Form::Directory, Form::Json]), Kind::Auto);
    }

    #[test]
    fn urls_are_found_in_html_and_json() {
        let html = "<img src=\"https://cdn.example/a.jpg?w=1\"> (http://x.example/b)";
        assert_eq!(urls(html), ["https://cdn.example/a.jpg?w=1", "http://x.example/b"]);
        assert_eq!(urls(r#"{"a":"https:\/\/cdn.example\/a.jpg"}"#), ["https://cdn.example/a.jpg"]);
    }
}
