//! The contract on Azure Blob Storage and Google Cloud Storage, as far as emulators of them go: `scripts/clouds.sh`.

#![expect(clippy::unwrap_used, reason = "a fixture fails like the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use s3gc_testkit::servers::{Skip, require};
use s3gc_testkit::suites::vault::Fixture;
use s3gc_vault_object::{ObjectConfig, ObjectVault, Provider};

/// Reads the address of an emulator, or says why the test is skipped.
fn address(service: &'static str, variable: &str) -> Option<String> {
    require(std::env::var(variable).map_err(|_| Skip::new(service, format!("{variable} is not set"))))
}

/// A vault under a prefix of its own, which goes up whole, or in parts.
async fn fixture(mut config: ObjectConfig, part_bytes: u64) -> Fixture {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    config.prefix = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    config.part_bytes = part_bytes;
    let vault = ObjectVault::connect(config.clone()).await.unwrap();
    Fixture::new(Arc::new(vault)).with_reopen(move || {
        let config = config.clone();
        let connect = std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(ObjectVault::connect(config))
        });
        Arc::new(connect.join().unwrap().unwrap())
    })
}

#[cfg(feature = "azure")]
mod azurite {
    use super::*;

    /// Where it is the client reads from the environment, and which container from this.
    async fn container(part_bytes: u64) -> Option<Fixture> {
        let container = address("azurite", "S3GC_TEST_AZURITE")?;
        Some(fixture(ObjectConfig::new(Provider::Azure, container, ""), part_bytes).await)
    }

    mod whole {
        s3gc_testkit::vault_backend_suite!(super::container(8 << 20).await);
    }

    mod in_parts {
        use s3gc_testkit::suites::vault::*;

        use super::container;

        /// All but the race of the second clause: the end of an upload in parts takes no condition there.
        #[tokio::test(flavor = "multi_thread")]
        async fn what_is_promised_holds() {
            let Some(fixture) = container(64 << 10).await else { return };
            clause_03_a_body_that_fails_or_has_another_length_leaves_nothing(&fixture).await;
            let Some(fixture) = container(64 << 10).await else { return };
            clause_04_a_range_is_exact_or_an_error(&fixture).await;
        }
    }
}

#[cfg(feature = "gcp")]
mod gcs {
    use super::*;

    async fn bucket(part_bytes: u64) -> Option<Fixture> {
        let endpoint = address("gcs", "S3GC_TEST_GCS")?;
        let mut config = ObjectConfig::new(Provider::Gcs, "vault", "");
        config.endpoint = Some(endpoint);
        Some(fixture(config, part_bytes).await)
    }

    mod whole {
        s3gc_testkit::vault_backend_suite!(super::bucket(8 << 20).await);
    }
}
