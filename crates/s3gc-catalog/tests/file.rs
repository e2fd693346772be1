//! The file: who may read it, what is not taken for a catalog, what several processes do with it.

#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{join_all, try_join_all};
use s3gc_catalog::SqliteCatalog;
use s3gc_core::audit::{AuditDraft, ChainCheck};
use s3gc_core::catalog::{AuditFilter, Catalog, EntryFilter, EntryId, Error, Lease, PackState, Seen};
use s3gc_core::store::ETag;
use s3gc_core::{Digest, Location, ObjectKey, RunId, Timestamp};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, SqliteConnection};
use tempfile::TempDir;

fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("catalog.db");
    (directory, path)
}

/// Opens the file as a person would.
async fn by_hand(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap()
}

async fn unusable(path: &Path) -> String {
    match SqliteCatalog::open(path).await {
        Err(Error::Unusable { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn lease(second: i64) -> Lease {
    Lease {
        epoch: 1,
        run: RunId::at(at(0)),
        host: "host".into(),
        boot_id: "boot".into(),
        pid_namespace: "pid:[1]".into(),
        pid: 1,
        pid_start: 1,
        acquired_at: at(0),
        heartbeat_at: at(second),
        released_at: None,
        effects_after: None,
    }
}

fn draft(n: usize) -> AuditDraft {
    let detail = serde_json::json!({ "n": n });
    AuditDraft { at: at(0), run: None, location: None, kind: "run".into(), key: None, detail }
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = directory();
    let catalog = SqliteCatalog::open(&path).await.unwrap();
    catalog.append_audit(vec![draft(0)]).await.unwrap();
    for file in [path.clone(), path.with_extension("db-wal"), path.with_extension("db-shm")] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_make_the_file_at_once_make_one_catalog() {
    let (_directory, path) = directory();
    let catalogs = join_all((0..8).map(|_| tokio::spawn(SqliteCatalog::open(path.clone())))).await;
    let ids: Vec<_> = catalogs.into_iter().map(|catalog| catalog.unwrap().unwrap().id()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_file_that_is_no_catalog_is_refused_and_left_alone() {
    let (_directory, path) = directory();
    std::fs::write(
        &path,
        "this is a text and not a database, and long enough to have a header of 100 bytes. ".repeat(9),
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(unusable(&path).await.contains("not an SQLite database"));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let (_directory, path) = directory();
    let mut connection = by_hand(&path).await;
    connection.execute("CREATE TABLE users (id INTEGER)").await.unwrap();
    connection.close().await.unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(unusable(&path).await.contains("a database of something else"));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_file_of_a_newer_s3gc_is_refused() {
    let (_directory, path) = directory();
    drop(SqliteCatalog::open(&path).await.unwrap());
    let mut connection = by_hand(&path).await;
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'of the future', TRUE, x'00', 0)";
    connection.execute(newer).await.unwrap();
    assert!(unusable(&path).await.contains("newer s3gc"));
}

#[tokio::test]
async fn i08_a_damaged_file_says_the_way_out() {
    let (_directory, path) = directory();
    let catalog = SqliteCatalog::open(&path).await.unwrap();
    catalog.append_audit((0..2000).map(draft).collect()).await.unwrap();
    drop(catalog);
    let mut connection = by_hand(&path).await;
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: i64 = sqlx::query_scalar(checkpoint).fetch_one(&mut connection).await.unwrap();
    assert_eq!(busy, 0, "all of the log is in the file");
    connection.close().await.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let catalog = SqliteCatalog::open(&path).await.unwrap();
    let error = catalog.audit(&AuditFilter::default(), 0, 10_000).await.unwrap_err();
    assert!(matches!(&error, Error::Unusable { reason, .. } if reason.contains("s3gc vault reindex")), "{error}");
}

#[tokio::test]
async fn i08_audit_entries_cannot_be_changed_by_plain_sql_and_a_cut_chain_is_found() {
    let (_directory, path) = directory();
    let catalog = SqliteCatalog::open(&path).await.unwrap();
    catalog.append_audit((0..3).map(draft).collect()).await.unwrap();
    let mut connection = by_hand(&path).await;
    for statement in [
        "UPDATE audit SET kind = 'other' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 3",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE seq = 3",
        "INSERT INTO audit SELECT seq + 5, at, run, location, kind, key, detail, previous, hash FROM audit",
        "UPDATE audit_head SET seq = 2",
        "DELETE FROM audit_head",
    ] {
        let refused = connection.execute(AssertSqlSafe(statement)).await.unwrap_err().to_string();
        assert!(refused.contains("audit"), "{statement}: {refused}");
    }
    connection.execute("DROP TRIGGER audit_is_never_removed; DELETE FROM audit WHERE seq = 3").await.unwrap();
    let mut check = ChainCheck::default();
    for entry in catalog.audit(&AuditFilter::default(), 0, 9).await.unwrap() {
        check.next(&entry).unwrap();
    }
    assert_ne!(check.head(), catalog.audit_head().await.unwrap(), "what is left looks whole but for the head");
    catalog.append_audit(vec![draft(9)]).await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_of_processes_that_swap_a_lease_one_wins() {
    let (_directory, path) = directory();
    let catalogs = try_join_all((0..4).map(|_| SqliteCatalog::open(&path))).await.unwrap();
    let location = Location::aws("b");
    for round in 0..20 {
        let held = catalogs[0].lease(&location).await.unwrap();
        let contenders: Vec<_> = (0..4).map(|n| lease(10 * round + n + 1)).collect();
        let swaps = catalogs.iter().zip(&contenders);
        let swaps = swaps.map(|(catalog, new)| catalog.swap_lease(&location, held.as_ref(), new));
        let won = try_join_all(swaps).await.unwrap();
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "round {round}: {won:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_go_on_while_many_orphans_are_judged_and_what_is_left_over_is_removed() {
    const OBJECTS: usize = 50_000;
    let (_directory, path) = directory();
    let catalog = Arc::new(SqliteCatalog::open(&path).await.unwrap());
    let location = Location::aws("b");
    let seen: Vec<Seen> = (0..OBJECTS)
        .map(|n| Seen {
            key: ObjectKey::new(format!("uploads/{n:08}.jpg")).unwrap(),
            etag: ETag::new(&format!("{n:032x}")),
            last_modified: at(0),
            size_bytes: 1,
        })
        .collect();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let beating = tokio::spawn({
        let (catalog, location) = (Arc::clone(&catalog), location.clone());
        async move {
            let (mut beats, mut worst, mut held) = (0, Duration::ZERO, None);
            while stopped.try_recv().is_err() {
                let new = lease(beats);
                let begun = Instant::now();
                assert!(catalog.swap_lease(&location, held.as_ref(), &new).await.unwrap());
                worst = worst.max(begun.elapsed());
                held = Some(new);
                beats += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            (beats, worst)
        }
    });
    for round in 0..3 {
        let mut judgement = catalog.judge(&location, RunId::at(at(round)), at(round), false).await.unwrap();
        for page in seen.chunks(10_000) {
            assert_eq!(judgement.observe(page).await.unwrap(), vec![at(0); page.len()]);
        }
        // The second is never committed, and the third goes on from the first.
        if round != 1 {
            judgement.commit(None).await.unwrap();
        }
    }
    stop.send(()).unwrap();
    let (beats, worst) = beating.await.unwrap();
    assert!(beats > 3 && worst < Duration::from_secs(5), "{beats} heartbeats, of which one took {worst:?}");

    let mut connection = by_hand(&path).await;
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM clock").fetch_one(&mut connection).await.unwrap();
    assert_eq!(usize::try_from(rows), Ok(OBJECTS), "one generation of clocks is left");
    let judgements: i64 =
        sqlx::query_scalar("SELECT count(*) FROM judgement").fetch_one(&mut connection).await.unwrap();
    assert_eq!(judgements, 1);
}

#[tokio::test]
async fn a_catalog_from_before_packs_could_be_pruned_is_brought_up_to_date() {
    let (_directory, path) = directory();
    let mut connection = by_hand(&path).await;
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut older = sqlx::migrate::Migrator::new(migrations).await.unwrap();
    older.migrations.to_mut().retain(|migration| migration.version <= 3);
    older.run_direct(None, &mut connection, false).await.unwrap();
    let meta = s3gc_core::store::ObjectMeta::new(10);
    let location = Location::aws("b");
    let entry = serde_json::json!({
        "location": location, "key": "a", "meta": meta, "run": "r", "staged_at": at(0),
        "blake3": Digest::of(b"a"), "codec": "zstd", "member": "b/a~0", "frame_offset": 1, "frame_len": 2,
        "offset_in_frame": 3, "member_bytes": 4,
    });
    let time = format!("{:.9}", at(0));
    let pack =
        format!("INSERT INTO pack VALUES ('packs/a', 'file:///v', 'r', '{time}', 1, '{}', 2, 1)", Digest::of(b"p"));
    connection.execute(AssertSqlSafe(pack)).await.unwrap();
    sqlx::query(
        "INSERT INTO entry (pack, location, key, size_bytes, run, state, unreferenced_since, settled_at, entry) \
         VALUES ('packs/a', ?, 'a', 10, 'r', 'deleted', ?, ?, ?)",
    )
    .bind(location.as_str())
    .bind(&time)
    .bind(&time)
    .bind(entry.to_string())
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();

    let catalog = SqliteCatalog::open(&path).await.unwrap();
    let packs = catalog.packs(None, 9).await.unwrap();
    assert_eq!((packs[0].state, &packs[0].adopted), (PackState::Kept, &None));
    let entries = catalog.entries(&EntryFilter::default(), EntryId::default(), 9).await.unwrap();
    assert_eq!((entries.len(), entries[0].pruned_at), (1, None));
    assert_eq!(catalog.vaulted(&location, EntryId::default(), 9).await.unwrap().len(), 1);
    // Each census asks for what is in the vault alone; there may be very many.
    let mut connection = by_hand(&path).await;
    let plan = "EXPLAIN QUERY PLAN SELECT id, key FROM entry WHERE location = 'b' AND state = 'deleted' \
                AND pruned_at IS NULL AND id > 0 ORDER BY id LIMIT 9";
    let plan = sqlx::query(plan).fetch_one(&mut connection).await.unwrap();
    let plan: String = sqlx::Row::get(&plan, "detail");
    assert!(plan.contains("USING INDEX entry_vaulted"), "{plan}");
}
