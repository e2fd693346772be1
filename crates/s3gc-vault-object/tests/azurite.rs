//! The contract on Azure Blob Storage, as far as its emulator goes: `scripts/azurite.sh`.

#![cfg(feature = "azure")]
#![expect(clippy::unwrap_used, reason = "a fixture fails like the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use s3gc_testkit::servers::{Skip, require};
use s3gc_testkit::suites::vault::Fixture;
use s3gc_vault_object::{ObjectConfig, ObjectVault, Provider};

/// A vault under a prefix of its own. Where the emulator is the client reads from the environment, and which container
/// from this.
async fn container(part_bytes: u64) -> Option<Fixture> {
    const CONTAINER: &str = "S3GC_TEST_AZURITE";
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let missing = |_| Skip::new("azurite", format!("{CONTAINER} is not set (scripts/azurite.sh)"));
    let container = require(std::env::var(CONTAINER).map_err(missing))?;
    let prefix = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut config = ObjectConfig::new(Provider::Azure, container, prefix);
    config.part_bytes = part_bytes;
    config.storage_class = Some("Cool".to_owned());
    let vault = ObjectVault::connect(config.clone()).await.unwrap();
    Some(Fixture::new(Arc::new(vault)).with_reopen(move || {
        let config = config.clone();
        let connect = std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(ObjectVault::connect(config))
        });
        Arc::new(connect.join().unwrap().unwrap())
    }))
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
        let Some(fixture) = container(4).await else { return };
        clause_01_a_put_is_durable_when_it_returns_and_invisible_before(&fixture).await;
        let Some(fixture) = container(4).await else { return };
        clause_03_a_body_that_fails_or_has_another_length_leaves_nothing(&fixture).await;
        let Some(fixture) = container(16 << 10).await else { return };
        clause_04_a_range_is_exact_or_an_error(&fixture).await;
    }
}
