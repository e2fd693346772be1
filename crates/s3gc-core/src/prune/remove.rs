//! The removal of a pack: the second place, beside the sweep, where the last copy of a file can go.

use std::time::Duration;

use s3gc_failpoint::{Point, hit};
use s3gc_store::ObjectKey;
use s3gc_vault::FileName;
use serde_json::{Value, json};

use super::{PackKept, Prune, PruneOutcome};
use crate::audit::AuditDraft;
use crate::catalog::{PackRecord, PackState};
use crate::gc::Parts;
use crate::judge::glob_holds;
use crate::report::chain;
use crate::{Result, migration};

/// For how long after a look at the references packs are removed; what is left then waits for the next call.
const LOOK_LIFE: Duration = Duration::from_secs(60 * 60);

impl Prune<'_> {
    /// Removes a pack, or goes on where a call died that had begun; the inner error is what keeps it after all.
    ///
    /// First the catalog says that its copies do not count any more, and the vault remembers that entry of the audit
    /// chain, so that no catalog from before it is believed. Then the file goes. A death in between leaves a pack that is
    /// offered to nobody, and that the next call removes or takes back.
    pub(super) async fn remove(
        &mut self,
        pack: &PackRecord,
        keys: &[ObjectKey],
    ) -> Result<Result<PruneOutcome, PackKept>> {
        let (parts, run) = (self.parts, self.run);
        let Some(powers) = &mut self.powers else { return Ok(Ok(PruneOutcome::WouldRemove)) };
        powers.check(parts, run).await?;
        // Once more, since others may have taken long: a person may have held a key meanwhile, or begun a migration.
        if let Some(reason) = held_now(parts, keys).await? {
            return Ok(Err(reason));
        }
        let mut pack = pack.clone();
        if let PackState::Marked { at: marked_at } = pack.state {
            hit(Point::PruneWriting);
            let next = PackState::Pruning { at: parts.clock.now() };
            let detail = json!({ "marked_at": marked_at, "keep_seconds": self.report.keep_seconds });
            if !parts.catalog.move_pack(&pack.name, pack.state, next, draft(parts, "prune", &pack, detail)).await? {
                return Ok(Err(PackKept::Busy));
            }
            pack.state = next;
            hit(Point::PruneWritten);
        }
        powers.lease.remember().await?;
        hit(Point::PruneRemembered);
        powers.check(parts, run).await?;
        self.finish(&pack).await.map(Ok)
    }

    /// Removes the file of a pack whose removal is written down, and writes down that it is gone.
    pub(super) async fn finish(&mut self, pack: &PackRecord) -> Result<PruneOutcome> {
        let (parts, run) = (self.parts, self.run);
        let Some(powers) = &mut self.powers else { return Ok(PruneOutcome::WouldRemove) };
        powers.check(parts, run).await?;
        // Also if it is gone: that may not be durable yet.
        // What lies beside it first: without its pack nobody would know what it is.
        let beside = pack.name.copy_beside().filter(|_| pack.copied_bytes > 0);
        let files: Vec<FileName> = beside.into_iter().chain([pack.name.clone()]).collect();
        for vault in [Some(&parts.vault), parts.replica.as_ref()].into_iter().flatten() {
            for file in &files {
                #[expect(clippy::disallowed_methods, reason = "this is the one place that removes a pack")]
                let removed = vault.remove(file).await;
                if let Err(error) = removed {
                    let error = chain(&error);
                    tracing::warn!(pack = %pack.name, %file, %error, "the pack could not be removed");
                    return Ok(PruneOutcome::Failed { error });
                }
            }
        }
        hit(Point::PruneRemoved);
        let next = PackState::Pruned { at: parts.clock.now() };
        let audit = draft(parts, "pruned", pack, json!({ "begun_at": pack.state.at() }));
        parts.catalog.move_pack(&pack.name, pack.state, next, audit).await?;
        hit(Point::PruneRecorded);
        tracing::info!(pack = %pack.name, "pruned");
        Ok(PruneOutcome::Removed)
    }

    /// Tells whether the look at the references is too old to remove anything after it, and says so once.
    pub(super) fn is_look_over(&mut self) -> bool {
        let age = self.look.map(|look| self.parts.clock.boot().saturating_sub(look));
        let is_over = age.is_none_or(|age| age > LOOK_LIFE);
        if is_over && self.report.notes.is_empty() {
            self.report.notes.push("the references were read an hour ago: run it again for the rest".into());
        }
        is_over
    }
}

/// Tells what a person said since the holds were read.
async fn held_now(parts: &Parts, keys: &[ObjectKey]) -> Result<Option<PackKept>> {
    if let Some(migration) = migration::reason(parts).await? {
        return Ok(Some(PackKept::Migration { migration }));
    }
    let globs = glob_holds(&*parts.catalog, parts.store.location(), parts.clock.now()).await?;
    let variants = &parts.settings.variants;
    let is_held = |key: &&ObjectKey| {
        globs.is_match(key.as_str()) || variants.bases(key).any(|base| globs.is_match(base.as_str()))
    };
    let held = if globs.is_empty() { None } else { keys.iter().find(is_held) };
    Ok(held.map(|key| PackKept::Held { key: key.clone() }))
}

/// Drafts the audit of what is done with a pack.
pub(super) fn draft(parts: &Parts, kind: &str, pack: &PackRecord, more: Value) -> AuditDraft {
    let mut detail = json!({
        "pack": pack.name,
        "vault": pack.vault,
        "blake3": pack.blake3,
        "size_bytes": pack.size_bytes,
        "copied_bytes": pack.copied_bytes,
        "objects": pack.objects,
        "created_at": pack.created_at,
    });
    if let (Value::Object(detail), Value::Object(more)) = (&mut detail, more) {
        detail.extend(more);
    }
    AuditDraft {
        at: parts.clock.now(),
        run: None,
        location: Some(parts.store.location().clone()),
        kind: kind.into(),
        key: None,
        detail,
    }
}
