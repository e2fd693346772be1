//! From the errors of `object_store` to those of a vault.

use object_store::Error as StoreError;
use s3gc_vault::{BoxError, Error};

/// By which servers say that there is no room: Ceph and MinIO, MinIO, any.
const FULL: [&str; 3] = ["QuotaExceeded", "XMinioStorageFull", "507 Insufficient"];
/// By which they say that there is no such bucket: S3 and GCS, Azure. An answer to HEAD says nothing.
const NO_BUCKET: [&str; 2] = ["NoSuchBucket", "ContainerNotFound"];
/// By which they say that somebody may not do it.
const DENIED: [&str; 2] = ["403 Forbidden", "401 Unauthorized"];

/// A cause in words: `object_store` writes the causes of an error into its text, so a chain of them would say everything
/// three times.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Cause(pub(crate) String);

impl Cause {
    pub(crate) fn boxed(text: impl Into<String>) -> BoxError {
        Box::new(Self(text.into()))
    }
}

/// Makes the error of a vault.
pub(crate) fn failure(vault: &str, operation: &'static str, name: &str, error: &StoreError) -> Error {
    let text = words(&error.to_string());
    let (vault, name) = (vault.to_owned(), name.to_owned());
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // The client tells failures of listings by their text alone.
    let is_denied =
        says(&DENIED) || matches!(error, StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. });
    match error {
        _ if says(&NO_BUCKET) => Error::NoBucket { vault, source: Cause::boxed(text) },
        _ if says(&FULL) => Error::Full { vault, name, source: Cause::boxed(text) },
        StoreError::NotFound { .. } => Error::NotFound { vault, name },
        _ if is_denied => Error::Denied { vault, operation, name, source: Cause::boxed(text) },
        _ => Error::Io { vault, operation, name, source: Cause::boxed(text) },
    }
}

/// Puts code and message in the place of an answer in XML.
fn words(text: &str) -> String {
    let Some(start) = text.find("<?xml").or_else(|| text.find("<Error")) else { return text.trim_end().to_owned() };
    let (before, answer) = text.split_at(start);
    let part = |tag: &str| {
        let (_, rest) = answer.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once("</")?.0.trim().to_owned())
    };
    let said: Vec<String> = [part("Code"), part("Message")].into_iter().flatten().filter(|s| !s.is_empty()).collect();
    format!("{} {}", before.trim_end().trim_start_matches('\u{feff}'), said.join(": ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_xml_is_told_by_its_code_and_message() {
        let text = "Error performing PUT http://h/b/k in 1ms - Server returned non-2xx status code: 403 Forbidden: \
                    <?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        assert!(words(text).ends_with("403 Forbidden: AccessDenied: no"), "{}", words(text));
        assert_eq!(words("plain"), "plain");
        assert_eq!(words("x: <Error>"), "x:");
    }

    #[test]
    fn a_full_store_and_a_refusal_are_told_apart() {
        let generic = |text: &str| StoreError::Generic { store: "S3", source: Cause::boxed(text) };
        let full = failure("v", "writing", "f", &generic("<Error><Code>QuotaExceeded</Code></Error>"));
        assert!(matches!(full, Error::Full { .. }), "{full}");
        let denied = StoreError::PermissionDenied { path: "p".into(), source: Cause::boxed("no") };
        assert!(matches!(failure("v", "writing", "f", &denied), Error::Denied { .. }));
        let missing = |text: &str| StoreError::NotFound { path: "p".into(), source: Cause::boxed(text) };
        assert!(matches!(failure("v", "reading", "f", &missing("NoSuchKey")), Error::NotFound { .. }));
        assert!(matches!(failure("v", "reading", "f", &missing("<Code>NoSuchBucket</Code>")), Error::NoBucket { .. }));
    }
}
