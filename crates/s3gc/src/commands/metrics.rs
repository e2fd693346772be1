//! `s3gc metrics`: what was achieved.

use std::fmt::Write as _;

use s3gc_core::{Gc, Location, Metrics};
use serde::Serialize;

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::Result;
use crate::human;

#[derive(Serialize)]
struct Document<'a> {
    bucket: &'a str,
    location: &'a Location,
    #[serde(flatten)]
    metrics: Metrics,
}

pub(super) async fn run(ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    Ok(super::each(ctx, &fleet, |gc| metrics(gc, ctx)).await)
}

async fn metrics(gc: Gc, ctx: &Ctx) -> Result<ExitCode> {
    let metrics = gc.metrics().await?;
    let bucket = gc.settings().name.as_str();
    if ctx.json {
        ctx.print_json(&Document { bucket, location: gc.location(), metrics })?;
    } else {
        ctx.print(text(bucket, &metrics))?;
    }
    Ok(ExitCode::Ok)
}

fn text(bucket: &str, metrics: &Metrics) -> String {
    let mut text = format!("{bucket}\n");
    let mut line = |name: &str, value: String| writeln!(text, "  {name:<12} {value}").unwrap_or_default();
    line("runs", format!("{}, {} failed", human::count(metrics.total_runs), human::count(metrics.failed_runs)));
    let deleted = human::objects(metrics.total_deleted);
    line("deleted", format!("{deleted}, {}", human::size(metrics.deleted_bytes)));
    line("restored", human::objects(metrics.total_restored));
    if metrics.hidden_objects > 0 {
        let hidden = human::objects(metrics.hidden_objects);
        line(
            "hidden",
            format!("{hidden}, {}: under delete markers, they still cost", human::size(metrics.hidden_bytes)),
        );
    }
    line(
        "vault",
        format!(
            "{}, {} for {} of objects ({:.2} x)",
            human::plural(metrics.vault_packs, "pack"),
            human::size(metrics.vault_size_bytes),
            human::size(metrics.vault_original_bytes),
            metrics.avg_compression_ratio
        ),
    );
    if let (Some(oldest), Some(newest)) = (metrics.vault_oldest_pack, metrics.vault_newest_pack) {
        line("", format!("packs from {} to {}", human::time(oldest), human::time(newest)));
    }
    line("unsettled", human::objects(metrics.unsettled));
    line("saved", human::monthly(metrics.saved_per_month));
    if !metrics.sources.is_empty() {
        text.push_str(&super::summary::columns(&metrics.sources));
        text.push('\n');
    }
    text
}
