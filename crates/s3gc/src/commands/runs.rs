//! `s3gc runs`: what was run.

use s3gc_core::RunReport;
use s3gc_core::catalog::{EntryFilter, EntryId, EntryRecord, RunRecord};
use s3gc_core::{Gc, RunId};
use serde::Serialize;

use super::summary;
use crate::ExitCode;
use crate::cli::RunsCommand;
use crate::context::Ctx;
use crate::error::{Error, Result};
use crate::human;

/// A run with what it did to each object, if that was asked.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    run: &'a RunRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'a [EntryRecord]>,
}

pub(super) async fn run(command: RunsCommand, ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    match command {
        RunsCommand::Ls { limit } => Ok(super::each(ctx, &fleet, |gc| list(gc, limit, ctx)).await),
        RunsCommand::Show { id, keys } => {
            for gc in &fleet {
                if let Some(run) = gc.catalog().run(id).await?.filter(|run| run.location == *gc.location()) {
                    return show(gc, &run, keys, ctx).await;
                }
            }
            Err(Error::NotFound(format!("no run {id} is known: s3gc runs ls lists them")))
        }
    }
}

async fn list(gc: Gc, limit: u32, ctx: &Ctx) -> Result<ExitCode> {
    let runs = gc.catalog().runs(Some(gc.location()), limit).await?;
    if ctx.json {
        ctx.print_json_lines(&runs)?;
        return Ok(ExitCode::Ok);
    }
    let rows = runs.iter().map(|run| {
        let report = report(run);
        let count = |pick: fn(&RunReport) -> u64| report.as_ref().map_or_else(String::new, |r| human::count(pick(r)));
        vec![
            run.id.to_string(),
            gc.settings().name.clone(),
            human::time(run.started_at),
            run.mode.to_string(),
            run.state.as_str().to_owned(),
            count(|report| report.counts.due.objects),
            count(|report| report.sweep.deleted.objects),
            run.error.clone().unwrap_or_default(),
        ]
    });
    ctx.print(human::table(&["run", "bucket", "started", "mode", "state", "due", "deleted", "error"], rows))?;
    Ok(ExitCode::Ok)
}

async fn show(gc: &Gc, run: &RunRecord, with_keys: bool, ctx: &Ctx) -> Result<ExitCode> {
    let keys = if with_keys { Some(entries(gc, run.id).await?) } else { None };
    if ctx.json {
        ctx.print_json(&Document { run, keys: keys.as_deref() })?;
        return Ok(ExitCode::Ok);
    }
    let mut text = match report(run) {
        Some(report) => format!("{}{}", summary::counts(&report.counts, gc.settings(), 10), summary::run(&report)),
        None => format!("Run {} {}, started {}\n", run.id, run.state.as_str(), human::time(run.started_at)),
    };
    if let Some(error) = &run.error {
        text.push_str(&format!("{error}\n"));
    }
    if let Some(keys) = &keys {
        let row = |entry: &EntryRecord| {
            vec![
                human::key(&entry.entry.key),
                human::size(entry.entry.meta.size_bytes),
                entry.state.as_str().to_owned(),
                human::maybe_time(entry.settled_at),
            ]
        };
        text.push_str(&human::table(&["key", "size", "state", "settled"], keys.iter().map(row)));
    }
    ctx.print(text)?;
    Ok(ExitCode::Ok)
}

fn report(run: &RunRecord) -> Option<RunReport> {
    serde_json::from_value(run.report.clone()?).ok()
}

async fn entries(gc: &Gc, run: RunId) -> Result<Vec<EntryRecord>> {
    let filter = EntryFilter { location: Some(gc.location().clone()), run: Some(run), ..EntryFilter::default() };
    let (mut all, mut after) = (Vec::new(), EntryId::default());
    loop {
        let page = gc.catalog().entries(&filter, after, 1000).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.id;
        all.extend(page);
    }
}
