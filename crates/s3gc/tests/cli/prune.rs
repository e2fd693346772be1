//! `s3gc vault prune`, as people and scripts run it.

use crate::world::{ORPHANS, World, body, orphans};

/// A world whose only pack is older than `keep_days`, in the mode `execute`.
async fn old() -> World {
    let world = World::new().await;
    world.collect().await;
    world.age_packs().await;
    let text = world.configuration();
    std::fs::write(world.path("s3gc.toml"), format!("mode = \"execute\"\n{text}")).unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn i13_a_pack_is_marked_by_one_call_and_removed_by_a_later_one() {
    let world = old().await;
    let marked = world.expect(0, &["vault", "prune"]).await;
    marked.says("which keeps packs for 90d").says("  marked   packs/").says("5 objects: may be removed from ");
    marked.says("photos: 1 pack marked").says("Run it again after ");
    let waits = world.expect(0, &["vault", "prune"]).await;
    waits.says("  waits    packs/").says("1 pack marked before").says("Run it again after ");
    assert_eq!(world.expect(0, &["vault", "cat", &orphans()[0]]).await.stdout, body(&orphans()[0]));
    world.age_marks().await;
    let removed = world.expect(0, &["vault", "prune"]).await;
    removed.says("  removed  packs/").says("photos: 1 pack removed").says("Nothing is marked.");
    world.expect(0, &["vault", "prune"]).await.says("photos: no packs");

    let refused = world.expect(1, &["restore", &orphans()[0]]).await;
    refused.says("its newest copy was pruned from the vault at ").says("keep_days = 90");
    world.expect(1, &["restore", "--prefix", "avatars/"]).await.says("5 pruned from the vault before");
    world.expect(1, &["vault", "cat", &orphans()[0]]).await.says("its copy was pruned from the vault at ");
    world.expect(0, &["vault", "show", &orphans()[0]]).await.says("there is no copy in the vault any more");
    assert_eq!(world.expect(0, &["vault", "ls"]).await.stdout, "");
    world.expect(0, &["vault", "verify", "--level", "full"]).await.says("0 packs").says("all is well");
    world.expect(0, &["vault", "reindex"]).await.says("0 new to");
    world.expect(0, &["explain", &orphans()[0]]).await.says(", pruned 20");
    world.sql(&format!("INSERT INTO users (avatar) VALUES ('{}')", orphans()[0])).await;
    world.expect(0, &["missing"]).await.says("pruned from the vault at ");
    let kinds = world.expect(0, &["audit", "ls", "--json"]).await.json_lines();
    let kinds = kinds.iter().filter_map(|entry| entry["kind"].as_str()).filter(|kind| kind.starts_with("prune"));
    assert_eq!(kinds.collect::<Vec<_>>(), ["prune_mark", "prune", "pruned"]);
    world.expect(0, &["audit", "verify"]).await;
    // Its files are gone, and it is no vault that is not mounted.
    world.expect(0, &["plan"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_in_another_mode_and_as_a_dry_run_nothing_is_marked_or_removed() {
    let world = old().await;
    let dry = world.expect(0, &["vault", "prune", "--dry-run"]).await;
    dry.says("would be marked packs/").says("1 pack would be marked").says("this was a dry run");
    world.configure("");
    let says_why = world.expect(0, &["vault", "prune"]).await;
    says_why.says("since the mode is dry_run").says("S3GC_MODE=execute");
    let mut command = world.command(&["vault", "prune", "--json"]);
    let audit_only = crate::world::Done::of({
        command.env("S3GC_MODE", "audit_only");
        command
    });
    let report = audit_only.await.json();
    assert_eq!((&report["dry_run"], &report["mode"]), (&true.into(), &"audit_only".into()), "{report}");
    assert_eq!(report["packs"][0]["outcome"], "would_mark");
    let mut command = world.command(&["vault", "prune", "--json"]);
    command.env("S3GC_MODE", "execute");
    let report = crate::world::Done::of(command).await.json();
    assert_eq!((&report["dry_run"], &report["packs"][0]["outcome"]), (&false.into(), &"marked".into()), "{report}");
    world.age_marks().await;
    let dry = world.expect(0, &["vault", "prune", "--dry-run", "--json"]).await.json();
    assert_eq!((&dry["packs"][0]["outcome"], &dry["removed"]["packs"]), (&"would_remove".into(), &1.into()), "{dry}");
    assert_eq!(world.expect(0, &["vault", "ls", "--json"]).await.json_lines().len(), ORPHANS);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_says_of_each_pack_what_and_why() {
    let world = old().await;
    world.expect(0, &["hold", "add", "avatars/gone-2*", "--reason", "court"]).await;
    let report = world.expect(0, &["vault", "prune", "--json"]).await.json();
    let pack = &report["packs"][0];
    assert_eq!((&pack["outcome"], &pack["reason"]), (&"kept".into(), &"held".into()), "{report}");
    assert_eq!((&pack["key"], &pack["objects"]), (&"avatars/gone-2.jpg".into(), &ORPHANS.into()), "{report}");
    assert_eq!((&report["kept"]["packs"], &report["keep_seconds"]), (&1.into(), &(90 * 86_400).into()), "{report}");
    world.expect(0, &["vault", "prune"]).await.says("avatars/gone-2.jpg is held").says("s3gc hold ls");
    world.expect(0, &["hold", "rm", "1"]).await;
    world.sql("INSERT INTO users (avatar) VALUES ('avatars/gone-1.jpg')").await;
    let kept = world.expect(0, &["vault", "prune"]).await;
    kept.says("1 object referenced and not in the bucket: s3gc restore avatars/gone-1.jpg");
    world.sql("DELETE FROM users WHERE avatar = 'avatars/gone-1.jpg'").await;
    let report = world.expect(0, &["vault", "prune", "--json"]).await.json();
    assert_eq!(report["packs"][0]["outcome"], "marked", "{report}");
    assert_eq!(report["next_at"], report["packs"][0]["removable_at"], "{report}");
    assert!(report["audit"]["seq"].as_u64().unwrap() > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_that_may_not_begin_says_why_by_its_exit_code() {
    let world = old().await;
    // Somebody else's, who lives.
    let taken = "UPDATE lease SET released_at = NULL, host = 'elsewhere', boot_id = 'another', \
                 heartbeat_at = strftime('%Y-%m-%dT%H:%M:%f000000Z', 'now')";
    world.sql_in("state/catalog.db", taken).await;
    world.expect(11, &["vault", "prune"]).await.says("elsewhere").says("--wait-lock");
    world.expect(11, &["vault", "prune", "--wait-lock", "1s"]).await;
    world.expect(0, &["vault", "prune", "--dry-run"]).await;
    world.sql_in("state/catalog.db", "UPDATE lease SET released_at = heartbeat_at").await;
    world.sql("DELETE FROM users").await;
    world.expect(5, &["vault", "prune"]).await.says("returned no keys").says("s3gc plan");
    world.expect(5, &["vault", "prune", "--dry-run"]).await;
    std::fs::remove_file(world.path("app.db")).unwrap();
    let gone = world.s3gc(&["vault", "prune"]).await;
    assert!(![0, 3].contains(&gone.code), "{gone:?}");
    assert_eq!(world.expect(0, &["vault", "ls", "--json"]).await.json_lines().len(), ORPHANS);
}

#[tokio::test(flavor = "multi_thread")]
async fn cat_says_that_a_newer_copy_was_pruned() {
    let world = old().await;
    let key = &orphans()[0];
    world.expect(0, &["restore", key]).await;
    world.sql_in("state/catalog.db", "DELETE FROM held_key").await;
    world.bucket().put(key, "newer", s3gc_s3_mem::PutSpec::default().last_modified(crate::world::days_ago(30)));
    world.expect(0, &["run", "--mode", "execute", "--yes"]).await;
    let newest = "(SELECT pack FROM entry ORDER BY id DESC LIMIT 1)";
    let prune = format!(
        "UPDATE entry SET pruned_at = settled_at WHERE pack = {newest}; \
         UPDATE pack SET state = 'pruned', state_at = created_at WHERE name = {newest}"
    );
    world.sql_in("state/catalog.db", &prune).await;
    let older = world.expect(0, &["vault", "cat", key]).await;
    assert_eq!(older.stdout, body(key));
    older.says("this is an older copy").says("the newest one was pruned at");
    world.expect(1, &["restore", key]).await.says("its newest copy was pruned");
}
