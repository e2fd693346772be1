//! What is wrong with a configuration is told at once, with its lines, and without secrets.

use crate::world::{ORPHANS, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_told_at_once_with_its_line() {
    let world = World::new().await;
    let text = "mode = \"delete\"\n[database]\nurl = \"postgres://app:hunter2@db/app\"\n[bucket]\nname = \"photos\"\n\
                retention_dayz = 7\n[tables]\nusers = [\"avatar\"]\n[vault]\npath = \"${NOT_SET}\"\nkeep_days = -1\n";
    std::fs::write(world.path("bad.toml"), text).unwrap();
    for args in [&["-c", "bad.toml", "config", "validate"][..], &["-c", "bad.toml", "plan"]] {
        let done = world.expect(2, args).await;
        assert_eq!(done.stdout, "");
        for part in
            ["bad.toml:1:", "bad.toml:6:", "did you mean retention_days?", "bad.toml:10:", "NOT_SET", "bad.toml:11:"]
        {
            assert!(done.stderr.contains(part), "{part:?} is not in {}", done.stderr);
        }
        assert!(done.stderr.contains("4 faults in the configuration"), "{}", done.stderr);
        assert!(!done.stderr.contains("hunter2"), "i12: {}", done.stderr);
    }
    let json = world.expect(2, &["-c", "bad.toml", "config", "validate", "--json"]).await;
    assert_eq!(json.stdout, "");
    let error: serde_json::Value = serde_json::from_str(json.stderr.trim()).unwrap();
    let lines: Vec<u64> = error["problems"].as_array().unwrap().iter().filter_map(|p| p["line"].as_u64()).collect();
    assert_eq!((lines, &error["exit_code"]), (vec![1, 6, 10, 11], &2.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_is_an_error() {
    let world = World::new().await;
    world.expect(2, &["-c", "no.toml", "plan"]).await.says("cannot read no.toml: No such file").says("s3gc init");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_says_where_it_comes_from() {
    let world = World::new().await;
    let mut command = world.command(&["config", "show", "--resolved", "--json"]);
    command.env("S3GC_MAX_DELETE", "3%");
    let shown = crate::world::Done::of(command).await.json_lines();
    let find = |key: &str| shown.iter().find(|line| line["key"] == key).unwrap_or_else(|| panic!("{key}: {shown:?}"));
    assert_eq!(find("safety.max_delete")["origin"]["environment"], "S3GC_MAX_DELETE");
    assert!(find("bucket.name")["origin"]["file"]["line"].is_u64());
    assert_eq!(find("vault.keep_days")["origin"], "default");
    world.expect(0, &["config", "show", "--resolved"]).await.says("file, line ");
    let schema: serde_json::Value = serde_json::from_str(&world.expect(0, &["config", "schema"]).await.stdout).unwrap();
    assert!(schema["properties"]["vault"].is_object());
    world.expect(0, &["config", "validate"]).await.says("valid: 1 bucket, mode = dry_run");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_alone_is_enough() {
    let world = World::new().await;
    std::fs::remove_file(world.path("s3gc.toml")).unwrap();
    let mut command = world.command(&["plan", "--json"]);
    command
        .env("DATABASE_URL", "sqlite:app.db")
        .env("S3_BUCKET", "photos")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL_S3", world.server.endpoint())
        .env("S3GC_TABLES", "users.avatar")
        .env("S3GC_VAULT_PATH", world.path("vault"));
    let plan = crate::world::Done::of(command).await.json();
    // Without `retention_from` the clocks have just started.
    assert_eq!(
        (&plan["counts"]["waiting"]["objects"], &plan["counts"]["due"]["objects"]),
        (&ORPHANS.into(), &0.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_not_there_is_a_fault_of_the_configuration() {
    let world = World::new().await;
    world.sql("ALTER TABLE users RENAME COLUMN avatar TO picture").await;
    world.expect(2, &["plan"]).await.says("users").says("avatar").says("help: correct [tables]");
    world.sql("ALTER TABLE users RENAME COLUMN picture TO avatar").await;
    world.expect(0, &["plan"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_buckets_is_named_and_the_worst_exit_code_counts() {
    let world = World::new().await;
    let endpoint = world.server.endpoint();
    let text = format!(
        "[databases.main]\nurl = \"sqlite:app.db\"\n[vault]\npath = \"vault\"\n\
         [[buckets]]\nname = \"photos\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\ndatabase = \"main\"\n\
         retention_from = \"last_modified\"\nreferences = [{{ table = \"users\", column = \"avatar\" }}]\n\
         [[buckets]]\nname = \"missing\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\ndatabase = \"main\"\n\
         references = [{{ table = \"users\", column = \"avatar\" }}]\n"
    );
    std::fs::write(world.path("s3gc.toml"), text).unwrap();
    let both = world.expect(1, &["plan", "--json"]).await;
    assert_eq!(
        (both.json()["bucket"].as_str(), &both.json()["counts"]["due"]["objects"]),
        (Some("photos"), &ORPHANS.into())
    );
    both.says("missing");
    world.expect(0, &["plan", "-b", "photos"]).await;
    world.expect(2, &["plan", "-b", "fotos"]).await.says("no bucket is named \"fotos\"").says("photos, missing");
    world.expect(2, &["explain", "avatars/7.jpg"]).await.says("--bucket");
    world.expect(2, &["plan", "--out", "x.plan"]).await.says("one bucket");
}
