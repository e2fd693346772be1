//! `s3gc vault replicate`: what the vault or its replica lacks is copied.

use std::fmt::Write as _;

use s3gc_core::{Gc, ReplicaReport, ReplicateOptions};

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::{Error, Result};
use crate::human;
use crate::progress::progress;

/// How many packs are named to people.
const MAX_NAMED: usize = 50;

pub(super) async fn run(gc: Gc, verify: bool, dry_run: bool, ctx: &Ctx) -> Result<ExitCode> {
    let mut options = ReplicateOptions::default();
    options.verify = verify;
    options.dry_run = dry_run;
    options.progress = progress(ctx, &gc.settings().name);
    options.cancel = ctx.cancel.clone();
    let report = match Box::pin(gc.replicate(&options)).await {
        Err(s3gc_core::Error::Cancelled) => {
            let help = "run the same command again: what was copied is not copied again".to_owned();
            return Err(Error::Interrupted { help: Some(help) });
        }
        report => report?,
    };
    if ctx.json {
        ctx.print_json(&report)?;
    } else {
        ctx.print(text(&report, dry_run))?;
    }
    Ok(if report.faults.is_empty() { ExitCode::Ok } else { ExitCode::Faults })
}

fn text(report: &ReplicaReport, dry_run: bool) -> String {
    let mut text = format!("{} and its replica {}\n", report.vault, report.replica);
    let would = if dry_run { "would be " } else { "" };
    for pack in report.copied.iter().take(MAX_NAMED) {
        writeln!(text, "  {would}copied  {}  {}  to {}", pack.pack, human::size(pack.size_bytes), pack.to)
            .unwrap_or_default();
    }
    for fault in &report.faults {
        writeln!(text, "  {}: {}", fault.pack, human::escape(&fault.reason)).unwrap_or_default();
    }
    let copied = report.copied.len() as u64;
    let mut parts = vec![human::plural(report.packs, "pack"), format!("{} {would}copied", human::count(copied))];
    if report.compared > 0 {
        parts.push(format!("{} compared", human::count(report.compared)));
    }
    if !report.faults.is_empty() {
        parts.push(human::plural(report.faults.len() as u64, "fault"));
    }
    writeln!(text, "{}", parts.join(", ")).unwrap_or_default();
    text
}
