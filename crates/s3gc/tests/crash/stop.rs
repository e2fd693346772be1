//! I9 and L22: a process that is stopped in the middle of its sweep, and wakes up when its time is over.

use std::time::Duration;

use s3gc_s3_mem::Op;
use tokio::process::{Child, Command};

use crate::place::{EXECUTE, Place, Store};
use crate::world::{Done, ORPHANS, USERS, orphans};

/// Longer than the window and the life of a signature, which the configuration below makes short.
const ASLEEP: Duration = Duration::from_secs(7);
const SHORT: &str = "[safety]\nrecheck_window = \"3s\"\nsettle_after = \"3s\"";

fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it still runs").to_string();
    let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
    assert!(sent.success(), "{name} to {pid}");
}

/// Counts the requests to delete one of the orphans.
fn deletions(place: &Place) -> usize {
    let ours = |keys: &[String]| keys.iter().any(|key| orphans().contains(key));
    let is_deletion = |op| matches!(op, Op::DeleteObject | Op::DeleteObjects);
    place.world.server.requests().iter().filter(|request| is_deletion(request.op) && ours(&request.keys)).count()
}

/// Starts a run, and stops it once it looks at an orphan for the last time before it deletes.
async fn stopped_in_its_sweep(place: &Place) -> Child {
    place.world.server.set_latency(Duration::from_millis(60));
    let child = place.world.command(EXECUTE).spawn().unwrap();
    let is_last_look = |place: &Place| {
        let requests = place.world.server.requests();
        requests.iter().any(|request| request.op == Op::HeadObject && orphans().contains(&request.keys[0]))
    };
    tokio::time::timeout(Duration::from_secs(60), async {
        while !is_last_look(place) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("the sweep begins");
    signal(&child, "STOP");
    place.world.server.set_latency(Duration::ZERO);
    child
}

async fn wake(child: Child) -> Done {
    signal(&child, "CONT");
    let output = child.wait_with_output().await.unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_a_process_that_slept_past_its_window_signs_no_delete_when_it_wakes_up() {
    let place = Place::new(Store::Bucket).await;
    place.world.configure(SHORT);
    let child = stopped_in_its_sweep(&place).await;
    tokio::time::sleep(ASLEEP).await;
    assert_eq!(deletions(&place), 0, "it was stopped before its first deletion");
    let done = wake(child).await;
    assert_eq!(deletions(&place), 0, "{done:?}");
    // What was marked as sent before it slept is put back; what was not ends the run with a stop.
    assert!([0, 5].contains(&done.code), "{done:?}");
    assert!(format!("{done:?}").contains("the look at the references"), "{done:?}");
    assert_eq!(place.world.bucket().len(), USERS + ORPHANS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn l22_a_process_whose_lease_was_taken_over_while_it_slept_signs_no_delete() {
    let mut place = Place::new(Store::Bucket).await;
    place.world.configure(SHORT);
    let child = stopped_in_its_sweep(&place).await;
    place.world.expect(11, EXECUTE).await.says("is locked");
    // The sleeper lives, so that only time takes its lease away.
    let old = "UPDATE lease SET heartbeat_at = '2026-01-01T00:00:00.000000000Z'";
    place.world.sql_in("state/catalog.db", old).await;
    tokio::time::sleep(ASLEEP).await;
    assert_eq!(deletions(&place), 0, "it was stopped before its first deletion");
    place.run(&["plan"]).await;
    let taken = "SELECT epoch FROM lease";
    let epoch = place.count(taken).await;
    let done = wake(child).await;
    assert_eq!(deletions(&place), 0, "{done:?}");
    assert_ne!(done.code, 0, "{done:?}");
    assert_eq!(place.world.bucket().len(), USERS + ORPHANS + 1);
    assert_eq!(place.count(taken).await, epoch, "it does not take the lease back");
}

/// A second collector of the same bucket, with a catalog and a vault of its own.
fn second(place: &Place) -> Command {
    let dir = place.world.path("second");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::copy(place.world.path("s3gc.toml"), dir.join("s3gc.toml")).unwrap();
    let mut command = place.world.command(EXECUTE);
    command.current_dir(dir);
    command
}

async fn excluded(url: &str) {
    let place = Place::new(Store::Bucket).await;
    let text = place.world.configuration().replace("sqlite:app.db", url);
    std::fs::write(place.world.path("s3gc.toml"), format!("{text}\n{SHORT}")).unwrap();
    let child = stopped_in_its_sweep(&place).await;
    let other = Done::of(second(&place)).await;
    assert_eq!(other.code, 11, "{other:?}");
    assert_eq!(deletions(&place), 0, "{other:?}");
    tokio::time::sleep(ASLEEP).await;
    wake(child).await;
    // Once the first is gone, the second may: it was the lock, and nothing else, that kept it away.
    let free = Done::of(second(&place)).await;
    assert_eq!(free.code, 0, "{free:?}");
    assert!(!place.has_garbage(), "{free:?}");
}

fn rows() -> String {
    let rows: Vec<String> = (0..USERS).map(|user| format!("('avatars/{user}.jpg')")).collect();
    format!("INSERT INTO users (avatar) VALUES {}", rows.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_collectors_with_different_catalogs_exclude_each_other_by_postgres() {
    let Some(server) = s3gc_testkit::servers::Postgres::shared() else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE users (id serial PRIMARY KEY, avatar text)");
    server.sql(&url, &rows());
    excluded(&url).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_collectors_with_different_catalogs_exclude_each_other_by_mariadb() {
    let Some(server) = s3gc_testkit::servers::MariaDb::shared() else { return };
    let url = server.fresh_database();
    server.sql(&url, "CREATE TABLE users (id serial PRIMARY KEY, avatar varchar(200))");
    server.sql(&url, &rows());
    excluded(&url).await;
}
