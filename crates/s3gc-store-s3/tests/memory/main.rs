//! The store against an S3 server in memory, over HTTP.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails like the test")]
#![expect(clippy::disallowed_methods, reason = "the deletes here are the subject of the test, on a server in memory")]

mod acls;
mod connect;
mod deletes;
mod listings;
mod reads;
mod uploads;

use bytes::Bytes;
use futures::{StreamExt, stream};
use s3gc_s3_mem::{ACCESS_KEY, Bucket, Options, S3Mem, SECRET_KEY};
use s3gc_store::{ByteStream, ObjectKey, ObjectMeta, Result};
use s3gc_store_s3::{S3Config, S3Store};

async fn start() -> (S3Mem, Bucket, S3Store) {
    let server = S3Mem::start(Options::default().bucket("photos")).await.unwrap();
    let store = S3Store::connect(config(&server)).await.unwrap();
    let bucket = server.bucket("photos");
    (server, bucket, store)
}

fn config(server: &S3Mem) -> S3Config {
    S3Config::new("photos").with_endpoint(server.endpoint()).with_credentials(ACCESS_KEY, SECRET_KEY, None)
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

fn body(pieces: &[&'static str]) -> ByteStream {
    stream::iter(pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))).collect::<Vec<_>>()).boxed()
}

fn meta_for(bytes: usize) -> ObjectMeta {
    ObjectMeta::new(u64::try_from(bytes).unwrap())
}

async fn text(body: ByteStream) -> Result<String> {
    Ok(String::from_utf8(s3gc_store::read_all(body).await?.to_vec()).unwrap())
}
