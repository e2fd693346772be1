//! Errors on stderr: what happened, why, and what to do next.

use std::fmt::Write as _;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode, SourceSpan};
use s3gc_core::config::{ConfigErrors, Problem};
use serde_json::json;

use crate::Error;
use crate::context::Ctx;

/// Writes an error to stderr, with the bucket that it is about where there are several.
pub(crate) fn report(ctx: &Ctx, bucket: Option<&str>, error: &Error) {
    if error.exit_code() == crate::ExitCode::Ok {
        return;
    }
    if ctx.json {
        return ctx.eprint(as_json(bucket, error));
    }
    if let Error::Config(errors) = error {
        return ctx.eprint(config_errors(errors, ctx.color));
    }
    let prefix = bucket.map(|bucket| format!("{bucket}: ")).unwrap_or_default();
    let chain = error.chain();
    // Stops say so themselves.
    let text = match chain.strip_prefix("stopped: ") {
        Some(reason) => format!("{} {prefix}{reason}. Nothing more is deleted.", paint(ctx, "stopped:")),
        None => format!("{} {prefix}{chain}", paint(ctx, "error:")),
    };
    ctx.eprint(text);
    for help in error.help() {
        ctx.eprint(format!("  help: {help}"));
    }
}

fn paint(ctx: &Ctx, word: &str) -> String {
    if ctx.color { format!("\u{1b}[1;31m{word}\u{1b}[0m") } else { word.to_owned() }
}

fn as_json(bucket: Option<&str>, error: &Error) -> String {
    let mut line = json!({
        "event": "error",
        "error": error.chain(),
        "help": error.help(),
        "exit_code": error.exit_code().code(),
    });
    if let Some(bucket) = bucket {
        line["bucket"] = bucket.into();
    }
    if let Error::Config(errors) = error {
        line["problems"] = errors.problems.iter().map(problem_json).collect();
        line["file"] = json!(errors.file);
    }
    line.to_string()
}

fn problem_json(problem: &Problem) -> serde_json::Value {
    json!({
        "path": problem.path,
        "message": problem.message,
        "help": problem.help,
        "line": problem.line,
        "column": problem.column,
    })
}

/// Shows every fault with its line.
fn config_errors(errors: &ConfigErrors, color: bool) -> String {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_context_lines(1);
    let file = errors.file.as_deref().unwrap_or("configuration");
    let mut text = String::new();
    for problem in &errors.problems {
        let fault = Fault {
            source: NamedSource::new(file, errors.text.clone()).with_language("TOML"),
            problem,
            help: problem.help.as_deref(),
        };
        if handler.render_report(&mut text, &fault).is_err() {
            text.clear();
            break;
        }
    }
    if text.is_empty() {
        text = errors.to_string();
    }
    let count = crate::human::plural(errors.problems.len().try_into().unwrap_or(u64::MAX), "fault");
    // A failed write to a string cannot be.
    write!(text, "error: {count} in the configuration").unwrap_or_default();
    text
}

struct Fault<'a> {
    source: NamedSource<String>,
    problem: &'a Problem,
    help: Option<&'a str>,
}

impl std::fmt::Debug for Fault<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::fmt::Display for Fault<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.problem.path.is_empty() {
            f.write_str(&self.problem.message)
        } else {
            write!(f, "{}: {}", self.problem.path, self.problem.message)
        }
    }
}

impl std::error::Error for Fault<'_> {}

impl Diagnostic for Fault<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.help.map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.problem.span.as_ref().map(|_| &self.source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = SourceSpan::from(self.problem.span.clone()?);
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(Some("here".to_owned()), span))))
    }
}
