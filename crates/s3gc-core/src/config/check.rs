//! What must hold between values: a configuration that could lose objects is refused here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::model::{BucketConfig, StoreConfig};
use super::problem::Problem;
use super::read::{Log, Section};
use super::units::show_duration;
use super::vault;
use crate::catalog::Mode;
use crate::settings::Settings;

/// The sections of a bucket, for the places of faults.
pub(super) struct Sections<'t> {
    pub(super) bucket: Section<'t>,
    pub(super) catalog: Section<'t>,
    pub(super) vault: Section<'t>,
    pub(super) safety: Section<'t>,
}

/// Checks one bucket.
pub(super) fn bucket(bucket: &BucketConfig, mode: Mode, fence_restores: bool, sections: &Sections<'_>, log: &mut Log) {
    let safety = &bucket.safety;
    if mode == Mode::Execute && bucket.retention < Settings::RETENTION_FLOOR && !safety.allow_short_retention {
        let key = if sections.bucket.get("retention").is_some() { "retention" } else { "retention_days" };
        let message = "mode execute with a retention of under a day is not allowed";
        let problem = sections.bucket.problem(key, message);
        log.problems.push(problem.help("write a longer one, or allow_short_retention = true in [safety]"));
    }
    if let Some(window) = bucket.backup_window
        && bucket.vault.keep < window
    {
        let message = format!(
            "the vault keeps {} and the database can be restored from {} back: what its rows then name would be gone",
            show_duration(bucket.vault.keep),
            show_duration(window),
        );
        let days = window.as_secs().div_ceil(86_400);
        log.problems
            .push(sections.vault.problem("keep_days", message).help(format!("write keep_days = {days} or more")));
    }
    if !bucket.vault.recipients.is_empty() && bucket.vault.identity.is_none() {
        const HELP: &str = "write identity = \"/path/to/key.txt\" in [vault]";
        if bucket.vault.auto_restore {
            let message = "this host encrypts what it deletes and has no identity: it could bring nothing back";
            log.problems.push(sections.vault.problem("auto_restore", message).help(HELP));
        }
        if fence_restores {
            let message =
                "fence_on_conflict = \"restore\" brings objects back, and this host has no identity to read them";
            log.problems.push(sections.vault.problem("recipients", message).help(HELP));
        }
    }
    // With the default window a short settle_after alone harms nobody: the engine waits for the longer of them.
    if sections.safety.get("recheck_window").is_some() && safety.recheck_window > safety.settle_after {
        let message = format!(
            "{} is longer than settle_after, {}",
            show_duration(safety.recheck_window),
            show_duration(safety.settle_after)
        );
        log.problems
            .push(sections.safety.problem("recheck_window", message).help("shorten it, or lengthen settle_after"));
    }
    if safety.recheck_window > Duration::from_secs(60 * 60) {
        let problem = sections.safety.problem("recheck_window", "is over an hour: a look would be too old to trust");
        log.problems.push(problem.help("shorten it"));
    }
    if let StoreConfig::Fs { path } = &bucket.store {
        let outside = |log: &mut Log, section: &Section<'_>, what: &str, inner: &Path| {
            if real(inner).starts_with(real(path)) {
                let message = format!("{what} is inside {}, the directory that is collected", path.display());
                log.problems.push(section.problem("path", message).help("put it elsewhere"));
            }
        };
        outside(log, &sections.catalog, "the catalog", &bucket.catalog);
    }
    if let Some((message, help)) = vault::collected(bucket, &bucket.vault.place, "the vault") {
        log.problems.push(sections.vault.problem("path", message).help(help));
    }
    if let Some((key, message, help)) = vault::not_copied(bucket, sections.vault.get("copy_from").is_some()) {
        log.problems.push(sections.vault.problem(key, message).help(help));
    }
    if let Some(replica) = &bucket.vault.replica {
        if let Some((message, help)) = vault::collected(bucket, replica, "the replica of the vault") {
            log.problems.push(sections.vault.problem("replica", message).help(help));
        }
        if vault::overlap(&bucket.vault.place, replica) {
            let message = format!("{replica} and the vault, {}, are one place", bucket.vault.place);
            log.problems.push(sections.vault.problem("replica", message).help("write another place, or leave it out"));
        }
    }
}

/// Checks the buckets against each other.
pub(super) fn between(buckets: &[BucketConfig], log: &mut Log) {
    for (index, bucket) in buckets.iter().enumerate().filter(|(_, bucket)| !bucket.name.is_empty()) {
        let path = format!("buckets[{index}]");
        for (other_index, other) in buckets[..index].iter().enumerate() {
            if bucket.name == other.name {
                let message = format!("two buckets are named {:?}: buckets[{other_index}] and this", bucket.name);
                log.problems.push(Problem::new(&path, message).help("keep one of them, or use two files"));
            }
            for (this, that) in [(bucket, other), (other, bucket)] {
                let places = [(Some(&that.vault.place), "the vault"), (that.vault.replica.as_ref(), "the replica")];
                for (place, what) in places {
                    let whose = format!("{what} of {}", that.name);
                    if let Some((message, help)) = place.and_then(|place| vault::collected(this, place, &whose)) {
                        log.problems.push(Problem::new(&path, message).help(help));
                    }
                }
            }
            let (StoreConfig::Fs { path: this }, StoreConfig::Fs { path: that }) = (&bucket.store, &other.store) else {
                continue;
            };
            if real(this).starts_with(real(that)) || real(that).starts_with(real(this)) {
                let message = format!("{} and {} are one inside the other", this.display(), that.display());
                log.problems.push(
                    Problem::new(&path, message).help("collect the outer one alone, with the references of both"),
                );
            }
        }
    }
}

/// Finds the real place of a path that may not exist yet: symbolic links in the part of it that exists are followed.
pub(super) fn real(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut missing = Vec::new();
    let mut existing = absolute.as_path();
    loop {
        if let Ok(real) = existing.canonicalize() {
            return missing.iter().rev().fold(real, |path, name| path.join(name));
        }
        let (Some(parent), Some(name)) = (existing.parent(), existing.file_name()) else { return absolute };
        missing.push(name);
        existing = parent;
    }
}
