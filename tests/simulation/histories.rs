//! The tests: many histories, and the smallest one that fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::history::History;
use crate::play::{Outcome, play};
use crate::world::Stats;

/// How many histories are played, and which is the first.
const HISTORIES: u64 = 2000;
/// Of so few no share can be told.
const ENOUGH: u64 = 1000;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

fn play_safely(history: &History) -> Outcome {
    catch_unwind(AssertUnwindSafe(|| play(history))).unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        let text = text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let failure = Some(("panic", text.unwrap_or_default()));
        Outcome { failure, log: Vec::new(), stats: Stats::default() }
    })
}

/// How many histories saw something.
#[derive(Debug, Default)]
struct Shares {
    played: u64,
    deleted: u64,
    rescued: u64,
    changed: u64,
    crashed_in_sweep: u64,
    lying: u64,
    cancelled: u64,
    two_sources: u64,
    total: Stats,
}

impl Shares {
    fn add(&mut self, history: &History, stats: &Stats) {
        let saw = |count: u32| u64::from(count > 0);
        self.played += 1;
        self.deleted += saw(stats.deleted);
        self.rescued += saw(stats.rescued);
        self.changed += saw(stats.changed);
        self.crashed_in_sweep += saw(stats.crashed_in_sweep);
        self.lying += u64::from(history.kind.is_lying());
        self.cancelled += saw(stats.cancelled);
        self.two_sources += saw(stats.two_sources);
        self.total.add(stats);
    }
}

#[test]
fn i01_no_history_loses_an_object() {
    let first = variable("S3GC_SIM_SEED").unwrap_or(1);
    let count = variable("S3GC_SIM_HISTORIES").unwrap_or(HISTORIES);
    let (next, is_over) = (AtomicU64::new(first), AtomicBool::new(false));
    let (shares, failed) = (Mutex::new(Shares::default()), Mutex::new(None));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let history = History::generate(seed);
                    let outcome = play_safely(&history);
                    shares.lock().unwrap().add(&history, &outcome.stats);
                    if outcome.failure.is_some() {
                        is_over.store(true, Ordering::Relaxed);
                        failed.lock().unwrap().get_or_insert(history);
                    }
                }
            });
        }
    });
    let shares = shares.into_inner().unwrap();
    println!("{} histories in {:.1} s: {shares:#?}", shares.played, begun.elapsed().as_secs_f64());
    if let Some(history) = failed.into_inner().unwrap() {
        report(history);
    }
    if count >= ENOUGH {
        let seen = [
            ("deletions", shares.deleted),
            ("rescues", shares.rescued),
            ("changed objects", shares.changed),
            ("crashes in a sweep", shares.crashed_in_sweep),
            ("lying stores", shares.lying),
            ("runs that were cancelled", shares.cancelled),
            ("two sources", shares.two_sources),
        ];
        for (what, histories) in seen {
            assert!(histories * 20 >= shares.played, "{what} in only {histories} of {} histories", shares.played);
        }
    }
}

/// Shows the smallest history that fails in the same way.
fn report(history: History) {
    let seed = history.seed;
    let (smallest, outcome, played) = shrink(history, variable("S3GC_SIM_SHRINK").unwrap_or(600));
    let (invariant, what) = outcome.failure.unwrap();
    for line in &outcome.log {
        println!("{line}");
    }
    println!("{smallest:#?}");
    println!("seed {seed} breaks {invariant}: {what}");
    println!("the smallest history of {played} that were tried is above; to replay it:");
    println!(
        "S3GC_SIM_SEED={seed} S3GC_SIM_HISTORIES=1 cargo test -p s3gc-simulation --test simulation i01_no_history -- \
         --nocapture"
    );
    panic!("seed {seed} breaks {invariant}: {what}");
}

/// Takes one thing after the other away, as long as the history fails in the same way.
fn shrink(history: History, tries: u64) -> (History, Outcome, u64) {
    let (mut smallest, mut outcome, mut played) = (history.clone(), play_safely(&history), 1);
    let Some((invariant, _)) = outcome.failure else { panic!("seed {} fails only sometimes", history.seed) };
    'again: loop {
        for smaller in smallest.smaller() {
            if played > tries {
                break 'again;
            }
            played += 1;
            let found = play_safely(&smaller);
            if found.failure.as_ref().is_some_and(|(kind, _)| *kind == invariant) {
                (smallest, outcome) = (smaller, found);
                continue 'again;
            }
        }
        break;
    }
    (smallest, outcome, played)
}

/// Not a test of its own: shows the events of one seed.
#[test]
fn show() {
    if let Some(seed) = variable("S3GC_SIM_SHOW") {
        let history = History::generate(seed);
        println!("{history:#?}");
        let outcome = play(&history);
        println!("{}\n{:?}\n{:#?}", outcome.log.join("\n"), outcome.failure, outcome.stats);
    }
}

#[test]
fn i07_a_seed_is_the_same_history_each_time() {
    for seed in 1..=20 {
        let history = History::generate(seed);
        assert_eq!(history, History::generate(seed));
        let (first, second) = (play(&history), play(&history));
        for (line, (one, two)) in first.log.iter().zip(&second.log).enumerate() {
            assert_eq!(one, two, "seed {seed}, line {line}");
        }
        assert_eq!(first.log.len(), second.log.len(), "seed {seed}");
        assert_eq!(first.stats, second.stats, "seed {seed}");
    }
}
