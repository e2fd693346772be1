//! `s3gc missing`: references whose object is not there.

use std::fmt::Write as _;

use s3gc_core::{Gc, MissingReference, MissingReport};
use serde::Serialize;

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::{Result, shell};
use crate::human;

/// What is missing in one bucket, as JSON.
#[derive(Serialize)]
struct Document<'a> {
    bucket: &'a str,
    #[serde(flatten)]
    report: &'a MissingReport,
}

pub(super) async fn run(limit: usize, ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    Ok(super::each(ctx, &fleet, |gc| missing(gc, limit, ctx)).await)
}

async fn missing(gc: Gc, limit: usize, ctx: &Ctx) -> Result<ExitCode> {
    let report = Box::pin(gc.missing(limit)).await?;
    let bucket = gc.settings().name.as_str();
    if ctx.json {
        ctx.print_json(&Document { bucket, report: &report })?;
    } else {
        ctx.print(text(bucket, &report))?;
    }
    Ok(ExitCode::Ok)
}

fn text(bucket: &str, report: &MissingReport) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").unwrap_or_default();
    let missing: u64 = report.columns.iter().map(|column| column.missing).sum();
    line(format!("{}   {} whose object is not there", human::escape(bucket), human::plural(missing, "reference")));
    for column in &report.columns {
        let name = human::escape(&format!("{}: {}", column.source, column.column));
        let (missing, values) = (human::count(column.missing), human::count(column.values));
        line(format!("  {name}   {missing} of {values} values ({})", human::percent(column.missing, column.values)));
        let named: Vec<&MissingReference> = report
            .references
            .iter()
            .filter(|reference| reference.source == column.source && reference.column == column.column)
            .collect();
        for reference in &named {
            let origin = reference.origin.as_ref();
            let row = origin.map(|origin| format!("{}: ", human::escape(&origin.row))).unwrap_or_default();
            let value = origin.map_or_else(|| reference.keys.join(", "), |origin| origin.value.clone());
            let vault = reference
                .vault
                .as_ref()
                .map(|entry| format!("   in the vault: s3gc restore {}", shell(entry.entry.key.as_str())));
            let pruned = reference.pruned_at.map(|at| format!("   pruned from the vault at {}", human::time(at)));
            line(format!("    {row}{}{}", human::escape(&cut(&value)), vault.or(pruned).unwrap_or_default()));
        }
        let more = column.missing.saturating_sub(u64::try_from(named.len()).unwrap_or(u64::MAX));
        if more > 0 {
            line(format!("    and {} more: --limit N", human::count(more)));
        }
    }
    text
}

/// A whole page may stand in one value.
fn cut(value: &str) -> String {
    const SHOWN: usize = 100;
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.to_owned(),
    }
}
