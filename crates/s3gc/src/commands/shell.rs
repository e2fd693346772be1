//! `s3gc completions` and `s3gc man`.

use std::path::Path;

use clap::CommandFactory;

use crate::context::Ctx;
use crate::error::{Error, Result};
use crate::{Cli, ExitCode};

pub(super) fn completions(shell: clap_complete::Shell, ctx: &Ctx) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "s3gc", &mut script);
    ctx.print(String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Ok)
}

pub(super) fn man(dir: &Path, ctx: &Ctx) -> Result<ExitCode> {
    let failed = || format!("writing manual pages into {}", dir.display());
    std::fs::create_dir_all(dir).map_err(Error::io(failed()))?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(Error::io(failed()))?;
    ctx.say(format!("wrote manual pages into {}", dir.display()));
    Ok(ExitCode::Ok)
}
