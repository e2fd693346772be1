//! The `s3gc` command.

use std::process::ExitCode;

use clap::Parser;

fn main() -> std::io::Result<ExitCode> {
    let cli = s3gc::Cli::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    let exit = runtime.block_on(s3gc::run(cli));
    // A prompt may still wait for its answer.
    runtime.shutdown_background();
    Ok(exit.into())
}
