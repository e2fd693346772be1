//! Records: an object each, changed on the condition that it is the one that was read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutOptions, UpdateVersion};
use s3gc_failpoint::{Point, hit};
use s3gc_vault::{Error, FileName, LeaseRecord, Result, VaultLease};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::http::takes_no_conditions;
use crate::vault::{Inner, ObjectVault};

/// Where the records are. No [`FileName`] has a `~`, so no file of the vault can be in it.
const RECORDS: &str = "leases~";
/// The record on which conditions are tried. No slot has a `~`.
const PROBE: &str = "probe~";
/// What each record begins with: an id of the write that made it. So no two writes give the same entity tag, and a write
/// whose answer was lost knows itself again.
const HEADER: &str = "s3gc-record ";
/// How long one request may take with all its repetitions. A holder whose heartbeat hangs has to notice.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often the probe begins anew because somebody else probes.
const TRIES: u32 = 8;

/// What is known of the records.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    /// Whether conditions are honoured: why not, or nothing.
    probed: OnceCell<Option<String>>,
    /// Whether the server wants entity tags without their quotes, as older radosgw do with a PUT.
    bare_tags: AtomicBool,
    /// Swaps that may have been done, and of which the caller does not know.
    unanswered: Mutex<HashMap<String, Unanswered>>,
}

#[derive(Debug)]
struct Unanswered {
    id: Uuid,
    expected: Option<LeaseRecord>,
}

/// A swap under way. Unless its outcome is told, it is remembered as unanswered.
struct Swap<'a> {
    leases: &'a Leases,
    slot: &'a str,
    swap: Option<Unanswered>,
}

impl Leases {
    fn with_unanswered<T>(&self, work: impl FnOnce(&mut HashMap<String, Unanswered>) -> T) -> T {
        work(&mut self.unanswered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Swap<'_> {
    fn told(mut self) {
        self.swap = None;
        self.leases.with_unanswered(|all| all.remove(self.slot));
    }
}

impl Drop for Swap<'_> {
    fn drop(&mut self) {
        if let Some(swap) = self.swap.take() {
            self.leases.with_unanswered(|all| all.insert(self.slot.to_owned(), swap));
        }
    }
}

/// A record as it lies in the bucket.
struct Stored {
    /// The write that made it; `None` if it was copied from a vault of another kind.
    id: Option<Uuid>,
    record: LeaseRecord,
    version: UpdateVersion,
}

#[async_trait]
impl VaultLease for ObjectVault {
    async fn read(&self, slot: &str) -> Result<Option<LeaseRecord>> {
        Ok(self.inner.fetch(&self.inner.slot(slot)?).await?.map(|stored| stored.record))
    }

    async fn swap(&self, slot: &str, expected: Option<&LeaseRecord>, new: &LeaseRecord) -> Result<bool> {
        let slot = self.inner.slot(slot)?;
        VaultLease::probe(self).await?;
        self.inner.swap(&slot, expected, new).await
    }

    async fn probe(&self) -> Result<()> {
        let found = self.inner.leases.probed.get_or_try_init(|| self.inner.try_conditions()).await?;
        match found {
            None => Ok(()),
            Some(reason) => Err(Error::Unsupported { vault: self.inner.location.clone(), reason: reason.clone() }),
        }
    }
}

impl Inner {
    fn slot(&self, slot: &str) -> Result<String> {
        match FileName::new(slot) {
            Ok(name) if !name.as_str().contains('/') => Ok(slot.to_owned()),
            _ => Err(self.refuse("naming", slot, "it cannot name a record")),
        }
    }

    async fn fetch(&self, slot: &str) -> Result<Option<Stored>> {
        const OPERATION: &str = "reading the record";
        let path = self.path(&format!("{RECORDS}/{slot}"))?;
        let read = async {
            let got = self.store.get(&path).await?;
            let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
            Ok::<_, StoreError>((version, got.bytes().await?))
        };
        match tokio::time::timeout(PATIENCE, read).await {
            Err(_) => Err(self.refuse(OPERATION, slot, format!("no answer within {PATIENCE:?}"))),
            Ok(Err(error)) => match self.failure(OPERATION, slot, &error) {
                Error::NotFound { .. } => Ok(None),
                error => Err(error),
            },
            Ok(Ok((version, bytes))) => {
                let (id, record) = decode(bytes);
                Ok(Some(Stored { id, record, version }))
            }
        }
    }

    /// Writes a record, if the one before is still there.
    async fn write(
        &self,
        slot: &str,
        id: Uuid,
        record: &LeaseRecord,
        before: Option<UpdateVersion>,
    ) -> Result<Written> {
        const OPERATION: &str = "writing the record";
        let path = self.path(&format!("{RECORDS}/{slot}"))?;
        let as_wanted = |mut version: UpdateVersion| {
            if self.leases.bare_tags.load(Ordering::Relaxed) {
                version.e_tag = version.e_tag.map(|tag| tag.trim_matches('"').to_owned());
            }
            PutMode::Update(version)
        };
        let mode = before.map_or(PutMode::Create, as_wanted);
        let options = PutOptions { mode, ..PutOptions::default() };
        let write = self.store.put_opts(&path, encode(id, record).into(), options);
        match tokio::time::timeout(PATIENCE, write).await {
            Err(_) => Err(self.refuse(OPERATION, slot, format!("no answer within {PATIENCE:?}"))),
            Ok(Ok(result)) => Ok(Written::Yes(result.into())),
            Ok(Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. })) => Ok(Written::No),
            Ok(Err(error)) if takes_no_conditions(&error) => Ok(Written::NotImplemented),
            Ok(Err(error)) => Err(self.failure(OPERATION, slot, &error)),
        }
    }

    async fn swap(&self, slot: &str, expected: Option<&LeaseRecord>, new: &LeaseRecord) -> Result<bool> {
        let before = self.fetch(slot).await?;
        let is_expected = before.as_ref().map(|stored| &stored.record) == expected;
        // A swap that failed for its caller may have been done all the same: then what is there is what was expected.
        let ours = |swap: &Unanswered| {
            swap.expected.as_ref() == expected && before.as_ref().is_some_and(|stored| stored.id == Some(swap.id))
        };
        if !is_expected && !self.leases.with_unanswered(|all| all.get(slot).is_some_and(ours)) {
            return Ok(false);
        }
        let id = Uuid::now_v7();
        let swap = Unanswered { id, expected: expected.cloned() };
        let swap = Swap { leases: &self.leases, slot, swap: Some(swap) };
        hit(Point::RecordWritten);
        let written = match self.write(slot, id, new, before.map(|stored| stored.version)).await? {
            Written::Yes(_) => true,
            // The client repeats a request whose answer was lost, and the repetition meets its own record.
            Written::No => self.fetch(slot).await?.is_some_and(|stored| stored.id == Some(id)),
            Written::NotImplemented => {
                return Err(self.refuse("writing the record", slot, "the server does not take conditions any more"));
            }
        };
        hit(Point::RecordReplaced);
        swap.told();
        Ok(written)
    }

    /// Tries on a record of its own whether conditions are honoured, and says what is wrong if they are not. The record
    /// stays: who writes packs needs no right to delete.
    async fn try_conditions(&self) -> Result<Option<String>> {
        let says = |reason: &str| Ok(Some(reason.to_owned()));
        let note = |text: &'static str| LeaseRecord(Bytes::from_static(text.as_bytes()));
        let ignored = "the store writes whatever If-None-Match says";
        let refused = "the store takes neither If-Match nor If-None-Match with a PUT";
        for _ in 0..TRIES {
            let (first, creation) = (Uuid::now_v7(), note("tries whether conditions are honoured: creation"));
            let (known, before) = match self.fetch(PROBE).await? {
                Some(stored) => (stored.id, stored.version),
                None => match self.write(PROBE, first, &creation, None).await? {
                    Written::Yes(version) => (Some(first), version),
                    Written::No => continue,
                    Written::NotImplemented => return says(refused),
                },
            };
            match self.write(PROBE, Uuid::now_v7(), &creation, None).await? {
                Written::No => {}
                Written::Yes(_) => return says(ignored),
                Written::NotImplemented => return says(refused),
            }
            match self.write(PROBE, Uuid::now_v7(), &note("replacement"), Some(before.clone())).await? {
                Written::Yes(_) => {}
                // Somebody else probes, or the tag is not as the server wants it.
                Written::No => {
                    if self.fetch(PROBE).await?.is_some_and(|stored| stored.id == known) {
                        self.leases.bare_tags.fetch_not(Ordering::Relaxed);
                    }
                    continue;
                }
                Written::NotImplemented => return says(refused),
            }
            return match self.write(PROBE, Uuid::now_v7(), &note("late replacement"), Some(before)).await? {
                Written::No => Ok(None),
                Written::Yes(_) => says("the store writes whatever If-Match says"),
                Written::NotImplemented => says(refused),
            };
        }
        says("the store refused every replacement of a record, whatever If-Match said")
    }
}

/// What came of a write on condition.
enum Written {
    /// It was done, and this is the version.
    Yes(UpdateVersion),
    /// Another record is there, or was.
    No,
    /// The store takes no conditions.
    NotImplemented,
}

fn encode(id: Uuid, record: &LeaseRecord) -> Bytes {
    let mut bytes = format!("{HEADER}{id}\n").into_bytes();
    bytes.extend_from_slice(&record.0);
    bytes.into()
}

fn decode(mut bytes: Bytes) -> (Option<Uuid>, LeaseRecord) {
    let id = bytes.strip_prefix(HEADER.as_bytes()).and_then(|rest| {
        let (id, rest) = rest.split_at_checked(36)?;
        let id = Uuid::try_parse_ascii(id).ok()?;
        rest.starts_with(b"\n").then_some(id)
    });
    if id.is_some() {
        drop(bytes.split_to(HEADER.len() + 37));
    }
    (id, LeaseRecord(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_as_it_was() {
        let id = Uuid::now_v7();
        for text in ["", "{}", "\n", "s3gc-record "] {
            let record = LeaseRecord(Bytes::from_static(text.as_bytes()));
            let (found, decoded) = decode(encode(id, &record));
            assert_eq!((found, &decoded), (Some(id), &record));
            assert_eq!(decode(record.0.clone()), (None, record), "copied from a vault in a directory");
        }
    }
}
