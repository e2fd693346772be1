//! The write fence around a whole run, on PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use s3gc_core::{Error, Gc, Mode, ReferenceSource, RunOptions, RunReport};
use s3gc_source::extract::ExtractConfig;
use s3gc_source::{Condemned, Fenced, WriteFence};
use s3gc_source_sql::{OnConflict, Reference, SqlConfig, SqlSource};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultySource, FaultyStore};
use s3gc_testkit::servers::Postgres;
use s3gc_tests::{BUCKET, World};

/// The first deletion of a run after the four of the probe.
const FIRST_DELETE: u64 = 5;
const KEY: &str = "avatars/alice.jpg";
const REFER: &str = "INSERT INTO posts (image) VALUES ('avatars/alice.jpg')";

struct Fence {
    world: World,
    server: &'static Postgres,
    source: Arc<SqlSource>,
    owner: String,
}

impl Fence {
    /// One orphan beside a row that names nothing, with a fence that is not installed.
    async fn new(on_conflict: OnConflict) -> Option<Self> {
        let server = Postgres::shared()?;
        let url = server.fresh_database();
        server
            .sql(&url, "CREATE TABLE posts (id serial, image text); INSERT INTO posts (image) VALUES ('nothing.jpg')");
        let world = World::with_database(tempfile::tempdir().unwrap(), url.clone()).await;
        world.put(KEY, "orphan");
        let config = SqlConfig::new("main", &url, [Reference::column("posts", "image")]).with_fence(on_conflict);
        let extract = ExtractConfig { bucket: BUCKET.into(), ..ExtractConfig::default() };
        let source = Arc::new(SqlSource::connect(config, &extract).await.unwrap());
        let owner = world.store().await.location().to_string();
        Some(Self { world, server, source, owner })
    }

    async fn installed(on_conflict: OnConflict) -> Option<Self> {
        let this = Self::new(on_conflict).await?;
        this.fence().install(&this.owner).await.unwrap();
        Some(this)
    }

    fn fence(&self) -> &dyn WriteFence {
        self.source.fence().unwrap()
    }

    fn is_there(&self, key: &str) -> bool {
        self.world.bucket().object(key).is_some()
    }

    /// Runs something before the first deletion, when the look is over.
    async fn execute_with(&self, store: FaultPlan, source: FaultPlan) -> s3gc_core::Result<RunReport> {
        let store = Arc::new(FaultyStore::new(self.world.store().await, store));
        let source = Arc::new(FaultySource::new(Arc::clone(&self.source) as Arc<dyn ReferenceSource>, source));
        let gc: Gc = self.world.gc_with(store, source).await;
        gc.run_cycle(RunOptions::mode(Mode::Execute)).await
    }

    async fn execute(&self) -> s3gc_core::Result<RunReport> {
        self.execute_with(FaultPlan::new(), FaultPlan::new()).await
    }

    /// Writes the reference, and returns what the server said.
    fn refer(&self, said: &Arc<std::sync::Mutex<Vec<String>>>) -> Fault {
        let (server, url, said) = (self.server, self.world.url.clone(), Arc::clone(said));
        Fault::hook(move || {
            let (url, said) = (url.clone(), Arc::clone(&said));
            async move {
                let answer = server.try_sql(&url, REFER);
                said.lock().unwrap().push(answer.err().map(|error| error.to_string()).unwrap_or_default());
            }
        })
    }
}

fn said() -> Arc<std::sync::Mutex<Vec<String>>> {
    Arc::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_a_reference_that_comes_after_the_look_fails() {
    let Some(fence) = Fence::installed(OnConflict::Abort).await else { return };
    let said = said();
    let plan = FaultPlan::new().at("delete", FIRST_DELETE, fence.refer(&said));
    let report = fence.execute_with(plan, FaultPlan::new()).await.unwrap();
    let said = said.lock().unwrap().concat();
    assert!(said.contains("s3gc is deleting the object"), "{said:?}");
    assert_eq!((report.sweep.fenced.objects, report.sweep.deleted.objects), (1, 1), "{:?}", report.sweep);
    assert!(!fence.is_there(KEY));
    assert_eq!(fence.server.sql(&fence.world.url, "SELECT count(*) FROM posts WHERE image LIKE 'ava%'").trim(), "0");
    // Once it is gone, a new reference brings it back.
    fence.server.sql(&fence.world.url, REFER);
    let report = fence.execute().await.unwrap();
    assert_eq!(report.sweep.fence_restored.objects, 1, "{report:?}");
    assert!(fence.is_there(KEY));
    assert!(fence.fence().orders(&fence.owner).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_a_reference_that_comes_after_the_look_brings_the_object_back() {
    let Some(fence) = Fence::installed(OnConflict::Restore).await else { return };
    let said = said();
    let plan = FaultPlan::new().at("delete", FIRST_DELETE, fence.refer(&said));
    let report = fence.execute_with(plan, FaultPlan::new()).await.unwrap();
    assert_eq!(said.lock().unwrap().concat(), "");
    assert_eq!((report.sweep.deleted.objects, report.sweep.fence_restored.objects), (1, 1), "{:?}", report.sweep);
    assert_eq!(fence.world.bucket().object(KEY).unwrap().bytes(), "orphan");
    let chain = fence.world.catalog().await;
    let entries = chain.audit(&s3gc_core::catalog::AuditFilter::default(), 0, 100).await.unwrap();
    assert!(entries.iter().any(|entry| entry.kind == "restore"), "{entries:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_a_reference_during_the_look_fails_too() {
    let Some(fence) = Fence::installed(OnConflict::Abort).await else { return };
    let said = said();
    // The first scan is that of the census, the second the look: its snapshot is not taken yet.
    let plan = FaultPlan::new().at("scan", 2, fence.refer(&said));
    let report = fence.execute_with(FaultPlan::new(), plan).await.unwrap();
    assert!(said.lock().unwrap().concat().contains("s3gc is deleting"), "the keys are marked before the look");
    assert_eq!(report.sweep.deleted.objects, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_the_tables_are_locked_from_the_look_to_the_deletion() {
    let Some(fence) = Fence::installed(OnConflict::Abort).await else { return };
    let locks = said();
    let watch = |locks: &Arc<std::sync::Mutex<Vec<String>>>| {
        let (server, url, locks) = (fence.server, fence.world.url.clone(), Arc::clone(locks));
        Fault::hook(move || {
            let (url, locks) = (url.clone(), Arc::clone(&locks));
            async move {
                let disable = "SET lock_timeout = '100ms'; ALTER TABLE posts DISABLE TRIGGER ALL";
                locks.lock().unwrap().push(server.try_sql(&url, disable).expect_err("it is not locked").to_string());
            }
        })
    };
    let store = FaultPlan::new().at("delete", FIRST_DELETE, watch(&locks));
    let source = FaultPlan::new().at("scan", 2, watch(&locks));
    let report = fence.execute_with(store, source).await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1);
    let locks = locks.lock().unwrap();
    assert!(locks.len() == 2 && locks.iter().all(|said| said.contains("lock timeout")), "{locks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_whose_locks_are_lost_after_the_look_lets_nothing_be_deleted() {
    let Some(fence) = Fence::installed(OnConflict::Abort).await else { return };
    let (server, url) = (fence.server, fence.world.url.clone());
    let lose = Fault::hook(move || {
        let holders = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'relation' AND granted \
                       AND mode = 'ShareUpdateExclusiveLock' AND database = (SELECT oid FROM pg_database WHERE \
                       datname = current_database())";
        server.sql(&url, holders);
        async {}
    });
    let source = FaultPlan::new().at("scan", 2, lose);
    let error = fence.execute_with(FaultPlan::new(), source.clone()).await.unwrap_err();
    assert!(source.fired() == 1 && fence.is_there(KEY), "{error}");
    let report = fence.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 1, "{report:?} after {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_an_old_snapshot_ends_the_wave_before_anything_is_deleted() {
    let Some(mut fence) = Fence::installed(OnConflict::Abort).await else { return };
    let patience = std::mem::replace(&mut fence.world.settings.drain_patience, Duration::from_millis(200));
    let mut old = <sqlx::PgConnection as sqlx::Connection>::connect(&fence.world.url).await.unwrap();
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM posts").execute(&mut old).await.unwrap();
    let error = fence.execute().await.unwrap_err();
    assert!(matches!(error, Error::Stop { name: "fence", .. }), "{error}");
    assert!(fence.is_there(KEY));
    sqlx::raw_sql("ROLLBACK").execute(&mut old).await.unwrap();
    assert_eq!(fence.fence().status(&fence.owner).await.unwrap().condemned, 0);
    // Sessions of other tests are old for a moment, too.
    fence.world.settings.drain_patience = patience;
    assert_eq!(fence.execute().await.unwrap().sweep.deleted.objects, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_without_all_of_it_nothing_is_deleted() {
    let Some(fence) = Fence::new(OnConflict::Abort).await else { return };
    let error = fence.execute().await.unwrap_err();
    assert!(matches!(error, Error::Stop { name: "fence", .. }), "{error}");
    assert!(error.to_string().contains("s3gc fence setup"), "{error}");
    fence.fence().install(&fence.owner).await.unwrap();
    // It is dropped while the run is on.
    let (server, url) = (fence.server, fence.world.url.clone());
    let drop = Fault::hook(move || {
        server.sql(&url, "ALTER TABLE posts DISABLE TRIGGER ALL");
        std::future::ready(())
    });
    let error = fence.execute_with(FaultPlan::new(), FaultPlan::new().at("drain", 1, drop)).await.unwrap_err();
    assert!(error.to_string().contains("the trigger on public.posts"), "{error}");
    assert!(fence.is_there(KEY));
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_fence_what_no_fence_can_stand_around_is_kept() {
    let Some(fence) = Fence::installed(OnConflict::Abort).await else { return };
    fence.world.put("é/à", "orphan");
    let report = fence.execute().await.unwrap();
    assert_eq!((report.sweep.unfenceable.objects, report.sweep.deleted.objects), (1, 1), "{:?}", report.sweep);
    assert!(fence.is_there("é/à") && !fence.is_there(KEY));
    assert!(report.sweep.named.iter().any(|skipped| skipped.reason.contains("no letters or digits")));
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_fence_what_a_dead_run_marked_is_settled() {
    let Some(fence) = Fence::installed(OnConflict::Abort).await else { return };
    let keys = [Condemned { key: "avatars/bob.jpg".into(), bases: Vec::new() }];
    assert_eq!(fence.fence().condemn(&fence.owner, "dead", &keys).await.unwrap(), [Fenced::Yes]);
    assert_eq!(fence.fence().mark(&fence.owner, "dead").await.unwrap(), ["avatars/bob.jpg"]);
    fence.fence().condemn(&fence.owner, "dead too", &keys).await.unwrap();
    fence.execute().await.unwrap();
    let status = fence.fence().status(&fence.owner).await.unwrap();
    assert_eq!((status.condemned, status.deleting, status.gone), (0, 0, 2), "{status:?}");
    fence.server.sql(&fence.world.url, "INSERT INTO posts (image) VALUES ('avatars/bob.jpg')");
}

#[tokio::test(flavor = "multi_thread")]
async fn i07_fence_a_key_whose_deletion_was_not_answered_stays_marked() {
    let Some(mut fence) = Fence::installed(OnConflict::Abort).await else { return };
    let plan = FaultPlan::new().at("delete", FIRST_DELETE, Fault::Unanswered);
    let report = fence.execute_with(plan, FaultPlan::new()).await.unwrap();
    assert_eq!(report.sweep.unknown.objects, 1);
    assert_eq!(fence.fence().status(&fence.owner).await.unwrap().deleting, 1);
    assert!(fence.server.try_sql(&fence.world.url, REFER).is_err());
    crate::adversary::settle_soon(&mut fence.world);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    fence.execute().await.unwrap();
    assert_eq!(fence.fence().status(&fence.owner).await.unwrap().deleting, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_fence_a_dry_run_writes_nothing_to_the_fence() {
    let Some(fence) = Fence::installed(OnConflict::Abort).await else { return };
    let keys = [Condemned { key: KEY.into(), bases: Vec::new() }];
    fence.fence().condemn(&fence.owner, "dead", &keys).await.unwrap();
    let gc =
        fence.world.gc_with(fence.world.store().await, Arc::clone(&fence.source) as Arc<dyn ReferenceSource>).await;
    gc.run_cycle(RunOptions::mode(Mode::DryRun)).await.unwrap();
    assert_eq!(fence.fence().status(&fence.owner).await.unwrap().condemned, 1);
}
