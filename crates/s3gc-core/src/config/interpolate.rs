//! `${VAR}`, `${VAR:-default}`, `${file:/path}` and `$$` in the strings of a file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where the values of `${...}` come from.
pub(super) struct Values<'a> {
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) base: Option<&'a Path>,
    /// The variables that were asked for.
    pub(super) used: BTreeSet<String>,
}

impl Values<'_> {
    /// Replaces every `${...}`; `None` if there is none. The errors are all that are in the string.
    pub(super) fn interpolate(&mut self, text: &str) -> Option<Result<String, Vec<String>>> {
        if !text.contains("${") && !text.contains("$$") {
            return None;
        }
        let (mut out, mut errors, mut rest) = (String::new(), Vec::new(), text);
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('$') {
                out.push('$');
                rest = after;
            } else if let Some(after) = rest.strip_prefix('{') {
                let Some((name, after)) = after.split_once('}') else {
                    errors.push("${ is not closed: write ${NAME}, or $$ for a dollar sign".to_owned());
                    rest = "";
                    break;
                };
                match self.value(name) {
                    Ok(value) => out.push_str(&value),
                    Err(error) => errors.push(error),
                }
                rest = after;
            } else {
                out.push('$');
            }
        }
        out.push_str(rest);
        Some(if errors.is_empty() { Ok(out) } else { Err(errors) })
    }

    fn value(&mut self, expression: &str) -> Result<String, String> {
        if let Some(path) = expression.strip_prefix("file:") {
            let path = self.base.map_or_else(|| PathBuf::from(path), |base| base.join(path));
            return match std::fs::read_to_string(&path) {
                Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
                Err(error) => Err(format!("cannot read {}: {}", path.display(), error.kind())),
            };
        }
        let (name, default) = expression.split_once(":-").map_or((expression, None), |(n, d)| (n, Some(d)));
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(
                "what stands in ${...} is not the name of an environment variable: write ${NAME}, ${NAME:-default} \
                        or ${file:/path}, or $$ for a dollar sign"
                    .to_owned(),
            );
        }
        self.used.insert(name.to_owned());
        match (self.environment.get(name).filter(|value| !value.is_empty()), default) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(default)) => Ok(default.to_owned()),
            (None, None) => {
                let state = if self.environment.contains_key(name) { "empty" } else { "not set" };
                Err(format!("environment variable {name} is {state}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str) -> Option<Result<String, Vec<String>>> {
        let environment = BTreeMap::from([("A".to_owned(), "1".to_owned()), ("EMPTY".to_owned(), String::new())]);
        Values { environment: &environment, base: None, used: BTreeSet::new() }.interpolate(text)
    }

    #[test]
    fn variables_defaults_and_dollar_signs_are_replaced() {
        for (text, want) in [
            ("${A}", "1"),
            ("x${A}y${A}", "x1y1"),
            ("${B:-two}", "two"),
            ("${EMPTY:-two}", "two"),
            ("${A:-two}", "1"),
            ("${B:-}", ""),
            ("$${A} costs $$5", "${A} costs $5"),
            ("$1 ${A}", "$1 1"),
        ] {
            assert_eq!(run(text), Some(Ok(want.to_owned())), "{text}");
        }
        assert_eq!(run("plain $1"), None);
    }

    #[test]
    fn every_fault_of_a_string_is_told() {
        let errors = run("${B} ${EMPTY} ${a b} ${A").unwrap().unwrap_err();
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert_eq!(errors[0], "environment variable B is not set");
        assert_eq!(errors[1], "environment variable EMPTY is empty");
    }

    #[test]
    fn a_file_loses_its_last_line_end_only() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), " s3cret \r\n").unwrap();
        let environment = BTreeMap::new();
        let mut values = Values { environment: &environment, base: Some(dir.path()), used: BTreeSet::new() };
        assert_eq!(values.interpolate("<${file:secret}>"), Some(Ok("< s3cret >".to_owned())));
        let missing = values.interpolate("${file:absent}").unwrap().unwrap_err();
        assert!(missing[0].contains("absent") && missing[0].contains("not found"), "{missing:?}");
    }
}
