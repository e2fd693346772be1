//! The contract of the trait.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use s3gc_catalog::SqliteCatalog;
use s3gc_core::catalog::Catalog;
use s3gc_testkit::suites::catalog::Fixture;

fn fixture() -> Fixture {
    let directory = Arc::new(tempfile::tempdir().unwrap());
    Fixture::new(move || {
        let directory = Arc::clone(&directory);
        async move {
            let catalog = SqliteCatalog::open(directory.path().join("state/catalog.db")).await.unwrap();
            Arc::new(catalog) as Arc<dyn Catalog>
        }
    })
}

s3gc_testkit::catalog_suite!(fixture());
