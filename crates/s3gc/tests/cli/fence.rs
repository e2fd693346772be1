//! `s3gc fence`, from nothing to a run and back.

use s3gc_testkit::servers::Postgres;

use crate::world::{ORPHANS, USERS, World};

#[tokio::test(flavor = "multi_thread")]
async fn the_fence_is_set_up_used_and_taken_down() {
    let Some(server) = Postgres::shared() else { return };
    let url = server.fresh_database();
    let world = World::new().await;
    server.sql(&url, "CREATE TABLE users (id serial, avatar text)");
    for user in 0..USERS {
        server.sql(&url, &format!("INSERT INTO users (avatar) VALUES ('avatars/{user}.jpg')"));
    }
    let plain =
        world.configuration().replace("url = \"sqlite:app.db\"", &format!("url = \"{url}\"\nfence = \"postgres\""));
    std::fs::write(world.path("s3gc.toml"), &plain).unwrap();

    let status = world.expect(6, &["fence", "status", "--json"]).await.json();
    assert_eq!((&status["whole"], &status["faults"][0]), (&false.into(), &"it is not installed".into()), "{status}");
    let stopped = world.expect(5, &["run", "--mode", "execute", "--yes"]).await;
    assert!(stopped.stderr.contains("s3gc fence setup"), "{stopped:?}");
    let checked = world.expect(6, &["check"]).await;
    assert!(checked.stdout.contains("FAIL  fence") && checked.stdout.contains("it is not installed"), "{checked:?}");
    let asked = world.expect(2, &["fence", "setup"]).await;
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    let printed = world.expect(0, &["fence", "setup", "--print-sql"]).await.stdout;
    assert!(printed.contains("ENABLE ALWAYS TRIGGER"), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");

    let made = world.expect(0, &["fence", "setup", "--yes"]).await;
    assert!(made.stdout.contains("is whole. Before:"), "{made:?}");
    let again = world.expect(0, &["fence", "setup", "--yes"]).await;
    assert!(again.stdout.contains("nothing to do"), "{again:?}");
    let status = world.expect(0, &["fence", "status"]).await;
    assert!(status.stdout.contains("ok   public.users"), "{status:?}");
    let checked = world.expect(0, &["check"]).await;
    assert!(checked.stdout.contains("the write fence is whole"), "{checked:?}");

    let report = world.collect().await;
    assert_eq!(report["sweep"]["fenced"]["objects"], ORPHANS, "{report}");
    let status = world.expect(0, &["fence", "status", "--json"]).await.json();
    assert_eq!((&status["gone"], &status["deleting"]), (&ORPHANS.into(), &0.into()), "{status}");

    world.expect(0, &["fence", "teardown", "--yes"]).await;
    let left = server.sql(&url, "SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%s3gc%'");
    assert_eq!(left.trim(), "0");
    std::fs::write(world.path("s3gc.toml"), plain.replace("fence = \"postgres\"\n", "")).unwrap();
    let off = world.expect(2, &["fence", "status"]).await;
    assert!(off.stderr.contains("turned on"), "{off:?}");
}
