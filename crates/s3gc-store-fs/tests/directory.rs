//! What is special about a directory: links, names that are no keys, other programs, a volume that goes away.
#![expect(clippy::unwrap_used, reason = "what these tests share is a part of them")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use s3gc_store::{
    Checkpoint, DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, ETag, Error, GetOptions, ListItem,
    ListRequest, ObjectKey, ObjectMeta, ObjectStore, PutMode, Result, SignGuard, SignRefused, VersionId, read_all,
};
use s3gc_store_fs::{FsConfig, FsStore};
use tempfile::TempDir;

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

/// A directory with files in it, and the store on it.
struct Uploads {
    temporary: TempDir,
    store: FsStore,
}

impl Uploads {
    async fn new(files: &[(&str, &str)]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            write(&temporary.path().join(name), bytes);
        }
        let store = open(temporary.path()).await.unwrap();
        Self { temporary, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temporary.path().join(name)
    }

    async fn etag(&self, name: &str) -> ETag {
        self.store.head(&key(name)).await.unwrap().etag
    }

    async fn put(&self, name: &str, meta: &ObjectMeta, mode: PutMode) -> Result<ObjectMeta> {
        let bytes = Bytes::from(vec![b'x'; usize::try_from(meta.size_bytes).unwrap()]);
        self.store.put(&key(name), stream::iter([Ok(bytes)]).boxed(), meta, mode).await
    }

    #[expect(clippy::disallowed_methods, reason = "the deletion of this store is what is tested")]
    async fn delete(&self, name: &str, etag: ETag, guard: &dyn SignGuard) -> DeleteOutcome {
        let request = DeleteRequest { key: key(name), target: DeleteTarget::Current { if_match: etag } };
        self.store.delete(&[request], DeleteMeans::SingleEtag, guard).await.unwrap().remove(0)
    }

    /// Every path below the directory with what tells whether it was touched.
    fn snapshot(&self) -> BTreeMap<PathBuf, (u64, i64, i64)> {
        fn walk(path: &Path, found: &mut BTreeMap<PathBuf, (u64, i64, i64)>) {
            let meta = fs::symlink_metadata(path).unwrap();
            found.insert(path.to_owned(), (meta.ino(), meta.ctime(), meta.ctime_nsec()));
            if meta.is_dir() {
                fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), found));
            }
        }
        let mut found = BTreeMap::new();
        walk(self.temporary.path(), &mut found);
        found
    }
}

async fn open(path: &Path) -> Result<FsStore> {
    FsStore::open(&FsConfig::new(path)).await
}

fn write(path: &Path, bytes: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn names(path: &Path) -> usize {
    fs::read_dir(path).map_or(0, Iterator::count)
}

struct Yes;

impl SignGuard for Yes {
    fn may_sign(&self) -> Result<(), SignRefused> {
        Ok(())
    }
}

/// Something that happens between the last look at the file and its move.
struct Meanwhile<F>(F);

impl<F: Fn() + Send + Sync> SignGuard for Meanwhile<F> {
    fn may_sign(&self) -> Result<(), SignRefused> {
        (self.0)();
        Ok(())
    }
}

/// The keys and the skipped names under a prefix, sorted.
async fn list(store: &FsStore, prefix: &str) -> Result<(Vec<String>, Vec<(String, String)>)> {
    let (mut keys, mut skipped, mut end) = (Vec::new(), Vec::new(), None);
    let mut items = store.list(ListRequest::new(prefix));
    while let Some(item) = items.next().await {
        match item? {
            ListItem::Page(page) => {
                keys.extend(page.entries.into_iter().map(|entry| String::from(entry.key)));
                skipped.extend(page.skipped.into_iter().map(|skipped| (skipped.name, skipped.reason)));
            }
            ListItem::End(counts) => end = Some((counts.entries, counts.skipped)),
        }
    }
    let counts = (u64::try_from(keys.len()).unwrap(), u64::try_from(skipped.len()).unwrap());
    assert_eq!(end, Some(counts));
    keys.sort_unstable();
    skipped.sort_unstable();
    Ok((keys, skipped))
}

#[test]
fn a_misspelt_setting_is_an_error() {
    let parse = serde_json::from_str::<FsConfig>;
    assert_eq!(parse(r#"{"path": "/srv"}"#).unwrap(), FsConfig::new("/srv"));
    assert!(parse(r#"{"path": "/srv", "pth": 1}"#).is_err());
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_no_store() {
    let temporary = tempfile::tempdir().unwrap();
    write(&temporary.path().join("file"), "x");
    for missing in ["missing", "file"] {
        let error = open(&temporary.path().join(missing)).await.unwrap_err();
        assert!(matches!(&error, Error::NoSuchStore { location } if location.ends_with(missing)), "{error:?}");
    }
}

#[tokio::test]
async fn a_store_is_named_by_the_directory_behind_the_links() {
    let uploads = Uploads::new(&[("real/a", "1")]).await;
    symlink(uploads.path("real"), uploads.path("link")).unwrap();
    let (real, link) = (open(&uploads.path("real")).await.unwrap(), open(&uploads.path("link")).await.unwrap());
    assert_eq!(real.location(), link.location());
    assert_eq!(list(&link, "").await.unwrap().0, ["a"]);
}

#[tokio::test]
async fn i05_reading_writes_nothing() {
    let uploads = Uploads::new(&[("a/k", "bytes"), ("b", "x")]).await;
    let before = uploads.snapshot();
    let store = open(uploads.temporary.path()).await.unwrap();
    store.status().await.unwrap();
    list(&store, "").await.unwrap();
    let (meta, body) = store.get(&key("a/k"), GetOptions::default()).await.unwrap();
    assert_eq!(read_all(body).await.unwrap(), "bytes");
    assert_eq!(store.head(&key("a/k")).await.unwrap(), meta);
    assert_eq!(store.tags(&key("a/k")).await.unwrap(), BTreeMap::new());
    assert_eq!(store.versions(&key("a/k")).await.unwrap().len(), 1);
    assert_eq!(uploads.snapshot(), before);
}

#[tokio::test]
async fn i04_another_directory_in_the_place_of_the_store_is_not_an_empty_store() {
    let uploads = Uploads::new(&[("mnt/k", "bytes")]).await;
    let store = open(&uploads.path("mnt")).await.unwrap();
    let etag = store.head(&key("k")).await.unwrap().etag;
    fs::rename(uploads.path("mnt"), uploads.path("elsewhere")).unwrap();
    fs::create_dir(uploads.path("mnt")).unwrap();

    let is_lost = |error: &Error| matches!(error, Error::NoSuchStore { .. });
    assert!(is_lost(&list(&store, "").await.unwrap_err()));
    assert!(is_lost(&store.status().await.unwrap_err()));
    assert!(is_lost(&store.head(&key("k")).await.unwrap_err()));
    let empty = ObjectMeta::new(0);
    assert!(is_lost(&store.put(&key("n"), stream::empty().boxed(), &empty, PutMode::Create).await.unwrap_err()));
    let lost = Uploads { store, temporary: uploads.temporary };
    let request = DeleteRequest { key: key("k"), target: DeleteTarget::Current { if_match: etag } };
    #[expect(clippy::disallowed_methods, reason = "the deletion of this store is what is tested")]
    let outcome = lost.store.delete(&[request], DeleteMeans::BatchEtag, &Yes).await;
    assert!(is_lost(&outcome.unwrap_err()), "an object that cannot be looked at is not gone");
    assert_eq!(names(&lost.path("mnt")), 0);
}

#[tokio::test]
async fn i10_what_cannot_be_a_key_is_skipped_and_reported() {
    let uploads = Uploads::new(&[("dir/a", "1"), (".s3gc/private", "x"), ("dir/.s3gc/b", "2")]).await;
    symlink(uploads.path("dir"), uploads.path("link-to-directory")).unwrap();
    symlink("a", uploads.path("dir/link-to-file")).unwrap();
    symlink("nowhere", uploads.path("dir/link-to-nothing")).unwrap();
    let _socket = UnixListener::bind(uploads.path("dir/socket")).unwrap();
    assert!(fs::symlink_metadata(uploads.path("dir/socket")).unwrap().file_type().is_socket());
    rustix::fs::mkfifoat(rustix::fs::CWD, uploads.path("dir/pipe"), rustix::fs::Mode::from_raw_mode(0o644)).unwrap();
    let latin1 = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(uploads.path("dir").join(latin1), "x").unwrap();
    fs::create_dir(uploads.path("").join(latin1)).unwrap();
    fs::write(uploads.path("").join(latin1).join("below"), "x").unwrap();

    let (keys, skipped) = list(&uploads.store, "").await.unwrap();
    assert_eq!(keys, ["dir/.s3gc/b", "dir/a"]);
    let skipped: Vec<_> = skipped.iter().map(|(name, reason)| (name.as_str(), reason.as_str())).collect();
    assert_eq!(
        skipped,
        [
            ("caf\u{fffd}", "the name is not UTF-8"),
            ("dir/caf\u{fffd}", "the name is not UTF-8"),
            ("dir/link-to-file", "a symbolic link, which is never followed"),
            ("dir/link-to-nothing", "a symbolic link, which is never followed"),
            ("dir/pipe", "a named pipe"),
            ("dir/socket", "a socket"),
            ("link-to-directory", "a symbolic link, which is never followed"),
        ]
    );
    // What is not an object cannot be read as one either; a pipe does not make the reader wait.
    for name in ["link-to-directory/a", "dir/link-to-file", "dir/link-to-nothing", "dir/pipe", "dir/socket", "dir"] {
        let head = uploads.store.head(&key(name)).await;
        assert!(matches!(head, Err(Error::NotFound { .. })), "{name}: {head:?}");
        let get = uploads.store.get(&key(name), GetOptions::default()).await.map(|(meta, _)| meta);
        assert!(matches!(get, Err(Error::NotFound { .. })), "{name}: {get:?}");
    }
}

#[tokio::test]
async fn a_link_on_the_way_to_the_prefix_is_reported() {
    let uploads = Uploads::new(&[("real/a", "1"), ("other", "2")]).await;
    symlink(uploads.path("real"), uploads.path("link")).unwrap();
    let (keys, skipped) = list(&uploads.store, "link/").await.unwrap();
    assert!(keys.is_empty());
    assert_eq!(skipped[0].0, "link");
    assert_eq!(list(&uploads.store, "re").await.unwrap(), (vec!["real/a".to_owned()], vec![]));
}

#[tokio::test]
async fn a_path_that_is_longer_than_a_key_is_skipped_and_reported() {
    let uploads = Uploads::new(&[]).await;
    let deep = std::iter::repeat_n("d".repeat(200), 5).collect::<PathBuf>();
    write(&uploads.path("").join(&deep).join("f".repeat(100)), "x");
    write(&uploads.path("").join(&deep).join("g"), "x");
    let (keys, skipped) = list(&uploads.store, "").await.unwrap();
    assert_eq!((keys.len(), skipped.len()), (1, 1));
    assert_eq!(skipped[0].1, "the path is longer than a key can be");
}

#[tokio::test]
async fn a_listing_cannot_be_resumed_and_can_be_dropped_early() {
    let uploads = Uploads::new(&[]).await;
    for n in 0..3500 {
        fs::write(uploads.path(&n.to_string()), "").unwrap();
    }
    let first = uploads.store.list(ListRequest::default()).next().await.unwrap().unwrap();
    assert!(matches!(first, ListItem::Page(page) if page.entries.len() == 1000));
    let mut resumed = ListRequest::default();
    resumed.resume = Some(Checkpoint("x".to_owned()));
    let items: Vec<_> = uploads.store.list(resumed).collect().await;
    assert!(matches!(items[..], [Err(Error::Unsupported { .. })]));
}

#[tokio::test]
async fn nothing_outside_the_directory_is_reached_through_a_link() {
    let outside = tempfile::tempdir().unwrap();
    write(&outside.path().join("precious"), "precious");
    let uploads = Uploads::new(&[("in/precious", "ours")]).await;
    symlink(outside.path(), uploads.path("out")).unwrap();
    symlink(outside.path().join("precious"), uploads.path("file")).unwrap();
    let etag = uploads.etag("in/precious").await;

    for name in ["out/precious", "file"] {
        let outcome = uploads.delete(name, etag.clone(), &Yes).await;
        assert!(matches!(outcome, DeleteOutcome::AlreadyGone), "{name}: {outcome:?}");
        for mode in [PutMode::Create, PutMode::Replace] {
            let put = uploads.put(name, &ObjectMeta::new(3), mode).await;
            assert!(matches!(put, Err(Error::UnsafeKey { .. })), "{name}: {put:?}");
        }
    }
    let put = uploads.put("out/new/file", &ObjectMeta::new(3), PutMode::Create).await;
    assert!(matches!(put, Err(Error::UnsafeKey { .. })), "{put:?}");
    assert_eq!(names(outside.path()), 1);
    assert!(uploads.path("file").symlink_metadata().unwrap().is_symlink());

    // The directory becomes a link in the very moment of the deletion.
    let swap = Meanwhile(|| {
        fs::rename(uploads.path("in"), uploads.path("moved")).unwrap();
        symlink(outside.path(), uploads.path("in")).unwrap();
    });
    let outcome = uploads.delete("in/precious", etag, &swap).await;
    assert!(matches!(outcome, DeleteOutcome::Deleted { .. }), "{outcome:?}");
    assert!(!uploads.path("moved/precious").exists(), "the staged file is the one that went");
    assert_eq!(fs::read_to_string(outside.path().join("precious")).unwrap(), "precious");
}

#[tokio::test]
async fn i03_an_object_that_is_rewritten_in_the_moment_of_its_deletion_survives() {
    let uploads = Uploads::new(&[("k", "old")]).await;
    let etag = uploads.etag("k").await;
    let outcome = uploads.delete("k", etag, &Meanwhile(|| write(&uploads.path("k"), "newer"))).await;
    assert!(matches!(outcome, DeleteOutcome::Changed), "{outcome:?}");
    assert_eq!(fs::read_to_string(uploads.path("k")).unwrap(), "newer");
    assert_eq!(names(&uploads.path(".s3gc/trash")), 0);

    let etag = uploads.etag("k").await;
    let outcome = uploads.delete("k", etag, &Meanwhile(|| fs::remove_file(uploads.path("k")).unwrap())).await;
    assert!(matches!(outcome, DeleteOutcome::AlreadyGone), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i03_an_upload_that_races_with_a_deletion_is_there_afterwards() {
    let uploads = Uploads::new(&[]).await;
    let (path, upload) = (uploads.path("k"), uploads.path("upload"));
    let (mut before, mut after) = (0, 0);
    for round in 0..100_u32 {
        fs::write(&path, "old").unwrap();
        let etag = uploads.etag("k").await;
        let (path, upload) = (path.clone(), upload.clone());
        let writer = std::thread::spawn(move || {
            fs::write(&upload, "new").unwrap();
            // From long before the deletion to long after it.
            std::thread::sleep(std::time::Duration::from_micros(u64::from(round) * 40));
            fs::rename(upload, path).unwrap();
        });
        match uploads.delete("k", etag, &Yes).await {
            DeleteOutcome::Changed => before += 1,
            DeleteOutcome::Deleted { .. } => after += 1,
            other => panic!("{other:?}"),
        }
        writer.join().unwrap();
        assert_eq!(fs::read_to_string(uploads.path("k")).unwrap(), "new", "round {round}");
    }
    println!("{before} uploads came before the deletion, {after} after it");
}

#[tokio::test]
async fn i03_a_change_of_mode_makes_another_object() {
    let uploads = Uploads::new(&[("k", "bytes")]).await;
    let etag = uploads.etag("k").await;
    fs::set_permissions(uploads.path("k"), fs::Permissions::from_mode(0o600)).unwrap();
    let outcome = uploads.delete("k", etag, &Yes).await;
    assert!(matches!(outcome, DeleteOutcome::Changed), "{outcome:?}");
    assert!(uploads.path("k").exists());
}

#[tokio::test]
async fn the_age_of_a_file_with_an_old_time_counts_from_its_arrival() {
    let uploads = Uploads::new(&[("k", "bytes")]).await;
    let old = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(uploads.path("k")).unwrap().set_modified(old).unwrap();
    let arrived = fs::metadata(uploads.path("k")).unwrap().ctime();
    assert_eq!(uploads.store.head(&key("k")).await.unwrap().last_modified.as_second(), arrived);
}

#[tokio::test]
async fn a_deletion_leaves_directories_alone_and_nothing_in_the_trash() {
    let uploads = Uploads::new(&[("a/b/k", "bytes")]).await;
    let outcome = uploads.delete("a/b/k", uploads.etag("a/b/k").await, &Yes).await;
    assert!(matches!(outcome, DeleteOutcome::Deleted { marker: None }), "{outcome:?}");
    assert!(uploads.path("a/b").is_dir());
    assert_eq!((names(&uploads.path("a/b")), names(&uploads.path(".s3gc/trash"))), (0, 0));
    assert_eq!(fs::metadata(uploads.path(".s3gc")).unwrap().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn there_are_no_markers_and_no_versions() {
    let uploads = Uploads::new(&[("k", "bytes")]).await;
    let version = VersionId::new("1");
    let target = DeleteTarget::OwnMarker(version.clone());
    let batch = [DeleteRequest { key: key("k"), target }];
    #[expect(clippy::disallowed_methods, reason = "the deletion of this store is what is tested")]
    let outcomes = uploads.store.delete(&batch, DeleteMeans::SingleEtag, &Yes).await.unwrap();
    assert!(matches!(outcomes[..], [DeleteOutcome::Refused(Error::Unsupported { .. })]), "{outcomes:?}");
    #[expect(clippy::disallowed_methods, reason = "the deletion of this store is what is tested")]
    let outcomes = uploads.store.delete(&batch, DeleteMeans::Marker, &Yes).await;
    assert!(matches!(outcomes, Err(Error::Unsupported { .. })), "{outcomes:?}");
    let get = uploads.store.get(&key("k"), GetOptions::version(version)).await.map(|(meta, _)| meta);
    assert!(matches!(get, Err(Error::Unsupported { .. })), "{get:?}");
    assert!(uploads.path("k").exists());
}

#[tokio::test]
async fn i07_opening_puts_back_what_a_crash_left_in_the_trash() {
    let uploads = Uploads::new(&[("taken", "newer")]).await;
    let trash = uploads.path(".s3gc/trash/0199");
    write(&trash.join("keys"), r#"["gone/with/its/directory","taken","never moved"]"#);
    write(&trash.join("0"), "staged 0");
    write(&trash.join("1"), "staged 1");

    let store = open(uploads.temporary.path()).await.unwrap();
    assert_eq!(list(&store, "").await.unwrap().0, ["gone/with/its/directory", "taken"]);
    assert_eq!(fs::read_to_string(uploads.path("gone/with/its/directory")).unwrap(), "staged 0");
    assert_eq!(fs::read_to_string(uploads.path("taken")).unwrap(), "newer");
    assert_eq!(fs::read_to_string(trash.join("1")).unwrap(), "staged 1", "an older file is kept too");
    assert!(!trash.join("0").exists());
}

#[tokio::test]
async fn i07_a_trash_that_nobody_can_read_is_an_error_and_stays() {
    for keys in ["[\"a\"", "[\"a\"]", "[\"../a\", \"b\", \"../a\"]"] {
        let uploads = Uploads::new(&[]).await;
        write(&uploads.path(".s3gc/trash/0199/keys"), keys);
        write(&uploads.path(".s3gc/trash/0199/2"), "bytes");
        let error = open(uploads.temporary.path()).await.unwrap_err();
        assert!(!error.is_transient(), "{error:?}");
        assert_eq!(fs::read_to_string(uploads.path(".s3gc/trash/0199/2")).unwrap(), "bytes");
    }
}

#[tokio::test]
async fn metadata_goes_with_its_object_and_with_no_other() {
    let uploads = Uploads::new(&[]).await;
    let mut meta = ObjectMeta::new(4);
    meta.user.insert("owner".to_owned(), "42".to_owned());
    let owner = async |name: &str| uploads.store.head(&key(name)).await.unwrap().user.get("owner").cloned();
    let put = uploads.put("k", &meta, PutMode::Create).await.unwrap();
    assert_eq!(put, uploads.store.head(&key("k")).await.unwrap());

    fs::set_permissions(uploads.path("k"), fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(owner("k").await.as_deref(), Some("42"), "a change of mode changes no metadata");
    fs::rename(uploads.path("k"), uploads.path("renamed")).unwrap();
    assert_eq!(owner("renamed").await, None, "metadata belongs to a key");
    fs::rename(uploads.path("renamed"), uploads.path("k")).unwrap();

    uploads.put("k", &meta, PutMode::Replace).await.unwrap();
    assert_eq!(names(&uploads.path(".s3gc/meta")), 1, "the metadata of the replaced object is gone");
    std::thread::sleep(std::time::Duration::from_millis(20));
    write(&uploads.path("k"), "rewritten by another");
    assert_eq!(owner("k").await, None);

    uploads.put("k", &meta, PutMode::Replace).await.unwrap();
    let outcome = uploads.delete("k", uploads.etag("k").await, &Yes).await;
    assert!(matches!(outcome, DeleteOutcome::Deleted { .. }), "{outcome:?}");
    // That of the file that another program wrote over is left: it was not ours to see it go.
    assert_eq!(names(&uploads.path(".s3gc/meta")), 1);
}

#[tokio::test]
async fn metadata_that_cannot_be_read_is_an_error_and_not_none() {
    let uploads = Uploads::new(&[]).await;
    let mut meta = ObjectMeta::new(4);
    meta.headers.content_type = Some("image/png".to_owned());
    uploads.put("k", &meta, PutMode::Create).await.unwrap();
    let sidecar = fs::read_dir(uploads.path(".s3gc/meta")).unwrap().next().unwrap().unwrap().path();
    fs::write(sidecar, "{").unwrap();
    assert!(matches!(uploads.store.head(&key("k")).await, Err(Error::Other { .. })));
}

#[tokio::test]
async fn a_put_leaves_no_temporary_file_and_a_crashed_one_is_swept_at_the_next_opening() {
    let uploads = Uploads::new(&[]).await;
    let path = uploads.temporary.path().to_owned();
    let temporary = uploads.path(".s3gc/tmp");
    let leftover = temporary.join("leftover of a crash");
    // While this body is written, another process opens the store: its temporary file is not a leftover.
    let body = stream::once(async move {
        write(&leftover, "x");
        assert_eq!(names(&path.join(".s3gc/tmp")), 2);
        open(&path).await.unwrap();
        assert_eq!(names(&path.join(".s3gc/tmp")), 1);
        Ok(Bytes::from_static(b"done"))
    });
    uploads.store.put(&key("new/k"), body.boxed(), &ObjectMeta::new(4), PutMode::Create).await.unwrap();
    assert_eq!(fs::read_to_string(uploads.path("new/k")).unwrap(), "done");
    assert_eq!(names(&temporary), 0);

    assert!(uploads.put("short", &ObjectMeta::new(4), PutMode::Create).await.is_ok());
    let body = stream::iter([Ok(Bytes::from_static(b"12"))]).boxed();
    let short = uploads.store.put(&key("s"), body, &ObjectMeta::new(4), PutMode::Create).await;
    assert!(matches!(short, Err(Error::BodyLength { expected_bytes: 4, actual_bytes: 2, .. })), "{short:?}");
    assert_eq!(names(&temporary), 0);
}

#[tokio::test]
async fn an_object_and_a_directory_cannot_have_one_name() {
    let uploads = Uploads::new(&[("b", "1"), ("dir/child", "2")]).await;
    for name in ["b/child", "b/deep/child", "dir"] {
        for mode in [PutMode::Create, PutMode::Replace] {
            let put = uploads.put(name, &ObjectMeta::new(1), mode).await;
            assert!(matches!(put, Err(Error::UnsafeKey { .. })), "{name}: {put:?}");
        }
    }
    assert_eq!(list(&uploads.store, "").await.unwrap().0, ["b", "dir/child"]);
}

#[tokio::test]
async fn a_file_that_is_rewritten_while_it_is_read_is_an_error() {
    let uploads = Uploads::new(&[("k", &"old ".repeat(1 << 20))]).await;
    let (_, mut body) = uploads.store.get(&key("k"), GetOptions::default()).await.unwrap();
    body.next().await.unwrap().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    write(&uploads.path("k"), &"new ".repeat(1 << 20));
    let read = read_all(body).await;
    assert!(matches!(read, Err(Error::Precondition { .. })), "{:?}", read.map(|bytes| bytes.len()));
}

#[tokio::test]
async fn a_range_may_end_after_the_object_and_may_not_begin_there() {
    let uploads = Uploads::new(&[("k", "0123456789")]).await;
    let get = async |range| uploads.store.get(&key("k"), GetOptions::default().with_range(range)).await;
    let (meta, body) = get(7..99).await.unwrap();
    assert_eq!((meta.size_bytes, read_all(body).await.unwrap().as_ref()), (10, &b"789"[..]));
    assert!(get(11..12).await.is_err());
}
