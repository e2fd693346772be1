//! `s3gc hold`: keys that a person sets aside from deletion.

use s3gc_core::audit::AuditDraft;
use s3gc_core::catalog::{Hold, HoldKind};
use s3gc_core::{Gc, Timestamp};
use serde_json::json;

use crate::ExitCode;
use crate::cli::{HoldCommand, MigrationCommand};
use crate::context::Ctx;
use crate::error::{Error, Result};
use crate::human;

pub(super) async fn run(command: HoldCommand, ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    match command {
        HoldCommand::Add { glob, reason, until } => {
            Gc::check_glob(&glob)?;
            if reason.trim().is_empty() {
                return Err(Error::usage("a hold needs a reason", "say it with --reason TEXT"));
            }
            Ok(super::each(ctx, &fleet, |gc| add(gc, &glob, &reason, until, ctx)).await)
        }
        HoldCommand::Ls => Ok(super::each(ctx, &fleet, |gc| list(gc, ctx)).await),
        HoldCommand::Rm { id } => {
            for gc in &fleet {
                let found = gc.catalog().holds(Some(gc.location())).await?.into_iter().find(|hold| hold.id == id);
                if let Some(hold) = found {
                    return remove(gc, &hold, ctx).await;
                }
            }
            Err(Error::NotFound(format!("there is no hold {id}: s3gc hold ls lists them")))
        }
        HoldCommand::Migration(MigrationCommand::On { reason, until }) => {
            Ok(super::each(ctx, &fleet, |gc| begin_migration(gc, &reason, until, ctx)).await)
        }
        HoldCommand::Migration(MigrationCommand::Off) => {
            Ok(super::each(ctx, &fleet, |gc| end_migration(gc, ctx)).await)
        }
    }
}

async fn add(gc: Gc, glob: &str, reason: &str, until: Option<Timestamp>, ctx: &Ctx) -> Result<ExitCode> {
    let mut hold = Hold {
        id: 0,
        kind: HoldKind::Glob,
        location: Some(gc.location().clone()),
        glob: glob.to_owned(),
        reason: reason.to_owned(),
        created_at: gc.clock().now(),
        until,
    };
    hold.id = gc.catalog().add_hold(&hold).await?;
    audit(&gc, "hold", &hold).await?;
    if ctx.json {
        ctx.print_json(&hold)?;
    } else {
        let until = until.map(|until| format!(" until {}", human::time(until))).unwrap_or_default();
        ctx.print(format!("{}: hold {} on {glob}{until}", gc.settings().name, hold.id))?;
    }
    Ok(ExitCode::Ok)
}

async fn begin_migration(gc: Gc, reason: &str, until: Option<Timestamp>, ctx: &Ctx) -> Result<ExitCode> {
    let hold = gc.begin_migration(reason, until).await?;
    if ctx.json {
        ctx.print_json(&hold)?;
    } else {
        let end = until.map_or_else(|| "s3gc hold migration off".to_owned(), human::time);
        ctx.print(format!("{}: nothing is deleted until {end}", gc.settings().name))?;
    }
    Ok(ExitCode::Ok)
}

async fn end_migration(gc: Gc, ctx: &Ctx) -> Result<ExitCode> {
    let ended = gc.end_migration().await?;
    let name = &gc.settings().name;
    if ctx.json {
        ctx.print_json_lines(&ended)?;
    } else if ended.is_empty() {
        ctx.print(format!("{name}: no migration was on"))?;
    } else {
        ctx.print(format!("{name}: the migration is over; make a new plan: s3gc plan"))?;
    }
    if let Some(reason) = gc.migration().await? {
        ctx.warn(format!("{name}: still nothing is deleted: {reason}"));
    }
    Ok(ExitCode::Ok)
}

async fn list(gc: Gc, ctx: &Ctx) -> Result<ExitCode> {
    let holds = gc.catalog().holds(Some(gc.location())).await?;
    if ctx.json {
        ctx.print_json_lines(&holds)?;
        return Ok(ExitCode::Ok);
    }
    let now = gc.clock().now();
    let rows = holds.iter().map(|hold| {
        let until = match hold.until {
            None => "for ever".to_owned(),
            Some(until) if until <= now => format!("{} (over)", human::time(until)),
            Some(until) => human::time(until),
        };
        vec![
            hold.id.to_string(),
            gc.settings().name.clone(),
            match hold.kind {
                HoldKind::Glob => hold.glob.clone(),
                HoldKind::Migration => "everything: the application migrates".to_owned(),
            },
            until,
            human::time(hold.created_at),
            hold.reason.clone(),
        ]
    });
    ctx.print(human::table(&["hold", "bucket", "glob", "until", "made", "reason"], rows))?;
    Ok(ExitCode::Ok)
}

async fn remove(gc: &Gc, hold: &Hold, ctx: &Ctx) -> Result<ExitCode> {
    if !gc.catalog().remove_hold(hold.id).await? {
        return Err(Error::NotFound(format!("there is no hold {} any more", hold.id)));
    }
    audit(gc, "unhold", hold).await?;
    if ctx.json {
        ctx.print_json(hold)?;
    } else {
        ctx.print(format!("{}: removed hold {} on {}", gc.settings().name, hold.id, hold.glob))?;
    }
    Ok(ExitCode::Ok)
}

async fn audit(gc: &Gc, kind: &str, hold: &Hold) -> Result<()> {
    let draft = AuditDraft {
        at: gc.clock().now(),
        run: None,
        location: Some(gc.location().clone()),
        kind: kind.to_owned(),
        key: None,
        detail: json!({ "hold": hold.id, "glob": hold.glob, "reason": hold.reason, "until": hold.until }),
    };
    gc.catalog().append_audit(vec![draft]).await?;
    Ok(())
}
