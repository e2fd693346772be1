//! `s3gc vault verify`: every pack that the catalog or the vault knows, read and compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use futures::TryStreamExt;
use s3gc_core::{Digest, Gc};
use s3gc_vault::FileName;
use s3gc_vault::pack::{self, VerifyLevel};
use serde::Serialize;
use serde_json::json;

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::Result;
use crate::human;

#[derive(Serialize)]
struct PackFaults {
    pack: FileName,
    faults: Vec<serde_json::Value>,
}

pub(super) async fn run(gc: Gc, level: VerifyLevel, ctx: &Ctx) -> Result<ExitCode> {
    let packs = packs(&gc).await?;
    let (mut objects, mut checked, mut bytes) = (0_u64, 0_u64, 0_u64);
    let mut bad = Vec::new();
    for (done, (name, expected)) in packs.iter().enumerate() {
        if done > 0 && done % 100 == 0 {
            ctx.say(format!("{} of {} packs", human::count(done as u64), human::count(packs.len() as u64)));
        }
        match pack::verify(Arc::clone(gc.vault()), name, level, *expected).await {
            Ok(report) => {
                objects += report.entries.len() as u64;
                checked += report.checked as u64;
                bytes += report.size_bytes;
                if !report.faults.is_empty() {
                    let fault = |fault: &pack::Fault| json!({ "key": fault.key, "reason": fault.reason });
                    bad.push(PackFaults { pack: name.clone(), faults: report.faults.iter().map(fault).collect() });
                }
            }
            Err(error @ (s3gc_vault::Error::NotFound { .. } | s3gc_vault::Error::Damaged { .. })) => {
                let faults = vec![json!({ "key": null, "reason": error.to_string() })];
                bad.push(PackFaults { pack: name.clone(), faults });
            }
            Err(error) => return Err(error.into()),
        }
    }
    let ok = bad.is_empty();
    if ctx.json {
        ctx.print_json(&json!({
            "vault": gc.vault().location(),
            "ok": ok,
            "packs": packs.len(),
            "bytes": bytes,
            "objects": objects,
            "objects_decoded": checked,
            "faults": bad,
        }))?;
    } else {
        let mut text = format!(
            "{}: {}, {}, {} ({} decoded and compared): {}\n",
            gc.vault().location(),
            human::plural(packs.len() as u64, "pack"),
            human::size(bytes),
            human::objects(objects),
            human::count(checked),
            if ok { "all is well".to_owned() } else { human::plural(bad.len() as u64, "bad pack") },
        );
        for pack in &bad {
            for fault in &pack.faults {
                let key = fault["key"].as_str().map(|key| format!(" {}:", human::escape(key))).unwrap_or_default();
                let reason = fault["reason"].as_str().unwrap_or_default();
                writeln!(text, "  {}:{key} {reason}", pack.pack).unwrap_or_default();
            }
        }
        ctx.print(text)?;
    }
    Ok(if ok { ExitCode::Ok } else { ExitCode::Faults })
}

/// Finds every pack: those of the catalog, with their digests, and those that only the vault knows.
async fn packs(gc: &Gc) -> Result<BTreeMap<FileName, Option<Digest>>> {
    let mut packs = BTreeMap::new();
    let files: Vec<_> = gc.vault().list("packs/").try_collect().await?;
    packs.extend(files.into_iter().map(|file| (file.name, None)));
    for pack in gc.packs().await? {
        // The file of one that was pruned is not missing; while it still lies there, it is looked at like any other.
        if !pack.state.is_gone() || packs.contains_key(&pack.name) {
            packs.insert(pack.name, Some(pack.blake3));
        }
    }
    Ok(packs)
}
