//! A bucket on one of the servers, behind a proxy, with a collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, ObjectCannedAcl, VersioningConfiguration,
};
use s3gc_core::catalog::AuditFilter;
use s3gc_core::{Gc, Mode, ObjectStore, ReferenceSource, RunOptions, RunReport};
use s3gc_store_s3::{S3Config, S3Store};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultySource};
use s3gc_testkit::servers::{Moto, Radosgw};
use s3gc_tests::World;

use crate::accident::Armed;
use crate::proxy::Proxy;

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Honours every condition, as Amazon's does.
    Strict,
    /// Honours `If-Match` on one deletion, and no entity tags in DeleteObjects.
    Single,
    /// Honours none.
    Lax,
    Moto,
    Radosgw,
}

#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) world: Arc<World>,
    pub(crate) proxy: Arc<Proxy>,
    /// What happens before the next look: after staging, before the first deletion.
    pub(crate) before_look: Arc<Armed>,
    source: Arc<dyn ReferenceSource>,
    client: Client,
    bucket: String,
    store: Arc<dyn ObjectStore>,
}

impl Site {
    /// Makes a bucket with a referenced object and two orphans; `None`, after saying so, where there is no such server.
    pub(crate) async fn new(kind: Kind, versioned: bool) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let bucket = format!("means-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let mut world = World::new().await;
        world.without_retention();
        world.settings.unconditional_delete = true;
        // Signatures die soon.
        world.settings.settle_after = Duration::ZERO;
        world.settings.recheck_window = Duration::from_secs(3);
        world.s3.quirks(|quirks| {
            quirks.ignore_etag_in_batch = kind != Kind::Strict;
            quirks.ignore_if_match_on_delete = kind == Kind::Lax;
        });
        let mem = (world.s3.endpoint(), s3gc_s3_mem::ACCESS_KEY, s3gc_s3_mem::SECRET_KEY);
        let (endpoint, access, secret) = match kind {
            Kind::Strict | Kind::Single | Kind::Lax => mem,
            Kind::Moto => (Moto::shared()?.endpoint(), Moto::ACCESS_KEY, Moto::SECRET_KEY),
            Kind::Radosgw => (Radosgw::shared()?.endpoint(), Radosgw::ACCESS_KEY, Radosgw::SECRET_KEY),
        };
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .endpoint_url(&endpoint)
            .force_path_style(true)
            .credentials_provider(Credentials::new(access, secret, None, None, "test"));
        let client = Client::from_conf(config.build());
        client.create_bucket().bucket(&bucket).send().await.unwrap();
        let proxy = Proxy::start(&endpoint).await;
        let config = S3Config::new(&bucket).with_endpoint(&proxy.endpoint).with_region("us-east-1");
        let store = S3Store::connect(config.with_credentials(access, secret, None).with_max_attempts(2)).await.unwrap();
        let before_look = Arc::new(Armed::default());
        let armed = Arc::clone(&before_look);
        // The drain comes before each look, and nowhere else in a run that has nothing to recover.
        let hook = Fault::hook(move || {
            let armed = Arc::clone(&armed);
            async move { armed.happen().await }
        });
        let source = FaultySource::new(world.source().await, FaultPlan::new().always("drain", hook));
        let (store, source) = (Arc::new(store), Arc::new(source));
        let site = Self { world: Arc::new(world), proxy: Arc::new(proxy), before_look, source, client, bucket, store };
        if versioned {
            site.set_versioning(BucketVersioningStatus::Enabled).await;
        }
        site.put("kept", "kept").await;
        site.world.refer("kept").await;
        for key in ["a", "b"] {
            site.put(key, "orphan").await;
        }
        Some(site)
    }

    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    pub(crate) async fn gc(&self) -> Gc {
        self.world.gc_with(Arc::clone(&self.store), Arc::clone(&self.source)).await
    }

    /// Waits until this many objects are due: a store's clock may have whole seconds alone.
    pub(crate) async fn wait_for_due(&self, objects: u64) {
        let gc = self.gc().await;
        loop {
            let report = gc.run_cycle(RunOptions::default()).await.unwrap();
            assert_eq!(report.brakes, []);
            if report.counts.due.objects == objects {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn execute(&self) -> s3gc_core::Result<RunReport> {
        self.gc().await.run_cycle(RunOptions::mode(Mode::Execute)).await
    }

    /// Runs until something is due: what is due by a clock of whole seconds may not be, a moment later, by another one.
    pub(crate) async fn execute_due(&self) -> s3gc_core::Result<RunReport> {
        loop {
            let report = self.execute().await?;
            if report.sweep.planned.objects > 0 {
                return Ok(report);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn put(&self, key: &str, body: &str) {
        let body = ByteStream::from(body.as_bytes().to_vec());
        self.client.put_object().bucket(&self.bucket).key(key).body(body).send().await.unwrap();
    }

    /// Uploads it in one part.
    pub(crate) async fn put_in_parts(&self, key: &str, body: &str) {
        let (client, bucket) = (&self.client, &self.bucket);
        // Without a list moto has none to tell, and fails when it is asked for it.
        let create = client.create_multipart_upload().bucket(bucket).key(key).acl(ObjectCannedAcl::Private);
        let upload = create.send().await.unwrap();
        let id = upload.upload_id().unwrap();
        let bytes = ByteStream::from(body.as_bytes().to_vec());
        let part = client.upload_part().bucket(bucket).key(key).upload_id(id).part_number(1).body(bytes);
        let part = part.send().await.unwrap();
        let part = CompletedPart::builder().part_number(1).set_e_tag(part.e_tag).build();
        let parts = CompletedMultipartUpload::builder().parts(part).build();
        let complete = client.complete_multipart_upload().bucket(bucket).key(key).upload_id(id);
        // Moto completes it, and calls its answer by a name that the SDK does not know: whoever asks next will see.
        if let Err(error) = complete.multipart_upload(parts).send().await {
            assert!(error.raw_response().is_some_and(|response| response.status().is_success()), "{error:?}");
        }
    }

    /// Uploads the same bytes until their date, which has whole seconds, is another one.
    pub(crate) async fn touch(&self, key: &str, body: &str) {
        let before = self.date(key).await;
        while self.date(key).await == before {
            tokio::time::sleep(Duration::from_millis(50)).await;
            self.put(key, body).await;
        }
    }

    async fn date(&self, key: &str) -> i64 {
        let head = self.client.head_object().bucket(&self.bucket).key(key).send().await.unwrap();
        head.last_modified().unwrap().secs()
    }

    /// What a reader finds.
    pub(crate) async fn body(&self, key: &str) -> Option<String> {
        let found = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let object = match found {
            Ok(object) => object,
            Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_key()) => return None,
            Err(error) => panic!("{error:?}"),
        };
        Some(String::from_utf8(object.body.collect().await.unwrap().to_vec()).unwrap())
    }

    pub(crate) async fn etag(&self, key: &str) -> String {
        let head = self.client.head_object().bucket(&self.bucket).key(key).send().await.unwrap();
        head.e_tag.unwrap()
    }

    pub(crate) async fn set_versioning(&self, status: BucketVersioningStatus) {
        let versioning = VersioningConfiguration::builder().status(status).build();
        let request = self.client.put_bucket_versioning().bucket(&self.bucket).versioning_configuration(versioning);
        request.send().await.unwrap();
    }

    /// By which means the last deletion was made, from its evidence.
    pub(crate) async fn means(&self) -> String {
        let filter = AuditFilter { kind: Some("delete".into()), ..AuditFilter::default() };
        let entries = self.world.catalog().await.audit(&filter, 0, 100).await.unwrap();
        let detail: serde_json::Value = serde_json::from_str(&entries.last().unwrap().detail).unwrap();
        detail["means"].as_str().unwrap().to_owned()
    }
}
