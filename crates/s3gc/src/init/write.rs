//! The configuration as text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use s3gc_core::config::StoreConfig;

use super::known::Framework;
use super::look::{self, Finding};
use super::values::Form;
use crate::human;

/// What the file is made from.
pub(super) struct Draft<'a> {
    /// What stands for the database's URL.
    pub(super) url: &'a str,
    pub(super) store: &'a StoreConfig,
    pub(super) vault: &'a str,
    pub(super) findings: &'a [Finding],
    pub(super) bases: &'a [String],
    /// Hosts that lead to objects in more than one way.
    pub(super) unclear_hosts: &'a [String],
    pub(super) frameworks: &'a [Framework],
}

/// Writes the file.
pub(super) fn text(draft: &Draft<'_>) -> String {
    let mut text = String::from(
        "# Written by `s3gc init` from a sample of the database: read it, and add what it cannot have seen.\n\
         # Every key is described by `s3gc config schema`; what is commented out shows the default, or an example.\n\n\
         mode = \"dry_run\"                     # dry_run | audit_only | execute\n\n\
         [database]\n",
    );
    let mut line = |line: String| {
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(format!("url = {}", quote(draft.url)));
    line("# backup_window = \"35d\"              # how far back the database can be restored".into());
    line(String::new());
    bucket(draft, &mut line);
    line(
        "# A reference too many keeps an object that could go; one too few deletes an object that is in use. So list"
            .into(),
    );
    line("# every column that may hold keys, also those of which few values were found.".into());
    for framework in draft.frameworks {
        preset(framework, &mut line);
    }
    for finding in draft.findings.iter().filter(|finding| finding.is_proposed() && finding.preset.is_none()) {
        reference(finding, &mut line);
    }
    line(String::new());
    ignored(draft.findings, &mut line);
    line("[vault]".into());
    line(format!("path = {}", quote(draft.vault)));
    line("# path = \"s3://another-bucket/s3gc\" # in a bucket; gs:// and az:// too".into());
    line("keep_days = 90                       # how long a deleted object can be restored".into());
    line("# compression = \"zstd\"               # zstd[:level] | lz4 | none".into());
    line(String::new());
    line("# [catalog]".into());
    line("# path = \"catalog.db\"                # beside the vault".into());
    line(String::new());
    let (percent, logs) = (look::max_foreign_urls(draft.findings), logs(draft.findings));
    line(if percent.is_none() && logs.is_empty() { "# [safety]" } else { "[safety]" }.into());
    if !logs.is_empty() {
        line("# Logs of a framework: they name files that may be gone, and need none of them.".into());
        let logs: Vec<String> = logs.iter().map(|table| quote(&format!("{table}.*"))).collect();
        line(format!("ignore_columns = [{}]", logs.join(", ")));
    }
    match percent {
        Some(percent) => {
            line(
                "# Twice the share that was seen. If one of these hosts serves this bucket, add it to base_urls."
                    .into(),
            );
            line(format!("max_foreign_urls = \"{percent}%\""));
        }
        None => line("# max_foreign_urls = \"1%\"            # URLs of hosts that are not in base_urls".into()),
    }
    line("# max_delete = \"20%\"                 # a larger plan waits for a person; or a number of objects".into());
    line("# allow_short_retention = false      # execute with a retention of under a day".into());
    line(
        "# unconditional_delete = false       # for stores that ignore If-Match on delete and keep no versions".into(),
    );
    line(
        "# recheck_window = \"5m\"              # how long after its last look at the database a deletion may be sent"
            .into(),
    );
    line(String::new());
    line("# [report]".into());
    line("# price_per_gb_month = 0.023".into());
    text
}

fn bucket(draft: &Draft<'_>, line: &mut impl FnMut(String)) {
    line("[bucket]".into());
    match draft.store {
        StoreConfig::S3 { name, region, endpoint, .. } => {
            line(format!("name = {}", quote(name)));
            if let Some(region) = region {
                line(format!("region = {}", quote(region)));
            }
            if let Some(endpoint) = endpoint {
                line(format!("endpoint = {}", quote(endpoint)));
            }
        }
        StoreConfig::Fs { path } => line(format!("path = {}", quote(&path.to_string_lossy()))),
        _ => {}
    }
    line(
        "exclude_prefixes = []                # never deleted, whatever the database says: [\"backups/\", \"system/\"]"
            .into(),
    );
    line("retention_days = 7                   # how long an object stays unreferenced before it is due".into());
    line(
        "# retention_from = \"unreferenced\"    # or last_modified, for a first clean-up that a person has reviewed"
            .into(),
    );
    if draft.bases.is_empty() {
        line("# base_urls = [\"https://cdn.example.com/\"]   # URLs that stand for the root of the bucket".into());
    } else {
        let bases: Vec<String> = draft.bases.iter().map(|base| quote(base)).collect();
        line(format!("base_urls = [{}]", bases.join(", ")));
    }
    for host in draft.unclear_hosts {
        line(format!(
            "# {} leads to objects in more than one way: every reading of its URLs counts.",
            human::escape(host)
        ));
    }
    line(
        r"# variants = ['^thumbs/(?<base>.+)$ -> $base']    # derived objects, which live as long as their base".into(),
    );
    line(String::new());
}

fn preset(framework: &Framework, line: &mut impl FnMut(String)) {
    let names: BTreeSet<String> =
        framework.columns.iter().map(|of| format!("{}.{}", of.table, of.columns.join("+"))).collect();
    line(String::new());
    line("[[references]]".into());
    line("# Known by its tables. It stands for:".into());
    for name in names {
        line(format!("#   {}", human::escape(&name)));
    }
    line(format!("preset = {}", quote(framework.preset.name())));
    let options = &framework.options;
    for (name, option) in [("prefix", &options.prefix), ("table", &options.table), ("class", &options.class)] {
        if let Some(option) = option {
            line(format!("{name} = {}", quote(option)));
        }
    }
}

fn reference(finding: &Finding, line: &mut impl FnMut(String)) {
    line(String::new());
    line("[[references]]".into());
    line(match &finding.failed {
        Some(reason) => format!("# could not be sampled, so it may hold keys: {}", human::escape(reason)),
        None => format!(
            "# {}/{} sampled values exist in the bucket: {}",
            finding.matched,
            finding.sampled,
            finding.describe()
        ),
    });
    if finding.forms.contains(&Form::Directory) && finding.kind != "prefix" {
        line(
            "# It also names directories, which only kind = \"prefix\" protects: exclude them, or use sql = \"...\""
                .into(),
        );
    }
    if let Some(reason) = &finding.refused {
        line(format!("# cannot be read as it is: {}", human::escape(reason)));
    }
    line(format!("table = {}", quote(&finding.table)));
    for template in &finding.templates {
        line(format!("template = {}", quote(template)));
        line(String::new());
        line("[[references]]".into());
        line(format!("table = {}", quote(&finding.table)));
    }
    if !finding.templates.is_empty() {
        line("# Other rows may hold whole keys.".into());
    }
    line(format!("column = {}", quote(&finding.column)));
    if finding.kind != "auto" {
        line(format!("kind = {}", quote(finding.kind)));
    }
    for (name, affix) in [("strip", &finding.strip), ("prepend", &finding.prepend)] {
        if let Some(affix) = affix {
            line(format!("{name} = {}", quote(affix)));
        }
    }
}

/// Lists the tables that are logs.
fn logs(findings: &[Finding]) -> BTreeSet<&str> {
    findings.iter().filter(|finding| finding.is_log).map(|finding| finding.table.as_str()).collect()
}

/// Lists what was left out, so that a person can think about it.
fn ignored(findings: &[Finding], line: &mut impl FnMut(String)) {
    let mut left: Vec<&Finding> = findings.iter().filter(|finding| !finding.is_proposed() && !finding.is_log).collect();
    left.sort_by_key(|finding| finding.name());
    if left.is_empty() {
        return;
    }
    line("# Left out, since no sampled value exists in the bucket. Add what will hold keys:".into());
    for finding in left {
        let why = match &finding.refused {
            Some(reason) if finding.sampled == 0 => format!("not looked at: {}", human::escape(reason)),
            _ if finding.sampled == 0 => "empty".to_owned(),
            _ => format!("0/{}", finding.sampled),
        };
        let mut name = String::new();
        write!(name, "#   {:<38} {why}", human::escape(&finding.name())).unwrap_or_default();
        line(name);
    }
    line(String::new());
}

/// Writes a string of TOML; `$$` is a dollar sign where `${...}` could be meant.
fn quote(text: &str) -> String {
    let is_reference = text == super::URL_VARIABLE;
    let needs_escape = !is_reference && (text.contains("${") || text.contains("$$"));
    let text = if needs_escape { text.replace('$', "$$") } else { text.to_owned() };
    toml::Value::String(text).to_string()
}
