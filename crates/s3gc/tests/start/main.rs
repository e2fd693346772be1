//! The first commands of a new user, as processes: `demo` with the commands that it tells to try, and `init` on each kind
//! of database.

#![cfg(test)]

mod demo;
mod frameworks;
mod init;

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

/// What came of a command.
#[derive(Debug)]
struct Done {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs a line of shell in a directory, with `s3gc` in the path and these variables alone.
async fn shell(dir: &Path, line: &str, variables: &[(&str, &str)]) -> Done {
    let bin = Path::new(env!("CARGO_BIN_EXE_s3gc")).parent().unwrap().display().to_string();
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .current_dir(dir)
        .env_clear()
        .env("PATH", format!("{bin}:{}", std::env::var("PATH").unwrap()))
        .env("HOME", dir)
        .env("TMPDIR", dir)
        .env("AWS_ACCESS_KEY_ID", s3gc_s3_mem::ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", s3gc_s3_mem::SECRET_KEY)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = command.output().await.unwrap();
    Done {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a line that must end with this code.
async fn expect(code: i32, dir: &Path, line: &str, variables: &[(&str, &str)]) -> Done {
    let done = shell(dir, line, variables).await;
    assert_eq!(done.code, code, "{line}: {done:?}");
    done
}
