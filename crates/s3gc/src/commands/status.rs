//! `s3gc status`: how each bucket stands.

use std::fmt::Write as _;

use s3gc_core::catalog::{Hold, Lease, RunRecord, Totals};
use s3gc_core::{Baseline, Gc, Location, RampStatus, RunReport, Timestamp};
use serde::Serialize;

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::Result;
use crate::human;

#[derive(Serialize)]
struct Status {
    bucket: String,
    location: Location,
    last_run: Option<RunRecord>,
    last_good_census_at: Option<Timestamp>,
    waiting_objects: Option<u64>,
    due_objects: Option<u64>,
    next_due_at: Option<Timestamp>,
    lease: Option<Lease>,
    holds: Vec<Hold>,
    migration: Option<String>,
    ramp: Option<RampStatus>,
    resurrected_objects: u64,
    vault: String,
    totals: Totals,
}

pub(super) async fn run(ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    Ok(super::each(ctx, &fleet, |gc| status(gc, ctx)).await)
}

async fn status(gc: Gc, ctx: &Ctx) -> Result<ExitCode> {
    let (catalog, location) = (gc.catalog(), gc.location());
    let census = catalog.last_census(location).await?;
    let counts = census
        .as_ref()
        .and_then(|census| serde_json::from_value::<Baseline>(census.counts.clone()).ok())
        .map(|b| b.counts);
    let now = gc.clock().now();
    let mut holds = catalog.holds(Some(location)).await?;
    holds.retain(|hold| hold.is_active(now));
    let last_run = catalog.runs(Some(location), 1).await?.pop();
    let last_report = last_run.as_ref().and_then(|run| run.report.clone());
    let last_report = last_report.and_then(|report| serde_json::from_value::<RunReport>(report).ok());
    let status = Status {
        bucket: gc.settings().name.clone(),
        location: location.clone(),
        resurrected_objects: last_report.map_or(0, |report| report.resurrected.lost()),
        last_run,
        last_good_census_at: census.map(|census| census.completed_at),
        waiting_objects: counts.as_ref().map(|counts| counts.waiting.objects),
        due_objects: counts.as_ref().map(|counts| counts.due.objects),
        next_due_at: counts.and_then(|counts| counts.next_due_at),
        lease: catalog.lease(location).await?.filter(|lease| lease.released_at.is_none()),
        holds,
        migration: gc.migration().await?,
        ramp: gc.ramp().await?,
        vault: gc.vault().location().to_owned(),
        totals: catalog.totals(Some(location)).await?,
    };
    if ctx.json {
        ctx.print_json(&status)?;
    } else {
        ctx.print(text(&status))?;
    }
    Ok(ExitCode::Ok)
}

fn text(status: &Status) -> String {
    let mut text = format!("{}  ({})\n", status.bucket, status.location);
    let mut line = |name: &str, value: String| writeln!(text, "  {name:<18} {value}").unwrap_or_default();
    line("last run", status.last_run.as_ref().map_or_else(|| "none".to_owned(), last_run));
    line("last good census", human::maybe_time(status.last_good_census_at));
    if let (Some(due), Some(waiting)) = (status.due_objects, status.waiting_objects) {
        let next =
            status.next_due_at.map(|next| format!(", the next one due {}", human::time(next))).unwrap_or_default();
        line("then", format!("{} due, {} waiting{next}", human::count(due), human::count(waiting)));
    }
    let holder = |lease: &Lease| {
        format!("run {} on {} (pid {}), since {}", lease.run, lease.host, lease.pid, human::time(lease.acquired_at))
    };
    line("lease", status.lease.as_ref().map_or_else(|| "free".to_owned(), holder));
    line("unsettled", human::objects(status.totals.unsettled));
    line(
        "vault",
        format!(
            "{}: {}, {}",
            status.vault,
            human::plural(status.totals.packs, "pack"),
            human::size(status.totals.vault_bytes)
        ),
    );
    line("holds", human::count(status.holds.len().try_into().unwrap_or(u64::MAX)));
    if let Some(reason) = &status.migration {
        line("migration", format!("nothing is deleted: {reason}"));
    }
    line("scheduled runs", status.ramp.as_ref().map_or_else(|| "not capped".to_owned(), ramp));
    if status.resurrected_objects > 0 {
        let objects = human::objects(status.resurrected_objects);
        line(
            "lost",
            format!("{objects} deleted and referenced: s3gc missing names them, s3gc restore brings them back"),
        );
    }
    text
}

fn ramp(ramp: &RampStatus) -> String {
    let state = match ramp.cap_per_day {
        None => format!("only observe: {} of {} days were complete", ramp.observed_days, ramp.observe_runs),
        Some(cap) => {
            format!("delete up to {} a day, {} deleted today", human::objects(cap), human::count(ramp.deleted_today))
        }
    };
    match (&ramp.reset_reason, ramp.reset_at) {
        (Some(reason), Some(at)) => format!("{state} (began again {}: {reason})", human::time(at)),
        _ => state,
    }
}

fn last_run(run: &RunRecord) -> String {
    let error = run.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{} {} {}, {}{error}", run.id, run.mode, run.state.as_str(), human::time(run.started_at))
}
