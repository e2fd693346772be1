//! The source.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use s3gc_source::extract::{ExtractConfig, Extractor};
use s3gc_source::{
    Drain, Error, ReferenceSource, Result, ScanItem, ScanRequest, SourceLock, SourceStatus, Unwatched,
    UnwatchedRequest, WriteFence,
};
use secrecy::ExposeSecret as _;
use sqlx::ConnectOptions as _;
use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::config::{OnConflict, Reference, SqlConfig};
use crate::quote::Dialect;
use crate::{mysql, postgres, scan, sqlite, unwatched};

/// A database whose columns refer to objects, read in full by each scan.
///
/// Each scan has a connection of its own, for one read-only transaction: all tables are read at one instant.
#[derive(Clone)]
pub struct SqlSource {
    pub(crate) name: String,
    pub(crate) target: Target,
    pub(crate) references: Vec<(Reference, Extractor)>,
    /// Read columns that are not configured: as they are, and with what the configured ones need.
    pub(crate) autos: Vec<Extractor>,
    /// The write fence, if it is turned on.
    pub(crate) fence: Option<OnConflict>,
}

/// Where the database is, and with which login.
#[derive(Clone)]
pub(crate) enum Target {
    Postgres(PgConnectOptions),
    MySql(MySqlConnectOptions),
    Sqlite(SqliteConnectOptions),
}

impl SqlSource {
    /// Connects to the database and checks that everything that is configured can be read. `bucket` tells which bucket
    /// the values refer to; kind, `strip` and `prepend` come from each reference.
    ///
    /// # Errors
    ///
    /// If the database cannot be reached, refuses the login, is not the primary, or if a table or column is missing,
    /// ambiguous, not readable, or of a type that cannot hold a key.
    pub async fn connect(config: SqlConfig, bucket: &ExtractConfig) -> Result<Self> {
        let source = Self::new(config, bucket)?;
        let mut conn = source.open().await?;
        source.check_primary(&mut conn).await?;
        source.resolve(&mut conn).await?;
        Ok(source)
    }

    /// Takes a database without connecting to it: what [`SqlSource::connect`] checks, the first scan and the first
    /// question for its status check too.
    ///
    /// # Errors
    ///
    /// If nothing is configured to be read, or the configuration makes no sense.
    pub fn new(config: SqlConfig, bucket: &ExtractConfig) -> Result<Self> {
        let SqlConfig { name, url, references, fence } = config;
        let refuse =
            |column: &str, reason: String| Error::Schema { source_name: name.clone(), column: column.into(), reason };
        if references.is_empty() {
            return Err(refuse("references", "no table and no query is configured".into()));
        }
        let target = Target::parse(url.expose_secret()).map_err(|reason| refuse("url", reason))?;
        if fence.is_some() {
            if !matches!(target, Target::Postgres(_)) {
                return Err(refuse("fence", "only PostgreSQL has a write fence: turn it off".into()));
            }
            crate::fence::refuse_references(&name, &references)?;
        }
        let mut with_extractors = Vec::new();
        for reference in references {
            let extractor = Extractor::new(reference.extract(bucket));
            let extractor = extractor.map_err(|error| refuse("references", error.to_string()))?;
            with_extractors.push((reference, extractor));
        }
        let mut affixes = BTreeSet::from([(None, None)]);
        for (reference, _) in &with_extractors {
            let ExtractConfig { strip, prepend, .. } = reference.extract(bucket);
            affixes.insert((strip, prepend));
        }
        let auto = |(strip, prepend)| Extractor::new(ExtractConfig { strip, prepend, ..bucket.clone() });
        let autos = affixes.into_iter().map(auto).collect::<Result<_, _>>();
        let autos = autos.map_err(|error| refuse("references", error.to_string()))?;
        Ok(Self { name, target, references: with_extractors, autos, fence })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match self.target {
            Target::Postgres(_) => Dialect::Postgres,
            Target::MySql(_) => Dialect::MySql,
            Target::Sqlite(_) => Dialect::Sqlite,
        }
    }
}

impl fmt::Debug for SqlSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The target holds the password.
        f.debug_struct("SqlSource")
            .field("name", &self.name)
            .field("dialect", &self.dialect())
            .field("references", &self.references.iter().map(|(reference, _)| reference).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl ReferenceSource for SqlSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn scan(&self, request: ScanRequest) -> BoxStream<'_, Result<ScanItem>> {
        scan::scan(self, request)
    }

    async fn status(&self) -> Result<Option<SourceStatus>> {
        let mut conn = self.open().await?;
        self.check_primary(&mut conn).await?;
        let schema = crate::catalog::describe(&self.resolve(&mut conn).await?);
        let mut status = match &self.target {
            Target::Postgres(_) => postgres::status(self, &mut conn).await?,
            Target::MySql(_) => mysql::status(self, &mut conn).await?,
            Target::Sqlite(options) => sqlite::status(self, options, &mut conn).await?,
        };
        status.identity.schema = schema;
        Ok(Some(status))
    }

    async fn sample_unwatched(&self, request: &UnwatchedRequest) -> Result<Unwatched> {
        unwatched::sample(self, request).await
    }

    async fn drain(&self, patience: Duration) -> Result<Drain> {
        match &self.target {
            Target::Postgres(_) => postgres::drain(self, patience).await,
            Target::MySql(_) => mysql::drain(self, patience).await,
            Target::Sqlite(options) => sqlite::drain(self, options, patience).await,
        }
    }

    async fn lock(&self, name: &str) -> Result<Option<Box<dyn SourceLock>>> {
        match &self.target {
            Target::Postgres(_) => Ok(Some(postgres::lock(self, name).await?)),
            Target::MySql(_) => Ok(Some(mysql::lock(self, name).await?)),
            // A file has one writer at a time and no names to lock.
            Target::Sqlite(_) => Ok(None),
        }
    }

    fn fence(&self) -> Option<&dyn WriteFence> {
        self.fence.map(|_| self as &dyn WriteFence)
    }
}

impl Target {
    /// Reads a URL. The error never holds the URL, since that holds a password.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let scheme = url.split(':').next().unwrap_or_default();
        // A scan is a slow statement, and one in a log is enough.
        match scheme {
            "postgres" | "postgresql" => {
                let options = PgConnectOptions::from_str(url).map_err(|error| error.to_string())?;
                Ok(Self::Postgres(options.application_name("s3gc").disable_statement_logging()))
            }
            "mysql" | "mariadb" => {
                let options = MySqlConnectOptions::from_str(url).map_err(|error| error.to_string())?;
                // The user's queries run under the server's own SQL mode; what it sends is UTF-8 whatever the URL says.
                let options = options.pipes_as_concat(false).no_engine_substitution(false);
                Ok(Self::MySql(options.charset("utf8mb4").set_names(true).disable_statement_logging()))
            }
            "sqlite" => {
                let options = SqliteConnectOptions::from_str(url).map_err(|error| error.to_string())?;
                // `immutable` would read past the log of a running application.
                let options = options.read_only(true).create_if_missing(false).immutable(false);
                Ok(Self::Sqlite(options.row_buffer_size(1024).disable_statement_logging()))
            }
            _ => Err("it begins with postgres://, mysql://, mariadb:// or sqlite:".to_owned()),
        }
    }
}
