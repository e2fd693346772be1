//! `s3gc vault reindex`: packs that the catalog does not know come back into it.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use s3gc_core::catalog::{PackRecord, StagedEntry};
use s3gc_core::{Digest, Gc};
use s3gc_vault::{FileName, VaultFile, pack};
use serde_json::json;

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::Result;
use crate::human;

/// How much of a pack is read at once.
const PIECE_BYTES: u64 = 4 << 20;

pub(super) async fn run(gc: Gc, ctx: &Ctx) -> Result<ExitCode> {
    let known: BTreeSet<FileName> = gc.packs().await?.into_iter().map(|pack| pack.name).collect();
    let files: Vec<VaultFile> = gc.vault().list("packs/").try_collect().await?;
    let total = files.len();
    let (mut adopted, mut objects, mut damaged) = (0_u64, 0_u64, Vec::new());
    for file in files.into_iter().filter(|file| !known.contains(&file.name)) {
        let index = match pack::read_index(&**gc.vault(), &file.name).await {
            Ok(index) => index,
            Err(error @ s3gc_vault::Error::Damaged { .. }) => {
                damaged.push(error.to_string());
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(damage) = &index.damage {
            damaged.push(format!("{}: {damage}", file.name));
        }
        for pack::Fault { key, reason, .. } in &index.lost {
            let key = key.as_ref().map(human::key).unwrap_or_default();
            damaged.push(format!("{}: {key}: {reason}", file.name));
        }
        let record = record(&gc, &file, &index).await?;
        let entries: Vec<StagedEntry> =
            index.entries.into_iter().map(|entry| StagedEntry { unreferenced_since: entry.staged_at, entry }).collect();
        if gc.catalog().adopt(&record, &entries).await? {
            adopted += 1;
            objects += entries.len() as u64;
        }
    }
    if ctx.json {
        ctx.print_json(&json!({
            "vault": gc.vault().location(),
            "catalog": gc.catalog().name(),
            "packs": total,
            "known": known.len(),
            "adopted": adopted,
            "objects": objects,
            "damaged": damaged,
        }))?;
    } else {
        let mut text = format!(
            "{}: {}, {} new to {}, with {}\n",
            gc.vault().location(),
            human::plural(total as u64, "pack"),
            human::count(adopted),
            gc.catalog().name(),
            human::objects(objects)
        );
        if adopted > 0 {
            text.push_str(
                "They are listed as deleted, though some may live: a pack tells what was backed up, not what became of \
                 it. A restore leaves what lives alone.\n",
            );
        }
        for damage in &damaged {
            text.push_str(&format!("damaged: {damage}\n"));
        }
        ctx.print(text)?;
    }
    Ok(if damaged.is_empty() { ExitCode::Ok } else { ExitCode::Faults })
}

async fn record(gc: &Gc, file: &VaultFile, index: &pack::PackIndex) -> Result<PackRecord> {
    Ok(PackRecord {
        name: file.name.clone(),
        vault: gc.vault().location().to_owned(),
        run: index.entries.first().map(|entry| entry.run.clone()).unwrap_or_default(),
        created_at: index.header.created_at,
        size_bytes: index.size_bytes,
        blake3: digest(gc, &file.name, index.size_bytes).await?,
        original_bytes: index.entries.iter().map(|entry| entry.meta.size_bytes).sum(),
        objects: index.entries.len() as u64,
    })
}

async fn digest(gc: &Gc, name: &FileName, size_bytes: u64) -> Result<Digest> {
    let mut hasher = blake3::Hasher::new();
    let mut at = 0;
    while at < size_bytes {
        let end = (at + PIECE_BYTES).min(size_bytes);
        hasher.update(&gc.vault().read_range(name, at..end).await?);
        at = end;
    }
    Ok(Digest::from(hasher.finalize()))
}
