use s3gc_s3_mem::{Grant as Granted, Op, PutSpec};
use s3gc_store::{Error, GetOptions, Grant, Grantee, ObjectMeta, ObjectStore, Permission, PutMode};
use s3gc_store_s3::S3Store;

use super::{body, config, key, meta_for, start};

const EVERYBODY: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

fn public() -> PutSpec {
    PutSpec::default().grant(Granted::Read, &format!("uri=\"{EVERYBODY}\"")).grant(Granted::ReadAcp, "id=\"friend\"")
}

async fn meta(store: &S3Store, name: &str) -> ObjectMeta {
    store.get(&key(name), GetOptions::default()).await.unwrap().0
}

#[tokio::test]
async fn i06_a_list_is_read_with_the_object_and_written_with_it() {
    let (server, bucket, store) = start().await;
    bucket.set_acls(true);
    bucket.put("public.txt", "hello", public());
    bucket.put("private.txt", "hello", PutSpec::default());
    let read = meta(&store, "public.txt").await;
    assert_eq!(
        read.acl,
        [
            Grant { to: Grantee::Id("friend".into()), permission: Permission::ReadAcp },
            Grant { to: Grantee::Id("owner".into()), permission: Permission::FullControl },
            Grant { to: Grantee::Group(EVERYBODY.into()), permission: Permission::Read },
        ]
    );
    assert_eq!(meta(&store, "private.txt").await.acl, [], "what every object has says nothing");
    assert_eq!(server.requests().iter().filter(|r| r.op == Op::GetBucketOwnershipControls).count(), 1);

    let in_parts = S3Store::connect(config(&server).with_multipart_above(3)).await.unwrap();
    for (name, store) in [("whole", &store), ("parts", &in_parts)] {
        store.put(&key(name), body(&["hello"]), &read, PutMode::Create).await.unwrap();
        assert_eq!(meta(store, name).await.acl, read.acl, "{name}");
    }
}

#[tokio::test]
async fn a_bucket_without_lists_is_asked_once_and_takes_the_object_all_the_same() {
    let (server, bucket, store) = start().await;
    bucket.put("a.txt", "hello", PutSpec::default());
    let mut read = meta(&store, "a.txt").await;
    assert_eq!(read.acl, []);
    read.acl.push(Grant { to: Grantee::Group(EVERYBODY.into()), permission: Permission::Read });
    store.put(&key("b.txt"), body(&["hello"]), &read, PutMode::Create).await.unwrap();
    assert_eq!(bucket.object("b.txt").unwrap().grants, []);
    let asked = |op| server.requests().iter().filter(|request| request.op == op).count();
    assert_eq!((asked(Op::GetBucketOwnershipControls), asked(Op::GetObjectAcl)), (1, 0));
}

#[tokio::test]
async fn lists_that_are_turned_on_later_are_seen_by_the_next_run() {
    let (_server, bucket, store) = start().await;
    bucket.put("a.txt", "hello", public());
    assert_eq!(meta(&store, "a.txt").await.acl, []);
    bucket.set_acls(true);
    store.status().await.unwrap();
    assert_eq!(meta(&store, "a.txt").await.acl.len(), 3);
}

#[tokio::test]
async fn who_may_not_read_a_list_reads_no_object_for_the_vault() {
    let (server, bucket, store) = start().await;
    bucket.put("a.txt", "hello", PutSpec::default());
    // Whether there are lists at all may be unknown: then each object is asked.
    server.deny(Op::GetBucketOwnershipControls);
    assert_eq!(meta(&store, "a.txt").await.acl, []);
    assert_eq!(server.requests().iter().filter(|request| request.op == Op::GetObjectAcl).count(), 1);
    server.deny(Op::GetObjectAcl);
    let denied = store.get(&key("a.txt"), GetOptions::default()).await.map(|(meta, _)| meta);
    assert!(matches!(denied, Err(Error::AccessDenied { .. })), "{denied:?}");
    assert!(store.put(&key("b.txt"), body(&["hi"]), &meta_for(2), PutMode::Create).await.is_ok());
}
