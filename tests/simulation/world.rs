//! The world: all that lasts, and the points at which something happens to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use s3gc_core::{Clock, Mode};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bucket::Bucket;
use crate::catalog::Catalog;
use crate::database::{COLUMNS, Database, Snapshot};
use crate::history::{Event, Fault, Kind, Step, What};
use crate::oracle::Oracle;
use crate::vault::Files;

/// What is durable, and what the oracle knows of it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) kind: Kind,
    pub(crate) bucket: Bucket,
    pub(crate) db: Database,
    pub(crate) vault: Files,
    pub(crate) catalog: Arc<Mutex<Catalog>>,
    pub(crate) oracle: Oracle,
    pub(crate) log: Vec<String>,
    pub(crate) runs: Vec<Run>,
    /// Deletions that are on their way.
    pub(crate) late: Vec<Late>,
    /// When the application suspended the versions of the bucket.
    pub(crate) suspended: Option<Timestamp>,
    pub(crate) stats: Stats,
    pub(crate) is_crashed: bool,
    pub(crate) is_quiet: bool,
    stalled: Option<usize>,
    /// The run that took the lease last.
    pub(crate) holder: Option<usize>,
    now: Timestamp,
}

/// What is known of one run of a collector.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) mode: Mode,
    pub(crate) began: Timestamp,
    pub(crate) events: Vec<Event>,
    counts: BTreeMap<&'static str, u32>,
    /// What its census saw, by the first table of each source that is complete.
    pub(crate) census: BTreeMap<usize, Snapshot>,
    pub(crate) has_listed: bool,
    pub(crate) listed: Option<BTreeMap<String, (String, i64)>>,
    /// What its last looks saw, and when, by the first table of the source.
    pub(crate) looked: BTreeMap<usize, (Snapshot, Timestamp)>,
    /// The counter of the database when its last drain that was done began, by the first table of the source.
    pub(crate) drained: BTreeMap<usize, u64>,
    pub(crate) heads: BTreeMap<String, Timestamp>,
    /// Entries whose deletion it may have asked for, and that are not settled.
    pub(crate) sent: BTreeSet<i64>,
    pub(crate) writes: u32,
    /// Its host knows that its process died.
    pub(crate) is_told_dead: bool,
    /// When it ended by itself, and gave its lease back.
    pub(crate) ended: Option<Timestamp>,
    pub(crate) cancel: CancellationToken,
    pub(crate) was_cancelled: bool,
}

/// A deletion that lands later.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) at: Timestamp,
    pub(crate) who: usize,
    pub(crate) request: s3gc_store::DeleteRequest,
    pub(crate) means: s3gc_store::DeleteMeans,
}

/// How often something came to pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stats {
    pub(crate) deleted: u32,
    pub(crate) rescued: u32,
    pub(crate) changed: u32,
    pub(crate) crashed_in_sweep: u32,
    pub(crate) crashed: u32,
    pub(crate) unanswered: u32,
    pub(crate) restored: u32,
    pub(crate) failed_runs: u32,
    pub(crate) blocked_runs: u32,
    pub(crate) stopped_runs: u32,
    pub(crate) locked_runs: u32,
    pub(crate) accepted: u32,
    pub(crate) others: u32,
    pub(crate) cancelled: u32,
    pub(crate) two_sources: u32,
    /// The documented gaps: a transaction that wrote after the drain; the same bytes within the last moment; stores
    /// that compare nothing; versions that were suspended between a batch's check and its deletion.
    pub(crate) after_drain: u32,
    pub(crate) same_bytes: u32,
    pub(crate) compared_nothing: u32,
    pub(crate) suspended_late: u32,
}

/// The world as the parts of one collector see it.
#[derive(Clone)]
pub(crate) struct Sim {
    world: Arc<Mutex<World>>,
    /// Whether time stands still between two steps; not so in the contract tests.
    is_paused: bool,
    start: Instant,
    crash: Arc<Notify>,
    other: Weak<OtherFn>,
    others: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

type OtherFn = dyn Fn() -> BoxFuture<'static, ()> + Send + Sync;

/// When the world begins.
pub(crate) const EPOCH: i64 = 1_780_000_000;

impl Sim {
    pub(crate) fn new(kind: Kind, is_paused: bool) -> Self {
        let now = Timestamp::from_second(EPOCH).unwrap();
        let world = World {
            bucket: Bucket::new(kind.versions, kind.batch_etag, kind.single_etag),
            kind,
            db: Database::default(),
            vault: Files::default(),
            catalog: Arc::default(),
            oracle: Oracle::default(),
            log: Vec::new(),
            runs: Vec::new(),
            late: Vec::new(),
            suspended: None,
            stats: Stats::default(),
            is_crashed: false,
            is_quiet: false,
            stalled: None,
            holder: None,
            now,
        };
        let nobody: Weak<OtherFn> = Weak::<fn() -> BoxFuture<'static, ()>>::new();
        let world = Arc::new(Mutex::new(world));
        Self { world, is_paused, start: Instant::now(), crash: Arc::default(), others: Arc::default(), other: nobody }
    }

    /// Tells how another collector runs.
    pub(crate) fn with_other(&mut self, other: &Arc<OtherFn>) {
        self.other = Arc::downgrade(other);
    }

    /// The world, at this moment: what was on its way until now has landed.
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.now = self.now();
        world.land();
        world
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.is_paused
    }

    /// Begins a run; returns its number.
    pub(crate) fn begin(&self, mode: Mode, events: Vec<Event>) -> usize {
        let mut world = self.lock();
        let began = world.now;
        world.runs.push(Run { mode, began, events, ..Run::default() });
        world.runs.len() - 1
    }

    /// Waits for the crash of a run.
    pub(crate) async fn crashed(&self) {
        self.crash.notified().await;
    }

    /// Lets time go by, with everything that has to happen in it.
    pub(crate) async fn pass(&self, time: Duration) {
        let mut left = time;
        while self.is_paused && !left.is_zero() {
            let step = left.min(Duration::from_secs(10));
            tokio::time::advance(step).await;
            left -= step;
        }
    }

    /// A call begins: counts it, lets happen what is due at it, and returns the fault that it meets.
    pub(crate) async fn enter(&self, who: usize, op: &'static str) -> Option<Fault> {
        self.resume(who).await;
        let (due, pause) = {
            let mut world = self.lock();
            let run = world.runs.get_mut(who)?;
            let count = run.counts.entry(op).or_default();
            *count += 1;
            let nth = *count;
            let is_due = |event: &Event| event.op == op && event.nth == nth;
            let due: Vec<What> = run.events.iter().filter(|event| is_due(event)).map(|e| e.what.clone()).collect();
            let pause = u64::from(nth) * 7 % 11 + 1;
            world.note(format_args!("{who} {op} {nth}"));
            (due, pause)
        };
        self.pass(Duration::from_millis(pause)).await;
        let mut fault = None;
        for what in due {
            match what {
                What::App(step) => {
                    let mut world = self.lock();
                    world.note(format_args!("  {step:?}"));
                    world.step(step);
                }
                What::Pass(seconds) => self.pass(Duration::from_secs(seconds.into())).await,
                What::Fault(found) => fault = fault.or(Some(found)),
                What::Cancel => self.cancel(who),
                What::Crash { after: false, .. } => self.die(who).await,
                // See `leave`.
                What::Crash { after: true, .. } => {}
                What::Other { stall } => self.stall(who, stall).await,
            }
        }
        fault
    }

    /// The effect of a call has happened, and nobody has heard of it yet.
    pub(crate) async fn leave(&self, who: usize, op: &'static str) {
        let is_due = {
            let world = self.lock();
            let Some(run) = world.runs.get(who) else { return };
            let nth = run.counts.get(op).copied().unwrap_or_default();
            let dies = |event: &Event| matches!(event.what, What::Crash { after: true, .. });
            run.events.iter().any(|event| event.op == op && event.nth == nth && dies(event))
        };
        if is_due {
            self.die(who).await;
        }
    }

    /// A process that stands still makes no calls.
    pub(crate) async fn resume(&self, who: usize) {
        while self.is_paused && self.lock().stalled == Some(who) {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }

    fn cancel(&self, who: usize) {
        let mut world = self.lock();
        world.note(format_args!("  {who} is asked to end"));
        world.stats.cancelled += 1;
        world.runs[who].was_cancelled = true;
        world.runs[who].cancel.cancel();
    }

    async fn die(&self, who: usize) {
        {
            let mut world = self.lock();
            world.note(format_args!("  {who} dies"));
            world.is_crashed = true;
            world.stats.crashed += 1;
            if !world.runs[who].sent.is_empty() {
                world.stats.crashed_in_sweep += 1;
            }
        }
        self.crash.notify_one();
        std::future::pending::<()>().await;
    }

    /// The process stands still; after some time another collector begins, and soon after that it goes on.
    async fn stall(&self, who: usize, seconds: u32) {
        let Some(other) = self.other.upgrade() else { return };
        if self.lock().stalled.is_some() {
            return;
        }
        {
            let mut world = self.lock();
            world.note(format_args!("  {who} stands still for {seconds} s"));
            world.stalled = Some(who);
            world.stats.others += 1;
        }
        self.pass(Duration::from_secs(seconds.into())).await;
        let other = tokio::spawn(other());
        self.others.lock().unwrap_or_else(PoisonError::into_inner).push(other);
        self.pass(Duration::from_secs(20)).await;
        self.lock().stalled = None;
    }

    /// Waits for the collectors that began meanwhile.
    pub(crate) async fn finish_others(&self) {
        let others = std::mem::take(&mut *self.others.lock().unwrap_or_else(PoisonError::into_inner));
        for other in others {
            other.await.unwrap();
        }
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").finish_non_exhaustive()
    }
}

impl Clock for Sim {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.start.elapsed()).unwrap();
        Timestamp::from_second(EPOCH).unwrap().checked_add(passed).unwrap()
    }

    fn boot(&self) -> Duration {
        self.start.elapsed()
    }
}

impl Kind {
    /// The tables of each source.
    pub(crate) fn sources(&self) -> Vec<Range<usize>> {
        let all = COLUMNS.len();
        let first = if self.two_sources { 2 } else { all };
        [0..first, first..all].into_iter().filter(|tables| !tables.is_empty()).collect()
    }

    /// The source that has this table, by its first table.
    pub(crate) fn source_of(&self, table: usize) -> usize {
        self.sources().into_iter().find(|tables| tables.contains(&table)).map_or(0, |tables| tables.start)
    }
}

impl World {
    /// The time of the host.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The time of the store.
    pub(crate) fn store_now(&self) -> Timestamp {
        self.now.checked_add(SignedDuration::from_secs(self.kind.skew.into())).unwrap()
    }

    pub(crate) fn note(&mut self, what: fmt::Arguments<'_>) {
        if self.is_quiet {
            return;
        }
        let millis = self.now.as_millisecond() - EPOCH * 1000;
        self.log.push(format!("{:>12.3} {what}", Duration::from_millis(millis.unsigned_abs()).as_secs_f64()));
    }

    /// Transactions last for seconds or minutes, a few for longer than the collector waits.
    fn end_transactions(&mut self) {
        let (now, mut ended) = (self.now, Vec::new());
        for (name, open) in &mut self.db.open {
            let seconds = 5 + i64::try_from(open.wrote * 7919 % 31).unwrap().pow(2) * 3 / 4;
            let ends = *open.ends.get_or_insert(now + SignedDuration::from_secs(seconds));
            if ends <= now {
                ended.push((*name, open.wrote.is_multiple_of(7)));
            }
        }
        for (name, fails) in ended {
            let step = if fails { Step::Rollback(name) } else { Step::Commit(name) };
            self.note(format_args!("  {step:?}"));
            self.step(step);
        }
    }

    fn land(&mut self) {
        self.end_transactions();
        let now = self.now;
        while let Some(at) = self.late.iter().position(|late| late.at <= now) {
            let late = self.late.remove(at);
            self.note(format_args!("  late: {:?}", late.request));
            // Nobody waits for the answer.
            let _outcome: s3gc_store::DeleteOutcome = self.delete(late.who, &late.request, late.means, true);
        }
    }
}

impl Sim {
    /// A process has died; with `is_told` its host knows it.
    pub(crate) fn bury(&self, who: usize, is_told: bool) {
        let mut world = self.lock();
        world.runs[who].is_told_dead = is_told;
        (world.is_crashed, world.stalled) = (false, None);
        if is_told {
            for lease in world.catalog.lock().unwrap().leases.values_mut() {
                lease.pid_start += 1;
            }
        }
    }
}

impl World {
    /// Nothing is left to collect, and nothing waits for an answer.
    pub(crate) fn is_settled(&self) -> bool {
        use s3gc_core::catalog::EntryState;
        let catalog = self.catalog.lock().unwrap();
        let waits = |state: EntryState| matches!(state, EntryState::Staged | EntryState::Sent);
        crate::oracle::garbage(self).is_empty() && !catalog.entries.iter().any(|entry| waits(entry.state))
    }
}

impl Stats {
    pub(crate) fn add(&mut self, other: &Self) {
        self.deleted += other.deleted;
        self.rescued += other.rescued;
        self.changed += other.changed;
        self.crashed_in_sweep += other.crashed_in_sweep;
        self.crashed += other.crashed;
        self.unanswered += other.unanswered;
        self.restored += other.restored;
        self.failed_runs += other.failed_runs;
        self.blocked_runs += other.blocked_runs;
        self.stopped_runs += other.stopped_runs;
        self.locked_runs += other.locked_runs;
        self.accepted += other.accepted;
        self.others += other.others;
        self.cancelled += other.cancelled;
        self.two_sources += other.two_sources;
        self.after_drain += other.after_drain;
        self.same_bytes += other.same_bytes;
        self.compared_nothing += other.compared_nothing;
        self.suspended_late += other.suspended_late;
    }
}
