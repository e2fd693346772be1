//! Plays a history over the real engine.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use s3gc_core::{
    Error, Gc, MaxDelete, Mode, RestoreOptions, RestoreWhat, RetentionFrom, RunOptions, RunReport, Settings,
    VariantRules,
};

use crate::application::BUCKET;
use crate::database::{Mean, VARIANT};
use crate::history::{Episode, Event, History, Step, Versions, What};
use crate::oracle::{self, RETENTION, WINDOW};
use crate::points::SimCatalog;
use crate::source::SimSource;
use crate::store::SimStore;
use crate::vault::SimVault;
use crate::world::{Sim, Stats};

/// What came of a history.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) failure: Option<(&'static str, String)>,
    pub(crate) log: Vec<String>,
    pub(crate) stats: Stats,
}

/// How many rows that never change make the ratios of the brakes mean something.
const ANCHORS: usize = 30;

/// Plays a history to its end.
pub(crate) fn play(history: &History) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let shm = Path::new("/dev/shm");
    let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
    runtime.block_on(async {
        let mut sim = Sim::new(history.kind.clone(), true);
        let (base, path) = (sim.clone(), dir.path().to_owned());
        let other: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync> = Arc::new(move || {
            let (sim, path) = (base.clone(), path.clone());
            async move {
                let who = sim.begin(Mode::Execute, Vec::new());
                let result = gc(&sim, who, &path).run_cycle(RunOptions::mode(Mode::Execute)).await;
                tell(&sim, who, &result);
            }
            .boxed()
        });
        sim.with_other(&other);
        let player = Player { sim, dir: dir.path() };
        player.set_up(history);
        for episode in &history.episodes {
            player.episode(episode).await;
            if player.has_failed() {
                break;
            }
        }
        if !player.has_failed() {
            Box::pin(player.end()).await;
        }
        let mut world = player.sim.lock();
        let failure = world.oracle.failures.first().cloned();
        Outcome { failure, log: std::mem::take(&mut world.log), stats: world.stats.clone() }
    })
}

pub(crate) struct Player<'a> {
    pub(crate) sim: Sim,
    pub(crate) dir: &'a Path,
}

pub(crate) fn gc(sim: &Sim, who: usize, dir: &Path) -> Gc {
    let kind = sim.lock().kind.clone();
    let mut settings = Settings::new(BUCKET, dir.join("plans"));
    settings.work_dir = Some(dir.join("work"));
    settings.retention = RETENTION.unsigned_abs();
    settings.recheck_window = WINDOW.unsigned_abs();
    settings.max_delete = MaxDelete::Percent(100.0);
    // Compiled once: it would take most of the time of a history.
    static VARIANTS: OnceLock<VariantRules> = OnceLock::new();
    settings.variants = VARIANTS.get_or_init(|| VariantRules::new(vec![VARIANT.into()]).unwrap()).clone();
    settings.unconditional_delete = kind.unconditional;
    settings.wave_objects = kind.wave_objects;
    settings.fetch_concurrency = 2;
    settings.delete_concurrency = 2;
    if kind.last_modified {
        settings.retention_from = RetentionFrom::LastModified;
    }
    let mut builder = Gc::builder(settings).store(Arc::new(SimStore::new(sim, who)));
    for tables in kind.sources() {
        builder = builder.source(Arc::new(SimSource::new(sim, who, tables)));
    }
    builder
        .vault(Arc::new(SimVault::new(sim, who)))
        .catalog(Arc::new(SimCatalog::new(sim, who)))
        .clock(Arc::new(sim.clone()))
        .build()
        .unwrap()
}

/// Counts how a run ended.
fn tell(sim: &Sim, who: usize, result: &s3gc_core::Result<RunReport>) {
    let mut world = sim.lock();
    world.runs[who].ended = Some(world.now());
    match result {
        Ok(report) => {
            world.note(format_args!("{who} is {}: {:?}", report.state.as_str(), report.sweep.named));
            let brakes: Vec<&str> = report.brakes.iter().map(|brake| brake.name.as_str()).collect();
            if !brakes.is_empty() {
                world.note(format_args!("{who} brakes: {brakes:?}"));
                world.stats.blocked_runs += 1;
            }
        }
        Err(Error::Locked { .. }) => {
            world.note(format_args!("{who} is locked"));
            world.stats.locked_runs += 1;
        }
        Err(error) => {
            // A pack has another name each time.
            world.note(format_args!("{who} failed: {}", error.to_string().split("packs/").next().unwrap_or_default()));
            if error.is_stop() {
                world.stats.stopped_runs += 1;
            } else {
                world.stats.failed_runs += 1;
            }
        }
    }
}

impl Player<'_> {
    fn has_failed(&self) -> bool {
        !self.sim.lock().oracle.failures.is_empty()
    }

    pub(crate) fn set_up(&self, history: &History) {
        let mut world = self.sim.lock();
        world.upload("keep/anchor.jpg", 3);
        let anchor = || vec![Mean::Key("keep/anchor.jpg".into())];
        for _ in 0..ANCHORS {
            world.db.insert(None, 0, "keep/anchor.jpg".into(), anchor());
        }
        for table in 1..3 {
            world.db.insert(None, table, "keep/anchor.jpg".into(), anchor());
        }
        world.db.insert(None, 3, "keep/".into(), vec![Mean::Prefix("keep/".into())]);
        for step in &history.start {
            world.note(format_args!("{step:?}"));
            world.step(*step);
        }
    }

    async fn episode(&self, episode: &Episode) {
        tokio::time::advance(Duration::from_secs(60 * u64::from(episode.gap_minutes))).await;
        for step in &episode.before {
            let mut world = self.sim.lock();
            world.note(format_args!("{step:?}"));
            world.step(*step);
        }
        let gone: Vec<String> = oracle::restorable(&self.sim.lock()).into_keys().collect();
        if let Some(nth) = episode.restore.filter(|_| !gone.is_empty()) {
            let key = &gone[usize::from(nth) % gone.len()];
            let who = self.sim.begin(Mode::Execute, Vec::new());
            let result = gc(&self.sim, who, self.dir).restore_key(key, RestoreOptions::default()).await;
            let outcomes =
                result.map(|report| report.objects.into_iter().map(|object| object.outcome).collect::<Vec<_>>());
            self.sim.lock().note(format_args!("{who} restores {key}: {:?}", outcomes.ok()));
        }
        let options = RunOptions::mode(episode.mode);
        let result = self.run(episode.mode, episode.events.clone(), options).await;
        if episode.accept {
            self.accept(episode.mode, result).await;
        }
    }

    /// One run; `None` if its process died.
    async fn run(
        &self,
        mode: Mode,
        events: Vec<Event>,
        mut options: RunOptions,
    ) -> Option<s3gc_core::Result<RunReport>> {
        let is_told = |event: &Event| matches!(event.what, What::Crash { is_told: true, .. });
        let is_told = events.iter().any(is_told);
        let can_answer = !events.iter().any(|event| matches!(event.what, What::Fault(_) | What::Other { .. }));
        let who = self.sim.begin(mode, events);
        {
            let mut world = self.sim.lock();
            world.note(format_args!("{who} {mode}"));
            options.cancel = world.runs[who].cancel.clone();
            world.stats.two_sources += u32::from(world.kind.two_sources);
        }
        let gc = gc(&self.sim, who, self.dir);
        let result = tokio::select! {
            biased;
            () = self.sim.crashed() => None,
            result = gc.run_cycle(options) => Some(result),
        };
        drop(gc);
        // What it had begun ends now.
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        match &result {
            Some(result) => tell(&self.sim, who, result),
            None => self.sim.bury(who, is_told),
        }
        self.sim.finish_others().await;
        if result.is_some() && can_answer {
            self.sim.lock().check_cancelled(who);
        }
        result
    }

    /// A person looks at the brakes, and finds nothing wrong.
    async fn accept(&self, mode: Mode, result: Option<s3gc_core::Result<RunReport>>) -> bool {
        let Some(Ok(report)) = result else { return false };
        let (Some(plan), false) = (&report.plan, report.brakes.is_empty()) else { return false };
        let mut options = RunOptions::plan(&plan.path);
        options.mode = Some(if mode == Mode::DryRun { Mode::AuditOnly } else { mode });
        options.accept = report.brakes.iter().map(|brake| brake.name.clone()).collect();
        options.reason = Some("a simulated person says so".into());
        self.sim.lock().stats.accepted += 1;
        self.run(options.mode.unwrap(), Vec::new(), options).await;
        true
    }

    /// The application rests, nothing fails any more: what nobody needs is collected, and everything can be restored.
    async fn end(&self) {
        {
            let mut world = self.sim.lock();
            for name in [0, 1] {
                world.step(Step::Commit(name));
            }
            if world.kind.versions == Versions::Enabled {
                world.bucket.versions = Versions::Enabled;
            }
        }
        let can_delete = self.sim.lock().kind.can_delete();
        // The first finds what is on its way; clocks then start, after that it is young no more, and then it is due.
        for round in 0..8 {
            let hours = if round == 0 { 1 } else { 25 };
            tokio::time::advance(Duration::from_secs(3600 * hours)).await;
            let result = self.run(Mode::Execute, Vec::new(), RunOptions::mode(Mode::Execute)).await;
            match &result {
                Some(Err(error)) if can_delete => {
                    let text = error.to_string();
                    self.sim.lock().fail("i07", format_args!("a run in peace failed: {text}"));
                    return;
                }
                _ => {}
            }
            self.accept(Mode::Execute, result).await;
            if self.has_failed() {
                return;
            }
            let is_clean = self.sim.lock().is_settled();
            if round > 0 && is_clean || round > 1 && !can_delete {
                break;
            }
        }
        if can_delete {
            let mut world = self.sim.lock();
            if !world.is_settled() {
                let garbage = oracle::garbage(&world);
                world.fail("live", format_args!("never collected: {garbage:?}"));
            }
        }
        oracle::check_end(&self.sim).await;
        if self.has_failed() {
            return;
        }
        self.restore().await;
    }

    async fn restore(&self) {
        let expected = oracle::restorable(&self.sim.lock());
        // Many at a time, in the order in which threads are done with them.
        self.sim.lock().is_quiet = true;
        let who = self.sim.begin(Mode::Execute, Vec::new());
        let gc = gc(&self.sim, who, self.dir);
        let result = gc.restore(&RestoreWhat::Prefix(String::new()), &RestoreOptions::default()).await;
        let mut world = self.sim.lock();
        match result {
            Ok(report) if report.failed.objects > 0 => {
                world.fail("i06", format_args!("a restore failed: {:?}", report.objects));
            }
            Ok(_) => oracle::check_restored(&mut world, expected),
            Err(error) => world.fail("i06", format_args!("the restore failed: {error}")),
        }
    }
}
