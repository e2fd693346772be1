//! The defaults put together: the only place that names backends.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt as _;
use s3gc_catalog::SqliteCatalog;
use s3gc_compress::Lepton;
use s3gc_core::catalog::Catalog;
use s3gc_core::config::{
    BucketConfig, Config, DeleteChecksum, Encryption, ObjectPlace, ObjectScheme, OnConflict, ReferenceConfig,
    ReferencePlace, StoreConfig, VaultPlace,
};
use s3gc_core::{Gc, ObjectStore, VaultBackend, catalog, source, store, vault};
use s3gc_source::extract::ExtractConfig;
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_store_fs::{FsConfig, FsStore};
use s3gc_store_s3::{S3Config, S3Store};
use s3gc_vault::DirVault;
use s3gc_vault::encryption::{AgeVault, Identities, InvalidIdentity};
use s3gc_vault_object::{ObjectConfig, ObjectVault, Provider, StaticCredentials};
use secrecy::ExposeSecret as _;
use serde_json::json;

/// The collectors of a configuration, one a bucket, in its order.
#[derive(Clone, Debug)]
pub struct Fleet {
    collectors: Vec<Gc>,
}

/// Why a configuration cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// The store cannot be opened.
    #[error("{bucket}: the store cannot be opened")]
    Store {
        /// The bucket's name in the configuration.
        bucket: String,
        /// The cause.
        #[source]
        source: store::Error,
    },
    /// A source makes no sense.
    #[error("{bucket}: the references cannot be read")]
    Source {
        /// The bucket's name in the configuration.
        bucket: String,
        /// The cause.
        #[source]
        source: source::Error,
    },
    /// The catalog cannot be opened.
    #[error("{bucket}: the catalog cannot be opened")]
    Catalog {
        /// The bucket's name in the configuration.
        bucket: String,
        /// The cause.
        #[source]
        source: catalog::Error,
    },
    /// The vault cannot be opened.
    #[error("{bucket}: the vault cannot be opened")]
    Vault {
        /// The bucket's name in the configuration.
        bucket: String,
        /// The cause.
        #[source]
        source: vault::Error,
    },
    /// An identity file cannot be read, or has something else in it.
    #[error("{bucket}: [vault] identity {}: {source}", path.display())]
    Identity {
        /// The bucket's name in the configuration.
        bucket: String,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: InvalidIdentity,
    },
    /// The catalog knows packs of a vault that is not there.
    #[error("{bucket}: the vault is missing: the catalog knows packs in {place}, and there are none")]
    VaultMissing {
        /// The bucket's name in the configuration.
        bucket: String,
        /// Where it should be: a path, or a URL.
        place: String,
    },
    /// The parts do not fit.
    #[error("{bucket}: cannot be put together")]
    Engine {
        /// The bucket's name in the configuration.
        bucket: String,
        /// The cause.
        #[source]
        source: s3gc_core::Error,
    },
    /// There is no such bucket in the configuration.
    #[error("no bucket is named {name:?} in the configuration; there are: {}", known.join(", "))]
    NoSuchBucket {
        /// The name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// One bucket is needed, and there are several.
    #[error("which bucket? There are: {}", known.join(", "))]
    SeveralBuckets {
        /// Those that there are.
        known: Vec<String>,
    },
}

/// Puts a collector together for each bucket: S3 or a directory, SQL databases, an SQLite catalog, a vault in a directory
/// or a bucket, encrypted or not. Neither the buckets nor the databases are connected to before the first request; of a vault in a bucket
/// the first pack is looked for, if the catalog knows one.
///
/// # Examples
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use s3gc_core::config::Config;
/// use s3gc_core::{RestoreOptions, RunOptions};
///
/// let config = Config::builder("photo-app-storage")
///     .database_url("postgres://app@db/app")
///     .table("users", ["avatar_url", "cover_photo"])
///     .vault_path("/var/lib/s3gc/vault")
///     .build()?;
/// let fleet = s3gc::assemble(config).await?;
/// let gc = fleet.only()?;
/// let report = gc.run_cycle(RunOptions::default()).await?;
/// println!("{} objects are due", report.counts.due.objects);
/// gc.restore_key("avatars/alice.jpg", RestoreOptions::default()).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
///
/// If a catalog, a vault or a directory cannot be opened, or a vault is not where it was.
pub async fn assemble(config: Config) -> Result<Fleet, AssembleError> {
    let names: Vec<String> = config.buckets.iter().map(|bucket| bucket.name.clone()).collect();
    assemble_some(&config, &names).await
}

/// Puts together the collectors of these buckets alone, in this order.
pub(crate) async fn assemble_some(config: &Config, names: &[String]) -> Result<Fleet, AssembleError> {
    let mut catalogs = BTreeMap::new();
    let mut collectors = Vec::with_capacity(names.len());
    for name in names {
        let bucket = config.bucket(name).ok_or_else(|| AssembleError::NoSuchBucket {
            name: name.clone(),
            known: config.buckets.iter().map(|bucket| bucket.name.clone()).collect(),
        })?;
        let catalog = open_catalog(bucket, &mut catalogs).await?;
        let store = open_store(&bucket.store).await;
        let store = store.map_err(|source| AssembleError::Store { bucket: name.clone(), source })?;
        collectors.push(collector(config, bucket, catalog, store).await?);
    }
    Ok(Fleet { collectors })
}

/// Opens what restored objects are written to: a directory, which is made if there is none, or another bucket of the
/// server that this one is on.
pub(crate) async fn open_target(bucket: &BucketConfig, to: &str) -> Result<Arc<dyn ObjectStore>, AssembleError> {
    let failed = |source| AssembleError::Store { bucket: to.to_owned(), source };
    let Some(name) = to.strip_prefix("s3://") else {
        std::fs::create_dir_all(to).map_err(|source| {
            failed(store::Error::Other { operation: "make", object: to.to_owned(), source: source.into() })
        })?;
        return Ok(Arc::new(FsStore::open(&FsConfig::new(to)).await.map_err(failed)?));
    };
    let name = name.strip_suffix('/').unwrap_or(name).to_owned();
    let target = match &bucket.store {
        StoreConfig::S3 { region, endpoint, path_style, delete_checksum, .. } => StoreConfig::S3 {
            name,
            region: region.clone(),
            endpoint: endpoint.clone(),
            path_style: *path_style,
            delete_checksum: *delete_checksum,
        },
        _ => return Ok(Arc::new(S3Store::connect(S3Config::new(name)).await.map_err(failed)?)),
    };
    open_store(&target).await.map_err(failed)
}

/// Puts together the collector of a bucket over a store that is open already.
pub(crate) async fn assemble_over(
    config: &Config,
    bucket: &BucketConfig,
    store: Arc<dyn ObjectStore>,
) -> Result<Gc, AssembleError> {
    let catalog = open_catalog(bucket, &mut BTreeMap::new()).await?;
    collector(config, bucket, catalog, store).await
}

async fn collector(
    config: &Config,
    bucket: &BucketConfig,
    catalog: Arc<dyn Catalog>,
    store: Arc<dyn ObjectStore>,
) -> Result<Gc, AssembleError> {
    let name = || bucket.name.clone();
    let identities = identities(config, bucket)?;
    let vault = AgeVault::new(open_vault(bucket, &*catalog).await?, identities.clone());
    let mut settings = bucket.settings();
    settings.mode = config.mode;
    let (extract, others) = extract_config(config, bucket);
    let mut builder = Gc::builder(settings)
        .store(store)
        .vault(Arc::new(vault))
        .catalog(catalog)
        .compressor(Arc::from(bucket.vault.compression.compressor()))
        .jpeg_codec(bucket.vault.lepton.then(|| Arc::new(Lepton) as _))
        .recipients(bucket.vault.recipients.clone())
        .widening(widening(config, bucket, others));
    if let Some(replica) = &bucket.vault.replica {
        let replica = AgeVault::new(open_place(bucket, replica).await?, identities);
        builder = builder.replica(Arc::new(replica));
    }
    for database in &bucket.databases {
        let source = open_source(config, bucket, database, &extract)
            .map_err(|source| AssembleError::Source { bucket: name(), source })?;
        builder = builder.source(Arc::new(source));
    }
    builder.build().map_err(|source| AssembleError::Engine { bucket: name(), source })
}

/// What widens deletion when it changes. That a fence is turned off is among it; without one nothing is said of fences.
fn widening(config: &Config, bucket: &BucketConfig, others: serde_json::Value) -> serde_json::Value {
    let mut document = json!({ "bucket": bucket.widening(), "others": others });
    let is_fenced = |name: &&String| config.databases.get(*name).is_some_and(|database| database.fence.is_some());
    let fenced: Vec<&String> = bucket.databases.iter().filter(is_fenced).collect();
    if !fenced.is_empty() {
        document["fenced"] = json!(fenced);
    }
    document
}

pub(crate) async fn open_store(config: &StoreConfig) -> Result<Arc<dyn ObjectStore>, store::Error> {
    match config {
        StoreConfig::S3 { name, region, endpoint, path_style, delete_checksum } => {
            let mut s3 = S3Config::new(name).with_delete_checksum(match delete_checksum {
                DeleteChecksum::Auto => s3gc_store_s3::DeleteChecksum::Auto,
                DeleteChecksum::Crc32 => s3gc_store_s3::DeleteChecksum::Crc32,
                DeleteChecksum::Md5 => s3gc_store_s3::DeleteChecksum::Md5,
            });
            s3.region.clone_from(region);
            s3.endpoint.clone_from(endpoint);
            s3.path_style = Some(*path_style);
            Ok(Arc::new(S3Store::connect(s3).await?))
        }
        StoreConfig::Fs { path } => Ok(Arc::new(FsStore::open(&FsConfig::new(path)).await?)),
        other => Err(store::Error::Other {
            operation: "open",
            object: format!("{other:?}"),
            source: "this kind of store is not known".into(),
        }),
    }
}

async fn open_catalog(
    bucket: &BucketConfig,
    open: &mut BTreeMap<PathBuf, Arc<dyn Catalog>>,
) -> Result<Arc<dyn Catalog>, AssembleError> {
    if let Some(catalog) = open.get(&bucket.catalog) {
        return Ok(Arc::clone(catalog));
    }
    let failed = |source| AssembleError::Catalog { bucket: bucket.name.clone(), source };
    let catalog: Arc<dyn Catalog> = Arc::new(SqliteCatalog::open(&bucket.catalog).await.map_err(failed)?);
    open.insert(bucket.catalog.clone(), Arc::clone(&catalog));
    Ok(catalog)
}

/// Opens the vault. One that is not mounted, or was emptied, must not be taken for a new one.
async fn open_vault(bucket: &BucketConfig, catalog: &dyn Catalog) -> Result<Arc<dyn VaultBackend>, AssembleError> {
    let place = &bucket.vault.place;
    let missing = || AssembleError::VaultMissing { bucket: bucket.name.clone(), place: place.to_string() };
    if let VaultPlace::Dir(path) = place {
        // Before it is opened, which would make it.
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let location = format!("file://{}", absolute.display());
        if !path.join("packs").is_dir() && knows_packs(bucket, catalog, &location).await? {
            return Err(missing());
        }
        return open_place(bucket, place).await;
    }
    let vault = open_place(bucket, place).await?;
    if knows_packs(bucket, catalog, vault.location()).await? {
        let first = vault.list("packs/").next().await;
        match first {
            Some(Ok(_)) => {}
            None | Some(Err(vault::Error::NoBucket { .. })) => return Err(missing()),
            Some(Err(source)) => return Err(AssembleError::Vault { bucket: bucket.name.clone(), source }),
        }
    }
    Ok(vault)
}

/// Opens the place of a vault or of its replica.
async fn open_place(bucket: &BucketConfig, place: &VaultPlace) -> Result<Arc<dyn VaultBackend>, AssembleError> {
    let failed = |source| AssembleError::Vault { bucket: bucket.name.clone(), source };
    match place {
        VaultPlace::Dir(path) => Ok(Arc::new(DirVault::open(path).map_err(failed)?)),
        VaultPlace::Object(place) => Ok(Arc::new(ObjectVault::connect(object_config(place)).await.map_err(failed)?)),
        other => Err(failed(vault::Error::Io {
            vault: other.to_string(),
            operation: "opening",
            name: "the vault".into(),
            source: "this kind of vault is not known".into(),
        })),
    }
}

fn object_config(place: &ObjectPlace) -> ObjectConfig {
    let provider = match place.scheme {
        ObjectScheme::Gs => Provider::Gcs,
        ObjectScheme::Az => Provider::Azure,
        _ => Provider::S3,
    };
    let mut config = ObjectConfig::new(provider, &place.bucket, &place.prefix);
    config.region.clone_from(&place.region);
    config.endpoint.clone_from(&place.endpoint);
    config.path_style = place.path_style;
    config.storage_class.clone_from(&place.storage_class);
    config.encryption = place.encryption.clone().map(|encryption| match encryption {
        Encryption::Aes256 => s3gc_vault_object::Encryption::Aes256,
        Encryption::Kms(key) => s3gc_vault_object::Encryption::Kms(key),
    });
    config.credentials = place
        .credentials
        .clone()
        .map(|keys| StaticCredentials::new(keys.access_key_id, keys.secret_access_key, keys.session_token));
    config
}

/// Reads the identities that open the packs of a bucket's vault: its own, and those of the buckets that share it.
fn identities(config: &Config, bucket: &BucketConfig) -> Result<Identities, AssembleError> {
    let place = bucket.vault.place.to_string();
    let shared = config.buckets.iter().filter(|other| other.vault.place.to_string() == place);
    let files: BTreeSet<&PathBuf> = shared.filter_map(|other| other.vault.identity.as_ref()).collect();
    files.into_iter().try_fold(Identities::default(), |all, path| match Identities::read(path) {
        Ok(more) => Ok(all.and(&more)),
        Err(source) => Err(AssembleError::Identity { bucket: bucket.name.clone(), path: path.clone(), source }),
    })
}

async fn knows_packs(bucket: &BucketConfig, catalog: &dyn Catalog, location: &str) -> Result<bool, AssembleError> {
    let failed = |source| AssembleError::Catalog { bucket: bucket.name.clone(), source };
    let mut after = None;
    loop {
        let page = catalog.packs(after.as_ref(), 1000).await.map_err(failed)?;
        let Some(last) = page.last() else { return Ok(false) };
        if page.iter().any(|pack| pack.vault == location && !pack.state.is_gone()) {
            return Ok(true);
        }
        after = Some(last.name.clone());
    }
}

fn open_source(
    config: &Config,
    bucket: &BucketConfig,
    database: &str,
    extract: &ExtractConfig,
) -> Result<SqlSource, source::Error> {
    let url = config.databases.get(database).ok_or_else(|| source::Error::Schema {
        source_name: database.to_owned(),
        column: "database".into(),
        reason: "it is not configured".into(),
    })?;
    let references = bucket.references.iter().filter(|reference| reference.database == database).map(reference);
    let mut sql = SqlConfig::new(database, url.url.expose_secret(), references);
    sql.fence = url.fence.map(on_conflict);
    SqlSource::new(sql, extract)
}

pub(crate) fn on_conflict(config: OnConflict) -> s3gc_source_sql::OnConflict {
    match config {
        OnConflict::Abort => s3gc_source_sql::OnConflict::Abort,
        OnConflict::Restore => s3gc_source_sql::OnConflict::Restore,
    }
}

pub(crate) fn reference(config: &ReferenceConfig) -> Reference {
    let ReferenceConfig { kind, json_paths, strip, prepend, optional, .. } = config.clone();
    match config.place.clone() {
        ReferencePlace::Column { table, column } => {
            Reference::Column { table, column, kind, json_paths, strip, prepend, optional }
        }
        ReferencePlace::Template { table, template } => Reference::Template { table, template, kind, optional },
        ReferencePlace::Query { name, sql } => Reference::Query { sql, name: Some(name), kind, strip, prepend },
    }
}

/// Says how values name the bucket's objects, and which other buckets they may name: those widen deletion, since a URL
/// of one of them is no reference to this one.
fn extract_config(config: &Config, bucket: &BucketConfig) -> (ExtractConfig, serde_json::Value) {
    let names = |bucket: &BucketConfig| match &bucket.store {
        StoreConfig::S3 { name, endpoint, .. } => (name.clone(), endpoint.clone().into_iter().collect()),
        _ => (String::new(), Vec::new()),
    };
    let (name, endpoints): (String, Vec<String>) = names(bucket);
    let others = || config.buckets.iter().filter(|other| other.name != bucket.name);
    let other_buckets: BTreeSet<String> =
        others().map(|other| names(other).0).filter(|other| !other.is_empty() && *other != name).collect();
    let other_base_urls: BTreeSet<String> = others()
        .flat_map(|other| other.base_urls.iter())
        .filter(|url| !bucket.base_urls.contains(url))
        .cloned()
        .collect();
    let widening = json!({ "buckets": other_buckets, "base_urls": other_base_urls });
    let extract = ExtractConfig {
        bucket: name,
        endpoints,
        base_urls: bucket.base_urls.clone(),
        access_points: bucket.access_points.clone(),
        other_buckets: other_buckets.into_iter().collect(),
        other_base_urls: other_base_urls.into_iter().collect(),
        show_values: bucket.show_values,
        ..ExtractConfig::default()
    };
    (extract, widening)
}

impl Fleet {
    /// Returns the only collector.
    ///
    /// # Errors
    ///
    /// [`AssembleError::SeveralBuckets`] if there is not exactly one.
    pub fn only(&self) -> Result<&Gc, AssembleError> {
        match self.collectors.as_slice() {
            [only] => Ok(only),
            _ => Err(AssembleError::SeveralBuckets { known: self.names() }),
        }
    }

    /// Returns the collector of the bucket with this name.
    ///
    /// # Errors
    ///
    /// [`AssembleError::NoSuchBucket`] if there is none.
    pub fn bucket(&self, name: &str) -> Result<&Gc, AssembleError> {
        let found = self.collectors.iter().find(|gc| gc.settings().name == name);
        found.ok_or_else(|| AssembleError::NoSuchBucket { name: name.to_owned(), known: self.names() })
    }

    /// Goes through the collectors.
    pub fn iter(&self) -> std::slice::Iter<'_, Gc> {
        self.collectors.iter()
    }

    fn names(&self) -> Vec<String> {
        self.collectors.iter().map(|gc| gc.settings().name.clone()).collect()
    }
}

impl<'a> IntoIterator for &'a Fleet {
    type Item = &'a Gc;
    type IntoIter = std::slice::Iter<'a, Gc>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
