//! From a plan to a deletion to a restore.

use crate::world::{BUCKET, ORPHANS, USERS, World, body, orphans};

#[tokio::test(flavor = "multi_thread")]
async fn i05_a_plan_shows_what_is_due_and_writes_nothing() {
    let world = World::new().await;
    let plan = world.expect(0, &["plan", "--json", "--out", "today.plan", "--show", "keys"]).await.json();
    assert_eq!(plan["bucket"], BUCKET);
    assert_eq!(plan["state"], "done");
    assert_eq!(plan["counts"]["listed"]["objects"], USERS + ORPHANS + 1);
    assert_eq!(plan["counts"]["kept"]["referenced"]["objects"], USERS);
    assert_eq!(plan["counts"]["kept"]["young"]["objects"], 1);
    assert_eq!(plan["counts"]["due"]["objects"], ORPHANS);
    assert_eq!(plan["plan"]["path"], "today.plan");
    let keys: Vec<&str> = plan["keys"].as_array().unwrap().iter().map(|key| key["key"].as_str().unwrap()).collect();
    assert_eq!(keys, orphans());
    assert!(plan["due_cost_per_month"].is_f64());
    assert!(world.server.writes().is_empty(), "{:?}", world.server.writes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_for_people_names_the_command_that_applies_it() {
    let world = World::new().await;
    let done = world.expect(0, &["plan", "--out", "to day.plan"]).await;
    for text in [
        "photos   listed 46 · referenced 40 · excluded 0",
        "too young (<7d)",
        "due                         5",
        "(10.87 %, brake at 20 %)",
        "    avatars/",
        "Nothing deleted. Apply exactly this: s3gc run 'to day.plan' --mode execute",
    ] {
        assert!(done.stdout.contains(text), "{text:?} is not in {}", done.stdout);
    }
    let keys = world.expect(0, &["plan", "--show", "keys", "--limit", "2"]).await;
    keys.says("avatars/gone-1.jpg").says("and 3 more: --limit 0 lists all");
    assert!(!keys.stdout.contains("avatars/gone-2.jpg"), "{}", keys.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_have_an_exit_code_of_their_own_if_asked() {
    let world = World::new().await;
    world.expect(4, &["plan", "--detailed-exitcode"]).await;
    world.bucket().put("avatars/more.jpg", "x", Default::default());
    for orphan in orphans() {
        world.bucket().delete(&orphan);
    }
    world.expect(0, &["plan", "--detailed-exitcode"]).await.says("Nothing is due");
}

#[tokio::test(flavor = "multi_thread")]
async fn i06_a_run_deletes_exactly_the_plan_and_a_restore_undoes_it() {
    let world = World::new().await;
    let before: Vec<_> = orphans().iter().map(|key| world.bucket().object(key).unwrap()).collect();
    world.expect(0, &["plan", "--out", "today.plan"]).await;
    // An orphan of after the plan is not in it.
    let old = s3gc_s3_mem::PutSpec::default().last_modified(crate::world::days_ago(20));
    world.bucket().put("avatars/later.jpg", "later", old);
    let run = world.expect(0, &["run", "today.plan", "--mode", "execute", "--yes"]).await;
    run.says("5 looked up again, 0 rescued").says("1 pack,").says("5 deleted, 0 failed");
    assert_eq!(world.bucket().len(), USERS + 2);
    assert!(orphans().iter().all(|key| world.bucket().object(key).is_none()));

    let runs = world.expect(0, &["runs", "ls", "--json"]).await.json_lines();
    assert_eq!(runs[0]["state"], "done");
    let id = runs[0]["id"].as_str().unwrap();
    run.says(&format!("Undo: s3gc restore --run {id}"));

    let dry = world.expect(0, &["restore", "--run", id, "--dry-run", "--json"]).await.json();
    assert_eq!(
        (&dry["restored"]["objects"], &dry["objects"][0]["outcome"]["outcome"]),
        (&ORPHANS.into(), &"planned".into())
    );
    assert_eq!(world.bucket().len(), USERS + 2);

    let restored = world.expect(0, &["restore", "--run", id, "--json"]).await.json();
    assert_eq!(restored["restored"]["objects"], ORPHANS);
    for (key, before) in orphans().iter().zip(before) {
        let after = world.bucket().object(key).unwrap();
        assert_eq!(after.bytes(), before.bytes(), "{key}");
        assert_eq!((after.user, after.tags, after.headers), (before.user, before.tags, before.headers), "{key}");
    }
    // What was restored is held for one retention.
    let plan = world.expect(0, &["plan", "--json"]).await.json();
    assert_eq!(plan["counts"]["kept"]["held"]["objects"], ORPHANS);
    world.expect(0, &["audit", "verify"]).await.says("the chain is whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_run_once_and_by_nobody_else() {
    let world = World::new().await;
    world.expect(0, &["plan", "--out", "today.plan"]).await;
    world.expect(0, &["run", "today.plan", "--mode", "execute", "--yes"]).await;
    let again = world.expect(5, &["run", "today.plan", "--mode", "execute", "--yes"]).await;
    again.says("it was run already: make a new plan");

    world.configure("[catalog]\npath = \"elsewhere/catalog.db\"");
    world.expect(5, &["run", "today.plan", "--mode", "execute", "--yes"]).await.says("another catalog");
    std::fs::write(world.path("other.plan"), "no plan").unwrap();
    world.expect(5, &["run", "other.plan", "--mode", "execute", "--yes"]).await.says("not a plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_a_mode_is_only_shown() {
    let world = World::new().await;
    world.expect(0, &["plan", "--out", "today.plan"]).await;
    let shown = world.expect(0, &["run", "today.plan"]).await;
    shown.says("good until").says("Nothing deleted: the mode is dry_run");
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_so_nothing_is_deleted() {
    let world = World::new().await;
    world.expect(0, &["plan", "--out", "today.plan"]).await;
    for args in [&["run", "--mode", "execute"][..], &["run", "today.plan", "--mode", "execute"]] {
        let refused = world.expect(2, args).await;
        refused.says("there is nobody to ask").says("add --yes");
        assert_eq!(refused.stdout, "");
    }
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn audit_only_writes_what_it_would_delete_and_deletes_nothing() {
    let world = World::new().await;
    world.expect(0, &["run", "--mode", "audit_only"]).await.says("5 objects would be deleted");
    let entries = world.expect(0, &["audit", "ls", "--kind", "would_delete", "--json"]).await.json_lines();
    let keys: Vec<&str> = entries.iter().map(|entry| entry["key"].as_str().unwrap()).collect();
    assert_eq!(keys, orphans());
    assert_eq!(world.bucket().len(), USERS + ORPHANS + 1);
    assert!(world.server.writes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_keeps_and_its_end_lets_go() {
    let world = World::new().await;
    let hold = world.expect(0, &["hold", "add", "avatars/gone-[01].*", "--reason", "trial", "--json"]).await.json();
    let plan = world.expect(0, &["plan", "--json"]).await.json();
    assert_eq!((&plan["counts"]["due"]["objects"], &plan["counts"]["kept"]["held"]["objects"]), (&3.into(), &2.into()));
    world.expect(0, &["explain", "avatars/gone-0.jpg"]).await.says("kept: held");
    world.expect(0, &["hold", "ls"]).await.says("avatars/gone-[01].*").says("trial");
    let id = hold["id"].to_string();
    world.expect(0, &["hold", "rm", &id]).await;
    world.expect(1, &["hold", "rm", &id]).await.says("there is no hold");
    assert_eq!(world.expect(0, &["plan", "--json"]).await.json()["counts"]["due"]["objects"], ORPHANS);
    let kinds = world.expect(0, &["audit", "ls", "--json"]).await.json_lines();
    let kinds: Vec<&str> = kinds.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["hold", "unhold"]);
    world.expect(2, &["hold", "add", "a[", "--reason", "x"]).await.says("is not a glob");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_stops_every_deletion_until_it_is_over() {
    let world = World::new().await;
    world.expect(2, &["hold", "migration", "on"]).await.says("--reason");
    world.expect(0, &["hold", "migration", "on", "--reason", "images move"]).await.says("hold migration off");
    world.expect(5, &["run", "--mode", "execute", "--yes"]).await.says("images move").says("hold migration off");
    world.expect(5, &["plan"]).await.says("stopped: migration");
    world.expect(0, &["status"]).await.says("nothing is deleted: images move");
    world.expect(0, &["hold", "ls"]).await.says("the application migrates");
    world.expect(0, &["hold", "migration", "off"]).await.says("the migration is over");
    world.expect(0, &["hold", "migration", "off"]).await.says("no migration was on");
    let entries = world.expect(0, &["audit", "ls", "--json"]).await.json_lines();
    let kinds: Vec<&str> = entries.iter().filter_map(|entry| entry["kind"].as_str()).collect();
    assert_eq!(kinds, ["migration_on", "migration_off"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_to_a_deleted_object_is_an_alarm() {
    let world = World::new().await;
    world.expect(0, &["run", "--mode", "execute", "--yes"]).await;
    let gone = orphans()[0].clone();
    world.sql(&format!("INSERT INTO users (avatar) VALUES ('{gone}')")).await;
    for args in [&["plan"][..], &["run", "--mode", "execute", "--yes"]] {
        world.expect(0, args).await.says("deleted, and referenced now: 1 object");
    }
    world.expect(0, &["status"]).await.says("1 object deleted and referenced");
    world.expect(0, &["missing"]).await.says(&gone);
    world.expect(0, &["restore", &gone]).await;
    world.expect(0, &["plan"]).await;
    let status = world.expect(0, &["status", "--json"]).await.json();
    assert_eq!(status["resurrected_objects"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_run_asks_nobody_and_observes_first() {
    let world = World::new().await;
    let report = world.expect(0, &["run", "--mode", "execute", "--scheduled", "--json"]).await.json();
    assert!(report["counts"]["due"]["objects"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(report["sweep"]["deleted"]["objects"], 0);
    world.expect(0, &["status"]).await.says("only observe: 1 of 3 days were complete");
    world.expect(2, &["run", "x.plan", "--scheduled"]).await.says("--scheduled");
    let report = world.expect(0, &["run", "--mode", "execute", "--yes", "--json"]).await.json();
    assert!(report["sweep"]["deleted"]["objects"].as_u64().unwrap() > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_names_the_row_or_the_day() {
    let world = World::new().await;
    let kept = world.expect(0, &["explain", "avatars/7.jpg", "--json"]).await.json();
    assert_eq!((&kept["verdict"]["verdict"], &kept["verdict"]["reason"]), (&"kept".into(), &"referenced".into()));
    assert_eq!(kept["references"][0]["origin"]["value"], "avatars/7.jpg");
    world.expect(0, &["explain", "avatars/7.jpg"]).await.says("kept: referenced").says("id=8");
    world.expect(0, &["plan"]).await;
    world.expect(0, &["explain", "avatars/gone-0.jpg"]).await.says("unreferenced since").says("due 20");
    world.expect(0, &["explain", "no/such"]).await.says("there is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_key_that_lives_is_not_replaced_unless_told() {
    let world = World::new().await;
    world.collect().await;
    let key = &orphans()[0];
    world.expect(1, &["restore", "avatars/never.jpg"]).await.says("the vault holds no deleted object");
    world.bucket().put(key, "new bytes", Default::default());
    world.expect(1, &["restore", key]).await.says("lives already").says("--if-exists overwrite");
    assert_eq!(world.bucket().object(key).unwrap().bytes(), "new bytes");
    world.expect(3, &["restore", key, &orphans()[1]]).await;
    world.expect(0, &["restore", key, "--if-exists", "skip"]).await.says("1 left alone");
    world.expect(0, &["restore", key, "--if-exists", "overwrite"]).await;
    assert_eq!(world.bucket().object(key).unwrap().bytes(), body(key));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_goes_to_a_directory_or_another_bucket() {
    let world = World::new().await;
    world.collect().await;
    world.expect(0, &["restore", "--prefix", "avatars/", "--to", "out"]).await;
    let key = &orphans()[2];
    assert_eq!(std::fs::read_to_string(world.path("out").join(key)).unwrap(), body(key));
    world.expect(0, &["restore", "--since", "2020-01-01", "--to", "s3://other"]).await;
    assert_eq!(world.server.bucket("other").keys(), orphans());
    world.expect(2, &["restore", key, "--to", "s3://other/below"]).await.says("a bucket without a prefix");
    assert!(world.bucket().object(key).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_a_bucket_too() {
    let world = World::new().await;
    let text = "[database]\nurl = \"sqlite:app.db\"\n[bucket]\npath = \"uploads\"\n[tables]\nusers = [\"avatar\"]\n\
                [vault]\npath = \"vault\"\n";
    std::fs::write(world.path("s3gc.toml"), text).unwrap();
    world.expect(6, &["check", "--offline"]).await.says("uploads is not there");
    world
        .expect(1, &["plan"])
        .await
        .says("the store cannot be opened")
        .says("check name, region and endpoint (or path)");
    std::fs::create_dir_all(world.path("uploads/avatars")).unwrap();
    for name in ["1.jpg", "nobody.jpg"] {
        std::fs::write(world.path("uploads/avatars").join(name), "x").unwrap();
    }
    let plan = world.expect(0, &["plan", "--json"]).await.json();
    assert_eq!((&plan["bucket"], &plan["counts"]["listed"]["objects"]), (&"uploads".into(), &2.into()));
    assert_eq!(plan["counts"]["kept"]["referenced"]["objects"], 1);
    assert_eq!(plan["counts"]["kept"]["young"]["objects"], 1);
    world.expect(0, &["explain", "avatars/nobody.jpg"]).await.says("younger than the retention of 7d");
}
