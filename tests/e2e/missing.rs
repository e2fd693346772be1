//! References whose object is not there.

use s3gc_s3_mem::PutSpec;
use s3gc_tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_referenced_and_not_there_is_named_with_its_copy_in_the_vault() {
    let world = World::new().await;
    for value in ["there.jpg", "nothing", "deleted.jpg", "https://photos.s3.amazonaws.com/there%2Ejpg?x=1"] {
        world.refer(value).await;
    }
    for key in ["there.jpg", "other.jpg"] {
        world.put(key, "body");
    }
    // Deleted while nothing referenced it, and referenced again.
    let gc = world.gc().await;
    s3gc_tests::sqlite(&world.url, "DELETE FROM posts WHERE image = 'deleted.jpg'").await;
    world.put("deleted.jpg", "body");
    world.execute().await.unwrap();
    world.refer("deleted.jpg").await;
    world.bucket().put("dir/there.jpg", b"x".to_vec(), PutSpec::default());

    let report = gc.missing(10).await.unwrap();
    let columns: Vec<(u64, u64)> = report.columns.iter().map(|column| (column.values, column.missing)).collect();
    assert_eq!(columns, [(4, 2)]);
    let named: Vec<(&str, bool)> = report
        .references
        .iter()
        .map(|reference| (reference.origin.as_ref().unwrap().value.as_str(), reference.vault.is_some()))
        .collect();
    assert_eq!(named, [("nothing", false), ("deleted.jpg", true)]);
    let few = gc.missing(1).await.unwrap();
    assert_eq!((few.references.len(), few.columns[0].missing), (1, 2));
    // What is uploaded in the meantime is not missing.
    let bucket = world.bucket();
    world.s3.after(s3gc_s3_mem::Op::ListObjectsV2, move |_| {
        bucket.put("nothing", b"x".to_vec(), PutSpec::default());
    });
    assert_eq!(gc.missing(10).await.unwrap().columns[0].missing, 1);
}
