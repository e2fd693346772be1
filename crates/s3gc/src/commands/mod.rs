//! The commands: each takes its arguments, does its work and writes what came of it.

mod audit;
mod check;
mod config;
mod explain;
mod fence;
mod hold;
mod metrics;
mod missing;
mod plan;
mod restore;
mod run;
mod runs;
mod shell;
mod status;
pub(crate) mod summary;
mod vault;

use std::future::Future;

use s3gc_core::Gc;

use crate::ExitCode;
use crate::cli::{Command, VaultCommand};
use crate::context::Ctx;
use crate::error::{Error, Result};
use crate::report_error::report;

/// Does what the command line asks.
pub(crate) async fn dispatch(command: Command, ctx: &Ctx) -> Result<ExitCode> {
    match command {
        // These end by themselves: what is in flight is settled and recorded.
        Command::Init(mut args) => {
            args.bucket = match ctx.named_buckets() {
                [] => None,
                [one] => Some(one.clone()),
                _ => return Err(Error::usage("init looks at one bucket", "name one with --bucket")),
            };
            until_cancelled(ctx, crate::init::run(args, ctx)).await
        }
        // Whoever ends it has no use for what it made so far.
        Command::Demo(args) => until_cancelled(ctx, crate::demo::run(args, ctx)).await,
        Command::Plan(args) => Box::pin(plan::run(args, ctx)).await,
        Command::Run(args) => Box::pin(run::run(args, ctx)).await,
        Command::Restore(args) => Box::pin(restore::run(args, ctx)).await,
        // Removes packs, and ends by itself.
        Command::Vault(args @ VaultCommand::Prune { .. }) => Box::pin(vault::run(args, ctx)).await,
        Command::Vault(args) => until_cancelled(ctx, vault::run(args, ctx)).await,
        Command::Check(args) => until_cancelled(ctx, check::run(args, ctx)).await,
        Command::Explain { key } => until_cancelled(ctx, explain::run(&key, ctx)).await,
        Command::Missing { limit } => until_cancelled(ctx, missing::run(limit, ctx)).await,
        Command::Status => until_cancelled(ctx, status::run(ctx)).await,
        Command::Runs(args) => until_cancelled(ctx, runs::run(args, ctx)).await,
        Command::Metrics => until_cancelled(ctx, metrics::run(ctx)).await,
        Command::Hold(args) => until_cancelled(ctx, hold::run(args, ctx)).await,
        Command::Fence(args) => until_cancelled(ctx, fence::run(args, ctx)).await,
        Command::Audit(args) => until_cancelled(ctx, audit::run(args, ctx)).await,
        Command::Config(args) => config::run(&args, ctx),
        Command::Completions { shell } => shell::completions(shell, ctx),
        Command::Man { dir } => shell::man(&dir, ctx),
    }
}

/// Ends a command that changes nothing, or only whole records, as soon as a person wants it.
async fn until_cancelled(ctx: &Ctx, command: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    tokio::select! {
        result = Box::pin(command) => result,
        () = ctx.cancel.cancelled() => Err(Error::Interrupted { help: None }),
    }
}

/// Does something for each bucket, one after the other. That one fails does not keep the others from their turn; the
/// worst exit code counts.
async fn each<F: Future<Output = Result<ExitCode>>>(
    ctx: &Ctx,
    collectors: impl IntoIterator<Item = &Gc>,
    mut command: impl FnMut(Gc) -> F,
) -> ExitCode {
    let collectors: Vec<&Gc> = collectors.into_iter().collect();
    let is_one = collectors.len() == 1;
    let mut worst = ExitCode::Ok;
    for gc in collectors {
        if ctx.cancel.is_cancelled() {
            return ExitCode::Interrupted;
        }
        let exit = Box::pin(command(gc.clone())).await.unwrap_or_else(|error| {
            report(ctx, (!is_one).then_some(gc.settings().name.as_str()), &error);
            error.exit_code()
        });
        worst = worst.max(exit);
    }
    worst
}
