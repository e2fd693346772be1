//! The bucket as the collector sees it.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use s3gc_core::Mode;
use s3gc_store::{
    ByteStream, DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, Error, GetOptions, ListEnd, ListEntry,
    ListItem, ListPage, ListRequest, Location, ObjectKey, ObjectMeta, ObjectStore, PutMode, Result, SignGuard,
    StoreStatus, VersionEntry, Versioning,
};

use crate::application::BUCKET;
use crate::bucket::{Effect, not_found};
use crate::history::{Fault, Versions};
use crate::world::{Late, Sim, World};

const PAGE: usize = 4;

/// A store of one collector.
#[derive(Debug)]
pub(crate) struct SimStore {
    sim: Sim,
    who: usize,
    location: Location,
}

impl SimStore {
    pub(crate) fn new(sim: &Sim, who: usize) -> Self {
        Self { sim: sim.clone(), who, location: Location::aws(BUCKET) }
    }

    /// One call: its point, its effect unless it fails, and the moment after.
    async fn call<T>(
        &self,
        op: &'static str,
        key: &str,
        effect: impl FnOnce(&mut World) -> Result<T> + Send,
    ) -> Result<T> {
        let op = of_probe(key).unwrap_or(op);
        let fault = self.sim.enter(self.who, op).await;
        if matches!(fault, Some(Fault::Fail | Fault::Lost | Fault::Cut | Fault::Corrupt)) {
            return Err(failed(op));
        }
        let result = effect(&mut self.sim.lock());
        self.sim.leave(self.who, op).await;
        if fault.is_some() { Err(failed(op)) } else { result }
    }
}

/// The calls of the probe are counted apart.
fn of_probe(key: &str) -> Option<&'static str> {
    key.starts_with(s3gc_store::PROBE_PREFIX).then_some("probe")
}

fn failed(operation: &'static str) -> Error {
    Error::Unavailable { operation, object: BUCKET.into(), source: "the simulator says so".into() }
}

fn versioning(versions: Versions) -> Versioning {
    match versions {
        Versions::Off => Versioning::Off,
        Versions::Enabled => Versioning::Enabled,
        Versions::Suspended => Versioning::Suspended,
    }
}

#[async_trait]
impl ObjectStore for SimStore {
    fn location(&self) -> &Location {
        &self.location
    }

    async fn status(&self) -> Result<StoreStatus> {
        self.call("status", "", |world| {
            let mut status = StoreStatus::new(versioning(world.bucket.versions));
            status.now = Some(world.store_now());
            Ok(status)
        })
        .await
    }

    fn list(&self, request: ListRequest) -> BoxStream<'_, Result<ListItem>> {
        enum At {
            After(Option<String>, u64, BTreeMap<String, (String, i64)>),
            Over,
        }
        stream::unfold(At::After(None, 0, BTreeMap::new()), move |at| {
            let prefix = request.prefix.clone();
            async move {
                let At::After(after, count, mut seen) = at else { return None };
                match self.sim.enter(self.who, of_probe(&prefix).unwrap_or("list")).await {
                    None => {}
                    Some(Fault::Cut) => return None,
                    Some(_) => return Some((Err(failed("list")), At::Over)),
                }
                let mut world = self.sim.lock();
                if let Some(run) = world.runs.get_mut(self.who).filter(|_| of_probe(&prefix).is_none()) {
                    run.has_listed = true;
                }
                let begin = after.as_ref().map_or(Bound::Unbounded, |key| Bound::Excluded(key.clone()));
                let mut page = ListPage::default();
                let is_after = |key: &String| match &begin {
                    Bound::Excluded(after) => key > after,
                    _ => true,
                };
                let keys = world.bucket.live().filter(|(key, _)| key.starts_with(&prefix) && is_after(key));
                for (key, object) in keys.take(PAGE) {
                    let (etag, at) = (object.meta.etag.clone(), object.meta.last_modified);
                    seen.insert(key.clone(), (etag.as_str().to_owned(), at.as_second()));
                    page.entries.push(ListEntry::new(
                        ObjectKey::new(&**key).unwrap(),
                        object.meta.size_bytes,
                        etag,
                        at,
                    ));
                }
                let Some(last) = page.entries.last() else {
                    if prefix.is_empty()
                        && let Some(run) = world.runs.get_mut(self.who)
                    {
                        run.listed = Some(seen);
                    }
                    return Some((Ok(ListItem::End(ListEnd { entries: count, skipped: 0 })), At::Over));
                };
                let (last, count) = (last.key.as_str().to_owned(), count + page.entries.len() as u64);
                Some((Ok(ListItem::Page(page)), At::After(Some(last), count, seen)))
            }
        })
        .boxed()
    }

    async fn head(&self, key: &ObjectKey) -> Result<ObjectMeta> {
        let who = self.who;
        self.call("head", key.as_str(), |world| {
            let now = world.store_now();
            if let Some(run) = world.runs.get_mut(who) {
                run.heads.insert(key.as_str().to_owned(), now);
            }
            let mut meta = world.bucket.object(key.as_str()).ok_or_else(|| not_found(key.as_str()))?.meta.clone();
            meta.tags = None;
            Ok(meta)
        })
        .await
    }

    async fn get(&self, key: &ObjectKey, options: GetOptions) -> Result<(ObjectMeta, ByteStream)> {
        let fault = self.sim.enter(self.who, "get").await;
        if matches!(fault, Some(fault) if fault != Fault::Cut) {
            return Err(failed("get"));
        }
        let (meta, body) = {
            let world = self.sim.lock();
            let object = world.bucket.object(key.as_str()).ok_or_else(|| not_found(key.as_str()))?;
            if options.if_match.is_some_and(|tag| tag != object.meta.etag) {
                return Err(Error::Precondition { key: key.to_string() });
            }
            let mut meta = object.meta.clone();
            meta.tags = None;
            (meta, object.body.clone())
        };
        self.sim.leave(self.who, "get").await;
        let body = match options.range {
            Some(range) => body.slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()),
            None => body,
        };
        let mut pieces: Vec<Result<Bytes>> =
            body.chunks(1 << 19).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        if fault.is_some() {
            pieces.truncate(pieces.len() / 2);
            let actual_bytes = pieces.len() as u64;
            pieces.push(Err(Error::BodyLength {
                object: key.to_string(),
                expected_bytes: meta.size_bytes,
                actual_bytes,
            }));
        }
        Ok((meta, stream::iter(pieces).boxed()))
    }

    async fn tags(&self, key: &ObjectKey) -> Result<BTreeMap<String, String>> {
        self.call("tags", key.as_str(), |world| {
            let object = world.bucket.object(key.as_str()).ok_or_else(|| not_found(key.as_str()))?;
            Ok(object.meta.tags.clone().unwrap_or_default())
        })
        .await
    }

    async fn versions(&self, key: &ObjectKey) -> Result<Vec<VersionEntry>> {
        self.call("versions", key.as_str(), |world| Ok(world.bucket.entries(key.as_str()))).await
    }

    async fn put(&self, key: &ObjectKey, body: ByteStream, meta: &ObjectMeta, mode: PutMode) -> Result<ObjectMeta> {
        let pieces: Vec<Bytes> = body.try_collect().await?;
        let body = Bytes::from(pieces.concat());
        if body.len() as u64 != meta.size_bytes {
            let actual_bytes = body.len() as u64;
            return Err(Error::BodyLength { object: key.to_string(), expected_bytes: meta.size_bytes, actual_bytes });
        }
        let who = self.who;
        self.call("put", key.as_str(), |world| {
            world.wrote(who, key.as_str());
            if mode == PutMode::Create && world.bucket.object(key.as_str()).is_some() {
                return Err(Error::Precondition { key: key.to_string() });
            }
            let now = world.store_now();
            Ok(world.bucket.put(key.as_str(), body, meta, now))
        })
        .await
    }

    async fn delete(
        &self,
        batch: &[DeleteRequest],
        means: DeleteMeans,
        guard: &dyn SignGuard,
    ) -> Result<Vec<DeleteOutcome>> {
        let mut outcomes = Vec::new();
        // A request for each key, or one for all.
        let size = if means == DeleteMeans::SingleEtag { 1 } else { batch.len().max(1) };
        for requests in batch.chunks(size) {
            let op = requests.first().and_then(|request| of_probe(request.key.as_str())).unwrap_or("delete");
            let fault = self.sim.enter(self.who, op).await;
            if let Err(refused) = guard.may_sign() {
                let refuse = |_| DeleteOutcome::Refused(Error::SignRefused(refused.clone()));
                outcomes.extend(requests.iter().map(refuse));
                continue;
            }
            for request in requests {
                outcomes.push(self.delete_one(request, means, fault));
            }
            self.sim.leave(self.who, op).await;
        }
        Ok(outcomes)
    }
}

impl SimStore {
    fn delete_one(&self, request: &DeleteRequest, means: DeleteMeans, fault: Option<Fault>) -> DeleteOutcome {
        let mut world = self.sim.lock();
        world.wrote(self.who, request.key.as_str());
        if fault == Some(Fault::Fail) {
            return DeleteOutcome::Refused(failed("delete"));
        }
        world.signed(self.who, request);
        if fault.is_some() {
            world.stats.unanswered += 1;
        }
        match fault {
            None => world.delete(self.who, request, means, false),
            Some(Fault::Late(seconds)) => {
                let at = world.now() + std::time::Duration::from_secs(seconds.into());
                world.late.push(Late { at, who: self.who, request: request.clone(), means });
                DeleteOutcome::Unknown(failed("delete"))
            }
            Some(Fault::Unanswered) => {
                // Whatever came of it: nobody heard.
                let _outcome: DeleteOutcome = world.delete(self.who, request, means, false);
                DeleteOutcome::Unknown(failed("delete"))
            }
            Some(_) => DeleteOutcome::Unknown(failed("delete")),
        }
    }
}

impl World {
    /// A collector changes the bucket.
    fn wrote(&mut self, who: usize, key: &str) {
        let Some(run) = self.runs.get_mut(who) else { return };
        run.writes += 1;
        if run.mode != Mode::Execute {
            self.fail("i05", format_args!("{key} was written or deleted in a dry run or an audit"));
        }
    }

    /// A deletion has its effect.
    pub(crate) fn delete(
        &mut self,
        who: usize,
        request: &DeleteRequest,
        means: DeleteMeans,
        is_late: bool,
    ) -> DeleteOutcome {
        let (key, now) = (request.key.as_str().to_owned(), self.store_now());
        let effect = self.bucket.delete(&key, &request.target, means, now);
        // Nor what the tests of the contract delete.
        let is_probe = of_probe(&key).is_some() || who >= self.runs.len();
        if !is_probe {
            self.note(format_args!("  {key}: {}", short(&effect)));
        }
        match effect {
            Effect::Destroyed(object) => {
                if !is_probe {
                    self.removed(who, &key, object, None, is_late);
                }
                let marker = (self.bucket.versions != Versions::Off).then(|| s3gc_store::VersionId::new("null"));
                DeleteOutcome::Deleted { marker }
            }
            Effect::Hidden(object, marker) => {
                if !is_probe {
                    self.removed(who, &key, object, Some(marker.clone()), is_late);
                }
                DeleteOutcome::Deleted { marker: Some(marker) }
            }
            Effect::Nothing(Some(marker)) => DeleteOutcome::Deleted { marker: Some(marker) },
            Effect::Nothing(None) => DeleteOutcome::AlreadyGone,
            Effect::Changed => DeleteOutcome::Changed,
            Effect::Removed { is_marker } => {
                if !is_marker && !is_probe {
                    self.fail("i03", format_args!("{key}: a version was removed for good, by its id"));
                }
                let DeleteTarget::OwnMarker(id) = &request.target else { return DeleteOutcome::AlreadyGone };
                self.oracle.unhidden(&key, id);
                DeleteOutcome::Deleted { marker: None }
            }
        }
    }
}

fn short(effect: &Effect) -> String {
    match effect {
        Effect::Destroyed(object) => format!("destroyed {}", object.meta.etag),
        Effect::Hidden(object, marker) => format!("hidden {} under {marker}", object.meta.etag),
        other => format!("{other:?}"),
    }
}
