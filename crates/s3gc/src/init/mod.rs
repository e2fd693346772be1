//! `s3gc init`: looks at a database and a bucket, proposes the columns that hold keys, and writes the configuration.
//!
//! Values of every column that could hold keys are sampled, read by the same extractor as a census reads them, and looked
//! up in the bucket (`bucket`, `look`, `values`, `affix`); then the file is written (`write`) and read back by the loader.

mod affix;
mod bucket;
mod known;
mod look;
mod template;
mod values;
mod write;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use s3gc_core::config::{DeleteChecksum, Loader, StoreConfig};
use s3gc_source::extract::ExtractConfig;
use s3gc_source_sql::Inspector;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::ExitCode;
use crate::assemble::{AssembleError, open_store};
use crate::cli::InitArgs;
use crate::context::Ctx;
use crate::error::{Error, Result, shell};
use crate::human;
use affix::Affix;
use bucket::Bucket;
use known::Framework;
use look::{Finding, Looker};
use write::Draft;

/// What stands in the file for a URL that may hold a password.
const URL_VARIABLE: &str = "${DATABASE_URL}";
/// How long one column may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long all of them may take. What is not looked at then is proposed: it may hold keys.
const PATIENCE_IN_ALL: Duration = Duration::from_secs(600);

/// What was found.
struct Look {
    findings: Vec<Finding>,
    bases: Vec<String>,
    unclear_hosts: Vec<String>,
    frameworks: Vec<Framework>,
}

/// What was found, as JSON.
#[derive(Serialize)]
struct Document<'a> {
    file: &'a Path,
    bucket: &'a str,
    columns: &'a [Finding],
    references: usize,
    base_urls: &'a [String],
}

/// Looks, proposes and writes.
pub(crate) async fn run(args: InitArgs, ctx: &Ctx) -> Result<ExitCode> {
    if args.out.exists() && !args.force {
        let message = format!("{} is there already", args.out.display());
        return Err(Error::usage(message, "write another file with --out FILE, or replace it with --force"));
    }
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let url: SecretString = url(&args, environment)?.into();
    let store = store(&args, environment)?;
    let name = match &store {
        StoreConfig::S3 { name, .. } => name.clone(),
        StoreConfig::Fs { path } => path.display().to_string(),
        _ => String::new(),
    };
    let Look { findings, bases, unclear_hosts, frameworks } =
        look(url.expose_secret(), &store, args.sample, ctx).await?;
    if !findings.iter().any(Finding::is_proposed) {
        let message = format!("no sampled value of {} columns exists in {name}; nothing was written", findings.len());
        return Err(Error::usage(
            message,
            "is it the right bucket and the right database? --bucket, --endpoint, --url",
        ));
    }
    let shown_url = shown_url(url.expose_secret(), &args.out)?;
    let text = write::text(&Draft {
        url: &shown_url,
        store: &store,
        vault: vault(&store, &args.out),
        findings: &findings,
        bases: &bases,
        unclear_hosts: &unclear_hosts,
        frameworks: &frameworks,
    });
    // What the loader refuses is not written.
    Loader::new().file(&args.out, &text).environment([("DATABASE_URL", url.expose_secret())]).load()?;
    save(&args.out, &text, args.force)?;

    let references = findings.iter().filter(|finding| finding.is_proposed()).count();
    if ctx.json {
        let document = Document { file: &args.out, bucket: &name, columns: &findings, references, base_urls: &bases };
        ctx.print_json(&document)?;
    } else {
        let is_set = shown_url != URL_VARIABLE || environment("DATABASE_URL").is_some();
        ctx.print(summary(&findings, &bases, &args.out, is_set))?;
    }
    Ok(ExitCode::Ok)
}

/// Finds the database: the flag first.
fn url(args: &InitArgs, environment: impl Fn(&str) -> Option<String>) -> Result<String> {
    match (&args.url, args.from_env) {
        (Some(url), _) => Ok(url.clone()),
        (None, true) => environment("DATABASE_URL")
            .ok_or_else(|| Error::usage("DATABASE_URL is not set", "set it, or name the database with --url DB")),
        (None, false) => {
            let help = "--url DB, or --from-env for DATABASE_URL and S3_BUCKET of the environment";
            Err(Error::usage("which database?", help))
        }
    }
}

/// Finds the bucket or the directory: the flags first.
fn store(args: &InitArgs, environment: impl Fn(&str) -> Option<String>) -> Result<StoreConfig> {
    if let Some(path) = &args.path {
        if args.bucket.is_some() {
            return Err(Error::usage("a bucket and a directory at once", "name one of them: --bucket or --path"));
        }
        let path = std::fs::canonicalize(path).map_err(Error::io(format!("finding {}", path.display())))?;
        return Ok(StoreConfig::Fs { path });
    }
    let from_env = || args.from_env.then(|| environment("S3_BUCKET")).flatten();
    let name = args.bucket.clone().or_else(from_env).ok_or_else(|| {
        Error::usage("which bucket?", "--bucket BUCKET, --path DIR for a local directory, or S3_BUCKET with --from-env")
    })?;
    let endpoint = args.endpoint.clone().or_else(|| environment("AWS_ENDPOINT_URL_S3"));
    let region = args.region.clone().or_else(|| environment("AWS_REGION"));
    Ok(StoreConfig::S3 {
        name,
        region,
        path_style: endpoint.is_some(),
        endpoint: endpoint.map(|endpoint| endpoint.trim_end_matches('/').to_owned()),
        delete_checksum: DeleteChecksum::Auto,
    })
}

/// Samples every column and looks its values up.
async fn look(url: &str, config: &StoreConfig, sample: u32, ctx: &Ctx) -> Result<Look> {
    let (bucket, endpoints) = match config {
        StoreConfig::S3 { name, endpoint, .. } => (name.clone(), endpoint.clone().into_iter().collect()),
        _ => (String::new(), Vec::new()),
    };
    let store = open_store(config).await.map_err(|source| AssembleError::Store { bucket: bucket.clone(), source })?;
    store.status().await?;
    let extract = ExtractConfig { bucket, endpoints, ..ExtractConfig::default() };
    let looker = Looker::new(Bucket::new(store), extract).await?;
    let mut inspector = Inspector::connect("database", url).await?;
    let candidates = inspector.candidates().await?;
    ctx.say(format!("looking at {}", human::plural(u64::try_from(candidates.len()).unwrap_or(u64::MAX), "column")));
    let mut findings = Vec::with_capacity(candidates.len());
    let deadline = Instant::now() + PATIENCE_IN_ALL;
    for candidate in &candidates {
        if known::is_log(&candidate.table) {
            let mut finding = Finding::new(candidate);
            finding.is_log = true;
            findings.push(finding);
            continue;
        }
        if Instant::now() > deadline {
            let mut finding = Finding::new(candidate);
            finding.failed = Some(format!("{} minutes were over", PATIENCE_IN_ALL.as_secs() / 60));
            findings.push(finding);
            continue;
        }
        let finding = match inspector.sample(candidate, sample, PATIENCE).await {
            Ok(values) => {
                let mut finding = looker.look(candidate, values).await?;
                // What cannot be read with its keys was looked at all the same.
                if looker.may_need_template(&finding)
                    && let Ok(rows) = inspector.sample_with_key(candidate, sample, PATIENCE).await
                {
                    looker.find_template(candidate, &mut finding, &rows);
                }
                finding
            }
            Err(error) => {
                let mut finding = Finding::new(candidate);
                finding.failed = Some(Error::from(error).chain());
                finding
            }
        };
        findings.push(finding);
    }
    // What most of the values of some columns need, some of the values of others may need, too.
    let found: BTreeSet<String> = findings.iter().filter_map(|finding| finding.prepend.clone()).collect();
    for prepend in found {
        for (candidate, finding) in candidates.iter().zip(&mut findings) {
            let before = std::mem::replace(finding, Finding::new(candidate));
            *finding = looker.look_again(candidate, before, Affix::Prepend(prepend.clone())).await?;
        }
    }
    let (bases, unclear_hosts) = look::bases(&findings);
    looker.count_foreign(&mut findings, &bases)?;
    let frameworks = known::frameworks(&candidates, &mut findings);
    // The best first.
    findings.sort_by_key(|finding| std::cmp::Reverse((finding.is_proposed(), finding.matched)));
    Ok(Look { findings, bases, unclear_hosts, frameworks })
}

/// Returns what the file says of the database: the path of an SQLite file, and never a password.
fn shown_url(url: &str, out: &Path) -> Result<String> {
    let Some(rest) = url.strip_prefix("sqlite:") else { return Ok(URL_VARIABLE.to_owned()) };
    let absolute = |path: &Path| std::path::absolute(path).map_err(Error::io(format!("finding {}", path.display())));
    // SQLite URLs are percent-decoded.
    let encoded = |path: &Path| path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let mut file = rest.strip_prefix("//").unwrap_or(rest).to_owned();
    if !file.starts_with('/') {
        let here = std::env::current_dir().map_err(Error::io("finding the current directory"))?;
        file = format!("{}/{}", encoded(&here), file.trim_start_matches("./"));
    }
    // Relative to the configuration where that is possible, so that both can be moved.
    let dir = format!("{}/", encoded(absolute(out)?.parent().unwrap_or(Path::new(""))));
    Ok(format!("sqlite:{}", file.strip_prefix(&dir).unwrap_or(&file)))
}

/// Chooses a place for the vault that is not in the directory that is collected.
fn vault(store: &StoreConfig, out: &Path) -> &'static str {
    let inside = match store {
        StoreConfig::Fs { path } => std::path::absolute(out).is_ok_and(|out| out.starts_with(path)),
        _ => false,
    };
    if inside { "/var/lib/s3gc/vault" } else { "s3gc-vault" }
}

fn save(path: &Path, text: &str, force: bool) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    let file = if force { options.create(true).truncate(true).open(path) } else { options.create_new(true).open(path) };
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(Error::io(format!("writing {}", path.display())))
}

fn summary(findings: &[Finding], bases: &[String], out: &Path, url_is_set: bool) -> String {
    const FEW: usize = 20;
    let mut text = String::new();
    let width = findings.iter().map(|finding| finding.name().chars().count()).max().unwrap_or_default().min(40);
    for finding in
        findings.iter().filter(|finding| finding.is_proposed() || finding.sampled > 0 || finding.refused.is_some())
    {
        let name = human::escape(&finding.name());
        let count = format!("{}/{}", finding.matched, finding.sampled);
        let what = match (&finding.failed, &finding.refused) {
            (Some(reason), Some(_)) => format!("not looked at: {}", human::escape(reason)),
            (Some(reason), None) => format!("listed, since it could not be sampled: {}", human::escape(reason)),
            (None, Some(reason)) if finding.matched > 0 => {
                format!("{}; cannot be read as it is: {}", finding.describe(), human::escape(reason))
            }
            (None, _) if finding.matched == 0 && finding.preset.is_none() => "ignored".to_owned(),
            // One in twenty may be chance, or a column that holds keys now and then.
            (None, _) if finding.matched * FEW < finding.sampled => {
                format!("{}; few, and listed all the same: a reference too many only keeps", finding.describe())
            }
            (None, _) => finding.describe(),
        };
        text.push_str(&format!("  {name:<width$}  {count:>9} sampled values exist in the bucket   {what}\n"));
    }
    let empty =
        findings.iter().filter(|finding| !finding.is_proposed() && finding.sampled == 0 && finding.refused.is_none());
    let empty = empty.count();
    if empty > 0 {
        text.push_str(&format!("  and {empty} without a value: ignored; the file names them\n"));
    }
    for base in bases {
        text.push_str(&format!("  {base} stands for the root of the bucket\n"));
    }
    let file = shell(&out.display().to_string());
    if !url_is_set {
        text.push_str(&format!(
            "The file says url = \"{URL_VARIABLE}\", so that no password is in it: export DATABASE_URL first.\n"
        ));
    }
    let option = if out == Path::new("s3gc.toml") { String::new() } else { format!(" -c {file}") };
    text.push_str(&format!("Wrote {file} (mode = dry_run). Next: s3gc check{option}\n"));
    text
}
