//! PostgreSQL.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::{Server, Skip, as_user, find, free_port, fresh_name, require, run, run_with_input, server_dir};

/// A PostgreSQL server of its own, ready for logical replication and prepared transactions.
///
/// # Examples
///
/// ```
/// use s3gc_testkit::servers::Postgres;
///
/// let Some(postgres) = Postgres::shared() else { return };
/// let url = postgres.fresh_database();
/// postgres.sql(&url, "CREATE TABLE users (avatar text)");
/// ```
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    psql: PathBuf,
    port: u16,
}

impl Postgres {
    /// The name and the password of the superuser.
    pub const SUPERUSER: &str = "postgres";
    /// The name of an ordinary user, who may log in and nothing else.
    pub const USER: &str = "app";
    /// The password of both users.
    pub const PASSWORD: &str = "hunter2-pg";

    /// Starts a server.
    ///
    /// # Errors
    ///
    /// If PostgreSQL is not installed or does not start.
    pub fn start() -> Result<Self, Skip> {
        Self::start_with(&[])
    }

    /// Starts a server with more settings, such as `wal_level=replica`.
    ///
    /// # Errors
    ///
    /// If PostgreSQL is not installed or does not start.
    pub fn start_with(settings: &[&str]) -> Result<Self, Skip> {
        let (initdb, dir) = (program("initdb")?, server_dir("s3gc-postgres-", "postgres").map_err(skip)?);
        let password_file = dir.path().join("password");
        std::fs::write(&password_file, Self::PASSWORD).map_err(skip)?;
        let mut words = as_user("postgres", &initdb);
        words.extend(["-D".into(), data(&dir), format!("--pwfile={}", password_file.display())]);
        words.extend(
            ["--no-sync", "-U", Self::SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"].map(Into::into),
        );
        run(Command::new(&words[0]).args(&words[1..]).current_dir(dir.path())).map_err(skip)?;
        let this = Self::launch(dir, settings)?;
        this.sql(&this.url("postgres"), &format!("CREATE ROLE {} LOGIN PASSWORD '{}'", Self::USER, Self::PASSWORD));
        Ok(this)
    }

    /// Starts a standby that replicates from this server, as it is now.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn start_standby(&self) -> Result<Self, Skip> {
        let (basebackup, dir) = (program("pg_basebackup")?, server_dir("s3gc-standby-", "postgres").map_err(skip)?);
        let mut words = as_user("postgres", &basebackup);
        words.extend(["-d".into(), self.url("postgres"), "-D".into(), data(&dir)]);
        words.extend(["-R", "--no-sync", "--checkpoint=fast"].map(Into::into));
        run(Command::new(&words[0]).args(&words[1..]).current_dir(dir.path())).map_err(skip)?;
        Self::launch(dir, &[])
    }

    fn launch(dir: TempDir, settings: &[&str]) -> Result<Self, Skip> {
        let (postgres, psql, port) = (program("postgres")?, program("psql")?, free_port().map_err(skip)?);
        let mut words = as_user("postgres", &postgres);
        words.extend(["-D".into(), data(&dir), "-p".into(), port.to_string()]);
        let defaults = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "wal_level=logical",
            "max_connections=50",
            "max_prepared_transactions=10",
            "shared_buffers=32MB",
        ];
        for setting in defaults.iter().chain(settings) {
            words.extend(["-c".into(), (*setting).to_owned()]);
        }
        // SIGQUIT ends it at once and, unlike SIGKILL, leaves no shared memory behind.
        let server = Server::start(&words, dir, "QUIT").map_err(skip)?;
        let this = Self { server, psql, port };
        this.server.wait_until(|| this.try_sql(&this.url("postgres"), "SELECT 1").is_ok()).map_err(skip)?;
        Ok(this)
    }

    /// Returns the server that all tests of this process share; `None`, after saying so, where there is no PostgreSQL.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(|| require(Self::start())).as_ref()
    }

    /// Returns the major version: 15.
    #[must_use]
    pub fn major(&self) -> u32 {
        let number = self.sql(&self.url("postgres"), "SHOW server_version_num");
        number.trim().parse::<u32>().map_or(0, |number| number / 10_000)
    }

    /// Returns the URL of a database for the superuser.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(Self::SUPERUSER, Self::PASSWORD, database)
    }

    /// Returns the URL of a database for a user.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Returns the port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the directory of the server, which is removed with it.
    #[must_use]
    pub fn dir(&self) -> &std::path::Path {
        &self.server.dir
    }

    /// Creates a database and returns its URL for the superuser.
    ///
    /// # Panics
    ///
    /// If there is one of this name.
    pub fn create_database(&self, name: &str) -> String {
        self.sql(&self.url("postgres"), &format!("CREATE DATABASE \"{name}\""));
        self.url(name)
    }

    /// Creates a database that no other test uses, and returns its URL for the superuser.
    pub fn fresh_database(&self) -> String {
        self.create_database(&fresh_name())
    }

    /// Runs statements with `psql` and returns what it prints: a row a line, columns parted by `|`.
    ///
    /// # Panics
    ///
    /// If a statement fails.
    #[expect(clippy::panic, reason = "a broken fixture must fail the test")]
    pub fn sql(&self, url: &str, statements: &str) -> String {
        self.try_sql(url, statements).unwrap_or_else(|error| panic!("{statements}: {error}"))
    }

    /// Runs statements as [`Self::sql`] does, where one may fail.
    ///
    /// # Errors
    ///
    /// What `psql` says.
    pub fn try_sql(&self, url: &str, statements: &str) -> std::io::Result<String> {
        let mut psql = Command::new(&self.psql);
        run_with_input(psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-", url]), statements)
    }
}

fn skip(error: impl fmt::Display) -> Skip {
    Skip::new("postgres", error)
}

fn program(name: &str) -> Result<PathBuf, Skip> {
    find(name, &bin_dirs()).ok_or_else(|| skip(format!("{name} is not installed")))
}

fn data(dir: &TempDir) -> String {
    dir.path().join("data").display().to_string()
}

/// Where the programs are: in the directory that `S3GC_TEST_POSTGRES` names, or where Debian keeps them, newest version
/// first.
fn bin_dirs() -> Vec<PathBuf> {
    if let Some(dir) = std::env::var_os("S3GC_TEST_POSTGRES") {
        // What is not there, as psql in some packages, is the system's.
        return vec![dir.into()];
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> =
        versions.filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin")))).collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, bin)| bin).collect()
}
