//! The contract of every store, on a directory.
#![expect(clippy::unwrap_used, reason = "what these tests share is a part of them")]

use std::sync::Arc;

use s3gc_store::{DeleteMeans, GetOptions, ObjectStore};
use s3gc_store_fs::{FsConfig, FsStore};
use s3gc_testkit::suites::store::Fixture;

s3gc_testkit::object_store_suite!(directory().await);

async fn directory() -> Fixture {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().to_owned();
    let store = FsStore::open(&FsConfig::new(&path)).await.unwrap();
    let means = [DeleteMeans::BatchEtag, DeleteMeans::SingleEtag, DeleteMeans::Unconditional];

    let lost = tempfile::tempdir().unwrap();
    let broken = FsStore::open(&FsConfig::new(lost.path())).await.unwrap();
    lost.close().unwrap();

    let (writing, cutting, reader) = (path.clone(), path, store.clone());
    let mut fixture = Fixture::new(Arc::new(store), means)
        .with_kept(temporary)
        .with_broken(Arc::new(broken))
        .with_rewrite(move |key, bytes| {
            let path = writing.join(key.as_str());
            async move { std::fs::write(path, bytes).unwrap() }
        })
        .with_cut(move |key| {
            let (path, reader) = (cutting.join(key.as_str()), reader.clone());
            async move {
                let opened = reader.get(&key, GetOptions::default()).await?;
                std::fs::File::options().write(true).open(path).unwrap().set_len(1 << 20).unwrap();
                Ok(opened)
            }
        });
    fixture.storage_class = Some("STANDARD_IA".to_owned());
    fixture
}
