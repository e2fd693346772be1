//! One collector: a store with everything that collects it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use s3gc_compress::{Compressor, Zstd};
use s3gc_source::ReferenceSource;
use s3gc_store::{Location, ObjectKey, ObjectStore, Timestamp};
use s3gc_vault::VaultBackend;
use s3gc_vault::encryption::Recipient;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, Hold, Mode};
use crate::explain::Explanation;
use crate::progress::Progress;
use crate::prune::{PruneOptions, PruneReport};
use crate::ramp::RampStatus;
use crate::report::RunReport;
use crate::restore::{RestoreOptions, RestoreReport, RestoreWhat};
use crate::settings::MaxDelete;
use crate::{Clock, Digest, Error, KeyPrefix, Result, RunId, Settings, SystemClock};

/// The collector of one bucket.
///
/// # Examples
///
/// ```no_run
/// # async fn example(
/// #     store: std::sync::Arc<dyn s3gc_core::ObjectStore>,
/// #     source: std::sync::Arc<dyn s3gc_core::ReferenceSource>,
/// #     vault: std::sync::Arc<dyn s3gc_core::VaultBackend>,
/// #     catalog: std::sync::Arc<dyn s3gc_core::catalog::Catalog>,
/// # ) -> s3gc_core::Result<()> {
/// use s3gc_core::{Gc, RestoreOptions, RunOptions, Settings};
///
/// let settings = Settings::new("photos", "/var/lib/s3gc/plans");
/// let gc = Gc::builder(settings).store(store).source(source).vault(vault).catalog(catalog).build()?;
/// let report = gc.run_cycle(RunOptions::default()).await?;
/// println!("{} objects are due", report.counts.due.objects);
/// gc.restore_key("avatars/alice.jpg", RestoreOptions::default()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Gc {
    parts: Arc<Parts>,
}

/// The parts of a collector.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) sources: Vec<Arc<dyn ReferenceSource>>,
    pub(crate) vault: Arc<dyn VaultBackend>,
    pub(crate) replica: Option<Arc<dyn VaultBackend>>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) compressor: Arc<dyn Compressor>,
    /// What encodes JPEG files in packs, if anything does.
    pub(crate) jpeg_codec: Option<Arc<dyn Compressor>>,
    /// To whom new packs are encrypted; to nobody, and they are plain.
    pub(crate) recipients: Vec<Recipient>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) config_hash: Digest,
}

/// How to run.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RunOptions {
    /// Instead of the mode of the settings.
    pub mode: Option<Mode>,
    /// Run this plan instead of making one.
    pub plan: Option<PathBuf>,
    /// The brakes of that plan that a person accepts, by name.
    pub accept: Vec<String>,
    /// Why they are accepted.
    pub reason: Option<String>,
    /// Who accepts them.
    pub who: Option<String>,
    /// Where to write the plan, instead of beside the catalog.
    pub out: Option<PathBuf>,
    /// Plan only what is under this prefix; the census is complete all the same.
    pub prefix: Option<KeyPrefix>,
    /// Instead of the brake of the settings.
    pub max_delete: Option<MaxDelete>,
    /// A schedule asks, and nobody watches: the trust ramp applies.
    pub scheduled: bool,
    /// How long to wait while another run holds the lease.
    pub wait_lock: Duration,
    /// Takes events.
    pub progress: Progress,
    /// Ends the run after the batches in flight.
    pub cancel: CancellationToken,
}

impl RunOptions {
    /// Runs in this mode.
    #[must_use]
    pub fn mode(mode: Mode) -> Self {
        Self { mode: Some(mode), ..Self::default() }
    }

    /// Runs this plan in `execute` mode.
    #[must_use]
    pub fn plan(path: impl Into<PathBuf>) -> Self {
        Self { mode: Some(Mode::Execute), plan: Some(path.into()), ..Self::default() }
    }
}

/// What the steps of one run share.
#[derive(Debug)]
pub(crate) struct RunContext {
    pub(crate) id: RunId,
    pub(crate) progress: Progress,
    pub(crate) cancel: CancellationToken,
    pub(crate) work_dir: PathBuf,
    pub(crate) audit_head: Option<String>,
    pub(crate) plan_hash: Option<Digest>,
    /// How many objects may be deleted, where the trust ramp applies.
    pub(crate) cap: Option<u64>,
}

impl Gc {
    /// Begins to put a collector together.
    pub fn builder(settings: Settings) -> GcBuilder {
        GcBuilder {
            settings,
            store: None,
            sources: Vec::new(),
            vault: None,
            replica: None,
            catalog: None,
            compressor: Arc::new(Zstd::default()),
            jpeg_codec: None,
            recipients: Vec::new(),
            clock: Arc::new(SystemClock),
            widening: None,
        }
    }

    /// Runs one cycle, or one plan: see the mode. A brake that trips is not an error: the report says so.
    ///
    /// # Errors
    ///
    /// A stop, an incomplete census, a lock, or any failure. What was done before stands in the run's record.
    pub async fn run_cycle(&self, options: RunOptions) -> Result<RunReport> {
        crate::cycle::run(&self.parts, options).await
    }

    /// Restores the newest deleted object with this key.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] if the vault has none; [`Error::Invalid`] if the key is none; any failure.
    pub async fn restore_key(&self, key: &str, options: RestoreOptions) -> Result<RestoreReport> {
        let key = ObjectKey::new(key).map_err(|error| Error::Invalid(format!("{key:?}: {error}")))?;
        self.restore(&RestoreWhat::Keys(vec![key]), &options).await
    }

    /// Restores objects from the vault.
    ///
    /// # Errors
    ///
    /// As [`Gc::restore_key`]; an object that cannot be restored is counted in the report.
    pub async fn restore(&self, what: &RestoreWhat, options: &RestoreOptions) -> Result<RestoreReport> {
        crate::restore::restore(&self.parts, what, options).await
    }

    /// Tells why a key is kept, or since when it is an orphan and when it is due.
    ///
    /// # Errors
    ///
    /// Any failure: an explanation that is not complete is none.
    pub async fn explain(&self, key: &ObjectKey) -> Result<Explanation> {
        crate::explain::explain(&self.parts, key).await
    }

    /// Finds references whose object is not there, and names at most `limit` of each column. Nothing is changed.
    ///
    /// # Errors
    ///
    /// Any failure: an answer that is not complete is none.
    pub async fn missing(&self, limit: usize) -> Result<crate::MissingReport> {
        crate::missing::missing(&self.parts, limit).await
    }

    /// Says that the application migrates: nothing is deleted until [`Gc::end_migration`], or until this time.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] without a reason; any failure of the catalog.
    pub async fn begin_migration(&self, reason: &str, until: Option<Timestamp>) -> Result<Hold> {
        crate::migration::begin(&self.parts, reason, until).await
    }

    /// Says that the application has migrated; returns what was switched off.
    ///
    /// # Errors
    ///
    /// Any failure of the catalog.
    pub async fn end_migration(&self) -> Result<Vec<Hold>> {
        crate::migration::end(&self.parts).await
    }

    /// Tells why nothing may be deleted now, if the application migrates.
    ///
    /// # Errors
    ///
    /// Any failure of the catalog.
    pub async fn migration(&self) -> Result<Option<String>> {
        crate::migration::reason(&self.parts).await
    }

    /// Tells how much scheduled runs may delete; `None` if the trust ramp is turned off.
    ///
    /// # Errors
    ///
    /// Any failure of the catalog.
    pub async fn ramp(&self) -> Result<Option<RampStatus>> {
        crate::ramp::status(&self.parts).await
    }

    /// Reads what the vault witnesses of the audit chain of this catalog: the record of the last run that deleted, and
    /// the beginning of every pack.
    ///
    /// # Errors
    ///
    /// Any failure of the vault; a damaged pack is named in what is returned.
    pub async fn audit_witnesses(&self) -> Result<crate::audit::Witnesses> {
        crate::witness::witnesses(&self.parts).await
    }

    /// Adds up what was done so far.
    ///
    /// # Errors
    ///
    /// If the catalog cannot be read.
    pub async fn metrics(&self) -> Result<crate::Metrics> {
        let totals = self.parts.catalog.totals(Some(self.location())).await?;
        let last = self.parts.catalog.last_census(self.location()).await?;
        let baseline = last.and_then(|last| serde_json::from_value::<crate::Baseline>(last.counts).ok());
        let sources = baseline.map(|baseline| baseline.sources).unwrap_or_default();
        Ok(crate::Metrics::new(&totals, sources, self.parts.settings.price_per_gb_month))
    }

    /// Removes packs from the vault whose time is over and that nothing needs: each is marked by one call, and removed
    /// by a later one, a day after that. Only in `execute` mode; else it says what would be done, and writes nothing.
    ///
    /// # Errors
    ///
    /// A stop, an incomplete look at the references, a lock, or any failure; nothing more is removed then, and what was
    /// begun is finished or undone by the next call.
    pub async fn prune(&self, options: PruneOptions) -> Result<PruneReport> {
        crate::prune::prune(&self.parts, options).await
    }

    /// Lists the packs that the catalog knows in this vault; those that were pruned, too: see their state.
    ///
    /// # Errors
    ///
    /// If the catalog cannot be read.
    pub async fn packs(&self) -> Result<Vec<crate::catalog::PackRecord>> {
        crate::vault_stats::packs(&self.parts).await
    }

    /// Copies every pack that the vault or its replica lacks to the one that lacks it, and reads each copy back.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] where there is no replica, any failure of the two; a pack that is damaged or differs is in the
    /// report.
    pub async fn replicate(&self, options: &crate::ReplicateOptions) -> Result<crate::ReplicaReport> {
        crate::replica::replicate(&self.parts, options).await
    }

    /// Adds up what the vault holds, whichever bucket it is from.
    ///
    /// # Errors
    ///
    /// If the catalog cannot be read.
    pub async fn vault_stats(&self) -> Result<crate::VaultStats> {
        crate::vault_stats::vault_stats(&self.parts).await
    }

    /// Asks every part whether a run could begin; with `probe` canary objects are written and deleted.
    pub async fn check(&self, probe: bool) -> Vec<crate::CheckItem> {
        crate::check::check(&self.parts, probe).await
    }

    /// Checks the glob of a hold: `*` stops at `/`, `**` does not.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if it is not a glob.
    pub fn check_glob(glob: &str) -> Result<()> {
        crate::judge::compile_glob(glob).map(drop)
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    /// Returns the unique name of the store.
    #[must_use]
    pub fn location(&self) -> &Location {
        self.parts.store.location()
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.parts.store
    }

    /// Returns the sources.
    #[must_use]
    pub fn sources(&self) -> &[Arc<dyn ReferenceSource>] {
        &self.parts.sources
    }

    /// Returns the catalog.
    #[must_use]
    pub fn catalog(&self) -> &Arc<dyn Catalog> {
        &self.parts.catalog
    }

    /// Returns the vault.
    #[must_use]
    pub fn vault(&self) -> &Arc<dyn VaultBackend> {
        &self.parts.vault
    }

    /// Returns the replica of the vault.
    #[must_use]
    pub fn replica(&self) -> Option<&Arc<dyn VaultBackend>> {
        self.parts.replica.as_ref()
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.parts.clock
    }
}

/// Puts a collector together.
#[derive(Debug)]
#[must_use]
pub struct GcBuilder {
    settings: Settings,
    store: Option<Arc<dyn ObjectStore>>,
    sources: Vec<Arc<dyn ReferenceSource>>,
    vault: Option<Arc<dyn VaultBackend>>,
    replica: Option<Arc<dyn VaultBackend>>,
    catalog: Option<Arc<dyn Catalog>>,
    compressor: Arc<dyn Compressor>,
    jpeg_codec: Option<Arc<dyn Compressor>>,
    recipients: Vec<Recipient>,
    clock: Arc<dyn Clock>,
    widening: Option<serde_json::Value>,
}

impl GcBuilder {
    /// Collects this store.
    pub fn store(mut self, store: Arc<dyn ObjectStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Asks this source too; all of them together know what is referenced.
    pub fn source(mut self, source: Arc<dyn ReferenceSource>) -> Self {
        self.sources.push(source);
        self
    }

    /// Keeps what is deleted in this vault.
    pub fn vault(mut self, vault: Arc<dyn VaultBackend>) -> Self {
        self.vault = Some(vault);
        self
    }

    /// Keeps a second copy of every pack there: nothing is deleted before both are written and read back, and what the
    /// vault cannot give is restored from here.
    pub fn replica(mut self, replica: Arc<dyn VaultBackend>) -> Self {
        self.replica = Some(replica);
        self
    }

    /// Remembers in this catalog.
    pub fn catalog(mut self, catalog: Arc<dyn Catalog>) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// Compresses so; zstd by default.
    pub fn compressor(mut self, compressor: Arc<dyn Compressor>) -> Self {
        self.compressor = compressor;
        self
    }

    /// Encodes JPEG files with this codec, where it gives the same bytes again; by default they are stored as they are.
    pub fn jpeg_codec(mut self, codec: Option<Arc<dyn Compressor>>) -> Self {
        self.jpeg_codec = codec;
        self
    }

    /// Encrypts new packs to these recipients. What is to be read needs an identity of one of them in the vault:
    /// [`s3gc_vault::encryption::AgeVault`].
    pub fn recipients(mut self, recipients: impl IntoIterator<Item = Recipient>) -> Self {
        self.recipients = recipients.into_iter().collect();
        self
    }

    /// Reads the time from this clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Says what of the sources' configuration widens deletion: a change of it forces a dry run.
    pub fn widening(mut self, widening: serde_json::Value) -> Self {
        self.widening = Some(widening);
        self
    }

    /// Ends.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if a part is missing, or two sources have one name.
    pub fn build(self) -> Result<Gc> {
        let missing = |part: &str| Error::Invalid(format!("{}: no {part} was given", self.settings.name));
        let store = self.store.ok_or_else(|| missing("store"))?;
        let vault = self.vault.ok_or_else(|| missing("vault"))?;
        let catalog = self.catalog.ok_or_else(|| missing("catalog"))?;
        if self.sources.is_empty() {
            return Err(missing("source of references"));
        }
        let mut names: Vec<&str> = self.sources.iter().map(|source| source.name()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Error::Invalid(format!("two sources are named {:?}", pair[0])));
        }
        let config_hash = config_hash(&self.settings, &names, self.widening.as_ref());
        let replica = self.replica;
        if replica.as_ref().is_some_and(|replica| replica.location() == vault.location()) {
            return Err(Error::Invalid(format!(
                "{}: the replica of the vault is the vault itself",
                self.settings.name
            )));
        }
        if self.settings.copies.is_some() && (replica.is_some() || !self.recipients.is_empty()) {
            let reason = "what the store copies into the vault is neither encrypted nor replicated";
            return Err(Error::Invalid(format!("{}: {reason}", self.settings.name)));
        }
        let Self { settings, sources, compressor, jpeg_codec, recipients, clock, .. } = self;
        let parts = Parts {
            store,
            sources,
            vault,
            replica,
            catalog,
            compressor,
            jpeg_codec,
            recipients,
            clock,
            settings,
            config_hash,
        };
        Ok(Gc { parts: Arc::new(parts) })
    }
}

/// Digests what widens deletion: not the mode, nor what only narrows it or makes it slower.
fn config_hash(settings: &Settings, sources: &[&str], widening: Option<&serde_json::Value>) -> Digest {
    let document = serde_json::json!({
        "prefixes": settings.prefixes,
        "exclude": settings.exclude,
        "variants": settings.variants,
        "retention": settings.retention,
        "retention_from": settings.retention_from,
        "unconditional_delete": settings.unconditional_delete,
        "max_foreign_urls": settings.max_foreign_urls,
        "ignore_columns": sorted(&settings.ignore_columns),
        "allow_short_retention": settings.allow_short_retention,
        "migration_file": settings.migration_file,
        "ramp": settings.ramp,
        "sources": sources,
        "widening": widening,
    });
    Digest::of(document.to_string().as_bytes())
}

fn sorted(names: &[String]) -> Vec<&String> {
    let mut names: Vec<&String> = names.iter().collect();
    names.sort_unstable();
    names
}

impl Parts {
    /// Where spools are kept.
    pub(crate) fn work_dir(&self) -> Result<PathBuf> {
        let dir = self.settings.work_dir.clone().unwrap_or_else(std::env::temp_dir);
        std::fs::create_dir_all(&dir).map_err(Error::io("making the directory", &dir))?;
        Ok(dir)
    }

    /// Where the plan of a run is kept unless it is told otherwise.
    pub(crate) fn plan_path(&self, run: RunId) -> PathBuf {
        Path::new(&self.settings.plan_dir).join(format!("{run}.plan"))
    }
}
