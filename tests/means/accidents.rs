//! The accidents.

use std::time::Duration;

use aws_sdk_s3::types::BucketVersioningStatus;
use s3gc_core::{IfExists, RestoreOptions, RestoreWhat, RunState};

use crate::Row;
use crate::site::{Kind, Site};

/// Nothing happens.
pub(crate) async fn none(row: Row) {
    let Some(site) = Site::new(row.kind, row.versioned).await else { return };
    site.wait_for_due(2).await;
    let report = site.execute_due().await.unwrap();
    assert_eq!((report.state, report.sweep.deleted.objects), (RunState::Done, 2), "{:?}", report.sweep.named);
    assert_eq!(site.means().await, row.means);
    assert_eq!((site.body("a").await, site.body("kept").await.as_deref()), (None, Some("kept")));
    site.gc().await.restore(&RestoreWhat::Run(report.run), &RestoreOptions::default()).await.unwrap();
    assert_eq!(site.body("a").await.as_deref(), Some("orphan"));
}

pub(crate) async fn rewrite_after_staging(row: Row) {
    let Some(site) = Site::new(row.kind, row.versioned).await else { return };
    site.wait_for_due(2).await;
    let other = site.clone();
    site.before_look.arm(async move { other.put("a", "rewritten").await });
    one_survives(&site, "rewritten").await;
}

/// An equal entity tag is not an equal object: the application counts on what it uploaded.
pub(crate) async fn touch_after_staging(row: Row) {
    let Some(site) = Site::new(row.kind, row.versioned).await else { return };
    site.wait_for_due(2).await;
    let other = site.clone();
    site.before_look.arm(async move { other.touch("a", "orphan").await });
    one_survives(&site, "orphan").await;
}

/// The one accident that not every means survives: without versions, conditions are what saves the object.
pub(crate) async fn rewrite_at_deletion(row: Row) {
    let Some(site) = Site::new(row.kind, row.versioned).await else { return };
    if row.means == "unconditional" {
        // So nobody gets this means without a word in the configuration.
        let mut settings = site.world.settings.clone();
        settings.unconditional_delete = false;
        let gc = s3gc_core::Gc::builder(settings)
            .store(site.store())
            .source(site.world.source().await)
            .vault(site.world.vault())
            .catalog(site.world.catalog().await)
            .build()
            .unwrap();
        while gc.run_cycle(s3gc_core::RunOptions::default()).await.unwrap().counts.due.objects < 2 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let error = gc.run_cycle(s3gc_core::RunOptions::mode(s3gc_core::Mode::Execute)).await.unwrap_err();
        assert!(error.to_string().contains("unconditional_delete"), "{error}");
        assert_eq!((site.proxy.deletions(), site.body("a").await.as_deref()), (0, Some("orphan")));
        return;
    }
    site.wait_for_due(2).await;
    let other = site.clone();
    site.proxy.before_deletion().arm(async move {
        other.put("a", "rewritten").await;
        other.put("b", "rewritten").await;
    });
    let report = site.execute_due().await.unwrap();
    assert!(site.proxy.before_deletion().is_over(), "nothing was rewritten, so this proves nothing");
    // Several requests may be on their way at once: one of two objects may have been gone before.
    let survivors = [site.body("a").await, site.body("b").await];
    assert!(survivors.iter().all(|body| body.as_deref() == Some("rewritten")), "{survivors:?} {:?}", report.sweep);
}

/// Once versions are suspended, a deletion without a condition destroys what was uploaded since.
pub(crate) async fn suspend_after_staging(row: Row) {
    if !row.versioned {
        return;
    }
    let Some(site) = Site::new(row.kind, row.versioned).await else { return };
    site.wait_for_due(2).await;
    let other = site.clone();
    site.before_look.arm(async move {
        other.set_versioning(BucketVersioningStatus::Suspended).await;
        other.put("a", "rewritten").await;
    });
    let result = site.execute_due().await;
    assert!(site.before_look.is_over());
    assert_eq!(site.body("a").await.as_deref(), Some("rewritten"), "{result:?}");
    if let Ok(report) = result {
        assert_eq!(report.sweep.deleted.objects, 1, "{:?}", report.sweep);
        let mut options = RestoreOptions::default();
        // To radosgw 16, a delete marker that has no id of its own is an object that exists.
        options.if_exists = (row.kind == Kind::Radosgw).then_some(IfExists::Overwrite);
        let restored = site.gc().await.restore(&RestoreWhat::Run(report.run), &options).await.unwrap();
        assert_eq!(restored.restored.objects, 1, "{:?}", restored.objects);
    }
    assert_eq!(site.body("b").await.as_deref(), Some("orphan"));
}

/// The client loses its connection, and the server gets the request later.
pub(crate) async fn late(row: Row) {
    let Some(site) = Site::new(row.kind, row.versioned).await else { return };
    site.wait_for_due(2).await;
    site.proxy.hold_back();
    let report = site.execute_due().await.unwrap();
    assert_eq!((report.state, report.sweep.unknown.objects), (RunState::Partial, 2), "{:?}", report.sweep);
    let sent = site.proxy.deletions();
    // One for both, or one for each.
    assert!(sent == 1 || (row.means == "single_etag" && sent == 2), "{sent} requests: one was repeated");
    assert_eq!(site.body("a").await.as_deref(), Some("orphan"));
    site.proxy.deliver().await;
    // Radosgw begins its answer before it is done.
    while site.body("a").await.is_some() || site.body("b").await.is_some() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Meanwhile one of them is referenced again.
    site.world.refer("a").await;
    let (mut settled, mut restored) = (0, 0);
    while settled < 2 {
        let report = site.execute().await.unwrap();
        settled += report.recovered.deleted;
        restored += report.recovered.restored;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((settled, restored), (2, 1));
    assert_eq!((site.body("a").await.as_deref(), site.body("b").await), (Some("orphan"), None));
    assert_eq!(site.proxy.deletions(), sent + usize::from(row.versioned), "only our own marker is removed");
    assert_eq!(site.world.gc().await.metrics().await.unwrap().unsettled, 0);
}

/// Its entity tag is no digest, and its date that of the beginning of the upload.
pub(crate) async fn in_parts(row: Row) {
    let Some(site) = Site::new(row.kind, row.versioned).await else { return };
    for key in ["a", "b"] {
        site.put_in_parts(key, "in parts").await;
        assert!(site.etag(key).await.trim_matches('"').ends_with("-1"));
    }
    site.wait_for_due(2).await;
    let other = site.clone();
    site.before_look.arm(async move { other.put_in_parts("a", "in other parts").await });
    let run = one_survives(&site, "in other parts").await;
    site.gc().await.restore(&RestoreWhat::Run(run), &RestoreOptions::default()).await.unwrap();
    assert_eq!(site.body("b").await.as_deref(), Some("in parts"));
    assert_eq!(site.body("a").await.as_deref(), Some("in other parts"));
}

/// Runs, and finds `a` with these bytes, and `b` gone.
async fn one_survives(site: &Site, body: &str) -> s3gc_core::RunId {
    let report = site.execute_due().await.unwrap();
    assert!(site.before_look.is_over(), "nothing was rewritten, so this proves nothing");
    assert_eq!((report.sweep.changed.objects, report.sweep.deleted.objects), (1, 1), "{:?}", report.sweep);
    assert_eq!((site.body("a").await.as_deref(), site.body("b").await), (Some(body), None));
    report.run
}
