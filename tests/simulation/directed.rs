//! What no history does by itself.

use std::time::Duration;

use s3gc_core::catalog::Catalog as _;
use s3gc_core::{Location, Mode, ObjectKey, RunOptions};

use crate::application::{BUCKET, KEYS};
use crate::catalog::MemoryCatalog;
use crate::history::{Episode, Event, Fault, History, Kind, Pick, Step, Versions, What};
use crate::play::{Player, gc, play};
use crate::world::Sim;

/// A plan only shrinks: what it lists and has no clock any more, since it was restored for example, stays.
#[tokio::test(start_paused = true)]
async fn l17_an_object_whose_clock_was_erased_after_the_plan_is_not_deleted() {
    let mut history = History::generate(1);
    history.start = (0..3).map(|slot| Step::Upload { pick: Pick::Slot(slot), body: 9 }).collect();
    let (sim, dir) = (Sim::new(history.kind.clone(), true), tempfile::tempdir().unwrap());
    {
        let mut world = sim.lock();
        (world.kind.last_modified, world.kind.wave_objects) = (false, 6);
        (world.bucket.batch_etag, world.bucket.single_etag) = (true, true);
    }
    Player { sim: sim.clone(), dir: dir.path() }.set_up(&history);
    let mut plan = None;
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(25 * 3600)).await;
        let who = sim.begin(Mode::DryRun, Vec::new());
        plan = gc(&sim, who, dir.path()).run_cycle(RunOptions::default()).await.unwrap().plan;
    }
    let plan = plan.unwrap();
    assert_eq!(plan.entries, 3);
    let catalog = MemoryCatalog(sim.lock().catalog.clone());
    catalog.erase_clocks(&Location::aws(BUCKET), &[ObjectKey::new(KEYS[1]).unwrap()]).await.unwrap();
    let who = sim.begin(Mode::Execute, Vec::new());
    let report = gc(&sim, who, dir.path()).run_cycle(RunOptions::plan(&plan.path)).await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 2, "{:?}", report.sweep);
    let world = sim.lock();
    let there: Vec<bool> = KEYS[..3].iter().map(|key| world.bucket.object(key).is_some()).collect();
    assert_eq!(there, [false, true, false]);
}

/// A collector dies with a request on its way; a dry run takes the lease over and gives it back; the next run deletes
/// nothing before the request has landed.
#[test]
fn i09_a_run_that_deletes_nothing_does_not_end_the_wait_for_a_dead_collector() {
    let mut history = History::generate(1);
    history.kind = Kind {
        versions: Versions::Enabled,
        batch_etag: false,
        single_etag: false,
        unconditional: false,
        locks: false,
        skew: 0,
        wave_objects: 1,
        last_modified: true,
        two_sources: false,
    };
    history.start = [3, 6].map(|slot| Step::Upload { pick: Pick::Slot(slot), body: 9 }).to_vec();
    let dies = What::Crash { after: false, is_told: false };
    let events = vec![
        Event { op: "delete", nth: 1, what: What::Fault(Fault::Late(900)) },
        Event { op: "stage", nth: 2, what: dies },
    ];
    let episode = |gap_minutes, mode| Episode {
        gap_minutes,
        before: Vec::new(),
        restore: None,
        mode,
        events: Vec::new(),
        accept: true,
    };
    history.episodes = vec![
        episode(25 * 60, Mode::DryRun),
        Episode { events, ..episode(60, Mode::Execute) },
        episode(6, Mode::DryRun),
        episode(1, Mode::Execute),
    ];
    let outcome = play(&history);
    assert_eq!(outcome.failure, None, "{}", outcome.log.join("\n"));
    assert_eq!((outcome.stats.crashed, outcome.stats.deleted), (1, 2), "{}", outcome.log.join("\n"));
}
