//! `s3gc config`: what is configured, and whether it is right.

use serde_json::json;

use crate::ExitCode;
use crate::cli::ConfigCommand;
use crate::context::Ctx;
use crate::error::Result;
use crate::human;

pub(super) fn run(command: &ConfigCommand, ctx: &Ctx) -> Result<ExitCode> {
    match command {
        ConfigCommand::Show { resolved } => show(*resolved, ctx)?,
        ConfigCommand::Validate => {
            let config = ctx.load()?.config;
            if ctx.json {
                ctx.print_json(&json!({ "valid": true, "buckets": config.buckets.len() }))?;
            } else {
                let buckets = human::plural(config.buckets.len() as u64, "bucket");
                ctx.print(format!("valid: {buckets}, mode = {}", config.mode))?;
            }
        }
        ConfigCommand::Schema => ctx.print(format!("{:#}", s3gc_core::config::schema()))?,
    }
    Ok(ExitCode::Ok)
}

fn show(with_origin: bool, ctx: &Ctx) -> Result<()> {
    let resolved = ctx.load()?.resolved;
    if ctx.json {
        return ctx.print_json_lines(&resolved);
    }
    let mut header = vec!["key", "value"];
    if with_origin {
        header.push("from");
    }
    let rows = resolved.iter().map(|key| {
        let mut row = vec![key.key.clone(), key.value.clone()];
        if with_origin {
            row.push(key.origin.to_string());
        }
        row
    });
    ctx.print(human::table(&header, rows))
}
