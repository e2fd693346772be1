//! MariaDB with exactly the printed grants.

use s3gc_testkit::servers::MariaDb;

use super::{EXECUTE, PASSWORD, PLAN, configure, each_left_out, printed, recommended, strings};
use crate::world::{ORPHANS, USERS, World, orphans};

struct Place {
    server: MariaDb,
    /// For the administrator.
    url: String,
    world: World,
}

impl Place {
    async fn new() -> Option<Self> {
        // One of its own: it has a database with a fixed name.
        let server = s3gc_testkit::servers::require(MariaDb::start())?;
        let url = server.create_database("my_shop");
        server.create_database("myXshop");
        server.create_database("cms");
        let rows: Vec<String> = (0..USERS).map(|n| format!("('avatars/{n}.jpg', '{n}@example.com')")).collect();
        server.sql(
            &url,
            &format!(
                "CREATE USER 'reader'@'%' IDENTIFIED BY '{PASSWORD}';
                 CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, avatar TEXT, email TEXT);
                 CREATE TABLE cms.`Order` (id INT AUTO_INCREMENT PRIMARY KEY, file TEXT);
                 CREATE TABLE secrets (id INT AUTO_INCREMENT PRIMARY KEY, token TEXT);
                 CREATE TABLE myXshop.secrets (token TEXT);
                 INSERT INTO users (avatar, email) VALUES {};
                 INSERT INTO cms.`Order` (file) VALUES ('avatars/0.jpg');
                 INSERT INTO secrets (token) VALUES ('xyzzy');",
                rows.join(", ")
            ),
        );
        let world = World::new().await;
        configure(&world, &server.url_as("reader", PASSWORD, "my_shop"), "");
        Some(Self { server, url, world })
    }

    fn grant<'a>(&self, statements: impl IntoIterator<Item = &'a str>) {
        let statements: Vec<&str> = statements.into_iter().collect();
        let revoke = "REVOKE ALL PRIVILEGES, GRANT OPTION FROM 'reader'@'%';\n";
        self.server.sql(&self.url, &format!("{revoke}{}", statements.join("\n")));
    }

    /// Tries a statement as the user, by a driver.
    async fn may(&self, statement: &str) -> bool {
        use sqlx::{ConnectOptions, Connection};
        let url = self.server.url_as("reader", PASSWORD, "my_shop");
        let mut connection = url.parse::<sqlx::mysql::MySqlConnectOptions>().unwrap().connect().await.unwrap();
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&mut connection).await;
        connection.close().await.unwrap();
        match done {
            Ok(_) => true,
            Err(error) => {
                assert!(error.to_string().contains("denied"), "{statement}: {error}");
                false
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_grants_are_enough_in_mariadb_and_none_is_superfluous() {
    let Some(place) = Place::new().await else { return };
    let world = &place.world;
    let policy = printed(world).await;
    let statements = strings(&policy["statements"]);
    assert_eq!(statements.len(), 3, "{statements:?}");

    for (left_out, rest) in each_left_out(&statements) {
        place.grant(rest);
        let (args, code, word) = match left_out {
            // Open transactions are what a deletion waits for: a plan needs none of it.
            grant if grant.contains("PROCESS") => {
                world.expect(0, PLAN).await;
                (EXECUTE, 1, "GRANT PROCESS ON *.*")
            }
            grant if grant.contains("`users`") => (PLAN, 1, "my_shop"),
            grant if grant.contains("`Order`") => (PLAN, 2, "Order"),
            other => panic!("what is {other} for?"),
        };
        let done = world.s3gc(args).await;
        assert_eq!(done.code, code, "without {left_out}: {done:?}");
        done.says(word);
        assert!(orphans().iter().all(|key| world.bucket().object(key).is_some()), "without {left_out}");
    }

    place.grant(statements.iter().map(String::as_str));
    for yes in ["SELECT avatar FROM users", "SELECT file FROM cms.`Order`"] {
        assert!(place.may(yes).await, "{yes}");
    }
    for no in [
        "SELECT email FROM users",
        "SELECT * FROM users",
        "SELECT id FROM cms.`Order`",
        "SELECT token FROM secrets",
        "INSERT INTO users (avatar) VALUES ('x')",
        "UPDATE users SET avatar = 'x'",
        "DELETE FROM users",
        "CREATE TABLE mine (a INT)",
        "SELECT * FROM mysql.user",
    ] {
        assert!(!place.may(no).await, "{no}");
    }
    world.expect(0, &["check"]).await.says("ok    source main");
    let plan = world.expect(0, &["plan", "--json"]).await.json();
    // What may not be read is not even visible here, so it cannot be named: the note says so.
    assert!(!plan.to_string().contains("secrets"), "{plan}");
    world.expect(0, &["explain", "avatars/0.jpg"]).await;
    let report = world.expect(0, EXECUTE).await.json();
    assert_eq!(report["sweep"]["deleted"]["objects"], ORPHANS, "{report}");

    let all = recommended(&policy["notes"], "nobody configured");
    assert_eq!(all.len(), 2, "{policy}");
    place.grant(statements.iter().chain(&all).map(String::as_str));
    assert!(place.may("SELECT token FROM secrets").await);
    assert!(!place.may("SELECT token FROM myXshop.secrets").await, "the name of the database was a pattern");
    place.server.sql(&place.url, &format!("INSERT INTO secrets (token) VALUES ('{}')", "avatars/1.jpg"));
    world.expect(5, PLAN).await.says("unwatched:secrets.token");
}
