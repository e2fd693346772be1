//! The layer between the socket and `s3s`: what S3 says in HTTP before it looks at the operation.

use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::fmt::rfc2822;
use md5::{Digest, Md5};
use s3s::checksum::ChecksumHasher;
use s3s::service::S3Service;
use s3s::{Body, HttpError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::server::Shared;

/// Marks an answer that must not reach the client.
pub(crate) static DROP: HeaderName = HeaderName::from_static("x-s3gc-mem-drop");

static BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// Accepts connections until the task is aborted.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, s3: S3Service) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
        };
        let Ok((stream, _)) = stream else { continue };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let (shared, s3) = (Arc::clone(&shared), s3.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), s3.clone(), request));
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "connection ended");
            }
        });
    }
}

/// Answers one request; an error closes the connection without an answer.
async fn answer(shared: Arc<Shared>, s3: S3Service, request: Request<Incoming>) -> Result<Response<Body>, HttpError> {
    let mut response = match wrong_region(&shared, &request) {
        Some(response) => response,
        None => match checked_delete(request).await {
            Ok(request) => s3.call(request).await?,
            Err(response) => response,
        },
    };
    if response.headers().contains_key(&DROP) {
        return Err(HttpError::new("the connection is closed by a fault".into()));
    }
    if let Some(date) = http_date(&shared) {
        response.headers_mut().insert(DATE, date);
    }
    Ok(response)
}

/// Formats the server's clock for the `Date` header.
fn http_date(shared: &Shared) -> Option<HeaderValue> {
    let text = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&shared.now()).ok()?;
    HeaderValue::try_from(text).ok()
}

/// Refuses a request that is signed for another region, as S3 does.
fn wrong_region(shared: &Shared, request: &Request<Incoming>) -> Option<Response<Body>> {
    let authorization = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let scope = authorization.split("Credential=").nth(1)?;
    let signed = scope.split(',').next()?.split('/').nth(2)?;
    if signed == shared.region {
        return None;
    }
    let region = &shared.region;
    // Requests for us-east-1 go to the global endpoint, which knows where the bucket is and sends the client there.
    let mut response = if signed == "us-east-1" {
        error(StatusCode::MOVED_PERMANENTLY, "PermanentRedirect", "the bucket is in another region", "")
    } else {
        let message = format!("the region '{signed}' is wrong; expecting '{region}'");
        let detail = format!("<Region>{region}</Region>");
        error(StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed", &message, &detail)
    };
    response.headers_mut().insert(&BUCKET_REGION, HeaderValue::try_from(region).ok()?);
    Some(response)
}

/// Compares the body of a DeleteObjects request with its checksums, since `s3s` hands on only what it parsed.
async fn checked_delete(request: Request<Incoming>) -> Result<Request<Body>, Response<Body>> {
    let is_delete = request.method() == Method::POST
        && request.uri().query().is_some_and(|query| query.split('&').any(|p| p == "delete" || p == "delete="));
    if !is_delete {
        return Ok(request.map(Body::from));
    }
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Err(error(StatusCode::BAD_REQUEST, "IncompleteBody", "the body ended early", ""));
    };
    let body = body.to_bytes();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(wanted) = header("content-md5") {
        let sum: [u8; 16] = Md5::digest(&body).into();
        if base64::Engine::encode(&base64::engine::general_purpose::STANDARD, sum) != wanted {
            return Err(error(StatusCode::BAD_REQUEST, "BadDigest", "Content-MD5 does not match", ""));
        }
    }
    if let Some(wanted) = header("x-amz-checksum-crc32") {
        let mut hasher = ChecksumHasher { crc32: Some(s3s::crypto::Crc32::default()), ..ChecksumHasher::default() };
        hasher.update(&body);
        if hasher.finalize().checksum_crc32.as_deref() != Some(wanted) {
            return Err(error(StatusCode::BAD_REQUEST, "BadDigest", "x-amz-checksum-crc32 does not match", ""));
        }
    }
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn error(status: StatusCode, code: &str, message: &str, detail: &str) -> Response<Body> {
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>{detail}</Error>"
    );
    let mut response = Response::new(Body::from(xml));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}
