//! The write fence with exactly the printed grants, for two buckets of one database.

use s3gc_testkit::servers::Postgres;

use super::{EXECUTE, PASSWORD, each_left_out, printed, strings};
use crate::world::{ORPHANS, USERS, World, orphans};

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_grants_of_the_fence_are_enough_and_none_is_superfluous() {
    let Some(server) = Postgres::shared() else { return };
    let (url, world) = (server.fresh_database(), World::new().await);
    let database = url.rsplit('/').next().unwrap();
    let (role_url, app_url) =
        (server.url_as("fencer", PASSWORD, database), server.url_as("the_app", PASSWORD, database));
    server.sql(
        &url,
        &format!(
            "CREATE ROLE fencer LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE the_app LOGIN PASSWORD '{PASSWORD}';
             REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA public TO the_app;
             CREATE TABLE users (id serial PRIMARY KEY, avatar text);
             GRANT INSERT, UPDATE ON users TO the_app; GRANT USAGE ON SEQUENCE users_id_seq TO the_app;
             INSERT INTO users (avatar) SELECT 'avatars/' || n || '.jpg' FROM generate_series(0, {USERS} - 1) n"
        ),
    );
    let endpoint = world.server.endpoint();
    let bucket = |name: &str| {
        format!(
            "[[buckets]]\nname = \"{name}\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\n\
             retention_from = \"last_modified\"\nreferences = [{{ table = \"users\", column = \"avatar\" }}]\n"
        )
    };
    let text = format!(
        "[database]\nurl = \"{role_url}\"\nfence = \"postgres\"\nfence_on_conflict = \"restore\"\n\
         [vault]\npath = \"state/vault\"\n{}{}",
        bucket("photos"),
        bucket("other")
    );
    std::fs::write(world.path("s3gc.toml"), text).unwrap();
    let policy = printed(&world).await;
    let (reading, fence) = (strings(&policy["statements"]), strings(&policy["fence"]));
    // The schema, the tables, a function for each bucket, other people's snapshots.
    assert_eq!(fence.len(), 5, "{policy}");
    server.sql(&url, &reading.join("\n"));

    // What the owner of the tables runs grants the same; here only what makes the fence.
    let setup = world.expect(0, &["fence", "setup", "--print-sql"]).await.stdout;
    let (granted, made): (Vec<&str>, Vec<&str>) = setup.lines().partition(|line| line.starts_with("GRANT "));
    server.sql(&url, &made.join("\n"));
    for grant in granted {
        assert!(fence.contains(&grant.to_owned()), "{grant} is in the setup alone: {fence:?}");
    }

    let bucket_of = |grant: &str| if grant.contains(&function_of(&setup, "other")) { "other" } else { "photos" };
    for (left_out, rest) in each_left_out(&fence) {
        let none = "REVOKE ALL ON SCHEMA s3gc_fence FROM fencer; REVOKE ALL ON ALL TABLES IN SCHEMA s3gc_fence FROM fencer; \
                    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA s3gc_fence FROM fencer; REVOKE pg_read_all_stats FROM fencer;";
        server.sql(&url, &format!("{none}\n{}", rest.join("\n")));
        let bucket = bucket_of(left_out);
        let status = world.s3gc(&["fence", "status", "-b", bucket]).await;
        assert_eq!(status.code, 6, "without {left_out}: {status:?}");
        let missing = if left_out.contains("pg_read_all_stats") { "pg_read_all_stats" } else { "may not use it" };
        status.says("fencer").says(missing);
        let run = world.s3gc(&[EXECUTE, &["-b", bucket]].concat()).await;
        assert_eq!(run.code, 5, "without {left_out}: {run:?}");
        run.says(missing);
        assert!(orphans().iter().all(|key| world.bucket().object(key).is_some()), "without {left_out}");
    }

    server.sql(&url, &fence.join("\n"));
    world.expect(0, &["fence", "status"]).await;
    let report = world.expect(0, &[EXECUTE, &["-b", "photos"]].concat()).await.json();
    assert_eq!(report["sweep"]["fenced"]["objects"], ORPHANS, "{report}");

    // The application has no right to the fence, and passes it all the same.
    let refused = server.try_sql(&app_url, "SELECT * FROM s3gc_fence.condemned").unwrap_err().to_string();
    assert!(refused.contains("permission denied"), "{refused}");
    server.sql(&app_url, &format!("INSERT INTO users (avatar) VALUES ('{}')", orphans()[0]));
    let orders = server.sql(&url, "SELECT count(*) FROM s3gc_fence.resurrect");
    assert_eq!(orders.trim(), "1");
    // The order is carried out, with the same grants.
    world.expect(0, &[EXECUTE, &["-b", "photos"]].concat()).await;
    assert!(world.bucket().object(&orphans()[0]).is_some());
    assert!(server.try_sql(&role_url, "INSERT INTO users (avatar) VALUES ('x')").is_err());
}

/// The name of the function that a bucket's part of the setup grants.
fn function_of(setup: &str, bucket: &str) -> String {
    let part = setup
        .split("-- The write fence of s3gc for ")
        .find(|part| part.lines().next().is_some_and(|line| line.contains(&format!("/{bucket},"))));
    let name = part.unwrap().split("GRANT EXECUTE ON FUNCTION s3gc_fence.").nth(1).unwrap();
    name.split('(').next().unwrap().trim_matches('"').to_owned()
}
