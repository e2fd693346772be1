//! `s3gc audit`: the chain of what was done.

use std::collections::{BTreeSet, HashMap};

use s3gc_core::audit::{AuditEntry, AuditHead, ChainCheck, RememberedHead};
use s3gc_core::catalog::AuditFilter;
use s3gc_core::{Digest, Gc};
use serde_json::json;

use crate::ExitCode;
use crate::cli::{AuditCommand, ExportFormat};
use crate::context::{Ctx, to_json};
use crate::error::{Error, LOCKED_HELP, Result};
use crate::human;

const PAGE: u32 = 1000;

/// How many packs that cannot be read for want of a key are named to people.
const MAX_NAMED: usize = 5;

pub(super) async fn run(command: AuditCommand, ctx: &Ctx) -> Result<ExitCode> {
    let fleet = ctx.fleet().await?;
    match command {
        AuditCommand::Ls { run, key, kind } => {
            let filter = AuditFilter { run, key, kind, location: None };
            Ok(super::each(ctx, &fleet, |gc| list(gc, filter.clone(), ctx)).await)
        }
        AuditCommand::Show { id } => {
            for gc in &by_catalog(&fleet) {
                let found = gc.catalog().audit(&AuditFilter::default(), id.saturating_sub(1), 1).await?;
                if let Some(entry) = found.first().filter(|entry| entry.seq == id) {
                    return show(entry, ctx);
                }
            }
            Err(Error::NotFound(format!("there is no audit entry {id}")))
        }
        AuditCommand::Export { format } => {
            let header = (format == ExportFormat::Csv).then(|| ctx.print(CSV_HEADER));
            header.transpose()?;
            Ok(super::each(ctx, &by_catalog(&fleet), |gc| export(gc, format, ctx)).await)
        }
        AuditCommand::Verify => Ok(super::each(ctx, &by_catalog(&fleet), |gc| verify(gc, &fleet, ctx)).await),
    }
}

/// One bucket for each catalog: a chain is that of a catalog, whatever bucket its entries are about.
fn by_catalog(fleet: &crate::Fleet) -> Vec<Gc> {
    let mut seen = BTreeSet::new();
    fleet.iter().filter(|gc| seen.insert(gc.catalog().id().to_string())).cloned().collect()
}

async fn list(gc: Gc, mut filter: AuditFilter, ctx: &Ctx) -> Result<ExitCode> {
    filter.location = Some(gc.location().clone());
    let mut after = 0;
    loop {
        let page = gc.catalog().audit(&filter, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ExitCode::Ok) };
        after = last.seq;
        if ctx.json {
            ctx.print_json_lines(&page)?;
        } else {
            let lines: Vec<String> = page.iter().map(one_line).collect();
            ctx.print(lines.join("\n"))?;
        }
    }
}

fn one_line(entry: &AuditEntry) -> String {
    let run = entry.run.map(|run| format!("  run {run}")).unwrap_or_default();
    let key = entry.key.as_ref().map(|key| format!("  {}", human::escape(key))).unwrap_or_default();
    format!("{:>8}  {}  {:<12}{key}{run}", entry.seq, human::time(entry.at), entry.kind)
}

fn show(entry: &AuditEntry, ctx: &Ctx) -> Result<ExitCode> {
    if ctx.json {
        ctx.print_json(entry)?;
    } else {
        let detail = serde_json::from_str::<serde_json::Value>(&entry.detail)
            .and_then(|detail| serde_json::to_string_pretty(&detail))
            .unwrap_or_else(|_| entry.detail.clone());
        let location = entry.location.as_ref().map(|location| format!("  {location}")).unwrap_or_default();
        ctx.print(format!(
            "{}{location}\n{detail}\n  follows {}\n  hash    {}",
            one_line(entry),
            entry.previous,
            entry.hash
        ))?;
    }
    Ok(ExitCode::Ok)
}

const CSV_HEADER: &str = "seq,at,run,location,kind,key,detail,previous,hash\r\n";

async fn export(gc: Gc, format: ExportFormat, ctx: &Ctx) -> Result<ExitCode> {
    let mut after = 0;
    loop {
        let page = gc.catalog().audit(&AuditFilter::default(), after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ExitCode::Ok) };
        after = last.seq;
        let mut text = String::new();
        for entry in &page {
            match format {
                ExportFormat::Jsonl => {
                    text.push_str(&to_json(entry)?);
                    text.push('\n');
                }
                ExportFormat::Csv => text.push_str(&csv(entry)),
            }
        }
        ctx.print(text)?;
    }
}

/// Writes a record of RFC 4180.
fn csv(entry: &AuditEntry) -> String {
    let optional = |value: Option<String>| value.unwrap_or_default();
    let fields = [
        entry.seq.to_string(),
        entry.at.to_string(),
        optional(entry.run.map(|run| run.to_string())),
        optional(entry.location.as_ref().map(|location| location.to_string())),
        entry.kind.clone(),
        optional(entry.key.clone()),
        entry.detail.clone(),
        entry.previous.to_string(),
        entry.hash.to_string(),
    ];
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
    });
    format!("{}\r\n", quoted.join(","))
}

/// Walks the chain to its end, and compares it with the head that is kept apart and with what the vaults witness.
async fn verify(gc: Gc, fleet: &crate::Fleet, ctx: &Ctx) -> Result<ExitCode> {
    let catalog = gc.catalog();
    // Read first, the vaults before the head: what is appended meanwhile is beyond them.
    let mut witnesses = Vec::new();
    for bucket in fleet.iter().filter(|bucket| bucket.catalog().id() == catalog.id()) {
        witnesses.push(bucket.audit_witnesses().await?);
    }
    let remembered: Vec<RememberedHead> = witnesses.iter().filter_map(|witness| witness.record).collect();
    let packs = witnesses.iter().flat_map(|witness| &witness.packs);
    let mut packs: HashMap<Digest, &str> = packs.map(|(pack, head)| (*head, pack.as_str())).collect();
    let witnessed = packs.len();
    let unreadable: Vec<_> = witnesses.iter().flat_map(|witness| &witness.unreadable).collect();
    let locked: Vec<&String> = witnesses.iter().flat_map(|witness| &witness.locked).collect();
    let head = catalog.audit_head().await?;
    let mut check = ChainCheck::default();
    packs.remove(&check.head().hash);
    let fault = loop {
        let page = catalog.audit(&AuditFilter::default(), check.head().seq, PAGE).await?;
        if page.is_empty() {
            break beyond(check.head(), head);
        }
        let within = page.iter().take_while(|entry| entry.seq <= head.seq);
        if let Some(broken) = within.clone().find_map(|entry| check.next(entry).err()) {
            break Some((Some(broken.seq), broken.to_string()));
        }
        if let Some(other) = within.clone().find(|entry| remembered.iter().any(|head| is_other(entry, head))) {
            let reason = format!("audit entry {}: is not the one that the vault remembers", other.seq);
            break Some((Some(other.seq), reason));
        }
        for entry in within {
            packs.remove(&entry.hash);
        }
        if check.head().seq >= head.seq || page.iter().any(|entry| entry.seq > head.seq) {
            break beyond(check.head(), head);
        }
    };
    let fault = fault.or_else(|| forgotten(check.head(), &remembered)).or_else(|| unwitnessed(&packs));
    if ctx.json {
        let (seq, reason) = fault.clone().unzip();
        ctx.print_json(&json!({
            "catalog": catalog.name(),
            "ok": fault.is_none(),
            "entries": check.head().seq,
            "head": head,
            "remembered": remembered,
            "witnesses": witnessed,
            "unreadable": unreadable,
            "locked": locked,
            "broken_at": seq.flatten(),
            "reason": reason,
        }))?;
    } else {
        let seq = check.head().seq;
        let entries = format!("{} {}", human::count(seq), if seq == 1 { "entry" } else { "entries" });
        match &fault {
            None => ctx.print(format!("{}: {entries}, the chain is whole; head {}", catalog.name(), head.hash))?,
            Some((_, reason)) => ctx.print(format!("{}: broken: {reason}", catalog.name()))?,
        }
        for (pack, reason) in unreadable {
            ctx.warn(format!("{pack} cannot witness the chain: {reason}; see s3gc vault verify"));
        }
        for pack in locked.iter().take(MAX_NAMED) {
            ctx.warn(format!("{pack} could not be asked: it is encrypted, and the key is missing or wrong"));
        }
        if locked.len() > MAX_NAMED {
            ctx.warn(format!("and {} more; --json names all", locked.len() - MAX_NAMED));
        }
        if !locked.is_empty() {
            ctx.warn(format!("  help: {LOCKED_HELP}"));
        }
    }
    Ok(if fault.is_some() { ExitCode::Faults } else { ExitCode::Ok })
}

/// Where a chain is broken, if one entry shows it, and how.
type Fault = (Option<u64>, String);

/// Tells whether a vault remembers another entry at this place.
fn is_other(entry: &AuditEntry, remembered: &RememberedHead) -> bool {
    entry.seq == remembered.seq && remembered.hash.is_some_and(|hash| hash != entry.hash)
}

/// A chain that was cut together with its head looks whole; the vault remembers how long it was.
fn forgotten(reached: AuditHead, remembered: &[RememberedHead]) -> Option<Fault> {
    let longest = remembered.iter().map(|head| head.seq).max().filter(|seq| *seq > reached.seq)?;
    let first = reached.seq + 1;
    let reason = format!("audit entry {first}: entries from here to {longest} are missing, which the vault remembers");
    Some((Some(first), reason))
}

/// A chain that was written anew from some entry on lacks what a pack has seen of it.
fn unwitnessed(packs: &HashMap<Digest, &str>) -> Option<Fault> {
    let pack = packs.values().min()?;
    Some((None, format!("the entry that was the last one when {pack} was begun is not in it: the chain was rewritten")))
}

fn beyond(reached: AuditHead, head: AuditHead) -> Option<Fault> {
    if reached.seq < head.seq {
        let reason = format!("audit entry {}: entries from here to {} are missing", reached.seq + 1, head.seq);
        return Some((Some(reached.seq + 1), reason));
    }
    (reached != head).then(|| (Some(head.seq), format!("audit entry {}: is not the head that is kept apart", head.seq)))
}
