//! Derived objects, and several owners of one bucket.

use std::sync::Arc;

use s3gc_core::{Mode, ObjectKey, RunOptions, VariantRules, Verdict};
use s3gc_s3_mem::Op;
use s3gc_source_sql::{Reference, SqlConfig, SqlSource};
use s3gc_tests::{World, sqlite};

const RULE: &str = r"^thumbs/(?<base>.+)_\d+x\d+(?<ext>\.\w+)$ -> $base$ext";

async fn world() -> World {
    let mut world = World::new().await;
    world.settings.variants = VariantRules::new(vec![RULE.into()]).unwrap();
    world.refer("cats/1.jpg").await;
    for key in
        ["cats/1.jpg", "thumbs/cats/1_80x60.jpg", "thumbs/thumbs/cats/1_80x60_8x6.jpg", "thumbs/cats/2_80x60.jpg"]
    {
        world.put(key, "body");
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn l14_a_derived_object_lives_as_long_as_its_base() {
    let world = world().await;
    let thumb = ObjectKey::new("thumbs/cats/1_80x60.jpg").unwrap();
    let explanation = world.gc().await.explain(&thumb).await.unwrap();
    assert!(matches!(explanation.verdict, Some(Verdict::Kept { .. })), "{explanation:?}");
    let base = explanation.references[0].base.as_ref().map(ObjectKey::as_str);
    assert_eq!(base, Some("cats/1.jpg"));

    world.execute().await.unwrap();
    let kept = ["cats/1.jpg", "thumbs/cats/1_80x60.jpg", "thumbs/thumbs/cats/1_80x60_8x6.jpg"];
    assert_eq!(world.bucket().keys(), kept, "a variant of a variant, too");
    sqlite(&world.url, "UPDATE posts SET image = 'nothing'").await;
    world.execute().await.unwrap();
    assert!(world.bucket().is_empty(), "{:?}", world.bucket().keys());
}

#[tokio::test(flavor = "multi_thread")]
async fn i01_a_base_that_is_referenced_after_the_plan_rescues_what_is_derived_from_it() {
    let world = world().await;
    let url = world.url.clone();
    // While the object is staged: the plan is made, and the look is still to come.
    world.s3.after(Op::GetObject, move |_| {
        let refer = sqlite(&url, "INSERT INTO posts (image) VALUES ('cats/2.jpg')");
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(refer));
    });
    let report = world.execute().await.unwrap();
    assert_eq!((report.sweep.rescued.objects, report.sweep.deleted.objects), (1, 0), "{:?}", report.sweep);
}

#[tokio::test(flavor = "multi_thread")]
async fn l03_every_owner_of_a_bucket_counts_and_one_that_cannot_be_reached_blocks() {
    let world = World::new().await;
    let other = format!("sqlite:{}", world.dir.path().join("other.db").display());
    sqlite(&other, "CREATE TABLE pages (id INTEGER PRIMARY KEY, image TEXT); INSERT INTO pages VALUES (1, 'b.jpg')")
        .await;
    world.refer("a.jpg").await;
    for key in ["a.jpg", "b.jpg", "c.jpg"] {
        world.put(key, "body");
    }
    let extract = s3gc_source::extract::ExtractConfig { bucket: "photos".into(), ..Default::default() };
    let config = SqlConfig::new("other", &other, [Reference::column("pages", "image")]);
    let second = Arc::new(SqlSource::new(config, &extract).unwrap());
    let gc = s3gc_core::Gc::builder(world.settings.clone())
        .store(world.store().await)
        .source(world.source().await)
        .source(second)
        .vault(world.vault())
        .catalog(world.catalog().await)
        .build()
        .unwrap();
    gc.run_cycle(RunOptions::mode(Mode::Execute)).await.unwrap();
    assert_eq!(world.bucket().keys(), ["a.jpg", "b.jpg"]);
    world.put("d.jpg", "body");
    std::fs::remove_file(world.dir.path().join("other.db")).unwrap();
    assert!(gc.run_cycle(RunOptions::mode(Mode::Execute)).await.is_err());
    assert_eq!(world.bucket().keys(), ["a.jpg", "b.jpg", "d.jpg"]);
}
