//! The contract of [`Catalog`](s3gc_core::catalog::Catalog).

mod fixture;

use futures::future::join_all;
use s3gc_core::catalog::{
    Adoption, EntryFilter, EntryId, EntryState, Hold, HoldKind, PackRecord, PackState, Pin, PlanRecord, PlanState,
    RunState, Settlement,
};
use s3gc_core::{Digest, Timestamp};
use s3gc_store::VersionId;

pub use fixture::Fixture;
use fixture::{
    census, chain, draft, entries, file_name, here, judge, key, known, lease, outcome, pack, run, run_id, seen, since,
    stage, staged, states, step, there, time,
};

suite!($ catalog_suite, catalog, [
    clause_01_what_a_call_wrote_is_there_for_the_next_process_whole_or_not_at_all,
    clause_02_one_of_many_callers_swaps_the_lease,
    clause_03_a_judgement_that_is_not_committed_never_happened,
    clause_04_a_clock_goes_on_restarts_or_ends,
    clause_05_a_pack_and_its_intents_appear_together,
    clause_06_an_entry_is_sent_once,
    clause_07_outcomes_and_their_audit_are_written_together,
    clause_08_the_audit_chain_has_no_gaps,
    clause_09_unsettled_yields_what_is_staged_or_sent,
    clause_10_keys_are_compared_byte_by_byte,
    clause_11_a_pack_moves_on_from_what_the_caller_expects,
    clause_12_a_pack_that_is_needed_is_not_pruned,
    clause_13_what_was_pruned_counts_no_more,
]);

/// Clause 1.
pub async fn clause_01_what_a_call_wrote_is_there_for_the_next_process_whole_or_not_at_all(fixture: &Fixture) {
    let first = fixture.open().await;
    let mut done = run(&here(), 0);
    first.put_run(&done).await.expect("a run can be written");
    first.put_run(&run(&there(), 1)).await.expect("a run can be written");
    done.state = RunState::Partial;
    done.ended_at = Some(time(2));
    done.report = Some(serde_json::json!({"deleted": 3}));
    done.error = Some("two objects failed".into());
    first.put_run(&done).await.expect("a run can be written again");
    let hash = Digest::of(b"plan");
    let plan = PlanRecord { hash, run: done.id, location: here(), created_at: time(1), state: PlanState::Begun };
    first.put_plan(&PlanRecord { state: PlanState::Fresh, ..plan.clone() }).await.expect("a plan can be written");
    first.put_plan(&plan).await.expect("a plan can be written again");
    let mut hold = Hold {
        id: 0,
        kind: HoldKind::Migration,
        location: Some(here()),
        glob: "a/**".into(),
        reason: "court".into(),
        created_at: time(0),
        until: None,
    };
    hold.id = first.add_hold(&hold).await.expect("a hold can be written");
    let pin = Pin { name: "identity:main".into(), value: "7".into(), set_at: time(3) };
    first.set_pin(&here(), &Pin { value: "6".into(), ..pin.clone() }).await.expect("a pin can be written");
    first.set_pin(&here(), &pin).await.expect("a pin can be moved");
    assert!(first.swap_lease(&here(), None, &lease(1, 0)).await.expect("a lease can be written"));
    let id = stage(&*first, &here(), "packs/a", &["a/1"]).await[0];
    first.send(&[id], time(4)).await.expect("an entry can be sent");
    let deleted = Settlement { marker: Some(VersionId::new("m1")), ..outcome(id, EntryState::Deleted) };
    first.settle(&[deleted], vec![draft("delete", "a/1")]).await.expect("an entry can be settled");
    judge(&*first, 6, false, &[seen("a/1", "e1", 0)]).await;
    let restored = first.restored(id, time(10), time(100), draft("restore", "a/1")).await;
    restored.expect("a restore can be written");

    let catalog_id = first.id();
    let mut first = Some(first);
    // While another still has it open, as after a kill, and after that one was closed.
    for closed in [false, true] {
        if closed {
            drop(first.take());
        }
        let reopened = fixture.open().await;
        let catalog = &*reopened;
        assert_eq!(catalog.id(), catalog_id);
        assert_eq!(catalog.run(done.id).await.expect("a run can be read"), Some(done.clone()));
        let newest = catalog.runs(None, 1).await.expect("runs can be listed");
        assert_eq!(newest, [run(&there(), 1)]);
        assert_eq!(catalog.runs(Some(&here()), 9).await.expect("runs can be listed"), [done.clone()]);
        assert_eq!(catalog.plan(&hash).await.expect("a plan can be read"), Some(plan.clone()));
        assert_eq!(catalog.holds(Some(&here())).await.expect("holds can be listed"), [hold.clone()]);
        assert_eq!(catalog.pins(&here()).await.expect("pins can be read"), std::slice::from_ref(&pin));
        assert_eq!(catalog.lease(&here()).await.expect("a lease can be read"), Some(lease(1, 0)));
        assert_eq!(catalog.packs(None, 9).await.expect("packs can be listed"), [pack("packs/a")]);
        let entry = &entries(catalog, &EntryFilter::default()).await[0];
        assert_eq!((entry.id, &entry.entry, &entry.pack), (id, &staged(&here(), "a/1").entry, &file_name("packs/a")));
        assert_eq!((entry.state, entry.unreferenced_since), (EntryState::Restored, time(-50)));
        assert_eq!(
            (entry.sent_at, entry.settled_at, entry.restored_at),
            (Some(time(4)), Some(time(9)), Some(time(10)))
        );
        assert_eq!(entry.marker, Some(VersionId::new("m1")));
        assert_eq!(since(catalog, &["a/1"]).await, [None], "a restore erases the clock");
        let held = catalog.held_keys(&here(), time(99), None, 9).await.expect("held keys can be listed");
        assert_eq!(held, [key("a/1")]);
        assert!(catalog.held_keys(&here(), time(100), None, 9).await.expect("held keys can be listed").is_empty());
        assert_eq!(catalog.last_census(&here()).await.expect("it can be read"), Some(census(run_id(6), 6).clone()));
        assert_eq!(chain(catalog).await.len(), 2);
    }

    let catalog = &*fixture.open().await;
    let again = catalog.stage(&pack("packs/a"), &[staged(&here(), "a/2")]).await;
    assert!(again.is_err(), "a pack is staged once");
    assert_eq!(states(catalog).await.len(), 1, "a call that fails writes nothing");
}

/// Clause 2.
pub async fn clause_02_one_of_many_callers_swaps_the_lease(fixture: &Fixture) {
    let catalogs = [fixture.open().await, fixture.open().await];
    let mut held = None;
    for round in 1..=5 {
        let contenders: Vec<_> = (0..16_i64).map(|n| (&catalogs[usize::from(n % 2 == 0)], lease(round, n))).collect();
        let location = here();
        let swaps = contenders.iter().map(|(catalog, new)| catalog.swap_lease(&location, held.as_ref(), new));
        let won: Vec<bool> =
            join_all(swaps).await.into_iter().map(|won| won.expect("a lease can be swapped")).collect();
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "round {round}: {won:?}");
        let winner = contenders.into_iter().zip(won).find_map(|((_, lease), won)| won.then_some(lease));
        held = catalogs[0].lease(&location).await.expect("a lease can be read");
        assert_eq!(held, winner);
    }
    let held = held.expect("somebody won");
    let mut other_epoch = held.clone();
    other_epoch.epoch -= 1;
    let mut other_heartbeat = held.clone();
    other_heartbeat.heartbeat_at += std::time::Duration::from_nanos(1);
    for stale in [None, Some(&other_epoch), Some(&other_heartbeat)] {
        let swapped = catalogs[1].swap_lease(&here(), stale, &lease(9, 9)).await.expect("a lease can be tried");
        assert!(!swapped, "{stale:?} is not what is there");
    }
    let absent = catalogs[1].swap_lease(&there(), Some(&held), &lease(9, 9)).await.expect("a lease can be tried");
    assert!(!absent, "there is no lease of another location");
    assert_eq!(catalogs[0].lease(&here()).await.expect("a lease can be read"), Some(held));
}

/// Clause 3.
pub async fn clause_03_a_judgement_that_is_not_committed_never_happened(fixture: &Fixture) {
    let catalog = fixture.open().await;
    judge(&*catalog, 0, false, &[seen("a", "e1", 0), seen("b", "e1", 0)]).await;
    let mut judgement = catalog.judge(&here(), run_id(10), time(10), true).await.expect("it can be begun");
    judgement.observe(&[seen("a", "e2", 0), seen("c", "e1", 0)]).await.expect("objects can be observed");
    assert_unmoved(fixture, "while it is open").await;
    drop(judgement);
    assert_unmoved(fixture, "after it was dropped").await;

    let mut judgement = catalog.judge(&here(), run_id(20), time(20), false).await.expect("it can be begun");
    let starts = judgement.observe(&[seen("a", "e1", 0), seen("c", "e1", 0)]).await.expect("they can be observed");
    assert_eq!(starts, [time(0), time(20)], "the dropped judgement has no part in the next one");
    // What a dead process leaves: nothing of it is ever run again, not even its destructors.
    std::mem::forget((judgement, catalog));
    assert_unmoved(fixture, "after its process died").await;

    let catalog = fixture.open().await;
    assert_eq!(judge(&*catalog, 30, false, &[seen("a", "e1", 0), seen("c", "e1", 0)]).await, [time(0), time(30)]);
    assert_eq!(since(&*catalog, &["a", "b", "c"]).await, [Some(time(0)), None, Some(time(30))]);
}

async fn assert_unmoved(fixture: &Fixture, when: &str) {
    let catalog = fixture.open().await;
    assert_eq!(since(&*catalog, &["a", "b", "c"]).await, [Some(time(0)), Some(time(0)), None], "{when}");
    assert_eq!(catalog.last_census(&here()).await.expect("it can be read"), Some(census(run_id(0), 0)), "{when}");
}

/// Clause 4.
pub async fn clause_04_a_clock_goes_on_restarts_or_ends(fixture: &Fixture) {
    let catalog = &*fixture.open().await;
    let same = seen("same", "e1", 0);
    let fresh = [same.clone(), seen("tag", "e1", 0), seen("date", "e1", 0), seen("gap", "e1", 0)];
    assert_eq!(judge(catalog, 10, false, &fresh).await, [time(10); 4]);
    let mut nanosecond = seen("date", "e1", 0);
    nanosecond.last_modified += std::time::Duration::from_nanos(1);
    let second = [nanosecond.clone(), seen("tag", "e2", 0), same.clone()];
    assert_eq!(judge(catalog, 20, false, &second).await, [time(20), time(20), time(10)], "answers are in order");
    let names = ["same", "tag", "date", "gap"];
    assert_eq!(since(catalog, &names).await, [Some(time(10)), Some(time(20)), Some(time(20)), None]);

    let clock = catalog.clocks(&here(), &[key("date")]).await.expect("clocks can be read").remove(0);
    let clock = clock.expect("it is an orphan");
    let shown = (clock.etag, clock.last_modified, clock.size_bytes, clock.seen_in);
    assert_eq!(shown, (nanosecond.etag.clone(), nanosecond.last_modified, nanosecond.size_bytes, run_id(20)));

    let third = [same.clone(), seen("tag", "e2", 0), nanosecond.clone(), seen("gap", "e1", 0)];
    let expected = [time(10), time(20), time(20), time(30)];
    assert_eq!(judge(catalog, 30, false, &third).await, expected, "what was not observed once begins anew");
    assert_eq!(judge(catalog, 40, true, &third).await, [time(40); 4], "all restart");

    let location = here();
    catalog.erase_clocks(&location, &[key("same"), key("none")]).await.expect("clocks can be erased");
    assert_eq!(since(catalog, &["same", "tag"]).await, [None, Some(time(40))]);
    assert_eq!(judge(catalog, 50, false, &third).await, [time(50), time(40), time(40), time(40)]);

    // What is erased while a judgement goes on does not come back with it.
    let mut judgement = catalog.judge(&location, run_id(60), time(60), false).await.expect("it can be begun");
    judgement.observe(&third).await.expect("objects can be observed");
    catalog.erase_clocks(&location, &[key("tag")]).await.expect("clocks can be erased");
    judgement.commit(Some(&census(run_id(60), 60))).await.expect("it can be committed");
    assert_eq!(since(catalog, &["same", "tag"]).await, [Some(time(50)), None]);

    // Another location's clocks are its own, and no judgement but the last may be committed.
    let elsewhere = catalog.judge(&there(), run_id(70), time(70), true).await.expect("it can be begun");
    let stale = catalog.judge(&location, run_id(70), time(70), false).await.expect("it can be begun");
    let last = catalog.judge(&location, run_id(80), time(80), false).await.expect("it can be begun");
    last.commit(Some(&census(run_id(80), 80))).await.expect("the last one can be committed");
    assert_eq!(catalog.last_census(&location).await.expect("it can be read"), Some(census(run_id(80), 80)));
    stale.commit(Some(&census(run_id(70), 70))).await.expect_err("it knows nothing of the one after it");
    elsewhere.commit(Some(&census(run_id(70), 70))).await.expect("it can be committed");
    assert_eq!(since(catalog, &names).await, [None; 4]);
    assert_eq!(catalog.last_census(&location).await.expect("it can be read"), Some(census(run_id(80), 80)));

    // Clocks move without a good census, and a census becomes the good one without them.
    let mut braked = catalog.judge(&location, run_id(90), time(90), false).await.expect("it can be begun");
    braked.observe(&third).await.expect("objects can be observed");
    braked.commit(None).await.expect("it can be committed");
    assert_eq!(since(catalog, &["same"]).await, [Some(time(90))]);
    assert_eq!(catalog.last_census(&location).await.expect("it can be read"), Some(census(run_id(80), 80)));
    catalog.put_census(&location, &census(run_id(90), 90)).await.expect("a census can be written");
    assert_eq!(catalog.last_census(&location).await.expect("it can be read"), Some(census(run_id(90), 90)));
    assert_eq!(since(catalog, &["same"]).await, [Some(time(90))]);
}

/// Clause 5.
pub async fn clause_05_a_pack_and_its_intents_appear_together(fixture: &Fixture) {
    let (writer, reader) = (fixture.open().await, fixture.open().await);
    let all: Vec<_> = (0..2000).map(|n| staged(&here(), &format!("many/{n:05}"))).collect();
    let staging = tokio::spawn({
        let all = all.clone();
        async move { writer.stage(&pack("packs/many"), &all).await.expect("entries can be staged") }
    });
    let ids = loop {
        let done = staging.is_finished();
        let unsettled = reader.unsettled(&here(), EntryId::default(), 10_000).await.expect("they can be listed");
        let packs = reader.packs(None, 9).await.expect("packs can be listed");
        assert!([0, 2000].contains(&unsettled.len()), "{} of 2000 intents were to be seen", unsettled.len());
        assert!(unsettled.is_empty() || packs.len() == 1, "intents were to be seen before their pack");
        if done {
            break staging.await.expect("staging does not panic");
        }
    };
    assert!(ids.is_sorted_by(|a, b| a < b), "ids grow");
    let found = entries(&*reader, &EntryFilter::default()).await;
    assert_eq!(found.iter().map(|entry| entry.id).collect::<Vec<_>>(), ids);
    for (found, staged) in found.iter().zip(&all) {
        assert_eq!((&found.entry, found.state), (&staged.entry, EntryState::Staged), "ids are in the order of entries");
    }
}

/// Clause 6.
pub async fn clause_06_an_entry_is_sent_once(fixture: &Fixture) {
    use EntryState::{Sent, Staged};
    let catalogs = [fixture.open().await, fixture.open().await];
    let ids = stage(&*catalogs[0], &here(), "packs/a", &["a", "b", "c"]).await;
    catalogs[0].send(&ids[..1], time(2)).await.expect("a staged entry can be sent");
    for wrong in [vec![ids[1], ids[0]], vec![ids[1], ids[1]], vec![ids[1], EntryId(i64::MAX)]] {
        assert!(catalogs[0].send(&wrong, time(3)).await.is_err(), "{wrong:?}");
        assert_eq!(states(&*catalogs[1]).await, [Sent, Staged, Staged], "none is marked");
    }
    let both = join_all((0..8).map(|n| catalogs[n % 2].send(&ids[1..], time(4)))).await;
    assert_eq!(both.iter().filter(|sent| sent.is_ok()).count(), 1, "an entry is sent at most once");
    assert_eq!(states(&*catalogs[1]).await, [Sent, Sent, Sent]);
    let sent = entries(&*catalogs[1], &EntryFilter::default()).await;
    assert_eq!(sent.iter().map(|entry| entry.sent_at).collect::<Vec<_>>(), [2, 4, 4].map(|n| Some(time(n))));
}

/// Clause 7.
pub async fn clause_07_outcomes_and_their_audit_are_written_together(fixture: &Fixture) {
    use EntryState::{Changed, Deleted, Gone, PutBack, Rescued, Restored, Sent, Staged};
    let catalog = &*fixture.open().await;
    let ids = stage(catalog, &here(), "packs/a", &["a", "b", "c", "d", "e", "f"]).await;
    catalog.send(&ids[..4], time(2)).await.expect("entries can be sent");
    for state in [Staged, Sent, Restored] {
        let wrong =
            catalog.settle(&[outcome(ids[1], Deleted), outcome(ids[0], state)], vec![draft("delete", "a")]).await;
        assert!(wrong.is_err(), "{state:?} is not an outcome");
    }
    let early = catalog.restored(ids[5], time(3), time(4), draft("restore", "f")).await;
    assert!(early.is_err(), "what was never sent cannot have been restored");
    assert!(chain(catalog).await.is_empty(), "an outcome that is refused leaves no audit");

    let outcomes = [Deleted, Gone, Changed, PutBack, Rescued].into_iter().zip(&ids);
    let outcomes: Vec<_> = outcomes.map(|(state, id)| outcome(*id, state)).collect();
    catalog.settle(&outcomes, vec![draft("delete", "a"), draft("rescue", "e")]).await.expect("they can be settled");
    assert_eq!(states(catalog).await, [Deleted, Gone, Changed, PutBack, Rescued, Staged]);
    assert_eq!(chain(catalog).await.len(), 2);
    let vaulted = catalog.vaulted(&here(), EntryId::default(), 9).await.expect("they can be listed");
    assert_eq!(vaulted, [(ids[0], key("a"))]);
    assert!(catalog.vaulted(&here(), ids[0], 9).await.expect("they can be listed").is_empty());
    assert!(catalog.vaulted(&there(), EntryId::default(), 9).await.expect("they can be listed").is_empty());

    for wrong in [vec![outcome(ids[5], Gone), outcome(ids[0], Gone)], vec![outcome(EntryId(i64::MAX), Gone)]] {
        assert!(catalog.settle(&wrong, vec![draft("gone", "a")]).await.is_err(), "{wrong:?}");
    }
    assert_eq!(states(catalog).await, [Deleted, Gone, Changed, PutBack, Rescued, Staged], "none is settled");
    assert_eq!(chain(catalog).await.len(), 2, "an outcome that is refused leaves no audit");

    let missing = catalog.restored(EntryId(i64::MAX), time(3), time(4), draft("restore", "a")).await;
    assert!(matches!(missing, Err(s3gc_core::catalog::Error::NotFound { .. })), "{missing:?}");
    let totals = catalog.totals(Some(&here())).await.expect("totals can be added up");
    assert_eq!((totals.deleted_objects, totals.deleted_bytes, totals.unsettled, totals.packs), (1, 10, 1, 1));
    assert_eq!(catalog.totals(Some(&there())).await.expect("totals can be added up"), Default::default());
}

/// Clause 8.
pub async fn clause_08_the_audit_chain_has_no_gaps(fixture: &Fixture) {
    let catalogs = [fixture.open().await, fixture.open().await];
    assert!(chain(&*catalogs[0]).await.is_empty());
    let appends = (0..20_usize).map(|n| {
        let drafts = (0..n).map(|m| draft("delete", &format!("{n}/{m}"))).collect();
        catalogs[n % 2].append_audit(drafts)
    });
    for appended in join_all(appends).await {
        appended.expect("entries can be appended");
    }
    let entries = chain(&*fixture.open().await).await;
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=190).collect::<Vec<_>>());
    let expected = draft("delete", "3/1");
    let filter = s3gc_core::catalog::AuditFilter {
        run: Some(run_id(0)),
        key: Some("3/1".into()),
        kind: Some("delete".into()),
        location: Some(here()),
    };
    let found = catalogs[0].audit(&filter, 0, 9).await.expect("entries can be listed");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].at, &found[0].detail), (expected.at, &expected.detail.to_string()));
    let rest = catalogs[0].audit(&Default::default(), 187, 2).await.expect("entries can be listed");
    assert_eq!(rest, entries[187..189]);
    let anonymous = s3gc_core::audit::AuditDraft { run: None, location: None, key: None, ..draft("run", "") };
    let head = catalogs[0].append_audit(vec![anonymous]).await.expect("an entry can be appended");
    assert_eq!((head.seq, chain(&*catalogs[1]).await.len()), (191, 191));
}

/// Clause 9.
pub async fn clause_09_unsettled_yields_what_is_staged_or_sent(fixture: &Fixture) {
    let catalog = &*fixture.open().await;
    let ids = stage(catalog, &here(), "packs/a", &["a", "b", "c", "d"]).await;
    stage(catalog, &there(), "packs/b", &["a"]).await;
    assert!(catalog.adopt(&pack("packs/c"), &[staged(&here(), "e")]).await.expect("a pack can be adopted"));
    assert!(!catalog.adopt(&pack("packs/a"), &[staged(&here(), "f")]).await.expect("a known pack can be met"));
    catalog.send(&ids[..2], time(2)).await.expect("entries can be sent");
    catalog.settle(&[outcome(ids[0], EntryState::Deleted)], vec![]).await.expect("an entry can be settled");
    catalog.settle(&[outcome(ids[2], EntryState::PutBack)], vec![]).await.expect("an entry can be settled");
    let found = catalog.unsettled(&here(), EntryId::default(), 9).await.expect("they can be listed");
    assert_eq!(found.iter().map(|entry| entry.id).collect::<Vec<_>>(), [ids[1], ids[3]]);
    assert_eq!(found.iter().map(|entry| entry.state).collect::<Vec<_>>(), [EntryState::Sent, EntryState::Staged]);
    assert_eq!(catalog.unsettled(&here(), EntryId::default(), 1).await.expect("they can be listed"), found[..1]);
    assert_eq!(catalog.unsettled(&here(), ids[1], 9).await.expect("they can be listed"), found[1..]);
}

/// Clause 10.
pub async fn clause_10_keys_are_compared_byte_by_byte(fixture: &Fixture) {
    let catalog = &*fixture.open().await;
    let mut names = vec![
        "a",
        "A",
        "a ",
        " a",
        "a\0",
        "a\0b",
        "a\0c",
        "a\n",
        "a/b",
        "a//b",
        "/a",
        "%",
        "a%",
        "a_",
        "é",
        "e\u{301}",
        "É",
        "10",
        "9",
        "1e1",
        "\u{feff}a",
        "z\u{10ffff}",
        "z\u{10ffff}\u{10ffff}",
        "日本",
        "🎉",
        "'",
        "\"",
        "\\",
        "null",
        "\0",
    ];
    names.sort_unstable();
    let objects: Vec<_> = names.iter().map(|name| seen(name, &Digest::of(name.as_bytes()).to_string(), 0)).collect();
    judge(catalog, 0, false, &objects[..1]).await;
    let mut expected = vec![time(1); names.len()];
    expected[0] = time(0);
    assert_eq!(judge(catalog, 1, false, &objects).await, expected);
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let clocks = catalog.clocks(&here(), &keys).await.expect("clocks can be read");
    for (clock, object) in clocks.iter().zip(&objects) {
        assert_eq!(clock.as_ref().map(|clock| &clock.etag), Some(&object.etag), "{:?}", object.key);
    }

    let ids = stage(catalog, &here(), "packs/a", &names).await;
    let outcomes: Vec<_> = ids.iter().map(|id| outcome(*id, EntryState::Deleted)).collect();
    catalog.settle(&outcomes, vec![]).await.expect("entries can be settled");
    for (name, id) in names.iter().zip(&ids) {
        let filter = EntryFilter { key: Some(key(name)), ..EntryFilter::default() };
        assert_eq!(entries(catalog, &filter).await.iter().map(|entry| entry.id).collect::<Vec<_>>(), [*id], "{name:?}");
        let filter = EntryFilter { prefix: Some((*name).to_owned()), location: Some(here()), ..EntryFilter::default() };
        let found = entries(catalog, &filter).await;
        let found: Vec<_> = found.iter().map(|entry| entry.entry.key.as_str()).collect();
        let expected: Vec<_> = names.iter().copied().filter(|other| other.starts_with(name)).collect();
        assert_eq!(found, expected, "with the prefix {name:?}");
        let restored = catalog.restored(*id, time(2), Timestamp::MAX, draft("restore", name)).await;
        restored.expect("a restore can be written");
    }
    let held = catalog.held_keys(&here(), time(3), None, 1000).await.expect("held keys can be listed");
    assert_eq!(held, keys, "in the order of their bytes");
    let rest = catalog.held_keys(&here(), time(3), Some(&keys[7]), 2).await.expect("held keys can be listed");
    assert_eq!(rest, keys[8..10]);
    assert_eq!(chain(catalog).await.len(), names.len());
    assert_eq!(since(catalog, &names).await, vec![None; names.len()]);
}

const KEPT: PackState = PackState::Kept;

fn marked(seconds: i64) -> PackState {
    PackState::Marked { at: time(seconds) }
}

fn pruning(seconds: i64) -> PackState {
    PackState::Pruning { at: time(seconds) }
}

fn pruned(seconds: i64) -> PackState {
    PackState::Pruned { at: time(seconds) }
}

/// Clause 11.
pub async fn clause_11_a_pack_moves_on_from_what_the_caller_expects(fixture: &Fixture) {
    let catalogs = [fixture.open().await, fixture.open().await];
    let catalog = &*catalogs[0];
    let adopted = Adoption { at: time(20), damage: Some("its index was cut".into()) };
    let found = PackRecord { adopted: Some(adopted), ..pack("packs/a") };
    assert!(catalog.adopt(&found, &[staged(&here(), "a")]).await.expect("a pack can be adopted"));
    assert_eq!(known(&*catalogs[1], "packs/a").await, found, "with how it was found");

    let all = [KEPT, marked(30), pruning(30), pruned(30)];
    for (from, to) in all.into_iter().flat_map(|from| all.map(|to| (from, to))).filter(|(from, to)| !from.leads_to(*to))
    {
        let wrong = catalog.move_pack(&found.name, from, to, draft("prune", "a")).await;
        assert!(wrong.is_err(), "{from:?} does not lead to {to:?}");
    }
    for wrong in [marked(30), pruning(30)] {
        let next = if wrong == marked(30) { pruning(31) } else { pruned(31) };
        assert!(!step(catalog, "packs/a", wrong, next).await, "it is not {wrong:?}");
    }
    let missing = catalog.move_pack(&file_name("packs/none"), KEPT, marked(30), draft("prune", "a")).await;
    assert!(matches!(missing, Err(s3gc_core::catalog::Error::NotFound { .. })), "{missing:?}");
    assert_eq!(known(catalog, "packs/a").await, found);
    assert!(chain(catalog).await.is_empty(), "a step that is not taken leaves no audit");

    let steps = [
        (KEPT, marked(30)),
        (marked(30), KEPT),
        (KEPT, marked(40)),
        (marked(40), pruning(50)),
        (pruning(50), KEPT),
        (KEPT, marked(60)),
        (marked(60), pruning(70)),
        (pruning(70), pruned(80)),
    ];
    for (number, (from, to)) in steps.into_iter().enumerate() {
        let name = file_name("packs/a");
        let both = join_all((0..8).map(|n| catalogs[n % 2].move_pack(&name, from, to, draft("prune", "a")))).await;
        let moved = both.into_iter().filter(|moved| *moved.as_ref().expect("a pack can be moved on"));
        assert_eq!(moved.count(), 1, "one of many callers moves it from {from:?} to {to:?}");
        assert_eq!(known(&*catalogs[1], "packs/a").await, PackRecord { state: to, ..found.clone() });
        assert_eq!(chain(&*catalogs[1]).await.len(), number + 1, "with its audit");
    }
    assert!(!step(catalog, "packs/a", marked(61), KEPT).await, "another time is another state");
}

/// Clause 12.
pub async fn clause_12_a_pack_that_is_needed_is_not_pruned(fixture: &Fixture) {
    let catalog = &*fixture.open().await;
    let ids = stage(catalog, &here(), "packs/a", &["a", "b"]).await;
    assert!(step(catalog, "packs/a", KEPT, marked(10)).await);
    assert!(!step(catalog, "packs/a", marked(10), pruning(20)).await, "both are staged");
    catalog.settle(&[outcome(ids[0], EntryState::PutBack)], vec![]).await.expect("an entry can be settled");
    assert!(!step(catalog, "packs/a", marked(10), pruning(20)).await, "one is staged");
    catalog.send(&ids[1..], time(11)).await.expect("an entry can be sent");
    assert!(!step(catalog, "packs/a", marked(10), pruning(20)).await, "one is sent");
    catalog.settle(&[outcome(ids[1], EntryState::Deleted)], vec![]).await.expect("an entry can be settled");

    catalog.hold_key(&here(), &key("b"), time(100)).await.expect("a key can be held");
    catalog.hold_key(&there(), &key("a"), time(1000)).await.expect("a key can be held");
    assert!(!step(catalog, "packs/a", marked(10), pruning(20)).await, "a key of it is held");
    assert!(!step(catalog, "packs/a", marked(10), pruning(99)).await, "and still is");
    assert_eq!(chain(catalog).await.len(), 1, "a step that is not taken leaves no audit");
    let copies = entries(catalog, &EntryFilter::default()).await;
    assert!(copies.iter().all(|entry| entry.pruned_at.is_none()), "the copies still count");
    assert!(step(catalog, "packs/a", marked(10), pruning(100)).await, "nothing needs it any more");

    // Of a restore, which holds the key first, and a prune one comes first, and the other one sees it.
    for round in 0..20 {
        let name = format!("packs/race-{round}");
        stage(catalog, &here(), &name, &["race"]).await;
        let id = entries(catalog, &EntryFilter { pack: Some(file_name(&name)), ..EntryFilter::default() }).await[0].id;
        catalog.settle(&[outcome(id, EntryState::Deleted)], vec![]).await.expect("an entry can be settled");
        assert!(step(catalog, &name, KEPT, marked(0)).await);
        let (location, raced) = (here(), key("race"));
        let at = 1000 * (round + 1);
        let restore = async {
            catalog.hold_key(&location, &raced, time(at + 1)).await.expect("a key can be held");
            let filter = EntryFilter { pack: Some(file_name(&name)), ..EntryFilter::default() };
            entries(catalog, &filter).await[0].pruned_at.is_some()
        };
        let (is_pruned, seen_pruned) = futures::join!(step(catalog, &name, marked(0), pruning(at)), restore);
        assert_eq!(is_pruned, seen_pruned, "round {round}: nobody reads what is being pruned");
    }
}

/// Clause 13.
pub async fn clause_13_what_was_pruned_counts_no_more(fixture: &Fixture) {
    let catalog = &*fixture.open().await;
    let ids = stage(catalog, &here(), "packs/a", &["a", "b"]).await;
    let kept = stage(catalog, &here(), "packs/b", &["b"]).await;
    let all = [outcome(ids[0], EntryState::Deleted), outcome(ids[1], EntryState::Deleted)];
    catalog.settle(&all, vec![]).await.expect("entries can be settled");
    catalog.settle(&[outcome(kept[0], EntryState::Deleted)], vec![]).await.expect("an entry can be settled");
    let before = catalog.totals(Some(&here())).await.expect("totals can be added up");

    for (from, to) in [(KEPT, marked(10)), (marked(10), pruning(20)), (pruning(20), pruned(30))] {
        assert!(step(catalog, "packs/a", from, to).await);
        let since = to.is_gone().then(|| time(20));
        let found = entries(catalog, &EntryFilter::default()).await;
        assert_eq!(found.iter().map(|entry| entry.pruned_at).collect::<Vec<_>>(), [since, since, None], "{to:?}");
        let filter = |is_pruned| EntryFilter { is_pruned: Some(is_pruned), ..EntryFilter::default() };
        let gone = entries(catalog, &filter(true)).await.len();
        assert_eq!((gone, entries(catalog, &filter(false)).await.len()), if since.is_some() { (2, 1) } else { (0, 3) });
        let vaulted = catalog.vaulted(&here(), EntryId::default(), 9).await.expect("they can be listed");
        let there = [(ids[0], key("a")), (ids[1], key("b")), (kept[0], key("b"))];
        assert_eq!(vaulted, if since.is_some() { &there[2..] } else { &there[..] }, "{to:?}");
        for location in [None, Some(&here())] {
            let now = catalog.totals(location).await.expect("totals can be added up");
            let packs = if since.is_some() { 1 } else { 2 };
            assert_eq!((now.packs, now.vault_bytes, now.original_bytes), (packs, packs * 1000, packs * 3000), "{to:?}");
            assert!(now.oldest_pack.is_some() && now.oldest_pack <= now.newest_pack, "{now:?}");
            assert_eq!((now.deleted_objects, now.deleted_bytes), (before.deleted_objects, before.deleted_bytes));
        }
        let again = catalog.adopt(&pack("packs/a"), &[staged(&here(), "a")]).await;
        assert!(!again.expect("a known pack can be met"), "{to:?}");
    }

    stage(catalog, &here(), "packs/c", &["c"]).await;
    let id = entries(catalog, &EntryFilter { key: Some(key("c")), ..EntryFilter::default() }).await[0].id;
    catalog.settle(&[outcome(id, EntryState::Deleted)], vec![]).await.expect("an entry can be settled");
    for (from, to) in [(KEPT, marked(10)), (marked(10), pruning(20)), (pruning(20), KEPT)] {
        assert!(step(catalog, "packs/c", from, to).await);
    }
    let back = entries(catalog, &EntryFilter { key: Some(key("c")), ..EntryFilter::default() }).await;
    assert_eq!(back[0].pruned_at, None, "the copy counts again");
    let vaulted = catalog.vaulted(&here(), kept[0], 9).await.expect("they can be listed");
    assert_eq!(vaulted, [(id, key("c"))]);
    assert_eq!(catalog.totals(None).await.expect("totals can be added up").packs, 2);
}

#[cfg(test)]
mod tests {
    use super::super::{clause_numbers, numbers_of};
    use super::*;

    #[test]
    fn every_clause_has_a_test() {
        let contract = clause_numbers(include_str!("../../../s3gc-core/src/catalog/mod.rs"), "Catalog");
        assert_eq!(numbers_of(CLAUSES), contract);
        assert_eq!(contract.len(), 13);
    }
}
