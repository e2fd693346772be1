//! The only place where SQL is put together.

use sqlx::AssertSqlSafe;

/// The dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    MySql,
    Sqlite,
}

/// A table in its schema; SQLite has only one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TableName {
    pub(crate) schema: String,
    pub(crate) table: String,
}

/// A statement that is safe to run: fixed, put together from quoted names, or the user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sql(String);

impl Sql {
    /// A statement of ours.
    pub(crate) fn fixed(sql: &'static str) -> Self {
        Self(sql.to_owned())
    }

    /// A statement of ours with one number in it, for `{}`.
    pub(crate) fn with_number(sql: &'static str, number: i64) -> Self {
        Self(sql.replace("{}", &number.to_string()))
    }

    /// A statement of ours with one hexadecimal digest in it, for `{}`.
    pub(crate) fn with_digest(sql: &'static str, digest: blake3::Hash) -> Self {
        Self(sql.replace("{}", &digest.to_hex()[..32]))
    }

    /// Reads columns, and expressions of ours such as `ctid`, from a table.
    pub(crate) fn select(dialect: Dialect, table: &TableName, columns: &[&str], ours: &[&'static str]) -> Self {
        let columns: Vec<String> =
            columns.iter().map(|c| quote(dialect, c)).chain(ours.iter().map(|&o| o.to_owned())).collect();
        Self(format!("SELECT {} FROM {}", columns.join(", "), quote_table(dialect, table)))
    }

    /// Reads some values of a column as text, none of them NULL or empty, and no more than 256 Ki characters of each; the
    /// newest rows first, if their key is given.
    pub(crate) fn sample(dialect: Dialect, table: &TableName, column: &str, newest: &[String], limit: u32) -> Self {
        const MAX_CHARACTERS: u32 = 1 << 18;
        let column = quote(dialect, column);
        let (text, cut) = match dialect {
            Dialect::Postgres => (format!("{column}::text"), "left"),
            Dialect::MySql => (format!("CAST({column} AS CHAR)"), "left"),
            Dialect::Sqlite => (format!("CAST({column} AS TEXT)"), "substr"),
        };
        let value = match dialect {
            Dialect::Sqlite => format!("{cut}({text}, 1, {MAX_CHARACTERS})"),
            _ => format!("{cut}({text}, {MAX_CHARACTERS})"),
        };
        let keys: Vec<String> = newest.iter().map(|key| format!("{} DESC", quote(dialect, key))).collect();
        let order = if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) };
        let table = quote_table(dialect, table);
        Self(format!("SELECT {value} FROM {table} WHERE {column} IS NOT NULL AND {text} <> ''{order} LIMIT {limit}"))
    }

    /// Reads the key of some rows, the newest first, with a value as [`Self::sample`] does.
    pub(crate) fn sample_with_key(dialect: Dialect, table: &TableName, column: &str, key: &str, limit: u32) -> Self {
        let Self(sql) = Self::sample(dialect, table, column, &[key.to_owned()], limit);
        let key = quote(dialect, key);
        Self(sql.replacen("SELECT ", &format!("SELECT {key}, "), 1))
    }

    /// Opens a table without reading it, so that it stays as it is until the end of the transaction.
    pub(crate) fn touch(dialect: Dialect, table: &TableName) -> Self {
        Self(format!("SELECT 1 FROM {} LIMIT 0", quote_table(dialect, table)))
    }

    /// Locks tables against TRUNCATE and rewrites.
    pub(crate) fn lock_tables<'a>(tables: impl IntoIterator<Item = &'a TableName>) -> Self {
        let tables: Vec<String> = tables.into_iter().map(|t| quote_table(Dialect::Postgres, t)).collect();
        Self(format!("LOCK TABLE {} IN ACCESS SHARE MODE", tables.join(", ")))
    }

    /// Runs the user's query. What it names is theirs to decide; that it is one statement is checked by preparing it.
    pub(crate) fn query(dialect: Dialect, sql: &str) -> Self {
        let sql = sql.trim().trim_end_matches(';').trim_end();
        match dialect {
            Dialect::Postgres | Dialect::MySql => Self(sql.to_owned()),
            // Here preparing takes only the first of several statements; in parentheses several are a syntax error.
            Dialect::Sqlite => Self(format!("SELECT * FROM (\n{sql}\n)")),
        }
    }

    /// Plans the user's query, which locks what it reads.
    pub(crate) fn explain(sql: &str) -> Self {
        let Self(sql) = Self::query(Dialect::Postgres, sql);
        Self(format!("EXPLAIN {sql}"))
    }

    /// A statement of ours for PostgreSQL with these parts in it, one for each `{}`.
    pub(crate) fn with_parts(sql: &'static str, parts: &[Part<'_>]) -> Self {
        let mut pieces = sql.split("{}");
        let mut text = pieces.next().unwrap_or_default().to_owned();
        for (part, piece) in parts.iter().zip(pieces) {
            part.write(&mut text);
            text.push_str(piece);
        }
        Self(text)
    }

    /// Puts statements one after the other, each ended.
    pub(crate) fn script<'a>(statements: impl IntoIterator<Item = &'a Self>) -> Self {
        Self(statements.into_iter().map(|Self(sql)| format!("{sql};\n")).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn safe(&self) -> AssertSqlSafe<String> {
        AssertSqlSafe(self.0.clone())
    }
}

/// What may stand in a statement for PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    /// A name.
    Name(&'a str),
    /// Tables, parted by commas.
    Tables(&'a [TableName]),
    /// A text.
    Text(&'a str),
    /// An array of texts.
    Texts(&'a [&'a str]),
    /// A number.
    Number(i64),
    /// True or false.
    Bool(bool),
    /// A statement, or a part of one.
    Sql(&'a Sql),
    /// Parts of a statement, parted by this.
    List(&'a [Sql], &'static str),
}

impl Part<'_> {
    fn write(self, out: &mut String) {
        match self {
            Self::Name(name) => out.push_str(&quote(Dialect::Postgres, name)),
            Self::Tables(tables) => {
                let tables: Vec<String> = tables.iter().map(|table| quote_table(Dialect::Postgres, table)).collect();
                out.push_str(&tables.join(", "));
            }
            Self::Text(text) => out.push_str(&literal(text)),
            Self::Texts(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| literal(text)).collect();
                out.push_str(&format!("ARRAY[{}]::text[]", texts.join(", ")));
            }
            Self::Number(number) => out.push_str(&number.to_string()),
            Self::Bool(yes) => out.push_str(if yes { "true" } else { "false" }),
            Self::Sql(Sql(sql)) => out.push_str(sql),
            Self::List(list, by) => {
                let list: Vec<&str> = list.iter().map(|Sql(sql)| sql.as_str()).collect();
                out.push_str(&list.join(by));
            }
        }
    }
}

/// Tells whether the query begins as one that reads, after comments and parentheses.
pub(crate) fn is_select(sql: &str) -> bool {
    let mut rest = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    loop {
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map(|(_, rest)| rest)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map(|(_, rest)| rest)
        } else {
            break;
        };
        let Some(after) = after else { return false };
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    }
    let word: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
    word.eq_ignore_ascii_case("select") || word.eq_ignore_ascii_case("with")
}

/// Takes a name apart as people write it: `table`, `schema.table`, `"My Schema"."Table"`, with backticks, in brackets.
pub(crate) fn parse_name(name: &str) -> Option<(Option<String>, String)> {
    let mut parts = Vec::new();
    let mut rest = name.trim();
    loop {
        let close = match rest.chars().next()? {
            c @ ('"' | '`') => Some(c),
            '[' => Some(']'),
            _ => None,
        };
        let (part, after) = match close {
            Some(close) => quoted(&rest[1..], close)?,
            None => {
                let end = rest.find('.').unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        if part.is_empty() || part.contains('\0') {
            return None;
        }
        parts.push(part);
        if after.is_empty() {
            break;
        }
        rest = after.strip_prefix('.')?;
    }
    let table = parts.pop()?;
    let schema = parts.pop();
    parts.is_empty().then_some((schema, table))
}

/// Writes a name so that [`parse_name`] reads it.
pub(crate) fn write_name(schema: Option<&str>, table: &str) -> String {
    let part = |name: &str| {
        let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '-';
        if !name.is_empty() && name.chars().all(is_plain) {
            name.to_owned()
        } else {
            format!("\"{}\"", name.replace('"', "\"\""))
        }
    };
    match schema {
        Some(schema) => format!("{}.{}", part(schema), part(table)),
        None => part(table),
    }
}

/// Reads up to a closing quote; two of them stand for one.
fn quoted(text: &str, close: char) -> Option<(String, &str)> {
    let mut part = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once(close)?;
        part.push_str(before);
        match after.strip_prefix(close) {
            Some(after) => {
                part.push(close);
                rest = after;
            }
            None => return Some((part, after)),
        }
    }
}

pub(crate) fn quote_table(dialect: Dialect, table: &TableName) -> String {
    match dialect {
        Dialect::Sqlite => quote(dialect, &table.table),
        _ => format!("{}.{}", quote(dialect, &table.schema), quote(dialect, &table.table)),
    }
}

/// Quotes a name. Names come from the database's own catalogue; none holds a NUL.
pub(crate) fn quote(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Postgres | Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
        Dialect::MySql => format!("`{}`", name.replace('`', "``")),
    }
}

/// Writes a text so that PostgreSQL reads it back whatever `standard_conforming_strings` says. It may hold no NUL.
fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') { format!(" E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_parsed_as_it_is_written() {
        let some = |schema: &str, table: &str| Some((Some(schema.to_owned()), table.to_owned()));
        assert_eq!(parse_name("users"), Some((None, "users".into())));
        assert_eq!(parse_name(" blog.posts "), some("blog", "posts"));
        assert_eq!(parse_name("\"My Schema\".\"a.b\"\"c\""), some("My Schema", "a.b\"c"));
        assert_eq!(parse_name("`x`.`y``z`"), some("x", "y`z"));
        assert_eq!(parse_name("[a b]"), Some((None, "a b".into())));
        for bad in ["", "a.", ".a", "\"a", "\"a\"b", "a.b.c", "\"\""] {
            assert_eq!(parse_name(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_written_name_is_read_back() {
        for name in ["users", "a.b", "My Table", "q\"uote", "`x`", "[y]", "Ünï", " blank ", "a-b"] {
            assert_eq!(parse_name(&write_name(None, name)), Some((None, name.to_owned())), "{name}");
            let both = (Some(name.to_owned()), "t".to_owned());
            assert_eq!(parse_name(&write_name(Some(name), "t")), Some(both), "{name}");
        }
        assert_eq!(write_name(Some("blog"), "posts"), "blog.posts");
    }

    #[test]
    fn a_quoted_name_cannot_end_its_quotes() {
        let table = TableName { schema: "s\"x".into(), table: "t`y".into() };
        let sql = |dialect| Sql::select(dialect, &table, &["c\"`"], &[]).0;
        assert_eq!(sql(Dialect::Postgres), "SELECT \"c\"\"`\" FROM \"s\"\"x\".\"t`y\"");
        assert_eq!(sql(Dialect::MySql), "SELECT `c\"``` FROM `s\"x`.`t``y`");
        assert_eq!(sql(Dialect::Sqlite), "SELECT \"c\"\"`\" FROM \"t`y\"");
    }

    #[test]
    fn a_quoted_text_cannot_end_its_quotes() {
        let texts = ["it's", "a\\'b", "{}"];
        let sql =
            Sql::with_parts("SELECT {}, {} FROM {}", &[Part::Text("'; --"), Part::Texts(&texts), Part::Name("a\"b")]);
        assert_eq!(sql.as_str(), "SELECT '''; --', ARRAY['it''s',  E'a\\\\''b', '{}']::text[] FROM \"a\"\"b\"");
    }

    #[test]
    fn only_a_query_that_reads_is_one() {
        for yes in ["SELECT 1", " with x as (select 1) select * from x", "-- hi\n/* ho */ (select 1)"] {
            assert!(is_select(yes), "{yes}");
        }
        for no in ["DELETE FROM t", "", "-- select 1", "/* select", "TABLE t", "selected"] {
            assert!(!is_select(no), "{no}");
        }
    }
}
