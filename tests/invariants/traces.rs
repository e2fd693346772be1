//! I8: every deletion has an audit entry with its evidence, and the chain shows what was done to it.

use s3gc_core::audit::ChainCheck;
use s3gc_core::catalog::AuditFilter;
use s3gc_tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn i08_every_deletion_has_its_evidence_in_the_chain() {
    let world = World::new().await;
    world.refer("nothing").await;
    let corpus = world.put_corpus(50);
    let report = world.execute().await.unwrap();
    assert_eq!(report.sweep.deleted.objects, 50);
    let catalog = world.catalog().await;
    let entries = catalog.audit(&AuditFilter::default(), 0, 1000).await.unwrap();
    let mut check = ChainCheck::default();
    for entry in &entries {
        check.next(entry).unwrap();
    }
    assert_eq!(check.head(), catalog.audit_head().await.unwrap());
    let mut deleted: Vec<&str> =
        entries.iter().filter(|entry| entry.kind == "delete").filter_map(|entry| entry.key.as_deref()).collect();
    deleted.sort_unstable();
    let mut keys: Vec<&str> = corpus.items.iter().map(|item| item.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(deleted, keys);
    for entry in entries.iter().filter(|entry| entry.kind == "delete") {
        let evidence: serde_json::Value = serde_json::from_str(&entry.detail).unwrap();
        for field in ["etag", "size_bytes", "last_modified", "unreferenced_since", "plan", "pack", "blake3", "means"] {
            assert!(!evidence[field].is_null(), "{field}: {evidence}");
        }
        assert_eq!(evidence["means"], "batch_etag");
        let looked_at: jiff::Timestamp = evidence["looked_at"].as_str().unwrap().parse().unwrap();
        assert!(report.started_at < looked_at && looked_at < report.ended_at, "{evidence}");
    }
}
