//! What a command needs beside its arguments: the configuration, the ways out, the end.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use indicatif::MultiProgress;
use s3gc_core::config::{Config, Loaded, Loader};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::assemble::{Fleet, assemble_some};
use crate::cli::{ColorWhen, GlobalArgs};
use crate::error::{Error, Result};

/// The file that is read where none is named.
const DEFAULT_FILE: &str = "s3gc.toml";

/// The surroundings of a command.
#[derive(Clone, Debug)]
pub(crate) struct Ctx {
    config: Option<PathBuf>,
    buckets: Vec<String>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    /// Whether stderr takes colours.
    pub(crate) color: bool,
    /// Ends the command after what is in flight.
    pub(crate) cancel: CancellationToken,
    /// Everything that is drawn on a terminal.
    pub(crate) bars: MultiProgress,
}

impl Ctx {
    pub(crate) fn new(args: &GlobalArgs) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match args.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => std::io::stderr().is_terminal() && !no_color,
        };
        Self {
            config: args.config.clone().filter(|path| !path.as_os_str().is_empty()),
            buckets: args.buckets.clone(),
            json: args.json,
            quiet: args.quiet,
            color,
            cancel: CancellationToken::new(),
            bars: MultiProgress::new(),
        }
    }

    /// Reads the configuration.
    pub(crate) fn load(&self) -> Result<Loaded> {
        let mut loader = Loader::new();
        let default = Path::new(DEFAULT_FILE);
        let file = self.config.as_deref().or_else(|| default.exists().then_some(default));
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                let message = format!("cannot read {}: {error}", path.display());
                Error::usage(message, "name another file with --config, or let s3gc init write one")
            })?;
            loader = loader.file(path, text);
        }
        // What is not Unicode is none of ours.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let loaded = loader.environment(environment).load()?;
        for name in &loaded.unused_variables {
            tracing::warn!("{name} is set and does not apply: the file names several");
        }
        Ok(loaded)
    }

    /// Reads the configuration, and the names of the buckets that the command is about.
    pub(crate) fn config(&self) -> Result<(Config, Vec<String>)> {
        let config = self.load()?.config;
        let known = || config.buckets.iter().map(|bucket| bucket.name.clone()).collect::<Vec<_>>();
        if self.buckets.is_empty() {
            let all = known();
            return Ok((config, all));
        }
        if let Some(name) = self.buckets.iter().find(|name| config.bucket(name).is_none()) {
            let (name, known) = (name.clone(), known());
            return Err(crate::AssembleError::NoSuchBucket { name, known }.into());
        }
        let mut names: Vec<String> = Vec::new();
        for name in &self.buckets {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        Ok((config, names))
    }

    /// Reads the configuration of the one bucket that the command is about.
    pub(crate) fn config_of_one(&self) -> Result<(Config, String)> {
        let (config, mut names) = self.config()?;
        match names.pop() {
            Some(name) if names.is_empty() => Ok((config, name)),
            Some(last) => {
                names.push(last);
                let message = format!("this command is about one bucket, and there are: {}", names.join(", "));
                Err(Error::usage(message, "name it with --bucket"))
            }
            None => Err(Error::usage("no bucket is configured", "set [bucket] name")),
        }
    }

    /// Puts the collectors of the command's buckets together.
    pub(crate) async fn fleet(&self) -> Result<Fleet> {
        let (config, names) = self.config()?;
        Ok(assemble_some(&config, &names).await?)
    }

    /// Puts together the collector of the one bucket that the command is about.
    pub(crate) async fn only(&self) -> Result<s3gc_core::Gc> {
        let (config, name) = self.config_of_one()?;
        Ok(assemble_some(&config, &[name]).await?.only()?.clone())
    }

    /// Returns the buckets of the command line, whatever the configuration says.
    pub(crate) fn named_buckets(&self) -> &[String] {
        &self.buckets
    }

    /// Writes text to stdout.
    pub(crate) fn print(&self, text: impl AsRef<str>) -> Result<()> {
        let text = text.as_ref();
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let write = || -> std::io::Result<()> {
            let mut out = std::io::stdout().lock();
            write!(out, "{text}{end}")?;
            out.flush()
        };
        self.bars.suspend(write).map_err(Error::io("writing to stdout"))
    }

    /// Writes documents to stdout, each as one line of JSON.
    pub(crate) fn print_json_lines<T: Serialize>(&self, documents: &[T]) -> Result<()> {
        let mut lines = String::new();
        for document in documents {
            lines.push_str(&to_json(document)?);
            lines.push('\n');
        }
        self.print(lines)
    }

    /// Writes a document to stdout as one line of JSON.
    pub(crate) fn print_json(&self, document: &impl Serialize) -> Result<()> {
        self.print(to_json(document)?)
    }

    /// Writes a line for people to stderr, unless stderr is JSON or quiet. That stderr cannot be written is no reason
    /// to end.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        if !self.json && !self.quiet {
            self.eprint(text);
        }
    }

    /// Writes what a person must know to stderr; with `--json` it is in the document.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        if !self.json {
            self.eprint(text);
        }
    }

    /// Writes a line to stderr in any case.
    pub(crate) fn eprint(&self, text: impl AsRef<str>) {
        self.bars.suspend(|| writeln!(std::io::stderr().lock(), "{}", text.as_ref())).unwrap_or_default();
    }

    /// Tells whether a person can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        !self.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks a person, and returns the answer without blanks around it.
    pub(crate) async fn ask(&self, question: String) -> Result<String> {
        let answer = tokio::task::spawn_blocking(move || {
            let mut stderr = std::io::stderr().lock();
            stderr.write_all(question.as_bytes())?;
            stderr.flush()?;
            drop(stderr);
            let mut answer = String::new();
            std::io::stdin().lock().read_line(&mut answer)?;
            Ok(answer)
        });
        tokio::select! {
            answer = answer => {
                let answer = answer.map_err(std::io::Error::other).flatten().map_err(Error::io("asking"))?;
                Ok(answer.trim().to_owned())
            }
            () = self.cancel.cancelled() => Err(Error::Interrupted { help: None }),
        }
    }
}

pub(crate) fn to_json(document: &impl Serialize) -> Result<String> {
    serde_json::to_string(document)
        .map_err(|source| Error::Other { what: "writing JSON".into(), source: source.into() })
}
