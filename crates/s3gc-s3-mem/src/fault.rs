//! Faults that are put in while the server runs, and the quirks of other servers.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::Op;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Effect {
    /// 503 `SlowDown`; nothing is done.
    SlowDown,
    /// 500 `InternalError`; nothing is done.
    InternalError,
    /// 403 `AccessDenied`; nothing is done.
    AccessDenied,
    /// The answer comes that much later.
    Latency(Duration),
    /// The connection is closed without an answer, and nothing is done.
    DropBefore,
    /// The connection is closed without an answer, after the operation took effect.
    DropAfter,
    /// 500 `InternalError`, after the operation took effect.
    ErrorAfter,
    /// The connection is closed after so many bytes of an object.
    CutBody(u64),
    /// A page of a listing comes in descending order.
    Unordered,
    /// A page of a listing names itself as the next page.
    RepeatPage,
    /// A page of a listing says that there is more, but not where.
    LostToken,
    /// `DeleteObjects` answers with this code for the key, and does not delete it.
    KeyError(&'static str),
    /// `DeleteObjects` deletes the key, but its answer does not name it.
    KeyUnanswered,
}

/// When a fault strikes, counted over the requests that it matches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    /// Each time.
    Always,
    /// The n-th time, from 1.
    Nth(u64),
    /// The first n times.
    First(u64),
    /// With this probability, from 0 to 1.
    Probability(f64),
}

/// Something that goes wrong, where, and when.
#[derive(Clone, Debug)]
pub struct Fault {
    effect: Effect,
    op: Option<Op>,
    bucket: Option<String>,
    key: Option<String>,
    when: When,
    seen: u64,
}

impl Fault {
    /// Lets something go wrong in every request.
    #[must_use]
    pub fn new(effect: Effect) -> Self {
        Self { effect, op: None, bucket: None, key: None, when: When::Always, seen: 0 }
    }

    /// Only in this operation.
    #[must_use]
    pub fn on(mut self, op: Op) -> Self {
        self.op = Some(op);
        self
    }

    /// Only in this bucket.
    #[must_use]
    pub fn bucket(mut self, name: impl Into<String>) -> Self {
        self.bucket = Some(name.into());
        self
    }

    /// Only in requests that name this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Only then.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    fn matches(&self, op: Op, bucket: &str, keys: &[String]) -> bool {
        self.op.is_none_or(|wanted| wanted == op)
            && self.bucket.as_ref().is_none_or(|name| name == bucket)
            && self.key.as_ref().is_none_or(|key| keys.contains(key))
    }
}

/// How a server differs from Amazon's, as many do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each quirk is on or off, independently of the others")]
pub struct Quirks {
    /// `DeleteObject` deletes whatever `If-Match` says.
    pub ignore_if_match_on_delete: bool,
    /// `DeleteObjects` deletes whatever the `ETag` of a key says.
    pub ignore_etag_in_batch: bool,
    /// `PutObject` and `CompleteMultipartUpload` replace an object despite `If-None-Match: *`.
    pub ignore_if_none_match_on_put: bool,
    /// `PutObject` and `CompleteMultipartUpload` replace an object whatever `If-Match` says.
    pub ignore_if_match_on_put: bool,
    /// `PutObject` and `CompleteMultipartUpload` answer 501 `NotImplemented` to either condition.
    pub refuse_conditions_on_put: bool,
    /// `DeleteObjects` wants `Content-MD5` and knows no other checksum.
    pub needs_content_md5: bool,
    /// Listings answer without `encoding-type=url`, even when asked for it.
    pub no_url_encoding: bool,
    /// No answer has a CRC-64/NVME, as on servers that know only older checksums.
    pub no_checksums: bool,
    /// `UploadPartCopy` changes the first byte of what it copies.
    pub damage_copies: bool,
    /// `CompleteMultipartUpload` does not compare the checksum that it is given.
    pub ignore_checksum_at_completion: bool,
}

/// What a request meets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Struck {
    pub(crate) effects: Vec<(Effect, Option<String>)>,
    pub(crate) latency: Duration,
}

impl Struck {
    pub(crate) fn has(&self, effect: &Effect) -> bool {
        self.effects.iter().any(|(struck, _)| struck == effect)
    }

    pub(crate) fn cut_after(&self) -> Option<u64> {
        self.effects
            .iter()
            .find_map(|(effect, _)| if let Effect::CutBody(bytes) = effect { Some(*bytes) } else { None })
    }

    /// Returns the error code for one key of `DeleteObjects`.
    pub(crate) fn key_error(&self, key: &str) -> Option<&'static str> {
        self.effects.iter().find_map(|(effect, only)| match effect {
            Effect::KeyError(code) if only.as_deref().is_none_or(|k| k == key) => Some(*code),
            _ => None,
        })
    }

    pub(crate) fn key_unanswered(&self, key: &str) -> bool {
        self.effects
            .iter()
            .any(|(effect, only)| *effect == Effect::KeyUnanswered && only.as_deref().is_none_or(|k| k == key))
    }
}

/// A closure that runs around an operation on a key.
pub(crate) type Hook = Arc<dyn Fn(&str) + Send + Sync>;

/// Everything that may go wrong on a server.
pub(crate) struct Faults {
    faults: Vec<Fault>,
    pub(crate) quirks: Quirks,
    pub(crate) latency: Duration,
    pub(crate) denied: Vec<Op>,
    pub(crate) read_only: bool,
    before: Vec<(Op, Hook)>,
    after: Vec<(Op, Hook)>,
    rng: StdRng,
}

impl Faults {
    pub(crate) fn new(seed: u64, latency: Duration) -> Self {
        Self {
            faults: Vec::new(),
            quirks: Quirks::default(),
            latency,
            denied: Vec::new(),
            read_only: false,
            before: Vec::new(),
            after: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
        }
    }

    pub(crate) fn inject(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.faults.clear();
        self.before.clear();
        self.after.clear();
        self.denied.clear();
        self.read_only = false;
    }

    pub(crate) fn hook_before(&mut self, op: Op, hook: Hook) {
        self.before.push((op, hook));
    }

    pub(crate) fn hook_after(&mut self, op: Op, hook: Hook) {
        self.after.push((op, hook));
    }

    pub(crate) fn hooks_before(&self, op: Op) -> Vec<Hook> {
        self.before.iter().filter(|(wanted, _)| *wanted == op).map(|(_, hook)| Arc::clone(hook)).collect()
    }

    pub(crate) fn hooks_after(&self, op: Op) -> Vec<Hook> {
        self.after.iter().filter(|(wanted, _)| *wanted == op).map(|(_, hook)| Arc::clone(hook)).collect()
    }

    /// Counts a request, and tells what strikes it.
    pub(crate) fn strike(&mut self, op: Op, bucket: &str, keys: &[String]) -> Struck {
        let mut struck = Struck { effects: Vec::new(), latency: self.latency };
        if self.denied.contains(&op) || (self.read_only && op.is_write()) {
            struck.effects.push((Effect::AccessDenied, None));
        }
        for fault in &mut self.faults {
            if !fault.matches(op, bucket, keys) {
                continue;
            }
            fault.seen += 1;
            let hit = match fault.when {
                When::Always => true,
                When::Nth(n) => fault.seen == n,
                When::First(n) => fault.seen <= n,
                When::Probability(p) => self.rng.random_bool(p.clamp(0.0, 1.0)),
            };
            if !hit {
                continue;
            }
            if let Effect::Latency(more) = fault.effect {
                struck.latency += more;
            }
            struck.effects.push((fault.effect.clone(), fault.key.clone()));
        }
        struck
    }
}
