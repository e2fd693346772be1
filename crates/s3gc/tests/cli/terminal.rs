//! With a person at a terminal: they are asked, and see bars.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::world::{BUCKET, Done, ORPHANS, USERS, World};

/// Runs a command at a terminal, and types this answer to its question.
async fn at_a_terminal(world: &World, args: &[&str], answer: &str) -> Done {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let terminal: OwnedFd = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let mut command = world.command(args);
    command.env("TERM", "xterm").stdin(Stdio::from(terminal.try_clone().unwrap())).stderr(Stdio::from(terminal));
    let child = command.spawn().unwrap();
    // The last handle of the terminal in this process: what is read ends with the child.
    drop(command);
    let (lines, seen) = mpsc::channel();
    let (mut screen, mut keyboard) = (File::from(master.try_clone().unwrap()), File::from(master));
    let reader = std::thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = screen.read(&mut piece) {
            lines.send(String::from_utf8_lossy(&piece[..length]).into_owned()).unwrap_or_default();
        }
    });
    let mut shown = String::new();
    while !shown.contains("Type the bucket name:") {
        shown.push_str(&seen.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|_| panic!("no question: {shown}")));
    }
    writeln!(keyboard, "{answer}").unwrap();
    let output = child.wait_with_output().await.unwrap();
    reader.join().unwrap();
    shown.extend(seen.try_iter());
    Done { code: output.status.code().unwrap_or(-1), stdout: String::from_utf8(output.stdout).unwrap(), stderr: shown }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_the_plan_and_types_the_name_of_the_bucket() {
    let world = World::new().await;
    let done = at_a_terminal(&world, &["run", "--mode", "execute"], BUCKET).await;
    assert_eq!(done.code, 0, "{done:?}");
    done.says("Delete 5 objects from photos after backup?")
        .says("due                         5")
        .says("5 deleted, 0 failed");
    assert_eq!(world.bucket().len(), USERS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_other_answer_deletes_nothing_and_keeps_the_plan() {
    let world = World::new().await;
    for answer in ["yes", "", "Photos", "photo"] {
        let done = at_a_terminal(&world, &["run", "--mode", "execute"], answer).await;
        assert_eq!(done.code, 0, "{done:?}");
        done.says("Nothing deleted. The plan is kept: s3gc run");
    }
    world.expect(0, &["plan", "--out", "today.plan"]).await;
    at_a_terminal(&world, &["run", "today.plan", "--mode", "execute"], "no").await.says("Nothing deleted");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    at_a_terminal(&world, &["run", "today.plan", "--mode", "execute"], BUCKET).await.says("5 deleted");
    assert_eq!(world.bucket().len(), USERS + 1);
}
