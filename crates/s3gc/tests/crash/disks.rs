//! Disks that are full or read-only, as small file systems in memory. Mounting needs a privilege; without it the tests
//! are skipped, unless `S3GC_TEST_REQUIRE` names `mount`.

use std::path::{Path, PathBuf};
use std::process::Command;

use s3gc_testkit::servers::Skip;

use crate::check::check;
use crate::place::{EXECUTE, Place, Store};
use crate::world::{ORPHANS, USERS};

/// A file system of its own; it goes with the value.
struct Disk(PathBuf);

impl Disk {
    fn mount(path: PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let options = format!("size={size}");
        if mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], &path) {
            return Some(Self(path));
        }
        s3gc_testkit::servers::require(Err(Skip::new("mount", "mounting is not allowed here")))
    }

    fn remount(&self, options: &str) {
        assert!(mount(&["-o", &format!("remount,{options}")], &self.0), "remount {options}");
    }

    /// Takes all the room but so many bytes.
    fn fill(&self, left_bytes: u64) {
        let free = rustix::fs::statvfs(&self.0).unwrap();
        let bytes = (free.f_bavail * free.f_frsize).saturating_sub(left_bytes);
        std::fs::write(self.0.join("filler"), vec![0; usize::try_from(bytes).unwrap()]).unwrap();
    }

    fn empty(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.0).status().unwrap();
    }
}

fn mount(args: &[&str], path: &Path) -> bool {
    Command::new("mount").args(args).arg(path).output().is_ok_and(|output| output.status.success())
}

/// Nothing went, and what is asked next works once the disk is well.
async fn cured(place: &mut Place, story: &str) {
    place.later().await;
    place.run(EXECUTE).await;
    assert!(!place.has_garbage(), "{story}");
    check(place, &[], story).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_full_or_read_only_vault_deletes_nothing_and_the_next_run_goes_on() {
    let mut place = Place::new(Store::Bucket).await;
    let Some(disk) = Disk::mount(place.world.path("state/vault"), "1m") else { return };
    place.run(&["plan"]).await;
    disk.fill(0);
    let full = place.world.expect(1, EXECUTE).await;
    full.says("state/vault").says("make room where the vault is");
    assert_eq!(place.world.bucket().len(), USERS + ORPHANS + 1, "{full:?}");
    disk.empty();
    disk.remount("ro");
    let read_only = place.world.expect(1, EXECUTE).await;
    read_only.says("state/vault").says("Read-only file system");
    assert_eq!(place.world.bucket().len(), USERS + ORPHANS + 1);
    disk.remount("rw");
    cured(&mut place, "a bad disk under the vault").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_a_full_or_read_only_disk_under_the_catalog_stops_and_the_next_run_goes_on() {
    let mut place = Place::new(Store::Bucket).await;
    let more = "[catalog]\npath = \"disk/catalog.db\"";
    place.world.configure(more);
    let Some(disk) = Disk::mount(place.world.path("disk"), "4m") else { return };
    place.run(&["plan"]).await;
    // Full at the opening, and then later and later in the run, as far as the intents.
    for left_bytes in [0, 40_000, 60_000, 80_000] {
        disk.fill(left_bytes);
        let full = place.world.expect(1, EXECUTE).await;
        full.says("disk/catalog.db").says("make room where the catalog is");
        assert_eq!(place.world.bucket().len(), USERS + ORPHANS + 1, "{left_bytes}: {full:?}");
        disk.empty();
    }
    disk.remount("ro");
    let read_only = place.world.expect(1, EXECUTE).await;
    read_only.says("disk/catalog.db").says("see that its disk is mounted, writable");
    assert_eq!(place.world.bucket().len(), USERS + ORPHANS + 1);
    disk.remount("rw");
    place.run(EXECUTE).await;
    assert!(!place.has_garbage());
    place.run(&["audit", "verify"]).await;
    place.run(&["vault", "verify", "--level", "full"]).await;
    place.run(&["restore", "--prefix", "avatars/"]).await;
    crate::check::same(&place, "a bad disk under the catalog");
}

#[tokio::test(flavor = "multi_thread")]
async fn i04_a_full_or_read_only_work_directory_deletes_nothing_and_the_next_run_goes_on() {
    let mut place = Place::new(Store::Bucket).await;
    let Some(disk) = Disk::mount(place.world.path("work"), "1m") else { return };
    place.run(&["plan"]).await;
    let run = |place: &Place| {
        let mut command = place.world.command(EXECUTE);
        command.env("TMPDIR", place.world.path("work"));
        command
    };
    disk.fill(0);
    let full = crate::world::Done::of(run(&place)).await;
    assert_eq!(full.code, 1, "{full:?}");
    full.says("/work").says("No space left");
    disk.empty();
    disk.remount("ro");
    let read_only = crate::world::Done::of(run(&place)).await;
    assert_eq!(read_only.code, 1, "{read_only:?}");
    read_only.says("/work").says("Read-only file system");
    assert_eq!(place.world.bucket().len(), USERS + ORPHANS + 1);
    cured(&mut place, "a bad disk under the work directory").await;
}
