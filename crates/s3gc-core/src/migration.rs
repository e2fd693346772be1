//! The switch of an application that migrates: while its references are on their way from one place to another, nothing
//! may be deleted, whatever a census says.

use s3gc_store::Timestamp;
use serde_json::json;

use crate::audit::AuditDraft;
use crate::brakes::{Brake, brake};
use crate::catalog::{Hold, HoldKind};
use crate::gc::Parts;
use crate::{Error, Result};

/// Returns why nothing may be deleted now: a switch in the catalog, or the file of the configuration.
pub(crate) async fn reason(parts: &Parts) -> Result<Option<String>> {
    if let Some(path) = &parts.settings.migration_file {
        match std::fs::symlink_metadata(path) {
            Ok(_) => return Ok(Some(format!("{} exists", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            // When in doubt, keep.
            Err(error) => return Ok(Some(format!("nobody can tell whether {} exists: {error}", path.display()))),
        }
    }
    let now = parts.clock.now();
    let holds = parts.catalog.holds(Some(parts.store.location())).await?;
    let hold = holds.into_iter().find(|hold| hold.kind == HoldKind::Migration && hold.is_active(now));
    Ok(hold.map(|hold| format!("{} (since {})", hold.reason, hold.created_at)))
}

/// Stops a run that would delete during a migration.
pub(crate) async fn check(parts: &Parts) -> Result<()> {
    match reason(parts).await? {
        None => Ok(()),
        Some(reason) => Err(Error::Stop {
            name: NAME,
            reason: format!(
                "the application migrates: {reason}; when it is done: s3gc hold migration off, or remove the file"
            ),
        }),
    }
}

/// The name of the stop, and of the brake of plans that are made meanwhile.
pub(crate) const NAME: &str = "migration";

/// What a plan that is made during a migration is marked with: its census is not to be relied on.
pub(crate) fn as_brake(reason: &str) -> Brake {
    brake(NAME, format!("the application migrates: {reason}"))
}

/// Turns the switch on.
pub(crate) async fn begin(parts: &Parts, reason: &str, until: Option<Timestamp>) -> Result<Hold> {
    if reason.trim().is_empty() {
        return Err(Error::Invalid("a migration needs a reason: it is shown while it lasts".into()));
    }
    let mut hold = Hold {
        id: 0,
        kind: HoldKind::Migration,
        location: Some(parts.store.location().clone()),
        glob: "**".into(),
        reason: reason.to_owned(),
        created_at: parts.clock.now(),
        until,
    };
    hold.id = parts.catalog.add_hold(&hold).await?;
    audit(parts, "migration_on", &hold).await?;
    Ok(hold)
}

/// Turns every switch of this store off; returns those that were on.
pub(crate) async fn end(parts: &Parts) -> Result<Vec<Hold>> {
    let mut ended = Vec::new();
    for hold in parts.catalog.holds(Some(parts.store.location())).await? {
        if hold.kind == HoldKind::Migration && parts.catalog.remove_hold(hold.id).await? {
            audit(parts, "migration_off", &hold).await?;
            ended.push(hold);
        }
    }
    Ok(ended)
}

async fn audit(parts: &Parts, kind: &str, hold: &Hold) -> Result<()> {
    let draft = AuditDraft {
        at: parts.clock.now(),
        run: None,
        location: Some(parts.store.location().clone()),
        kind: kind.into(),
        key: None,
        detail: json!({ "hold": hold.id, "reason": hold.reason, "until": hold.until }),
    };
    parts.catalog.append_audit(vec![draft]).await?;
    Ok(())
}
