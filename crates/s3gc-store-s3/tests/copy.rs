//! The contract of `ServerCopy`, a test for each clause, on an S3 server in memory.

#![expect(clippy::unwrap_used, reason = "a fixture fails like the test")]

use s3gc_s3_mem::{ACCESS_KEY, Body, Effect, Fault, Grant, Op, Options, PutSpec, S3Mem, SECRET_KEY, When};
use s3gc_store::{CopyPlace, Crc64Nvme, Error, Location, ObjectKey, ObjectMeta, ObjectStore, PutMode, ServerCopy};
use s3gc_store_s3::{S3Config, S3Store};

struct World {
    server: S3Mem,
    store: S3Store,
}

/// One part, and a little of a second.
const TWO_PARTS: u64 = (128 << 20) + 5;

impl World {
    async fn new() -> Self {
        let server = S3Mem::start(Options::default().bucket("photos").bucket("vault")).await.unwrap();
        let config = S3Config::new("photos").with_endpoint(server.endpoint());
        let store = S3Store::connect(config.with_credentials(ACCESS_KEY, SECRET_KEY, None)).await.unwrap();
        Self { server, store }
    }

    fn place(&self, key: &str) -> CopyPlace {
        CopyPlace {
            bucket: Location::s3_compatible(&self.server.endpoint(), "vault"),
            key: ObjectKey::new(key).unwrap(),
            storage_class: Some("STANDARD_IA".into()),
            encryption: Some("AES256".into()),
            kms_key: None,
        }
    }

    async fn look(&self, key: &ObjectKey) -> (ObjectMeta, Crc64Nvme) {
        let (meta, crc) = self.store.look(key).await.unwrap();
        (meta, crc.unwrap())
    }
}

fn key(key: &str) -> ObjectKey {
    ObjectKey::new(key).unwrap()
}

fn rich() -> PutSpec {
    PutSpec::default().header("content-type", "image/jpeg").user("camera", "box").tag("team", "web")
}

#[tokio::test]
async fn clause_1_a_look_tells_all_that_is_written_back() {
    let world = World::new().await;
    let photo = key("käse/a b+c%.jpg");
    world.server.bucket("photos").set_acls(true);
    let others = "http://acs.amazonaws.com/groups/global/AllUsers";
    world.server.bucket("photos").put(photo.as_str(), "123456789", rich().grant(Grant::Read, others).legal_hold());
    let (meta, crc) = world.look(&photo).await;
    assert_eq!(crc.to_string(), "rosUhgp5mIg=");
    assert_eq!(meta.tags.unwrap()["team"], "web");
    assert!(meta.hold.legal && meta.acl.iter().any(|grant| format!("{grant:?}").contains("AllUsers")));
    // A server that knows no such checksum is none to be believed.
    world.server.quirks(|quirks| quirks.no_checksums = true);
    assert_eq!(world.store.look(&photo).await.unwrap().1, None);
}

#[tokio::test]
async fn clause_1_where_objects_may_be_locked_silence_is_no_word_that_one_is_not() {
    let world = World::new().await;
    let photo = key("a.jpg");
    world.server.bucket("photos").set_object_lock(true);
    world.server.bucket("photos").put("a.jpg", "one", PutSpec::default());
    world.store.status().await.unwrap();
    world.look(&photo).await;
    assert_eq!((world.server.count(Op::GetObjectLegalHold), world.server.count(Op::GetObjectRetention)), (1, 1));
    world.server.inject(Fault::new(Effect::AccessDenied).on(Op::GetObjectLegalHold));
    assert!(matches!(world.store.look(&photo).await, Err(Error::AccessDenied { .. })));
}

#[tokio::test]
async fn clause_2_another_state_is_not_copied() {
    let world = World::new().await;
    let photo = key("a.jpg");
    world.server.bucket("photos").put("a.jpg", "one", PutSpec::default());
    let (meta, crc) = world.look(&photo).await;
    assert_eq!(world.server.count(Op::GetObjectLegalHold), 0, "nothing of this bucket can be locked");
    world.server.bucket("photos").put("a.jpg", "two", PutSpec::default());
    let copied = world.store.copy_out(&photo, &meta, crc, &world.place("c")).await;
    assert!(matches!(copied, Err(Error::Precondition { .. })), "{copied:?}");
    assert!(world.server.bucket("vault").is_empty() && world.server.unfinished_uploads().is_empty());
}

#[tokio::test]
async fn clause_3_a_copy_that_differs_is_an_error_whoever_compares() {
    let world = World::new().await;
    let photo = key("a.jpg");
    world.server.bucket("photos").put("a.jpg", Body::Noise { seed: 1, len: TWO_PARTS }, PutSpec::default());
    let (meta, crc) = world.look(&photo).await;
    world.server.quirks(|quirks| quirks.damage_copies = true);
    let refused = world.store.copy_out(&photo, &meta, crc, &world.place("refused")).await;
    assert!(refused.is_err() && world.server.bucket("vault").is_empty(), "the server compares: {refused:?}");
    world.server.quirks(|quirks| quirks.ignore_checksum_at_completion = true);
    let told = world.store.copy_out(&photo, &meta, crc, &world.place("taken")).await;
    assert!(matches!(told, Err(Error::Protocol { .. })), "and if it does not, we do: {told:?}");
    world.server.quirks(|quirks| quirks.damage_copies = false);
    world.store.copy_out(&photo, &meta, crc, &world.place("right")).await.unwrap();
    let copy = world.server.bucket("vault").object("right").unwrap();
    assert_eq!((copy.storage_class.as_deref(), copy.encryption.as_deref()), (Some("STANDARD_IA"), Some("AES256")));
    assert_eq!(world.server.count(Op::UploadPartCopy), 6);
    // Nor is a copy believed of which nothing is told.
    world.server.quirks(|quirks| quirks.no_checksums = true);
    let silent = world.store.copy_out(&photo, &meta, crc, &world.place("silent")).await;
    assert!(matches!(silent, Err(Error::Protocol { .. })), "{silent:?}");
    assert_eq!(world.server.count(Op::GetObject), 0);
}

#[tokio::test]
async fn clause_4_nothing_is_replaced() {
    let world = World::new().await;
    let photo = key("a.jpg");
    world.server.bucket("photos").put("a.jpg", "one", rich());
    let (meta, crc) = world.look(&photo).await;
    world.server.bucket("vault").put("c", "another", PutSpec::default());
    assert!(world.store.copy_out(&photo, &meta, crc, &world.place("c")).await.is_err());
    assert_eq!(world.server.bucket("vault").object("c").unwrap().bytes(), "another");
    world.store.copy_out(&photo, &meta, crc, &world.place("d")).await.unwrap();

    let there = world.store.copy_in(&world.place("d"), crc, &photo, &meta, PutMode::Create).await;
    assert!(matches!(there, Err(Error::Precondition { .. })), "{there:?}");
    world.server.bucket("photos").delete("a.jpg");
    // Damage on the way back makes no object.
    world.server.quirks(|quirks| quirks.damage_copies = true);
    assert!(world.store.copy_in(&world.place("d"), crc, &photo, &meta, PutMode::Create).await.is_err());
    world.server.quirks(|quirks| quirks.damage_copies = false);
    assert!(world.server.bucket("photos").is_empty() && world.server.unfinished_uploads().is_empty());
    let back = world.store.copy_in(&world.place("d"), crc, &photo, &meta, PutMode::Create).await.unwrap();
    let found = world.store.head(&photo).await.unwrap();
    assert_eq!((back.etag, back.size_bytes), (found.etag, 3));
    let object = world.server.bucket("photos").object("a.jpg").unwrap();
    assert_eq!(
        (object.bytes(), object.tags["team"].as_str(), object.user["camera"].as_str()),
        ("one".into(), "web", "box")
    );
    assert_eq!(object.headers["content-type"], "image/jpeg");
    world.server.bucket("photos").put("a.jpg", "two", PutSpec::default());
    world.store.copy_in(&world.place("d"), crc, &photo, &meta, PutMode::Replace).await.unwrap();
    assert_eq!(world.server.bucket("photos").object("a.jpg").unwrap().bytes(), "one");
}

#[tokio::test]
async fn clause_5_another_server_is_not_asked() {
    let world = World::new().await;
    let photo = key("a.jpg");
    world.server.bucket("photos").put("a.jpg", "one", PutSpec::default());
    let (meta, crc) = world.look(&photo).await;
    let elsewhere = CopyPlace { bucket: Location::aws("vault"), ..world.place("c") };
    let before = world.server.requests().len();
    for copied in [
        world.store.copy_out(&photo, &meta, crc, &elsewhere).await,
        world.store.copy_in(&elsewhere, crc, &photo, &meta, PutMode::Create).await.map(drop),
    ] {
        assert!(matches!(copied, Err(Error::Unsupported { .. })), "{copied:?}");
    }
    assert_eq!(world.server.requests().len(), before);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing_that_costs() {
    let world = World::new().await;
    let photo = key("a.jpg");
    world.server.bucket("photos").put("a.jpg", Body::Noise { seed: 2, len: TWO_PARTS }, PutSpec::default());
    let (meta, crc) = world.look(&photo).await;
    world.server.inject(Fault::new(Effect::AccessDenied).on(Op::UploadPartCopy).when(When::Nth(2)));
    assert!(world.store.copy_out(&photo, &meta, crc, &world.place("c")).await.is_err());
    assert!(world.server.bucket("vault").is_empty() && world.server.unfinished_uploads().is_empty());
}
