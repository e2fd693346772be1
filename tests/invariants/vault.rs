//! I2: no object is deleted before its bytes were read back from the vault and are the right ones.

use std::sync::Arc;

use s3gc_core::{Gc, Mode, RunOptions};
use s3gc_testkit::faults::{Fault, FaultPlan, FaultyVault};
use s3gc_tests::World;

async fn run(world: &World, plan: FaultPlan) -> s3gc_core::Result<s3gc_core::RunReport> {
    let gc = Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .vault(Arc::new(FaultyVault::new(world.vault(), plan)))
        .catalog(world.catalog().await)
        .build()
        .unwrap();
    gc.run_cycle(RunOptions::mode(Mode::Execute)).await
}

async fn world() -> World {
    let world = World::new().await;
    world.put("kept.jpg", "kept");
    world.refer("kept.jpg").await;
    world.put("orphan.jpg", "orphan");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_a_vault_that_gives_back_other_bytes_stops_before_any_deletion() {
    for plan in [
        FaultPlan::new().at("put", 1, Fault::Corrupt),
        FaultPlan::new().always("read_range", Fault::Corrupt),
        FaultPlan::new().always("read_range", Fault::Fail),
        FaultPlan::new().at("put", 1, Fault::Fail),
    ] {
        let world = world().await;
        run(&world, plan.clone()).await.expect_err(&format!("{plan:?}"));
        assert!(plan.fired() > 0, "{plan:?}");
        assert_eq!(world.bucket().keys(), ["kept.jpg", "orphan.jpg"], "{plan:?}");
        // The next run, with a sound vault, does its work.
        assert_eq!(world.execute().await.unwrap().sweep.deleted.objects, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i02_an_object_whose_body_is_cut_is_kept_and_reported() {
    let world = world().await;
    world.put("large.bin", &"x".repeat(3 << 20));
    world.s3.inject(
        s3gc_s3_mem::Fault::new(s3gc_s3_mem::Effect::CutBody(1000)).on(s3gc_s3_mem::Op::GetObject).key("large.bin"),
    );
    let report = world.execute().await.unwrap();
    assert_eq!(report.state, s3gc_core::RunState::Partial);
    assert_eq!((report.sweep.failed.objects, report.sweep.deleted.objects), (1, 1), "{:?}", report.sweep);
    assert_eq!(world.bucket().keys(), ["kept.jpg", "large.bin"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn l27_a_refused_deletion_is_not_counted_as_done() {
    let world = world().await;
    world.put("another.jpg", "orphan");
    world.s3.inject(
        s3gc_s3_mem::Fault::new(s3gc_s3_mem::Effect::KeyError("AccessDenied"))
            .on(s3gc_s3_mem::Op::DeleteObjects)
            .key("orphan.jpg"),
    );
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.failed.objects, report.sweep.deleted.objects), (1, 1), "{:?}", report.sweep);
    assert_eq!(world.bucket().keys(), ["kept.jpg", "orphan.jpg"]);
    let totals = world.gc().await.metrics().await.unwrap();
    assert_eq!((totals.total_deleted, totals.unsettled), (1, 0));
}
