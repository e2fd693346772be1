//! From the errors of the AWS client to those of a store.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use s3gc_store::{Error, Location, ObjectKey};

/// The header that names a bucket's region in the answer to a request for another one.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// What a request was about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) operation: &'static str,
    pub(crate) location: &'a Location,
    /// The region of the configuration.
    pub(crate) region: &'a str,
    /// `None` for a request about the whole bucket.
    pub(crate) key: Option<&'a ObjectKey>,
}

impl Call<'_> {
    /// Names what the request was about.
    pub(crate) fn object(&self) -> String {
        self.key.map_or_else(|| self.location.to_string(), ToString::to_string)
    }

    /// Says that the store's answer contradicts itself or the protocol.
    pub(crate) fn protocol(&self, reason: impl Into<String>) -> Error {
        Error::Protocol { operation: self.operation, object: self.object(), reason: reason.into() }
    }
}

/// A cause in one line: the AWS client's own chains repeat themselves, and may show whole headers.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Cause(pub(crate) String);

/// What a failed request tells, whatever the operation was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Failure {
    /// The HTTP status, if there was an answer.
    pub(crate) status: Option<u16>,
    pub(crate) code: String,
    pub(crate) message: String,
    region: Option<String>,
    request_id: Option<String>,
    no_credentials: bool,
}

impl Failure {
    /// What an answer says of one key among several.
    pub(crate) fn told(status: u16, code: &str, message: &str) -> Self {
        Self { status: Some(status), code: code.to_owned(), message: message.to_owned(), ..Self::default() }
    }

    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let response = error.raw_response();
        let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
        let code = meta.and_then(|meta| meta.code()).unwrap_or_default().to_owned();
        let message = match meta.and_then(|meta| meta.message()) {
            Some(message) => message.to_owned(),
            // An error answer may have no body; what else there is to say is in the chain.
            None if meta.is_some() && response.is_some_and(|response| !response.status().is_success()) => String::new(),
            None => chain(error),
        };
        Self {
            status: response.map(|response| response.status().as_u16()),
            code,
            message,
            region: response.and_then(|response| response.headers().get(BUCKET_REGION)).map(ToOwned::to_owned),
            request_id: response.and_then(|response| response.request_id()).map(ToOwned::to_owned),
            no_credentials: has_cause::<CredentialsError>(error),
        }
    }

    /// Tells whether the answer shows that the request was refused before anything was done.
    ///
    /// A 4xx is such an answer (RFC 9110, section 15.5); a 5xx is not.
    pub(crate) fn was_refused(&self) -> bool {
        self.status.is_some_and(|status| (300..500).contains(&status))
    }

    /// Tells whether a DeleteObjects request was refused for want of `Content-MD5`.
    pub(crate) fn wants_md5(&self) -> bool {
        self.status == Some(400)
            && (self.code == "MissingContentMD5" || self.message.to_ascii_lowercase().contains("content-md5"))
    }

    pub(crate) fn is_precondition(&self) -> bool {
        self.status == Some(412) || self.code == "PreconditionFailed"
    }

    pub(crate) fn is_missing_object(&self) -> bool {
        matches!(self.code.as_str(), "NoSuchKey" | "NoSuchVersion" | "NotFound")
            || (self.status == Some(404) && self.code.is_empty())
    }

    /// Names the failure in the words of a store.
    pub(crate) fn into_error(self, call: Call<'_>) -> Error {
        let object = call.object();
        let operation = call.operation;
        let location = call.location.to_string();
        if self.code == "NoSuchBucket" || (self.is_missing_object() && call.key.is_none()) {
            return Error::NoSuchStore { location };
        }
        if self.is_other_region(call.region) {
            let actual = self.region.or_else(|| quoted_region(&self.message));
            return Error::WrongRegion { location, configured: call.region.to_owned(), actual };
        }
        if self.is_missing_object() {
            return Error::NotFound { key: object };
        }
        if self.is_precondition() {
            return Error::Precondition { key: object };
        }
        if self.code == "InvalidObjectState" {
            return Error::Archived { key: object };
        }
        if self.status == Some(400) && self.message.contains("Server Side Encryption") {
            return Error::NeedsKey { key: object };
        }
        if self.status == Some(501) || self.code == "NotImplemented" {
            return Error::Unsupported { operation };
        }
        let source = Box::new(Cause(self.describe()));
        match self.code.as_str() {
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "NotSignedUp"
            | "RequestTimeTooSkewed"
            | "TokenRefreshRequired"
            | "InvalidSecurity" => {
                return Error::Credentials { operation, object, source };
            }
            "SlowDown" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded" | "TooManyRequests" => {
                return Error::SlowDown { operation, object, source };
            }
            "RequestTimeout" => return Error::Unavailable { operation, object, source },
            _ => {}
        }
        match self.status {
            None if self.no_credentials => Error::Credentials { operation, object, source },
            Some(401) => Error::Credentials { operation, object, source },
            Some(403) => Error::AccessDenied { operation, object, source },
            Some(429) => Error::SlowDown { operation, object, source },
            None | Some(500..) => Error::Unavailable { operation, object, source },
            // The connection ended within an answer that began well.
            Some(200..300) => Error::Unavailable { operation, object, source },
            Some(_) => Error::Other { operation, object, source },
        }
    }

    /// Tells whether the answer says that there is no lock. `ObjectLockConfigurationNotFoundError` and
    /// `NoSuchObjectLockConfiguration` are a 404; servers without locks answer many things.
    pub(crate) fn has_no_lock(&self) -> bool {
        matches!(self.status, Some(400 | 404 | 405 | 501))
            && !matches!(self.code.as_str(), "NoSuchBucket" | "NoSuchKey")
    }

    /// Takes the answer that there is no lock for what it is, and anything else for an error.
    pub(crate) fn into_no_lock(self, call: Call<'_>) -> Result<(), Error> {
        if self.has_no_lock() { Ok(()) } else { Err(self.into_error(call)) }
    }

    fn is_other_region(&self, configured: &str) -> bool {
        let named = self.region.as_deref().is_some_and(|region| region != configured);
        let told = matches!(self.code.as_str(), "PermanentRedirect" | "AuthorizationHeaderMalformed");
        let moved = matches!(self.status, Some(301 | 307));
        moved || told || (named && self.status == Some(400))
    }

    pub(crate) fn describe(&self) -> String {
        let mut parts = Vec::new();
        if !self.code.is_empty() {
            parts.push(self.code.clone());
        }
        if !self.message.is_empty() {
            parts.push(self.message.clone());
        }
        let mut text = parts.join(": ");
        if let Some(status) = self.status {
            let id = self.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
            text = format!("{text} (HTTP {status}{id})").trim_start().to_owned();
        }
        text
    }
}

/// Names the failure of a request in the words of a store.
pub(crate) fn error<E>(call: Call<'_>, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    Failure::of(error).into_error(call)
}

/// Joins the messages of a chain, each once.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    parts.join(": ")
}

fn has_cause<T: StdError + 'static>(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<T>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// Finds the region in `...; expecting 'eu-west-1'`, which S3 says where it gives no header.
fn quoted_region(message: &str) -> Option<String> {
    let rest = message.split("expecting '").nth(1)?;
    Some(rest.split('\'').next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(failure: Failure, key: Option<&str>) -> Error {
        let (location, key) = (Location::aws("b"), key.map(|key| ObjectKey::new(key).unwrap()));
        failure.into_error(Call { operation: "GetObject", location: &location, region: "r", key: key.as_ref() })
    }

    fn answer(status: u16, code: &str, message: &str) -> Failure {
        Failure::told(status, code, message)
    }

    #[test]
    fn a_missing_object_is_not_a_missing_bucket() {
        assert!(matches!(named(answer(404, "NoSuchKey", ""), Some("k")), Error::NotFound { .. }));
        assert!(matches!(named(answer(404, "", ""), Some("k")), Error::NotFound { .. }));
        assert!(matches!(named(answer(404, "NoSuchBucket", ""), Some("k")), Error::NoSuchStore { .. }));
        assert!(matches!(named(answer(404, "NotFound", ""), None), Error::NoSuchStore { .. }));
    }

    #[test]
    fn only_an_answer_below_500_is_a_refusal() {
        assert!(answer(403, "AccessDenied", "").was_refused());
        assert!(!answer(500, "InternalError", "").was_refused());
        assert!(!answer(503, "SlowDown", "").was_refused());
        assert!(!Failure::default().was_refused());
    }

    #[test]
    fn the_region_is_read_from_the_message_where_there_is_no_header() {
        let message = "The authorization header is malformed; the region 'r' is wrong; expecting 'eu-west-1'";
        match named(answer(400, "AuthorizationHeaderMalformed", message), None) {
            Error::WrongRegion { actual, .. } => assert_eq!(actual.as_deref(), Some("eu-west-1")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn slow_down_and_overload_are_transient_and_denial_is_not() {
        assert!(named(answer(503, "SlowDown", ""), None).is_transient());
        assert!(named(answer(500, "InternalError", ""), None).is_transient());
        assert!(named(Failure::default(), None).is_transient());
        assert!(!named(answer(403, "AccessDenied", ""), None).is_transient());
    }
}
