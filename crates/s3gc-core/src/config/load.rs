//! From a file, the environment and flags to the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::environment::{self, CONFIG_VARIABLE};
use super::interpolate::Values;
use super::model::Config;
use super::problem::{ConfigErrors, Problem};
use super::read::{Log, Resolved};
use super::tree::{self, Node, Origin, Table};
use super::{file, known, resolve};

/// Puts together what a file, the environment and flags say: flag over environment over file over default.
///
/// It reads no environment by itself, and no file but those that `${file:...}` names.
///
/// # Examples
///
/// ```
/// use s3gc_core::config::Loader;
///
/// let text = "[database]\nurl = \"${DATABASE_URL}\"\n[bucket]\nname = \"photos\"\n[tables]\nusers = [\"avatar_url\"]\n";
/// let loaded = Loader::new()
///     .file("/etc/s3gc/s3gc.toml", text)
///     .environment([("DATABASE_URL", "postgres://app@db/app")])
///     .set("safety.max_delete", "5%")
///     .load()?;
/// assert_eq!(loaded.config.buckets[0].name, "photos");
/// # Ok::<(), s3gc_core::config::ConfigErrors>(())
/// ```
#[derive(Clone, Default)]
pub struct Loader {
    file: Option<(PathBuf, String)>,
    environment: BTreeMap<String, String>,
    flags: Vec<(String, String)>,
}

/// A configuration, and where it comes from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Every key with its value, without secrets, and where it comes from.
    pub resolved: Vec<Resolved>,
    /// Variables that are set and did not apply, because the file names several buckets or databases.
    pub unused_variables: Vec<String>,
}

impl Loader {
    /// Starts with nothing: the defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the text of a file; relative paths in it count from its directory.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        self.file = Some((path.into(), text.into()));
        self
    }

    /// Takes environment variables, for their keys and for `${...}`.
    #[must_use]
    pub fn environment<K: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        self.environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// Takes a flag: a key such as `safety.max_delete`, and its value as it would stand in an environment variable.
    #[must_use]
    pub fn set(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.flags.push((key.into(), value.into()));
        self
    }

    /// Makes the configuration.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once.
    pub fn load(self) -> Result<Loaded, ConfigErrors> {
        let base = self.file.as_ref().map(|(path, _)| directory(path));
        let mut log = Log::default();
        let mut values = Values { environment: &self.environment, base: base.as_deref(), used: BTreeSet::new() };
        let (name, text) = match &self.file {
            Some((path, text)) => (Some(path.display().to_string()), text.as_str()),
            None => (None, ""),
        };
        let mut root = tree::parse(text, &mut values, &mut log.problems);
        if !log.problems.iter().all(|problem| !problem.path.is_empty()) {
            // What the grammar hides would be told as missing.
            return Err(ConfigErrors::new(name, text, log.problems));
        }
        let unused_variables = environment::apply(&mut root, &self.environment, &values.used, &mut log.problems);
        for (key, value) in &self.flags {
            environment::put(&mut root, key, &Node::loose(value, Origin::Flag), &mut log.problems);
        }
        environment::fall_back(&mut root, &self.environment);
        let config = finish(&root, base.as_deref(), &mut log);
        match log.problems.is_empty() {
            true => Ok(Loaded { config, resolved: log.resolved, unused_variables }),
            false => Err(ConfigErrors::new(name, text, log.problems)),
        }
    }
}

impl std::fmt::Debug for Loader {
    /// Shows names alone: the values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let flags: Vec<&String> = self.flags.iter().map(|(key, _)| key).collect();
        let file = self.file.as_ref().map(|(path, _)| path);
        f.debug_struct("Loader").field("file", &file).field("flags", &flags).finish_non_exhaustive()
    }
}

impl Config {
    /// Reads a file, with the environment of the process over it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once; a file that cannot be read is one such fault.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigErrors> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let problem = Problem::new("", format!("cannot read {}: {error}", path.display()));
            ConfigErrors::new(Some(path.display().to_string()), "", vec![problem])
        })?;
        Ok(Loader::new().file(path, text).environment(process_environment()).load()?.config)
    }

    /// Reads the environment of the process alone, and the file that `S3GC_CONFIG` names, if it does.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at once.
    pub fn from_env() -> Result<Self, ConfigErrors> {
        match std::env::var_os(CONFIG_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => Self::from_file(PathBuf::from(path)),
            None => Ok(Loader::new().environment(process_environment()).load()?.config),
        }
    }
}

/// Checks the keys and reads the values.
pub(super) fn finish(root: &Table, base: Option<&Path>, log: &mut Log) -> Config {
    let before = log.problems.len();
    known::check(root, &file::schema(), &mut log.problems);
    let told = log.problems.split_off(before);
    let config = resolve::resolve(root, base, log);
    // What is not available is no valid value either: once is enough.
    let same = |a: &Problem, b: &Problem| a.path == b.path || (a.span.is_some() && a.span == b.span);
    log.problems.retain(|problem| !told.iter().any(|other| same(problem, other)));
    log.problems.extend(told);
    config
}

/// Lists the environment of the process; what is not Unicode is none of ours.
pub(super) fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Finds the directory that relative paths count from.
fn directory(file: &Path) -> PathBuf {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::path::absolute(parent).unwrap_or_else(|_| parent.to_owned())
}
