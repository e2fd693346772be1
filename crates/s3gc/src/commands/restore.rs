//! `s3gc restore`: deleted objects come back.

use std::fmt::Write as _;

use s3gc_core::{Gc, RestoreOptions, RestoreOutcome, RestoreReport, RestoreWhat, RestoredObject, RunId};
use serde::Serialize;

use crate::ExitCode;
use crate::assemble::{Fleet, open_target};
use crate::cli::RestoreArgs;
use crate::context::Ctx;
use crate::error::{Error, LOCKED_HELP, Result};
use crate::human;
use crate::progress::progress;

/// How many objects that did not fail are named to people.
const MAX_NAMED: u64 = 100;

#[derive(Serialize)]
struct Document<'a> {
    bucket: &'a str,
    dry_run: bool,
    #[serde(flatten)]
    report: &'a RestoreReport,
}

pub(super) async fn run(args: RestoreArgs, ctx: &Ctx) -> Result<ExitCode> {
    let what = what(&args);
    let collectors: Vec<Gc> = match &what {
        RestoreWhat::Keys(_) => vec![ctx.only().await?],
        RestoreWhat::Run(run) => vec![of_run(&ctx.fleet().await?, *run).await?],
        _ => ctx.fleet().await?.iter().cloned().collect(),
    };
    Ok(super::each(ctx, &collectors, |gc| restore(gc, &what, &args, ctx)).await)
}

fn what(args: &RestoreArgs) -> RestoreWhat {
    match (args.run, &args.prefix, args.since) {
        (Some(run), _, _) => RestoreWhat::Run(run),
        (_, Some(prefix), _) => RestoreWhat::Prefix(prefix.clone()),
        (_, _, Some(since)) => RestoreWhat::Since(since, args.until),
        _ => RestoreWhat::Keys(args.keys.clone()),
    }
}

/// Finds the bucket of a run.
async fn of_run(fleet: &Fleet, run: RunId) -> Result<Gc> {
    for gc in fleet {
        if gc.catalog().run(run).await?.is_some_and(|record| record.location == *gc.location()) {
            return Ok(gc.clone());
        }
    }
    Err(Error::NotFound(format!("no run {run} is known: s3gc runs ls lists them")))
}

async fn restore(gc: Gc, what: &RestoreWhat, args: &RestoreArgs, ctx: &Ctx) -> Result<ExitCode> {
    let name = gc.settings().name.clone();
    let mut options = RestoreOptions::default();
    options.if_exists = args.if_exists;
    options.dry_run = args.dry_run;
    options.progress = progress(ctx, &name);
    options.cancel = ctx.cancel.clone();
    if let Some(to) = &args.to {
        let config = ctx.load()?.config;
        let bucket = config.bucket(&name).ok_or_else(|| Error::NotFound(format!("{name}: not configured")))?;
        if to.strip_prefix("s3://").is_some_and(|rest| rest.trim_end_matches('/').contains('/')) {
            return Err(Error::usage("--to takes a bucket without a prefix", "write s3://BUCKET"));
        }
        options.to = Some(open_target(bucket, to).await?);
    }
    let report = match Box::pin(gc.restore(what, &options)).await {
        Err(s3gc_core::Error::Cancelled) => {
            let help = "run the same command again, with --if-exists skip: what is back is left alone".to_owned();
            return Err(Error::Interrupted { help: Some(help) });
        }
        report => report?,
    };
    if ctx.json {
        ctx.print_json(&Document { bucket: &name, dry_run: args.dry_run, report: &report })?;
    } else {
        ctx.print(text(&name, &report, args.dry_run))?;
    }
    let is_locked = |object: &RestoredObject| matches!(object.outcome, RestoreOutcome::Locked(_));
    Ok(match (report.failed.objects + report.pruned.objects, report.restored.objects) {
        _ if report.objects.iter().any(is_locked) => ExitCode::KeyMissing,
        (0, _) => ExitCode::Ok,
        (_, 0) => ExitCode::Failed,
        _ => ExitCode::Partial,
    })
}

fn text(name: &str, report: &RestoreReport, dry_run: bool) -> String {
    let mut text = String::new();
    let (mut named, mut is_locked) = (0, false);
    for object in &report.objects {
        let (key, size) = (human::key(&object.key), human::size(object.size_bytes));
        let line = match &object.outcome {
            RestoreOutcome::Restored => format!("  restored  {key}  {size}"),
            RestoreOutcome::Planned => format!("  would restore  {key}  {size}"),
            RestoreOutcome::Exists => format!("  lives already, left alone  {key}"),
            RestoreOutcome::Failed(reason) => format!("  failed  {key}: {reason}"),
            RestoreOutcome::Pruned(at) => format!("  pruned from the vault at {}  {key}", human::time(*at)),
            RestoreOutcome::Locked(reason) => {
                is_locked = true;
                format!("  locked  {key}: {reason}")
            }
        };
        // What went well is named in part, what did not in full.
        if !matches!(object.outcome, RestoreOutcome::Failed(_) | RestoreOutcome::Locked(_)) {
            named += 1;
            if named > MAX_NAMED {
                continue;
            }
        }
        writeln!(text, "{line}").unwrap_or_default();
    }
    if named > MAX_NAMED {
        writeln!(text, "  and {} more; --json names all", human::count(named - MAX_NAMED)).unwrap_or_default();
    }
    let verb = if dry_run { "would be restored" } else { "restored" };
    let mut parts = vec![format!("{} {verb}", human::tally(report.restored))];
    if report.skipped.objects > 0 {
        parts.push(format!("{} left alone", human::count(report.skipped.objects)));
    }
    if report.failed.objects > 0 {
        parts.push(format!("{} failed", human::count(report.failed.objects)));
    }
    if report.pruned.objects > 0 {
        parts.push(format!("{} pruned from the vault before", human::count(report.pruned.objects)));
    }
    writeln!(text, "{name}: {}", parts.join("; ")).unwrap_or_default();
    if is_locked {
        writeln!(text, "  help: {LOCKED_HELP}").unwrap_or_default();
    }
    let lives = report.objects.iter().any(|object| object.outcome == RestoreOutcome::Exists);
    if lives && report.failed.objects > 0 {
        text.push_str(
            "  help: what lives already is replaced with --if-exists overwrite, or left with --if-exists skip\n",
        );
    }
    text
}
