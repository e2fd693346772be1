//! `s3gc vault keygen`: a new key for an encrypted vault.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use s3gc_core::{Clock, SystemClock};
use s3gc_vault::encryption::generate_identity;
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::{Error, Result};

pub(super) fn run(file: Option<&Path>, ctx: &Ctx) -> Result<ExitCode> {
    let (identity, recipient) = generate_identity(SystemClock.now());
    let recipient = recipient.to_string();
    match file.filter(|path| *path != Path::new("-")) {
        Some(path) => {
            write(path, identity.expose_secret()).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => Error::usage(
                    format!(
                        "{} is there already, and is left alone: it may be the only key of a vault",
                        path.display()
                    ),
                    "name another file",
                ),
                _ => Error::io(format!("writing {}", path.display()))(error),
            })?;
            if ctx.json {
                ctx.print_json(&json!({ "identity_file": path, "recipient": recipient }))?;
            } else {
                ctx.print(&recipient)?;
                ctx.say(format!(
                    "The secret key is in {}. Without it nothing in the vault can be read: keep a copy elsewhere.",
                    path.display()
                ));
            }
        }
        None if ctx.json => {
            ctx.print_json(&json!({ "identity": identity.expose_secret(), "recipient": recipient }))?;
        }
        None => {
            ctx.print(identity.expose_secret())?;
            ctx.say(format!("Public key: {recipient}"));
        }
    }
    Ok(ExitCode::Ok)
}

/// Writes a file that only its owner can read, and that was not there before.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
