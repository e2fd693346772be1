//! Amazon stores any string as `Expires`; `s3s` takes only dates.

use hyper::header::{AUTHORIZATION, EXPIRES, HeaderMap, HeaderName};
use hyper::http::Extensions;
use hyper::{Method, Request, Uri};
use s3s::route::S3Route;
use s3s::service::S3Service;
use s3s::{Body, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

/// Carries `Expires` past the parser.
pub(super) static ANY_EXPIRES: HeaderName = HeaderName::from_static("x-s3gc-mem-expires");

/// Takes a write with an `Expires` header, once its signature was checked, to the same operations by another name of
/// that header.
pub(super) struct AnyExpires {
    inside: S3Service,
}

impl AnyExpires {
    /// `inside` checks no signatures.
    pub(super) fn new(inside: S3Service) -> Self {
        Self { inside }
    }
}

#[async_trait::async_trait]
impl S3Route for AnyExpires {
    fn is_match(&self, method: &Method, _: &Uri, headers: &HeaderMap, _: &mut Extensions) -> bool {
        (method == Method::PUT || method == Method::POST) && headers.contains_key(EXPIRES)
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let mut inside = Request::new(request.input);
        *inside.method_mut() = request.method;
        *inside.uri_mut() = request.uri;
        *inside.headers_mut() = request.headers;
        let headers = inside.headers_mut();
        if let Some(expires) = headers.remove(EXPIRES) {
            headers.insert(&ANY_EXPIRES, expires);
        }
        // The signature is checked, and the body has been taken out of its frames.
        headers.remove(AUTHORIZATION);
        for name in ["x-amz-content-sha256", "x-amz-date", "x-amz-decoded-content-length", "x-amz-trailer"] {
            headers.remove(name);
        }
        let unexpected = |error| S3Error::with_source(S3ErrorCode::InternalError, error);
        let (parts, body) = self.inside.call(inside).await.map_err(|error| unexpected(error.into()))?.into_parts();
        let mut response = S3Response::with_status(body, parts.status);
        response.headers = parts.headers;
        Ok(response)
    }
}
