//! How collectors lost data elsewhere, each accident set up again on real parts. `docs/lessons.md` tells of each, and
//! which tests in the whole tree show it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failure in a test is a panic")]

mod moments;
mod numbers;
mod objects;
mod owners;
mod references;

use std::sync::Arc;

use s3gc_core::{Mode, ReferenceSource, RunOptions, RunReport};
use s3gc_source::extract::ExtractConfig;
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultySource};
use s3gc_testkit::servers::Postgres;
use s3gc_tests::{BUCKET, World};

/// Makes a world around a fresh PostgreSQL database.
async fn postgres(statements: &str) -> Option<(World, &'static Postgres)> {
    let server = Postgres::shared()?;
    let url = server.fresh_database();
    server.sql(&url, statements);
    Some((World::with_database(tempfile::tempdir().unwrap(), url).await, server))
}

/// Watches these columns of the world's database.
async fn source(world: &World, references: impl IntoIterator<Item = Reference>) -> Arc<dyn ReferenceSource> {
    let extract = ExtractConfig { bucket: BUCKET.into(), ..ExtractConfig::default() };
    Arc::new(SqlSource::connect(SqlConfig::new("main", &world.url, references), &extract).await.unwrap())
}

/// Runs in `execute` mode, with a source that something happens to.
async fn execute(
    world: &World,
    source: Arc<dyn ReferenceSource>,
    accidents: FaultPlan,
) -> s3gc_core::Result<RunReport> {
    let source = Arc::new(FaultySource::new(source, accidents));
    world.gc_with(world.store().await, source).await.run_cycle(RunOptions::mode(Mode::Execute)).await
}

/// Lets the application run a statement at that moment.
fn statement(server: &'static Postgres, url: &str, statement: &'static str) -> Fault {
    let url = url.to_owned();
    Fault::hook(move || {
        server.sql(&url, statement);
        std::future::ready(())
    })
}

fn brakes(report: &RunReport) -> Vec<&str> {
    report.brakes.iter().map(|brake| brake.name.as_str()).collect()
}
