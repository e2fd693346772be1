//! Two writers of one name, on servers that keep them apart and on those that do not.

use s3gc_s3_mem::{Op, PutSpec};
use s3gc_vault::Error;

use super::*;

/// Somebody else writes the file just before ours becomes visible.
async fn race(op: Op, length: usize, lax: bool) -> (Bucket, Result<()>, Vec<u8>) {
    let (server, bucket, vault) = start().await;
    server.quirks(|quirks| quirks.ignore_if_none_match_on_put = lax);
    let ours = bytes(length, 1);
    let other = bucket.clone();
    let theirs = bytes(length, 2);
    server.before(op, move |key| drop(other.put(key, theirs.clone(), PutSpec::default())));
    let outcome = put(&vault, PACK, &ours).await;
    assert!(server.unfinished_uploads().is_empty());
    (bucket, outcome, ours)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_appeared_meanwhile_stays() {
    for (op, length) in [(Op::PutObject, 1000), (Op::UploadPart, 200_000), (Op::CompleteMultipartUpload, 200_000)] {
        let (bucket, outcome, _) = race(op, length, false).await;
        assert!(matches!(outcome, Err(Error::Conflict { .. })), "{op:?}: {outcome:?}");
        assert!(bucket.object(KEY).unwrap().bytes() == bytes(length, 2), "{op:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_conditions_are_ignored_only_the_last_moment_is_open() {
    let (bucket, outcome, _) = race(Op::UploadPart, 200_000, true).await;
    assert!(matches!(outcome, Err(Error::Conflict { .. })), "{outcome:?}");
    assert!(bucket.object(KEY).unwrap().bytes() == bytes(200_000, 2));
    // What the README says cannot be prevented there.
    for (op, length) in [(Op::PutObject, 1000), (Op::CompleteMultipartUpload, 200_000)] {
        let (bucket, outcome, ours) = race(op, length, true).await;
        outcome.unwrap();
        assert!(bucket.object(KEY).unwrap().bytes() == ours, "{op:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_after_the_other_conflict_on_every_server() {
    for lax in 0..3 {
        let (server, bucket, vault) = start().await;
        server.quirks(|quirks| {
            quirks.ignore_if_none_match_on_put = lax == 1;
            quirks.refuse_conditions_on_put = lax == 2;
        });
        for length in [0, 1000, 200_000] {
            let file = format!("packs/{length}");
            let ours = if length == 0 { Vec::new() } else { bytes(length, 1) };
            put(&vault, &file, &ours).await.unwrap();
            put(&vault, &file, &ours).await.unwrap();
            let others = [bytes(length.max(2), 2), bytes(length + 2, 1), bytes(length / 2 + 7, 1)];
            for other in others {
                let outcome = put(&vault, &file, &other).await;
                assert!(matches!(outcome, Err(Error::Conflict { .. })), "{lax} {length}: {outcome:?}");
            }
            assert!(bucket.object(&format!("s3gc/{file}")).unwrap().bytes() == ours, "{lax} {length}");
        }
    }
}
