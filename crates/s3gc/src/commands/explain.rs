//! `s3gc explain`: why a key is kept or condemned.

use std::fmt::Write as _;

use s3gc_core::{Explanation, Kept, ObjectKey, Settings, Verdict};

use crate::ExitCode;
use crate::context::Ctx;
use crate::error::Result;
use crate::human;

pub(super) async fn run(key: &ObjectKey, ctx: &Ctx) -> Result<ExitCode> {
    let gc = ctx.only().await?;
    let explanation = Box::pin(gc.explain(key)).await?;
    if ctx.json {
        ctx.print_json(&explanation)?;
    } else {
        ctx.print(text(&explanation, gc.settings()))?;
    }
    Ok(ExitCode::Ok)
}

fn text(explanation: &Explanation, settings: &Settings) -> String {
    let mut text = String::new();
    let mut line = |words: String| writeln!(text, "{words}").unwrap_or_default();
    line(human::key(&explanation.key));
    match &explanation.object {
        Some(meta) => line(format!(
            "  object      {}, last modified {}, ETag {}",
            human::size(meta.size_bytes),
            human::time(meta.last_modified),
            meta.etag
        )),
        None => line("  object      there is none".to_owned()),
    }
    match &explanation.verdict {
        Some(Verdict::Kept { reason }) => line(format!("  verdict     kept: {}", why(*reason, settings))),
        Some(Verdict::Unreferenced { since: Some(since), due_at }) => line(format!(
            "  verdict     unreferenced since {}, due {}",
            human::time(*since),
            due_at.map_or_else(|| "never".to_owned(), human::time)
        )),
        Some(Verdict::Unreferenced { since: None, .. }) => {
            line("  verdict     unreferenced: its clock starts with the next complete census".to_owned());
        }
        None => {}
    }
    line(format!("  references  {}", human::count(explanation.reference_count)));
    for sighting in &explanation.references {
        let origin = sighting.origin.as_ref();
        let row = origin.map(|origin| format!(" where {}", human::escape(&origin.row))).unwrap_or_default();
        let value = origin.map_or(&sighting.reading, |origin| &origin.value);
        let read = if *value == sighting.reading {
            String::new()
        } else {
            format!(" (read as {})", human::escape(&sighting.reading))
        };
        let kind = if sighting.is_prefix { " (a directory above the key)" } else { "" };
        let base = sighting.base.as_ref();
        let base =
            base.map(|base| format!(" (names {}, which it is derived from)", human::key(base))).unwrap_or_default();
        line(format!("    {}: {}{row}: {}{read}{kind}{base}", sighting.source, sighting.column, human::escape(value)));
    }
    for entry in &explanation.vault {
        let state = entry.state.as_str();
        let pruned = entry.pruned_at.map(|at| format!(", pruned {}", human::time(at))).unwrap_or_default();
        line(format!("  vault       {state}, in {}, of run {}{pruned}", entry.pack, entry.entry.run));
    }
    text
}

fn why(reason: Kept, settings: &Settings) -> String {
    match reason {
        Kept::Reserved => "s3gc keeps this key for itself".into(),
        Kept::Unclaimed => "outside the claimed prefixes ([bucket] prefixes)".into(),
        Kept::Excluded => "under an excluded prefix ([bucket] exclude_prefixes)".into(),
        Kept::Held => "held: by a person (s3gc hold ls) or by a recent restore".into(),
        Kept::Unsettled => "an earlier deletion of it is not settled yet".into(),
        Kept::Archived => "cannot be read without a restore from its archive, so it cannot be backed up".into(),
        Kept::Referenced => "referenced".into(),
        Kept::Young => format!("younger than the retention of {}", human::duration(settings.retention)),
    }
}
