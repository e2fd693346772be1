//! What only the inside can show: the steps between two system calls, and other users.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::process::geteuid;
use rustix::thread::set_thread_res_uid;
use s3gc_store::{DeleteOutcome, Error, ListItem, ObjectKey};
use tempfile::TempDir;

use crate::delete::{Found, find};
use crate::dir::Root;
use crate::trash::{Recovery, Trash, recover};
use crate::walk::{ignores_case, walk};

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

fn directory(files: &[(&str, &str)]) -> (TempDir, Root) {
    let temporary = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = temporary.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let root = Root::new(temporary.path()).unwrap();
    (temporary, root)
}

fn staged(root: &Root, name: &str) -> Found {
    let state = crate::read::state(&root.open().unwrap(), &key(name)).unwrap().unwrap();
    find(root, &key(name), &state.etag()).unwrap()
}

fn read(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap()
}

fn trash(root: &Root, name: &str) -> Trash {
    Trash::new(&root.open().unwrap(), &[key(name)]).unwrap()
}

fn is_trash_empty(directory: &TempDir) -> bool {
    fs::read_dir(directory.path().join(".s3gc/trash")).unwrap().next().is_none()
}

/// Runs as a user who may not do everything, on a thread of its own.
fn as_nobody<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            if geteuid().is_root() {
                let nobody = rustix::process::Uid::from_raw(65534);
                set_thread_res_uid(nobody, nobody, nobody).unwrap();
            }
            work()
        });
        thread.join().unwrap()
    })
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn i03_a_file_that_was_rewritten_before_it_came_into_the_trash_gets_its_name_back() {
    type Rewrite = fn(&Path);
    let rewrites: [(&str, Rewrite); 3] = [
        ("in place, longer", |path| fs::write(path, "newer bytes").unwrap()),
        ("in place, as long", |path| fs::write(path, "new").unwrap()),
        ("another file with the old time", |path| {
            let modified = fs::metadata(path).unwrap().modified().unwrap();
            fs::write(path.with_extension("tmp"), "new").unwrap();
            fs::rename(path.with_extension("tmp"), path).unwrap();
            fs::File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
        }),
    ];
    for (what, rewrite) in rewrites {
        let (directory, root) = directory(&[("a/k", "old")]);
        let found = staged(&root, "a/k");
        // Older kernels tell times apart by ticks of some milliseconds; what is deleted is days old.
        std::thread::sleep(std::time::Duration::from_millis(20));
        rewrite(&directory.path().join("a/k"));
        let newer = read(&directory, "a/k");
        let trash = trash(&root, "a/k");
        assert!(matches!(found.remove(&trash, "0", &key("a/k")), DeleteOutcome::Changed), "{what}");
        assert_eq!(read(&directory, "a/k"), newer, "{what}");
        drop(trash);
        assert!(is_trash_empty(&directory), "{what}");
    }
}

#[test]
fn i03_a_directory_in_the_place_of_the_file_comes_back_with_all_that_is_in_it() {
    let (directory, root) = directory(&[("k", "old")]);
    let found = staged(&root, "k");
    fs::remove_file(directory.path().join("k")).unwrap();
    fs::create_dir(directory.path().join("k")).unwrap();
    fs::write(directory.path().join("k/in"), "it").unwrap();
    let trash = trash(&root, "k");
    assert!(matches!(found.remove(&trash, "0", &key("k")), DeleteOutcome::Changed));
    assert_eq!(read(&directory, "k/in"), "it");
}

#[test]
fn i03_where_the_name_is_taken_meanwhile_the_newer_file_lives_and_the_other_stays_in_the_trash() {
    let (directory, root) = directory(&[("k", "old")]);
    let found = staged(&root, "k");
    let trash = trash(&root, "k");
    fs::rename(directory.path().join("k"), directory.path().join(".s3gc/trash").join(trash.name()).join("0")).unwrap();
    fs::write(directory.path().join("k"), "newest").unwrap();
    assert!(matches!(found.put_back(&trash, "0", &key("k"), DeleteOutcome::Changed), DeleteOutcome::Changed));
    drop(trash);
    assert_eq!(read(&directory, "k"), "newest");

    let opened = root.open().unwrap();
    let kept = Recovery { kept_in_trash: vec![key("k")], ..Recovery::default() };
    assert_eq!(recover(&opened).unwrap(), kept);
    fs::remove_file(directory.path().join("k")).unwrap();
    assert_eq!(recover(&opened).unwrap(), Recovery { put_back: vec![key("k")], ..Recovery::default() });
    assert_eq!(read(&directory, "k"), "old");
    assert!(is_trash_empty(&directory));
}

#[test]
fn i07_a_deletion_that_crashed_before_its_first_move_leaves_nothing_to_put_back() {
    let (directory, root) = directory(&[("a/k", "bytes")]);
    fs::create_dir_all(directory.path().join(".s3gc/trash/noted")).unwrap();
    fs::write(directory.path().join(".s3gc/trash/noted/keys"), r#"["a/k"]"#).unwrap();
    fs::create_dir_all(directory.path().join(".s3gc/trash/not noted yet")).unwrap();
    assert_eq!(recover(&root.open().unwrap()).unwrap(), Recovery::default());
    assert!(is_trash_empty(&directory));
    assert_eq!(read(&directory, "a/k"), "bytes");
}

#[test]
fn i09_the_trash_of_a_deletion_that_is_on_its_way_is_left_alone() {
    let (directory, root) = directory(&[("k", "bytes")]);
    let opened = root.open().unwrap();
    let trash = trash(&root, "k");
    let place = directory.path().join(".s3gc/trash").join(trash.name()).join("0");
    fs::rename(directory.path().join("k"), &place).unwrap();
    assert_eq!(recover(&opened).unwrap(), Recovery::default());
    assert!(place.exists());
    drop(trash);
    assert!(place.exists(), "a file in the trash is never dropped with it");
    assert_eq!(recover(&opened).unwrap().put_back, [key("k")]);
}

#[test]
fn i07_a_move_back_that_was_cut_between_its_two_steps_is_finished() {
    let (directory, root) = directory(&[("k", "bytes")]);
    let trash = trash(&root, "k");
    let place = directory.path().join(".s3gc/trash").join(trash.name()).join("0");
    fs::hard_link(directory.path().join("k"), &place).unwrap();
    drop(trash);
    assert_eq!(recover(&root.open().unwrap()).unwrap().put_back, [key("k")]);
    assert!(is_trash_empty(&directory));
    assert_eq!(read(&directory, "k"), "bytes");
}

#[test]
fn i04_a_directory_that_may_not_be_read_fails_the_listing() {
    let (directory, root) = directory(&[("open/a", "1"), ("closed/b", "2")]);
    chmod(directory.path(), 0o755);
    chmod(&directory.path().join("closed"), 0o000);
    let listed = |prefix: &str| {
        let mut items = Vec::new();
        as_nobody(|| {
            walk(&root, prefix, &mut |item| {
                items.push(item);
                true
            })
        })
        .map(|()| items)
    };
    let error = listed("").unwrap_err();
    assert!(matches!(&error, Error::AccessDenied { object, .. } if object == "closed"), "{error:?}");
    let under = listed("open/").unwrap();
    assert!(matches!(&under[..], [ListItem::Page(_), ListItem::End(end)] if end.entries == 1), "{under:?}");
    chmod(&directory.path().join("closed"), 0o755);
}

#[test]
fn a_deletion_that_is_not_allowed_is_refused_and_the_object_lives() {
    let (directory, root) = directory(&[("k", "bytes")]);
    chmod(directory.path(), 0o755);
    let (found, trash) = (staged(&root, "k"), trash(&root, "k"));
    let not_ours = geteuid().is_root();
    if !not_ours {
        chmod(directory.path(), 0o555);
    }
    let outcome = as_nobody(|| found.remove(&trash, "0", &key("k")));
    chmod(directory.path(), 0o755);
    assert!(matches!(outcome, DeleteOutcome::Refused(Error::AccessDenied { .. })), "{outcome:?}");
    assert_eq!(read(&directory, "k"), "bytes");
}

#[test]
fn i01_a_directory_that_finds_a_file_under_another_spelling_is_no_store() {
    // Two links stand for what a file system that ignores case does with one name.
    let (directory, root) = directory(&[("Photo.jpg", "1"), ("only", "2"), ("42", "3")]);
    fs::hard_link(directory.path().join("Photo.jpg"), directory.path().join("pHOTO.JPG")).unwrap();
    let ignores = |name: &std::ffi::CStr, has_links| {
        let inode = fs::metadata(directory.path().join(name.to_str().unwrap())).unwrap().ino();
        ignores_case(root.open().unwrap(), name, inode, has_links).unwrap()
    };
    assert_eq!(ignores(c"Photo.jpg", false), Some(true));
    assert_eq!(ignores(c"Photo.jpg", true), None, "links of one file may well differ by case");
    assert_eq!(ignores(c"only", false), Some(false));
    assert_eq!(ignores(c"42", false), None);
}

#[test]
fn i04_a_store_that_goes_away_during_its_listing_fails_it() {
    let (directory, root) = directory(&[]);
    let path = directory.path().join("uploads");
    fs::create_dir(&path).unwrap();
    for n in 0..1500 {
        fs::write(path.join(n.to_string()), "").unwrap();
    }
    drop(root);
    let root = Root::new(&path).unwrap();
    let mut items = Vec::new();
    let walked = walk(&root, "", &mut |item| {
        if items.is_empty() {
            fs::rename(&path, directory.path().join("elsewhere")).unwrap();
        }
        items.push(item);
        true
    });
    assert!(matches!(walked, Err(Error::NoSuchStore { .. })), "{walked:?}");
    assert!(!items.iter().any(|item| matches!(item, ListItem::End(_))));
}
