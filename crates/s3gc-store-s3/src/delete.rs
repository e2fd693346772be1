//! Deletion: the only place that sends a delete.
//!
//! No request is ever repeated by the client; what was signed and not answered is `Unknown`.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::operation::delete_object::DeleteObjectOutput;
use aws_sdk_s3::operation::delete_objects::DeleteObjectsOutput;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{self, StreamExt};
use md5::{Digest, Md5};
use s3gc_failpoint::{Point, hit};
use s3gc_store::{
    DeleteMeans, DeleteOutcome, DeleteRequest, DeleteTarget, Error, ObjectKey, SignGuard, SignRefused, VersionId,
};

use crate::config::DeleteChecksum;
use crate::error::{Call, Failure};
use crate::store::{Inner, no_repetition};

/// The most keys of a DeleteObjects request (Amazon S3 API Reference).
const MAX_BATCH: usize = 1000;

/// How many requests of one call may be under way; the store's own limit comes on top.
const IN_FLIGHT: usize = 64;

/// How old the guard's word may be when the request is signed. Finding credentials can take longer.
const WORD_IS_GOOD_FOR: Duration = Duration::from_millis(500);

/// How often the guard is asked again because its word was too old.
const TRIES_TO_SIGN: u32 = 5;

/// What became of one request to the server.
enum Sent<T> {
    /// It was not signed, so nothing was sent.
    No(Unsent),
    Answered(T),
    Failed(Failure),
}

/// Why nothing was sent.
#[derive(Clone)]
enum Unsent {
    Guard(SignRefused),
    Failure(Failure),
}

impl Inner {
    /// Returns one outcome for each request, in order.
    pub(crate) async fn delete_all(
        &self,
        batch: &[DeleteRequest],
        means: DeleteMeans,
        guard: &dyn SignGuard,
    ) -> Vec<DeleteOutcome> {
        let (together, alone) = divide(batch, means);
        let batches = together.chunks(MAX_BATCH).map(<[usize]>::to_vec).zip(std::iter::repeat(true));
        let jobs = batches.chain(alone.into_iter().map(|index| vec![index]).zip(std::iter::repeat(false)));
        let work = jobs.map(|(indices, is_batch)| async move {
            let requests: Vec<&DeleteRequest> = indices.iter().filter_map(|index| batch.get(*index)).collect();
            let outcomes = match requests.as_slice() {
                // A server may compare in one of the two operations alone, so a batch of one is a batch: the probe, which
                // has one canary, would else find out about the other operation.
                [request] if !(is_batch && means == DeleteMeans::BatchEtag) => {
                    vec![self.delete_one(request, means, guard).await]
                }
                requests => self.delete_many(requests, means, guard).await,
            };
            indices.into_iter().zip(outcomes).collect::<Vec<_>>()
        });
        let mut outcomes: Vec<(usize, DeleteOutcome)> =
            stream::iter(work).buffer_unordered(IN_FLIGHT).map(stream::iter).flatten().collect().await;
        outcomes.sort_by_key(|(index, _)| *index);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    async fn delete_one(&self, request: &DeleteRequest, means: DeleteMeans, guard: &dyn SignGuard) -> DeleteOutcome {
        let call = self.call("DeleteObject", &request.key);
        let (version, if_match) = match &request.target {
            DeleteTarget::OwnMarker(version) => (Some(version.as_str().to_owned()), None),
            DeleteTarget::Current { if_match } => (None, compares(means).then(|| if_match.quoted())),
        };
        let _permit = self.permit().await;
        let sent = sign(guard, |gate| {
            #[expect(clippy::disallowed_methods, reason = "this module is the one place that deletes")]
            let delete = self.client.delete_object();
            let delete = delete.bucket(&self.bucket).key(request.key.as_str());
            let delete = delete.set_version_id(version.clone()).set_if_match(if_match.clone());
            let send = delete.customize().interceptor(gate).config_override(no_repetition()).send();
            async move { send.await.map_err(|failure| Failure::of(&failure)) }
        })
        .await;
        match sent {
            Sent::Answered(output) => one_outcome(call, &request.target, &output),
            Sent::No(why) => unsent(call, why),
            Sent::Failed(failure) => failed(call, failure),
        }
    }

    async fn delete_many(
        &self,
        requests: &[&DeleteRequest],
        means: DeleteMeans,
        guard: &dyn SignGuard,
    ) -> Vec<DeleteOutcome> {
        let mut objects = Vec::with_capacity(requests.len());
        for request in requests {
            let object = ObjectIdentifier::builder().key(request.key.as_str());
            let object = match &request.target {
                DeleteTarget::OwnMarker(version) => object.version_id(version.as_str()),
                DeleteTarget::Current { if_match } => object.set_e_tag(compares(means).then(|| if_match.quoted())),
            };
            match object.build() {
                Ok(object) => objects.push(object),
                Err(error) => return self.refuse_all(requests, &error.to_string()),
            }
        }
        let delete = match Delete::builder().set_objects(Some(objects)).quiet(false).build() {
            Ok(delete) => delete,
            Err(error) => return self.refuse_all(requests, &error.to_string()),
        };
        let _permit = self.permit().await;
        let md5 = self.sends_md5();
        let mut sent = self.send_batch(&delete, md5, guard).await;
        // Refused for want of another checksum: nothing was executed, so asking anew repeats nothing.
        if let Sent::Failed(failure) = &sent
            && self.delete_checksum == DeleteChecksum::Auto
            && !md5
            && failure.wants_md5()
        {
            tracing::info!(bucket = self.bucket, "the server wants Content-MD5 with DeleteObjects");
            self.md5_wanted.store(true, Ordering::Relaxed);
            sent = self.send_batch(&delete, true, guard).await;
        }
        match sent {
            Sent::Answered(output) => {
                let answers = Answers::read(&output);
                let outcome =
                    |request: &&DeleteRequest| answers.outcome(self.call("DeleteObjects", &request.key), request);
                requests.iter().map(outcome).collect()
            }
            Sent::No(why) => {
                requests.iter().map(|request| unsent(self.call("DeleteObjects", &request.key), why.clone())).collect()
            }
            Sent::Failed(failure) => requests
                .iter()
                .map(|request| {
                    let error = failure.clone().into_error(self.call("DeleteObjects", &request.key));
                    if failure.was_refused() { DeleteOutcome::Refused(error) } else { DeleteOutcome::Unknown(error) }
                })
                .collect(),
        }
    }

    async fn send_batch(&self, delete: &Delete, md5: bool, guard: &dyn SignGuard) -> Sent<DeleteObjectsOutput> {
        sign(guard, |gate| {
            #[expect(clippy::disallowed_methods, reason = "this module is the one place that deletes")]
            let request = self.client.delete_objects();
            let request = request.bucket(&self.bucket).delete(delete.clone()).customize().interceptor(gate);
            let request = if md5 { request.interceptor(ContentMd5) } else { request };
            let send = request.config_override(no_repetition()).send();
            async move { send.await.map_err(|failure| Failure::of(&failure)) }
        })
        .await
    }

    fn refuse_all(&self, requests: &[&DeleteRequest], reason: &str) -> Vec<DeleteOutcome> {
        let refuse = |request: &&DeleteRequest| {
            DeleteOutcome::Refused(self.call("DeleteObjects", &request.key).protocol(reason.to_owned()))
        };
        requests.iter().map(refuse).collect()
    }
}

fn compares(means: DeleteMeans) -> bool {
    match means {
        DeleteMeans::BatchEtag | DeleteMeans::SingleEtag => true,
        DeleteMeans::Marker | DeleteMeans::Unconditional => false,
    }
}

/// Divides a batch into what can share requests and what needs one of its own.
fn divide(batch: &[DeleteRequest], means: DeleteMeans) -> (Vec<usize>, Vec<usize>) {
    let mut times: HashMap<&ObjectKey, u32> = HashMap::with_capacity(batch.len());
    for request in batch {
        *times.entry(&request.key).or_default() += 1;
    }
    (0..batch.len()).partition(|index| {
        batch.get(*index).is_some_and(|request| {
            // An answer names keys only, so a key that is there twice would get one answer for two questions.
            means != DeleteMeans::SingleEtag && times.get(&request.key) == Some(&1) && survives_xml(&request.key)
        })
    })
}

/// Tells whether a key reaches the server unchanged within XML.
///
/// XML 1.0 has no characters below U+0020 but tab and line ends (section 2.2), makes one of two line ends (2.11), and
/// some servers trim blanks off the ends of a text.
fn survives_xml(key: &ObjectKey) -> bool {
    let text = key.as_str();
    text.trim() == text && !text.chars().any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}

/// Asks the guard and sends a request, unless signing comes too late after the guard's word; then the guard is asked
/// again.
async fn sign<T, F>(guard: &dyn SignGuard, send: impl Fn(Gate) -> F) -> Sent<T>
where
    F: Future<Output = Result<T, Failure>>,
{
    for _ in 0..TRIES_TO_SIGN {
        if let Err(refused) = guard.may_sign() {
            return Sent::No(Unsent::Guard(refused));
        }
        let gate = Gate::open();
        hit(Point::DeleteSending);
        let result = send(gate.clone()).await;
        hit(Point::DeleteAnswered);
        match (gate.state(), result) {
            (GateState::Passed, Ok(output)) => return Sent::Answered(output),
            (GateState::Passed, Err(failure)) => return Sent::Failed(failure),
            (GateState::Late, _) => {}
            (GateState::Open, Err(failure)) => return Sent::No(Unsent::Failure(failure)),
            // Cannot be: an answer to a request that was not signed. It is not taken for one.
            (GateState::Open, Ok(_)) => return Sent::Failed(Failure::default()),
        }
    }
    let reason = format!("signing took longer than {WORD_IS_GOOD_FOR:?}, {TRIES_TO_SIGN} times");
    Sent::No(Unsent::Guard(SignRefused(reason)))
}

/// Stands just before the signature, and remembers whether the request went through.
#[derive(Clone, Debug)]
struct Gate {
    opened: Instant,
    state: Arc<Mutex<GateState>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GateState {
    Open,
    Passed,
    Late,
}

impl Gate {
    fn open() -> Self {
        Self { opened: Instant::now(), state: Arc::new(Mutex::new(GateState::Open)) }
    }

    fn state(&self) -> GateState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Gate {
    fn name(&self) -> &'static str {
        "SignGuard"
    }

    fn modify_before_signing(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            GateState::Open if self.opened.elapsed() <= WORD_IS_GOOD_FOR => {
                *state = GateState::Passed;
                Ok(())
            }
            GateState::Open => {
                *state = GateState::Late;
                Err("the guard was asked too long ago".into())
            }
            // A second signature would be a repetition, whatever the client's settings say.
            GateState::Passed => Err("a deletion is never signed twice".into()),
            GateState::Late => Err("the guard was asked too long ago".into()),
        }
    }
}

/// Replaces the CRC32 that the AWS client puts on DeleteObjects by `Content-MD5`.
#[derive(Debug)]
struct ContentMd5;

impl Intercept for ContentMd5 {
    fn name(&self) -> &'static str {
        "ContentMd5"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let body = request.body().bytes().ok_or("the body of DeleteObjects is not in memory")?;
        let sum = STANDARD.encode(Md5::digest(body));
        let headers = request.headers_mut();
        headers.remove("x-amz-checksum-crc32");
        headers.remove("x-amz-sdk-checksum-algorithm");
        headers.insert("content-md5", sum);
        Ok(())
    }
}

fn unsent(call: Call<'_>, why: Unsent) -> DeleteOutcome {
    DeleteOutcome::Refused(match why {
        Unsent::Guard(refused) => Error::SignRefused(refused),
        Unsent::Failure(failure) => failure.into_error(call),
    })
}

/// The outcome of a request for one key that was signed, and failed.
fn failed(call: Call<'_>, failure: Failure) -> DeleteOutcome {
    if failure.is_precondition() {
        return DeleteOutcome::Changed;
    }
    if failure.is_missing_object() {
        return DeleteOutcome::AlreadyGone;
    }
    let refused = failure.was_refused();
    let error = failure.into_error(call);
    if refused { DeleteOutcome::Refused(error) } else { DeleteOutcome::Unknown(error) }
}

fn one_outcome(call: Call<'_>, target: &DeleteTarget, output: &DeleteObjectOutput) -> DeleteOutcome {
    gone(call, target, output.delete_marker() == Some(true), output.version_id())
}

/// The outcome of a deletion that the server says it has done; `version` is that of the marker.
fn gone(call: Call<'_>, target: &DeleteTarget, is_marker: bool, version: Option<&str>) -> DeleteOutcome {
    match (target, is_marker, version) {
        // Whether it was there is told by some servers only.
        (DeleteTarget::OwnMarker(_), _, _) => DeleteOutcome::Deleted { marker: None },
        (DeleteTarget::Current { .. }, true, Some(version)) => {
            DeleteOutcome::Deleted { marker: Some(VersionId::new(version)) }
        }
        (DeleteTarget::Current { .. }, true, None) => {
            DeleteOutcome::Unknown(call.protocol("a delete marker was placed, but the answer does not name it"))
        }
        (DeleteTarget::Current { .. }, false, _) => DeleteOutcome::Deleted { marker: None },
    }
}

/// What a DeleteObjects answer says of each key.
struct Answers<'a> {
    deleted: HashMap<&'a str, (bool, Option<&'a str>)>,
    errors: HashMap<&'a str, (&'a str, &'a str)>,
}

impl<'a> Answers<'a> {
    fn read(output: &'a DeleteObjectsOutput) -> Self {
        let deleted = output.deleted().iter().filter_map(|object| {
            let marker = object.delete_marker() == Some(true);
            Some((object.key()?, (marker, object.delete_marker_version_id())))
        });
        let errors = output.errors().iter().filter_map(|error| {
            Some((error.key()?, (error.code().unwrap_or_default(), error.message().unwrap_or_default())))
        });
        Self { deleted: deleted.collect(), errors: errors.collect() }
    }

    fn outcome(&self, call: Call<'_>, request: &DeleteRequest) -> DeleteOutcome {
        let key = request.key.as_str();
        match (self.deleted.get(key), self.errors.get(key)) {
            (Some((is_marker, version)), None) => gone(call, &request.target, *is_marker, *version),
            (None, Some((code, message))) => key_error(call, code, message),
            (Some(_), Some(_)) => DeleteOutcome::Unknown(call.protocol("the answer says both deleted and failed")),
            (None, None) => DeleteOutcome::Unknown(call.protocol("the answer does not name the key")),
        }
    }
}

/// The outcome of an error for one key; only codes that are known to mean that nothing was done are refusals.
fn key_error(call: Call<'_>, code: &str, message: &str) -> DeleteOutcome {
    let failure = |status: u16| Failure::told(status, code, message);
    match code {
        "PreconditionFailed" | "ConditionalRequestConflict" => DeleteOutcome::Changed,
        "NoSuchKey" | "NoSuchVersion" => DeleteOutcome::AlreadyGone,
        "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "ObjectLocked" | "InvalidObjectState" => {
            DeleteOutcome::Refused(Error::AccessDenied {
                operation: call.operation,
                object: call.object(),
                source: Box::new(crate::error::Cause(failure(403).describe())),
            })
        }
        "InvalidRequest" | "InvalidArgument" | "InvalidTag" | "KeyTooLongError" | "MalformedXML"
        | "MethodNotAllowed" | "NotImplemented" => DeleteOutcome::Refused(failure(400).into_error(call)),
        _ => DeleteOutcome::Unknown(failure(500).into_error(call)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(key: &str) -> DeleteRequest {
        let target = DeleteTarget::Current { if_match: s3gc_store::ETag::new("e") };
        DeleteRequest { key: ObjectKey::new(key).unwrap(), target }
    }

    #[test]
    fn keys_that_xml_would_change_go_alone() {
        let batch = ["a", "b\u{1}", " c", "d\re", "f\u{FFFE}", "g", "g", "h i"].map(request);
        let (together, alone) = divide(&batch, DeleteMeans::BatchEtag);
        assert_eq!((together, alone), (vec![0, 7], vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(divide(&batch, DeleteMeans::SingleEtag).1.len(), 8);
    }

    #[test]
    fn an_unknown_error_code_of_a_key_is_unknown() {
        let (location, key) = (s3gc_store::Location::aws("b"), ObjectKey::new("k").unwrap());
        let call = Call { operation: "DeleteObjects", location: &location, region: "r", key: Some(&key) };
        for code in ["InternalError", "SlowDown", "ServiceUnavailable", "", "Whatever"] {
            assert!(matches!(key_error(call, code, ""), DeleteOutcome::Unknown(_)), "{code}");
        }
        assert!(matches!(key_error(call, "AccessDenied", ""), DeleteOutcome::Refused(Error::AccessDenied { .. })));
        assert!(matches!(key_error(call, "PreconditionFailed", ""), DeleteOutcome::Changed));
    }
}
