//! `s3gc vault stats`: what the vault holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use s3gc_core::{Gc, VaultShare};

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::Result;
use crate::human;

/// How many content types are shown to people, those that take most of the vault first.
const SHOWN: usize = 15;

pub(super) async fn run(gc: Gc, ctx: &Ctx) -> Result<ExitCode> {
    let stats = gc.vault_stats().await?;
    if ctx.json {
        ctx.print_json(&stats)?;
        return Ok(ExitCode::Ok);
    }
    let mut text = format!(
        "{}: {}, {}, {} of originals, ratio {:.2}\n",
        stats.vault,
        human::plural(stats.packs, "pack"),
        human::size(stats.size_bytes),
        human::size(stats.original_bytes),
        stats.ratio
    );
    if let (Some(oldest), Some(newest)) = (stats.oldest, stats.newest) {
        writeln!(text, "  {} from {} to {}", human::objects(stats.objects), human::time(oldest), human::time(newest))
            .unwrap_or_default();
    }
    table(&mut text, "stored as", &stats.codecs);
    table(&mut text, "content type", &stats.content_types);
    ctx.print(text)?;
    Ok(ExitCode::Ok)
}

fn table(text: &mut String, title: &str, shares: &BTreeMap<String, VaultShare>) {
    let mut rows: Vec<(&String, &VaultShare)> = shares.iter().collect();
    rows.sort_by_key(|(_, share)| std::cmp::Reverse(share.stored_bytes));
    writeln!(text, "  {title:<32} {:>10} {:>10} {:>10} {:>6}", "objects", "originals", "stored", "ratio")
        .unwrap_or_default();
    for (name, share) in rows.iter().take(SHOWN) {
        writeln!(
            text,
            "    {:<30} {:>10} {:>10} {:>10} {:>6.2}",
            human::escape(name),
            human::count(share.objects),
            human::size(share.original_bytes),
            human::size(share.stored_bytes),
            share.ratio
        )
        .unwrap_or_default();
    }
    if rows.len() > SHOWN {
        writeln!(text, "    and {} more; --json names all", rows.len() - SHOWN).unwrap_or_default();
    }
}
