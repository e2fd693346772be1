//! `s3gc run`: a cycle, or a plan that was made before.

use std::path::PathBuf;

use s3gc_core::catalog::Mode;
use s3gc_core::{Gc, PlanFile, RunOptions, RunReport, RunState};

use super::{plan, summary};
use crate::ExitCode;
use crate::cli::RunArgs;
use crate::context::Ctx;
use crate::error::{Error, Result, shell};
use crate::human;

pub(super) async fn run(args: RunArgs, ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    let Some(path) = &args.plan else {
        refuse_unasked(&args, ctx, fleet.iter().any(|gc| mode(&args, gc) == Mode::Execute))?;
        return Ok(super::each(ctx, &fleet, |gc| cycle(gc, &args, ctx)).await);
    };
    let file = PlanFile::open(path)?;
    let Ok(gc) = fleet.bucket(&file.header.bucket) else {
        let reason = format!("it is for {}, which is not among the buckets of this command", file.header.bucket);
        return Err(s3gc_core::Error::Plan { path: path.clone(), reason }.into());
    };
    refuse_unasked(&args, ctx, mode(&args, gc) == Mode::Execute)?;
    saved_plan(gc, &args, file, ctx).await
}

fn mode(args: &RunArgs, gc: &Gc) -> Mode {
    args.mode.unwrap_or(gc.settings().mode)
}

/// Deletion needs a person's word: typed, or given with `--yes`.
fn refuse_unasked(args: &RunArgs, ctx: &Ctx, would_delete: bool) -> Result<()> {
    if would_delete && !args.yes && !args.scheduled && !ctx.is_interactive() {
        let message = "this would delete objects, and there is nobody to ask";
        return Err(Error::usage(message, "add --yes, or look first: s3gc plan"));
    }
    Ok(())
}

fn options(args: &RunArgs, mode: Mode) -> RunOptions {
    let mut options = RunOptions::mode(mode);
    options.accept.clone_from(&args.accept);
    options.reason.clone_from(&args.reason);
    options.who = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    options.prefix.clone_from(&args.prefix);
    options.max_delete = args.max_delete;
    options.scheduled = args.scheduled;
    options.wait_lock = args.wait_lock.unwrap_or_default();
    options
}

/// Runs a whole cycle. Before a deletion that nobody agreed to yet, the plan is made, shown and asked about; then
/// exactly this plan is run.
async fn cycle(gc: Gc, args: &RunArgs, ctx: &Ctx) -> Result<ExitCode> {
    let mode = mode(args, &gc);
    if mode != Mode::Execute || args.yes || args.scheduled {
        let report = plan::make(&gc, options(args, mode), ctx).await?;
        return finish(&gc, &report, true, ctx);
    }
    let made = plan::make(&gc, options(args, Mode::DryRun), ctx).await?;
    let Some(plan) = made.plan.as_ref().filter(|plan| plan.entries > 0 && made.state == RunState::Done) else {
        return finish(&gc, &made, true, ctx);
    };
    ctx.print(summary::counts(&made.counts, gc.settings(), 10))?;
    let path = PathBuf::from(&plan.path);
    if !confirm(&gc, plan.entries, ctx).await? {
        return declined(&path, ctx);
    }
    execute(&gc, args, path, ctx).await
}

/// Runs a plan that was made before.
async fn saved_plan(gc: &Gc, args: &RunArgs, file: PlanFile, ctx: &Ctx) -> Result<ExitCode> {
    match mode(args, gc) {
        Mode::DryRun => {
            if ctx.json {
                ctx.print_json(&file.header)?;
            } else {
                let path = shell(&file.path.display().to_string());
                let shown = summary::plan_header(&file.header, gc.settings());
                let brakes = summary::brakes(&file.header.brakes, Some(&file.path));
                let end = if file.header.brakes.is_empty() {
                    format!("Nothing deleted: the mode is dry_run. Apply exactly this: s3gc run {path} --mode execute")
                } else {
                    brakes
                };
                ctx.print(format!("{shown}{end}"))?;
            }
            return Ok(ExitCode::Ok);
        }
        Mode::Execute if !args.yes && file.entries > 0 => {
            ctx.print(summary::plan_header(&file.header, gc.settings()))?;
            if !confirm(gc, file.entries, ctx).await? {
                return declined(&file.path, ctx);
            }
        }
        // An empty plan deletes nothing; to run it is still the way to accept its brakes.
        Mode::Execute | Mode::AuditOnly => {}
    }
    execute(gc, args, file.path, ctx).await
}

async fn execute(gc: &Gc, args: &RunArgs, path: PathBuf, ctx: &Ctx) -> Result<ExitCode> {
    let mut options = options(args, mode(args, gc));
    options.plan = Some(path);
    // What makes a plan smaller was said when it was made.
    (options.prefix, options.max_delete) = (None, None);
    let report = plan::make(gc, options, ctx).await?;
    finish(gc, &report, false, ctx)
}

/// Asks for the name of the bucket.
async fn confirm(gc: &Gc, objects: u64, ctx: &Ctx) -> Result<bool> {
    let name = &gc.settings().name;
    let question = format!("Delete {} from {name} after backup? Type the bucket name: ", human::objects(objects));
    Ok(ctx.ask(question).await? == *name)
}

fn declined(path: &std::path::Path, ctx: &Ctx) -> Result<ExitCode> {
    let path = shell(&path.display().to_string());
    ctx.print(format!("Nothing deleted. The plan is kept: s3gc run {path} --mode execute"))?;
    Ok(ExitCode::Ok)
}

fn finish(gc: &Gc, report: &RunReport, show_counts: bool, ctx: &Ctx) -> Result<ExitCode> {
    if ctx.json {
        ctx.print_json(report)?;
    } else {
        let mut text = String::new();
        if show_counts {
            text.push_str(&summary::counts(&report.counts, gc.settings(), 10));
        }
        text.push_str(&summary::run(report));
        ctx.print(text)?;
    }
    let path = report.plan.as_ref().map(|plan| PathBuf::from(&plan.path));
    match report.state {
        RunState::Blocked => ctx.warn(summary::brakes(&report.brakes, path.as_deref()).trim_end()),
        RunState::Cancelled => {
            let rest = path.map(|path| shell(&path.display().to_string())).unwrap_or_default();
            ctx.warn(format!("interrupted; go on with the rest: s3gc run {rest} --mode execute"));
        }
        _ => {}
    }
    Ok(summary::exit_code(report.state))
}
