//! What keeps a run from deleting, and how a person lifts it.

use s3gc_core::catalog::{Catalog, Lease};
use s3gc_core::{Location, RunId};
use s3gc_s3_mem::{Effect, Fault, Op};

use crate::world::{BUCKET, Done, ORPHANS, USERS, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_column_stops_and_says_how_to_go_on() {
    let world = World::new().await;
    world.expect(0, &["plan"]).await;
    world.sql("UPDATE users SET avatar = NULL").await;
    let stopped = world.expect(5, &["run", "--mode", "execute", "--yes"]).await;
    stopped.says("stopped: zero:").says("Nothing deleted").says("--accept zero:total").says("--reason");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    let plan = world.expect(5, &["plan", "--out", "empty.plan", "--json"]).await.json();
    assert_eq!(plan["state"], "blocked");
    let brakes: Vec<&str> = plan["brakes"].as_array().unwrap().iter().map(|b| b["name"].as_str().unwrap()).collect();
    assert!(brakes.contains(&"zero:total") && brakes.contains(&"orphans"), "{brakes:?}");

    let execute = ["run", "empty.plan", "--mode", "execute", "--yes"];
    world.expect(5, &execute).await.says("not accepted").says("--accept zero:total");
    world.expect(2, &[&execute[..], &["--accept", "zero:total"]].concat()).await.says("--reason");
    let mut accept = execute.to_vec();
    accept.extend(brakes.iter().flat_map(|brake| ["--accept", *brake]));
    accept.extend(["--reason", "the app was wound up"]);
    world.expect(0, &accept).await;
    assert_eq!(world.bucket().len(), 1);
    let accepted = world.expect(0, &["audit", "ls", "--kind", "accept", "--json"]).await.json();
    let detail = accepted["detail"].as_str().unwrap();
    assert!(detail.contains("the app was wound up") && detail.contains("tester"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn max_delete_is_a_brake_and_no_cap() {
    let world = World::new().await;
    world.expect(0, &["plan"]).await;
    let stopped = world.expect(5, &["run", "--mode", "execute", "--yes", "--max-delete", "4"]).await;
    stopped.says("stopped: max_count");
    let quiet = ["-q", "run", "--mode", "execute", "--yes", "--max-delete", "4"];
    world.expect(5, &quiet).await.says("stopped: max_count").says("help: look at the plan");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_a_held_lease_is_told_with_its_holder() {
    let world = World::new().await;
    world.expect(0, &["plan"]).await;
    let catalog = s3gc_catalog::SqliteCatalog::open(world.path("state/catalog.db")).await.unwrap();
    let location = Location::s3_compatible(&world.server.endpoint(), BUCKET);
    let before = catalog.lease(&location).await.unwrap().unwrap();
    let now = s3gc_s3_mem::Timestamp::now();
    let lease = Lease {
        epoch: before.epoch + 1,
        run: RunId::at(now),
        host: "another-host".into(),
        heartbeat_at: now,
        acquired_at: now,
        released_at: None,
        effects_after: None,
        ..before.clone()
    };
    assert!(catalog.swap_lease(&location, Some(&before), &lease).await.unwrap());
    for args in [&["run", "--mode", "execute", "--yes"][..], &["plan"]] {
        world.expect(11, args).await.says("is locked").says("another-host").says("--wait-lock");
    }
    world.expect(0, &["status"]).await.says("on another-host");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    // Whoever waits gets it once it is given back.
    let waiting = world.command(&["run", "--wait-lock", "30s"]).spawn().unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let released = Lease { released_at: Some(now), ..lease.clone() };
    assert!(catalog.swap_lease(&location, Some(&lease), &released).await.unwrap());
    assert!(waiting.wait_with_output().await.unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn i04_a_listing_that_fails_stops_everything() {
    let world = World::new().await;
    world.server.inject(Fault::new(Effect::AccessDenied).on(Op::ListObjectsV2));
    let failed = world.s3gc(&["run", "--mode", "execute", "--yes", "--json"]).await;
    assert_eq!(failed.code, 1, "{failed:?}");
    assert_eq!(failed.stdout, "");
    let last: serde_json::Value = serde_json::from_str(failed.stderr.lines().last().unwrap()).unwrap();
    assert_eq!(last["exit_code"], failed.code);
    assert!(last["error"].as_str().unwrap().contains("access denied"), "{last}");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_fail_make_a_run_partial() {
    let world = World::new().await;
    world.server.inject(Fault::new(Effect::AccessDenied).on(Op::GetObject).key("avatars/gone-3.jpg"));
    let partial = world.expect(3, &["run", "--mode", "execute", "--yes"]).await;
    partial.says("4 deleted, 1 failed").says("avatars/gone-3.jpg");
    assert!(world.bucket().object("avatars/gone-3.jpg").is_some());
    assert_eq!(world.bucket().len(), USERS + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_ctrl_c_ends_in_order_and_says_how_to_go_on() {
    let world = World::new().await;
    world.expect(0, &["plan", "--out", "today.plan"]).await;
    let (seen, mut is_seen) = tokio::sync::mpsc::unbounded_channel();
    world.server.before(Op::GetObject, move |_| {
        seen.send(()).unwrap_or_default();
        std::thread::sleep(std::time::Duration::from_millis(300));
    });
    let child = world.command(&["run", "today.plan", "--mode", "execute", "--yes"]).spawn().unwrap();
    is_seen.recv().await.unwrap();
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("stopping after what is in flight"), "{stderr}");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    // The rest of the same plan goes on.
    let done = Done::of(world.command(&["run", "today.plan", "--mode", "execute", "--yes"])).await;
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(world.bucket().len(), USERS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_second_ctrl_c_ends_at_once_and_the_next_run_goes_on() {
    let world = World::new().await;
    world.expect(0, &["plan", "--out", "today.plan"]).await;
    let late = Fault::new(Effect::Latency(std::time::Duration::from_secs(20))).on(Op::DeleteObjects);
    world.server.inject(late.key("avatars/gone-0.jpg"));
    let args = ["run", "today.plan", "--mode", "execute", "--yes"];
    let child = world.command(&args).spawn().unwrap();
    let is_sent = || world.server.requests().iter().any(|r| r.op == Op::DeleteObjects && r.keys.len() == ORPHANS);
    while !is_sent() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let begun = std::time::Instant::now();
    let pid = child.id().unwrap().to_string();
    for _ in 0..2 {
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "it waited for the answer");
    world.server.clear_faults();
    // What was sent and not answered is neither sent again nor settled before it can no more land.
    let status = world.expect(0, &["status", "--json"]).await.json();
    assert_eq!(status["totals"]["unsettled"], ORPHANS, "{status}");
    world.expect(0, &args).await.says("5 still open");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
}
