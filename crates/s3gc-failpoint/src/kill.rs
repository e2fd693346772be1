//! What a point does in a test.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Point;

/// What the environment asks for.
struct Wish {
    /// The name of a point, and for which time it is to be the last one.
    kill: Option<(String, u64)>,
    log: Option<std::ffi::OsString>,
}

static WISH: OnceLock<Wish> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn hit(point: Point) {
    let wish = WISH.get_or_init(read);
    if let Some(log) = &wish.log
        && let Ok(mut log) = std::fs::OpenOptions::new().create(true).append(true).open(log)
    {
        // A test that finds a point missing fails; there is nobody else to tell.
        writeln!(log, "{}", point.name()).unwrap_or_default();
    }
    if let Some((name, time)) = &wish.kill
        && name == point.name()
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *time
    {
        die();
    }
}

fn read() -> Wish {
    let kill = std::env::var("S3GC_FAILPOINT").ok().map(|wish| match wish.split_once('@') {
        Some((name, time)) => (name.to_owned(), time.parse().unwrap_or(1)),
        None => (wish, 1),
    });
    Wish { kill, log: std::env::var_os("S3GC_FAILPOINT_LOG") }
}

/// Ends the process as a loss of power would: no destructor runs, no buffer is written.
fn die() -> ! {
    let killed = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    loop {
        // The signal is on its way; nothing may happen behind this point.
        if killed.is_err() {
            std::process::abort();
        }
        std::thread::park();
    }
}
