//! The library from end to end: a directory of uploads, an SQLite database, a vault; plan, delete, restore.
//!
//! Everything is made in a temporary directory. `cargo run -p s3gc-examples --example library_run`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use s3gc_catalog::SqliteCatalog;
use s3gc_core::{Gc, Mode, RestoreOptions, RunOptions, Settings};
use s3gc_source::extract::ExtractConfig;
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_store_fs::{FsConfig, FsStore};
use s3gc_vault::DirVault;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let uploads = dir.path().join("uploads");
    make_application(dir.path(), &uploads).await?;

    let mut settings = Settings::new("photo-app", dir.path().join("plans"));
    // The uploads of this example are a moment old. Yours keep their retention of seven days.
    settings.retention = Duration::ZERO;
    settings.allow_short_retention = true;

    let url = format!("sqlite:{}", dir.path().join("app.db").display());
    let watched = SqlConfig::new("main", &url, [Reference::column("users", "avatar_url")]);
    let gc = Gc::builder(settings)
        .store(Arc::new(FsStore::open(&FsConfig::new(&uploads)).await?))
        .source(Arc::new(SqlSource::connect(watched, &ExtractConfig::default()).await?))
        .vault(Arc::new(DirVault::open(dir.path().join("vault"))?))
        .catalog(Arc::new(SqliteCatalog::open(dir.path().join("catalog.db")).await?))
        .build()?;

    let planned = gc.run_cycle(RunOptions::mode(Mode::DryRun)).await?;
    println!("dry run: {} listed, {} due", planned.counts.listed.objects, planned.counts.due.objects);
    assert!(uploads.join("avatars/alice.jpg").exists(), "a dry run deletes nothing");

    // A service would look at the plan first; see `RunOptions::plan`.
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await?;
    println!("execute: {} backed up, {} deleted", report.sweep.staged.objects, report.sweep.deleted.objects);
    assert!(!uploads.join("avatars/alice.jpg").exists(), "no row refers to it");
    assert!(uploads.join("avatars/bob.jpg").exists(), "a row refers to it");

    let restored = gc.restore_key("avatars/alice.jpg", RestoreOptions::default()).await?;
    println!("restore: {:?}", restored.objects);
    assert_eq!(std::fs::read(uploads.join("avatars/alice.jpg"))?, b"alice's picture");

    let metrics = gc.metrics().await?;
    println!("metrics: {} runs, {} bytes in the vault", metrics.total_runs, metrics.vault_size_bytes);
    Ok(())
}

/// Makes an application with two uploads, of which one is referenced: Alice has deleted her account.
async fn make_application(dir: &Path, uploads: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(uploads.join("avatars"))?;
    std::fs::write(uploads.join("avatars/alice.jpg"), "alice's picture")?;
    std::fs::write(uploads.join("avatars/bob.jpg"), "bob's picture")?;

    let options = SqliteConnectOptions::new().filename(dir.join("app.db")).create_if_missing(true);
    let mut database = options.connect().await?;
    let rows = "CREATE TABLE users (id INTEGER PRIMARY KEY, avatar_url TEXT);
                INSERT INTO users (avatar_url) VALUES ('avatars/bob.jpg');";
    sqlx::raw_sql(rows).execute(&mut database).await?;
    database.close().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_example_runs() {
        super::main().unwrap();
    }
}
