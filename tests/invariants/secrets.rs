//! I12: no secret reaches an error, a report or a plan.

use s3gc_core::RunOptions;
use s3gc_source::extract::ExtractConfig;
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_testkit::servers::Postgres;
use s3gc_tests::World;

/// Writes everything that an error tells, its causes included.
fn everything(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn i12_neither_errors_nor_plans_nor_reports_show_a_password() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE posts (id SERIAL PRIMARY KEY, image TEXT); INSERT INTO posts (image) VALUES ('a')");
    let password = Postgres::PASSWORD;
    let world = World::with_database(tempfile::tempdir().unwrap(), url.clone()).await;
    world.put("orphan", "orphan");
    let gc = world.gc().await;
    let report = gc.run_cycle(RunOptions::default()).await.unwrap();
    let plan = std::fs::read(&report.plan.as_ref().unwrap().path).unwrap();
    let shown = format!("{gc:?} {report:?} {}", serde_json::to_string(&report).unwrap());
    assert!(!shown.contains(password) && !shown.contains(s3gc_s3_mem::SECRET_KEY));
    assert!(!plan.windows(password.len()).any(|window| window == password.as_bytes()));

    let config = SqlConfig::new("main", &url.replace(password, "wrong-hunter"), [Reference::column("posts", "image")]);
    let text = match SqlSource::connect(config, &ExtractConfig::default()).await {
        Err(error) => everything(&error),
        Ok(source) => {
            use s3gc_source::ReferenceSource as _;
            everything(&source.status().await.unwrap_err())
        }
    };
    assert!(!text.contains("wrong-hunter"), "{text}");
}
