//! PostgreSQL with exactly the printed grants.

use s3gc_testkit::servers::Postgres;

use super::{EXECUTE, PASSWORD, PLAN, configure, each_left_out, printed, recommended, strings};
use crate::world::{ORPHANS, USERS, World, orphans};

/// A database in which nobody has rights by default, and a role that has none at all.
struct Place {
    server: &'static Postgres,
    /// For the superuser.
    url: String,
    role: String,
    /// For the role.
    role_url: String,
    world: World,
}

impl Place {
    async fn new(role: &str) -> Option<Self> {
        let server = Postgres::shared()?;
        let url = server.fresh_database();
        let database = url.rsplit('/').next().unwrap();
        let role_url = server.url_as(role, PASSWORD, database);
        server.sql(
            &url,
            &format!(
                "CREATE ROLE \"{role}\" LOGIN PASSWORD '{PASSWORD}';
                 REVOKE ALL ON DATABASE {database} FROM PUBLIC; REVOKE ALL ON SCHEMA public FROM PUBLIC;
                 CREATE SCHEMA cms; CREATE SCHEMA hr;
                 CREATE TABLE users (id serial PRIMARY KEY, avatar text, email text);
                 CREATE TABLE cms.\"Order\" (id serial PRIMARY KEY, file text);
                 CREATE TABLE secrets (id serial PRIMARY KEY, token text);
                 CREATE TABLE hr.salaries (who text, amount text);
                 INSERT INTO users (avatar, email) SELECT 'avatars/' || n || '.jpg', n || '@example.com'
                     FROM generate_series(0, {USERS} - 1) n;
                 INSERT INTO cms.\"Order\" (file) VALUES ('avatars/0.jpg');
                 INSERT INTO secrets (token) VALUES ('xyzzy'); INSERT INTO hr.salaries VALUES ('a', '1')"
            ),
        );
        let world = World::new().await;
        configure(&world, &role_url, "");
        Some(Self { server, url, role: role.to_owned(), role_url, world })
    }

    /// Takes every right away, then gives these.
    fn grant<'a>(&self, statements: impl IntoIterator<Item = &'a str>) {
        self.server.sql(&self.url, &format!("DROP OWNED BY \"{}\"", self.role));
        self.add(statements);
    }

    fn add<'a>(&self, statements: impl IntoIterator<Item = &'a str>) {
        let statements: Vec<&str> = statements.into_iter().collect();
        self.server.sql(&self.url, &statements.join("\n"));
    }

    /// Tries a statement as the role.
    fn may(&self, statement: &str) -> bool {
        match self.server.try_sql(&self.role_url, statement) {
            Ok(_) => true,
            Err(error) => {
                assert!(error.to_string().contains("permission denied"), "{statement}: {error}");
                false
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_grants_are_enough_in_postgres_and_allow_nothing_else() {
    let Some(place) = Place::new("Reader 1").await else { return };
    let world = &place.world;
    let statements = strings(&printed(world).await["statements"]);
    place.grant(statements.iter().map(String::as_str));

    for yes in ["SELECT avatar FROM users", "SELECT file FROM cms.\"Order\""] {
        assert!(place.may(yes), "{yes}");
    }
    for no in [
        "SELECT token FROM secrets",
        "SELECT who FROM hr.salaries",
        "INSERT INTO users (avatar) VALUES ('x')",
        "UPDATE users SET avatar = 'x'",
        "DELETE FROM users",
        "TRUNCATE users",
        "BEGIN; LOCK TABLE users IN ROW EXCLUSIVE MODE; COMMIT",
        "CREATE TABLE mine (a int)",
        "CREATE TABLE cms.mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine (a int)",
    ] {
        assert!(!place.may(no), "{no}");
    }

    world.expect(0, &["check"]).await.says("ok    source main").says("on the primary");
    world.expect(0, PLAN).await;
    world.expect(0, &["explain", "avatars/0.jpg"]).await;
    let report = world.expect(0, EXECUTE).await.json();
    assert_eq!(report["sweep"]["deleted"]["objects"], ORPHANS, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_printed_grant_is_superfluous_in_postgres() {
    let Some(place) = Place::new("reader_2").await else { return };
    let statements = strings(&printed(&place.world).await["statements"]);
    let mut seen = Vec::new();
    for (left_out, rest) in each_left_out(&statements) {
        place.grant(rest);
        // What it says of the missing right.
        let words: &[&str] = match left_out {
            grant if grant.contains("CONNECT ON DATABASE") => &["permission denied for database"],
            grant if grant.contains("SCHEMA \"public\"") => &["users.avatar", "USAGE ON SCHEMA public"],
            grant if grant.contains("SCHEMA \"cms\"") => &["Order", "USAGE ON SCHEMA cms"],
            grant if grant.contains("\"users\"") => &["users.avatar", "SELECT ON TABLE users"],
            grant if grant.contains("\"Order\"") => &["Order", "SELECT ON TABLE Order"],
            other => panic!("what is {other} for?"),
        };
        let done = place.world.s3gc(PLAN).await;
        assert_eq!(done.code, 1, "without {left_out}: {done:?}");
        for word in words {
            done.says(word);
        }
        done.says("s3gc check --print-policy");
        seen.push(left_out);
    }
    assert_eq!(seen.len(), 5, "{seen:?}");
    // SELECT on the columns alone does not allow the lock, as the note says.
    let rest = statements.iter().map(String::as_str).filter(|grant| !grant.contains("\"users\""));
    place.grant(rest.chain(["GRANT SELECT (id, avatar) ON users TO reader_2;"]));
    place.world.expect(1, PLAN).await.says("locking needs SELECT on the whole table, not on columns");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drain_waits_for_a_prepared_transaction_of_others_with_the_printed_grants() {
    let Some(place) = Place::new("reader_3").await else { return };
    let statements = strings(&printed(&place.world).await["statements"]);
    place.grant(statements.iter().map(String::as_str));
    let gone = &orphans()[0];
    place.add([format!("BEGIN; INSERT INTO users (avatar) VALUES ('{gone}'); PREPARE TRANSACTION 'slow'").as_str()]);

    let run = place.world.command(EXECUTE);
    let run = tokio::spawn(crate::world::Done::of(run));
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'reader_3' \
                 AND query LIKE 'SELECT pg_snapshot_xmin%'";
    while place.server.sql(&place.url, waits).trim() == "0" {
        assert!(!run.is_finished(), "{:?}", run.await);
        tokio::task::yield_now().await;
    }
    assert!(orphans().iter().all(|key| place.world.bucket().object(key).is_some()));
    place.add(["COMMIT PREPARED 'slow'"]);
    let done = run.await.unwrap();
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(done.json()["sweep"]["deleted"]["objects"], ORPHANS - 1, "{done:?}");
    assert!(place.world.bucket().object(gone).is_some(), "the transaction referred to it");
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_may_not_be_read_are_named_and_new_ones_block_until_they_may() {
    let Some(place) = Place::new("reader_4").await else { return };
    let world = &place.world;
    let policy = printed(world).await;
    place.grant(strings(&policy["statements"]).iter().map(String::as_str));
    // The second plan knows which columns there were: those that could not be read are no new ones.
    for _ in 0..2 {
        let done = world.expect(0, PLAN).await;
        done.says("secrets.token is not watched, and could not be looked at").says("salaries.who");
        done.says("GRANT SELECT ON secrets");
    }
    place.add(["CREATE TABLE later (id serial PRIMARY KEY, token text)"]);
    for _ in 0..2 {
        let done = world.expect(5, PLAN).await;
        done.says("unwatched:later.token").says("GRANT SELECT ON later").says("ignore_columns");
    }
    let mut all = recommended(&policy["notes"], "nobody configured");
    assert_eq!(all.len(), 2, "{policy}");
    place.add(all.iter().map(String::as_str));
    assert!(place.may("SELECT token FROM later"), "{all:?}");
    let done = world.expect(0, PLAN).await;
    assert!(!done.stderr.contains("later.token") && done.stderr.contains("salaries.who"), "{done:?}");
    // One that could be read, and cannot any more, is told to a person.
    all = vec!["REVOKE SELECT ON TABLE secrets FROM reader_4".into()];
    place.add(all.iter().map(String::as_str));
    world.expect(0, PLAN).await.says("secrets.token is not watched, and could not be looked at");
    world.expect(5, PLAN).await.says("unwatched:secrets.token");
}
