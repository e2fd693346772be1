//! Plans and runs for people.

use std::fmt::Write as _;

use s3gc_core::catalog::Mode;
use s3gc_core::{
    Brake, JudgeCounts, Kept, MaxDelete, PlanHeader, RunReport, RunState, Settings, SourceCensus, monthly_cost,
};

use crate::ExitCode;
use crate::human;

/// Shows what was counted in each column.
pub(crate) fn columns(sources: &[SourceCensus]) -> String {
    let rows = sources.iter().flat_map(|source| {
        source.columns.iter().map(|column| {
            let counts = &column.counts;
            let matched = if column.sampled == 0 {
                "-".to_owned()
            } else {
                format!("{} of {}", human::count(column.matched), human::count(column.sampled))
            };
            let samples: Vec<String> = counts.unread_samples.iter().map(|sample| human::escape(sample)).collect();
            vec![
                human::escape(&format!("{}: {}", source.name, column.column)),
                human::count(counts.rows),
                human::count(counts.nulls),
                human::count(counts.values),
                human::count(counts.readings),
                matched,
                human::count(counts.unread),
                samples.join("  "),
            ]
        })
    });
    human::table(&["column", "rows", "NULL", "values", "keys", "with an object", "unread", "such as"], rows)
}

/// Shows what a census counted.
pub(crate) fn counts(counts: &JudgeCounts, settings: &Settings, prefixes: usize) -> String {
    let mut text = String::new();
    let mut line = |words: std::fmt::Arguments<'_>| {
        // A failed write to a string cannot be.
        text.write_fmt(words).unwrap_or_default();
        text.push('\n');
    };
    let kept = |reason| counts.kept(reason);
    let mut first = vec![
        format!("listed {}", human::count(counts.listed.objects)),
        format!("referenced {}", human::count(kept(Kept::Referenced).objects)),
    ];
    let others = [Kept::Excluded, Kept::Held, Kept::Archived, Kept::Unsettled, Kept::Unclaimed, Kept::Reserved];
    for reason in others {
        if kept(reason).objects > 0 || reason == Kept::Excluded {
            first.push(format!("{} {}", reason.as_str(), human::count(kept(reason).objects)));
        }
    }
    line(format_args!("{}   {}", settings.name, first.join(" · ")));
    let row = |name: &str, objects: u64, bytes: u64| {
        let text = format!("  {name:<18} {:>10}   {:>9}", human::count(objects), human::size(bytes));
        text
    };
    let retention = human::duration(settings.retention);
    let young = kept(Kept::Young);
    line(format_args!("{}", row(&format!("too young (<{retention})"), young.objects, young.bytes)));
    let next = counts.next_due_at.map(|next| format!("; next due {}", human::time(next))).unwrap_or_default();
    let waiting = row("waiting", counts.waiting.objects, counts.waiting.bytes);
    line(format_args!("{waiting}   (unreferenced, clock running{next})"));
    let share = human::percent(counts.due.objects, counts.claimed.objects);
    let brake = match settings.max_delete {
        MaxDelete::Percent(limit) => format!("brake at {limit} %"),
        MaxDelete::Count(limit) => format!("brake at {}", human::objects(limit)),
    };
    let money = human::monthly(monthly_cost(counts.due.bytes, settings.price_per_gb_month));
    let due = row("due", counts.due.objects, counts.due.bytes);
    line(format_args!("{due}   ({share}, {brake})   {money}"));
    for (prefix, tally) in top_prefixes(counts, prefixes) {
        let name = if prefix.is_empty() { "(no prefix)" } else { prefix };
        line(format_args!("{}", row(&format!("  {name}"), tally.objects, tally.bytes)));
    }
    if counts.out_of_scope.objects > 0 {
        let outside = counts.out_of_scope;
        line(format_args!("{}   (due, not under --prefix)", row("out of scope", outside.objects, outside.bytes)));
    }
    if counts.skipped > 0 {
        line(format_args!("  {} cannot be keys and are kept", human::plural(counts.skipped, "name")));
        for (name, reason) in &counts.skipped_samples {
            line(format_args!("    {name:?}: {reason}"));
        }
    }
    text
}

/// The prefixes with the most bytes due; 0 for all.
fn top_prefixes(counts: &JudgeCounts, limit: usize) -> Vec<(&str, s3gc_core::Tally)> {
    let mut prefixes: Vec<(&str, s3gc_core::Tally)> = counts
        .prefixes
        .iter()
        .filter(|(_, count)| count.due.objects > 0)
        .map(|(prefix, count)| (prefix.as_str(), count.due))
        .collect();
    prefixes.sort_by_key(|(_, tally)| std::cmp::Reverse((tally.bytes, tally.objects)));
    if limit > 0 {
        prefixes.truncate(limit);
    }
    prefixes
}

/// Shows the brakes that tripped, and what to do about them.
pub(super) fn brakes(brakes: &[Brake], plan: Option<&std::path::Path>) -> String {
    let mut text = String::new();
    for brake in brakes {
        let reason = &brake.reason;
        let end = if reason.ends_with(['.', '?', '!']) { "" } else { "." };
        writeln!(text, "stopped: {}: {reason}{end} Nothing deleted.", brake.name).unwrap_or_default();
    }
    if brakes.iter().any(|brake| brake.name == "migration") {
        text.push_str("  help: when it is done: s3gc hold migration off, or remove the file; then s3gc plan\n");
    } else if let Some(plan) = plan {
        let help = crate::error::accept_help(plan, brakes.iter().map(|brake| brake.name.as_str()));
        writeln!(text, "  help: {help}").unwrap_or_default();
    }
    text
}

/// Shows a plan that was made before.
pub(super) fn plan_header(header: &PlanHeader, settings: &Settings) -> String {
    let made = human::time(header.created_at);
    let expires = human::time(header.expires_at);
    format!("Plan of run {}, made {made}, good until {expires}\n{}", header.run, counts(&header.counts, settings, 10))
}

/// Shows what a run did.
pub(crate) fn run(report: &RunReport) -> String {
    let mut text = String::new();
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    let recovered = &report.recovered;
    if !recovered.is_empty() {
        line(format!(
            " repair  of earlier runs: {} put back, {} found deleted, {} changed, {} restored, {} still open",
            recovered.put_back, recovered.deleted, recovered.changed, recovered.restored, recovered.waiting
        ));
    }
    let lost = &report.resurrected;
    if lost.found.objects > 0 {
        line(format!(
            " lost    {} deleted and referenced: {} restored, {} failed",
            human::objects(lost.found.objects),
            human::count(lost.restored.objects),
            human::count(lost.failed.objects)
        ));
        for object in &lost.named {
            let deleted = object.deleted_at.map(|at| format!(", deleted {}", human::time(at))).unwrap_or_default();
            line(format!("         {}{deleted}", human::key(&object.key)));
        }
    }
    let sweep = &report.sweep;
    if report.mode == Mode::Execute && sweep.planned.objects > 0 {
        let staged = human::count(sweep.staged.objects);
        let rescued = human::count(sweep.rescued.objects);
        line(format!(" verify  {staged} looked up again, {rescued} rescued (now referenced)"));
        if sweep.fenced.objects + sweep.unfenceable.objects > 0 {
            line(format!(
                " fence   {} fenced, {} rescued by the fence, {} unfenceable",
                human::count(sweep.fenced.objects),
                human::count(sweep.fence_rescued.objects),
                human::count(sweep.unfenceable.objects)
            ));
        }
        line(format!(
            " vault   {}, {} → {}, read back{}",
            human::plural(sweep.packs, "pack"),
            human::size(sweep.staged.bytes),
            human::size(sweep.vault_bytes),
            match sweep.copied.objects {
                0 => String::new(),
                copied => format!("; {} copied by the store and compared by checksum", human::objects(copied)),
            }
        ));
        let failed = human::count(sweep.failed.objects);
        line(format!(" delete  {} deleted, {failed} failed", human::count(sweep.deleted.objects)));
        for (what, tally) in [
            ("hidden under delete markers: they still cost money", sweep.hidden),
            ("changed meanwhile, kept", sweep.changed),
            ("gone already", sweep.gone),
            ("kept for another reason", sweep.kept),
            ("not answered: the next run finds out", sweep.unknown),
        ] {
            if tally.objects > 0 {
                line(format!("         {} {what}", human::count(tally.objects)));
            }
        }
        for skipped in &sweep.named {
            line(format!("         {}: {}", human::key(&skipped.key), skipped.reason));
        }
    }
    if sweep.fence_restored.objects > 0 {
        let restored = human::count(sweep.fence_restored.objects);
        line(format!(" fence   {restored} restored: referenced while they were being deleted, or since"));
    }
    if report.mode == Mode::AuditOnly {
        line(format!(" audit   {} would be deleted: written to the audit", human::objects(sweep.planned.objects)));
    }
    for note in &report.notes {
        line(format!(" note    {note}"));
    }
    if let Some(head) = report.audit {
        line(format!(" audit   head {} (entry {})", head.hash, human::count(head.seq)));
    }
    let took = human::between(report.started_at, report.ended_at);
    let mut last = format!("Run {} {} in {took}.", report.run, report.state.as_str());
    if sweep.deleted.objects > 0 {
        write!(last, " Undo: s3gc restore --run {}", report.run).unwrap_or_default();
    } else if report.mode != Mode::Execute {
        last.push_str(" Nothing deleted.");
    }
    line(last);
    text
}

/// Tells how a run ends the process.
pub(super) fn exit_code(state: RunState) -> ExitCode {
    match state {
        RunState::Done => ExitCode::Ok,
        RunState::Partial => ExitCode::Partial,
        RunState::Blocked => ExitCode::Stopped,
        RunState::Cancelled => ExitCode::Interrupted,
        RunState::Failed | RunState::Crashed | RunState::Running => ExitCode::Failed,
    }
}
