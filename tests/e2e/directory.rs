//! SQLite and a directory of uploads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use s3gc_core::{Mode, RestoreOptions, RestoreWhat, RunOptions, RunState};
use s3gc_source::extract::ExtractConfig;
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_store_fs::{FsConfig, FsStore};
use s3gc_tests::{World, sqlite};

fn write(root: &Path, key: &str, body: &[u8]) {
    let path = root.join(key);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, body).unwrap();
}

fn read(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name == ".s3gc") {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let key = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(key, std::fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(root, root, &mut files);
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_with_sqlite_is_collected_and_restored() {
    let mut world = World::new().await;
    world.without_retention();
    let uploads = world.dir.path().join("uploads");
    let mut inserts = String::from("BEGIN;");
    let mut all = BTreeMap::new();
    let hard =
        ["with space.jpg", "nfc/caf\u{e9}", "nfd/cafe\u{301}", "p+l%us", "%2F", "new\nline", "\u{1f600}", "a/b", "a_b"];
    for n in 0..10_000_usize {
        let key = match hard.get(n / 2) {
            Some(hard) if n % 2 == 0 => (*hard).to_owned(),
            Some(hard) => format!("{hard}.kept"),
            None => format!("u/{}/{n} x.txt", n % 50),
        };
        let is_kept = if n / 2 < hard.len() { n % 2 == 1 } else { n % 3 != 0 };
        write(&uploads, &key, format!("file {n}").repeat(n % 20).as_bytes());
        all.insert(key.clone(), format!("file {n}").repeat(n % 20).into_bytes());
        if is_kept {
            inserts.push_str(&format!("INSERT INTO posts (image) VALUES ('{}');", key.replace('\'', "''")));
        }
    }
    inserts.push_str("COMMIT;");
    sqlite(&world.url, &inserts).await;
    let kept: BTreeMap<String, Vec<u8>> = all
        .iter()
        .filter(|(key, _)| inserts.contains(&format!("VALUES ('{key}')")))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();

    let store = Arc::new(FsStore::open(&FsConfig::new(&uploads)).await.unwrap());
    let config = SqlConfig::new("main", &world.url, [Reference::column("posts", "image")]);
    let source = Arc::new(SqlSource::connect(config, &ExtractConfig::default()).await.unwrap());
    let gc = world.gc_with(store, source).await;

    let plan = gc.run_cycle(RunOptions::default()).await.unwrap();
    assert_eq!(plan.state, RunState::Done);
    assert_eq!(plan.counts.due.objects as usize, all.len() - kept.len());
    assert_eq!(read(&uploads), all, "a dry run changes nothing");

    let report = gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(report.state, RunState::Done, "{:?}", report.sweep.named);
    assert_eq!(read(&uploads), kept, "exactly the orphans are gone");

    let restored = gc.restore(&RestoreWhat::Run(report.run), &RestoreOptions::default()).await.unwrap();
    assert_eq!(restored.restored.objects as usize, all.len() - kept.len());
    assert_eq!(read(&uploads), all, "every byte is back");
}
