//! One cycle: lease, preflight, recovery, census, judgement, brakes, plan; then, in `execute`, the waves.

use std::collections::BTreeSet;
use std::sync::Arc;

use s3gc_failpoint::{Point, hit};
use s3gc_store::Timestamp;
use serde_json::json;

use crate::audit::AuditDraft;
use crate::brakes::{Baseline, Brake, BrakeInput};
use crate::catalog::{CensusRecord, EntryRecord, Mode, PlanRecord, PlanState, RunRecord, RunState};
use crate::census::{Census, CensusTask};
use crate::gc::{Parts, RunContext, RunOptions};
use crate::judge::{HoldSet, Judge, Judged};
use crate::lease::HeldLease;
use crate::plan::{PlanFile, PlanHeader};
use crate::preflight::{MAX_SKEW, Preflight};
use crate::progress::{Event, Phase};
use crate::ramp::RampStatus;
use crate::report::{PlanSummary, RecoverReport, RunReport, SweepReport, chain};
use crate::resurrect::ResurrectionReport;
use crate::sentinel::Sentinel;
use crate::settings::RetentionFrom;
use crate::{Error, Result, RunId, apply, fence, migration, ramp, recover, resurrect};

/// How long a plan is good for.
const PLAN_LIFE: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);
/// The longest gap between complete censuses over which a clock goes on, unless the retention is longer.
const MAX_GAP: std::time::Duration = std::time::Duration::from_secs(15 * 24 * 60 * 60);

/// Runs a cycle or a plan, and records how it ended.
pub(crate) async fn run(parts: &Arc<Parts>, options: RunOptions) -> Result<RunReport> {
    let mode = options.mode.unwrap_or(parts.settings.mode);
    let started_at = parts.clock.now();
    let id = RunId::at(started_at);
    let lease = HeldLease::acquire(parts, id, options.wait_lock, mode == Mode::Execute).await?;
    let mut report = RunReport {
        run: id,
        bucket: parts.settings.name.clone(),
        location: parts.store.location().clone(),
        mode,
        state: RunState::Running,
        started_at,
        ended_at: started_at,
        counts: crate::judge::JudgeCounts::default(),
        sources: Vec::new(),
        unwatched: Vec::new(),
        brakes: Vec::new(),
        plan: None,
        sweep: SweepReport::default(),
        recovered: RecoverReport::default(),
        resurrected: ResurrectionReport::default(),
        ramp: None,
        audit: None,
        notes: lease.note.clone().into_iter().collect(),
    };
    let mut record = RunRecord {
        id,
        location: parts.store.location().clone(),
        mode,
        state: RunState::Running,
        started_at,
        ended_at: None,
        report: None,
        error: None,
    };
    options.progress.emit(&Event::Started { run: id, bucket: parts.settings.name.clone() });
    tracing::info!(run_id = %id, %mode, location = %parts.store.location(), "run");
    let result = async {
        parts.catalog.put_run(&record).await?;
        hit(Point::RunRecorded);
        cycle(parts, &options, mode, &lease, &mut report).await
    };
    let result = result.await;
    report.ended_at = parts.clock.now();
    report.state = match &result {
        Ok(state) => *state,
        Err(Error::Cancelled) => RunState::Cancelled,
        Err(error) if error.is_stop() => RunState::Blocked,
        Err(_) => RunState::Failed,
    };
    record.state = report.state;
    record.ended_at = Some(report.ended_at);
    record.report = serde_json::to_value(&report).ok();
    record.error = result.as_ref().err().map(|error| chain(error));
    // The run's own failure is the one to tell, whatever fails while it is recorded.
    hit(Point::RunClosing);
    let recorded = parts.catalog.put_run(&record).await.map_err(Error::from);
    hit(Point::RunClosed);
    let learned = ramp::learn(parts, &report, &options, result.as_ref().err()).await;
    let head = parts.catalog.audit_head().await;
    let released = lease.release().await;
    result?;
    recorded?;
    learned?;
    released?;
    report.audit = Some(head?);
    Ok(report)
}

async fn cycle(
    parts: &Arc<Parts>,
    options: &RunOptions,
    mode: Mode,
    lease: &HeldLease,
    report: &mut RunReport,
) -> Result<RunState> {
    let mut run = RunContext {
        id: report.run,
        progress: options.progress.clone(),
        cancel: options.cancel.clone(),
        work_dir: parts.work_dir()?,
        audit_head: Some(parts.catalog.audit_head().await?.hash.to_string()),
        plan_hash: None,
        cap: None,
    };
    run.progress.phase(Phase::Preflight, None);
    let mut locks = lock_sources(parts).await?;
    let preflight = Preflight::run(parts, mode).await?;
    if mode == Mode::Execute {
        fence::check(parts).await?;
    }
    run.progress.finished(Phase::Preflight);
    if let Some(path) = &options.plan {
        let plan = PlanFile::open(path)?;
        check_plan(parts, options, &preflight, &plan, mode).await?;
        report.counts = plan.header.counts.clone();
        report.sources.clone_from(&plan.header.sources);
        report.brakes.clone_from(&plan.header.brakes);
        report.plan = Some(summary(&plan));
        // Whoever accepts the brakes of a plan says that the sources are the right ones.
        recover(parts, &run, &preflight, mode, true, report).await?;
        accept(parts, options, &preflight, &plan).await?;
        run.plan_hash = Some(plan.hash);
        return act(parts, &run, &preflight, lease, &mut locks, &plan, mode, report).await;
    }
    recover(parts, &run, &preflight, mode, false, report).await?;
    let (plan, resurrected) = make_plan(parts, options, mode, &run, &preflight, report).await?;
    report.plan = Some(summary(&plan));
    resurrect::bring_back(parts, &run, &preflight, mode, resurrected, report).await?;
    if !report.brakes.is_empty() {
        return Ok(RunState::Blocked);
    }
    if report.recovered.waiting > 0 {
        recover(parts, &run, &preflight, mode, true, report).await?;
    }
    run.plan_hash = Some(plan.hash);
    if options.scheduled {
        report.ramp = ramp::status(parts).await?;
        run.cap = report.ramp.as_ref().map(RampStatus::left_today);
    }
    let state = act(parts, &run, &preflight, lease, &mut locks, &plan, mode, report).await?;
    let is_partial = state == RunState::Done && report.resurrected.failed.objects > 0;
    Ok(if is_partial { RunState::Partial } else { state })
}

async fn recover(
    parts: &Arc<Parts>,
    run: &RunContext,
    preflight: &Preflight,
    mode: Mode,
    may_look: bool,
    report: &mut RunReport,
) -> Result<()> {
    let powers = recover::Powers { may_write: mode == Mode::Execute, may_look };
    recover::recover(parts, run, powers, preflight.store.versioning, &mut report.recovered).await?;
    if mode == Mode::Execute {
        fence::recover(parts, run, &mut report.sweep).await?;
    }
    Ok(())
}

/// Takes the lock of the location in each database that has locks: against collectors with other catalogs and vaults.
pub(crate) async fn lock_sources(parts: &Parts) -> Result<Vec<Box<dyn s3gc_source::SourceLock>>> {
    let name = format!("s3gc:{}", parts.store.location());
    let mut locks = Vec::new();
    for source in &parts.sources {
        locks.extend(source.lock(&name).await.map_err(|error| as_locked(parts, error))?);
    }
    Ok(locks)
}

fn as_locked(parts: &Parts, error: s3gc_source::Error) -> Error {
    match error {
        s3gc_source::Error::Locked { source_name, .. } => Error::Locked {
            location: parts.store.location().to_string(),
            holder: format!("another s3gc holds the lock in the database of {source_name}"),
        },
        error => error.into(),
    }
}

fn summary(plan: &PlanFile) -> PlanSummary {
    PlanSummary {
        path: plan.path.display().to_string(),
        hash: plan.hash,
        entries: plan.entries,
        expires_at: plan.header.expires_at,
    }
}

/// Takes the census, judges it, and writes the plan.
async fn make_plan(
    parts: &Arc<Parts>,
    options: &RunOptions,
    mode: Mode,
    run: &RunContext,
    preflight: &Preflight,
    report: &mut RunReport,
) -> Result<(PlanFile, Vec<EntryRecord>)> {
    let now = preflight.now(parts);
    let task = CensusTask {
        store: &parts.store,
        sources: &parts.sources,
        settings: &parts.settings,
        work_dir: &run.work_dir,
        progress: &run.progress,
        cancel: &run.cancel,
    };
    let (mut census, sentinel) = tokio::try_join!(task.run(), Sentinel::sample(parts))?;
    sentinel.add_to(&mut census.matches);
    census.matches = census.matches.finish();
    let (judged, last) = judge(parts, options, run, &mut census, now).await?;
    let resurrected = resurrect::find(parts, run, &mut census).await?;
    let Judged { counts, mut due, clocks } = judged;
    for source in &mut census.sources {
        for column in &mut source.columns {
            (column.sampled, column.matched) = census.matches.result(&column.column);
        }
    }
    let baseline = Baseline { counts, sources: census.sources };
    let mut settings = parts.settings.clone();
    settings.max_delete = options.max_delete.unwrap_or(settings.max_delete);
    let last_good: Option<Baseline> = last.as_ref().and_then(|last| serde_json::from_value(last.counts.clone()).ok());
    let input = BrakeInput {
        settings: &settings,
        now: &baseline,
        last_good: last_good.as_ref(),
        config_hash: &parts.config_hash,
        last_config_hash: last.as_ref().map(|last| &last.config_hash),
        is_execute: mode == Mode::Execute,
    };
    let mut brakes = preflight.brakes.clone();
    brakes.extend(input.check());
    let (unwatched, holding) = sentinel.judge(&census.matches);
    brakes.extend(holding);
    for census in &unwatched {
        if census.out_of_time > 0 {
            run.progress
                .note(format!("{}: {} unwatched columns were not reached in time", census.source, census.out_of_time));
        }
        for (column, reason) in &census.failed {
            run.progress
                .note(format!("{}: {column} is not watched, and could not be looked at: {reason}", census.source));
        }
    }
    let record = CensusRecord {
        run: run.id,
        completed_at: now,
        config_hash: parts.config_hash,
        counts: serde_json::to_value(&baseline).map_err(|error| Error::Internal(error.to_string()))?,
    };
    // What trips on the references must not become the measure of the next run.
    let is_good = brakes.iter().all(is_about_size);
    // A census that is taken during a migration says nothing of what is unreferenced.
    if brakes.iter().all(|brake| brake.name != migration::NAME) {
        hit(Point::ClocksCommitting);
        clocks.commit(is_good.then_some(&record)).await?;
        hit(Point::ClocksCommitted);
    }
    if is_good {
        for pin in preflight.pins.iter().chain(&sentinel.pins(parts)) {
            parts.catalog.set_pin(parts.store.location(), pin).await?;
        }
    }
    hit(Point::PinsWritten);
    let header = PlanHeader {
        format: 0,
        tool: concat!("s3gc ", env!("CARGO_PKG_VERSION")).into(),
        run: run.id,
        catalog: parts.catalog.id(),
        bucket: parts.settings.name.clone(),
        location: parts.store.location().clone(),
        identities: preflight.identities(),
        config_hash: parts.config_hash,
        created_at: now,
        expires_at: now.checked_add(PLAN_LIFE).unwrap_or(now),
        brakes: brakes.clone(),
        counts: baseline.counts.clone(),
        sources: baseline.sources.clone(),
    };
    let path = options.out.clone().unwrap_or_else(|| parts.plan_path(run.id));
    hit(Point::PlanWriting);
    let plan = PlanFile::write(&path, header, &mut due)?;
    hit(Point::PlanWritten);
    let plan_record = PlanRecord {
        hash: plan.hash,
        run: run.id,
        location: parts.store.location().clone(),
        created_at: now,
        state: PlanState::Fresh,
    };
    parts.catalog.put_plan(&plan_record).await?;
    hit(Point::PlanRecorded);
    (report.counts, report.sources, report.brakes) = (baseline.counts, baseline.sources, brakes);
    report.unwatched = unwatched;
    Ok((plan, resurrected))
}

/// Brakes on the size of a plan say nothing against the census itself.
fn is_about_size(brake: &Brake) -> bool {
    matches!(brake.name.as_str(), "orphans" | "orphan_bytes" | "max_count" | "max_bytes")
}

async fn judge(
    parts: &Arc<Parts>,
    options: &RunOptions,
    run: &RunContext,
    census: &mut Census,
    now: Timestamp,
) -> Result<(Judged, Option<CensusRecord>)> {
    let location = parts.store.location();
    run.progress.phase(Phase::Judge, Some(census.spool.count()));
    let last = parts.catalog.last_census(location).await?;
    let restart_all = last.as_ref().is_some_and(|last| is_gap(last.completed_at, now, parts.settings.retention));
    if restart_all {
        run.progress.note("every clock starts anew: the last complete census is too long ago, or in the future");
    }
    let holds = HoldSet::load(&*parts.catalog, location, &parts.settings, &run.work_dir, now).await?;
    let clocks = parts.catalog.judge(location, run.id, now, restart_all).await?;
    let mut judge = Judge { settings: &parts.settings, holds, only: options.prefix.as_ref(), now };
    let step = |done| run.progress.advance(Phase::Judge, done, 0);
    let judged = judge.run(census, clocks, &run.work_dir, step).await?;
    run.progress.finished(Phase::Judge);
    Ok((judged, last))
}

/// Tells whether clocks may not go on: nobody looked for too long, or time went back.
fn is_gap(last: Timestamp, now: Timestamp, retention: std::time::Duration) -> bool {
    last > now || last.checked_add(retention.max(MAX_GAP)).is_ok_and(|end| end < now)
}

/// Refuses a plan that is stale, foreign, or made for another configuration.
async fn check_plan(
    parts: &Parts,
    options: &RunOptions,
    preflight: &Preflight,
    plan: &PlanFile,
    mode: Mode,
) -> Result<()> {
    let refuse = |reason: String| Err(Error::Plan { path: plan.path.clone(), reason });
    let header = &plan.header;
    if mode == Mode::DryRun {
        return Err(Error::Invalid("a plan is run with --mode execute (or audit_only): a dry run makes one".into()));
    }
    if header.location != *parts.store.location() {
        return refuse(format!("it is for {}, not for {}", header.location, parts.store.location()));
    }
    if header.catalog != parts.catalog.id() {
        return refuse("it was made with another catalog: make a new plan here".into());
    }
    let now = preflight.now(parts);
    if header.expires_at <= now {
        return refuse(format!("it expired at {}: make a new plan", header.expires_at));
    }
    // The store's clock is known to the second, and may be as far from ours as the preflight allows.
    if header.created_at > now.checked_add(MAX_SKEW).unwrap_or(now) {
        return refuse("it is from the future: check the clocks, and make a new plan".into());
    }
    if header.config_hash != parts.config_hash {
        return refuse("the configuration of what may be deleted changed since: make a new plan".into());
    }
    match parts.catalog.plan(&plan.hash).await? {
        None => return refuse("the catalog does not know it: make a new plan".into()),
        Some(record) if record.state == PlanState::Finished => {
            return refuse("it was run already: make a new plan".into());
        }
        Some(_) => {}
    }
    if header.brakes.iter().any(|brake| brake.name == migration::NAME) {
        return refuse("it was made while the application migrated: make a new plan".into());
    }
    if header.identities != preflight.identities() {
        return refuse("a database is another one than when it was made: make a new plan".into());
    }
    let tripped: BTreeSet<&String> = header.brakes.iter().chain(&preflight.brakes).map(|brake| &brake.name).collect();
    let missing: Vec<String> = tripped.into_iter().filter(|name| !options.accept.contains(name)).cloned().collect();
    if !missing.is_empty() {
        return Err(Error::NotAccepted { path: plan.path.clone(), brakes: missing });
    }
    let has_reason = options.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty());
    if !header.brakes.is_empty() && !has_reason {
        return Err(Error::Invalid("--accept needs --reason TEXT: it is written into the audit".into()));
    }
    let unknown = options.accept.iter().find(|name| header.brakes.iter().all(|brake| brake.name != **name));
    if let Some(name) = unknown {
        return Err(Error::Invalid(format!("{name}: no brake of this name tripped in this plan")));
    }
    Ok(())
}

/// Writes down who accepts what and why, and takes what was accepted as the new measure.
async fn accept(parts: &Parts, options: &RunOptions, preflight: &Preflight, plan: &PlanFile) -> Result<()> {
    if plan.header.brakes.is_empty() {
        return Ok(());
    }
    let at = parts.clock.now();
    let draft = AuditDraft {
        at,
        run: Some(plan.header.run),
        location: Some(parts.store.location().clone()),
        kind: "accept".into(),
        key: None,
        detail: json!({
            "plan": plan.hash,
            "brakes": plan.header.brakes,
            "reason": options.reason,
            "who": options.who,
        }),
    };
    parts.catalog.append_audit(vec![draft]).await?;
    let baseline = Baseline { counts: plan.header.counts.clone(), sources: plan.header.sources.clone() };
    let census = CensusRecord {
        run: plan.header.run,
        completed_at: plan.header.created_at,
        config_hash: plan.header.config_hash,
        counts: serde_json::to_value(&baseline).map_err(|error| Error::Internal(error.to_string()))?,
    };
    parts.catalog.put_census(parts.store.location(), &census).await?;
    for pin in &preflight.pins {
        parts.catalog.set_pin(parts.store.location(), pin).await?;
    }
    Ok(())
}

/// Does with a plan what the mode says.
#[expect(clippy::too_many_arguments, reason = "the parts of one run, each used once")]
async fn act(
    parts: &Arc<Parts>,
    run: &RunContext,
    preflight: &Preflight,
    lease: &HeldLease,
    locks: &mut [Box<dyn s3gc_source::SourceLock>],
    plan: &PlanFile,
    mode: Mode,
    report: &mut RunReport,
) -> Result<RunState> {
    match mode {
        Mode::DryRun => Ok(RunState::Done),
        Mode::AuditOnly => apply::audit_only(parts, run, plan, report).await,
        Mode::Execute => {
            if parts.settings.retention_from == RetentionFrom::LastModified {
                report.notes.push("retention counts from Last-Modified: set it back after this clean-up".into());
            }
            if run.cap == Some(0) {
                report.notes.push("the trust ramp lets this run delete nothing: see s3gc status".into());
                return Ok(RunState::Done);
            }
            let apply = apply::Apply { parts, run, preflight, lease, locks, plan };
            apply.execute(report).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn l17_a_clock_does_not_go_on_over_a_gap_or_back_in_time() {
        let day = Duration::from_secs(86_400);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let last = at("2026-11-01T00:00:00Z");
        assert!(!is_gap(last, at("2026-11-16T00:00:00Z"), 7 * day));
        assert!(is_gap(last, at("2026-11-16T00:00:01Z"), 7 * day));
        assert!(!is_gap(last, at("2026-11-20T00:00:00Z"), 30 * day));
        assert!(is_gap(last, at("2026-10-31T00:00:00Z"), 7 * day));
    }
}
