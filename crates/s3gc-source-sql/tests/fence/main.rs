//! The write fence, step by step, on a real server: `docs/fence.md` has the proof that these steps belong to.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod readings;

use std::time::Duration;

use common::{bucket, chain};
use s3gc_source::{Condemned, Drain, Fenced, ReferenceSource, Settled, WriteFence};
use s3gc_source_sql::{OnConflict, Reference, SqlConfig, SqlSource};
use s3gc_testkit::servers::Postgres;
use sqlx::{Connection as _, PgConnection};

const OWNER: &str = "s3://photos";
const KEY: &str = "avatars/alice-1.jpg";

/// A database with a fence around `posts (id, image)`.
struct World {
    server: &'static Postgres,
    url: String,
    source: SqlSource,
}

impl World {
    async fn new(on_conflict: OnConflict) -> Option<Self> {
        Self::of(
            on_conflict,
            "CREATE TABLE posts (id int PRIMARY KEY, image text)",
            [Reference::column("posts", "image")],
        )
        .await
    }

    async fn of(
        on_conflict: OnConflict,
        statements: &str,
        references: impl IntoIterator<Item = Reference>,
    ) -> Option<Self> {
        let server = Postgres::shared()?;
        let url = server.fresh_database();
        server.sql(&url, statements);
        let config = SqlConfig::new("main", &url, references).with_fence(on_conflict);
        let source = SqlSource::connect(config, &bucket()).await.unwrap();
        let world = Self { server, url, source };
        world.fence().install(OWNER).await.unwrap();
        assert_eq!(world.fence().status(OWNER).await.unwrap().faults, [""; 0]);
        Some(world)
    }

    fn fence(&self) -> &dyn WriteFence {
        self.source.fence().unwrap()
    }

    fn sql(&self, statements: &str) -> String {
        self.server.sql(&self.url, statements).trim().to_owned()
    }

    fn refused(&self, statements: &str) -> String {
        self.server.try_sql(&self.url, statements).expect_err("this must fail").to_string()
    }

    async fn session(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    async fn condemn(&self) {
        let fenced = self.fence().condemn(OWNER, "w", &[condemned(KEY)]).await.unwrap();
        assert_eq!(fenced, [Fenced::Yes]);
    }

    async fn mark(&self) -> Vec<String> {
        self.fence().mark(OWNER, "w").await.unwrap()
    }

    /// Takes the key through the steps up to its deletion, with nobody else around.
    async fn condemn_and_mark(&self) {
        self.condemn().await;
        assert_eq!(self.fence().wait(Duration::from_secs(20)).await.unwrap(), Drain::Done);
        assert_eq!(self.mark().await, [KEY]);
    }

    async fn orders(&self) -> Vec<Option<String>> {
        self.fence().orders(OWNER).await.unwrap().into_iter().map(|order| order.key).collect()
    }
}

fn condemned(key: &str) -> Condemned {
    Condemned { key: key.into(), bases: Vec::new() }
}

async fn run(session: &mut PgConnection, sql: &'static str) -> Result<(), String> {
    match sqlx::raw_sql(sql).execute(session).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let code = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
            Err(code.unwrap_or_else(|| error.to_string()))
        }
    }
}

fn serialization_failure() -> Result<(), String> {
    Err("40001".into())
}

const REFER: &str = "INSERT INTO posts VALUES (1, 'avatars/alice-1.jpg')";

#[tokio::test]
async fn i01_fence_a_key_that_an_open_transaction_refers_to_is_not_marked() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        world.condemn().await;
        let mut session = world.session().await;
        sqlx::query(sqlx::AssertSqlSafe(format!("BEGIN ISOLATION LEVEL {level}"))).execute(&mut session).await.unwrap();
        run(&mut session, REFER).await.unwrap();
        assert_eq!(world.mark().await, [""; 0], "{level}");
        run(&mut session, "ROLLBACK").await.unwrap();
        assert_eq!(world.mark().await, [KEY], "{level}");
        world.fence().settle(OWNER, &[KEY], Settled::Kept).await.unwrap();
        world.sql("DELETE FROM s3gc_fence.condemned");
    }
}

#[tokio::test]
async fn i01_fence_who_holds_a_key_is_never_waited_for() {
    let Some(world) = World::new(OnConflict::Restore).await else { return };
    world.condemn_and_mark().await;
    let mut session = world.session().await;
    run(&mut session, "BEGIN").await.unwrap();
    run(&mut session, REFER).await.unwrap();
    // None of them may wait for the session, which stays open: a wait would be a deadlock with whoever waits for us.
    let patience = Duration::from_secs(30);
    let settle = world.fence().settle(OWNER, &[KEY], Settled::Gone);
    tokio::time::timeout(patience, settle).await.expect("settling waits").unwrap();
    tokio::time::timeout(patience, world.fence().mark(OWNER, "w")).await.expect("marking waits").unwrap();
    tokio::time::timeout(patience, world.fence().tidy(OWNER)).await.expect("tidying up waits").unwrap();
    assert!(!world.fence().marked(OWNER).await.unwrap()[0].is_gone);
    run(&mut session, "COMMIT").await.unwrap();
    world.fence().settle(OWNER, &[KEY], Settled::Gone).await.unwrap();
    assert!(world.fence().marked(OWNER).await.unwrap()[0].is_gone);
    assert_eq!(world.orders().await, [Some(KEY.to_owned())]);
}

#[tokio::test]
async fn i01_fence_a_reference_to_what_is_being_deleted_fails() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    world.condemn_and_mark().await;
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let mut session = world.session().await;
        sqlx::query(sqlx::AssertSqlSafe(format!("BEGIN ISOLATION LEVEL {level}"))).execute(&mut session).await.unwrap();
        assert_eq!(run(&mut session, REFER).await, serialization_failure(), "{level}");
    }
    assert!(world.refused(REFER).contains("s3gc is deleting the object 'avatars/alice-1.jpg'"));
    assert_eq!(world.orders().await, []);
    // Others go on.
    world.sql("INSERT INTO posts VALUES (2, 'avatars/bob-1.jpg')");
    world.fence().settle(OWNER, &[KEY], Settled::Kept).await.unwrap();
    world.sql(REFER);
}

#[tokio::test]
async fn i01_fence_a_snapshot_from_before_the_mark_fails() {
    let Some(world) = World::new(OnConflict::Restore).await else { return };
    world.condemn().await;
    let mut session = world.session().await;
    run(&mut session, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM posts").await.unwrap();
    assert_eq!(world.mark().await, [KEY]);
    assert_eq!(run(&mut session, REFER).await, serialization_failure());
}

#[tokio::test]
async fn i01_fence_an_order_commits_with_its_reference() {
    let Some(world) = World::new(OnConflict::Restore).await else { return };
    world.condemn_and_mark().await;
    let mut session = world.session().await;
    run(&mut session, "BEGIN").await.unwrap();
    run(&mut session, REFER).await.unwrap();
    run(&mut session, "ROLLBACK").await.unwrap();
    assert_eq!(world.orders().await, []);
    world.sql(REFER);
    assert_eq!(world.orders().await, [Some(KEY.to_owned())]);
    // Two orders for one key stand beside each other: a unique key would make one wait for the other.
    world.sql("INSERT INTO posts VALUES (2, 'https://photos.s3.amazonaws.com/avatars/alice-1.jpg?v=2')");
    let orders = world.fence().orders(OWNER).await.unwrap();
    assert_eq!(orders.len(), 2);
    world.fence().finish_orders(OWNER, &orders.iter().map(|order| order.id).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(world.orders().await, []);
}

#[tokio::test]
async fn i01_fence_a_reference_to_what_is_gone_leaves_an_order() {
    for on_conflict in [OnConflict::Abort, OnConflict::Restore] {
        let Some(world) = World::new(on_conflict).await else { return };
        world.condemn_and_mark().await;
        world.fence().settle(OWNER, &[KEY], Settled::Gone).await.unwrap();
        world.sql(REFER);
        assert_eq!(world.orders().await, [Some(KEY.to_owned())]);
        world.fence().tidy(OWNER).await.unwrap();
        assert_eq!(world.fence().status(OWNER).await.unwrap().gone, 1, "it is remembered for a day");
        world.sql("UPDATE s3gc_fence.condemned SET changed_at = now() - interval '25 hours'");
        world.fence().tidy(OWNER).await.unwrap();
        assert_eq!(world.fence().status(OWNER).await.unwrap().gone, 0);
    }
}

#[tokio::test]
async fn i01_fence_every_way_to_write_a_row_meets_it() {
    let tables = "CREATE TABLE posts (id int PRIMARY KEY, image text); INSERT INTO posts VALUES (7, 'x.jpg');
        CREATE TABLE parts (id int, image text) PARTITION BY RANGE (id);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
        CREATE TABLE base (image text); CREATE TABLE heir (more int) INHERITS (base);
        CREATE TABLE shadow (image text);
        CREATE FUNCTION swap() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.image := ''avatars/alice-1.jpg''; RETURN NEW; END';
        CREATE TABLE swapped (n int, image text); INSERT INTO swapped VALUES (1, 'y.jpg');
        CREATE TRIGGER swap BEFORE UPDATE OF n ON swapped FOR EACH ROW EXECUTE FUNCTION swap();
        CREATE VIEW posts_view AS SELECT * FROM posts";
    let references = [
        Reference::column("posts", "image"),
        Reference::column("parts", "image"),
        Reference::column("base", "image"),
        Reference::column("swapped", "image"),
    ];
    let Some(world) = World::of(OnConflict::Abort, tables, references).await else { return };
    // Made after the fence.
    world.sql("CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
        CREATE TABLE parts_3 (id int, image text); ALTER TABLE parts ATTACH PARTITION parts_3 FOR VALUES FROM (20) TO (30)");
    assert_eq!(world.fence().status(OWNER).await.unwrap().faults, [""; 0]);
    world.condemn_and_mark().await;
    for statement in [
        REFER,
        "UPDATE posts SET image = 'avatars/alice-1.jpg' WHERE id = 7",
        "COPY posts FROM STDIN;\n2\tavatars/alice-1.jpg\n\\.\n",
        "MERGE INTO posts p USING (VALUES (7)) s (id) ON p.id = s.id WHEN MATCHED THEN UPDATE SET image = 'avatars/alice-1.jpg'",
        "MERGE INTO posts p USING (VALUES (8)) s (id) ON p.id = s.id WHEN NOT MATCHED THEN INSERT VALUES (8, 'avatars/alice-1.jpg')",
        "INSERT INTO posts VALUES (7, 'z') ON CONFLICT (id) DO UPDATE SET image = 'avatars/alice-1.jpg'",
        "WITH w AS (INSERT INTO posts VALUES (3, 'avatars/alice-1.jpg') RETURNING id) SELECT * FROM w",
        "INSERT INTO posts_view VALUES (4, 'avatars/alice-1.jpg')",
        "INSERT INTO parts VALUES (1, 'avatars/alice-1.jpg')",
        "INSERT INTO parts VALUES (11, 'avatars/alice-1.jpg')",
        "INSERT INTO parts_3 VALUES (21, 'avatars/alice-1.jpg')",
        "INSERT INTO heir VALUES ('avatars/alice-1.jpg', 1)",
        "UPDATE swapped SET n = 2",
        "SET session_replication_role = replica; SET session_replication_role = origin; INSERT INTO posts VALUES (5, 'avatars/alice-1.jpg')",
        "BEGIN; INSERT INTO posts VALUES (6, 'avatars/alice-1.jpg'); PREPARE TRANSACTION 'never'",
        "DO 'BEGIN INSERT INTO posts VALUES (6, ''avatars/alice-1.jpg''); END'",
    ] {
        // PostgreSQL 14 does not know it.
        if statement.starts_with("MERGE") && world.server.major() < 15 {
            continue;
        }
        let error = world.refused(statement);
        assert!(error.contains("s3gc is deleting"), "{statement}: {error}");
    }
    // What only removes is free.
    world.sql("DELETE FROM posts WHERE id = 7; TRUNCATE posts, parts");
}

#[tokio::test]
async fn i01_fence_replication_that_may_not_fail_leaves_an_order() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    world.condemn_and_mark().await;
    world.sql(&format!("SET session_replication_role = replica; {REFER}"));
    assert_eq!(world.orders().await, [Some(KEY.to_owned())]);
}

#[tokio::test]
async fn i01_fence_an_apply_worker_of_logical_replication_passes_it() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    let from = world.server.fresh_database();
    world
        .server
        .sql(&from, "CREATE TABLE posts (id int PRIMARY KEY, image text); CREATE PUBLICATION p FOR TABLE posts");
    world.server.sql(&from, "SELECT pg_create_logical_replication_slot('fence_sub', 'pgoutput')");
    world.sql(&format!(
        "CREATE SUBSCRIPTION s CONNECTION '{from}' PUBLICATION p WITH (create_slot = false, slot_name = 'fence_sub', copy_data = false)"
    ));
    world.condemn_and_mark().await;
    world.server.sql(&from, REFER);
    let mut tries = 0;
    while world.orders().await.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        tries += 1;
        assert!(tries < 600, "the worker left no order: {}", world.sql("SELECT count(*) FROM posts"));
    }
    assert_eq!(world.sql("SELECT image FROM posts"), KEY);
    world.sql("ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s");
}

#[tokio::test]
async fn i01_fence_a_prepared_transaction_holds_its_key() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    world.condemn().await;
    world.sql(&format!("BEGIN; {REFER}; PREPARE TRANSACTION 'fence-prepared'"));
    assert_eq!(world.mark().await, [""; 0]);
    world.sql("COMMIT PREPARED 'fence-prepared'");
    // It is over: now it is the look that finds it.
    assert_eq!(world.mark().await, [KEY]);
    assert_eq!(world.sql("SELECT image FROM posts"), KEY);
}

#[tokio::test]
async fn i01_fence_the_wait_ends_after_old_writers_and_old_snapshots() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    // A writer that has its number, and wrote before the keys were condemned.
    let mut writer = world.session().await;
    run(&mut writer, "BEGIN; INSERT INTO posts VALUES (9, 'x.jpg')").await.unwrap();
    world.condemn().await;
    let blocked = world.fence().wait(Duration::ZERO).await.unwrap();
    assert!(matches!(blocked, Drain::Blocked { .. }), "{blocked:?}");
    run(&mut writer, "COMMIT").await.unwrap();
    assert_eq!(world.fence().wait(Duration::from_secs(20)).await.unwrap(), Drain::Done);
}

#[tokio::test]
async fn i01_fence_the_wait_sees_a_snapshot_without_a_number() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    // It has a snapshot and wrote nothing yet: what it writes later does not see what was condemned meanwhile.
    let mut reader = world.session().await;
    run(&mut reader, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posts").await.unwrap();
    world.condemn().await;
    let Drain::Blocked { by } = world.fence().wait(Duration::ZERO).await.unwrap() else { panic!("it went on") };
    assert!(by.contains("old snapshot"), "{by}");
    // That is what would get through.
    run(&mut reader, REFER).await.unwrap();
    run(&mut reader, "COMMIT").await.unwrap();
    assert_eq!(world.fence().wait(Duration::from_secs(20)).await.unwrap(), Drain::Done);
}

#[tokio::test]
async fn i01_fence_the_wait_counts_from_a_number_of_its_own() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    // The row of the key waits, when the transaction that condemns it has its number already.
    world.sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END';
         CREATE TRIGGER slow BEFORE INSERT ON s3gc_fence.condemned FOR EACH ROW WHEN (NEW.key <> '') EXECUTE FUNCTION slow()",
    );
    let mut gate = world.session().await;
    run(&mut gate, "SELECT pg_advisory_lock(7)").await.unwrap();
    let mut writer = world.session().await;
    let keys = [condemned(KEY)];
    let condemning = world.fence().condemn(OWNER, "w", &keys);
    let meanwhile = async {
        const WAITS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while world.sql(WAITS) != "1" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Its number is higher, and it sees nothing of what is being condemned: only a number that is drawn afterwards
        // is above it. The `xmax` of a snapshot is one more than the last transaction that is over.
        run(&mut writer, "BEGIN").await.unwrap();
        run(&mut writer, REFER).await.unwrap();
        run(&mut gate, "SELECT pg_advisory_unlock(7)").await.unwrap();
    };
    let (fenced, ()) = tokio::join!(condemning, meanwhile);
    assert_eq!(fenced.unwrap(), [Fenced::Yes]);
    assert!(matches!(world.fence().wait(Duration::ZERO).await.unwrap(), Drain::Blocked { .. }), "it goes on");
    run(&mut writer, "COMMIT").await.unwrap();
    assert_eq!(world.fence().wait(Duration::from_secs(20)).await.unwrap(), Drain::Done);
}

#[tokio::test]
async fn i01_fence_the_watched_tables_stay_as_they_are_while_it_is_held() {
    let tables = "CREATE TABLE posts (id int, image text) PARTITION BY RANGE (id);
        CREATE TABLE posts_1 PARTITION OF posts FOR VALUES FROM (0) TO (10);
        CREATE TABLE loose (id int, image text); CREATE TABLE plain (image text); CREATE TABLE heir (image text)";
    let references = [Reference::column("posts", "image"), Reference::column("plain", "image")];
    let Some(world) = World::of(OnConflict::Abort, tables, references).await else { return };
    let mut held = world.fence().hold(OWNER).await.unwrap();
    held.is_held().await.unwrap();
    for statement in [
        "ALTER TABLE posts ATTACH PARTITION loose FOR VALUES FROM (10) TO (20)",
        "ALTER TABLE posts ALTER COLUMN image TYPE varchar USING 'avatars/alice-1.jpg'",
        "ALTER TABLE posts DISABLE TRIGGER ALL",
        "ALTER TABLE posts_1 DISABLE TRIGGER ALL",
        "ALTER TABLE plain DISABLE TRIGGER ALL",
        "ALTER TABLE heir INHERIT plain",
        "CREATE TABLE another () INHERITS (plain)",
        "DROP TRIGGER IF EXISTS nothing ON plain; ALTER TABLE plain DISABLE TRIGGER USER",
    ] {
        let error = world.refused(&format!("SET lock_timeout = '100ms'; {statement}"));
        assert!(error.contains("lock timeout"), "{statement}: {error}");
    }
    // Nobody who reads or writes rows notices.
    world.sql("SET lock_timeout = '100ms'; INSERT INTO posts VALUES (1, 'x.jpg'); UPDATE plain SET image = 'y.jpg'");
    drop(held);
    let mut tries = 0;
    while world.server.try_sql(&world.url, "SET lock_timeout = '1s'; ALTER TABLE heir INHERIT plain").is_err() {
        tries += 1;
        assert!(tries < 20, "the lock outlives its value");
    }
}

#[tokio::test]
async fn i01_fence_it_is_not_held_while_somebody_changes_a_table() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    let mut ddl = world.session().await;
    run(&mut ddl, "BEGIN; ALTER TABLE posts DISABLE TRIGGER ALL").await.unwrap();
    let holding = world.fence().hold(OWNER);
    tokio::pin!(holding);
    let early = tokio::time::timeout(Duration::from_millis(500), &mut holding).await;
    assert!(early.is_err(), "it was held beside a change: {early:?}");
    run(&mut ddl, "ROLLBACK").await.unwrap();
    holding.await.unwrap();
}

#[tokio::test]
async fn i01_fence_a_disabled_trigger_is_noticed() {
    let Some(world) = World::new(OnConflict::Abort).await else { return };
    let trigger = world.sql("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'zzz_s3gc%'");
    for statement in [
        "ALTER TABLE posts DISABLE TRIGGER TRG",
        // Passed over by whoever sets session_replication_role.
        "ALTER TABLE posts ENABLE TRIGGER TRG",
        "ALTER TABLE posts ENABLE REPLICA TRIGGER TRG",
        "DROP TRIGGER TRG ON posts",
        "DROP TRIGGER TRG ON posts; CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER TRG AFTER INSERT OR UPDATE ON posts FOR EACH ROW EXECUTE FUNCTION nothing();
         ALTER TABLE posts ENABLE ALWAYS TRIGGER TRG",
    ] {
        world.sql(&statement.replace("TRG", &trigger));
        let error = chain(&world.fence().hold(OWNER).await.unwrap_err());
        assert!(error.contains("the trigger on public.posts") && error.contains("s3gc fence setup"), "{error}");
        let repaired = world.fence().install(OWNER).await.unwrap();
        assert!(repaired.iter().any(|fault| fault.contains("public.posts")), "{repaired:?}");
        assert_eq!(world.fence().install(OWNER).await.unwrap(), [""; 0], "the second time there is nothing to do");
    }
    world.sql("CREATE OR REPLACE FUNCTION s3gc_fence.words(value text, depth integer) RETURNS text[] LANGUAGE sql AS 'SELECT ''{}''::text[]'");
    let error = chain(&world.fence().hold(OWNER).await.unwrap_err());
    assert!(error.contains("s3gc_fence.words is not the one of this version"), "{error}");
    world.sql("DROP SCHEMA s3gc_fence CASCADE");
    let error = chain(&world.fence().hold(OWNER).await.unwrap_err());
    assert!(error.contains("it is not installed"), "{error}");
}

#[tokio::test]
async fn i01_fence_an_heir_that_came_later_is_noticed() {
    let tables = "CREATE TABLE posts (image text)";
    let Some(world) = World::of(OnConflict::Abort, tables, [Reference::column("posts", "image")]).await else { return };
    world.sql("CREATE TABLE more () INHERITS (posts)");
    let error = chain(&world.fence().hold(OWNER).await.unwrap_err());
    assert!(error.contains("public.more"), "{error}");
    world.fence().install(OWNER).await.unwrap();
    world.fence().hold(OWNER).await.unwrap();
}

#[tokio::test]
async fn a_torn_down_fence_leaves_nothing() {
    let tables = "CREATE TABLE posts (id int, image text) PARTITION BY RANGE (id);
        CREATE TABLE posts_1 PARTITION OF posts FOR VALUES FROM (0) TO (10)";
    let references = [Reference::column("posts", "image")];
    let Some(world) = World::of(OnConflict::Abort, tables, references).await else { return };
    const LEFT: &str = "SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%s3gc%'),
        (SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%s3gc%')";
    world.fence().install("s3://other").await.unwrap();
    assert_eq!(world.sql(LEFT), "4|1");
    world.fence().teardown(OWNER).await.unwrap();
    assert_eq!(world.sql(LEFT), "2|1");
    assert!(world.fence().status("s3://other").await.unwrap().is_whole());
    assert!(!world.fence().status(OWNER).await.unwrap().is_whole());
    world.fence().teardown("s3://other").await.unwrap();
    assert_eq!(world.sql(LEFT), "0|0");
    world.fence().teardown(OWNER).await.unwrap();
}

#[tokio::test]
async fn the_owner_can_install_it_for_a_user_who_may_only_read() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE posts (id int PRIMARY KEY, image text); GRANT SELECT ON posts TO app");
    let name = url.rsplit('/').next().unwrap();
    let app = server.url_as(Postgres::USER, Postgres::PASSWORD, name);
    let config = SqlConfig::new("main", &app, [Reference::column("posts", "image")]).with_fence(OnConflict::Abort);
    let source = SqlSource::connect(config, &bucket()).await.unwrap();
    let fence = source.fence().unwrap();
    let error = chain(&fence.install(OWNER).await.unwrap_err());
    assert!(error.contains("permission denied") && error.contains("print the statements"), "{error}");
    let error = chain(&fence.wait(Duration::ZERO).await.unwrap_err());
    assert!(error.contains("GRANT pg_read_all_stats"), "{error}");
    server.sql(&url, &fence.setup_sql(OWNER).await.unwrap());
    assert_eq!(fence.status(OWNER).await.unwrap().faults, [""; 0]);
    assert_eq!(fence.condemn(OWNER, "w", &[condemned(KEY)]).await.unwrap(), [Fenced::Yes]);
    assert_eq!(fence.wait(Duration::from_secs(20)).await.unwrap(), Drain::Done);
    assert_eq!(fence.mark(OWNER, "w").await.unwrap(), [KEY]);
    fence.hold(OWNER).await.unwrap();
    let denied = server.try_sql(&app, "INSERT INTO posts VALUES (1, 'x')").unwrap_err().to_string();
    assert!(denied.contains("permission denied"), "the fence gives no right to write: {denied}");
    assert!(server.try_sql(&url, REFER).is_err());
}

#[tokio::test]
async fn what_cannot_be_fenced_is_refused_by_name() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.fresh_database();
    server.sql(
        &url,
        "CREATE TABLE posts (id int, at timestamptz, image text); CREATE VIEW shown AS SELECT image FROM posts",
    );
    for (reference, name) in [
        (Reference::query("SELECT 'a/' || image FROM posts"), "a query cannot be fenced"),
        (Reference::column("shown", "image"), "a view cannot be fenced"),
        (Reference::template("posts", "{at}/{image}"), "timestamp with time zone cannot be fenced"),
    ] {
        let config = SqlConfig::new("main", &url, [reference]).with_fence(OnConflict::Abort);
        let error = match SqlSource::connect(config, &bucket()).await {
            Err(error) => error,
            Ok(source) => source.fence().unwrap().install(OWNER).await.unwrap_err(),
        };
        assert!(chain(&error).contains(name), "{}", chain(&error));
    }
    let config = SqlConfig::new("main", "sqlite::memory:", [Reference::column("a", "b")]).with_fence(OnConflict::Abort);
    assert!(chain(&SqlSource::new(config, &bucket()).unwrap_err()).contains("only PostgreSQL"));
}
