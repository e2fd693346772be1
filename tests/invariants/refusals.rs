//! Every brake and every stop, each set off in a world of its own: nothing is deleted; a brake is lifted for the one plan
//! that it tripped in, by name and with a reason.

use std::sync::Arc;
use std::time::Duration;

use s3gc_core::catalog::{AuditFilter, Pin};
use s3gc_core::{Error, MaxDelete, Mode, RunOptions, RunReport, RunState};
use s3gc_s3_mem::{Effect, Fault, Op, VersioningState};
use s3gc_testkit::servers::Postgres;
use s3gc_tests::{World, days_ago, sqlite};

use crate::exactly::make_lax;

const POSTS: usize = 40;

/// Forty posts with their images, two images that no post names, and a first census of it.
async fn world() -> World {
    let mut world = World::new().await;
    world.settings.max_delete = MaxDelete::Percent(20.0);
    let rows: Vec<String> = (0..POSTS).map(|n| format!("({n}, 'a/{n}.jpg')")).collect();
    sqlite(&world.url, &format!("INSERT INTO posts VALUES {}", rows.join(", "))).await;
    for n in 0..POSTS + 2 {
        world.put(&format!("a/{n}.jpg"), "image");
    }
    let first = world.gc().await.run_cycle(RunOptions::default()).await.unwrap();
    assert_eq!((first.state, first.counts.due.objects), (RunState::Done, 2), "{:?}", first.brakes);
    world
}

/// Runs and sees the brake trip; then that it binds this plan, and that only its own name and a reason lift it.
async fn sees(world: &World, name: &str) {
    let gc = world.gc().await;
    let before = world.bucket().keys();
    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    let tripped: Vec<&str> = report.brakes.iter().map(|brake| brake.name.as_str()).collect();
    assert!(report.state == RunState::Blocked && tripped.contains(&name), "{name}: {:?} {tripped:?}", report.state);
    let path = report.plan.unwrap().path;
    let run = async |accept: &[&str], reason: Option<&str>| -> s3gc_core::Result<RunReport> {
        let mut options = RunOptions::plan(&path);
        options.accept = accept.iter().map(|&name| name.to_owned()).collect();
        (options.reason, options.who) = (reason.map(str::to_owned), Some("ann".into()));
        gc.run_cycle(options).await
    };
    let others: Vec<&str> = tripped.iter().copied().filter(|tripped| *tripped != name).collect();
    let refused = run(&others, Some("because")).await;
    assert!(matches!(&refused, Err(Error::NotAccepted { brakes, .. }) if brakes == &[name]), "{name}: {refused:?}");
    let refused = run(&tripped, None).await;
    assert!(matches!(&refused, Err(Error::Invalid(reason)) if reason.contains("--reason")), "{name}: {refused:?}");
    let refused = run(&[&tripped[..], &["another"]].concat(), Some("because")).await;
    assert!(matches!(&refused, Err(Error::Invalid(reason)) if reason.contains("another")), "{name}: {refused:?}");
    assert_eq!(world.bucket().keys(), before, "{name}: nothing is deleted");

    let accepted = run(&tripped, Some("because")).await.unwrap();
    assert_eq!(accepted.state, RunState::Done, "{name}: {:?}", accepted.sweep);
    let filter = AuditFilter { kind: Some("accept".into()), ..AuditFilter::default() };
    let audit = world.catalog().await.audit(&filter, 0, 9).await.unwrap();
    assert_eq!(audit.len(), 1, "{name}");
    let evidence = [name, "\"because\"", "\"ann\"", &accepted.plan.unwrap().hash.to_string()];
    assert!(evidence.iter().all(|part| audit[0].detail.contains(part)), "{name}: {}", audit[0].detail);
}

#[tokio::test(flavor = "multi_thread")]
async fn brakes_on_references_that_are_gone() {
    for name in ["zero:total", "zero:main", "zero:posts.image", "drop:main", "orphans:a/", "orphans", "orphan_bytes"] {
        let world = world().await;
        let keep = if name.starts_with("zero") { 0 } else { POSTS / 2 - 5 };
        sqlite(&world.url, &format!("DELETE FROM posts WHERE id >= {keep}")).await;
        Box::pin(sees(&world, name)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brakes_on_values_that_name_nothing() {
    for (name, value) in [("match:posts.image", "'z/' || id"), ("foreign_urls", "'https://img.example.net/' || image")]
    {
        let world = world().await;
        sqlite(&world.url, &format!("UPDATE posts SET image = {value} WHERE id < 30")).await;
        Box::pin(sees(&world, name)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn brakes_on_the_size_of_a_plan() {
    let mut world = world().await;
    world.settings.max_delete = MaxDelete::Count(1);
    Box::pin(sees(&world, "max_count")).await;
    let mut world = self::world().await;
    world.settings.max_delete_bytes = Some(9);
    Box::pin(sees(&world, "max_bytes")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn brakes_on_what_became_another() {
    let world = world().await;
    let columns =
        "CREATE TABLE other (id INTEGER PRIMARY KEY, image VARCHAR(99)); INSERT INTO other SELECT * FROM posts;";
    sqlite(&world.url, &format!("{columns} DROP TABLE posts; ALTER TABLE other RENAME TO posts")).await;
    Box::pin(sees(&world, "schema")).await;

    let world = self::world().await;
    let file = world.dir.path().join("app.db");
    std::fs::copy(&file, file.with_extension("copy")).unwrap();
    std::fs::rename(file.with_extension("copy"), &file).unwrap();
    Box::pin(sees(&world, "identity")).await;

    let mut world = self::world().await;
    world.settings.retention = Duration::from_secs(86_400);
    Box::pin(sees(&world, "config")).await;

    let world = self::world().await;
    sqlite(&world.url, "CREATE TABLE notes (body TEXT); INSERT INTO notes VALUES ('a/41.jpg')").await;
    Box::pin(sees(&world, "unwatched:notes.body")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brake_on_a_database_that_went_back() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE posts (id integer, image text); INSERT INTO posts VALUES (0, 'a/0.jpg')");
    let world = World::with_database(tempfile::tempdir().unwrap(), url).await;
    for n in 0..2 {
        world.put(&format!("a/{n}.jpg"), "image");
    }
    let gc = world.gc().await;
    assert_eq!(gc.run_cycle(RunOptions::default()).await.unwrap().brakes, []);
    let position = Pin { name: "position:main".into(), value: u64::MAX.to_string(), set_at: days_ago(0) };
    world.catalog().await.set_pin(gc.location(), &position).await.unwrap();
    Box::pin(sees(&world, "position")).await;
}

#[track_caller]
fn is_stop(result: &s3gc_core::Result<RunReport>, expected: &str) {
    assert!(matches!(result, Err(Error::Stop { name, .. }) if *name == expected), "{expected}: {result:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_of_the_configuration() {
    type Change = fn(&mut World);
    let stops: [(&str, Change); 3] = [
        ("retention", |world| world.settings.retention = Duration::from_secs(60)),
        ("vault_keep", |world| world.settings.backup_window = Some(Duration::from_secs(86_400 * 1000))),
        ("unconditional_delete", |world| make_lax(world)),
    ];
    for (name, change) in stops {
        let mut world = world().await;
        change(&mut world);
        let before = world.bucket().keys();
        // What widens deletion asks for a dry run before; the vault's keep stops that one, too.
        let dry = world.gc().await.run_cycle(RunOptions::default()).await;
        assert_eq!(dry.is_err(), name == "vault_keep", "{name}: {dry:?}");
        is_stop(&world.execute().await, name);
        assert_eq!(world.bucket().keys(), before, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_of_the_store() {
    let world = world().await;
    world.s3.set_clock_offset(jiff::SignedDuration::from_secs(90));
    is_stop(&world.execute().await, "clock");
    assert_eq!(world.bucket().len(), POSTS + 2);

    let world = self::world().await;
    world.bucket().set_versioning(VersioningState::Enabled);
    world.s3.inject(Fault::new(Effect::AccessDenied).on(Op::ListObjectVersions));
    is_stop(&world.execute().await, "versions");
    assert_eq!(world.bucket().len(), POSTS + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_outlasts_its_window_stops() {
    let mut world = world().await;
    world.settings.recheck_window = Duration::from_millis(1);
    let result = world.execute().await;
    is_stop(&result, "recheck_window");
    assert!(result.unwrap_err().to_string().contains("lengthen [safety] recheck_window"));
    assert_eq!(world.bucket().len(), POSTS + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_stays_open_stops() {
    let mut world = world().await;
    world.settings.drain_patience = Duration::from_millis(300);
    let url = world.url.clone();
    let blocker = Arc::new(tokio::sync::Mutex::new(None));
    let held = Arc::clone(&blocker);
    world.s3.after(Op::GetObject, move |_| {
        let (url, held) = (url.clone(), Arc::clone(&held));
        let open = async move {
            use sqlx::{Connection as _, Executor as _};
            let mut held = held.lock().await;
            if held.is_none() {
                let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
                connection.execute("BEGIN IMMEDIATE").await.unwrap();
                *held = Some(connection);
            }
        };
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(open));
    });
    is_stop(&world.execute().await, "drain");
    assert_eq!(world.bucket().len(), POSTS + 2);
    drop(blocker.lock().await.take());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_that_was_put_back_stops() {
    let world = world().await;
    let copy = world.dir.path().join("catalog.copy");
    let vacuum = format!("VACUUM INTO '{}'", copy.display());
    sqlite(&format!("sqlite:{}", world.catalog_path().display()), &vacuum).await;
    assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 2);
    for end in ["", "-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{end}", world.catalog_path().display())));
    }
    std::fs::copy(&copy, world.catalog_path()).unwrap();
    world.put("a/50.jpg", "image");
    is_stop(&world.execute().await, "catalog");
    assert!(world.bucket().object("a/50.jpg").is_some());
}

/// Finds every brake and stop in the source of the engine, so that none comes without a test here.
#[test]
fn every_brake_and_stop_is_set_off() {
    let here = include_str!("refusals.rs");
    // Those of `trust`, `exactly`, `fence` and the lease have tests of their own; a file's tests name what they please.
    let elsewhere = ["migration", "versioning", "fence", "lease", "main"];
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/s3gc-core/src");
    let (mut found, mut missing) = (0, Vec::new());
    for dir in [core.to_owned(), format!("{core}/sweep")] {
        for file in std::fs::read_dir(dir).unwrap() {
            let path = file.unwrap().path();
            let text = if path.is_dir() { String::new() } else { std::fs::read_to_string(&path).unwrap() };
            let stops = text.split("Stop {").skip(1).filter_map(|rest| rest.trim_start().strip_prefix("name: \""));
            let brakes = ["brake(\"", "trip(\"", "&format!(\""].map(|start| text.split(start).skip(1));
            for rest in stops.chain(brakes.into_iter().flatten()) {
                let end = rest.find(['"', '{']).unwrap_or_default();
                let name = &rest[..end];
                if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b"_:".contains(&b)) {
                    continue;
                }
                found += 1;
                if !here.contains(&format!("\"{name}")) && !elsewhere.contains(&name) {
                    missing.push(format!("{}: {name}", path.display()));
                }
            }
        }
    }
    assert!(found > 25 && missing.is_empty(), "{found} found, {missing:?}");
}
