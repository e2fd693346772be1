//! Check and verify: what is broken is found, and has its exit code.

use s3gc_s3_mem::{Effect, Fault, Op};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_check_asks_every_part_and_changes_nothing() {
    let world = World::new().await;
    let check = world.expect(0, &["check", "--json"]).await.json();
    assert_eq!((&check["bucket"], &check["ok"]), (&"photos".into(), &true.into()));
    let names: Vec<&str> = check["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["list", "source main", "preflight", "vault", "catalog", "delete"]);
    assert!(world.server.writes().is_empty());
    world.expect(0, &["doctor", "--probe"]).await.says("If-Match on DeleteObject honoured");
    assert!(!world.server.writes().is_empty());
    assert!(world.bucket().keys().iter().all(|key| !key.starts_with(".s3gc")), "{:?}", world.bucket().keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_fails_names_the_part() {
    let world = World::new().await;
    world.server.inject(Fault::new(Effect::AccessDenied).on(Op::HeadObject));
    let check = world.expect(6, &["check"]).await;
    check.says("FAIL  list").says("ok    source main");
    world.server.clear_faults();
    world.sql("DROP TABLE users").await;
    world.expect(6, &["check"]).await.says("FAIL  source main");
    world.expect(0, &["check", "--offline"]).await.says("is valid, with 1 reference");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_told_with_the_way_out() {
    let world = World::new().await;
    world.collect().await;
    // To restore needs no database.
    std::fs::rename(world.path("app.db"), world.path("away.db")).unwrap();
    world.expect(1, &["plan"]).await.says("main").says("help: check that the database runs");
    world.expect(0, &["restore", "--prefix", "avatars/"]).await;
    std::fs::rename(world.path("away.db"), world.path("app.db")).unwrap();
    let text = world.configuration().replace(&world.server.endpoint(), "http://127.0.0.1:1");
    std::fs::write(world.path("s3gc.toml"), text).unwrap();
    world.expect(1, &["plan"]).await.says("not reachable").says("help: check the network");
    world.expect(6, &["check"]).await.says("FAIL  list");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_is_printed_for_people_and_programs() {
    let world = World::new().await;
    world.expect(0, &["check", "--print-policy"]).await.says("arn:aws:s3:::photos/*").says("SQLite has no grants");
    let policy = world.expect(0, &["check", "--print-policy", "--json"]).await.json();
    assert_eq!(policy["buckets"][0]["scanner"]["Version"], "2012-10-17");
    assert!(world.server.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_an_altered_or_missing_audit_entry_is_found_with_its_place() {
    let world = World::new().await;
    world.collect().await;
    let whole = world.expect(0, &["audit", "verify", "--json"]).await.json();
    let entries = whole["entries"].as_u64().unwrap();
    assert!(entries >= 5 && whole["ok"] == true, "{whole}");
    let first = world.expect(0, &["audit", "show", "1", "--json"]).await.json();
    assert_eq!(first["seq"], 1);

    // The catalog guards itself by triggers: whoever tampers drops them.
    let path = world.path("state/catalog.db");
    world.sql_in("state/catalog.db", "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let copy = std::fs::read(&path).unwrap();
    let tamper = |sql: String| {
        for file in ["catalog.db-wal", "catalog.db-shm"] {
            std::fs::remove_file(world.path("state").join(file)).unwrap_or_default();
        }
        std::fs::write(&path, &copy).unwrap();
        sql
    };
    world.sql_in("state/catalog.db", &tamper("SELECT 1".to_owned())).await;
    world.expect(0, &["audit", "verify"]).await;
    let triggers = triggers(&world).await;
    let drop: String = triggers.iter().map(|name| format!("DROP TRIGGER \"{name}\"; ")).collect();
    world.sql_in("state/catalog.db", &tamper(format!("{drop} UPDATE audit SET kind = 'noted' WHERE seq = 3"))).await;
    let altered = world.expect(6, &["audit", "verify", "--json"]).await.json();
    assert_eq!((&altered["ok"], &altered["broken_at"]), (&false.into(), &3.into()));
    world.expect(6, &["audit", "verify"]).await.says("audit entry 3: was altered");

    world.sql_in("state/catalog.db", &tamper(format!("{drop} DELETE FROM audit WHERE seq = 2"))).await;
    world.expect(6, &["audit", "verify"]).await.says("follows entry 1");
    let cut = format!("{drop} DELETE FROM audit WHERE seq = {entries}");
    world.sql_in("state/catalog.db", &tamper(cut)).await;
    let missing = world.expect(6, &["audit", "verify", "--json"]).await.json();
    assert_eq!(missing["broken_at"], entries);

    let swapped = format!(
        "{drop} UPDATE audit SET seq = -2 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; \
         UPDATE audit SET seq = 3 WHERE seq = -2"
    );
    world.sql_in("state/catalog.db", &tamper(swapped)).await;
    let found = world.expect(6, &["audit", "verify", "--json"]).await.json();
    assert_eq!(found["broken_at"], 2, "{found}");

    // Cut together with its head the chain is whole in itself: only the vault knows that there was more.
    let cut = format!(
        "{drop} DELETE FROM audit WHERE seq > 2; \
         UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)"
    );
    world.sql_in("state/catalog.db", &tamper(cut)).await;
    let found = world.expect(6, &["audit", "verify", "--json"]).await.json();
    assert_eq!((&found["broken_at"], &found["head"]["seq"]), (&3.into(), &2.into()), "{found}");
    world.expect(6, &["audit", "verify"]).await.says("which the vault remembers");
    world.expect(5, &["run", "--mode", "execute", "--yes"]).await.says("is older than the vault remembers it");
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_a_chain_that_was_written_anew_with_right_digests_is_found_by_the_vault() {
    let world = World::new().await;
    world.collect().await;
    let entries = world.expect(0, &["audit", "ls", "--json"]).await.json_lines();
    let deleted = entries.iter().find(|entry| entry["kind"] == "delete").unwrap();
    let evidence: serde_json::Value = serde_json::from_str(deleted["detail"].as_str().unwrap()).unwrap();
    for name in ["etag", "size_bytes", "blake3", "unreferenced_since", "looked_at", "pack", "means", "plan"] {
        assert!(!evidence[name].is_null(), "{name} is not in {evidence}");
    }

    forge(&world, |entry| {
        if entry.kind == "delete" {
            entry.detail = entry.detail.replace("size_bytes", "bytes");
        }
    })
    .await;
    let found = world.expect(6, &["audit", "verify", "--json"]).await.json();
    assert_eq!(found["broken_at"], found["remembered"][0]["seq"], "{found}");
    world.expect(6, &["audit", "verify"]).await.says("is not the one that the vault remembers");
    world.expect(5, &["run", "--mode", "execute", "--yes"]).await.says("the chain was rewritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn i08_a_chain_that_was_written_anew_in_the_vaults_record_too_is_found_by_the_packs() {
    let world = World::new().await;
    world.expect(0, &["hold", "add", "avatars/kept*", "--reason", "a lawsuit"]).await;
    let run = world.collect().await;
    let good = world.expect(0, &["audit", "verify", "--json"]).await.json();
    assert_eq!((&good["head"], &good["witnesses"]), (&run["audit"], &1.into()), "{good}");

    forge(&world, |entry| entry.detail = entry.detail.replace("a lawsuit", "no reason")).await;
    for entry in std::fs::read_dir(world.path("state/vault/leases~")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let found = world.expect(6, &["audit", "verify", "--json"]).await.json();
    assert_eq!(
        (&found["remembered"], &found["broken_at"]),
        (&serde_json::json!([]), &serde_json::Value::Null),
        "{found}"
    );
    world.expect(6, &["audit", "verify"]).await.says(".tar.zst was begun is not in it: the chain was rewritten");
}

/// Writes the whole chain anew, each entry changed as it likes, with right digests.
async fn forge(world: &World, change: impl Fn(&mut s3gc_core::audit::AuditEntry)) {
    let mut forged = Vec::new();
    let mut head = s3gc_core::audit::AuditHead::default();
    for entry in world.expect(0, &["audit", "export"]).await.json_lines() {
        let mut entry: s3gc_core::audit::AuditEntry = serde_json::from_value(entry).unwrap();
        change(&mut entry);
        entry.previous = head.hash;
        entry.hash = entry.compute_hash();
        head = entry.head();
        forged.push(entry);
    }
    let mut sql: String = triggers(world).await.iter().map(|name| format!("DROP TRIGGER \"{name}\"; ")).collect();
    for entry in &forged {
        let detail = entry.detail.replace('\'', "''");
        sql.push_str(&format!(
            "UPDATE audit SET detail = '{detail}', previous = '{}', hash = '{}' WHERE seq = {}; ",
            entry.previous, entry.hash, entry.seq
        ));
    }
    sql.push_str(&format!("UPDATE audit_head SET hash = '{}'", head.hash));
    world.sql_in("state/catalog.db", &sql).await;
}

async fn triggers(world: &World) -> Vec<String> {
    use sqlx::{ConnectOptions, Connection};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(world.path("state/catalog.db"));
    let mut connection = options.connect().await.unwrap();
    let names = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    names
}
