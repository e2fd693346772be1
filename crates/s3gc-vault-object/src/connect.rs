//! The clients of the providers.

use std::sync::Arc;
use std::time::Duration;

use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use crate::config::{ObjectConfig, Provider};
use crate::error::Cause;
use crate::http::Conditions;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the answer to a request may take to begin, the sending of a part included, and each piece of it to come.
const READ: Duration = Duration::from_secs(120);

/// A client, and the unique name of what it leads to.
pub(crate) struct Connected {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The bucket's name, without a slash behind it.
    pub(crate) location: String,
}

pub(crate) async fn connect(config: &ObjectConfig) -> Result<Connected, object_store::Error> {
    if config.bucket.is_empty() || config.bucket.contains(['/', '@', '?', '#', ' ']) {
        return Err(wrong(format!("{:?} is not the name of a bucket", config.bucket)));
    }
    if config.provider != Provider::S3 {
        let given = [
            ("region", config.region.is_some()),
            ("path_style", config.path_style.is_some()),
            ("encryption", config.encryption.is_some()),
            ("credentials", config.credentials.is_some()),
            ("checksums", config.checksums.is_some()),
        ];
        if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
            return Err(wrong(format!("only S3 has {name}")));
        }
    }
    match config.provider {
        #[cfg(feature = "aws")]
        Provider::S3 => s3(config).await,
        #[cfg(feature = "gcp")]
        Provider::Gcs => gcs(config),
        #[cfg(feature = "azure")]
        Provider::Azure => azure(config),
        #[allow(unreachable_patterns, reason = "all of them are there with all features")]
        other => Err(wrong(format!("this build was made without the client of {other:?}"))),
    }
}

fn wrong(reason: impl Into<String>) -> object_store::Error {
    object_store::Error::Generic { store: "vault", source: Cause::boxed(reason) }
}

fn options(config: &ObjectConfig) -> ClientOptions {
    let http = config.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let options = ClientOptions::new().with_timeout_disabled().with_read_timeout(READ).with_connect_timeout(CONNECT);
    if http { options.with_allow_http(true) } else { options }
}

fn retries() -> RetryConfig {
    RetryConfig { backoff: BackoffConfig::default(), max_retries: 5, retry_timeout: Duration::from_secs(180) }
}

#[cfg(feature = "aws")]
async fn s3(config: &ObjectConfig) -> Result<Connected, object_store::Error> {
    use aws_config::{BehaviorVersion, Region};
    use object_store::StaticCredentialProvider;
    use object_store::aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider, Checksum, S3ConditionalPut};
    use secrecy::ExposeSecret as _;

    // An S3-compatible server rarely cares for the region; us-east-1 is what they are shipped with.
    let region = config.region.clone().or_else(|| config.endpoint.as_ref().map(|_| "us-east-1".to_owned()));
    let (region, credentials): (_, AwsCredentialProvider) = match (&config.credentials, region) {
        (Some(given), Some(region)) => {
            let credential = AwsCredential {
                key_id: given.access_key_id.clone(),
                secret_key: given.secret_access_key.expose_secret().to_owned(),
                token: given.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            };
            (Some(region), Arc::new(StaticCredentialProvider::new(credential)))
        }
        (given, region) => {
            let mut loader = aws_config::defaults(BehaviorVersion::latest());
            if let Some(region) = region {
                loader = loader.region(Region::new(region));
            }
            if let Some(given) = given {
                loader = loader.credentials_provider(aws_credential_types::Credentials::new(
                    &given.access_key_id,
                    given.secret_access_key.expose_secret(),
                    given.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
                    None,
                    "configuration",
                ));
            }
            let shared = loader.load().await;
            let provider = shared.credentials_provider().ok_or_else(|| wrong("there are no AWS credentials"))?;
            (shared.region().map(ToString::to_string), Arc::new(crate::credentials::Chain::new(provider)))
        }
    };
    let region = region.ok_or_else(|| wrong("no region is known: set the vault's region, or AWS_REGION"))?;
    let bucket = &config.bucket;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_credentials(credentials)
        .with_client_options(options(config))
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_disable_bulk_delete(true)
        .with_disable_tagging(true)
        .with_http_connector(Conditions { at_completion: true })
        .with_retry(retries());
    // The client wants the bucket's name within the host here.
    let host_style = |server: &str| match server.split_once("://") {
        Some((scheme, host)) => format!("{scheme}://{bucket}.{host}"),
        None => server.to_owned(),
    };
    let (server, location, path_style) = match &config.endpoint {
        Some(endpoint) => {
            let server = endpoint.trim_end_matches('/').to_owned();
            let location = format!("s3+{server}/{bucket}");
            (server, location, config.path_style.unwrap_or(true))
        }
        None => {
            let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            // No certificate of AWS is for a name of several parts.
            let path_style = config.path_style.unwrap_or(bucket.contains('.'));
            (format!("https://s3.{region}.{domain}"), format!("s3://{bucket}"), path_style)
        }
    };
    let server = if path_style { server } else { host_style(&server) };
    builder = builder.with_region(region).with_virtual_hosted_style_request(!path_style).with_endpoint(server);
    if config.checksums.unwrap_or(config.endpoint.is_none()) {
        builder = builder.with_checksum_algorithm(Checksum::SHA256);
    }
    builder = encrypted(builder, config)?;
    Ok(Connected { store: Arc::new(builder.build()?), location })
}

#[cfg(feature = "aws")]
fn encrypted(
    builder: object_store::aws::AmazonS3Builder,
    config: &ObjectConfig,
) -> Result<object_store::aws::AmazonS3Builder, object_store::Error> {
    use crate::config::Encryption;

    let kind = "aws_server_side_encryption".parse()?;
    Ok(match &config.encryption {
        None => builder,
        Some(Encryption::Aes256) => builder.with_config(kind, "AES256"),
        Some(Encryption::Kms(None)) => builder.with_config(kind, "aws:kms"),
        Some(Encryption::Kms(Some(id))) => builder.with_sse_kms_encryption(id),
    })
}

#[cfg(feature = "gcp")]
fn gcs(config: &ObjectConfig) -> Result<Connected, object_store::Error> {
    use object_store::gcp::GoogleCloudStorageBuilder;

    let mut builder = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(&config.bucket)
        .with_client_options(options(config))
        .with_http_connector(Conditions { at_completion: false })
        .with_retry(retries());
    let mut location = format!("gs://{}", config.bucket);
    if let Some(endpoint) = &config.endpoint {
        let server = endpoint.trim_end_matches('/');
        builder = builder.with_base_url(server);
        location = format!("gs+{server}/{}", config.bucket);
    }
    Ok(Connected { store: Arc::new(builder.build()?), location })
}

#[cfg(feature = "azure")]
fn azure(config: &ObjectConfig) -> Result<Connected, object_store::Error> {
    use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};

    let mut builder = MicrosoftAzureBuilder::from_env()
        .with_container_name(&config.bucket)
        .with_client_options(options(config))
        .with_http_connector(Conditions { at_completion: false })
        .with_retry(retries());
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
    }
    let account = builder.get_config_value(&AzureConfigKey::AccountName);
    let account = account.ok_or_else(|| wrong("no account is known: set AZURE_STORAGE_ACCOUNT_NAME"))?;
    // The same container of another account is another place.
    let location = format!("az://{}@{account}", config.bucket);
    Ok(Connected { store: Arc::new(builder.build()?), location })
}
