//! What is done to single requests on their way.

use std::error::Error as StdError;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue};

/// Lets an S3 upload in parts end only where no file has its name, and knows servers that want no conditions.
///
/// `object_store` sends `If-None-Match: *` with a single PUT, and has no way to ask for it at the end of an upload in
/// parts. The header is not among the signed ones there, which S3 does not ask for.
#[derive(Debug)]
pub(crate) struct Conditions {
    /// Whether uploads in parts may end on condition.
    pub(crate) at_completion: bool,
}

impl HttpConnector for Conditions {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Service { inner, at_completion: AtomicBool::new(self.at_completion) }))
    }
}

#[derive(Debug)]
struct Service {
    inner: HttpClient,
    at_completion: AtomicBool,
}

/// The server answers 501 to a condition. Many S3-compatible servers do.
#[derive(Debug, thiserror::Error)]
#[error("the server takes no If-Match and If-None-Match (501 Not Implemented)")]
pub(crate) struct NoConditions;

#[async_trait]
impl HttpService for Service {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let completes = request.method().as_str() == "POST"
            && request.uri().query().is_some_and(|query| query.split('&').any(|pair| pair.starts_with("uploadId=")));
        if completes && self.at_completion.load(Ordering::Relaxed) {
            let plain = request.clone();
            request.headers_mut().insert("if-none-match", HeaderValue::from_static("*"));
            let response = self.inner.execute(request).await?;
            if !is_not_implemented(&response) {
                return Ok(response);
            }
            self.at_completion.store(false, Ordering::Relaxed);
            return self.inner.execute(plain).await;
        }
        let writes = matches!(request.method().as_str(), "PUT" | "POST");
        let conditional = ["if-match", "if-none-match"].iter().any(|name| request.headers().contains_key(*name));
        let response = self.inner.execute(request).await?;
        if writes && conditional && is_not_implemented(&response) {
            // As an answer it would be asked for again and again, like any other of the 500s.
            return Err(HttpError::new(HttpErrorKind::Unknown, NoConditions));
        }
        Ok(response)
    }
}

fn is_not_implemented(response: &HttpResponse) -> bool {
    response.status().as_u16() == 501
}

/// Tells whether the server takes no conditions at all.
pub(crate) fn takes_no_conditions(error: &object_store::Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<NoConditions>() {
            return true;
        }
        cause = error.source();
    }
    false
}
