//! The contract of every vault, on a directory.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::sync::Arc;

use s3gc_testkit::suites::vault::Fixture;
use s3gc_vault::DirVault;

s3gc_testkit::vault_backend_suite!(directory());

fn directory() -> Fixture {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("made/by/the/vault");
    let vault = DirVault::open(&path).unwrap();
    Fixture::new(Arc::new(vault)).with_kept(temporary).with_reopen(move || Arc::new(DirVault::open(&path).unwrap()))
}
