//! `s3gc vault export`: everything in the packs, as plain files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use s3gc_core::store::{self, ByteStream, ObjectStore, PutMode};
use s3gc_core::{Digest, Gc, Location, ObjectKey};
use s3gc_store_fs::{FsConfig, FsStore};
use s3gc_vault::pack::{self, PackEntry};
use s3gc_vault::{FileName, VaultFile};
use serde_json::json;

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::{Error, LOCKED_HELP, Result};
use crate::human;

/// The longest part of a path that is used as it is; most file systems end at 255 bytes.
const MAX_PART_BYTES: usize = 200;

/// The longest path.
const MAX_PATH_BYTES: usize = 1000;

/// What became of the copies in the packs.
#[derive(Default)]
struct Counts {
    written: u64,
    bytes: u64,
    left: u64,
    failed: Vec<(String, String)>,
    /// Some packs could not be decrypted.
    is_locked: bool,
}

pub(super) async fn run(gc: Gc, dir: &Path, prefix: &str, ctx: &Ctx) -> Result<ExitCode> {
    std::fs::create_dir_all(dir).map_err(Error::io(format!("making {}", dir.display())))?;
    let target = FsStore::open(&FsConfig::new(dir)).await?;
    let mut packs: Vec<VaultFile> = gc.vault().list("packs/").try_collect().await?;
    // Their names begin with the time: the newest copy of a key is the first to be written.
    packs.sort_by(|a, b| b.name.cmp(&a.name));
    // A file whose removal was begun counts no more, though it may still lie there.
    let known = gc.packs().await?.into_iter();
    let gone: BTreeSet<FileName> = known.filter(|pack| pack.state.is_gone()).map(|pack| pack.name).collect();
    packs.retain(|pack| !gone.contains(&pack.name));
    let (mut counts, mut taken) = (Counts::default(), BTreeMap::new());
    for pack in &packs {
        let index = match pack::read_index(&**gc.vault(), &pack.name).await {
            Ok(index) => index,
            Err(error @ s3gc_vault::Error::Damaged { .. }) => {
                counts.failed.push((pack.name.to_string(), error.to_string()));
                continue;
            }
            Err(error @ s3gc_vault::Error::Locked { .. }) => {
                counts.is_locked = true;
                counts.failed.push((pack.name.to_string(), error.to_string()));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(damage) = index.damage {
            counts.failed.push((pack.name.to_string(), damage));
        }
        for pack::Fault { key, reason, .. } in index.lost {
            let key = key.map(|key| key.to_string()).unwrap_or_default();
            if key.starts_with(prefix) {
                counts.failed.push((key, reason));
            }
        }
        for entry in index.entries.iter().rev().filter(|entry| entry.key.as_str().starts_with(prefix)) {
            if ctx.cancel.is_cancelled() {
                return Err(Error::Interrupted { help: Some("run the same command again: it goes on".to_owned()) });
            }
            let directory = directory(&entry.location, &mut taken);
            match export(&gc, &pack.name, entry, &target, &directory).await {
                Ok(true) => {
                    counts.written += 1;
                    counts.bytes += entry.meta.size_bytes;
                }
                Ok(false) => counts.left += 1,
                Err(error) => counts.failed.push((entry.key.to_string(), Error::from(error).chain())),
            }
        }
    }
    show(&gc, &counts, dir, ctx)
}

/// Writes one copy; `false` if a file is there already: a newer copy, or one of an earlier call.
async fn export(
    gc: &Gc,
    pack: &FileName,
    entry: &PackEntry,
    target: &FsStore,
    directory: &str,
) -> Result<bool, store::Error> {
    let plain = plain_name(directory, entry.key.as_str());
    let name = plain.unwrap_or_else(|| hashed_name(directory, entry.key.as_str()));
    match write(gc, pack, entry, target, &name).await {
        // A file and a directory of one name, as those of `a` and `a/b`, cannot lie side by side.
        Err(store::Error::UnsafeKey { .. }) => {
            write(gc, pack, entry, target, &hashed_name(directory, entry.key.as_str())).await
        }
        other => other,
    }
}

async fn write(
    gc: &Gc,
    pack: &FileName,
    entry: &PackEntry,
    target: &FsStore,
    name: &str,
) -> Result<bool, store::Error> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| store::Error::Other {
        operation: "read from the vault",
        object: entry.key.to_string(),
        source,
    };
    let key = ObjectKey::new(name).map_err(|error| failed(error.into()))?;
    if target.head(&key).await.is_ok() {
        return Ok(false);
    }
    let body = pack::open(Arc::clone(gc.vault()), pack, entry).await.map_err(|error| failed(error.into()))?;
    let object = entry.key.to_string();
    let body: ByteStream = body
        .map_err(move |error| store::Error::Other {
            operation: "read from the vault",
            object: object.clone(),
            source: error.into(),
        })
        .boxed();
    match target.put(&key, body, &entry.meta, PutMode::Create).await {
        Ok(_) => Ok(true),
        Err(store::Error::Precondition { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The key as a path, if it is one.
fn plain_name(directory: &str, key: &str) -> Option<String> {
    let is_plain = |part: &str| !part.is_empty() && part.len() <= MAX_PART_BYTES && !matches!(part, "." | "..");
    let is_safe =
        key.split('/').all(is_plain) && !key.contains(['\\', '~', '\0']) && !key.chars().any(char::is_control);
    let is_short = directory.len() + key.len() < MAX_PATH_BYTES;
    (is_safe && is_short).then(|| format!("{directory}/{key}"))
}

/// A name that any key can have, and no two keys share: what is readable of it, and a digest.
fn hashed_name(directory: &str, key: &str) -> String {
    let readable = key.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '_' });
    let readable: String = readable.take(80).collect();
    format!("{directory}/{readable}~{}", &Digest::of(key.as_bytes()).to_string()[..16])
}

/// The directory of a bucket; buckets of one name on two servers have one each.
fn directory(location: &Location, taken: &mut BTreeMap<String, Location>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let short = location.short_name();
    let is_name = short.chars().all(is_plain) && !short.starts_with('.') && !short.is_empty();
    let owner = taken.entry(short.to_owned()).or_insert_with(|| location.clone());
    if is_name && owner == location {
        return short.to_owned();
    }
    format!("bucket~{}", &Digest::of(location.as_str().as_bytes()).to_string()[..16])
}

fn show(gc: &Gc, counts: &Counts, dir: &Path, ctx: &Ctx) -> Result<ExitCode> {
    if ctx.json {
        let fault = |(what, reason): &(String, String)| json!({ "what": what, "reason": reason });
        ctx.print_json(&json!({
            "vault": gc.vault().location(),
            "directory": dir,
            "written": counts.written,
            "bytes": counts.bytes,
            "left": counts.left,
            "failed": counts.failed.iter().map(fault).collect::<Vec<_>>(),
        }))?;
    } else {
        let mut text = format!(
            "{}: {}, {} written to {}; {} there already\n",
            gc.vault().location(),
            human::plural(counts.written, "file"),
            human::size(counts.bytes),
            dir.display(),
            human::count(counts.left)
        );
        for (what, reason) in &counts.failed {
            writeln!(text, "  failed  {}: {reason}", human::escape(what)).unwrap_or_default();
        }
        if counts.is_locked {
            writeln!(text, "  help: {LOCKED_HELP}").unwrap_or_default();
        }
        ctx.print(text)?;
    }
    Ok(match (counts.failed.is_empty(), counts.written + counts.left) {
        (true, _) => ExitCode::Ok,
        (false, _) if counts.is_locked => ExitCode::KeyMissing,
        (false, 0) => ExitCode::Failed,
        (false, _) => ExitCode::Partial,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_key_stays_in_the_directory_and_no_two_share_a_name() {
        assert_eq!(plain_name("b", "a/b c.jpg").as_deref(), Some("b/a/b c.jpg"));
        let hostile = ["../x", "/x", "a//b", "a/../../x", "a\nb", "a\\b", "", "a~b", "a/"];
        let names: Vec<String> = hostile.iter().map(|key| hashed_name("b", key)).collect();
        for (key, name) in hostile.iter().zip(&names) {
            assert_eq!(plain_name("b", key), None, "{key:?}");
            assert_eq!(name.matches('/').count(), 1, "{name}");
            assert!(name.len() < 110);
        }
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        let long = "x".repeat(300);
        assert_eq!(plain_name("b", &long), None);
        assert_ne!(hashed_name("b", &long), hashed_name("b", &"x".repeat(301)));
    }

    #[test]
    fn buckets_of_one_name_have_a_directory_each() {
        let mut taken = BTreeMap::new();
        let (ours, theirs) = (Location::aws("photos"), Location::s3_compatible("http://other:9000", "photos"));
        assert_eq!(directory(&ours, &mut taken), "photos");
        let other = directory(&theirs, &mut taken);
        assert!(other.starts_with("bucket~"), "{other}");
        assert_eq!(directory(&ours, &mut taken), "photos");
    }
}
