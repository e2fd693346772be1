//! The server: options, start, and what can be changed while it runs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::bucket::Bucket;
use crate::fault::{Fault, Faults, Quirks};
use crate::log::{Op, Request};
use crate::model::{BucketModel, Model};
use crate::{http, service};

/// The access key that the server knows.
pub const ACCESS_KEY: &str = "s3gc-mem";

/// The secret key that belongs to [`ACCESS_KEY`]. It protects nothing: the objects live in a test's memory.
pub const SECRET_KEY: &str = "s3gc-mem-secret";

/// How to start a server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The region that requests have to be signed for.
    pub region: String,
    /// The buckets that are there from the start.
    pub buckets: Vec<String>,
    /// The time that each answer takes.
    pub latency: Duration,
    /// Whether requests are recorded; a bench with millions of them does without.
    pub log_requests: bool,
    /// The access key that the server knows, and its secret key.
    pub keys: (String, String),
    /// Where the dice of [`crate::When::Probability`] start.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            region: "us-east-1".to_owned(),
            buckets: Vec::new(),
            latency: Duration::ZERO,
            log_requests: true,
            keys: (ACCESS_KEY.to_owned(), SECRET_KEY.to_owned()),
            seed: 0,
        }
    }
}

impl Options {
    /// Starts with this bucket.
    #[must_use]
    pub fn bucket(mut self, name: impl Into<String>) -> Self {
        self.buckets.push(name.into());
        self
    }

    /// Lets each answer take this time.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Listens there.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Serves this region.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// Knows this access key and its secret key, in place of [`ACCESS_KEY`].
    #[must_use]
    pub fn keys(mut self, access_key: impl Into<String>, secret_key: impl Into<String>) -> Self {
        self.keys = (access_key.into(), secret_key.into());
        self
    }

    /// Records no requests.
    #[must_use]
    pub fn without_log(mut self) -> Self {
        self.log_requests = false;
        self
    }
}

/// A running S3 server; dropping it closes it and all its connections.
///
/// # Examples
///
/// ```
/// use s3gc_s3_mem::{Options, PutSpec, S3Mem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let server = S3Mem::start(Options::default().bucket("photos")).await?;
/// server.bucket("photos").put("a.jpg", "bytes", PutSpec::default());
/// assert_eq!(server.bucket("photos").keys(), ["a.jpg"]);
/// assert!(server.endpoint().starts_with("http://127.0.0.1:"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct S3Mem {
    shared: Arc<Shared>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl S3Mem {
    /// Starts a server on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If the address cannot be listened to.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            model: Mutex::default(),
            faults: Mutex::new(Faults::new(options.seed, options.latency)),
            log: Mutex::default(),
            clock_offset: Mutex::default(),
            region: options.region,
            keys: options.keys,
            log_requests: options.log_requests,
        });
        for name in &options.buckets {
            shared.create_bucket(name);
        }
        let s3 = service::build(Arc::clone(&shared));
        let task = tokio::spawn(http::serve(listener, Arc::clone(&shared), s3));
        Ok(Self { shared, address, task })
    }

    /// Returns the address for clients, such as `http://127.0.0.1:4566`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the region that requests have to be signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.shared.region
    }

    /// Returns a handle of a bucket, which is made if it is not there.
    #[must_use]
    pub fn bucket(&self, name: &str) -> Bucket {
        self.shared.create_bucket(name);
        Bucket::new(Arc::clone(&self.shared), name.to_owned())
    }

    /// Returns the requests so far, in the order in which they came.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.log).clone()
    }

    /// Returns the requests so far that change something.
    #[must_use]
    pub fn writes(&self) -> Vec<Request> {
        lock(&self.shared.log).iter().filter(|request| request.op.is_write()).cloned().collect()
    }

    /// Returns how many requests there were of one operation.
    #[must_use]
    pub fn count(&self, op: Op) -> usize {
        lock(&self.shared.log).iter().filter(|request| request.op == op).count()
    }

    /// Returns the keys of the uploads in parts that were begun and neither completed nor aborted.
    #[must_use]
    pub fn unfinished_uploads(&self) -> Vec<String> {
        self.shared.with_model(|model| model.uploads.values().map(|upload| upload.key.clone()).collect())
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        lock(&self.shared.log).clear();
    }

    /// Puts a fault in.
    pub fn inject(&self, fault: Fault) {
        lock(&self.shared.faults).inject(fault);
    }

    /// Takes out all faults, hooks and denials; quirks and the common latency stay.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Changes how the server differs from Amazon's.
    pub fn quirks(&self, change: impl FnOnce(&mut Quirks)) {
        change(&mut lock(&self.shared.faults).quirks);
    }

    /// Sets the time that each answer takes.
    pub fn set_latency(&self, latency: Duration) {
        lock(&self.shared.faults).latency = latency;
    }

    /// Answers this operation with 403 `AccessDenied`.
    pub fn deny(&self, op: Op) {
        lock(&self.shared.faults).denied.push(op);
    }

    /// Answers every operation that changes something with 403 `AccessDenied`, or no longer.
    pub fn set_read_only(&self, on: bool) {
        lock(&self.shared.faults).read_only = on;
    }

    /// Runs a closure with the key before each such operation on a key takes effect.
    pub fn before(&self, op: Op, hook: impl Fn(&str) + Send + Sync + 'static) {
        lock(&self.shared.faults).hook_before(op, Arc::new(hook));
    }

    /// Runs a closure with the key after each such operation on a key, before its answer is sent.
    pub fn after(&self, op: Op, hook: impl Fn(&str) + Send + Sync + 'static) {
        lock(&self.shared.faults).hook_after(op, Arc::new(hook));
    }

    /// Lets the server's clock (`Date` header, dates of new objects) be off by this much.
    pub fn set_clock_offset(&self, offset: SignedDuration) {
        *lock(&self.shared.clock_offset) = offset;
    }
}

impl Drop for S3Mem {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the handles, the service and the connections share.
pub(crate) struct Shared {
    model: Mutex<Model>,
    faults: Mutex<Faults>,
    log: Mutex<Vec<Request>>,
    clock_offset: Mutex<SignedDuration>,
    pub(crate) region: String,
    pub(crate) keys: (String, String),
    log_requests: bool,
}

impl Shared {
    /// Reads the server's clock, in whole milliseconds as S3 keeps them.
    pub(crate) fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the server is a store, and a store has a clock of its own")]
        let now = Timestamp::now();
        let shifted = now.checked_add(*lock(&self.clock_offset)).unwrap_or(now);
        Timestamp::from_millisecond(shifted.as_millisecond()).unwrap_or(shifted)
    }

    pub(crate) fn with_model<T>(&self, work: impl FnOnce(&mut Model) -> T) -> T {
        work(&mut lock(&self.model))
    }

    pub(crate) fn with_faults<T>(&self, work: impl FnOnce(&mut Faults) -> T) -> T {
        work(&mut lock(&self.faults))
    }

    pub(crate) fn record(&self, op: Op, bucket: &str, keys: &[String]) {
        if self.log_requests {
            let request = Request { op, bucket: bucket.to_owned(), keys: keys.to_vec(), at: self.now() };
            lock(&self.log).push(request);
        }
    }

    fn create_bucket(&self, name: &str) {
        let now = self.now();
        self.with_model(|model| {
            model.buckets.entry(name.to_owned()).or_insert_with(|| BucketModel::new(now));
        });
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("region", &self.region).finish_non_exhaustive()
    }
}

/// Takes a lock, also after a test's assertion failed while it was held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
