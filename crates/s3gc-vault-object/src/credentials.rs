//! The credentials of the AWS chain, as `object_store` takes them.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use tokio::sync::Mutex;

use crate::error::Cause;

/// For how long before their end credentials are asked for anew.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// For how long credentials without an end are believed: somebody may have written new ones into a profile.
const WITHOUT_END: Duration = Duration::from_secs(15 * 60);

/// Environment, profile, SSO, web identity, container, instance: what the AWS SDK finds, kept until it ends.
#[derive(Debug)]
pub(crate) struct Chain {
    provider: SharedCredentialsProvider,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    credential: Arc<AwsCredential>,
    until: SystemTime,
}

impl Chain {
    pub(crate) fn new(provider: SharedCredentialsProvider) -> Self {
        Self { provider, kept: Mutex::new(None) }
    }
}

#[async_trait]
impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        #[expect(clippy::disallowed_methods, reason = "the end of credentials is a time of the system's clock")]
        let now = SystemTime::now();
        let mut kept = self.kept.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| now < kept.until) {
            return Ok(Arc::clone(&kept.credential));
        }
        let found =
            self.provider.provide_credentials().await.map_err(|error| object_store::Error::Unauthenticated {
                path: "the AWS credential chain".to_owned(),
                source: Cause::boxed(format!(
                    "{error}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or access_key_id and \
                 secret_access_key of the vault"
                )),
            })?;
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(ToOwned::to_owned),
        });
        let until = found.expiry().map_or(now + WITHOUT_END, |end| end.checked_sub(MARGIN).unwrap_or(now));
        *kept = Some(Kept { credential: Arc::clone(&credential), until });
        Ok(credential)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use aws_credential_types::Credentials;
    use aws_credential_types::provider::{error::CredentialsError, future};

    use super::*;

    /// Credentials that end after this long, numbered.
    #[derive(Debug)]
    struct Numbered(AtomicU32, Option<Duration>);

    impl ProvideCredentials for Numbered {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            #[expect(clippy::disallowed_methods, reason = "as in the code under test")]
            let end = self.1.map(|life| SystemTime::now() + life);
            if number > 1 {
                return future::ProvideCredentials::ready(Err(CredentialsError::not_loaded("no more")));
            }
            let token = Some("token".to_owned());
            future::ProvideCredentials::ready(Ok(Credentials::new(format!("key{number}"), "s", token, end, "test")))
        }
    }

    async fn keys(life: Option<Duration>) -> [String; 2] {
        let chain = Chain::new(SharedCredentialsProvider::new(Numbered(AtomicU32::new(0), life)));
        let first = chain.get_credential().await.unwrap();
        assert_eq!(first.token.as_deref(), Some("token"));
        [first.key_id.clone(), chain.get_credential().await.unwrap().key_id.clone()]
    }

    #[tokio::test]
    async fn credentials_are_kept_until_shortly_before_their_end() {
        assert_eq!(keys(None).await, ["key0", "key0"]);
        assert_eq!(keys(Some(Duration::from_secs(3600))).await, ["key0", "key0"]);
        assert_eq!(keys(Some(Duration::from_secs(60))).await, ["key0", "key1"]);
    }

    #[tokio::test]
    async fn i12_a_chain_without_credentials_says_what_to_do() {
        let chain = Chain::new(SharedCredentialsProvider::new(Numbered(AtomicU32::new(2), None)));
        let error = chain.get_credential().await.unwrap_err().to_string();
        assert!(error.contains("AWS_PROFILE"), "{error}");
    }
}
