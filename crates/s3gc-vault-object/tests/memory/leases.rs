//! The lease, and stores on which there can be none.

use s3gc_s3_mem::{Effect, Fault, Op, Quirks, VersioningState, When};
use s3gc_vault::{Error, LeaseRecord, VaultLease};

use super::*;

fn record(text: &'static str) -> LeaseRecord {
    LeaseRecord(Bytes::from_static(text.as_bytes()))
}

/// Makes a server that is lax in some way.
type Lax = fn(&mut Quirks);

#[tokio::test(flavor = "multi_thread")]
async fn i09_where_conditions_are_ignored_there_is_no_lease() {
    let cases: [(Lax, &str); 3] = [
        (|quirks| quirks.ignore_if_none_match_on_put = true, "whatever If-None-Match says"),
        (|quirks| quirks.ignore_if_match_on_put = true, "whatever If-Match says"),
        (|quirks| quirks.refuse_conditions_on_put = true, "takes neither"),
    ];
    for (change, says) in cases {
        let (server, _bucket, vault) = start().await;
        server.quirks(change);
        let swap = vault.swap("a", None, &record("1")).await;
        assert!(matches!(&swap, Err(Error::Unsupported { reason, .. }) if reason.contains(says)), "{swap:?}");
        assert_eq!(vault.read("a").await.unwrap(), None);
        let written: Vec<_> = server.bucket("vault").keys();
        assert!(written.iter().all(|key| key == "s3gc/leases~/probe~"), "{written:?}");
        // Found out once.
        server.clear_requests();
        assert!(vault.swap("a", None, &record("1")).await.is_err());
        assert!(server.requests().is_empty(), "{:?}", server.requests());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i05_reading_writes_nothing_and_the_probe_is_no_record() {
    let (server, bucket, vault) = start().await;
    assert_eq!(vault.read("a").await.unwrap(), None);
    assert_eq!(listed(&vault, "").await.unwrap().len(), 0);
    assert!(server.writes().is_empty(), "{:?}", server.writes());
    vault.probe().await.unwrap();
    assert_eq!(vault.read("a").await.unwrap(), None);
    assert_eq!(bucket.keys(), ["s3gc/leases~/probe~"]);
    assert!(vault.read("probe~").await.is_err() && vault.read("a/b").await.is_err());
    // The record of the probe before is no hindrance, and nothing is ever deleted.
    let again = ObjectVault::connect(config(&server)).await.unwrap();
    again.probe().await.unwrap();
    assert!(again.swap("a", None, &record("1")).await.unwrap());
    assert_eq!(server.count(Op::DeleteObject) + server.count(Op::DeleteObjects), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_probes_do_not_disturb_each_other() {
    let (server, bucket, _vault) = start().await;
    bucket.set_versioning(VersioningState::Enabled);
    let mut vaults = Vec::new();
    for _ in 0..8 {
        vaults.push(ObjectVault::connect(config(&server)).await.unwrap());
    }
    let first = record("1");
    let swaps = vaults.iter().map(|vault| vault.swap("a", None, &first));
    let won: Vec<bool> = futures::future::try_join_all(swaps).await.unwrap();
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_a_swap_whose_answer_is_lost_is_known_again() {
    for effect in [Effect::DropAfter, Effect::ErrorAfter] {
        let (server, _bucket, vault) = start().await;
        assert!(vault.swap("a", None, &record("0")).await.unwrap());
        server.inject(Fault::new(effect.clone()).on(Op::PutObject).key("s3gc/leases~/a").when(When::Nth(1)));
        // The client repeats it, and the repetition is refused.
        assert!(vault.swap("a", Some(&record("0")), &record("1")).await.unwrap(), "{effect:?}");
        assert_eq!(vault.read("a").await.unwrap(), Some(record("1")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i09_a_swap_that_failed_and_was_done_can_be_done_again_by_its_caller_alone() {
    let (server, _bucket, vault) = start().await;
    let other = ObjectVault::connect(config(&server)).await.unwrap();
    assert!(vault.swap("a", None, &record("0")).await.unwrap());
    assert!(!other.swap("a", None, &record("0")).await.unwrap());
    // The write is done, and nothing that could tell is answered.
    server.inject(Fault::new(Effect::ErrorAfter).on(Op::PutObject).key("s3gc/leases~/a").when(When::First(1)));
    server.inject(Fault::new(Effect::AccessDenied).on(Op::GetObject).key("s3gc/leases~/a").when(When::Nth(2)));
    assert!(vault.swap("a", Some(&record("0")), &record("1")).await.is_err());
    assert!(!other.swap("a", Some(&record("0")), &record("theirs")).await.unwrap());
    assert!(vault.swap("a", Some(&record("0")), &record("2")).await.unwrap());
    assert!(!vault.swap("a", Some(&record("0")), &record("3")).await.unwrap());
    assert_eq!(other.read("a").await.unwrap(), Some(record("2")));
}
