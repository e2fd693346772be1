//! A world with a store of some kind, in which time can pass.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;

use s3gc_failpoint::Point;
use s3gc_s3_mem::VersioningState;
use sqlx::{ConnectOptions, Connection};

use crate::world::{World, body, orphans};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// A bucket without versions, on a server that honours conditions.
    Bucket,
    Versioned,
    Directory,
    /// A bucket as the first one, whose vault is in another bucket.
    ObjectVault,
    /// The same, and the store copies what goes into it.
    Copies,
}

pub(crate) struct Place {
    pub(crate) world: World,
    pub(crate) store: Store,
    /// How many requests there were before each process.
    pub(crate) starts: Vec<usize>,
}

pub(crate) const EXECUTE: &[&str] = &["run", "--mode", "execute", "--yes"];

impl Place {
    pub(crate) async fn new(store: Store) -> Self {
        let world = World::new().await;
        match store {
            Store::Bucket => {}
            Store::Versioned => world.bucket().set_versioning(VersioningState::Enabled),
            Store::ObjectVault | Store::Copies => {
                drop(world.server.bucket("backups"));
                std::fs::create_dir(world.path("state")).unwrap();
                let mut vault = format!("path = \"s3://backups/s3gc\"\nendpoint = \"{}\"", world.server.endpoint());
                if store == Store::Copies {
                    vault.push_str("\nstage = \"copy\"\ncopy_from = \"1 B\"");
                }
                let text = world.configuration().replace("path = \"state/vault\"", &vault);
                let text = format!("{text}[catalog]\npath = \"state/catalog.db\"\n");
                std::fs::write(world.path("s3gc.toml"), text).unwrap();
            }
            Store::Directory => {
                std::fs::create_dir_all(world.path("uploads/avatars")).unwrap();
                for key in world.bucket().keys() {
                    std::fs::write(world.path("uploads").join(&key), body(&key)).unwrap();
                }
                std::fs::remove_file(world.path("uploads/avatars/young.jpg")).unwrap();
                let text = "[database]\nurl = \"sqlite:app.db\"\n[bucket]\npath = \"uploads\"\nretention = \"0s\"\n\
                            [tables]\nusers = [\"avatar\"]\n[vault]\npath = \"state/vault\"\n\
                            [safety]\nallow_short_retention = true\n";
                std::fs::write(world.path("s3gc.toml"), text).unwrap();
            }
        }
        Self { world, store, starts: Vec::new() }
    }

    /// Runs a command that must die at this point.
    pub(crate) async fn kill(&mut self, args: &[&str], point: Point) {
        self.starts.push(self.world.server.requests().len());
        let mut command = self.world.command(args);
        let output = command.env("S3GC_FAILPOINT", point.name()).output().await.unwrap();
        let name = point.name();
        assert_eq!(output.status.signal(), Some(9), "{name} was never reached: {:?} {output:?}", self.store);
    }

    /// Runs a command that must end well.
    pub(crate) async fn run(&mut self, args: &[&str]) -> String {
        self.starts.push(self.world.server.requests().len());
        self.world.expect(0, args).await.stdout
    }

    /// Lets so much time pass that no request of a dead process can land any more.
    pub(crate) async fn later(&self) {
        if self.world.path("state/catalog.db").exists() && self.count("SELECT count(*) FROM sqlite_master").await > 0 {
            let old = "UPDATE entry SET sent_at = '2026-01-01T00:00:00.000000000Z' WHERE state = 'sent'";
            self.world.sql_in("state/catalog.db", old).await;
        }
    }

    /// Counts in the catalog.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(self.world.path("state/catalog.db"));
        let mut connection = options.connect().await.unwrap();
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    }

    pub(crate) fn read(&self, key: &str) -> Option<Vec<u8>> {
        match self.store {
            Store::Directory => std::fs::read(self.world.path("uploads").join(key)).ok(),
            Store::Bucket | Store::Versioned | Store::ObjectVault | Store::Copies => {
                self.world.bucket().object(key).map(|object| object.bytes().to_vec())
            }
        }
    }

    /// What belongs to an object beside its bytes; a directory keeps none of it for files that others wrote.
    pub(crate) fn headers(&self, key: &str) -> [BTreeMap<String, String>; 3] {
        match self.store {
            Store::Directory => Default::default(),
            Store::Bucket | Store::Versioned | Store::ObjectVault | Store::Copies => {
                let object = self.world.bucket().object(key).unwrap();
                [object.headers, object.user, object.tags]
            }
        }
    }

    pub(crate) fn has_garbage(&self) -> bool {
        orphans().iter().any(|key| self.read(key).is_some())
    }
}
