//! `s3gc vault verify`: every pack that the catalog or the vault knows, read and compared.

use std::collections::{BTreeMap, BTreeSet};
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
use crate::error::{LOCKED_HELP, Result};
use crate::human;

#[derive(Serialize)]
struct PackFaults {
    pack: FileName,
    faults: Vec<serde_json::Value>,
}

/// What could be said of a pack without its key.
#[derive(Default, Serialize)]
struct Locked {
    /// Their bytes are those of the catalog's records.
    same: u64,
    /// Nothing is known of them.
    unknown: Vec<FileName>,
}

/// What the store copied, and no pack tells of.
#[derive(Default, Serialize)]
struct Strays {
    copies: u64,
    bytes: u64,
}

/// What the catalog knows of a pack's file: its length and digest.
type Known = Option<(u64, Digest)>;

pub(super) async fn run(gc: Gc, level: VerifyLevel, ctx: &Ctx) -> Result<ExitCode> {
    let packs = packs(&gc).await?;
    let (mut objects, mut checked, mut bytes) = (0_u64, 0_u64, 0_u64);
    let (mut bad, mut locked) = (Vec::new(), Locked::default());
    for (done, (name, expected)) in packs.iter().enumerate() {
        if done > 0 && done % 100 == 0 {
            ctx.say(format!("{} of {} packs", human::count(done as u64), human::count(packs.len() as u64)));
        }
        let digest = expected.map(|(_, digest)| digest);
        match pack::verify(Arc::clone(gc.vault()), name, level, digest).await {
            Ok(report) => {
                objects += report.entries.len() as u64;
                checked += report.checked as u64;
                bytes += report.size_bytes;
                if !report.faults.is_empty() {
                    let fault = |fault: &pack::Fault| json!({ "key": fault.key, "reason": fault.reason });
                    bad.push(PackFaults { pack: name.clone(), faults: report.faults.iter().map(fault).collect() });
                }
            }
            Err(s3gc_vault::Error::Locked { .. }) => match compare(&gc, name, level, *expected, &mut bytes).await? {
                None => locked.unknown.push(name.clone()),
                Some(Ok(())) => locked.same += 1,
                Some(Err(reason)) => {
                    bad.push(PackFaults { pack: name.clone(), faults: vec![json!({ "key": null, "reason": reason })] });
                }
            },
            Err(error @ (s3gc_vault::Error::NotFound { .. } | s3gc_vault::Error::Damaged { .. })) => {
                let faults = vec![json!({ "key": null, "reason": error.to_string() })];
                bad.push(PackFaults { pack: name.clone(), faults });
            }
            Err(error) => return Err(error.into()),
        }
    }
    let strays = strays(&gc, &packs).await?;
    let ok = bad.is_empty();
    if ctx.json {
        ctx.print_json(&json!({
            "vault": gc.vault().location(),
            "ok": ok,
            "packs": packs.len(),
            "bytes": bytes,
            "objects": objects,
            "objects_decoded": checked,
            "locked": locked,
            "strays": strays,
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
            match (ok, locked.unknown.is_empty()) {
                (true, true) => "all is well".to_owned(),
                (true, false) => "not all could be verified".to_owned(),
                (false, _) => human::plural(bad.len() as u64, "bad pack"),
            },
        );
        for pack in &bad {
            for fault in &pack.faults {
                let key = fault["key"].as_str().map(|key| format!(" {}:", human::escape(key))).unwrap_or_default();
                let reason = fault["reason"].as_str().unwrap_or_default();
                writeln!(text, "  {}:{key} {reason}", pack.pack).unwrap_or_default();
            }
        }
        if locked.same > 0 {
            let how = if level == VerifyLevel::Quick { "lengths" } else { "lengths and BLAKE3" };
            let packs = human::plural(locked.same, "pack");
            writeln!(
                text,
                "  encrypted, and the key is missing or wrong: {packs}; nothing but {how} could be compared"
            )
            .unwrap_or_default();
        }
        for pack in &locked.unknown {
            writeln!(
                text,
                "  {pack}: not verified: encrypted, the key is missing or wrong, and unknown to the catalog"
            )
            .unwrap_or_default();
        }
        if strays.copies > 0 {
            let copies = if strays.copies == 1 {
                "1 copy".to_owned()
            } else {
                format!("{} copies", human::count(strays.copies))
            };
            writeln!(
                text,
                "  {copies} of {} in copies/ without a pack: a run died before it could write it; nothing was deleted for it, \
                 and you may remove it",
                human::size(strays.bytes)
            )
            .unwrap_or_default();
        }
        if locked.same > 0 || !locked.unknown.is_empty() {
            writeln!(text, "  help: {LOCKED_HELP}").unwrap_or_default();
        }
        ctx.print(text)?;
    }
    Ok(match (ok, locked.unknown.is_empty()) {
        (false, _) => ExitCode::Faults,
        (true, false) => ExitCode::KeyMissing,
        (true, true) => ExitCode::Ok,
    })
}

/// Compares a pack that is locked with the catalog's record: its length, and unless it is to be quick, its digest.
/// `None` if there is no record.
async fn compare(
    gc: &Gc,
    name: &FileName,
    level: VerifyLevel,
    known: Known,
    bytes: &mut u64,
) -> Result<Option<Result<(), String>>> {
    let Some((size_bytes, blake3)) = known else { return Ok(None) };
    let vault = gc.vault().stored().unwrap_or(gc.vault());
    let stored_bytes = match vault.size(name).await {
        Err(error @ s3gc_vault::Error::NotFound { .. }) => return Ok(Some(Err(error.to_string()))),
        size => size?,
    };
    *bytes += stored_bytes;
    if stored_bytes != size_bytes {
        return Ok(Some(Err(format!("the file has {stored_bytes} bytes instead of {size_bytes}"))));
    }
    if level == VerifyLevel::Quick {
        return Ok(Some(Ok(())));
    }
    let (_, digest) = pack::stored_digest(&**gc.vault(), name).await?;
    let is_same = digest == blake3;
    Ok(Some(if is_same { Ok(()) } else { Err(format!("the file's BLAKE3 is {digest} instead of {blake3}")) }))
}

/// Looks for copies without a pack beside them.
async fn strays(gc: &Gc, packs: &BTreeMap<FileName, Known>) -> Result<Strays> {
    let beside: BTreeSet<FileName> = packs.keys().filter_map(FileName::copy_beside).collect();
    let mut strays = Strays::default();
    let mut copies = gc.vault().list("copies/");
    while let Some(copy) = copies.try_next().await? {
        if !beside.contains(&copy.name) {
            strays.copies += 1;
            strays.bytes += copy.size_bytes;
        }
    }
    Ok(strays)
}

/// Finds every pack: those of the catalog, with their digests, and those that only the vault knows.
async fn packs(gc: &Gc) -> Result<BTreeMap<FileName, Known>> {
    let mut packs = BTreeMap::new();
    let files: Vec<_> = gc.vault().list("packs/").try_collect().await?;
    packs.extend(files.into_iter().map(|file| (file.name, None)));
    for pack in gc.packs().await? {
        // The file of one that was pruned is not missing; while it still lies there, it is looked at like any other.
        if !pack.state.is_gone() || packs.contains_key(&pack.name) {
            packs.insert(pack.name, Some((pack.size_bytes, pack.blake3)));
        }
    }
    Ok(packs)
}
