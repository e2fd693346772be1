//! MariaDB.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use super::{Server, Skip, as_user, find, free_port, fresh_name, require, run, run_with_input, server_dir};

/// A MariaDB server of its own.
///
/// # Examples
///
/// ```
/// use s3gc_testkit::servers::MariaDb;
///
/// let Some(mariadb) = MariaDb::shared() else { return };
/// let url = mariadb.fresh_database();
/// mariadb.sql(&url, "CREATE TABLE users (avatar text)");
/// ```
#[derive(Debug)]
pub struct MariaDb {
    server: Server,
    client: PathBuf,
    port: u16,
}

impl MariaDb {
    /// The name of a user who may do everything.
    pub const SUPERUSER: &str = "admin";
    /// The name of an ordinary user, who may log in and nothing else.
    pub const USER: &str = "app";
    /// The password of both users.
    pub const PASSWORD: &str = "hunter2-my";

    /// Starts a server.
    ///
    /// # Errors
    ///
    /// If MariaDB is not installed or does not start.
    pub fn start() -> Result<Self, Skip> {
        let skip = |error: &dyn std::fmt::Display| Skip::new("mysql", error);
        let program = |name| find(name, &[]).ok_or_else(|| skip(&format!("{name} is not installed")));
        let (install, mariadbd, client) = (program("mariadb-install-db")?, program("mariadbd")?, program("mariadb")?);

        let dir = server_dir("s3gc-mariadb-", "mysql").map_err(|e| skip(&e))?;
        let data = format!("--datadir={}", dir.path().join("data").display());
        let mut words = as_user("mysql", &install);
        // Two bootstraps that share /tmp remove each other's temporary tables.
        let temporary = format!("--tmpdir={}", dir.path().display());
        words.extend(
            ["--no-defaults", &data, &temporary, "--auth-root-authentication-method=normal", "--skip-test-db"]
                .map(Into::into),
        );
        run(Command::new(&words[0]).args(&words[1..]).current_dir(dir.path())).map_err(|e| skip(&e))?;

        // The anonymous user of localhost would be taken for any other user without a host.
        let init = format!(
            "DELETE FROM mysql.global_priv WHERE User = '';\nFLUSH PRIVILEGES;\n\
             CREATE USER '{user}'@'%' IDENTIFIED BY '{password}';\n\
             CREATE USER '{superuser}'@'%' IDENTIFIED BY '{password}';\n\
             GRANT ALL ON *.* TO '{superuser}'@'%' WITH GRANT OPTION;\n",
            user = Self::USER,
            superuser = Self::SUPERUSER,
            password = Self::PASSWORD,
        );
        let init_file = dir.path().join("init.sql");
        std::fs::write(&init_file, init).map_err(|e| skip(&e))?;
        let port = free_port().map_err(|e| skip(&e))?;
        let mut words = as_user("mysql", &mariadbd);
        words.extend(["--no-defaults".into(), data, format!("--port={port}")]);
        words.extend([
            format!("--socket={}", dir.path().join("socket").display()),
            format!("--pid-file={}", dir.path().join("pid").display()),
            temporary,
            format!("--init-file={}", init_file.display()),
        ]);
        words.extend(
            [
                "--skip-networking=0",
                "--bind-address=127.0.0.1",
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-buffer-pool-size=32M",
                "--skip-log-bin",
            ]
            .map(Into::into),
        );
        let server = Server::start(&words, dir, "KILL").map_err(|e| skip(&e))?;
        let this = Self { server, client, port };
        this.server.wait_until(|| this.try_sql(&this.url("mysql"), "SELECT 1").is_ok()).map_err(|e| skip(&e))?;
        Ok(this)
    }

    /// Returns the server that all tests of this process share; `None`, after saying so, where there is no MariaDB.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<MariaDb>> = OnceLock::new();
        SHARED.get_or_init(|| require(Self::start())).as_ref()
    }

    /// Returns the URL of a database for the user who may do everything.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(Self::SUPERUSER, Self::PASSWORD, database)
    }

    /// Returns the URL of a database for a user.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str, database: &str) -> String {
        format!("mysql://{user}:{password}@127.0.0.1:{}/{database}", self.port)
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

    /// Creates a database and returns its URL for the user who may do everything.
    ///
    /// # Panics
    ///
    /// If there is one of this name.
    pub fn create_database(&self, name: &str) -> String {
        self.sql(&self.url("mysql"), &format!("CREATE DATABASE `{name}` CHARACTER SET utf8mb4"));
        self.url(name)
    }

    /// Creates a database that no other test uses, and returns its URL for the user who may do everything.
    pub fn fresh_database(&self) -> String {
        self.create_database(&fresh_name())
    }

    /// Runs statements with the command-line client and returns what it prints: a row a line, columns parted by tabs.
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
    /// What the client says.
    pub fn try_sql(&self, url: &str, statements: &str) -> std::io::Result<String> {
        let database = url.rsplit('/').next().unwrap_or_default();
        let mut client = Command::new(&self.client);
        client.args(["--no-defaults", "--protocol=tcp", "-h127.0.0.1", "-NB", "--default-character-set=utf8mb4"]);
        client.args([format!("-P{}", self.port), format!("-u{}", Self::SUPERUSER), format!("-p{}", Self::PASSWORD)]);
        run_with_input(client.arg(database), statements)
    }
}
