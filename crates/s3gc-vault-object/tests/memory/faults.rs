//! Requests that fail, and answers that are lost.

use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, When};
use s3gc_vault::Error;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_is_found_to_be_done() {
    for (op, length) in [(Op::PutObject, 1000), (Op::CompleteMultipartUpload, 200_000), (Op::UploadPart, 200_000)] {
        for effect in [Effect::DropAfter, Effect::ErrorAfter, Effect::SlowDown, Effect::DropBefore] {
            let (server, bucket, vault) = start().await;
            server.inject(Fault::new(effect.clone()).on(op).when(When::Nth(1)));
            put(&vault, PACK, &bytes(length, 0)).await.unwrap_or_else(|error| panic!("{op:?} {effect:?}: {error:?}"));
            assert!(bucket.object(KEY).unwrap().bytes() == bytes(length, 0), "{op:?} {effect:?}");
            assert!(server.unfinished_uploads().is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_leaves_nothing() {
    for (op, length) in [
        (Op::PutObject, 1000),
        (Op::CreateMultipartUpload, 200_000),
        (Op::UploadPart, 200_000),
        (Op::CompleteMultipartUpload, 200_000),
    ] {
        let (server, bucket, vault) = start().await;
        server.inject(Fault::new(Effect::AccessDenied).on(op));
        let error = put(&vault, PACK, &bytes(length, 0)).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{op:?}: {error:?}");
        assert!(bucket.is_empty() && server.unfinished_uploads().is_empty(), "{op:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i04_a_listing_that_breaks_off_ends_with_an_error() {
    let (server, bucket, vault) = start().await;
    for n in 0..1500 {
        bucket.put(&format!("s3gc/packs/{n:04}"), "x", PutSpec::default());
    }
    assert_eq!(listed(&vault, "packs/").await.unwrap().len(), 1500);
    server.inject(Fault::new(Effect::AccessDenied).on(Op::ListObjectsV2).when(When::Nth(2)));
    let items: Vec<_> = vault.list("packs/").collect().await;
    assert_eq!(items.iter().filter(|item| item.is_ok()).count(), 1000);
    assert!(items.len() == 1001 && items[1000].is_err(), "{:?}", items.last());
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_range_that_is_cut_is_read_again_or_an_error() {
    let (server, _bucket, vault) = start().await;
    let pack = bytes(200_000, 0);
    put(&vault, PACK, &pack).await.unwrap();
    server.inject(Fault::new(Effect::CutBody(10)).on(Op::GetObject).when(When::Nth(1)));
    assert!(*vault.read_range(&name(PACK), 1000..150_000).await.unwrap() == pack[1000..150_000]);
    server.inject(Fault::new(Effect::CutBody(10)).on(Op::GetObject).when(When::Always));
    let cut = vault.read_range(&name(PACK), 1000..150_000).await;
    assert!(cut.is_err());
}
