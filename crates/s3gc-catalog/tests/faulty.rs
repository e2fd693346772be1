//! The wrapper in which calls go wrong, on a real catalog.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;
use std::time::Duration;

use s3gc_catalog::SqliteCatalog;
use s3gc_core::audit::AuditDraft;
use s3gc_core::catalog::Catalog;
use s3gc_core::{Location, RunId, Timestamp};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultyCatalog};

/// Appends to the audit chain as the plan wills; returns whether that came back, with what, and how long the chain is.
async fn append(plan: FaultPlan) -> (Option<bool>, u64) {
    let directory = tempfile::tempdir().unwrap();
    let inner = Arc::new(SqliteCatalog::open(directory.path().join("catalog.db")).await.unwrap());
    let catalog = FaultyCatalog::new(inner.clone(), plan);
    let detail = serde_json::Value::Null;
    let draft =
        AuditDraft { at: Timestamp::UNIX_EPOCH, run: None, location: None, kind: "run".into(), key: None, detail };
    let appended = tokio::time::timeout(Duration::from_secs(2), catalog.append_audit(vec![draft])).await;
    (appended.ok().map(|appended| appended.is_ok()), inner.audit_head().await.unwrap().seq)
}

#[tokio::test]
async fn a_write_fails_or_hangs_before_or_after_its_effect() {
    assert_eq!(append(FaultPlan::new()).await, (Some(true), 1));
    assert_eq!(append(FaultPlan::new().at("append_audit", 1, Fault::Fail)).await, (Some(false), 0));
    assert_eq!(append(FaultPlan::new().at("append_audit", 1, Fault::Unanswered)).await, (Some(false), 1));
    assert_eq!(append(FaultPlan::new().at("append_audit", 1, Fault::Hang)).await, (None, 0));
    assert_eq!(append(FaultPlan::new().at("append_audit_done", 1, Fault::Hang)).await, (None, 1));
    assert_eq!(append(FaultPlan::new().at("append_audit_done", 1, Fault::Fail)).await, (Some(false), 1));
}

#[tokio::test]
async fn a_judgement_and_a_read_fail_as_planned() {
    let directory = tempfile::tempdir().unwrap();
    let inner = Arc::new(SqliteCatalog::open(directory.path().join("catalog.db")).await.unwrap());
    let plan = FaultPlan::new().at("observe", 2, Fault::Fail).always("commit", Fault::Fail).always("runs", Fault::Fail);
    let catalog = FaultyCatalog::new(inner, plan.clone());
    let (location, now) = (Location::aws("b"), Timestamp::UNIX_EPOCH);
    let mut judgement = catalog.judge(&location, RunId::at(now), now, false).await.unwrap();
    judgement.observe(&[]).await.unwrap();
    judgement.observe(&[]).await.unwrap_err();
    judgement.commit(None).await.unwrap_err();
    catalog.runs(None, 1).await.unwrap_err();
    assert_eq!(plan.fired(), 3);
    assert_eq!(plan.log(), ["judge", "judge_done", "observe", "observe_done", "observe", "commit", "runs"]);
}
