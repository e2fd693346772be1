//! The contract of `ObjectStore`, on an S3 server in memory: without versions, and with them.

#![expect(clippy::unwrap_used, reason = "a fixture fails like the test")]

use std::sync::Arc;

use s3gc_s3_mem::{ACCESS_KEY, Effect, Fault, Op, Options, PutSpec, S3Mem, SECRET_KEY, VersioningState, When};
use s3gc_store::{DeleteMeans, GetOptions, ObjectStore};
use s3gc_store_s3::{S3Config, S3Store};
use s3gc_testkit::suites::store::{Fixture, Wire};

async fn fixture(versioning: VersioningState, means: &[DeleteMeans]) -> Fixture {
    let server = Arc::new(S3Mem::start(Options::default().bucket("photos").bucket("broken")).await.unwrap());
    server.bucket("photos").set_versioning(versioning);
    let connect = |bucket: &str| {
        S3Store::connect(
            S3Config::new(bucket).with_endpoint(server.endpoint()).with_credentials(ACCESS_KEY, SECRET_KEY, None),
        )
    };
    let store = Arc::new(connect("photos").await.unwrap());
    let broken = Arc::new(connect("broken").await.unwrap());
    // The listing of this bucket breaks after its first page.
    server.bucket("broken").seed((0..1500).map(|n| (format!("k{n:05}"), 1)), s3gc_s3_mem::Timestamp::UNIX_EPOCH);
    server.inject(Fault::new(Effect::LostToken).on(Op::ListObjectsV2).bucket("broken"));
    let (rewrite, cut, losing, counting) =
        (Arc::clone(&server), Arc::clone(&server), Arc::clone(&server), Arc::clone(&server));
    let cut_store = Arc::clone(&store);
    let mut fixture = Fixture::new(store, means.iter().copied());
    fixture.storage_class = Some("STANDARD_IA".to_owned());
    let wire = Wire {
        lose_next_answer: Box::new(move || {
            for op in [Op::DeleteObject, Op::DeleteObjects] {
                losing.inject(Fault::new(Effect::DropAfter).on(op).key("t/lost").when(When::Nth(1)));
            }
        }),
        delete_requests: Box::new(move || {
            let requests = counting.count(Op::DeleteObject) + counting.count(Op::DeleteObjects);
            u64::try_from(requests).unwrap()
        }),
    };
    fixture
        .with_rewrite(move |key, bytes| {
            let server = Arc::clone(&rewrite);
            async move {
                server.bucket("photos").put(key.as_str(), bytes, PutSpec::default());
            }
        })
        .with_cut(move |key| {
            cut.inject(Fault::new(Effect::CutBody(10)).on(Op::GetObject).key(key.as_str()).when(When::Always));
            let store = Arc::clone(&cut_store);
            async move { store.get(&key, GetOptions::default()).await }
        })
        .with_wire(wire)
        .with_broken(broken)
        .with_kept(server)
}

mod unversioned {
    use super::*;

    s3gc_testkit::object_store_suite!(
        fixture(VersioningState::Off, &[DeleteMeans::BatchEtag, DeleteMeans::SingleEtag, DeleteMeans::Unconditional])
            .await
    );
}

mod versioned {
    use super::*;

    s3gc_testkit::object_store_suite!(
        fixture(VersioningState::Enabled, &[DeleteMeans::BatchEtag, DeleteMeans::SingleEtag, DeleteMeans::Marker])
            .await
    );
}
