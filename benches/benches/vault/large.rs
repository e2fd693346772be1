//! How much memory one huge object takes on its way from a bucket into the vault and back.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use clap::Parser as _;
use s3gc_s3_mem::{Body, Options, PutSpec, S3Mem};
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Result, bar};

/// The most memory that a command may take.
const MAX_PEAK_MIB: f64 = 200.0;
const KEY: &str = "videos/huge.bin";

pub(crate) fn bench(default_mb: u64) -> Result<bool> {
    let len = std::env::var("S3GC_BENCH_LARGE_MB").map_or(Ok(default_mb), |mb| mb.parse())? * 1_000_000;
    let runtime = tokio::runtime::Runtime::new()?;
    let s3 = runtime.block_on(S3Mem::start(Options::default().bucket("videos").without_log()))?;
    let bucket = s3.bucket("videos");
    let old = PutSpec::default().last_modified("2026-01-01T00:00:00Z".parse()?);
    // Its entity tag is not the MD5, which nobody needs of so many bytes.
    bucket.put(KEY, Body::Noise { seed: 1, len }, old.clone().etag("0123456789abcdef0123456789abcdef"));
    bucket.put("videos/kept.bin", "kept", old);
    let dir = tempfile::tempdir()?;
    runtime.block_on(database(&dir.path().join("app.db")))?;
    let config = dir.path().join("s3gc.toml");
    std::fs::write(&config, configuration(&s3.endpoint()))?;
    let out = dir.path().join("restored");
    let out = out.to_str().ok_or("the temporary directory has a strange name")?;
    std::fs::create_dir(out)?;

    println!("an object of {} MB", len / 1_000_000);
    let mut is_met = true;
    let run: Value = step(&config, "into the vault, and deleted", &["run", "--mode", "execute", "--yes"], &mut is_met)?;
    if run["sweep"]["deleted"]["objects"] != 1 {
        return Err(format!("it was not deleted: {run}").into());
    }
    let verified = step(&config, "verified", &["vault", "verify", "--level", "full"], &mut is_met)?;
    if verified["objects_decoded"] != 1 {
        return Err(format!("it was not verified: {verified}").into());
    }
    step(&config, "restored to a directory", &["restore", KEY, "--to", out], &mut is_met)?;
    let mut restored = blake3::Hasher::new();
    restored.update_reader(std::fs::File::open(Path::new(out).join(KEY))?)?;
    let mut original = std::io::Read::take(blake3::Hasher::new().update(&1_u64.to_le_bytes()).finalize_xof(), len);
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(&mut original)?;
    if restored.finalize() != hasher.finalize() {
        return Err("what was restored is not what was deleted".into());
    }
    Ok(is_met)
}

async fn database(path: &Path) -> Result<()> {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await?;
    let schema = "CREATE TABLE films (video TEXT); INSERT INTO films VALUES ('videos/kept.bin');";
    sqlx::raw_sql(schema).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

fn configuration(endpoint: &str) -> String {
    format!(
        "[database]\nurl = \"sqlite:app.db\"\n\
         [bucket]\nname = \"videos\"\nregion = \"us-east-1\"\nendpoint = \"{endpoint}\"\n\
         retention_from = \"last_modified\"\n\
         [tables]\nfilms = [\"video\"]\n[vault]\npath = \"vault\"\n"
    )
}

/// Runs a command in a process of its own; returns what it says.
fn step(config: &Path, what: &str, arguments: &[&str], is_met: &mut bool) -> Result<Value> {
    let begun = Instant::now();
    let mut child = Command::new(std::env::current_exe()?);
    child.args(["child", "-c"]).arg(config).args(["-q", "--json"]).args(arguments);
    child.env_clear().stderr(Stdio::inherit());
    child.envs([("AWS_ACCESS_KEY_ID", s3gc_s3_mem::ACCESS_KEY), ("AWS_SECRET_ACCESS_KEY", s3gc_s3_mem::SECRET_KEY)]);
    let output = child.output()?;
    let took = begun.elapsed().as_secs_f64();
    let stdout = String::from_utf8(output.stdout)?;
    let (document, peak) = stdout.trim_end().rsplit_once('\n').ok_or("the command said nothing")?;
    if !output.status.success() {
        return Err(format!("{what} ended with {}: {stdout}", output.status).into());
    }
    let peak: f64 = peak.parse::<f64>()? / 1024.0;
    *is_met &= bar(&format!("{what}, {took:.0} s: peak memory"), peak, "MiB", peak <= MAX_PEAK_MIB, "at most 200");
    Ok(serde_json::from_str(document)?)
}

/// The `s3gc` command, with the peak of its memory in KiB behind its output.
pub(crate) fn child(arguments: &[String]) -> Result<ExitCode> {
    let cli = s3gc::Cli::try_parse_from(std::iter::once("s3gc").chain(arguments.iter().map(String::as_str)))?;
    let exit = tokio::runtime::Runtime::new()?.block_on(s3gc::run(cli)).into();
    println!("{}", s3gc_benches::peak_kib()?);
    std::io::stdout().flush()?;
    Ok(exit)
}
