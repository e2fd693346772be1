//! `s3gc demo`: from nothing to a first restore in a minute.
//!
//! A photo app is made (`world`, `content`): a database file, and a bucket on an S3 server inside this process (`setup`).
//! What follows is what any bucket gets: plan, run, restore. In the end everything is compared with what was put there
//! (`proof`).

mod content;
mod proof;
mod setup;
#[cfg(test)]
mod tests;
mod world;

use std::path::{Path, PathBuf};
use std::time::Instant;

use s3gc_core::catalog::Mode;
use s3gc_core::{Digest, Metrics, RunOptions, RunReport, RunState, monthly_cost};
use serde::Serialize;

use crate::ExitCode;
use crate::cli::DemoArgs;
use crate::commands::summary;
use crate::context::Ctx;
use crate::error::{Error, Result, shell};
use crate::human;
use crate::progress::progress;
use setup::{CONFIG, DATABASE, Stage};
use world::{BUCKET, Fate, ODD};

/// The file that is restored: the picture of somebody who deleted their account.
const RESTORED: &str = "avatars/0087.jpg";

/// The demo as JSON.
#[derive(Serialize)]
struct Document<'a> {
    dir: &'a Path,
    config: PathBuf,
    bucket: &'a str,
    objects: usize,
    bytes: u64,
    planned: &'a RunReport,
    report: &'a RunReport,
    metrics: Metrics,
    restored: Restored,
    objects_left: usize,
    audit_entries: u64,
    next: Vec<Next>,
    seconds: f64,
}

#[derive(Serialize)]
struct Restored {
    key: &'static str,
    blake3_before: Option<Digest>,
    blake3_after: Digest,
}

/// A command to try.
#[derive(Serialize)]
struct Next {
    command: String,
    what: &'static str,
}

/// Runs the demo. Its directory is left, so that one can look around.
pub(crate) async fn run(args: DemoArgs, ctx: &Ctx) -> Result<ExitCode> {
    let started = Instant::now();
    let dir = match args.dir {
        Some(dir) => empty(dir)?,
        None => {
            let made = tempfile::Builder::new().prefix("s3gc-demo-").tempdir();
            made.map_err(Error::io("making a temporary directory"))?.keep()
        }
    };
    let stage = Box::pin(Stage::set(&dir)).await?;
    introduce(&stage, &dir, ctx)?;

    say(ctx, "\n2. What would be deleted: s3gc plan")?;
    let planned = cycle(&stage, RunOptions::mode(Mode::DryRun), ctx).await?;
    say(ctx, indent(&summary::counts(&planned.counts, stage.gc.settings(), 10)))?;
    let Some(plan) = planned.plan.as_ref().filter(|_| planned.state == RunState::Done) else {
        return Err(proof::disproved("a plan is made", format!("{:?}", planned.brakes)));
    };

    say(ctx, "\n3. Back up, look again, delete: s3gc run PLANFILE --mode execute")?;
    let report = cycle(&stage, RunOptions::plan(&plan.path), ctx).await?;
    say(ctx, indent(&summary::run(&report)))?;
    let orphans = u64::try_from(stage.world.count(Fate::Orphan)).unwrap_or(u64::MAX);
    if report.state != RunState::Done || report.sweep.deleted.objects != orphans {
        let why = format!("{} of {orphans} are deleted; the run is {:?}", report.sweep.deleted.objects, report.state);
        return Err(proof::disproved("what nobody uses is deleted", why));
    }

    say(ctx, "\n4. What was saved: s3gc metrics")?;
    let metrics = stage.gc.metrics().await?;
    say(ctx, saved(&stage, &metrics))?;

    say(ctx, format!("\n5. A customer wants a picture back: s3gc restore {RESTORED}"))?;
    let blake3_after = proof::restore(&stage, RESTORED).await?;
    let blake3_before = stage.digests.get(RESTORED).copied();
    let before = blake3_before.map(|digest| digest.to_string()).unwrap_or_default();
    say(ctx, format!("   BLAKE3 before  {before}\n   BLAKE3 after   {blake3_after}  the same, byte for byte"))?;

    say(ctx, "\n6. Proof")?;
    let objects_left = proof::left(&stage, RESTORED)?;
    let audit_entries = proof::audit(&stage.gc).await?;
    say(ctx, proofs(objects_left, audit_entries))?;

    let next = next(&dir, &stage.vault_pack().await?);
    if ctx.json {
        let restored = Restored { key: RESTORED, blake3_before, blake3_after };
        ctx.print_json(&Document {
            config: dir.join(CONFIG),
            dir: &dir,
            bucket: BUCKET,
            objects: stage.world.files.len(),
            bytes: stage.bytes,
            planned: &planned,
            report: &report,
            metrics,
            restored,
            objects_left,
            audit_entries,
            next,
            seconds: started.elapsed().as_secs_f64(),
        })?;
    } else {
        ctx.print(farewell(&next, &dir, started))?;
    }
    Ok(ExitCode::Ok)
}

/// Makes the directory, unless there is something in it.
fn empty(dir: PathBuf) -> Result<PathBuf> {
    let shown = dir.display().to_string();
    std::fs::create_dir_all(&dir).map_err(Error::io(format!("making the directory {shown}")))?;
    let mut files = std::fs::read_dir(&dir).map_err(Error::io(format!("reading the directory {shown}")))?;
    if files.next().is_some() {
        return Err(Error::usage(format!("{shown} is not empty"), "name an empty directory, or one that is not there"));
    }
    std::path::absolute(&dir).map_err(Error::io(format!("finding the directory {shown}")))
}

async fn cycle(stage: &Stage, mut options: RunOptions, ctx: &Ctx) -> Result<RunReport> {
    options.progress = progress(ctx, BUCKET);
    options.cancel = ctx.cancel.clone();
    Ok(Box::pin(stage.gc.run_cycle(options)).await?)
}

/// Tells the story, unless only the end of it is wanted.
fn say(ctx: &Ctx, text: impl AsRef<str>) -> Result<()> {
    if ctx.json { Ok(()) } else { ctx.print(text) }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("   {line}\n")).collect()
}

fn introduce(stage: &Stage, dir: &Path, ctx: &Ctx) -> Result<()> {
    let rows = &stage.world.rows;
    let number = |rows: &[(String, Option<String>)]| human::count(u64::try_from(rows.len()).unwrap_or(u64::MAX));
    let files = u64::try_from(stage.world.files.len()).unwrap_or(u64::MAX);
    say(
        ctx,
        format!(
            "s3gc demo: a photo app whose bucket still holds what its database has forgotten.\n\n\
             1. The app, in {dir}\n   \
                database   {DATABASE}: {} users, {} posts, {} products, {} pages\n   \
                bucket     {BUCKET} at {}, an S3 server in this process: {files}, {}\n   \
                settings   {CONFIG}, as you would write them for your own bucket\n   \
                Retention counts from the age of each file here (retention_from = \"last_modified\"), so that something\n   \
                is due at once. By default it counts from the day s3gc first sees a file unreferenced.",
            number(&rows.users),
            number(&rows.posts),
            number(&rows.products),
            number(&rows.pages),
            stage.server.endpoint(),
            human::size(stage.bytes),
            dir = dir.display(),
            files = human::objects(files),
        ),
    )
}

fn saved(stage: &Stage, metrics: &Metrics) -> String {
    let settings = stage.gc.settings();
    let whole = monthly_cost(stage.bytes, settings.price_per_gb_month);
    let share = if whole > 0.0 { metrics.saved_per_month / whole } else { 0.0 };
    let of_terabyte = share * monthly_cost(1_000_000_000_000, settings.price_per_gb_month);
    format!(
        "   {} deleted, {}; {} a month here, {} a month if the bucket had 1 TB\n   \
            vault: {}, {}, {:.1} times smaller than the files, each read back before anything was deleted",
        human::objects(metrics.total_deleted),
        human::size(metrics.deleted_bytes),
        human::money(metrics.saved_per_month),
        human::money(of_terabyte),
        human::plural(metrics.vault_packs, "pack"),
        human::size(metrics.vault_size_bytes),
        metrics.avg_compression_ratio,
    )
}

fn proofs(left: usize, audit_entries: u64) -> String {
    let left = human::objects(u64::try_from(left).unwrap_or(u64::MAX));
    let odd: String = ODD.iter().map(|odd| format!("\n         {:<32} {}", odd.key, odd.form)).collect();
    format!(
        "   ok  {left} are left: exactly those that should be, every byte as it was\n   \
            ok  also those that the database names only in odd forms:{odd}\n   \
            ok  the audit chain is whole: {} entries",
        human::count(audit_entries)
    )
}

/// Commands that work when the bucket is gone with this process.
fn next(dir: &Path, pack: &str) -> Vec<Next> {
    let at = |name: &str| shell(&dir.join(name).display().to_string());
    let config = at(CONFIG);
    [
        (format!("s3gc vault ls -c {config}"), "what the vault holds"),
        (format!("s3gc restore avatars/0088.jpg --to {} -c {config}", at("back")), "from the vault into a directory"),
        (format!("s3gc vault verify --level full -c {config}"), "read every byte of the vault"),
        (format!("s3gc audit verify -c {config}"), "prove that no entry was altered or removed"),
        (
            format!("mkdir {0} && tar --zstd -xf {1} -C {0}", at("unpacked"), at(&format!("vault/{pack}"))),
            "a pack without s3gc",
        ),
        (format!("sqlite3 {} .tables", at("catalog.db")), "the state, in a plain SQLite file"),
        ("s3gc init --url \"$DATABASE_URL\" --bucket YOUR_BUCKET".to_owned(), "your own bucket: nothing is deleted"),
    ]
    .map(|(command, what)| Next { command, what })
    .into()
}

fn farewell(next: &[Next], dir: &Path, started: Instant) -> String {
    let mut text = format!("\nDone in {}. To try next:\n", human::duration(started.elapsed()));
    for Next { command, what } in next {
        text.push_str(&format!("  # {what}\n  {command}\n"));
    }
    text.push_str(&format!("The directory is yours to remove: rm -r {}\n", shell(&dir.display().to_string())));
    text
}

impl Stage {
    /// Finds the first pack of the vault.
    async fn vault_pack(&self) -> Result<String> {
        let packs = self.gc.catalog().packs(None, 1).await?;
        let pack = packs.into_iter().next().ok_or_else(|| proof::disproved("there is a pack", "there is none"))?;
        Ok(pack.name.to_string())
    }
}
