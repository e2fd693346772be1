//! The write fence under fire: transactions of every kind race with the whole protocol.
//!
//! `S3GC_FENCE_TRANSACTIONS=300000` is the long form.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{bucket, scan};
use s3gc_source::{Condemned, Drain, Fenced, ReferenceSource, ScanRequest, Settled, WriteFence};
use s3gc_source_sql::{OnConflict, Reference, SqlConfig, SqlSource};
use s3gc_testkit::servers::Postgres;
use sqlx::{Connection as _, PgConnection};

const OWNER: &str = "s3://photos";
/// How many transactions run at a time.
const WRITERS: u64 = 8;
/// How many transactions the usual form runs.
const SHORT: u64 = 4_000;

/// What the application and the collector share: the objects, and what the collector is busy with.
#[derive(Debug, Default)]
struct Shared {
    objects: Mutex<BTreeSet<String>>,
    /// PostgreSQL 14 has none.
    has_merge: bool,
    /// The keys of this wave and of the one before.
    hot: Mutex<Vec<String>>,
    transactions: AtomicU64,
    conflicts: AtomicU64,
    aborts: AtomicU64,
    rescued: AtomicU64,
    deleted: AtomicU64,
    restored: AtomicU64,
}

fn next(state: &mut u64, end: u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % end
}

async fn run(session: &mut PgConnection, sql: String) -> sqlx::Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(session).await.map(drop)
}

/// One transaction of a random kind, with pauses at random places.
async fn transact(
    session: &mut PgConnection,
    seed: &mut u64,
    key: &str,
    number: u64,
    has_merge: bool,
) -> sqlx::Result<()> {
    let level = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"][usize::try_from(next(seed, 3)).unwrap()];
    let table = ["posts", "parts"][usize::try_from(next(seed, 2)).unwrap()];
    run(session, format!("BEGIN ISOLATION LEVEL {level}")).await?;
    if next(seed, 2) == 0 {
        run(session, "SELECT count(*) FROM posts".into()).await?;
    }
    if next(seed, 2) == 0 {
        run(session, format!("SELECT pg_sleep({})", f64::from(u32::try_from(next(seed, 8)).unwrap()) / 1000.0)).await?;
    }
    match next(seed, 4) {
        0 => {
            let mut copy = session.copy_in_raw(&format!("COPY {table} (id, image) FROM STDIN")).await?;
            copy.send(format!("{number}\t{key}\n").into_bytes()).await?;
            copy.finish().await?;
        }
        1 => {
            run(session, format!("INSERT INTO {table} VALUES ({number}, 'none')")).await?;
            run(session, format!("UPDATE {table} SET image = '/{key}' WHERE id = {number}")).await?;
        }
        2 if has_merge => {
            let source = format!("(VALUES ({number})) s (id)");
            run(
                session,
                format!(
                    "MERGE INTO {table} t USING {source} ON t.id = s.id WHEN NOT MATCHED THEN INSERT VALUES ({number}, '{key}')"
                ),
            )
            .await?;
        }
        _ => {
            run(session, format!("INSERT INTO {table} VALUES ({number}, 'https://cdn.example.com/{key}?v=1')")).await?;
        }
    }
    if next(seed, 3) == 0 {
        run(session, format!("SELECT pg_sleep({})", f64::from(u32::try_from(next(seed, 20)).unwrap()) / 1000.0))
            .await?;
    }
    match next(seed, 10) {
        0 => run(session, "ROLLBACK".into()).await,
        1 => {
            run(session, format!("PREPARE TRANSACTION 'race-{number}'")).await?;
            tokio::time::sleep(Duration::from_millis(next(seed, 10))).await;
            run(session, format!("COMMIT PREPARED 'race-{number}'")).await
        }
        _ => run(session, "COMMIT".into()).await,
    }
}

async fn writer(url: String, shared: Arc<Shared>, mut seed: u64, until: u64) {
    let mut session = PgConnection::connect(&url).await.unwrap();
    loop {
        let number = shared.transactions.fetch_add(1, Ordering::Relaxed);
        if number >= until {
            return;
        }
        let key = {
            let hot = shared.hot.lock().unwrap();
            hot.get(usize::try_from(next(&mut seed, 80)).unwrap()).cloned()
        };
        let key = key.unwrap_or_else(|| format!("other/{number}.jpg"));
        let outcome = transact(&mut session, &mut seed, &key, number, shared.has_merge).await;
        if let Err(error) = outcome {
            let text = error.to_string();
            let code = error.as_database_error().and_then(|e| e.code()).map(|code| code.into_owned());
            assert_eq!(code.as_deref(), Some("40001"), "{text}");
            let is_ours = text.contains("s3gc is deleting") || text.contains("concurrent update");
            let counter = if is_ours { &shared.conflicts } else { &shared.aborts };
            counter.fetch_add(1, Ordering::Relaxed);
            run(&mut session, "ROLLBACK".into()).await.unwrap();
        }
    }
}

/// One wave, as the engine does it.
async fn wave(source: &SqlSource, shared: &Shared, n: u64, seed: &mut u64) {
    let fence = source.fence().unwrap();
    let keys: Vec<String> = (0..40).map(|object| format!("wave-{n}/object-{object}.jpg")).collect();
    shared.objects.lock().unwrap().extend(keys.iter().cloned());
    {
        let mut hot = shared.hot.lock().unwrap();
        hot.splice(0..0, keys.iter().cloned());
        hot.truncate(80);
    }
    tokio::time::sleep(Duration::from_millis(next(seed, 20))).await;
    let name = format!("{n}");
    let condemned: Vec<Condemned> = keys.iter().map(|key| Condemned { key: key.clone(), bases: Vec::new() }).collect();
    let fenced = fence.condemn(OWNER, &name, &condemned).await.unwrap();
    assert!(fenced.iter().all(|fenced| *fenced == Fenced::Yes));
    assert_eq!(fence.wait(Duration::from_secs(60)).await.unwrap(), Drain::Done);
    tokio::time::sleep(Duration::from_millis(next(seed, 10))).await;
    let marked: BTreeSet<String> = fence.mark(OWNER, &name).await.unwrap().into_iter().collect();
    let hold = fence.hold(OWNER).await.unwrap();
    let look = scan(source, ScanRequest::look()).await.unwrap();
    let seen: BTreeSet<String> =
        look.batches.iter().flat_map(|batch| batch.readings()).map(|reading| reading.as_str().to_owned()).collect();
    let (kept, gone): (Vec<&str>, Vec<&str>) =
        keys.iter().map(String::as_str).partition(|key| !marked.contains(*key) || seen.contains(*key));
    fence.settle(OWNER, &kept, Settled::Kept).await.unwrap();
    tokio::time::sleep(Duration::from_millis(next(seed, 20))).await;
    for key in &gone {
        assert!(shared.objects.lock().unwrap().remove(*key));
    }
    drop(hold);
    fence.settle(OWNER, &gone, Settled::Gone).await.unwrap();
    shared.rescued.fetch_add(kept.len() as u64, Ordering::Relaxed);
    shared.deleted.fetch_add(gone.len() as u64, Ordering::Relaxed);
    obey(fence, shared).await;
}

async fn obey(fence: &dyn WriteFence, shared: &Shared) {
    let orders = fence.orders(OWNER).await.unwrap();
    for key in orders.iter().filter_map(|order| order.key.clone()) {
        shared.objects.lock().unwrap().insert(key);
        shared.restored.fetch_add(1, Ordering::Relaxed);
    }
    fence.finish_orders(OWNER, &orders.iter().map(|order| order.id).collect::<Vec<_>>()).await.unwrap();
}

async fn race(on_conflict: OnConflict, transactions: u64) -> Option<Arc<Shared>> {
    let server = Postgres::shared()?;
    let url = server.fresh_database();
    server.sql(
        &url,
        "CREATE TABLE posts (id bigint PRIMARY KEY, image text);
         CREATE TABLE parts (id bigint PRIMARY KEY, image text) PARTITION BY HASH (id);
         CREATE TABLE parts_0 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 0);
         CREATE TABLE parts_1 PARTITION OF parts FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    );
    let references = [Reference::column("posts", "image"), Reference::column("parts", "image")];
    let config = SqlConfig::new("main", &url, references).with_fence(on_conflict);
    let source = SqlSource::connect(config, &bucket()).await.unwrap();
    source.fence().unwrap().install(OWNER).await.unwrap();
    let shared = Arc::new(Shared { has_merge: server.major() >= 15, ..Shared::default() });
    let writers: Vec<_> =
        (0..WRITERS).map(|n| tokio::spawn(writer(url.clone(), Arc::clone(&shared), 1000 + n, transactions))).collect();
    let (mut n, mut seed) = (0, 1);
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        wave(&source, &shared, n, &mut seed).await;
        n += 1;
        if n % 20 == 0 {
            // The rows of old waves only make the look slow.
            lost(server, &url, &shared);
            server.sql(&url, "DELETE FROM posts; DELETE FROM parts");
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    obey(source.fence().unwrap(), &shared).await;
    assert_eq!(lost(server, &url, &shared), [""; 0], "referenced, and deleted for good: {shared:?}");
    eprintln!("{on_conflict:?}: {n} waves, {}", figures(&shared));
    Some(shared)
}

/// The keys that a committed row refers to and that are neither there nor ordered.
fn lost(server: &Postgres, url: &str, shared: &Shared) -> Vec<String> {
    // The orders are read in the same snapshot as the rows; what they are for comes back.
    let rows = server.sql(
        url,
        "SELECT substring(image FROM 'wave-[^?]*') FROM (SELECT image FROM posts UNION ALL SELECT image FROM parts) r
         WHERE image LIKE '%wave-%' EXCEPT SELECT key FROM s3gc_fence.resurrect",
    );
    let objects = shared.objects.lock().unwrap();
    let lost: Vec<String> = rows.lines().filter(|key| !objects.contains(*key)).map(str::to_owned).collect();
    assert!(lost.is_empty(), "referenced, and deleted for good: {lost:?}");
    lost
}

fn figures(shared: &Shared) -> String {
    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    format!(
        "{} transactions, {} conflicts, {} other serialization failures, {} rescued, {} deleted, {} restored",
        of(&shared.transactions),
        of(&shared.conflicts),
        of(&shared.aborts),
        of(&shared.rescued),
        of(&shared.deleted),
        of(&shared.restored)
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_no_reference_is_lost_in_a_race() {
    let asked = std::env::var("S3GC_FENCE_TRANSACTIONS").ok().map(|n| n.parse::<u64>().unwrap());
    let total = asked.unwrap_or(SHORT);
    let (mut conflicts, mut rescued, mut deleted) = (0, 0, 0);
    for on_conflict in [OnConflict::Abort, OnConflict::Restore] {
        let Some(shared) = race(on_conflict, total / 2).await else { return };
        conflicts += shared.conflicts.load(Ordering::Relaxed);
        rescued += shared.rescued.load(Ordering::Relaxed);
        deleted += shared.deleted.load(Ordering::Relaxed);
    }
    let (least_rescued, least_conflicts) = if asked.is_some() { (total / 300, total / 3000) } else { (1, 1) };
    assert!(rescued >= least_rescued && conflicts >= least_conflicts && deleted > 0, "{rescued} {conflicts} {deleted}");
}
