//! What to read, and where.

use s3gc_source::extract::{ExtractConfig, Kind};
use secrecy::SecretString;
use serde::Deserialize;

/// A database, and what in it refers to objects.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SqlConfig {
    /// The name in reports and errors.
    pub name: String,
    /// `postgres://`, `mysql://`, `mariadb://` or `sqlite:`, with user and password; never shown.
    pub url: SecretString,
    /// The columns and queries to read.
    pub references: Vec<Reference>,
    /// Turns the write fence on, which only PostgreSQL has, and says what becomes of a transaction that refers to an
    /// object that is being deleted.
    #[serde(default)]
    pub fence: Option<OnConflict>,
}

/// What becomes of a transaction that refers to an object that is just being deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// It fails with 40001 (serialization failure), which applications that retry transactions know.
    Abort,
    /// It goes on, and leaves an order to bring the object back from the vault.
    Restore,
}

impl SqlConfig {
    /// Names a database and what to read in it.
    #[must_use]
    pub fn new(name: &str, url: &str, references: impl IntoIterator<Item = Reference>) -> Self {
        Self { name: name.to_owned(), url: url.into(), references: references.into_iter().collect(), fence: None }
    }

    /// Turns the write fence on.
    #[must_use]
    pub fn with_fence(mut self, on_conflict: OnConflict) -> Self {
        self.fence = Some(on_conflict);
        self
    }
}

/// Something that refers to objects.
///
/// In a configuration file: `{ table = "users", column = "avatar_url" }` or `{ sql = "SELECT url FROM pages" }`, with
/// `kind`, `strip` and `prepend` where they are needed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RawReference")]
#[non_exhaustive]
pub enum Reference {
    /// A column of a table.
    Column {
        /// The table: `users`, `blog.posts`, `"My Schema"."Posts"`.
        table: String,
        /// The column.
        column: String,
        /// How to read its values.
        kind: Kind,
        /// Which parts of a JSON document hold keys; see [`ExtractConfig::json_paths`].
        json_paths: Vec<String>,
        /// What stands before each key in the column and is not part of it.
        strip: Option<String>,
        /// What stands before each key in the bucket and is missing in the column.
        prepend: Option<String>,
        /// Whether there may be no such table or column, as in other versions of an application.
        optional: bool,
    },
    /// Keys that are put together from several columns of one row.
    Template {
        /// The table, as for a column.
        table: String,
        /// The key with the names of columns in it; see [`Template`](s3gc_source::extract::Template).
        template: String,
        /// How to read the result: [`Kind::Template`], or [`Kind::Prefix`] where it names a directory.
        kind: Kind,
        /// Whether there may be no such table or columns.
        optional: bool,
    },
    /// A query; every column of its result is read.
    Query {
        /// One SELECT or WITH statement.
        sql: String,
        /// The name in reports; without one it is made from a digest of the query.
        name: Option<String>,
        /// How to read its values.
        kind: Kind,
        /// What stands before each key in the result and is not part of it.
        strip: Option<String>,
        /// What stands before each key in the bucket and is missing in the result.
        prepend: Option<String>,
    },
}

impl Reference {
    /// Names a column, to be read as what its values look like.
    #[must_use]
    pub fn column(table: &str, column: &str) -> Self {
        Self::Column {
            table: table.into(),
            column: column.into(),
            kind: Kind::Auto,
            json_paths: Vec::new(),
            strip: None,
            prepend: None,
            optional: false,
        }
    }

    /// Names the columns of a table that make up a key: `uploads/user/{id}/{avatar}`.
    #[must_use]
    pub fn template(table: &str, template: &str) -> Self {
        Self::Template { table: table.into(), template: template.into(), kind: Kind::Template, optional: false }
    }

    /// Names a query, to be read as what its values look like.
    #[must_use]
    pub fn query(sql: &str) -> Self {
        Self::Query { sql: sql.into(), name: None, kind: Kind::Auto, strip: None, prepend: None }
    }

    /// Sets how to read the values.
    #[must_use]
    pub fn with_kind(mut self, to: Kind) -> Self {
        match &mut self {
            Self::Column { kind, .. } | Self::Template { kind, .. } | Self::Query { kind, .. } => *kind = to,
        }
        self
    }

    /// What it is called in reports, unless it is a query: its columns have names of their own.
    pub(crate) fn label(&self) -> Option<String> {
        match self {
            Self::Column { table, column, .. } => Some(format!("{table}.{column}")),
            Self::Template { table, template, .. } => Some(format!("{table}.{template}")),
            Self::Query { .. } => None,
        }
    }

    /// Says how to read the values in a bucket.
    pub(crate) fn extract(&self, bucket: &ExtractConfig) -> ExtractConfig {
        let none = Vec::new();
        let (kind, json_paths, strip, prepend) = match self {
            Self::Column { kind, json_paths, strip, prepend, .. } => (kind, json_paths, strip, prepend),
            Self::Template { kind, .. } => (kind, &none, &None, &None),
            Self::Query { kind, strip, prepend, .. } => (kind, &none, strip, prepend),
        };
        ExtractConfig {
            kind: *kind,
            json_paths: json_paths.clone(),
            strip: strip.clone(),
            prepend: prepend.clone(),
            ..bucket.clone()
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawReference {
    table: Option<String>,
    column: Option<String>,
    template: Option<String>,
    sql: Option<String>,
    name: Option<String>,
    kind: Option<Kind>,
    #[serde(default)]
    json_paths: Vec<String>,
    #[serde(default)]
    optional: bool,
    strip: Option<String>,
    prepend: Option<String>,
}

impl TryFrom<RawReference> for Reference {
    type Error = &'static str;

    fn try_from(raw: RawReference) -> Result<Self, Self::Error> {
        let RawReference { table, column, template, sql, name, kind, json_paths, strip, prepend, optional } = raw;
        let is_plain = json_paths.is_empty() && !optional;
        match (table, column, template, sql, name) {
            (Some(table), Some(column), None, None, None) => {
                let kind = kind.unwrap_or_default();
                Ok(Self::Column { table, column, kind, json_paths, strip, prepend, optional })
            }
            (Some(table), None, Some(template), None, None) => {
                if strip.is_some() || prepend.is_some() || !json_paths.is_empty() {
                    return Err("a template is the whole key: write what stands before it into the template");
                }
                Ok(Self::Template { table, template, kind: kind.unwrap_or(Kind::Template), optional })
            }
            (None, None, None, Some(sql), name) if is_plain => {
                Ok(Self::Query { sql, name, kind: kind.unwrap_or_default(), strip, prepend })
            }
            (None, None, None, Some(_), _) => Err("`json_paths` and `optional` belong to a reference with `table`"),
            (_, _, _, None, Some(_)) => Err("only a reference with `sql` has a `name`"),
            _ => Err("a reference has either `table` and `column`, `table` and `template`, or `sql`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Reference, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_reference_is_a_column_or_a_query() {
        assert_eq!(parse(r#"{"table":"users","column":"avatar"}"#), Ok(Reference::column("users", "avatar")));
        let query = Reference::query("SELECT a FROM t").with_kind(Kind::Text);
        assert_eq!(parse(r#"{"sql":"SELECT a FROM t","kind":"text"}"#), Ok(query));
        let template = Reference::template("users", "u/{id}/{avatar}");
        assert_eq!(parse(r#"{"table":"users","template":"u/{id}/{avatar}"}"#), Ok(template));
        for bad in [
            r#"{"table":"users"}"#,
            r#"{"table":"users","column":"a","sql":"SELECT 1"}"#,
            r#"{"table":"users","column":"a","name":"x"}"#,
            r#"{"table":"users","column":"a","knd":"key"}"#,
            r#"{"table":"users","template":"{a}","prepend":"x/"}"#,
            r#"{"sql":"SELECT 1","optional":true}"#,
            "{}",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn i12_a_configuration_does_not_show_its_url() {
        let config = SqlConfig::new("main", "postgres://app:hunter2@db/app", []);
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
