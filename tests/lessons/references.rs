//! What was referenced and not seen: a scan in part, a row that moved, a shape, a file or an encoding that nobody knew.

use s3gc_core::{Error, ObjectKey, RunOptions, RunState};
use s3gc_s3_mem::{Effect, Fault as ServerFault, Op, PutSpec, When};
use s3gc_source::extract::Kind;
use s3gc_source_sql::Reference;
use s3gc_testkit::faults::FaultPlan;
use s3gc_tests::{World, days_ago, sqlite};

use crate::{brakes, execute, postgres, source, statement};

/// There is no plan, and no clock has moved.
async fn assert_no_census(world: &World, result: &s3gc_core::Result<s3gc_core::RunReport>) {
    assert!(result.is_err(), "{result:?}");
    let plans = std::fs::read_dir(&world.settings.plan_dir).map_or(0, Iterator::count);
    assert_eq!(plans, 0, "a plan was written");
    let location = world.store().await.location().clone();
    let keys = [ObjectKey::new("orphan.jpg").unwrap()];
    let catalog = world.catalog().await;
    assert_eq!(catalog.clocks(&location, &keys).await.unwrap(), [None]);
    assert_eq!(catalog.last_census(&location).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_a_scan_that_breaks_half_way_yields_no_plan() {
    // Thousands of rows arrive before the one that cannot be read.
    let tables = "CREATE TABLE rows (id integer PRIMARY KEY, image text); \
                  INSERT INTO rows SELECT n, 'a/' || n FROM generate_series(1, 20000) n; \
                  CREATE VIEW posts AS SELECT image || left((1 / (id - 15000))::text, 0) AS image FROM rows";
    let Some((mut world, server)) = postgres(tables).await else { return };
    world.settings.ignore_columns = vec!["rows.image".into()];
    for key in ["a/1", "a/19999", "orphan.jpg"] {
        world.put(key, "image");
    }
    let images = [Reference::column("posts", "image")];
    let count = FaultPlan::new();
    let result = execute(&world, source(&world, images.clone()).await, count.clone()).await;
    assert!(matches!(result, Err(Error::Source(_))), "{result:?}");
    assert!(count.calls_of("batch") > 2, "nothing arrived before: {:?}", count.log());
    assert_no_census(&world, &result).await;
    assert_eq!(world.bucket().len(), 3);
    // The row is mended, and the same collector does its work.
    server.sql(&world.url, "DELETE FROM rows WHERE id = 15000");
    let report = execute(&world, source(&world, images).await, FaultPlan::new()).await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1, "{:?}", report.brakes);
}

#[tokio::test(flavor = "multi_thread")]
async fn l02_a_listing_that_breaks_at_its_second_page_yields_no_plan() {
    let world = World::new().await;
    world.refer("a/1").await;
    world.bucket().seed((0..1500).map(|n| (format!("a/{n}"), 1)), days_ago(30));
    world.put("orphan.jpg", "image");
    // However often the client asks for it.
    for n in 2..20 {
        world.s3.inject(ServerFault::new(Effect::InternalError).on(Op::ListObjectsV2).when(When::Nth(n)));
    }
    let result = world.execute().await;
    assert!(world.s3.count(Op::ListObjectsV2) > 1, "it was no second page");
    assert_no_census(&world, &result).await;
    assert_eq!(world.bucket().len(), 1501);
}

#[tokio::test(flavor = "multi_thread")]
async fn l04_values_that_name_another_host_bucket_or_scheme_block() {
    for elsewhere in ["https://new-cdn.example.net/", "s3://photos-eu/", "gs://photos/"] {
        let world = World::new().await;
        for n in 0..40 {
            world.put(&format!("a/{n}.jpg"), "image");
            world.refer(&format!("a/{n}.jpg")).await;
        }
        let gc = world.gc().await;
        assert_eq!(gc.run_cycle(RunOptions::default()).await.unwrap().brakes, []);
        sqlite(&world.url, &format!("UPDATE posts SET image = '{elsewhere}' || image")).await;
        let report = world.execute().await.unwrap();
        assert_eq!(report.state, RunState::Blocked, "{elsewhere}");
        assert!(brakes(&report).contains(&"foreign_urls"), "{elsewhere}: {:?}", report.brakes);
        assert_eq!(world.bucket().len(), 40, "{elsewhere}");
    }
}

/// Each of the two keys changes places, in one statement.
const MOVE: &str = "WITH x AS (DELETE FROM first RETURNING image), y AS (DELETE FROM second RETURNING image), \
                    z AS (INSERT INTO second SELECT image FROM x) INSERT INTO first SELECT image FROM y";
const PLACE: &str = "INSERT INTO first VALUES ('there.jpg'); INSERT INTO second VALUES ('back.jpg')";

#[tokio::test(flavor = "multi_thread")]
async fn l07_a_row_that_moves_between_two_tables_is_seen_by_the_census_and_by_the_look() {
    for is_late in [false, true] {
        let tables = "CREATE TABLE first (image text); CREATE TABLE second (image text); \
                      CREATE TABLE other (image text); INSERT INTO other VALUES ('kept.jpg')";
        let Some((world, server)) = postgres(tables).await else { return };
        for key in ["back.jpg", "kept.jpg", "orphan.jpg", "there.jpg"] {
            world.put(key, "image");
        }
        let mut accidents = FaultPlan::new().always("batch", statement(server, &world.url, MOVE));
        if is_late {
            // No row names the two before they are staged.
            accidents = accidents.at("drain", 1, statement(server, &world.url, PLACE));
        } else {
            server.sql(&world.url, PLACE);
        }
        // One move between the two tables, and not two.
        let images = ["first", "second", "other"].map(|table| Reference::column(table, "image"));
        let report = execute(&world, source(&world, images).await, accidents.clone()).await.unwrap();
        assert!(accidents.calls_of("batch") >= 8, "it moved too seldom: {:?}", accidents.log());
        assert_eq!(world.bucket().keys(), ["back.jpg", "kept.jpg", "there.jpg"], "late: {is_late}");
        assert_eq!(report.sweep.rescued.objects, if is_late { 2 } else { 0 }, "{:?}", report.sweep);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l13_a_new_kind_of_file_that_the_configuration_does_not_know_blocks() {
    let world = World::new().await;
    for n in 0..10 {
        world.put(&format!("a/{n}.jpg"), "image");
        world.refer(&format!("a/{n}.jpg")).await;
    }
    let gc = world.gc().await;
    assert_eq!(gc.run_cycle(RunOptions::default()).await.unwrap().brakes, []);
    // A release of the application brings previews along, and moves old files to them.
    world.put("previews/3.webp", "image");
    sqlite(
        &world.url,
        "ALTER TABLE posts ADD COLUMN preview TEXT; UPDATE posts SET preview = 'previews/3.webp' WHERE id = 3",
    )
    .await;
    let report = world.execute().await.unwrap();
    assert_eq!((report.state, brakes(&report)), (RunState::Blocked, vec!["unwatched:posts.preview"]));
    assert!(world.bucket().object("previews/3.webp").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn l13_a_new_shape_of_value_is_still_a_reference() {
    let world = World::new().await;
    let shapes = [
        ("json.jpg", r#"{"v":2,"renditions":[{"w":80,"path":"json.jpg"}]}"#),
        ("list.jpg", r#"["list.jpg","nothing.jpg"]"#),
        ("array.jpg", "{array.jpg,nothing.jpg}"),
        ("html.jpg", r#"<p>see <img srcset="/html.jpg 2x"></p>"#),
        ("markdown.jpg", "![a cat](/markdown.jpg)"),
        ("php.jpg", r#"a:1:{s:4:"file";s:7:"php.jpg";}"#),
        ("escaped.jpg", r#""{\"path\":\"escaped.jpg\"}""#),
        ("plain.jpg", "plain.jpg"),
    ];
    for (key, value) in shapes {
        world.put(key, "image");
        world.refer(value).await;
    }
    // What nobody can read keeps nothing else from being read.
    world.refer("\u{1}\u{2}?? v3:@@").await;
    world.put("orphan.jpg", "image");
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1, "{:?}", report.brakes);
    let mut kept = shapes.map(|(key, _)| key);
    kept.sort_unstable();
    assert_eq!(world.bucket().keys(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn l14_the_parts_of_what_a_row_names_live_as_long_as_the_row() {
    let world = World::new().await;
    for n in 1..=2 {
        for part in ["index.m3u8", "720p/index.m3u8", "720p/0001.ts"] {
            world.put(&format!("videos/{n}/{part}"), "part");
        }
    }
    world.put("videos/11/index.m3u8", "another video");
    world.refer("videos/1/index.m3u8").await;
    let images = [Reference::column("posts", "image").with_kind(Kind::Prefix)];
    execute(&world, source(&world, images).await, FaultPlan::new()).await.unwrap();
    let kept = ["videos/1/720p/0001.ts", "videos/1/720p/index.m3u8", "videos/1/index.m3u8"];
    assert_eq!(world.bucket().keys(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn l14_what_is_being_uploaded_is_not_collected() {
    // Age alone counts here, and is not enough for an upload in parts: its date is that of its beginning.
    let world = World::new().await;
    world.refer("nothing.jpg").await;
    world.put("old.jpg", "orphan");
    world.bucket().put("now.jpg", b"row to come".to_vec(), PutSpec::default());
    let parts = PutSpec::default().last_modified(days_ago(30)).etag("0123456789abcdef0123456789abcdef-3");
    world.bucket().put("parts.bin", b"row to come".to_vec(), parts);
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1, "{:?}", report.counts);
    assert_eq!(world.bucket().keys(), ["now.jpg", "parts.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn l16_every_decoding_of_a_value_counts() {
    let world = World::new().await;
    let pairs = [
        ("caf\u{e9}.jpg", "cafe\u{301}.jpg"),
        ("nai\u{308}ve.jpg", "na\u{ef}ve.jpg"),
        ("a%20b.jpg", "a b.jpg"),
        ("literal%20c.jpg", "literal%20c.jpg"),
        ("d+e.jpg", "d e.jpg"),
        ("literal+f.jpg", "literal+f.jpg"),
        ("twice%2520g.jpg", "twice%20g.jpg"),
        ("%e6%97%a5.jpg", "日.jpg"),
        ("/leading.jpg", "leading.jpg"),
        ("h&amp;i.jpg", "h&i.jpg"),
    ];
    for (value, key) in pairs {
        world.put(key, "image");
        world.refer(value).await;
    }
    world.put("orphan.jpg", "image");
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1, "{:?}", report.brakes);
    for (value, key) in pairs {
        assert!(world.bucket().object(key).is_some(), "{value} names {key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l09_an_object_that_was_unreferenced_for_ten_years_is_rescued_by_a_row_of_a_moment_ago() {
    let tables = "CREATE TABLE posts (id serial, image text); INSERT INTO posts (image) VALUES ('nothing.jpg')";
    let Some((world, server)) = postgres(tables).await else { return };
    for key in ["again.jpg", "orphan.jpg"] {
        let old = PutSpec::default().last_modified(days_ago(3650));
        world.bucket().put(key, b"image".to_vec(), old);
    }
    // Staged, planned, judged by its age: and now a row names it again.
    let refer = statement(server, &world.url, "INSERT INTO posts (image) VALUES ('again.jpg')");
    let accidents = FaultPlan::new().at("drain", 1, refer);
    let report = execute(&world, world.source().await, accidents.clone()).await.unwrap();
    assert_eq!((accidents.fired(), report.sweep.staged.objects, report.sweep.rescued.objects), (1, 2, 1));
    assert_eq!(world.bucket().keys(), ["again.jpg"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn l23_a_file_that_two_rows_share_lives_until_both_are_gone() {
    let tables = "CREATE TABLE posts (id integer, image text); CREATE TABLE covers (id integer, image text); \
                  INSERT INTO posts VALUES (1, 'shared.jpg'), (2, 'nothing.jpg'); \
                  INSERT INTO covers VALUES (1, 's3://photos/shared.jpg'), (2, 'nothing.jpg')";
    let Some((world, server)) = postgres(tables).await else { return };
    world.put("shared.jpg", "image");
    let run = async |accidents| {
        let images = ["posts", "covers"].map(|table| Reference::column(table, "image"));
        let report = execute(&world, source(&world, images).await, accidents).await.unwrap();
        assert_eq!(report.brakes, []);
        (report.sweep.planned.objects, report.sweep.deleted.objects)
    };
    server.sql(&world.url, "DELETE FROM posts WHERE id = 1");
    assert_eq!(run(FaultPlan::new()).await, (0, 0), "the other row is still there");
    // Who looks whether it is the last one, and then deletes, misses the row that comes between the two.
    server.sql(&world.url, "DELETE FROM covers WHERE id = 1");
    let refer = statement(server, &world.url, "INSERT INTO posts VALUES (3, 'shared.jpg')");
    assert_eq!(run(FaultPlan::new().at("drain", 1, refer)).await, (1, 0));
    server.sql(&world.url, "DELETE FROM posts WHERE id = 3");
    assert_eq!(run(FaultPlan::new()).await, (1, 1));
}
