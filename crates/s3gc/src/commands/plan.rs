//! `s3gc plan`: a census, and the plan of what is due.

use std::fmt::Write as _;
use std::path::Path;

use s3gc_core::catalog::Mode;
use s3gc_core::{Gc, PlanEntry, PlanFile, RunOptions, RunReport, monthly_cost};
use serde::Serialize;

use super::summary;
use crate::ExitCode;
use crate::cli::{PlanArgs, Show};
use crate::context::Ctx;
use crate::error::{Error, Result, shell};
use crate::human;
use crate::progress::progress;

/// A plan as JSON: the report of its run, and the rest of the summary.
#[derive(Serialize)]
struct PlanDocument<'a> {
    #[serde(flatten)]
    report: &'a RunReport,
    due_cost_per_month: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<PlanEntry>>,
}

pub(super) async fn run(args: PlanArgs, ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    if args.out.is_some() {
        // One file holds the plan of one bucket.
        fleet.only().map_err(|_| Error::usage("--out takes the plan of one bucket", "name it with --bucket"))?;
    }
    Ok(super::each(ctx, &fleet, |gc| plan(gc, &args, ctx)).await)
}

async fn plan(gc: Gc, args: &PlanArgs, ctx: &Ctx) -> Result<ExitCode> {
    let mut options = RunOptions::mode(Mode::DryRun);
    options.out.clone_from(&args.out);
    let report = make(&gc, options, ctx).await?;
    let path = report.plan.as_ref().map(|plan| plan.path.clone());
    let keys = match (&path, args.show) {
        (Some(path), Show::Keys) => Some(keys(Path::new(path), args.limit)?),
        _ => None,
    };
    if ctx.json {
        let due_cost_per_month = monthly_cost(report.counts.due.bytes, gc.settings().price_per_gb_month);
        ctx.print_json(&PlanDocument { report: &report, due_cost_per_month, keys })?;
    } else {
        ctx.print(text(&gc, &report, args, keys.as_deref()))?;
    }
    Ok(match summary::exit_code(report.state) {
        ExitCode::Ok if args.detailed_exitcode && report.counts.due.objects > 0 => ExitCode::Orphans,
        exit => exit,
    })
}

/// Makes a plan, or runs a cycle, with progress.
pub(super) async fn make(gc: &Gc, mut options: RunOptions, ctx: &Ctx) -> Result<RunReport> {
    options.progress = progress(ctx, &gc.settings().name);
    options.cancel = ctx.cancel.clone();
    let report = Box::pin(gc.run_cycle(options)).await?;
    let lost = report.resurrected.lost();
    if lost > 0 {
        let objects = human::objects(lost);
        ctx.warn(format!(
            "deleted, and referenced now: {objects}; s3gc missing names them, s3gc restore KEY brings one back"
        ));
    }
    Ok(report)
}

fn text(gc: &Gc, report: &RunReport, args: &PlanArgs, keys: Option<&[PlanEntry]>) -> String {
    let prefixes = if args.show == Show::Prefixes { args.limit } else { 1 };
    let mut text = summary::counts(&report.counts, gc.settings(), prefixes);
    if let Some(keys) = keys {
        let row = |entry: &PlanEntry| {
            let since = human::time(entry.unreferenced_since);
            vec![human::key(&entry.key), human::size(entry.size_bytes), human::time(entry.last_modified), since]
        };
        text.push_str(&human::table(&["key", "size", "last modified", "unreferenced since"], keys.iter().map(row)));
        text.push('\n');
        let more = report.counts.due.objects.saturating_sub(u64::try_from(keys.len()).unwrap_or(u64::MAX));
        if more > 0 {
            writeln!(text, "and {} more: --limit 0 lists all", human::count(more)).unwrap_or_default();
        }
    }
    if args.show == Show::Columns {
        text.push_str(&summary::columns(&report.sources));
        text.push('\n');
    }
    for note in &report.notes {
        writeln!(text, "note: {note}").unwrap_or_default();
    }
    let path = report.plan.as_ref().map(|plan| Path::new(&plan.path));
    if !report.brakes.is_empty() {
        text.push_str(&summary::brakes(&report.brakes, path));
    } else if let Some(path) = path.filter(|_| report.counts.due.objects > 0) {
        let path = shell(&path.display().to_string());
        writeln!(text, "Nothing deleted. Apply exactly this: s3gc run {path} --mode execute").unwrap_or_default();
    } else {
        text.push_str("Nothing is due, nothing deleted.\n");
    }
    text
}

/// Reads the first entries of a plan, or all.
fn keys(path: &Path, limit: usize) -> Result<Vec<PlanEntry>> {
    let mut reader = PlanFile::open(path)?.reader()?;
    let mut keys = Vec::new();
    while limit == 0 || keys.len() < limit {
        let Some(entry) = reader.next()? else { break };
        keys.push(entry);
    }
    Ok(keys)
}
