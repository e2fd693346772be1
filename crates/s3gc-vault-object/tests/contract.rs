//! The contract of every vault, in buckets: on a server in memory, as strict as Amazon's and as lax as others, on
//! moto and on Ceph's radosgw, which others wrote.

#![expect(clippy::unwrap_used, reason = "a fixture fails like the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use s3gc_s3_mem::{ACCESS_KEY, Options, S3Mem, SECRET_KEY};
use s3gc_testkit::servers::{Moto, Radosgw};
use s3gc_testkit::suites::vault::Fixture;
use s3gc_vault_object::{ObjectConfig, ObjectVault, Provider, StaticCredentials};

/// A file of more bytes goes in parts: most of those of the suite, but for the least.
const SMALL: u64 = 8 << 10;

fn config(endpoint: &str, bucket: &str, keys: [&str; 2]) -> ObjectConfig {
    let mut config = ObjectConfig::new(Provider::S3, bucket, "backups/s3gc");
    config.endpoint = Some(endpoint.to_owned());
    config.credentials = Some(StaticCredentials::new(keys[0], keys[1], None));
    config
}

async fn fixture(config: ObjectConfig) -> Fixture {
    let vault = ObjectVault::connect(config.clone()).await.unwrap();
    Fixture::new(Arc::new(vault)).with_reopen(move || {
        let config = config.clone();
        let connect = std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(ObjectVault::connect(config))
        });
        Arc::new(connect.join().unwrap().unwrap())
    })
}

async fn memory(change: impl FnOnce(&mut ObjectConfig)) -> Fixture {
    let server = S3Mem::start(Options::default().bucket("vault")).await.unwrap();
    let mut config = config(&server.endpoint(), "vault", [ACCESS_KEY, SECRET_KEY]);
    change(&mut config);
    fixture(config).await.with_kept(server)
}

mod whole {
    use super::*;

    s3gc_testkit::vault_backend_suite!(memory(|_| {}).await);
}

mod in_parts {
    use super::*;

    s3gc_testkit::vault_backend_suite!(
        memory(|config| {
            config.part_bytes = SMALL;
            config.checksums = Some(true);
            config.prefix = String::new();
        })
        .await
    );
}

/// A server that answers 501 to conditions. Two writers of one name at a time are not kept apart there, which the second
/// clause asks for.
mod without_conditions {
    use s3gc_testkit::suites::vault::*;

    use super::*;

    async fn lax() -> Fixture {
        let server = S3Mem::start(Options::default().bucket("vault")).await.unwrap();
        server.quirks(|quirks| quirks.refuse_conditions_on_put = true);
        let mut config = config(&server.endpoint(), "vault", [ACCESS_KEY, SECRET_KEY]);
        config.part_bytes = 64 << 10;
        fixture(config).await.with_kept(server)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn all_other_clauses_hold() {
        clause_01_a_put_is_durable_when_it_returns_and_invisible_before(&lax().await).await;
        clause_03_a_body_that_fails_or_has_another_length_leaves_nothing(&lax().await).await;
        clause_04_a_range_is_exact_or_an_error(&lax().await).await;
        clause_06_list_yields_every_file_under_a_prefix_once(&lax().await).await;
        clause_08_swap_succeeds_for_one_caller(&lax().await).await;
    }
}

/// Makes a bucket of its own on a real server.
async fn bucket(endpoint: &str, keys: [&str; 2], checksums: bool) -> Fixture {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("vault-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let client = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(Credentials::new(keys[0], keys[1], None, None, "test"));
    Client::from_conf(client.build()).create_bucket().bucket(&name).send().await.unwrap();
    let mut config = config(endpoint, &name, keys);
    config.checksums = Some(checksums);
    fixture(config).await
}

mod moto {
    use super::*;

    s3gc_testkit::vault_backend_suite!(match Moto::shared() {
        Some(moto) => Some(bucket(&moto.endpoint(), [Moto::ACCESS_KEY, Moto::SECRET_KEY], true).await),
        None => None,
    });
}

/// Ceph's, where it is asked for: it takes a quarter of a minute to start.
mod radosgw {
    use super::*;

    s3gc_testkit::vault_backend_suite!(match Radosgw::shared() {
        Some(radosgw) => Some(bucket(&radosgw.endpoint(), [Radosgw::ACCESS_KEY, Radosgw::SECRET_KEY], false).await),
        None => None,
    });

    #[tokio::test(flavor = "multi_thread")]
    async fn it_compares_entity_tags_without_quotes_so_there_is_a_lease() {
        let Some(radosgw) = Radosgw::shared() else { return };
        let fixture = bucket(&radosgw.endpoint(), [Radosgw::ACCESS_KEY, Radosgw::SECRET_KEY], false).await;
        fixture.vault.lease().unwrap().probe().await.unwrap();
    }
}
