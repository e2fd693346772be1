//! How files go up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use s3gc_s3_mem::{Effect, Fault, Op, PutSpec, Timestamp};
use s3gc_vault::VaultLease as _;
use s3gc_vault::{Error, LeaseRecord};
use s3gc_vault_object::{Encryption, ObjectConfig, Provider};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_is_one_put_and_a_large_one_goes_in_parts() {
    let (server, bucket, vault) = start().await;
    let small = bytes(usize::try_from(PART).unwrap(), 0);
    put(&vault, "packs/small", &small).await.unwrap();
    assert_eq!((server.count(Op::PutObject), server.count(Op::CreateMultipartUpload)), (1, 0));
    let large = bytes(300_000, 1);
    put(&vault, PACK, &large).await.unwrap();
    assert_eq!((server.count(Op::PutObject), server.count(Op::UploadPart)), (1, 5));
    assert_eq!((server.count(Op::CreateMultipartUpload), server.count(Op::CompleteMultipartUpload)), (1, 1));
    assert!(bucket.object(KEY).unwrap().bytes() == large);
    assert!(server.unfinished_uploads().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_body_fails_is_given_up() {
    let (server, bucket, vault) = start().await;
    let large = bytes(300_000, 0);
    let failing = pieces(&large[..200_000]).into_iter().chain([Err(io::Error::other("the disk fails"))]);
    let failed: Vec<_> = failing.collect();
    let cases = [(failed, 300_000), (pieces(&large), 300_001), (pieces(&large), 299_999)];
    for (body, size_bytes) in cases {
        let error = vault.put(&name(PACK), stream::iter(body).boxed(), size_bytes).await.unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
        assert!(server.unfinished_uploads().is_empty() && bucket.is_empty(), "{size_bytes}");
    }
    assert_eq!((server.count(Op::AbortMultipartUpload), server.count(Op::CompleteMultipartUpload)), (3, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_waits_for_is_given_up() {
    let (server, bucket, vault) = start().await;
    let body = stream::iter(pieces(&bytes(200_000, 0))).chain(stream::pending());
    let file = name(PACK);
    let abandoned = vault.put(&file, body.boxed(), 300_000);
    assert!(tokio::time::timeout(Duration::from_secs(1), abandoned).await.is_err());
    let given_up = async {
        while !server.unfinished_uploads().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), given_up).await.unwrap();
    assert_eq!((server.count(Op::AbortMultipartUpload), bucket.len()), (1, 0));
}

/// Counts what the vault takes from the body before the server has it.
#[tokio::test(flavor = "multi_thread")]
async fn i11_only_a_few_parts_are_in_memory() {
    let (server, _bucket, vault) = start().await;
    server.set_latency(Duration::from_millis(5));
    let arrived = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&arrived);
    server.after(Op::UploadPart, move |_| {
        counter.fetch_add(PART, Ordering::SeqCst);
    });
    let (parts, piece) = (100, Bytes::from(vec![7; usize::try_from(PART / 4).unwrap()]));
    let (most, taken) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (peak, sum) = (Arc::clone(&most), Arc::clone(&taken));
    let body = stream::iter(0..parts * 4).map(move |_| {
        let taken = sum.fetch_add(PART / 4, Ordering::SeqCst) + PART / 4;
        peak.fetch_max(taken.saturating_sub(arrived.load(Ordering::SeqCst)), Ordering::SeqCst);
        Ok(piece.clone())
    });
    vault.put(&name(PACK), body.boxed(), parts * PART).await.unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), parts * PART);
    let most = most.load(Ordering::SeqCst);
    assert!(most <= 4 * PART, "{most} bytes in memory");
    assert!(most > 2 * PART, "{most}: several parts go up at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn packs_have_the_class_and_the_encryption_and_records_are_readable_at_once() {
    let server = S3Mem::start(Options::default().bucket("vault")).await.unwrap();
    let bucket = server.bucket("vault");
    for (encryption, wanted) in [
        (Encryption::Aes256, "AES256"),
        (Encryption::Kms(None), "aws:kms"),
        (Encryption::Kms(Some("arn:aws:kms:us-east-1:1:key/2".into())), "aws:kms arn:aws:kms:us-east-1:1:key/2"),
    ] {
        let mut config = config(&server);
        config.storage_class = Some("STANDARD_IA".into());
        config.encryption = Some(encryption);
        config.checksums = Some(true);
        config.prefix = wanted.replace([' ', ':', '/'], "-");
        let vault = ObjectVault::connect(config.clone()).await.unwrap();
        for (file, length) in [("packs/small", 1000), ("packs/large", 200_000)] {
            put(&vault, file, &bytes(length, 0)).await.unwrap();
            let stored = bucket.object(&format!("{}/{file}", config.prefix)).unwrap();
            assert_eq!(
                (stored.storage_class.as_deref(), stored.encryption.as_deref()),
                (Some("STANDARD_IA"), Some(wanted))
            );
        }
        assert!(vault.swap("a", None, &LeaseRecord(Bytes::from_static(b"x"))).await.unwrap());
        let record = bucket.object(&format!("{}/leases~/a", config.prefix)).unwrap();
        assert_eq!((record.storage_class, record.encryption.as_deref()), (None, Some(wanted)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_keep_in_the_bucket_is_not_in_the_vault() {
    let (_server, bucket, vault) = start().await;
    put(&vault, PACK, b"pack").await.unwrap();
    let strange = ["s3gc2/packs/x", "packs/x", "s3gc", "s3gc/", "s3gc/packs/", "s3gc/packs/a b", "s3gc/leases~/x"];
    for key in strange {
        bucket.put(key, "x", PutSpec::default().last_modified(Timestamp::UNIX_EPOCH));
    }
    assert_eq!(listed(&vault, "packs/").await.unwrap(), [PACK]);
    let everything = listed(&vault, "").await.unwrap();
    assert!(everything.iter().all(|file| file == PACK || file == "packs"), "{everything:?}");
    vault.remove(&name(PACK)).await.unwrap();
    assert_eq!(bucket.len(), strange.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_and_wrong_keys_are_told() {
    let (server, _bucket, _vault) = start().await;
    let mut missing = config(&server);
    missing.bucket = "nowhere".into();
    let vault = ObjectVault::connect(missing).await.unwrap();
    for error in [
        listed(&vault, "packs/").await.unwrap_err(),
        vault.read("a").await.unwrap_err(),
        put(&vault, PACK, b"x").await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::NoBucket { .. }), "{error:?}");
    }
    let mut stranger = config(&server);
    stranger.credentials = Some(StaticCredentials::new(ACCESS_KEY, "wrong-secret", None));
    let vault = ObjectVault::connect(stranger).await.unwrap();
    for error in [listed(&vault, "packs/").await.unwrap_err(), put(&vault, PACK, b"x").await.unwrap_err()] {
        let Error::Denied { source, .. } = &error else { panic!("{error:?}") };
        assert!(!format!("{error:?}{source}{vault:?}").contains("wrong-secret"), "{error:?}");
    }
    server.inject(Fault::new(Effect::AccessDenied).on(Op::GetObject));
    let vault = ObjectVault::connect(config(&server)).await.unwrap();
    put(&vault, PACK, b"x").await.unwrap();
    let refused = vault.read_range(&name(PACK), 0..1).await.unwrap_err();
    let Error::Denied { source, .. } = &refused else { panic!("{refused:?}") };
    assert!(source.to_string().contains("AccessDenied"), "{source}");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let with = |change: fn(&mut ObjectConfig)| {
        let mut config = ObjectConfig::new(Provider::S3, "vault", "s3gc");
        config.endpoint = Some("http://127.0.0.1:9".into());
        config.credentials = Some(StaticCredentials::new("a", "b", None));
        change(&mut config);
        ObjectVault::connect(config)
    };
    assert_eq!(with(|_| {}).await.unwrap().location(), "s3+http://127.0.0.1:9/vault/s3gc");
    assert_eq!(with(|config| config.prefix = String::new()).await.unwrap().location(), "s3+http://127.0.0.1:9/vault");
    #[cfg(feature = "gcp")]
    {
        let google = ObjectVault::connect(ObjectConfig::new(Provider::Gcs, "vault", "s3gc")).await.unwrap();
        assert_eq!(google.location(), "gs://vault/s3gc");
    }
    let refused: [fn(&mut ObjectConfig); 6] = [
        |config| config.bucket = String::new(),
        |config| config.bucket = "a/b".into(),
        |config| config.prefix = "a//b".into(),
        |config| config.prefix = "/a".into(),
        |config| config.prefix = "a b".into(),
        |config| config.provider = Provider::Gcs,
    ];
    for (index, change) in refused.into_iter().enumerate() {
        let error = with(change).await.unwrap_err();
        assert!(matches!(&error, Error::Io { operation: "opening", .. }), "{index}: {error:?}");
    }
}
