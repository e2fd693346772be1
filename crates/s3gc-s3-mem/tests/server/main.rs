//! Drives the server with Amazon's own client.

#![expect(clippy::disallowed_methods, reason = "the deletes here are the subject of the test, on a server in memory")]
#![expect(clippy::unwrap_used, reason = "a helper of a test fails like the test")]

mod deletes;
mod faults;
mod listings;
mod objects;
mod protocol;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use s3gc_s3_mem::{ACCESS_KEY, Bucket, Options, S3Mem, SECRET_KEY};

/// Starts a server with one bucket, and a client for it.
async fn start() -> (S3Mem, Bucket, Client) {
    let server = S3Mem::start(Options::default().bucket("photos")).await.unwrap();
    let bucket = server.bucket("photos");
    let client = client(&server, "us-east-1", SECRET_KEY);
    (server, bucket, client)
}

fn client(server: &S3Mem, region: &str, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(server.endpoint())
        .force_path_style(true)
        .credentials_provider(Credentials::new(ACCESS_KEY, secret, None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    Client::from_conf(config.build())
}

/// Returns the error code of a failed call.
fn code<T: std::fmt::Debug, E>(result: Result<T, E>) -> String
where
    E: aws_sdk_s3::error::ProvideErrorMetadata,
{
    result.err().and_then(|error| error.code().map(ToOwned::to_owned)).unwrap_or_else(|| "no code".to_owned())
}
