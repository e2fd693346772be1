//! `s3gc vault reindex`: packs that the catalog does not know come back into it.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use s3gc_core::Gc;
use s3gc_core::catalog::{Adoption, PackRecord, PackState, StagedEntry};
use s3gc_vault::{FileName, VaultFile, pack};
use serde_json::json;

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::{LOCKED_HELP, Result};
use crate::human;

pub(super) async fn run(gc: Gc, ctx: &Ctx) -> Result<ExitCode> {
    // Those that were pruned, too: a file that a crash left of one is not taken up again.
    let known: BTreeSet<FileName> = gc.packs().await?.into_iter().map(|pack| pack.name).collect();
    let files: Vec<VaultFile> = gc.vault().list("packs/").try_collect().await?;
    let total = files.len();
    let (mut adopted, mut objects, mut damaged, mut locked) = (0_u64, 0_u64, Vec::new(), Vec::new());
    for file in files.into_iter().filter(|file| !known.contains(&file.name)) {
        let index = match pack::read_index(&**gc.vault(), &file.name).await {
            Ok(index) => index,
            Err(error @ s3gc_vault::Error::Damaged { .. }) => {
                damaged.push(error.to_string());
                continue;
            }
            Err(error @ s3gc_vault::Error::Locked { .. }) => {
                locked.push(error.to_string());
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
        // The record is about the file as it is stored: `verify` compares it, with the key and without.
        let (size_bytes, blake3) = pack::stored_digest(&**gc.vault(), &file.name).await?;
        let record = PackRecord {
            name: file.name.clone(),
            vault: gc.vault().location().to_owned(),
            run: index.entries.first().map(|entry| entry.run.clone()).unwrap_or_default(),
            created_at: index.header.created_at,
            size_bytes,
            copied_bytes: index.entries.iter().map(pack::PackEntry::copied_bytes).sum(),
            blake3,
            original_bytes: index.entries.iter().map(|entry| entry.meta.size_bytes).sum(),
            objects: index.entries.len() as u64,
            adopted: Some(Adoption { at: gc.clock().now(), damage: damage(&index) }),
            state: PackState::Kept,
        };
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
            "locked": locked,
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
        for reason in &locked {
            text.push_str(&format!("locked: {reason}\n"));
        }
        if !locked.is_empty() {
            text.push_str(&format!("  help: {LOCKED_HELP}\n"));
        }
        ctx.print(text)?;
    }
    Ok(match (locked.is_empty(), damaged.is_empty()) {
        (false, _) => ExitCode::KeyMissing,
        (true, false) => ExitCode::Faults,
        (true, true) => ExitCode::Ok,
    })
}

/// What of a pack could not be read: it may hold objects that nobody knows.
fn damage(index: &pack::PackIndex) -> Option<String> {
    index.damage.clone().or_else(|| index.lost.first().map(|fault| fault.reason.clone()))
}
