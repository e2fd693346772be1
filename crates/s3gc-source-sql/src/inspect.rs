//! A look at a database that is not configured yet: which columns could hold keys, and what some of their rows hold.

use std::collections::HashSet;
use std::time::Duration;

use s3gc_source::{Error, Result};

use crate::catalog::{Catalog, Table};
use crate::conn::Conn;
use crate::error;
use crate::mysql;
use crate::quote::{Dialect, Sql, TableName, write_name};
use crate::source::{SqlSource, Target};

/// How much longer the client waits than the server is told to.
const MARGIN: Duration = Duration::from_secs(2);

/// A column of a base table that could hold keys by its type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// The table as a configuration names it: with its schema where that is needed, quoted where that is needed.
    pub table: String,
    /// The column.
    pub column: String,
    /// The type as the database writes it.
    pub type_name: String,
    /// Why a scan cannot read it as it is, with the way out.
    pub refused: Option<String>,
    name: TableName,
    key: Vec<String>,
    readable: bool,
}

impl Candidate {
    /// The only column of the primary key.
    #[must_use]
    pub fn key_column(&self) -> Option<&str> {
        match self.key.as_slice() {
            [key] => Some(key),
            _ => None,
        }
    }

    /// The table and the column as the catalogue has them.
    pub(crate) fn place(&self) -> (TableName, String) {
        (self.name.clone(), self.column.clone())
    }
}

/// Looks at a database, in read-only transactions.
#[derive(Debug)]
pub struct Inspector {
    source: SqlSource,
    conn: Option<Conn>,
}

impl Inspector {
    /// Connects to a database; `name` stands for it in errors, which never show the URL.
    ///
    /// # Errors
    ///
    /// If the URL is none, or the database cannot be reached, or refuses the login.
    pub async fn connect(name: &str, url: &str) -> Result<Self> {
        let refuse = |reason| Error::Schema { source_name: name.to_owned(), column: "url".to_owned(), reason };
        let target = Target::parse(url).map_err(refuse)?;
        let source =
            SqlSource { name: name.to_owned(), target, references: Vec::new(), autos: Vec::new(), fence: None };
        let conn = source.open().await?;
        Ok(Self { source, conn: Some(conn) })
    }

    /// Looks at the database of a source, on connections of its own.
    pub(crate) fn of(source: &SqlSource) -> Self {
        Self { source: source.clone(), conn: None }
    }

    /// Reads the catalogue.
    pub(crate) async fn catalog(&mut self) -> Result<Catalog> {
        let mut conn = self.take().await?;
        let catalog = self.source.read_catalog(&mut conn).await?;
        self.conn = Some(conn);
        Ok(catalog)
    }

    /// Lists the columns that could hold keys, by table, without those of the system, of views and of partitions, which
    /// are read with their table.
    ///
    /// # Errors
    ///
    /// Any failure.
    pub async fn candidates(&mut self) -> Result<Vec<Candidate>> {
        let dialect = self.source.dialect();
        let mut conn = self.take().await?;
        let catalog = self.source.read_catalog(&mut conn).await?;
        let failed = |e| error::map(&self.source.name, "catalogue", "reading the catalogue", e);
        let names = conn.all(&Sql::fixed(base_tables(dialect))).await.map_err(failed)?;
        self.conn = Some(conn);
        let base: HashSet<TableName> = names.into_iter().filter_map(table_name).collect();
        let tables = catalog.tables.iter().filter(|table| base.contains(&table.name));
        Ok(tables.flat_map(|table| candidates_of(&catalog, table)).collect())
    }

    /// Reads up to `limit` values of a column, each once, none of them NULL or empty: half of them of the rows that come
    /// first and, where there is a primary key, half of the newest. Very long values are cut.
    ///
    /// # Errors
    ///
    /// If it takes longer than `patience`, or any other failure.
    pub async fn sample(&mut self, candidate: &Candidate, limit: u32, patience: Duration) -> Result<Vec<String>> {
        if candidate.key.is_empty() {
            return Ok(unique(self.read(candidate, &[], limit, patience).await?));
        }
        // The newest first: where few rows have a value, reading from the other end may take too long to find one.
        let newest = self.read(candidate, &candidate.key, limit / 2, patience).await;
        let first = self.read(candidate, &[], limit.div_ceil(2), patience).await;
        match (first, newest) {
            (Ok(mut values), newest) => {
                values.extend(newest.unwrap_or_default());
                Ok(unique(values))
            }
            // What was read is enough to go on with.
            (Err(_), Ok(newest)) if !newest.is_empty() => Ok(unique(newest)),
            (Err(error), _) => Err(error),
        }
    }

    /// Reads the primary key of up to `limit` of the newest rows, with a value of the column as [`Self::sample`] does;
    /// nothing where the key is not one column.
    ///
    /// # Errors
    ///
    /// As [`Self::sample`].
    pub async fn sample_with_key(
        &mut self,
        candidate: &Candidate,
        limit: u32,
        patience: Duration,
    ) -> Result<Vec<(String, String)>> {
        let Some(key) = candidate.key_column() else { return Ok(Vec::new()) };
        let sql = Sql::sample_with_key(self.source.dialect(), &candidate.name, &candidate.column, key, limit);
        let rows = self.run(candidate, &sql, patience).await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.first()?.clone()?, row.get(1)?.clone()?))).collect())
    }

    async fn read(
        &mut self,
        candidate: &Candidate,
        newest: &[String],
        limit: u32,
        patience: Duration,
    ) -> Result<Vec<String>> {
        let sql = Sql::sample(self.source.dialect(), &candidate.name, &candidate.column, newest, limit);
        let rows = self.run(candidate, &sql, patience).await?;
        Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
    }

    async fn run(&mut self, candidate: &Candidate, sql: &Sql, patience: Duration) -> Result<Vec<Vec<Option<String>>>> {
        let label = format!("{}.{}", candidate.table, candidate.column);
        if !candidate.readable {
            let source = candidate.refused.clone().unwrap_or_default().into();
            return Err(Error::PermissionDenied { source_name: self.source.name.clone(), column: label, source });
        }
        let mut conn = self.take().await?;
        // A connection on which something failed, or still runs, is not used again.
        match tokio::time::timeout(patience + MARGIN, read(&mut conn, sql, patience)).await {
            Ok(Ok(values)) => {
                self.conn = Some(conn);
                Ok(values)
            }
            Ok(Err(e)) => Err(error::map(&self.source.name, &label, &format!("sampling {label}"), e)),
            Err(_) => Err(Error::Failed {
                source_name: self.source.name.clone(),
                operation: format!("sampling {label}"),
                source: format!("it took longer than {} s", patience.as_secs()).into(),
            }),
        }
    }

    async fn take(&mut self) -> Result<Conn> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => self.source.open().await,
        }
    }
}

async fn read(conn: &mut Conn, sql: &Sql, patience: Duration) -> sqlx::Result<Vec<Vec<Option<String>>>> {
    let milliseconds = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
    match conn {
        Conn::Postgres(_) => {
            conn.run(&Sql::fixed("BEGIN READ ONLY")).await?;
            conn.run(&Sql::with_number("SET LOCAL statement_timeout = {}", milliseconds)).await?;
        }
        Conn::MySql(_) => {
            mysql::limit_statements(conn, patience).await?;
            conn.run(&Sql::fixed("START TRANSACTION READ ONLY")).await?;
        }
        Conn::Sqlite(_) => conn.run(&Sql::fixed("BEGIN DEFERRED")).await?,
    }
    let values = conn.all(sql).await?;
    conn.run(&Sql::fixed("ROLLBACK")).await?;
    Ok(values)
}

fn candidates_of(catalog: &Catalog, table: &Table) -> Vec<Candidate> {
    let is_default = catalog.default_schema.as_ref() == Some(&table.name.schema);
    let same_name = catalog.tables.iter().filter(|other| other.name.table == table.name.table).count();
    // A name without a schema means that of the default schema, or where there is none, of the only table of the name.
    let is_enough = if catalog.default_schema.is_some() { is_default } else { same_name == 1 };
    let written = write_name((!is_enough).then_some(table.name.schema.as_str()), &table.name.table);
    let columns = table.columns.iter().filter(|column| column.can_hold_key);
    columns
        .map(|column| {
            let grant = || format!("grant it: GRANT SELECT ON {written} TO the user of s3gc");
            Candidate {
                table: written.clone(),
                column: column.name.clone(),
                type_name: column.type_name.clone(),
                refused: table.refused.clone().or_else(|| (!column.readable).then(grant)),
                name: table.name.clone(),
                key: table.key.clone(),
                readable: column.readable,
            }
        })
        .collect()
}

fn base_tables(dialect: Dialect) -> &'static str {
    match dialect {
        // Not the keys that the write fence holds: none of them is a reference.
        Dialect::Postgres => {
            "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname <> 's3gc_fence'"
        }
        Dialect::MySql => {
            "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
             WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
        }
        // Not the tables behind a full-text index.
        Dialect::Sqlite => "SELECT schema, name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'",
    }
}

fn table_name(row: Vec<Option<String>>) -> Option<TableName> {
    let mut values = row.into_iter().flatten();
    Some(TableName { schema: values.next()?, table: values.next()? })
}

fn unique(values: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    values.into_iter().filter(|value| seen.insert(value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn tables_are_sampled_from_both_ends_and_views_are_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("app.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut conn = options.connect().await.unwrap();
        let sql = "CREATE TABLE \"odd.table\" (id INTEGER PRIMARY KEY, \"a\"\"b\" TEXT, n INTEGER, blank TEXT);
            CREATE VIEW v AS SELECT * FROM \"odd.table\";
            CREATE VIRTUAL TABLE words USING fts5(word);
            WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 100)
                INSERT INTO \"odd.table\" (\"a\"\"b\", n, blank) SELECT 'v' || x, x, '' FROM c;
            INSERT INTO \"odd.table\" (\"a\"\"b\") VALUES (NULL), ('v100');";
        sqlx::raw_sql(sql).execute(&mut conn).await.unwrap();

        let url = format!("sqlite:{}", path.display());
        let mut inspector = Inspector::connect("main", &url).await.unwrap();
        let found = inspector.candidates().await.unwrap();
        let names: Vec<(&str, &str)> = found.iter().map(|c| (c.table.as_str(), c.column.as_str())).collect();
        assert_eq!(names, [("\"odd.table\"", "a\"b"), ("\"odd.table\"", "blank")]);
        let values = inspector.sample(&found[0], 6, PATIENCE).await.unwrap();
        assert_eq!(values, ["v1", "v2", "v3", "v100", "v99"]);
        assert!(inspector.sample(&found[1], 6, PATIENCE).await.unwrap().is_empty());
    }
}
