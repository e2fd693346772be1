//! `s3gc check`: could a run begin?

use std::fmt::Write as _;

use s3gc_core::config::{BucketConfig, StoreConfig, VaultPlace};
use s3gc_core::{CheckItem, CheckState, Gc};
use serde::Serialize;

use crate::ExitCode;
use crate::cli::CheckArgs;
use crate::context::Ctx;
use crate::error::Result;
use crate::policy;

#[derive(Serialize)]
struct Document<'a> {
    bucket: &'a str,
    ok: bool,
    items: &'a [CheckItem],
}

pub(super) async fn run(args: CheckArgs, ctx: &Ctx) -> Result<ExitCode> {
    if args.print_policy {
        let (config, names) = ctx.config()?;
        let policy = policy::policy(&config, &names)?;
        if ctx.json {
            ctx.print_json(&policy)?;
        } else {
            ctx.print(policy.text()?)?;
        }
        return Ok(ExitCode::Ok);
    }
    if args.offline {
        let (config, names) = ctx.config()?;
        let mut worst = ExitCode::Ok;
        for bucket in config.buckets.iter().filter(|bucket| names.contains(&bucket.name)) {
            worst = worst.max(show(&bucket.name, &offline(bucket), ctx)?);
        }
        return Ok(worst);
    }
    let fleet = ctx.fleet().await?;
    Ok(super::each(ctx, &fleet, |gc| online(gc, args.probe, ctx)).await)
}

async fn online(gc: Gc, probe: bool, ctx: &Ctx) -> Result<ExitCode> {
    let items = gc.check(probe).await;
    show(&gc.settings().name, &items, ctx)
}

/// Looks at what can be seen without asking anybody.
fn offline(bucket: &BucketConfig) -> Vec<CheckItem> {
    let item = |name: &str, ok: bool, detail: String| CheckItem {
        name: name.to_owned(),
        state: if ok { CheckState::Ok } else { CheckState::Warn },
        detail,
    };
    let mut items = vec![item(
        "configuration",
        true,
        format!("is valid, with {}", crate::human::plural(bucket.references.len() as u64, "reference")),
    )];
    if let StoreConfig::Fs { path } = &bucket.store {
        let found = path.is_dir();
        let detail = format!("{} {}", path.display(), if found { "is there" } else { "is not there" });
        items.push(CheckItem {
            state: if found { CheckState::Ok } else { CheckState::Fail },
            ..item("list", true, detail)
        });
    }
    let local = |name: &str, path: &std::path::Path, found: bool| {
        let state = if found { "is there" } else { "is not there yet: the first run makes it" };
        item(name, found, format!("{} {state}", path.display()))
    };
    items.push(match &bucket.vault.place {
        VaultPlace::Dir(path) => local("vault", path, path.is_dir()),
        place => item("vault", true, format!("is at {place}: s3gc check looks into it")),
    });
    items.push(local("catalog", &bucket.catalog, bucket.catalog.is_file()));
    items
}

fn show(bucket: &str, items: &[CheckItem], ctx: &Ctx) -> Result<ExitCode> {
    let ok = items.iter().all(|item| item.state != CheckState::Fail);
    if ctx.json {
        ctx.print_json(&Document { bucket, ok, items })?;
    } else {
        let mut text = format!("{bucket}\n");
        for item in items {
            let state = match item.state {
                CheckState::Ok => "ok  ",
                CheckState::Warn => "warn",
                CheckState::Fail => "FAIL",
            };
            writeln!(text, "  {state}  {:<16} {}", item.name, item.detail).unwrap_or_default();
        }
        ctx.print(text)?;
    }
    Ok(if ok { ExitCode::Ok } else { ExitCode::Faults })
}
