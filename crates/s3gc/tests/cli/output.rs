//! stdout is data, stderr is for people, and neither shows a secret.

use s3gc_s3_mem::SECRET_KEY;

use crate::world::{Done, ORPHANS, World};

#[tokio::test(flavor = "multi_thread")]
async fn with_json_both_streams_are_json() {
    let world = World::new().await;
    for args in [
        &["plan", "--json"][..],
        &["-v", "run", "--mode", "execute", "--yes", "--json"],
        &["restore", "--prefix", "", "--json"],
        &["status", "--json"],
        &["runs", "ls", "--json"],
        &["audit", "ls", "--json"],
        &["vault", "ls", "--json"],
        &["hold", "ls", "--json"],
        &["vault", "verify", "--json"],
    ] {
        let done = world.expect(0, args).await;
        done.json_lines();
        for line in done.stderr.lines() {
            assert!(
                serde_json::from_str::<serde_json::Value>(line).is_ok_and(|line| line.is_object()),
                "{args:?}: {line}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_comes_as_json_lines_and_not_at_all_when_quiet() {
    let world = World::new().await;
    let run = world.expect(0, &["run", "--mode", "execute", "--yes", "--json"]).await;
    let events: Vec<serde_json::Value> = run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(
        events.iter().any(|e| e["event"] == "phase" && e["phase"] == "sweep" && e["bucket"] == "photos"),
        "{events:?}"
    );
    assert_eq!(world.expect(0, &["-q", "plan", "--json"]).await.stderr, "");
    assert_eq!(world.expect(0, &["-q", "plan"]).await.stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn i12_not_even_the_most_talkative_log_shows_a_secret() {
    let world = World::new().await;
    for args in [&["-vvv", "plan"][..], &["-vvv", "run", "--mode", "execute", "--yes", "--log-format", "json"]] {
        let done = world.expect(0, args).await;
        assert!(done.stderr.len() > 1000, "there is no log: {}", done.stderr);
        assert!(!done.stderr.contains(SECRET_KEY) && !done.stdout.contains(SECRET_KEY), "the secret key is shown");
    }
    let plan = std::fs::read_dir(world.path("state/plans")).unwrap().count();
    assert_eq!(plan, 2);
    let mut command = world.command(&["-vvv", "check"]);
    command.env("DATABASE_URL", "postgres://app:hunter2@127.0.0.1:1/app");
    let done = Done::of(command).await;
    assert_eq!(done.code, 6, "{done:?}");
    assert!(!done.stderr.contains("hunter2") && !done.stdout.contains("hunter2"), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_entry_once() {
    let world = World::new().await;
    world.collect().await;
    let lines = world.expect(0, &["audit", "export"]).await.json_lines();
    let seqs: Vec<u64> = lines.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=u64::try_from(lines.len()).unwrap()).collect::<Vec<_>>());
    assert!(lines.iter().filter(|entry| entry["kind"] == "delete").count() == ORPHANS, "{lines:?}");
    let csv = world.expect(0, &["audit", "export", "--format", "csv"]).await.stdout;
    assert!(csv.starts_with("seq,at,run,location,kind,key,detail,previous,hash\r\n1,"), "{csv}");
    assert_eq!(csv.matches("\r\n").count(), lines.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_shown_with_its_keys() {
    let world = World::new().await;
    let id = world.collect().await["run"].as_str().unwrap().to_owned();
    world.expect(0, &["runs", "show", &id, "--keys"]).await.says("avatars/gone-0.jpg").says("5 deleted");
    let shown = world.expect(0, &["runs", "show", &id, "--keys", "--json"]).await.json();
    assert_eq!((&shown["id"], shown["keys"].as_array().unwrap().len()), (&id.into(), ORPHANS));
    world.expect(2, &["runs", "show", "nonsense"]).await.says("is not the id of a run");
    world.expect(1, &["runs", "show", "01KAQ2M8000000000000000000"]).await.says("no run 01KAQ2M8");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_is_no_fault() {
    let world = World::new().await;
    let mut command = world.command(&["config", "schema"]);
    command.stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_and_manual_pages_are_written() {
    let world = World::new().await;
    world.expect(0, &["completions", "bash"]).await.says("_s3gc()");
    world.expect(0, &["man", "man1"]).await;
    assert!(std::fs::read_to_string(world.path("man1/s3gc-restore.1")).unwrap().contains("dry\\-run"));
    world.expect(2, &["no-such-command"]).await;
    world.expect(2, &["restore"]).await.says("required");
}
