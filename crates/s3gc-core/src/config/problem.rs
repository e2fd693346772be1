//! What is wrong with a configuration: all of it at once, with the place of each fault.

use std::fmt;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong; never a secret.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// Where it stands in the text, in bytes.
    pub span: Option<Range<usize>>,
    /// Its line, from 1; `None` for what stands in no file.
    pub line: Option<usize>,
    /// Its column in characters, from 1.
    pub column: Option<usize>,
    /// The key it is about, such as `vault.keep_days`; empty for faults of the grammar.
    pub path: String,
}

impl Problem {
    pub(super) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, span: None, line: None, column: None, path: path.into() }
    }

    pub(super) fn at(mut self, span: Option<Range<usize>>) -> Self {
        self.span = span;
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Everything that is wrong with a configuration, in the order of the file.
///
/// `Display` has one line a fault: `s3gc.toml:12:3: vault.keep_days: ...`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigErrors {
    /// The name of the file; `None` without one.
    pub file: Option<String>,
    /// The text of the file, byte for byte as long as the original, with the credentials in it blotted out.
    pub text: String,
    /// The faults.
    pub problems: Vec<Problem>,
}

impl ConfigErrors {
    pub(super) fn new(file: Option<String>, text: &str, mut problems: Vec<Problem>) -> Self {
        for problem in &mut problems {
            if let Some(span) = &problem.span {
                let (line, column) = line_and_column(text, span.start);
                (problem.line, problem.column) = (Some(line), Some(column));
            }
        }
        problems.sort_by_key(|p| (p.span.is_none(), p.span.as_ref().map_or(0, |s| s.start)));
        // A section that several buckets share is read once for each of them.
        let mut unique: Vec<Problem> = Vec::with_capacity(problems.len());
        for problem in problems {
            if !unique.contains(&problem) {
                unique.push(problem);
            }
        }
        Self { file, text: blot(text), problems: unique }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let (Some(line), Some(column)) = (problem.line, problem.column) {
                write!(f, "{}:{line}:{column}: ", self.file.as_deref().unwrap_or("configuration"))?;
            }
            if !problem.path.is_empty() {
                write!(f, "{}: ", problem.path)?;
            }
            write!(f, "{}", problem.message)?;
            if let Some(help) = &problem.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Counts lines and columns from 1.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Replaces the credentials in a text by stars, byte for byte, so that places in it stay the same: all of a database's
/// URL after its scheme, the user information of any other, and the value of every parameter or key whose name says that
/// it is secret, and secret keys of age.
pub(super) fn blot(text: &str) -> String {
    const PATTERNS: [&str; 5] = [
        r#"((?i:postgres|postgresql|mysql|mariadb):)([^"'\s]+)()"#,
        r#"(://)([^"'\s]*)(@)"#,
        r#"()([^"'\s/:@]+:(?:[^"'\s/]|/[^"'\s/])[^"'\s]*)(@)"#,
        r#"(?i)((?:password|passwd|pwd|pass|secret|token|credential|signature|api_?key)[a-z_-]*["']?[ \t]*=(?:[ \t]*["']{3}\s*|[\[ \t"']*))([^"'\s&$]+)()"#,
        r#"((?i:AGE-SECRET-KEY-|AGE-PLUGIN-))([^"'\s]+)()"#,
    ];
    static REGEXES: LazyLock<Vec<Regex>> =
        LazyLock::new(|| PATTERNS.iter().filter_map(|p| Regex::new(p).ok()).collect());
    if REGEXES.len() < PATTERNS.len() {
        return "*".repeat(text.len());
    }
    REGEXES.iter().fold(text.to_owned(), |text, regex| {
        let stars = |c: &Captures<'_>| format!("{}{}{}", &c[1], "*".repeat(c[2].len()), &c[3]);
        regex.replace_all(&text, stars).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i12_blotting_hides_credentials_and_moves_nothing() {
        for (text, want) in [
            ("url = \"postgres://u:p@ss/w@h/db\" # x@y", "url = \"postgres:***************\" # x@y"),
            ("url = \"postgres:/u:pw@h/db\"", "url = \"postgres:**********\""),
            ("url = \"u:pw@h/db\"", "url = \"****@h/db\""),
            ("https://u:pw@h/db", "https://****@h/db"),
            ("url = \"${DATABASE_URL}\"", "url = \"${DATABASE_URL}\""),
            ("http://h/a?password=pä&b=1", "http://h/a?password=***&b=1"),
            ("db_password = \"hunter2\"", "db_password = \"*******\""),
            ("admin_api_key = 'k'", "admin_api_key = '*'"),
            ("secret_access_key = [ \"hunter2\" ]", "secret_access_key = [ \"*******\" ]"),
            ("session_token = \"\"\"\nhunter2\"\"\"", "session_token = \"\"\"\n*******\"\"\""),
            ("r = [\"AGE-SECRET-KEY-1ABC\"]", "r = [\"AGE-SECRET-KEY-****\"]"),
            ("nothing to hide", "nothing to hide"),
        ] {
            assert_eq!(blot(text), want);
            assert_eq!(blot(text).len(), text.len(), "{text}");
        }
    }

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        assert_eq!(line_and_column("a = 1", 0), (1, 1));
        assert_eq!(line_and_column("a\nöb = 1", 4), (2, 2));
        assert_eq!(line_and_column("a", 99), (1, 2));
    }
}
