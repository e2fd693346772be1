//! The vault against its bars: `cargo bench -p s3gc-benches --bench vault [-- pack|restore|large]`.
//!
//! | part | what | bar |
//! |---|---|---|
//! | `pack` | packing mixed files at zstd 3 on one core; the same files with restic and borg (Debian: `restic`, `borgbackup`) | 250 MB/s; at most 5 % larger |
//! | `restore` | one small object at a time, in no order, from a local pack of 64 MiB | 1 ms |
//! | `large` | one object of 8 GB that does not compress: from the bucket into the vault, read back, restored; needs 24 GB of disk | 200 MiB of memory |
//!
//! `S3GC_BENCH_CORPUS` names directories of other files, `S3GC_BENCH_LARGE_MB` another length.
#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

mod corpus;
mod large;
mod pack;
mod restore;

use std::process::ExitCode;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// What a part is allowed to be: the bar, the figure, and whether it is met.
fn bar(what: &str, figure: f64, unit: &str, is_met: bool, limit: &str) -> bool {
    println!("{what:40} {figure:9.2} {unit:6} {} {limit}", if is_met { "ok, " } else { "MISSED," });
    is_met
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, rest @ ..] = arguments.as_slice()
        && first == "child"
    {
        return large::child(rest);
    }
    // Without `--bench` somebody only wants to know that it works.
    let is_bench = arguments.iter().any(|argument| argument == "--bench");
    let asked: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with("--")).collect();
    let is_asked = |part: &str| asked.is_empty() || asked.contains(&part);
    let mut is_met = true;
    if is_asked("pack") || is_asked("restore") {
        let corpus = corpus::load(if is_bench { 256 << 20 } else { 4 << 20 })?;
        if is_asked("pack") {
            is_met &= pack::bench(&corpus)?;
        }
        if is_asked("restore") {
            is_met &= restore::bench(&corpus, if is_bench { 5000 } else { 50 })?;
        }
    }
    if is_asked("large") {
        is_met &= large::bench(if is_bench { 8000 } else { 40 })?;
    }
    // A quick look at a debug build says nothing about speed.
    Ok(if is_met || !is_bench { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
