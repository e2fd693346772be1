//! Every pack opens with tools that everyone has: GNU tar, zstd, lz4, age.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use common::{objects, stored, writer};
use s3gc_compress::{Compressor, Lz4, Plain, Zstd};
use s3gc_testkit::servers::{Skip, require};
use s3gc_vault::encryption::{AgeVault, Identities};
use s3gc_vault::pack::{self, FinishedPack, VerifyLevel};
use s3gc_vault::{DirVault, VaultBackend};

/// Packs everything, extracts it with GNU tar, and returns the pack with the directory of what came out.
async fn extracted(codec: impl Compressor) -> (tempfile::TempDir, FinishedPack, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let vault: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
    let mut writer = writer(dir.path(), codec);
    for (key, body) in objects() {
        common::append(&mut writer, &key, &body);
    }
    let pack = stored(&vault, writer).await;
    let file = dir.path().join("vault").join(pack.name.as_str());
    run(Command::new("zstd").arg("--test").arg(&file));
    let out = dir.path().join("a/b/c/out");
    std::fs::create_dir_all(&out).unwrap();
    let done = run(Command::new("tar").arg("--zstd").arg("-xf").arg(&file).arg("-C").arg(&out));
    assert_eq!(String::from_utf8_lossy(&done.stderr), "");
    (dir, pack, out)
}

fn run(command: &mut Command) -> Output {
    let output = command.env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// All regular files under a directory.
fn files(directory: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut todo = vec![directory.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                found.insert(path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned(), path);
            }
        }
    }
    found
}

fn same_names(pack: &FinishedPack, out: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = files(out);
    assert!(found.remove("S3GC-README.txt").is_some());
    assert!(found.remove("S3GC-INDEX.jsonl").is_some());
    let mut expected: Vec<_> = pack.entries.iter().map(|entry| entry.member.clone()).collect();
    expected.sort();
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), expected);
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn tar_extracts_a_zstd_pack() {
    let (_dir, pack, out) = extracted(Zstd::default()).await;
    let found = same_names(&pack, &out);
    let mut links = 0;
    for (entry, (key, body)) in pack.entries.iter().zip(objects()) {
        let file = &found[&entry.member];
        assert!(std::fs::read(file).unwrap() == body, "{key:?}");
        links += usize::from(std::fs::metadata(file).unwrap().nlink() > 1);
    }
    // One of the nine is a second copy.
    assert_eq!(links, common::COPIES + 8, "copies are hard links, with what they are copies of");
}

#[tokio::test(flavor = "multi_thread")]
async fn tar_extracts_a_pack_without_compression() {
    let (_dir, pack, out) = extracted(Plain).await;
    let found = same_names(&pack, &out);
    for (entry, (key, body)) in pack.entries.iter().zip(objects()) {
        assert!(std::fs::read(&found[&entry.member]).unwrap() == body, "{key:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tar_and_lz4_extract_a_lz4_pack() {
    let (_dir, pack, out) = extracted(Lz4).await;
    let found = same_names(&pack, &out);
    let has_lz4 = Command::new("lz4").arg("--version").output().is_ok();
    if !has_lz4 {
        eprintln!("skipped: there is no lz4 program");
    }
    for (entry, (key, body)) in pack.entries.iter().zip(objects()) {
        let file = &found[&entry.member];
        if entry.codec != "lz4" {
            assert!(std::fs::read(file).unwrap() == body, "{key:?}");
        } else if has_lz4 {
            assert_eq!(file.extension().unwrap(), "lz4");
            assert!(run(Command::new("lz4").args(["-d", "-c"]).arg(file)).stdout == body, "{key:?}");
        }
    }
}

/// Runs a line of a shell.
fn sh(line: &str, args: &[&Path]) -> Output {
    run(Command::new("sh").args(["-euc", line, "sh"]).args(args))
}

/// Tells whether the programs of age are there.
fn has_age() -> bool {
    let version = Command::new("age").arg("--version").output();
    require(version.map(drop).map_err(|error| Skip::new("age", error))).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn age_zstd_and_tar_open_an_encrypted_pack() {
    if !has_age() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let vault: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
    let (ours, theirs) = (common::key(), common::key());
    let objects = objects();
    let mut writer = writer(dir.path(), Zstd::default());
    for (key, body) in &objects {
        common::append(&mut writer, key, body);
    }
    let pack = common::sealed(&vault, writer, &[&ours, &theirs]).await;
    let file = dir.path().join("vault").join(pack.name.as_str());
    for (name, key) in [("ours", &ours), ("theirs", &theirs)] {
        let identity = dir.path().join(name);
        std::fs::write(&identity, &key.file).unwrap();
        let listed = sh(r#"age -d -i "$1" "$2" | zstd -dc | tar t"#, &[&identity, &file]);
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert_eq!(listed.lines().count(), objects.len() + 2);
    }
    sh(r#"age -d -i "$1" "$2" | zstd -t"#, &[&dir.path().join("ours"), &file]);
    let out = dir.path().join("a/b/c/out");
    std::fs::create_dir_all(&out).unwrap();
    sh(r#"age -d -i "$1" "$2" | zstd -dc | tar x -C "$3""#, &[&dir.path().join("theirs"), &file, &out]);
    let found = same_names(&pack, &out);
    for (entry, (key, body)) in pack.entries.iter().zip(&objects) {
        assert!(std::fs::read(&found[&entry.member]).unwrap() == *body, "{key:?}");
    }
    std::fs::write(dir.path().join("other"), &common::key().file).unwrap();
    let refused = Command::new("age").arg("-d").arg("-i").arg(dir.path().join("other")).arg(&file).output().unwrap();
    assert!(!refused.status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_age_and_age_keygen_made_is_read() {
    if !has_age() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let inner: Arc<dyn VaultBackend> = Arc::new(DirVault::open(dir.path().join("vault")).unwrap());
    let ours = common::key();
    let mut writer = writer(dir.path(), Zstd::default());
    common::append(&mut writer, "noise", &common::noise(1, 200_000));
    common::append(&mut writer, "copy", &common::noise(1, 200_000));
    let pack = common::sealed(&inner, writer, &[&ours]).await;
    // Somebody encrypts the vault anew, to another key.
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    std::fs::write(&old, &ours.file).unwrap();
    run(Command::new("age-keygen").arg("-o").arg(&new));
    let file = dir.path().join("vault").join(pack.name.as_str());
    sh(
        r#"age -d -i "$1" "$3" >"$3.plain"; rm -f "$3"; age -r "$(age-keygen -y "$2")" -o "$3" "$3.plain""#,
        &[&old, &new, &file],
    );
    assert!(ours.open(&inner).size(&pack.name).await.is_err(), "the old key is of no use any more");
    let vault: Arc<dyn VaultBackend> = Arc::new(AgeVault::new(inner, Identities::read(&new).unwrap()));
    for entry in &pack.entries {
        assert!(common::read(&vault, &pack.name, entry).await.unwrap() == common::noise(1, 200_000));
    }
    let report = pack::verify(vault, &pack.name, VerifyLevel::Full, None).await.unwrap();
    assert_eq!((report.faults, report.checked), (vec![], 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_lists_its_times_and_carries_its_keys() {
    let (dir, pack, _) = extracted(Zstd::default()).await;
    let file = dir.path().join("vault").join(pack.name.as_str());
    let listed = run(Command::new("tar").args(["--zstd", "--utc", "-tvf"]).arg(&file));
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(listed.lines().count(), pack.entries.len() + 2);
    assert_eq!(listed.lines().filter(|line| line.contains("2026-11-23 12:34")).count(), pack.entries.len());
    let raw = run(Command::new("zstd").args(["-dc"]).arg(&file)).stdout;
    let hostile = b"SCHILY.xattr.user.s3gc.key=../../etc/passwd\n";
    assert!(raw.windows(hostile.len()).any(|window| window == hostile));
}
