//! What people see of a long command: bars on a terminal, a line now and then elsewhere, JSON lines with `--json`.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use s3gc_core::{Event, Phase, Progress};

use crate::context::Ctx;
use crate::human;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// How often an event of one phase is written as JSON.
const JSON_EVERY: Duration = Duration::from_secs(1);

/// Makes the sink of the events of a command about one bucket.
pub(crate) fn progress(ctx: &Ctx, bucket: &str) -> Progress {
    if ctx.quiet {
        Progress::default()
    } else if ctx.json {
        json(ctx.clone(), bucket.to_owned())
    } else if std::io::stderr().is_terminal() {
        bars(ctx.clone(), bucket.to_owned())
    } else {
        lines(ctx.clone(), bucket.to_owned())
    }
}

fn bars(ctx: Ctx, bucket: String) -> Progress {
    let shown: Arc<Mutex<HashMap<Phase, ProgressBar>>> = Arc::default();
    Progress::new(move |event| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Phase { phase, total } => {
                let bar = ctx.bars.add(ProgressBar::new(total.unwrap_or_default()).with_style(style(total.is_some())));
                bar.set_prefix(format!("{bucket} {:>6}", name(*phase)));
                bar.enable_steady_tick(Duration::from_millis(120));
                shown.insert(*phase, bar);
            }
            Event::Progress { phase, done, bytes } => {
                if let Some(bar) = shown.get(phase) {
                    bar.set_position(*done);
                    if *bytes > 0 {
                        bar.set_message(human::size(*bytes));
                    }
                }
            }
            Event::Finished { phase } => {
                if let Some(bar) = shown.remove(phase) {
                    bar.finish_and_clear();
                }
            }
            // Notes come by the log.
            _ => {}
        }
    })
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "{prefix} {bar:24} {human_pos} of {human_len}  {msg}  {elapsed}"
    } else {
        "{prefix} {spinner} {human_pos}  {msg}  {elapsed}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn lines(ctx: Ctx, bucket: String) -> Progress {
    let last = Mutex::new(Instant::now());
    Progress::new(move |event| {
        if let Event::Progress { phase, done, bytes } = event {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.elapsed() >= LINE_EVERY {
                *last = Instant::now();
                let bytes = if *bytes > 0 { format!(", {}", human::size(*bytes)) } else { String::new() };
                ctx.say(format!("{bucket}: {}: {}{bytes}", name(*phase), human::count(*done)));
            }
        }
    })
}

fn json(ctx: Ctx, bucket: String) -> Progress {
    let last: Mutex<HashMap<Phase, Instant>> = Mutex::default();
    Progress::new(move |event| {
        if let Event::Progress { phase, .. } = event {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.get(phase).is_some_and(|last| last.elapsed() < JSON_EVERY) {
                return;
            }
            last.insert(*phase, Instant::now());
        }
        let Ok(serde_json::Value::Object(mut line)) = serde_json::to_value(event) else { return };
        line.insert("bucket".into(), bucket.clone().into());
        ctx.eprint(serde_json::Value::Object(line).to_string());
    })
}

fn name(phase: Phase) -> &'static str {
    match phase {
        Phase::Preflight => "check",
        Phase::Recover => "repair",
        Phase::List => "list",
        Phase::Scan => "scan",
        Phase::Judge => "judge",
        Phase::Stage => "vault",
        Phase::Drain => "drain",
        Phase::Look => "verify",
        Phase::Sweep => "delete",
        Phase::Restore => "restore",
        Phase::Prune => "prune",
        Phase::Replicate => "copy",
    }
}
