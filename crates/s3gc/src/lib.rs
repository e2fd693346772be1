#![doc = include_str!("../README.md")]

mod assemble;
mod cli;
mod commands;
mod context;
mod demo;
mod error;
mod exit;
mod human;
mod init;
mod interrupt;
mod logging;
mod parse;
mod policy;
mod progress;
mod report_error;

pub use assemble::{AssembleError, Fleet, assemble};
pub use cli::Cli;
pub use error::Error;
pub use exit::ExitCode;

use context::Ctx;

/// Does what the command line asks, with output to stdout and stderr, and returns how it went.
///
/// # Errors
///
/// None: errors are written to stderr.
pub async fn run(cli: Cli) -> ExitCode {
    let ctx = Ctx::new(&cli.global);
    logging::start(&cli.global, &ctx);
    let second_signal = match interrupt::listen(&ctx) {
        Ok(second_signal) => second_signal,
        Err(source) => {
            let error = Error::Io { what: "listening for signals".into(), source };
            report_error::report(&ctx, None, &error);
            return error.exit_code();
        }
    };
    let result = tokio::select! {
        result = commands::dispatch(cli.command, &ctx) => result,
        () = second_signal => Err(Error::Interrupted { help: None }),
    };
    result.unwrap_or_else(|error| {
        report_error::report(&ctx, None, &error);
        error.exit_code()
    })
}
