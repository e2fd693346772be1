//! `s3gc init`: looks at a database and a bucket, proposes the columns that hold keys, and writes the configuration.

use crate::ExitCode;
use crate::cli::InitArgs;
use crate::context::Ctx;
use crate::error::{Error, Result};

pub(crate) async fn run(_args: InitArgs, _ctx: &Ctx) -> Result<ExitCode> {
    Err(Error::usage("init", "later"))
}
