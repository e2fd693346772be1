//! Columns that nobody configured.

use s3gc_core::{Mode, RunOptions, RunReport, RunState};
use s3gc_tests::{World, sqlite};

const BRAKE: &str = "unwatched:notes.body";

async fn world() -> World {
    let world = World::new().await;
    sqlite(&world.url, "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, author TEXT, price REAL)").await;
    for key in ["a.jpg", "b.jpg"] {
        world.put(key, "body");
        world.refer(key).await;
    }
    world
}

async fn dry_run(world: &World) -> RunReport {
    world.gc().await.run_cycle(RunOptions::mode(Mode::DryRun)).await.unwrap()
}

fn brakes(report: &RunReport) -> Vec<&str> {
    report.brakes.iter().map(|brake| brake.name.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn l05_a_column_that_nobody_configured_and_that_names_an_object_blocks() {
    let mut world = world().await;
    sqlite(&world.url, "INSERT INTO notes (body, author) VALUES ('nothing of it', 'alice')").await;
    let report = dry_run(&world).await;
    assert_eq!((brakes(&report), report.unwatched[0].columns, report.unwatched[0].sampled), (vec![], 2, 2));

    world.put("only-in-a-note.jpg", "body");
    sqlite(&world.url, "INSERT INTO notes (body) VALUES ('See https://photos.s3.amazonaws.com/only-in-a-note.jpg .')")
        .await;
    let report = world.execute().await.unwrap();
    assert_eq!((brakes(&report), report.state), (vec![BRAKE], RunState::Blocked), "{:?}", report.unwatched);
    assert!(report.brakes[0].reason.contains("1 of 2 sampled values of notes.body"), "{}", report.brakes[0].reason);
    assert!(world.bucket().object("only-in-a-note.jpg").is_some());

    for ignored in ["notes.body", "notes.*", "*"] {
        world.settings.ignore_columns = vec![ignored.into()];
        assert_eq!(brakes(&dry_run(&world).await), [""; 0], "{ignored}");
    }
    world.settings.ignore_columns = vec!["notes.author".into()];
    assert_eq!(brakes(&dry_run(&world).await), [BRAKE]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_names_only_what_is_referenced_blocks_unless_a_query_may_read_it() {
    let world = world().await;
    sqlite(&world.url, "INSERT INTO notes (body) VALUES ('a.jpg')").await;
    let report = dry_run(&world).await;
    assert_eq!((brakes(&report), report.unwatched[0].holding[0].unreferenced), (vec![BRAKE], 0));

    let query = s3gc_source_sql::Reference::query("SELECT image FROM posts UNION SELECT body FROM notes");
    let config = s3gc_source_sql::SqlConfig::new("main", &world.url, [query]);
    let extract = s3gc_source::extract::ExtractConfig { bucket: "photos".into(), ..Default::default() };
    let source = s3gc_source_sql::SqlSource::connect(config, &extract).await.unwrap();
    let gc = world.gc_with(world.store().await, std::sync::Arc::new(source)).await;
    let report = gc.run_cycle(RunOptions::mode(Mode::DryRun)).await.unwrap();
    assert!(brakes(&report).iter().all(|brake| !brake.starts_with("unwatched")), "{:?}", report.brakes);
}
