//! A vault in a bucket: a whole collection and restore, a vault that was emptied, two hosts, and what a dry run leaves alone.

use std::time::Duration;

use s3gc_s3_mem::{Effect, Fault, Op, Options, PutSpec, Request, S3Mem};

use crate::world::{BUCKET, Done, ORPHANS, USERS, World, body, orphans};

const EXECUTE: &[&str] = &["run", "--mode", "execute", "--yes", "--json"];
/// The keys of the second server.
const KEYS: (&str, &str) = ("vault-key", "vault-secret-hunter2");

/// A world whose vault is in another bucket of the same server, with the credentials of the environment.
async fn beside() -> World {
    let world = World::new().await;
    drop(world.server.bucket("backups"));
    let vault = format!("path = \"s3://backups/s3gc\"\nendpoint = \"{}\"", world.server.endpoint());
    configure(&world, &vault);
    world
}

/// A world whose vault is on a server of its own, with keys of its own.
async fn elsewhere() -> (World, S3Mem) {
    let world = World::new().await;
    let server = S3Mem::start(Options::default().bucket("backups").keys(KEYS.0, KEYS.1)).await.unwrap();
    std::fs::write(world.path("secret"), format!("{}\n", KEYS.1)).unwrap();
    let vault = format!(
        "path = \"s3://backups\"\nendpoint = \"{}\"\naccess_key_id = \"{}\"\nsecret_access_key = \"${{file:secret}}\"\n\
         storage_class = \"STANDARD_IA\"\nencryption = \"AES256\"",
        server.endpoint(),
        KEYS.0
    );
    configure(&world, &vault);
    (world, server)
}

fn configure(world: &World, vault: &str) {
    let text = world.configuration().replace("path = \"state/vault\"", vault);
    std::fs::write(world.path("s3gc.toml"), format!("{text}\n[catalog]\npath = \"state/catalog.db\"\n")).unwrap();
    std::fs::create_dir_all(world.path("state")).unwrap();
}

fn touched(server: &S3Mem) -> Vec<Request> {
    server.writes().into_iter().filter(|request| request.bucket == "backups").collect()
}

/// Everything that a person does with a vault.
async fn collect_and_restore(world: &World, vault: &S3Mem) {
    world.expect(0, &["check", "--offline"]).await.says("vault").says("s3://backups");
    let report = world.collect().await;
    assert_eq!(report["notes"].as_array().unwrap().len(), 1, "only that Last-Modified counts: {report}");
    for key in orphans() {
        assert!(world.bucket().object(&key).is_none());
    }
    let packs: Vec<String> = vault.bucket("backups").keys().into_iter().filter(|key| key.contains("packs/")).collect();
    assert_eq!(packs.len(), 1, "{packs:?}");
    assert!(vault.unfinished_uploads().is_empty());

    let entries = world.expect(0, &["vault", "ls", "--json"]).await.json_lines();
    assert!(entries.len() == ORPHANS && entries.iter().all(|entry| entry["state"] == "deleted"));
    for level in ["quick", "sample=50%", "full"] {
        world.expect(0, &["vault", "verify", "--level", level]).await.says("all is well");
    }
    assert_eq!(world.expect(0, &["vault", "cat", &orphans()[4]]).await.stdout, body(&orphans()[4]));
    world.expect(0, &["check"]).await.says("backups").says("1 packs");
    world.expect(0, &["vault", "stats"]).await.says("1 pack");

    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    for key in orphans() {
        let object = world.bucket().object(&key).unwrap();
        assert_eq!(object.bytes(), body(&key));
        assert_eq!((object.headers["content-type"].as_str(), object.user["camera"].as_str()), ("image/jpeg", "box"));
        assert_eq!(object.tags["team"], "web");
    }
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    // The catalog comes back from the packs alone.
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        drop(std::fs::remove_file(world.path("state").join(file)));
    }
    let reindexed = world.expect(0, &["vault", "reindex", "--json"]).await.json();
    assert_eq!((&reindexed["adopted"], &reindexed["objects"]), (&1.into(), &ORPHANS.into()));
    assert_eq!(vault.count(Op::DeleteObject) + vault.count(Op::DeleteObjects), deletions_of_the_store(world, vault));
}

/// How many deletions the collected bucket was asked for, if it is on this server.
fn deletions_of_the_store(world: &World, vault: &S3Mem) -> usize {
    if vault.endpoint() != world.server.endpoint() {
        return 0;
    }
    let is_deletion = |request: &&Request| matches!(request.op, Op::DeleteObject | Op::DeleteObjects);
    vault.requests().iter().filter(is_deletion).filter(|request| request.bucket == BUCKET).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_vault_in_another_bucket_of_the_same_server_gives_everything_back() {
    let world = beside().await;
    collect_and_restore(&world, &world.server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_vault_on_another_server_with_other_keys_gives_everything_back() {
    let (world, server) = elsewhere().await;
    collect_and_restore(&world, &server).await;
    let bucket = server.bucket("backups");
    for key in bucket.keys() {
        let object = bucket.object(&key).unwrap();
        assert_eq!(object.encryption.as_deref(), Some("AES256"), "{key}");
        let class = object.storage_class.as_deref();
        assert_eq!(class, key.starts_with("packs/").then_some("STANDARD_IA"), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_was_emptied_is_not_taken_for_a_new_one() {
    let world = beside().await;
    world.collect().await;
    let bucket = world.server.bucket("backups");
    let kept: Vec<_> =
        bucket.keys().into_iter().map(|key| (key.clone(), bucket.object(&key).unwrap().bytes())).collect();
    kept.iter().for_each(|(key, _)| bucket.delete(key));
    // What else is in the bucket is no vault.
    bucket.put("s3gc2/packs/x", "x", PutSpec::default());
    for args in [&["plan"][..], EXECUTE, &["restore", "--prefix", "avatars/"], &["vault", "verify"]] {
        world.expect(10, args).await.says("the vault is missing").says("bring back s3://backups/s3gc");
    }
    // One that cannot be asked is not missing.
    world.server.inject(Fault::new(Effect::AccessDenied).on(Op::ListObjectsV2).bucket("backups"));
    world.expect(1, &["plan"]).await.says("AccessDenied").says("--print-policy");
    world.server.clear_faults();
    for (key, bytes) in kept {
        bucket.put(&key, bytes, PutSpec::default());
    }
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_whose_bucket_is_gone_is_missing_and_one_that_never_was_is_told() {
    let (world, server) = elsewhere().await;
    world.collect().await;
    let text = std::fs::read_to_string(world.path("s3gc.toml")).unwrap();
    // A new server in the place of the old one.
    let address = server.endpoint().strip_prefix("http://").unwrap().parse().unwrap();
    drop(server);
    let empty = loop {
        match S3Mem::start(Options::default().listen(address).keys(KEYS.0, KEYS.1)).await {
            Ok(server) => break server,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    world.expect(10, &["plan"]).await.says("the vault is missing");
    std::fs::write(world.path("s3gc.toml"), text.replace("s3://backups", "s3://nowhere")).unwrap();
    let check = world.expect(6, &["check"]).await;
    check.says("FAIL  vault").says("NoSuchBucket");
    drop(empty);
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_a_dry_run_an_audit_and_a_check_write_nothing_to_the_vaults_bucket() {
    let world = beside().await;
    for args in [
        &["plan"][..],
        &["run", "--mode", "dry_run"],
        &["run", "--mode", "audit_only", "--yes"],
        &["check"],
        &["explain", "avatars/gone-0.jpg"],
        &["vault", "ls"],
        &["vault", "stats"],
        &["status"],
    ] {
        world.expect(0, args).await;
        assert!(touched(&world.server).is_empty(), "{args:?}: {:?}", touched(&world.server));
    }
    // It is the vault that was asked.
    assert!(world.server.requests().iter().any(|request| request.bucket == "backups"));
    assert!(world.server.bucket("backups").is_empty());
    world.expect(0, &["check", "--probe"]).await.says("it has a lease");
    let writes = touched(&world.server);
    assert!(!writes.is_empty() && writes.iter().all(|write| write.keys == ["s3gc/leases~/probe~"]), "{writes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_two_hosts_with_their_own_catalogs_exclude_each_other_by_the_lease_in_the_bucket() {
    let world = beside().await;
    // The other host has a copy of the database, so that no lock in a database keeps it away.
    std::fs::copy(world.path("app.db"), world.path("copy.db")).unwrap();
    let text = std::fs::read_to_string(world.path("s3gc.toml")).unwrap();
    let other = text.replace("sqlite:app.db", "sqlite:copy.db").replace("state/catalog.db", "other/catalog.db");
    std::fs::write(world.path("other.toml"), other).unwrap();
    std::fs::create_dir(world.path("other")).unwrap();

    world.server.set_latency(Duration::from_millis(150));
    let running = world.command(EXECUTE).spawn().unwrap();
    let bucket = world.server.bucket("backups");
    let is_taken = || bucket.keys().iter().any(|key| key.starts_with("s3gc/leases~/") && !key.ends_with('~'));
    let taken = async {
        while !is_taken() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), taken).await.unwrap();
    let away = world.expect(11, &["-c", "other.toml", "run", "--mode", "execute", "--yes"]).await;
    away.says("by its record in the vault");
    let first = running.wait_with_output().await.unwrap();
    assert_eq!(first.status.code(), Some(0), "{}", String::from_utf8_lossy(&first.stderr));
    world.server.set_latency(Duration::ZERO);
    assert!(orphans().iter().all(|key| world.bucket().object(key).is_none()));
    world.expect(0, &["-c", "other.toml", "run", "--mode", "execute", "--yes"]).await;

    // A catalog that was put back to an older state is found by the record.
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let (from, to) = (world.path("other").join(file), world.path("kept").join(file));
        std::fs::create_dir_all(world.path("kept")).unwrap();
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
    world.expect(0, &["-c", "other.toml", "run", "--mode", "execute", "--yes"]).await;
    for file in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let (from, to) = (world.path("kept").join(file), world.path("other").join(file));
        drop(std::fs::remove_file(&to));
        if from.exists() {
            std::fs::copy(from, to).unwrap();
        }
    }
    let old = world.expect(5, &["-c", "other.toml", "run", "--mode", "execute", "--yes"]).await;
    old.says("is older than the vault remembers it");
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_a_store_that_ignores_conditions_holds_packs_and_no_lease() {
    for which in 0..3 {
        let (world, server) = elsewhere().await;
        server.quirks(|quirks| {
            quirks.ignore_if_match_on_put = which == 0;
            quirks.ignore_if_none_match_on_put = which == 1;
            quirks.refuse_conditions_on_put = which == 2;
        });
        world.expect(0, &["check", "--probe"]).await.says("warn  vault").says("it has no lease, since the store");
        let report = world.collect().await;
        let notes = report["notes"].to_string();
        assert!(notes.contains("the vault can have no lease") && notes.contains("another catalog"), "{notes}");
        let keys = server.bucket("backups").keys();
        assert!(keys.iter().all(|key| key.starts_with("packs/") || key == "leases~/probe~"), "{keys:?}");
        world.expect(0, &["vault", "verify", "--level", "full"]).await.says("all is well");
        world.expect(0, &["restore", "--prefix", "avatars/"]).await;
        assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
        world.expect(0, &["plan"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_pack_that_cannot_be_written_or_read_back_deletes_nothing() {
    for fault in [
        Fault::new(Effect::AccessDenied).on(Op::PutObject),
        Fault::new(Effect::AccessDenied).on(Op::GetObject),
        Fault::new(Effect::CutBody(100)).on(Op::GetObject),
    ] {
        let (world, server) = elsewhere().await;
        // The lease first.
        world.expect(0, &["check", "--probe"]).await;
        server.inject(fault.clone());
        let done = world.s3gc(EXECUTE).await;
        assert_ne!(done.code, 0, "{fault:?}: {done:?}");
        assert!(orphans().iter().all(|key| world.bucket().object(key).is_some()), "{fault:?}: {done:?}");
        server.clear_faults();
        world.collect().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i12_not_even_the_most_talkative_log_shows_the_keys_of_a_vault() {
    let (world, server) = elsewhere().await;
    let with_token = std::fs::read_to_string(world.path("s3gc.toml")).unwrap();
    for args in [&["-vvv", "check", "--probe"][..], &["-vvv", "run", "--mode", "execute", "--yes"]] {
        let done = world.expect(0, args).await;
        assert!(done.stderr.len() > 1000 && !done.stderr.contains("hunter2"), "{}", done.stderr);
        assert!(!done.stdout.contains("hunter2"));
    }
    world.expect(0, &["config", "show", "--resolved"]).await.says("vault.secret_access_key").says("[redacted]");
    let token = "session_token = \"token-hunter2\"\naccess_key_id";
    std::fs::write(world.path("s3gc.toml"), with_token.replace("access_key_id", token)).unwrap();
    for args in [&["-vvv", "check", "--probe"][..], &["config", "show", "--resolved"], &["config", "validate"]] {
        let done: Done = world.s3gc(args).await;
        assert!(!done.stderr.contains("hunter2") && !done.stdout.contains("hunter2"), "{done:?}");
    }
    assert!(!server.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_alone_names_a_vault_in_a_bucket() {
    let world = beside().await;
    std::fs::remove_file(world.path("s3gc.toml")).unwrap();
    let run = |args: &[&str], vault: &str| {
        let mut command = world.command(args);
        command
            .env("DATABASE_URL", "sqlite:app.db")
            .env("S3_BUCKET", BUCKET)
            .env("S3GC_TABLES", "users.avatar")
            .env("S3GC_CATALOG_PATH", "state/catalog.db")
            .env("AWS_ENDPOINT_URL_S3", world.server.endpoint())
            .env("S3GC_VAULT_PATH", vault);
        Done::of(command)
    };
    let check = run(&["check"], "s3://backups/s3gc").await;
    assert_eq!(check.code, 0, "{check:?}");
    check.says("backups/s3gc: 0 packs");
    let inside = run(&["check"], "s3://photos/s3gc").await;
    assert_eq!(inside.code, 2, "{inside:?}");
    inside.says("is inside of what is collected from the bucket photos");
    let unknown = run(&["check"], "ftp://photos/s3gc").await;
    assert_eq!(unknown.code, 2, "{unknown:?}");
    unknown.says("S3GC_VAULT_PATH").says("is no place for a vault");
    let directory = format!("file://{}", world.path("local").display());
    let local = run(&["check"], &directory).await;
    assert_eq!(local.code, 0, "{local:?}");
    assert!(world.path("local").is_dir());
}
