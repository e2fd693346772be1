//! A small photo app: a database file, a bucket with objects of a month ago, a configuration.

use std::path::PathBuf;
use std::process::Stdio;

use s3gc_s3_mem::{ACCESS_KEY, Bucket, Options, PutSpec, S3Mem, SECRET_KEY, Timestamp};
use serde_json::Value;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) const BUCKET: &str = "photos";
/// How many users there are, each with an avatar.
pub(crate) const USERS: usize = 40;
/// How many avatars nobody refers to any more.
pub(crate) const ORPHANS: usize = 5;

/// As the catalog writes a time.
const LONG_AGO: &str = "2026-01-01T00:00:00.000000000Z";

pub(crate) struct World {
    pub(crate) server: S3Mem,
    dir: TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// Makes a world in which `ORPHANS` objects of `USERS + ORPHANS + 1` are due at once, and one is young.
    pub(crate) async fn new() -> Self {
        let server = S3Mem::start(Options::default().bucket(BUCKET).bucket("other")).await.unwrap();
        let world = Self { server, dir: tempfile::tempdir().unwrap() };
        world.sql("CREATE TABLE users (id INTEGER PRIMARY KEY, avatar TEXT)").await;
        let old = PutSpec::default().last_modified(days_ago(30));
        for user in 0..USERS {
            let key = format!("avatars/{user}.jpg");
            world.bucket().put(&key, body(&key), old.clone());
            world.sql(&format!("INSERT INTO users (avatar) VALUES ('{key}')")).await;
        }
        for orphan in orphans() {
            let spec = old.clone().header("content-type", "image/jpeg").user("camera", "box").tag("team", "web");
            world.bucket().put(&orphan, body(&orphan), spec);
        }
        world.bucket().put("avatars/young.jpg", body("avatars/young.jpg"), PutSpec::default());
        world.configure("");
        world
    }

    /// Writes the configuration, with more at its end.
    pub(crate) fn configure(&self, more: &str) {
        std::fs::write(self.path("s3gc.toml"), format!("{}\n{more}", self.configuration())).unwrap();
    }

    pub(crate) fn configuration(&self) -> String {
        format!(
            "[database]\nurl = \"sqlite:app.db\"\n\
             [bucket]\nname = \"{BUCKET}\"\nregion = \"us-east-1\"\nendpoint = \"{}\"\n\
             retention_from = \"last_modified\"\n\
             [tables]\nusers = [\"avatar\"]\n\
             [vault]\npath = \"state/vault\"\n",
            self.server.endpoint()
        )
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn bucket(&self) -> Bucket {
        self.server.bucket(BUCKET)
    }

    pub(crate) async fn sql(&self, sql: &str) {
        self.sql_in("app.db", sql).await;
    }

    pub(crate) async fn sql_in(&self, file: &str, sql: &str) {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.path(file)).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Lets packs and what is in them be of long ago: the product has no switch for it.
    pub(crate) async fn age_packs(&self) {
        let entry = format!("json_set(entry, '$.staged_at', '{LONG_AGO}')");
        let statements = format!(
            "UPDATE pack SET created_at = '{LONG_AGO}'; UPDATE entry SET settled_at = '{LONG_AGO}', entry = {entry}"
        );
        self.sql_in("state/catalog.db", &statements).await;
    }

    /// Lets the day of each mark go by.
    pub(crate) async fn age_marks(&self) {
        let statement = format!("UPDATE pack SET state_at = '{LONG_AGO}' WHERE state = 'marked'");
        self.sql_in("state/catalog.db", &statement).await;
    }

    /// Prepares a command in the directory of the world, with nothing of this process's environment.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_s3gc"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .env("USER", "tester")
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn s3gc(&self, args: &[&str]) -> Done {
        Done::of(self.command(args)).await
    }

    /// Runs a command that must end with this code.
    pub(crate) async fn expect(&self, code: i32, args: &[&str]) -> Done {
        let done = self.s3gc(args).await;
        assert_eq!(done.code, code, "{args:?}: {done:?}");
        done
    }

    /// Deletes what is due, and returns the report.
    pub(crate) async fn collect(&self) -> Value {
        let report = self.expect(0, &["run", "--mode", "execute", "--yes", "--json"]).await.json();
        assert_eq!(report["sweep"]["deleted"]["objects"], ORPHANS, "{report}");
        report
    }
}

impl Done {
    pub(crate) async fn of(mut command: Command) -> Self {
        let output = command.output().await.unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Reads stdout as the one JSON document that it must be.
    pub(crate) fn json(&self) -> Value {
        let mut lines = self.json_lines();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines.remove(0)
    }

    /// Reads stdout as JSON lines and nothing else.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }

    /// Checks that both streams together have this text.
    pub(crate) fn says(&self, text: &str) -> &Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "{text:?} is not in {self:#?}");
        self
    }
}

pub(crate) fn orphans() -> Vec<String> {
    (0..ORPHANS).map(|orphan| format!("avatars/gone-{orphan}.jpg")).collect()
}

pub(crate) fn body(key: &str) -> String {
    format!("the bytes of {key} ").repeat(20)
}

pub(crate) fn days_ago(days: i64) -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second() - days * 86_400).unwrap()
}
