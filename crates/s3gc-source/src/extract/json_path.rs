//! JSON paths: which parts of a document are read.

use super::InvalidExtract;

/// A path from the root of a document to the nodes that it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    /// Whether it leads to nodes at any depth.
    deep: bool,
    to: To,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    Name(String),
    Index(usize),
    Any,
}

/// A child of a node.
#[derive(Clone, Copy, Debug)]
pub(super) enum Child<'a> {
    Name(&'a str),
    Index(usize),
}

/// How far the paths have come at a node: which path, and how many of its steps.
pub(super) type States = Vec<(usize, usize)>;

impl JsonPath {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidExtract> {
        let refuse = |reason| InvalidExtract::JsonPath { path: text.to_owned(), reason };
        let mut rest = text.trim().strip_prefix('$').ok_or_else(|| refuse("it begins with $"))?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let deep = rest.starts_with("..");
            let (to, after) = if let Some(bracket) = rest.strip_prefix(if deep { "..[" } else { "[" }) {
                in_brackets(bracket).map_err(refuse)?
            } else if let Some(after) = rest.strip_prefix(if deep { ".." } else { "." }) {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                match &after[..end] {
                    "" => return Err(refuse("a name is missing after a dot")),
                    "*" => (To::Any, &after[end..]),
                    name if name.contains(|c: char| c.is_whitespace() || "]'\"*?@()".contains(c)) => {
                        return Err(refuse("write such a name as ['name']"));
                    }
                    name => (To::Name(name.to_owned()), &after[end..]),
                }
            } else {
                return Err(refuse("a step begins with . or ["));
            };
            steps.push(Step { deep, to });
            rest = after;
        }
        Ok(Self { steps })
    }

    /// The states at the root; `None` if a path selects the root itself.
    pub(super) fn begin(paths: &[Self]) -> Option<States> {
        let whole = paths.is_empty() || paths.iter().any(|path| path.steps.is_empty());
        (!whole).then(|| (0..paths.len()).map(|path| (path, 0)).collect())
    }

    /// The states at a child of a node; `None` if a path selects it.
    pub(super) fn advance(paths: &[Self], states: &States, child: Child<'_>) -> Option<States> {
        let mut next = States::new();
        for &(path, done) in states {
            let Some(step) = paths.get(path).and_then(|path| path.steps.get(done)) else { continue };
            if step.deep {
                next.push((path, done));
            }
            let fits = match (&step.to, child) {
                (To::Any, _) => true,
                (To::Name(name), Child::Name(child)) => name == child,
                (To::Index(index), Child::Index(child)) => *index == child,
                _ => false,
            };
            if fits && done + 1 == paths[path].steps.len() {
                return None;
            }
            if fits {
                next.push((path, done + 1));
            }
        }
        next.sort_unstable();
        next.dedup();
        Some(next)
    }
}

/// Reads what is in brackets: `*]`, `0]`, `'name']`.
fn in_brackets(text: &str) -> Result<(To, &str), &'static str> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let mut name = String::new();
        let mut chars = text[1..].chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => name.extend(chars.next()),
                _ if c == quote => {
                    let after = chars.as_str().strip_prefix(']').ok_or("a ] is missing")?;
                    return Ok((To::Name(name), after));
                }
                _ => name.push(c),
            }
        }
        return Err("a quote is not closed");
    }
    let (inner, after) = text.split_once(']').ok_or("a ] is missing")?;
    match inner.trim() {
        "*" => Ok((To::Any, after)),
        number if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
            let index = number.parse().map_err(|_| "the index is too large")?;
            Ok((To::Index(index), after))
        }
        _ => Err("brackets hold *, an index from 0, or a name in quotes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_does_not_parse_is_refused_and_named() {
        for bad in
            ["", "a.b", "$.", "$a", "$..", "$.a[", "$.a[]", "$[-1]", "$['a", "$['a'", "$.a b", "$[?(@.a)]", "$[1:2]"]
        {
            match JsonPath::parse(bad) {
                Err(InvalidExtract::JsonPath { path, .. }) => assert_eq!(path, bad),
                other => panic!("{bad}: {other:?}"),
            }
        }
        for good in ["$", "$.a", "$.a.b-c", "$['a b'].c", "$[\"a\"][0]", "$[*].*", "$..url", "$..[*]", "$..*", "$.é"] {
            assert!(JsonPath::parse(good).is_ok(), "{good}");
        }
    }
}
