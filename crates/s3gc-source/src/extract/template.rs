//! Keys that are put together from several columns of one row.

use std::fmt;

/// A key with the names of columns in it: `uploads/user/{id}/{avatar}`.
///
/// - `{column}` is replaced by the column's value, as it is. A row in which a column of the template is null names
///   nothing.
/// - `{column?}` may be null, and is empty then.
/// - `{column|filter}` changes the value first: see [`Filter`]. Filters can follow each other.
/// - `{{` and `}}` are braces.
///
/// # How a source reads such a column
///
/// A source selects all [`columns`](Self::columns) of a row in one query, as text, [fills](Self::fill) the template, and
/// gives the result to an extractor of [`Kind::Template`](super::Kind::Template), which reads it in every form that the
/// values may be encoded in; `None` counts as a null:
///
/// ```
/// use s3gc_source::Reading;
/// use s3gc_source::extract::{ExtractConfig, Extractor, Kind, Readings, Template};
///
/// let template: Template = "uploads/user/{id}/{avatar}".parse()?;
/// assert_eq!(template.columns().collect::<Vec<_>>(), ["id", "avatar"]);
///
/// let extractor = Extractor::new(ExtractConfig { kind: Kind::Template, ..ExtractConfig::default() })?;
/// let mut readings = Readings::default();
/// let filled = template.fill(&[("id", Some("7")), ("avatar", Some("a%20b.jpg"))]).unwrap_or_default();
/// extractor.extract(&filled, &mut readings);
/// assert!(readings.iter().any(|reading| reading == Reading::Key("uploads/user/7/a b.jpg")));
///
/// assert_eq!(template.fill(&[("id", Some("7")), ("avatar", None)]), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// What can be done to the value of a column before it goes into a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Filter {
    /// `id_partition`: a number as Paperclip spreads it over directories, `1234` as `000/001/234`.
    IdPartition,
    /// `stem`: the name of a file without its extension.
    Stem,
    /// `extension`: the extension without its dot.
    Extension,
    /// `file`: what follows the last slash.
    File,
    /// `lower`: in small letters.
    Lower,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTemplate {
    /// It is empty, or has no column in it.
    #[error("the template {0:?} names no column: write it as uploads/{{id}}/{{file}}")]
    NoColumn(String),
    /// A brace has no partner.
    #[error("a brace of the template {0:?} has no partner: write {{{{ or }}}} for a brace in a key")]
    Unbalanced(String),
    /// There is nothing, or not a name, between braces.
    #[error("the template {template:?} has no name of a column in {{{inner}}}")]
    Name {
        /// The template.
        template: String,
        /// What is between the braces.
        inner: String,
    },
    /// A filter is not known.
    #[error("the template {template:?} has the unknown filter {filter:?}: there are {known}", known = Filter::KNOWN)]
    Filter {
        /// The template.
        template: String,
        /// The filter.
        filter: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Column { name: String, optional: bool, filters: Vec<Filter> },
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    ///
    /// [`InvalidTemplate`] if it names no column, or does not parse.
    pub fn parse(text: &str) -> Result<Self, InvalidTemplate> {
        let unbalanced = || InvalidTemplate::Unbalanced(text.to_owned());
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..];
            if brace.starts_with("{{") || brace.starts_with("}}") {
                literal.push_str(&brace[..1]);
                rest = &brace[2..];
                continue;
            }
            let (inner, after) = brace.strip_prefix('{').and_then(|b| b.split_once('}')).ok_or_else(unbalanced)?;
            if inner.contains('{') {
                return Err(unbalanced());
            }
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(column(text, inner)?);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        let this = Self { text: text.to_owned(), parts };
        if this.columns().next().is_none() {
            return Err(InvalidTemplate::NoColumn(text.to_owned()));
        }
        Ok(this)
    }

    /// Returns the names of the columns in their order, each once.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        fn named(part: &Part) -> Option<&str> {
            match part {
                Part::Column { name, .. } => Some(name),
                Part::Text(_) => None,
            }
        }
        let names = self.parts.iter().filter_map(named);
        names.clone().enumerate().filter(move |(at, name)| !names.clone().take(*at).any(|n| n == *name)).map(|(_, n)| n)
    }

    /// Makes something of each part: of a text between columns, and of a column, whether it may be null, and its filters.
    pub fn map_parts<T>(
        &self,
        mut text: impl FnMut(&str) -> T,
        mut column: impl FnMut(&str, bool, &[Filter]) -> T,
    ) -> Vec<T> {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(literal) => text(literal),
            Part::Column { name, optional, filters } => column(name, *optional, filters),
        });
        parts.collect()
    }

    /// Puts the values of a row in; `None` if a column that must be there is null or missing, or all are empty.
    #[must_use]
    pub fn fill(&self, row: &[(&str, Option<&str>)]) -> Option<String> {
        let mut key = String::new();
        let mut blank = true;
        for part in &self.parts {
            match part {
                Part::Text(text) => key.push_str(text),
                Part::Column { name, optional, filters } => {
                    let value = row.iter().find(|(column, _)| column == name).and_then(|(_, value)| *value);
                    let value = if *optional { value.unwrap_or_default() } else { value? };
                    blank &= value.is_empty();
                    let filtered = filters.iter().fold(value.to_owned(), |value, filter| filter.apply(&value));
                    key.push_str(&filtered);
                }
            }
        }
        (!blank).then_some(key)
    }
}

impl std::str::FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        Self::parse(text)
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Filter {
    const KNOWN: &'static str = "id_partition, stem, extension, file, lower";

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "id_partition" => Self::IdPartition,
            "stem" => Self::Stem,
            "extension" => Self::Extension,
            "file" => Self::File,
            "lower" => Self::Lower,
            _ => return None,
        })
    }

    fn apply(self, value: &str) -> String {
        match self {
            Self::IdPartition => id_partition(value),
            Self::Stem => match value.rsplit_once('.') {
                Some((stem, extension)) if !stem.is_empty() && !extension.contains('/') => stem.to_owned(),
                _ => value.to_owned(),
            },
            Self::Extension => match value.rsplit_once('.') {
                Some((_, extension)) if !extension.contains('/') => extension.to_owned(),
                _ => String::new(),
            },
            Self::File => value.rsplit('/').next().unwrap_or_default().to_owned(),
            Self::Lower => value.to_lowercase(),
        }
    }
}

/// Numbers have nine digits; of any other id, such as a UUID, the first nine characters are spread.
fn id_partition(id: &str) -> String {
    let digits = if id.bytes().all(|b| b.is_ascii_digit()) { format!("{id:0>9}") } else { id.to_owned() };
    let chars: Vec<char> = digits.chars().collect();
    // A number with more than nine digits is spread whole.
    let end = if id.bytes().all(|b| b.is_ascii_digit()) { chars.len() } else { chars.len().min(9) };
    chars[..end].chunks(3).map(String::from_iter).collect::<Vec<_>>().join("/")
}

fn column(template: &str, inner: &str) -> Result<Part, InvalidTemplate> {
    let mut words = inner.split('|').map(str::trim);
    let name = words.next().unwrap_or_default();
    let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
    if name.is_empty() || name.contains(|c: char| c.is_control() || c == '/') {
        return Err(InvalidTemplate::Name { template: template.to_owned(), inner: inner.to_owned() });
    }
    let filter = |word: &str| {
        let unknown = || InvalidTemplate::Filter { template: template.to_owned(), filter: word.to_owned() };
        Filter::named(word).ok_or_else(unknown)
    };
    Ok(Part::Column { name: name.to_owned(), optional, filters: words.map(filter).collect::<Result<_, _>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, row: &[(&str, Option<&str>)]) -> Option<String> {
        Template::parse(template).unwrap().fill(row)
    }

    #[test]
    fn a_template_is_filled_from_a_row() {
        let row = [("id", Some("1234")), ("f", Some("a.b.JPG")), ("n", None), ("path", Some("x/y.png"))];
        for (template, expected) in [
            ("u/{id}/{f}", Some("u/1234/a.b.JPG")),
            ("{f}", Some("a.b.JPG")),
            ("{id}{id}-{{x}}", Some("12341234-{x}")),
            ("a/{id|id_partition}/t/{f|stem}.{f|extension|lower}", Some("a/000/001/234/t/a.b.jpg")),
            ("{n?}/{path|file}", Some("/y.png")),
            ("{n}/{f}", None),
            ("{missing}/{f}", None),
            ("{n?}", None),
        ] {
            assert_eq!(fill(template, &row).as_deref(), expected, "{template}");
        }
        let row = [("hidden", Some(".htaccess")), ("d", Some("v1.2/name"))];
        for (template, expected) in [
            ("{hidden|stem}", Some(".htaccess")),
            ("{d|stem}", Some("v1.2/name")),
            ("x{d|extension}", Some("x")),
            ("{d|file}", Some("name")),
        ] {
            assert_eq!(fill(template, &row).as_deref(), expected, "{template}");
        }
        assert_eq!(fill("{i|id_partition}", &[("i", Some("1234567890"))]).as_deref(), Some("123/456/789/0"));
        assert_eq!(fill("{i|id_partition}", &[("i", Some("6f9619ff-8b86"))]).as_deref(), Some("6f9/619/ff-"));
    }

    #[test]
    fn columns_are_listed_once() {
        let template = Template::parse("{b}/{a|stem}/{b}/{c?}").unwrap();
        assert_eq!(template.columns().collect::<Vec<_>>(), ["b", "a", "c"]);
        assert_eq!(template.to_string(), "{b}/{a|stem}/{b}/{c?}");
        let parts =
            template.map_parts(str::to_owned, |name, optional, filters| format!("{name} {optional} {filters:?}"));
        let expected = ["b false []", "/", "a false [Stem]", "/", "b false []", "/", "c true []"];
        assert_eq!(parts, expected);
    }

    #[test]
    fn a_text_that_is_no_template_is_refused() {
        let refused = |text: &str| Template::parse(text).unwrap_err();
        for text in ["", "uploads/", "{{id}}"] {
            assert_eq!(refused(text), InvalidTemplate::NoColumn(text.into()));
        }
        for text in ["{", "}", "a/{id", "a/id}", "{a{b}}", "{a}}"] {
            assert_eq!(refused(text), InvalidTemplate::Unbalanced(text.into()));
        }
        assert!(matches!(refused("a/{}"), InvalidTemplate::Name { .. }));
        assert!(matches!(refused("a/{ | stem}"), InvalidTemplate::Name { .. }));
        assert!(matches!(refused("a/{b/c}"), InvalidTemplate::Name { .. }));
        assert!(matches!(refused("a/{b|upper}"), InvalidTemplate::Filter { .. }));
        assert!(refused("a/{b|upper}").to_string().contains("id_partition"));
    }
}
