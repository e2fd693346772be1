//! The log, on stderr.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::cli::{GlobalArgs, LogFormat};
use crate::context::Ctx;

/// Starts the log. A second call in one process changes nothing.
pub(crate) fn start(args: &GlobalArgs, ctx: &Ctx) {
    // The last word about a target counts; `s3gc` also stands for all its crates.
    let filter = match (args.quiet, args.verbose) {
        (true, _) => "error",
        (false, 0) => "error,s3gc=warn",
        (false, 1) => "warn,s3gc=info",
        (false, 2) => "info,s3gc=debug",
        (false, _) => "debug,s3gc=trace",
    };
    let format = args.log_format.unwrap_or(if args.json { LogFormat::Json } else { LogFormat::Text });
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(AboveBars(ctx.bars.clone()))
        .with_ansi(ctx.color);
    let started = match format {
        LogFormat::Text => builder.with_target(args.verbose > 1).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    if let Err(error) = started {
        tracing::debug!(%error, "there is a log already");
    }
}

/// Writes above the progress bars instead of through them.
struct AboveBars(MultiProgress);

impl Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for AboveBars {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self(self.0.clone())
    }
}
