use std::os::unix::fs::symlink;

use futures::StreamExt;

use super::*;

fn name(name: &str) -> FileName {
    FileName::new(name).unwrap()
}

async fn put(vault: &DirVault, file: &str, bytes: &'static [u8]) -> Result<()> {
    vault.put(&name(file), stream::iter([Ok(Bytes::from_static(bytes))]).boxed(), bytes.len().try_into().unwrap()).await
}

async fn names(vault: &DirVault) -> Vec<String> {
    let files: Vec<_> = vault.list("").try_collect().await.unwrap();
    files.into_iter().map(|file| file.name.to_string()).collect()
}

#[tokio::test]
async fn no_symbolic_link_leads_out_of_the_vault() {
    let (dir, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(outside.path().join("secret"), "secret").unwrap();
    let vault = DirVault::open(dir.path()).unwrap();
    symlink(outside.path(), dir.path().join("packs")).unwrap();
    symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();
    symlink(outside.path().join("new"), dir.path().join("dangling")).unwrap();
    for file in ["packs/secret", "file", "dangling"] {
        assert!(vault.read_range(&name(file), 0..1).await.is_err(), "{file}");
        assert!(vault.size(&name(file)).await.is_err(), "{file}");
        assert!(put(&vault, file, b"x").await.is_err(), "{file}");
    }
    assert!(put(&vault, "packs/new", b"x").await.is_err());
    #[expect(clippy::disallowed_methods, reason = "that nothing outside is removed is what is tested")]
    vault.remove(&name("packs/secret")).await.unwrap_or_default();
    assert_eq!(names(&vault).await, [""; 0]);
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"secret");
}

#[tokio::test]
async fn i07_what_a_crash_left_behind_is_removed_and_what_is_being_written_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let vault = DirVault::open(dir.path()).unwrap();
    let temporary = dir.path().join("tmp~");
    std::fs::write(temporary.join("leftover"), "half a pack").unwrap();
    assert_eq!(names(&vault).await, [""; 0], "a temporary file is not in the vault");

    let (sender, body) = futures::channel::mpsc::unbounded();
    let writing = {
        let vault = vault.clone();
        tokio::spawn(async move { vault.put(&name("a"), body.boxed(), 10).await })
    };
    sender.unbounded_send(Ok(Bytes::from_static(b"01234"))).unwrap();
    while std::fs::read_dir(&temporary).unwrap().count() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let again = DirVault::open(dir.path()).unwrap();
    assert!(!temporary.join("leftover").exists());
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 1, "somebody writes this one");
    sender.unbounded_send(Ok(Bytes::from_static(b"56789"))).unwrap();
    drop(sender);
    writing.await.unwrap().unwrap();
    assert_eq!(again.read_range(&name("a"), 0..10).await.unwrap(), "0123456789");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
}

#[tokio::test]
async fn a_failed_put_leaves_no_temporary_file() {
    let dir = tempfile::tempdir().unwrap();
    let vault = DirVault::open(dir.path()).unwrap();
    put(&vault, "a", b"first").await.unwrap();
    assert!(matches!(put(&vault, "a", b"other").await, Err(Error::Conflict { .. })));
    put(&vault, "a", b"first").await.unwrap();
    assert!(vault.put(&name("b"), stream::iter([Err(io::Error::other("broken"))]).boxed(), 3).await.is_err());
    assert_eq!(std::fs::read_dir(dir.path().join("tmp~")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_cannot_be_put_where_a_directory_is() {
    let dir = tempfile::tempdir().unwrap();
    let vault = DirVault::open(dir.path()).unwrap();
    put(&vault, "a/b", b"x").await.unwrap();
    assert!(put(&vault, "a", b"y").await.is_err());
    assert!(put(&vault, "a/b/c", b"y").await.is_err());
    assert_eq!(names(&vault).await, ["a/b"]);
}

#[tokio::test]
async fn a_name_of_a_record_cannot_leave_the_vault() {
    let dir = tempfile::tempdir().unwrap();
    let vault = DirVault::open(dir.path()).unwrap();
    for slot in ["../a", "a/b", "", "..", "a~lock"] {
        assert!(vault.lease().unwrap().read(slot).await.is_err(), "{slot:?}");
    }
}

#[test]
fn a_full_disk_is_told_apart() {
    for (code, full) in
        [(rustix::io::Errno::NOSPC, true), (rustix::io::Errno::DQUOT, true), (rustix::io::Errno::IO, false)]
    {
        let error = Error::from_io("v", "writing", "a", code.into());
        assert_eq!(matches!(error, Error::Full { .. }), full, "{error:?}");
    }
}

#[tokio::test]
async fn free_bytes_are_those_of_the_file_system() {
    let dir = tempfile::tempdir().unwrap();
    assert!(DirVault::open(dir.path()).unwrap().free_bytes().unwrap() > 0);
    std::fs::write(dir.path().join("file"), "x").unwrap();
    assert!(DirVault::open(dir.path().join("file")).is_err());
}
