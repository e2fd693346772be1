//! One connection to any of the databases, and its rows as bytes.
//!
//! Every statement goes through the text protocol: the values then are what the database prints, whatever their type, and
//! the rows arrive as they are sent, never all at once.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Column as _, Executor as _, Row as _, SqlSafeStr as _, Statement as _, TypeInfo as _};

use crate::quote::Sql;

#[derive(Debug)]
pub(crate) enum Conn {
    Postgres(PgConnection),
    MySql(MySqlConnection),
    Sqlite(SqliteConnection),
}

pub(crate) enum Row {
    Postgres(PgRow),
    MySql(MySqlRow),
    Sqlite(SqliteRow),
}

/// The name and the type of a column of a result.
pub(crate) type ResultColumn = (String, String);

impl Conn {
    /// Runs a statement for its effect.
    pub(crate) async fn run(&mut self, sql: &Sql) -> sqlx::Result<()> {
        let mut rows = self.rows(sql);
        while rows.try_next().await?.is_some() {}
        Ok(())
    }

    /// Runs a statement and streams its rows.
    pub(crate) fn rows(&mut self, sql: &Sql) -> BoxStream<'_, sqlx::Result<Row>> {
        let sql = sqlx::raw_sql(sql.safe());
        match self {
            Self::Postgres(conn) => sql.fetch(conn).map_ok(Row::Postgres).boxed(),
            Self::MySql(conn) => sql.fetch(conn).map_ok(Row::MySql).boxed(),
            Self::Sqlite(conn) => sql.fetch(conn).map_ok(Row::Sqlite).boxed(),
        }
    }

    /// Runs a statement that has few rows, and returns their values as text.
    pub(crate) async fn all(&mut self, sql: &Sql) -> sqlx::Result<Vec<Vec<Option<String>>>> {
        self.rows(sql).and_then(async |row| row.texts()).try_collect().await
    }

    /// Runs a statement that has one row with one value.
    pub(crate) async fn value(&mut self, sql: &Sql) -> sqlx::Result<Option<String>> {
        let row = self.all(sql).await?.into_iter().next();
        Ok(row.ok_or(sqlx::Error::RowNotFound)?.into_iter().next().flatten())
    }

    /// Prepares a statement, which proves that it is one, and returns the columns of its result.
    pub(crate) async fn columns(&mut self, sql: &Sql) -> sqlx::Result<Vec<ResultColumn>> {
        macro_rules! prepare {
            ($conn:expr) => {{
                let statement = $conn.prepare(sql.safe().into_sql_str()).await?;
                let columns = statement.columns().iter();
                columns.map(|c| (c.name().to_owned(), c.type_info().name().to_owned())).collect()
            }};
        }
        Ok(match self {
            Self::Postgres(conn) => prepare!(conn),
            Self::MySql(conn) => prepare!(conn),
            Self::Sqlite(conn) => prepare!(conn),
        })
    }
}

impl Row {
    /// Returns the value of a column as the database gave it; `None` for NULL.
    pub(crate) fn bytes(&self, index: usize) -> sqlx::Result<Option<&[u8]>> {
        match self {
            Self::Postgres(row) => {
                let value = row.try_get_raw(index)?;
                match value.as_bytes() {
                    Ok(bytes) => Ok(Some(bytes)),
                    // The only error there is: NULL.
                    Err(_) => Ok(None),
                }
            }
            Self::MySql(row) => row.try_get_unchecked(index),
            Self::Sqlite(row) => row.try_get_unchecked(index),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Postgres(row) => row.len(),
            Self::MySql(row) => row.len(),
            Self::Sqlite(row) => row.len(),
        }
    }

    fn texts(&self) -> sqlx::Result<Vec<Option<String>>> {
        (0..self.len()).map(|i| Ok(self.bytes(i)?.map(|bytes| String::from_utf8_lossy(bytes).into_owned()))).collect()
    }
}
