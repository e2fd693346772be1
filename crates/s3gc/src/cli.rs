//! The command line: what can be asked.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use s3gc_core::catalog::Mode;
use s3gc_core::config::CONFIG_VARIABLE;
use s3gc_core::{IfExists, KeyPrefix, MaxDelete, RunId, Timestamp};
use s3gc_vault::pack::VerifyLevel;

use crate::parse;

/// Deletes the S3 objects that no database row references, after backing them up.
///
/// Exit codes: 0 ok; 1 failed; 2 usage or configuration; 3 partial, some objects failed; 4 orphans found
/// (--detailed-exitcode); 5 a brake or another safety stop, nothing deleted; 6 check or verify found faults; 10 vault
/// missing; 11 locked; 130 interrupted. With several buckets: the worst.
///
/// Data goes to stdout, everything for people to stderr. With --json, stdout has one document a line, and stderr has
/// progress and errors as JSON lines, too.
#[derive(Debug, Parser)]
#[command(name = "s3gc", version, about, long_about, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The configuration file [default: ./s3gc.toml if it is there; else the environment alone].
    #[arg(short, long, value_name = "FILE", env = CONFIG_VARIABLE, global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Only this bucket of the configuration; may be repeated.
    #[arg(short, long = "bucket", value_name = "BUCKET", global = true)]
    pub(crate) buckets: Vec<String>,
    /// Write JSON: one document, or one a line for lists and several buckets.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress, and no warnings.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Log more: -v phases, -vv batches, -vvv objects.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How the log on stderr is written [default: text, or json with --json].
    #[arg(long, value_name = "FORMAT", global = true)]
    pub(crate) log_format: Option<LogFormat>,
    /// When to use colours.
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto")]
    pub(crate) color: ColorWhen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at a database and a bucket, propose the columns that hold keys, and write s3gc.toml.
    Init(InitArgs),
    /// Ask every part whether a run could begin: permissions, capabilities, clocks.
    #[command(visible_alias = "doctor")]
    Check(CheckArgs),
    /// Take a census and write the plan of what is due; nothing is deleted.
    Plan(PlanArgs),
    /// Tell why a key is kept, or since when it is an orphan and when it is due.
    Explain {
        /// The key, exactly.
        #[arg(value_parser = parse::key)]
        key: s3gc_core::ObjectKey,
    },
    /// List references whose object is not there, with the copy in the vault if there is one.
    Missing {
        /// How many of each column to name.
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: usize,
    },
    /// Run a cycle, or a plan: back up and delete what is due, if the mode is `execute`.
    Run(RunArgs),
    /// Show the last run, the last good census, the lease, and what is not settled.
    Status,
    /// List runs, or show one.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Add up what was achieved: runs, deleted objects, vault size, money saved.
    Metrics,
    /// Bring deleted objects back, byte for byte.
    Restore(RestoreArgs),
    /// Look into the vault, and prove that it can be read.
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Set keys aside from deletion.
    #[command(subcommand)]
    Hold(HoldCommand),
    /// Install, look at or remove the write fence in the databases where `fence` is turned on.
    #[command(subcommand)]
    Fence(FenceCommand),
    /// Read and verify the audit chain.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Try everything in a minute: a database, a bucket, a deletion and a restore, all made for it.
    Demo(DemoArgs),
    /// Show, check or describe the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write manual pages into a directory.
    Man {
        /// The directory.
        dir: PathBuf,
    },
}

/// What `s3gc init` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct InitArgs {
    /// Take database and bucket from the environment: DATABASE_URL, S3_BUCKET, AWS_ENDPOINT_URL_S3.
    #[arg(long)]
    pub(crate) from_env: bool,
    /// The database: postgres://, mysql://, mariadb:// or sqlite:.
    #[arg(long, value_name = "DB")]
    pub(crate) url: Option<String>,
    /// The bucket: the global option of that name.
    #[arg(skip)]
    pub(crate) bucket: Option<String>,
    /// The address of an S3-compatible server.
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// The bucket's region [default: that of the environment or the AWS profile].
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// A local directory instead of a bucket.
    #[arg(long, value_name = "DIR")]
    pub(crate) path: Option<PathBuf>,
    /// How many values of each column are looked up in the bucket.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) sample: u32,
    /// Where to write the configuration.
    #[arg(long, value_name = "FILE", default_value = "s3gc.toml")]
    pub(crate) out: PathBuf,
    /// Replace the file if there is one.
    #[arg(long)]
    pub(crate) force: bool,
}

/// What `s3gc demo` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// Work in this directory, which is empty or not there yet [default: a new one beside other temporary files].
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    /// Only the configuration and the local files; nothing is connected to.
    #[arg(long, conflicts_with = "probe")]
    pub(crate) offline: bool,
    /// Write and delete canary objects under .s3gc-probe/ to see what the store honours.
    #[arg(long)]
    pub(crate) probe: bool,
    /// Print the least IAM policies and database grants instead.
    #[arg(long, conflicts_with_all = ["offline", "probe"])]
    pub(crate) print_policy: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArgs {
    /// Where to write the plan [default: beside the catalog].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Exit with 4 if something is due.
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// What to list of the plan.
    #[arg(long, value_name = "WHAT", default_value = "prefixes")]
    pub(crate) show: Show,
    /// How many of them; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Show {
    /// The prefixes with the most bytes due.
    Prefixes,
    /// The keys that are due.
    Keys,
    /// What was counted in each column: rows, values, keys, how many have an object, what could not be read.
    Columns,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    /// Run this plan instead of making one.
    #[arg(value_name = "PLANFILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Instead of the mode of the configuration: `dry_run`, `audit_only` or `execute`.
    #[arg(long)]
    pub(crate) mode: Option<Mode>,
    /// Do not ask before deleting.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Run as a schedule does: ask nobody, and delete no more than the trust ramp allows.
    #[arg(long, conflicts_with = "plan")]
    pub(crate) scheduled: bool,
    /// Accept a brake of the plan, by name; may be repeated.
    #[arg(long, value_name = "BRAKE", requires = "plan", requires = "reason")]
    pub(crate) accept: Vec<String>,
    /// Why it is accepted: written into the audit.
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub(crate) reason: Option<String>,
    /// The brake on the size of the plan, for this run: a number or a share such as 5%.
    #[arg(long, value_name = "N|P%", conflicts_with = "plan")]
    pub(crate) max_delete: Option<MaxDelete>,
    /// Plan only what is under this prefix.
    #[arg(long, value_name = "PREFIX/", value_parser = parse::prefix, conflicts_with = "plan")]
    pub(crate) prefix: Option<KeyPrefix>,
    /// How long to wait while another run holds the lock, such as 10m.
    #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
    pub(crate) wait_lock: Option<Duration>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List runs, newest first.
    Ls {
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Show a run.
    Show {
        /// Its id.
        id: RunId,
        /// And the objects it took up.
        #[arg(long)]
        keys: bool,
    },
}

#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["keys", "run", "prefix", "since"]))]
pub(crate) struct RestoreArgs {
    /// These keys, exactly.
    #[arg(value_name = "KEY", value_parser = parse::key)]
    pub(crate) keys: Vec<s3gc_core::ObjectKey>,
    /// Everything that this run deleted.
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<RunId>,
    /// Everything that was deleted under this prefix.
    #[arg(long, value_name = "PREFIX")]
    pub(crate) prefix: Option<String>,
    /// Everything that was deleted at or after this time: 2026-11-23T02:30:00Z, or a day.
    #[arg(long, value_name = "TIME", value_parser = parse::time)]
    pub(crate) since: Option<Timestamp>,
    /// And before this time.
    #[arg(long, value_name = "TIME", requires = "since", value_parser = parse::time)]
    pub(crate) until: Option<Timestamp>,
    /// To a directory, or to s3://BUCKET on the same server, instead of the object's own place.
    #[arg(long, value_name = "DIR|s3://BUCKET")]
    pub(crate) to: Option<String>,
    /// Only say what would be restored.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Where an object lives already [default: fail for named keys, skip for many].
    #[arg(long, value_name = "WHAT", value_parser = parse::if_exists)]
    pub(crate) if_exists: Option<IfExists>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// List what the vault holds.
    Ls {
        /// Only keys that begin so.
        #[arg(long, value_name = "PREFIX")]
        prefix: Option<String>,
    },
    /// Show everything that is known of a key's copies.
    Show {
        /// The key, exactly.
        #[arg(value_parser = parse::key)]
        key: s3gc_core::ObjectKey,
    },
    /// Write the bytes of a key's newest copy to stdout.
    Cat {
        /// The key, exactly.
        #[arg(value_parser = parse::key)]
        key: s3gc_core::ObjectKey,
    },
    /// Prove that the packs can be read.
    Verify {
        /// How much is read: `quick` (tables and indexes), `sample=5%` of the objects, or `full` (every byte).
        #[arg(long, value_name = "LEVEL", default_value = "quick", value_parser = parse::verify_level)]
        level: VerifyLevel,
    },
    /// Put packs that the catalog does not know back into it.
    Reindex,
    /// Copy every pack that the vault or its replica lacks to the one that lacks it.
    Replicate {
        /// Also read every pack that both have, and compare the two. Exit code 6 if one is not what it should be.
        #[arg(long)]
        verify: bool,
        /// Only say what would be copied.
        #[arg(long)]
        dry_run: bool,
    },
    /// Add up what the vault holds, by content type and by how it is stored.
    Stats,
    /// Remove packs that are older than `keep_days` and that nothing needs: mark them, and remove those that were marked a
    /// day ago or earlier. In another mode than `execute` nothing is written.
    Prune {
        /// Only say what would be marked and removed.
        #[arg(long)]
        dry_run: bool,
        /// How long to wait while a run holds the lock, such as 10m.
        #[arg(long, value_name = "DURATION", value_parser = parse::duration)]
        wait_lock: Option<Duration>,
    },
    /// Write the newest copy of everything in the packs into a directory, as plain files. The catalog need not be there; it
    /// is asked for packs whose removal was begun.
    Export {
        /// The directory: a file that is there already is left alone, so a second call goes on where the first ended.
        dir: PathBuf,
        /// Only keys that begin so.
        #[arg(long, value_name = "PREFIX", default_value = "")]
        prefix: String,
    },
    /// Make a key for an encrypted vault, in the format of age-keygen, and print its recipient for [vault] recipients.
    Keygen {
        /// The file for the secret key, which must not be there yet; `-` or none for stdout.
        file: Option<PathBuf>,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum HoldCommand {
    /// Hold every key that matches.
    Add {
        /// The keys: `*` stops at `/`, `**` does not.
        glob: String,
        /// Why: written into the audit.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Until when; for ever without it.
        #[arg(long, value_name = "TIME", value_parser = parse::time)]
        until: Option<Timestamp>,
    },
    /// List holds.
    Ls,
    /// Remove a hold.
    Rm {
        /// Its number.
        id: i64,
    },
    /// Say that the application migrates: nothing is deleted meanwhile.
    #[command(subcommand)]
    Migration(MigrationCommand),
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MigrationCommand {
    /// It begins.
    On {
        /// Why: shown while it lasts, and written into the audit.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Until when; until it is turned off without it.
        #[arg(long, value_name = "TIME", value_parser = parse::time)]
        until: Option<Timestamp>,
    },
    /// It is over.
    Off,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum FenceCommand {
    /// Show the statements, ask, and run them; nothing where nothing is missing.
    Setup {
        /// Only print them, for the owner of the tables to run.
        #[arg(long)]
        print_sql: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Show whether it is whole, what is in it, and the orders that wait. Exit code 6 if it is not whole.
    Status,
    /// Remove everything that setup installed.
    Teardown {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List entries.
    Ls {
        /// Only of this run.
        #[arg(long, value_name = "ID")]
        run: Option<RunId>,
        /// Only about this key.
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Only of this kind, such as `delete` or `restore`.
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
    },
    /// Show an entry with its evidence.
    Show {
        /// Its number.
        id: u64,
    },
    /// Write the whole chain.
    Export {
        /// How.
        #[arg(long, value_name = "FORMAT", default_value = "jsonl")]
        format: ExportFormat,
    },
    /// Prove that no entry was altered or removed.
    Verify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Jsonl,
    Csv,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every key with its value, without secrets.
    Show {
        /// And where each value comes from.
        #[arg(long)]
        resolved: bool,
    },
    /// Check it.
    Validate,
    /// Print its JSON schema.
    Schema,
}
