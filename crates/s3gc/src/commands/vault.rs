//! `s3gc vault`: what was deleted, and the proof that it can be read.

mod export;
mod keygen;
mod prune;
mod reindex;
mod replicate;
mod stats;
mod verify;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use futures::StreamExt;
use s3gc_core::catalog::{EntryFilter, EntryId, EntryRecord, EntryState};
use s3gc_core::{Gc, ObjectKey};
use s3gc_vault::pack;

use crate::ExitCode;
use crate::cli::VaultCommand;
use crate::context::Ctx;
use crate::error::{Error, Result};
use crate::human;

const PAGE: u32 = 1000;

pub(super) async fn run(command: VaultCommand, ctx: &Ctx) -> Result<ExitCode> {
    match command {
        VaultCommand::Keygen { file } => keygen::run(file.as_deref(), ctx),
        VaultCommand::Ls { prefix } => {
            let fleet = ctx.fleet().await?;
            Ok(super::each(ctx, &fleet, |gc| list(gc, prefix.clone(), ctx)).await)
        }
        VaultCommand::Show { key } => show(&ctx.only().await?, &key, ctx).await,
        VaultCommand::Cat { key } => cat(&ctx.only().await?, &key, ctx).await,
        VaultCommand::Verify { level } => {
            let fleet = ctx.fleet().await?;
            Ok(super::each(ctx, &by_vault(&fleet), |gc| verify::run(gc, level, ctx)).await)
        }
        VaultCommand::Reindex => {
            let fleet = ctx.fleet().await?;
            Ok(super::each(ctx, &by_vault(&fleet), |gc| reindex::run(gc, ctx)).await)
        }
        VaultCommand::Stats => {
            let fleet = ctx.fleet().await?;
            Ok(super::each(ctx, &by_vault(&fleet), |gc| stats::run(gc, ctx)).await)
        }
        VaultCommand::Replicate { verify, dry_run } => {
            let fleet = ctx.fleet().await?;
            Ok(super::each(ctx, &by_vault(&fleet), |gc| replicate::run(gc, verify, dry_run, ctx)).await)
        }
        // Each bucket its own packs: only its sources know what is needed of them.
        VaultCommand::Prune { dry_run, wait_lock } => {
            let (fleet, wait_lock) = (ctx.fleet().await?, wait_lock.unwrap_or_default());
            Ok(super::each(ctx, &fleet, |gc| prune::run(gc, dry_run, wait_lock, ctx)).await)
        }
        VaultCommand::Export { dir, prefix } => {
            let fleet = ctx.fleet().await?;
            Ok(super::each(ctx, &by_vault(&fleet), |gc| export::run(gc, &dir, &prefix, ctx)).await)
        }
    }
}

/// One bucket for each vault and catalog: packs hold objects of any bucket.
fn by_vault(fleet: &crate::Fleet) -> Vec<Gc> {
    let mut seen = BTreeSet::new();
    let is_new = |gc: &&Gc| seen.insert((gc.vault().location().to_owned(), gc.catalog().id().to_string()));
    fleet.iter().filter(is_new).cloned().collect()
}

fn filter(gc: &Gc) -> EntryFilter {
    EntryFilter { location: Some(gc.location().clone()), ..EntryFilter::default() }
}

async fn list(gc: Gc, prefix: Option<String>, ctx: &Ctx) -> Result<ExitCode> {
    let filter = EntryFilter { prefix, is_pruned: Some(false), ..filter(&gc) };
    let mut after = EntryId::default();
    loop {
        let page = gc.catalog().entries(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ExitCode::Ok) };
        after = last.id;
        if ctx.json {
            ctx.print_json_lines(&page)?;
            continue;
        }
        let lines: Vec<String> = page.iter().map(one_line).collect();
        ctx.print(lines.join("\n"))?;
    }
}

fn one_line(entry: &EntryRecord) -> String {
    let at = human::maybe_time(entry.settled_at);
    let size = human::size(entry.entry.meta.size_bytes);
    format!("{:<9} {at:<20} {size:>9}  {}", entry.state.as_str(), human::key(&entry.entry.key))
}

/// Finds all copies of a key, oldest first.
async fn copies(gc: &Gc, key: &ObjectKey) -> Result<Vec<EntryRecord>> {
    let filter = EntryFilter { key: Some(key.clone()), ..filter(gc) };
    let (mut all, mut after) = (Vec::new(), EntryId::default());
    loop {
        let page = gc.catalog().entries(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        all.extend(page);
    }
    if all.is_empty() {
        let message = format!("{}: the vault holds no object with this key from {}", human::key(key), gc.location());
        return Err(Error::NotFound(message));
    }
    Ok(all)
}

async fn show(gc: &Gc, key: &ObjectKey, ctx: &Ctx) -> Result<ExitCode> {
    let copies = copies(gc, key).await?;
    if ctx.json {
        ctx.print_json_lines(&copies)?;
        return Ok(ExitCode::Ok);
    }
    let mut text = String::new();
    for entry in &copies {
        writeln!(text, "{}", details(entry)).unwrap_or_default();
    }
    ctx.print(text)?;
    Ok(ExitCode::Ok)
}

fn details(record: &EntryRecord) -> String {
    let (entry, meta) = (&record.entry, &record.entry.meta);
    let mut text = one_line(record);
    let mut line = |name: &str, value: String| write!(text, "\n  {name:<18} {value}").unwrap_or_default();
    line("pack", record.pack.to_string());
    line("run", entry.run.clone());
    line("unreferenced since", human::time(record.unreferenced_since));
    line("staged", human::time(entry.staged_at));
    line("restored", human::maybe_time(record.restored_at));
    if let Some(at) = record.pruned_at {
        line("pruned", format!("{}: there is no copy in the vault any more", human::time(at)));
    }
    match entry.copied {
        Some(crc) => line("crc64nvme", crc.to_string()),
        None => line("blake3", entry.blake3.to_string()),
    }
    line("codec", entry.codec.clone());
    line("etag", meta.etag.to_string());
    line("last modified", human::time(meta.last_modified));
    // Headers, user metadata, tags: whatever the object had.
    if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(meta) {
        for (name, value) in fields {
            let is_known = matches!(name.as_str(), "etag" | "last_modified" | "size_bytes" | "readable");
            if !is_known && !value.is_null() {
                line(&name, human::escape(value.as_str().unwrap_or(&value.to_string())));
            }
        }
    }
    text
}

/// Writes the bytes as they come; they are checked, and a copy that is not the original ends in an error.
async fn cat(gc: &Gc, key: &ObjectKey, ctx: &Ctx) -> Result<ExitCode> {
    let copies = copies(gc, key).await?;
    let pruned = newest(&copies, |_| true).and_then(|entry| entry.pruned_at);
    let Some(entry) = newest(&copies, |entry| entry.pruned_at.is_none()) else {
        let at = human::maybe_time(pruned);
        let message =
            format!("{}: its copy was pruned from the vault at {at}: [vault] keep_days was over", human::key(key));
        return Err(Error::NotFound(message));
    };
    if let Some(at) = pruned {
        ctx.warn(format!(
            "{}: this is an older copy, of {}; the newest one was pruned at {}",
            human::key(key),
            human::time(entry.entry.staged_at),
            human::time(at)
        ));
    }
    let mut body = pack::open(Arc::clone(gc.vault()), &entry.pack, &entry.entry).await?;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(Error::io(format!("reading {} from the vault", human::key(key))))?;
        std::io::stdout().lock().write_all(&piece).map_err(Error::io("writing to stdout"))?;
    }
    std::io::stdout().lock().flush().map_err(Error::io("writing to stdout"))?;
    Ok(ExitCode::Ok)
}

/// Finds the newest of these copies: of a deleted object, if there is one.
fn newest(copies: &[EntryRecord], is_meant: impl Fn(&EntryRecord) -> bool) -> Option<&EntryRecord> {
    let is_deleted = |entry: &&EntryRecord| matches!(entry.state, EntryState::Deleted | EntryState::Restored);
    let mut meant = copies.iter().rev().filter(|entry| is_meant(entry));
    let last = meant.clone().next();
    meant.find(is_deleted).or(last)
}
