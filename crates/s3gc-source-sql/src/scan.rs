//! The scan: everything at one instant.

use async_stream::try_stream;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use s3gc_source::{Result, ScanEnd, ScanItem, ScanRequest};
use s3gc_store::Timestamp;

use crate::catalog::{Catalog, Resolver, Watched, check_query, query_name};
use crate::config::Reference;
use crate::conn::Conn;
use crate::quote::Sql;
use crate::reader::Reader;
use crate::source::{SqlSource, Target};
use crate::{error, mysql, postgres, sqlite};

/// Scans in one transaction on a connection of its own.
///
/// A look is read the same way as a census: its snapshot is taken when it begins, so that it holds every commit before.
/// Statements with a snapshot each would miss a reference that moves, in one transaction, from a table that is still to
/// be read to one that was read already (lesson 7).
pub(crate) fn scan(source: &SqlSource, request: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
    try_stream! {
        let Session { mut conn, watched, snapshot_at } = source.begin().await?;
        let mut columns = Vec::new();
        for watched in &watched {
            let mut reader = Reader::new(watched, request.trace);
            let sql = if request.trace { &watched.traced } else { &watched.sql };
            let mut rows = conn.rows(sql);
            loop {
                let row = rows.try_next().await.map_err(|e| source.failed(watched, e))?;
                let Some(row) = row else { break };
                for batch in reader.read(&row).map_err(|e| source.failed(watched, e))? {
                    yield ScanItem::Batch(batch);
                }
            }
            drop(rows);
            let (left, counts) = reader.finish();
            for batch in left {
                yield ScanItem::Batch(batch);
            }
            columns.extend(counts);
        }
        conn.run(&Sql::fixed("COMMIT")).await.map_err(|e| error::map(&source.name, "scan", "ending the scan", e))?;
        let mut end = ScanEnd::new(columns);
        end.snapshot_at = snapshot_at;
        yield ScanItem::End(end);
    }
    .boxed()
}

/// A connection in its snapshot, and what to read in it.
pub(crate) struct Session {
    pub(crate) conn: Conn,
    pub(crate) watched: Vec<Watched>,
    pub(crate) snapshot_at: Option<Timestamp>,
}

impl SqlSource {
    async fn begin(&self) -> Result<Session> {
        let conn = self.open().await?;
        match self.target {
            Target::Postgres(_) => postgres::begin(self, conn).await,
            Target::MySql(_) => mysql::begin(self, conn).await,
            Target::Sqlite(_) => sqlite::begin(self, conn).await,
        }
    }

    pub(crate) async fn open(&self) -> Result<Conn> {
        match &self.target {
            Target::Postgres(options) => postgres::open(self, options).await,
            Target::MySql(options) => mysql::open(self, options).await,
            Target::Sqlite(options) => sqlite::open(self, options).await,
        }
    }

    /// Proves that this session is on the primary.
    pub(crate) async fn check_primary(&self, conn: &mut Conn) -> Result<()> {
        match self.target {
            Target::Postgres(_) => postgres::check_primary(self, conn).await,
            Target::MySql(_) => mysql::check_primary(self, conn).await,
            Target::Sqlite(_) => Ok(()),
        }
    }

    /// Finds what is configured in the database.
    pub(crate) async fn resolve(&self, conn: &mut Conn) -> Result<Vec<Watched>> {
        let catalog = self.read_catalog(conn).await?;
        self.resolve_in(catalog, conn).await
    }

    pub(crate) async fn resolve_in(&self, catalog: Catalog, conn: &mut Conn) -> Result<Vec<Watched>> {
        let mut resolver = Resolver::new(&self.name, self.dialect(), catalog);
        resolver.add_tables(&self.references)?;
        for (reference, extractor) in &self.references {
            let Reference::Query { sql, name, .. } = reference else { continue };
            let name = query_name(sql, name.as_deref());
            check_query(&resolver, sql, &name)?;
            let columns = conn.columns(&Sql::query(self.dialect(), sql)).await;
            let columns = columns.map_err(|e| error::map(&self.name, &name, "preparing the query", e))?;
            resolver.add_query(sql, &name, &columns, extractor)?;
        }
        Ok(resolver.watched)
    }

    pub(crate) async fn read_catalog(&self, conn: &mut Conn) -> Result<Catalog> {
        let catalog = match self.target {
            Target::Postgres(_) => postgres::catalog(conn).await,
            Target::MySql(_) => mysql::catalog(conn).await,
            Target::Sqlite(_) => sqlite::catalog(conn).await,
        };
        catalog.map_err(|e| error::map(&self.name, "catalogue", "reading the catalogue", e))
    }

    pub(crate) fn failed(&self, watched: &Watched, error: sqlx::Error) -> s3gc_source::Error {
        error::map(&self.name, &watched.label, &format!("reading {}", watched.label), error)
    }
}
