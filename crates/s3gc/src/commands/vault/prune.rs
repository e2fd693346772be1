//! `s3gc vault prune`: packs whose time is over, and that nothing needs, leave the vault.

use std::fmt::Write as _;
use std::time::Duration;

use s3gc_core::catalog::Mode;
use s3gc_core::{Gc, PackKept, PackPrune, PruneOptions, PruneOutcome, PruneReport, PruneTally, Timestamp};

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::{Error, Result, shell};
use crate::human;
use crate::progress::progress;

/// How many packs of one outcome are named to people.
const MAX_NAMED: usize = 50;

pub(super) async fn run(gc: Gc, dry_run: bool, wait_lock: Duration, ctx: &Ctx) -> Result<ExitCode> {
    let mut options = PruneOptions::default();
    options.dry_run = dry_run;
    options.wait_lock = wait_lock;
    options.progress = progress(ctx, &gc.settings().name);
    options.cancel = ctx.cancel.clone();
    let report = match Box::pin(gc.prune(options)).await {
        Err(s3gc_core::Error::Cancelled) => {
            let help = "run the same command again: what was begun is finished or undone".to_owned();
            return Err(Error::Interrupted { help: Some(help) });
        }
        report => report?,
    };
    if ctx.json {
        ctx.print_json(&report)?;
    } else {
        ctx.print(text(&report, dry_run))?;
    }
    Ok(match (report.failed.packs, report.removed.packs + report.marked.packs) {
        (0, _) => ExitCode::Ok,
        (_, 0) => ExitCode::Failed,
        _ => ExitCode::Partial,
    })
}

fn text(report: &PruneReport, asked_for_dry_run: bool) -> String {
    let keep = human::duration(Duration::from_secs(report.keep_seconds));
    let mut text = format!("{}   {}, which keeps packs for {keep}\n", human::escape(&report.bucket), report.vault);
    packs(&mut text, report);
    let mut parts = Vec::new();
    let mut part = |tally: PruneTally, words: &str| {
        if tally.packs > 0 {
            let (packs, objects) = (human::plural(tally.packs, "pack"), human::objects(tally.objects));
            parts.push(format!("{packs} {words} ({}, {objects})", human::size(tally.bytes)));
        }
    };
    let would = if report.dry_run { "would be " } else { "" };
    part(report.removed, &format!("{would}removed"));
    part(report.marked, &format!("{would}marked"));
    part(report.waiting, "marked before");
    part(report.kept, "kept");
    part(report.failed, "could not be removed");
    if parts.is_empty() {
        parts.push("no packs".to_owned());
    }
    writeln!(text, "{}: {}", human::escape(&report.bucket), parts.join("; ")).unwrap_or_default();
    for note in &report.notes {
        writeln!(text, "note: {note}").unwrap_or_default();
    }
    writeln!(text, "{}", next(report, asked_for_dry_run)).unwrap_or_default();
    text
}

/// Names the packs about which something is to be said; those that are young are counted.
fn packs(text: &mut String, report: &PruneReport) {
    let mut young: Option<(u64, u64, Timestamp)> = None;
    let mut named = 0;
    for pack in &report.packs {
        if let PruneOutcome::Kept { reason: PackKept::Young { until }, was_marked: false } = &pack.outcome {
            let (packs, bytes, first) = young.unwrap_or((0, 0, *until));
            young = Some((packs + 1, bytes + pack.size_bytes, first.min(*until)));
            continue;
        }
        named += 1;
        if named <= MAX_NAMED {
            line(text, pack);
        }
    }
    if named > MAX_NAMED {
        let more = u64::try_from(named - MAX_NAMED).unwrap_or(u64::MAX);
        writeln!(text, "  and {} more; --json names all", human::count(more)).unwrap_or_default();
    }
    if let Some((packs, bytes, first)) = young {
        let (packs, bytes) = (human::plural(packs, "pack"), human::size(bytes));
        writeln!(text, "  kept     {packs}, {bytes}: younger; none of them may go before {}", human::time(first))
            .unwrap_or_default();
    }
}

fn line(text: &mut String, pack: &PackPrune) {
    let (word, why) = match &pack.outcome {
        PruneOutcome::Marked { removable_at } => {
            ("marked", format!("may be removed from {} on", human::time(*removable_at)))
        }
        PruneOutcome::WouldMark { .. } => ("would be marked", "its time is over, and nothing needs it".to_owned()),
        PruneOutcome::Waiting { marked_at, removable_at } => (
            "waits",
            format!("marked {}, may be removed from {} on", human::time(*marked_at), human::time(*removable_at)),
        ),
        PruneOutcome::Removed => ("removed", String::new()),
        PruneOutcome::WouldRemove => ("would be removed", "its time is over, and nothing needs it".to_owned()),
        PruneOutcome::Kept { reason, was_marked } => {
            let was = if *was_marked { ", and not marked any more" } else { "" };
            ("kept", format!("{}{was}", kept(reason)))
        }
        PruneOutcome::Failed { error } => ("failed", format!("{error}; the next call tries it again")),
    };
    let (size, objects) = (human::size(pack.size_bytes), human::objects(pack.objects));
    let why = if why.is_empty() { why } else { format!(": {why}") };
    writeln!(text, "  {word:<8} {}, {size}, {objects}{why}", pack.pack).unwrap_or_default();
}

fn kept(reason: &PackKept) -> String {
    match reason {
        PackKept::Young { until } => format!("younger; it may go from {} on at the earliest", human::time(*until)),
        PackKept::Future { at } => {
            format!("it has a time in the future, {}: was a clock set back?", human::time(*at))
        }
        PackKept::Unsettled { key } => {
            format!("nobody knows what became of {}: a run in execute mode finds out", human::key(key))
        }
        PackKept::Held { key } => {
            format!("{} is held: by a person (s3gc hold ls), a restore or an unsettled deletion", human::key(key))
        }
        PackKept::Migration { migration } => format!("the application migrates: {}", human::escape(migration)),
        PackKept::Referenced { key, objects } => format!(
            "{} referenced and not in the bucket: s3gc restore {}",
            human::objects(*objects),
            human::escape(&shell(key.as_str()))
        ),
        PackKept::Unknown { detail } => human::escape(detail),
        PackKept::Missing => "its file is not in the vault: see s3gc vault verify".to_owned(),
        PackKept::Differs { found_bytes } => {
            let size = human::size(*found_bytes);
            format!("another file of {size} stands under its name: see s3gc vault verify")
        }
        PackKept::Busy => "something began to need it this very moment, such as a restore".to_owned(),
    }
}

/// Says what to do next.
fn next(report: &PruneReport, asked_for_dry_run: bool) -> String {
    if report.dry_run && !asked_for_dry_run && report.mode != Mode::Execute {
        let mode = report.mode;
        return format!(
            "Nothing was marked or removed, since the mode is {mode}: set mode = \"execute\", or S3GC_MODE=execute, to do it."
        );
    }
    if report.dry_run {
        return "Nothing was marked or removed: this was a dry run.".to_owned();
    }
    match report.next_at {
        Some(at) => format!(
            "Run it again after {}: it removes what is marked, if still nothing needs it. Until then it can be restored.",
            human::time(at)
        ),
        None if report.failed.packs > 0 => "Run it again, once the vault can be written.".to_owned(),
        None => "Nothing is marked.".to_owned(),
    }
}
