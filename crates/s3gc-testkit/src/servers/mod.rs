//! Real servers in temporary directories.
//!
//! A server lives as long as its handle, and a shared one as long as the test process: a small supervisor waits for the
//! end of a pipe, which the kernel closes however the process dies, then stops the server and removes its directory.

mod mariadb;
mod moto;
mod postgres;
mod radosgw;

use std::fmt;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub use mariadb::MariaDb;
pub use moto::Moto;
pub use postgres::Postgres;
pub use radosgw::Radosgw;
use tempfile::TempDir;

/// The environment variable that lists the services a test run must not skip: `postgres,mysql,s3,moto,radosgw,azurite,age`.
pub const REQUIRE: &str = "S3GC_TEST_REQUIRE";

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a service is not there.
#[derive(Debug)]
pub struct Skip {
    service: &'static str,
    reason: String,
}

impl Skip {
    /// Says that a service, by its name in [`REQUIRE`], is not there.
    #[must_use]
    pub fn new(service: &'static str, reason: impl fmt::Display) -> Self {
        Self { service, reason: reason.to_string() }
    }
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "skipped: no {}: {}", self.service, self.reason)
    }
}

impl std::error::Error for Skip {}

/// Unwraps a service, or prints why the test is skipped.
///
/// # Panics
///
/// If [`REQUIRE`] names the service.
#[expect(clippy::print_stderr, reason = "a skip must be seen")]
pub fn require<T>(service: Result<T, Skip>) -> Option<T> {
    match service {
        Ok(service) => Some(service),
        Err(skip) => {
            let required = std::env::var(REQUIRE).unwrap_or_default();
            assert!(!required.split(',').any(|name| name.trim() == skip.service), "{skip}, but {REQUIRE} names it");
            eprintln!("{skip}");
            None
        }
    }
}

/// A server process with its directory; both are gone when this is dropped.
#[derive(Debug)]
struct Server {
    supervisor: Child,
    dir: PathBuf,
}

impl Server {
    /// Starts `program` under the supervisor, which ends it with `signal` and then removes `dir`.
    fn start(program: &[String], dir: TempDir, signal: &str) -> io::Result<Self> {
        const SCRIPT: &str = r#"
            trap '' HUP INT TERM
            dir=$1 signal=$2; shift 2
            "$@" </dev/null >"$dir/log" 2>&1 & pid=$!
            cat >/dev/null
            kill -s "$signal" "$pid"; wait "$pid"
            rm -rf "$dir"
        "#;
        let supervisor = Command::new("sh")
            .args(["-c", SCRIPT, "supervisor"])
            .arg(dir.path())
            .arg(signal)
            .args(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { supervisor, dir: dir.keep() })
    }

    /// Asks again and again until `ready` is true.
    fn wait_until(&self, ready: impl Fn() -> bool) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !ready() {
            if Instant::now() > deadline {
                let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
                return Err(format!("it did not start within {PATIENCE:?}; its log:\n{log}"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        self.supervisor.wait().ok();
    }
}

/// A directory for a server, owned by `user` when we are root.
fn server_dir(name: &str, user: &str) -> io::Result<TempDir> {
    let dir = tempfile::Builder::new().prefix(name).tempdir()?;
    if is_root() {
        let id =
            |flag| -> io::Result<Option<u32>> { Ok(run(Command::new("id").args([flag, user]))?.trim().parse().ok()) };
        chown(dir.path(), id("-u")?, id("-g")?)?;
    }
    Ok(dir)
}

/// The words that run `program` as `user` when we are root, which servers refuse to be.
fn as_user(user: &str, program: &Path) -> Vec<String> {
    let mut words = Vec::new();
    if is_root() {
        words.extend(["setpriv".into(), format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".into()]);
    }
    words.push(program.display().to_string());
    words
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// A port that nobody listens on.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Finds a program in one of the directories, or else in `PATH`.
fn find(name: &str, dirs: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let sbin = PathBuf::from("/usr/sbin");
    dirs.iter().cloned().chain(std::env::split_paths(&path)).chain([sbin]).map(|d| d.join(name)).find(|p| p.is_file())
}

/// Runs a program to its end and gives back its output.
fn run(command: &mut Command) -> io::Result<String> {
    run_with_input(command, "")
}

fn run_with_input(command: &mut Command, input: &str) -> io::Result<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{:?}: {}: {errors}", command.get_program(), output.status)))
}

/// A name for a database that no other test of this process uses.
fn fresh_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests;
