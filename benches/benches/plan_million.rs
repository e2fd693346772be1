//! `s3gc plan` over a million objects and a million PostgreSQL rows (P9): time, and the peak of its memory.
//!
//! `cargo bench -p s3gc-benches --bench plan_million`, or with `S3GC_BENCH_OBJECTS=50000` for a quick look. The bucket and
//! the database are in this process and its servers; what is measured runs in processes of its own, which are this
//! program again with the library of the `s3gc` command in it, so that it is never a stale build.
#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser as _;
use futures::TryStreamExt as _;
use s3gc_core::config::Config;
use s3gc_core::source::{ScanItem, ScanRequest};
use s3gc_core::store::{ListItem, ListRequest};
use s3gc_core::{Kept, RunReport, RunState};
use s3gc_s3_mem::{Options, S3Mem};
use s3gc_testkit::servers::Postgres;
use tokio::runtime::Runtime;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// The most memory that a plan may take.
const MAX_PEAK_MIB: u64 = 300;
/// What is unreferenced goes into the plan of the first run: more work than only to start its clock.
const AT_ONCE: &str = "base_urls = [\"https://cdn.example.com/\"]\nretention_from = \"last_modified\"";
/// How many rows are loaded at a time.
const CHUNK: u64 = 100_000;

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [_, "child", step, config] => child(step, config),
        arguments => bench(size(arguments.contains(&"--bench"))?),
    }
}

/// Twentieths are what the rows are made of. Without `--bench` somebody only wants to know that it works.
fn size(is_bench: bool) -> Result<u64> {
    let default = if is_bench { 1_000_000 } else { 2_000 };
    let objects = std::env::var("S3GC_BENCH_OBJECTS").map_or(Ok(default), |objects| objects.parse())?;
    Ok(objects / 20 * 20)
}

fn bench(objects: u64) -> Result<ExitCode> {
    let runtime = Runtime::new()?;
    let s3 = runtime.block_on(S3Mem::start(Options::default().bucket("photos").without_log()))?;
    s3.bucket("photos").seed((0..objects).map(|n| (key(n), 40_000 + n % 1000)), "2026-01-01T00:00:00Z".parse()?);
    let postgres = Postgres::start()?;
    let url = postgres.fresh_database();
    load(&postgres, &url, objects);
    let dir = tempfile::tempdir()?;
    let config = dir.path().join("s3gc.toml");
    std::fs::write(&config, configuration(&s3.endpoint(), &url))?;
    println!("{objects} objects, {objects} rows");

    let listing = measure("list", &config)?;
    println!("listing alone    {:7.2} s", listing.took.as_secs_f64());
    let scan = measure("scan", &config)?;
    println!("scanning alone   {:7.2} s", scan.took.as_secs_f64());
    let plan = measure("plan", &config)?;
    let ratio = plan.took.as_secs_f64() / listing.took.max(scan.took).as_secs_f64();
    println!("plan end to end  {:7.2} s, {ratio:.2} times the slower of the two", plan.took.as_secs_f64());
    println!("peak RSS of plan {:4} MiB, at most {MAX_PEAK_MIB} MiB", plan.peak_mib);

    let report: RunReport = serde_json::from_str(&plan.document)?;
    let rows: u64 = report.sources.iter().flat_map(|s| &s.columns).map(|column| column.counts.rows).sum();
    let counts = &report.counts;
    let found = [counts.listed.objects, rows, counts.kept(Kept::Referenced).objects, counts.due.objects];
    println!("listed, rows, referenced, due: {found:?}");
    let is_right = report.state == RunState::Done
        && (listing.document.as_str(), scan.document.as_str()) == (&*objects.to_string(), &*objects.to_string())
        && found == [objects, objects, objects / 20 * 14, objects / 20 * 6];
    if !is_right {
        println!("wrong counts: {:?}, {} listed, {} rows", report.state, listing.document, scan.document);
    }
    Ok(if is_right && plan.peak_mib <= MAX_PEAK_MIB { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The key of an object: about as long as keys are, and in no order.
fn key(n: u64) -> String {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ n;
    format!("uploads/{:02x}/{mixed:016x}/{:08x}-original.jpg", mixed % 256, n)
}

/// Fills `posts (image)`: 50 % keys, 20 % URLs of other keys, 15 % NULL, 15 % keys of objects that are not there.
fn load(postgres: &Postgres, url: &str, rows: u64) {
    postgres.sql(url, "CREATE TABLE posts (id bigserial PRIMARY KEY, image text)");
    for start in (0..rows).step_by(CHUNK.try_into().unwrap_or(usize::MAX)) {
        let mut copy = String::from("COPY posts (image) FROM STDIN;\n");
        for n in start..rows.min(start + CHUNK) {
            copy.push_str(&match n % 20 {
                0..10 => key(n),
                10..14 => format!("https://cdn.example.com/{}?v=3", key(n)),
                14..17 => "\\N".to_owned(),
                _ => key(n + rows),
            });
            copy.push('\n');
        }
        copy.push_str("\\.\n");
        postgres.sql(url, &copy);
    }
}

fn configuration(endpoint: &str, url: &str) -> String {
    let mut text = String::new();
    let sections = [
        ("database", format!("url = \"{url}\"")),
        ("bucket", format!("name = \"photos\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\n{AT_ONCE}")),
        ("tables", "posts = [\"image\"]".to_owned()),
        ("vault", "path = \"vault\"".to_owned()),
        ("safety", "max_delete = \"100%\"".to_owned()),
    ];
    for (name, keys) in sections {
        writeln!(text, "[{name}]\n{keys}").unwrap_or_default();
    }
    text
}

/// What a child did.
struct Measured {
    took: Duration,
    peak_mib: u64,
    document: String,
}

/// Runs a step in a process of its own, which ends its output with the peak of its memory.
fn measure(step: &str, config: &Path) -> Result<Measured> {
    let begun = Instant::now();
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["child", step]).arg(config).env_clear().stderr(std::process::Stdio::inherit());
    child.envs([("AWS_ACCESS_KEY_ID", s3gc_s3_mem::ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", s3gc_s3_mem::SECRET_KEY)]);
    let output = child.output()?;
    let took = begun.elapsed();
    let stdout = String::from_utf8(output.stdout)?;
    match stdout.trim_end().rsplit_once('\n') {
        Some((document, peak_kib)) if output.status.success() => Ok(Measured {
            took,
            peak_mib: peak_kib.parse::<u64>()?.div_ceil(1024),
            document: document.trim().to_owned(),
        }),
        _ => Err(format!("{step} ended with {}: {stdout}", output.status).into()),
    }
}

fn child(step: &str, config: &str) -> Result<ExitCode> {
    let runtime = Runtime::new()?;
    let exit = match step {
        "plan" => {
            let cli = s3gc::Cli::try_parse_from(["s3gc", "-c", config, "-q", "--json", "plan"])?;
            runtime.block_on(s3gc::run(cli)).into()
        }
        _ => {
            println!("{}", runtime.block_on(count(step, config))?);
            ExitCode::SUCCESS
        }
    };
    println!("{}", s3gc_benches::peak_kib()?);
    std::io::stdout().flush()?;
    Ok(exit)
}

/// Lists or scans with the parts that a plan uses, and nothing else.
async fn count(step: &str, config: &str) -> Result<u64> {
    let fleet = s3gc::assemble(Config::from_file(config)?).await?;
    let gc = fleet.only()?;
    let mut count = 0;
    if step == "list" {
        let mut items = gc.store().list(ListRequest::default());
        while let Some(item) = items.try_next().await? {
            if let ListItem::Page(page) = item {
                count += u64::try_from(page.entries.len())?;
            }
        }
    } else {
        for source in gc.sources() {
            let mut items = source.scan(ScanRequest::census());
            while let Some(item) = items.try_next().await? {
                if let ScanItem::Batch(batch) = item {
                    count += batch.counts().rows;
                }
            }
        }
    }
    Ok(count)
}
