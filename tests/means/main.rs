//! Each means of deletion on each server that has it, with each accident that it has to survive (docs/stores.md).
//!
//! The servers are `s3gc-s3-mem` as strict as Amazon's, as lax as most, and between; moto; and Ceph's radosgw where it is
//! asked for. The accidents come from outside: over a proxy, from a second client, from the source that is being read.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::let_underscore_must_use,
    reason = "a failure in a test is a panic, in its helpers too"
)]

mod accident;
mod accidents;
mod proxy;
mod site;

use site::Kind;

/// A row of the table: a server, whether its bucket keeps versions, the means that the probe has to find.
#[derive(Clone, Copy)]
struct Row {
    kind: Kind,
    versioned: bool,
    means: &'static str,
}

macro_rules! rows {
    ($($name:ident: $kind:ident, $versioned:expr, $means:expr;)*) => {$(
        mod $name {
            use super::{Kind, Row, accidents};

            const ROW: Row = Row { kind: Kind::$kind, versioned: $versioned, means: $means };

            #[tokio::test(flavor = "multi_thread")]
            async fn i03_the_probe_finds_the_means_and_what_is_due_goes() {
                accidents::none(ROW).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn i03_a_rewrite_after_staging_survives() {
                accidents::rewrite_after_staging(ROW).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn i03_a_rewrite_with_equal_bytes_after_staging_survives() {
                accidents::touch_after_staging(ROW).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn i03_a_rewrite_in_the_moment_of_deletion_survives_where_it_can() {
                accidents::rewrite_at_deletion(ROW).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn i03_versioning_that_is_suspended_after_staging_loses_nothing() {
                accidents::suspend_after_staging(ROW).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn i07_a_deletion_that_lands_late_is_not_repeated_and_is_settled() {
                accidents::late(ROW).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn i03_an_upload_in_parts_goes_and_comes_back_and_a_new_one_survives() {
                accidents::in_parts(ROW).await;
            }
        }
    )*};
}

rows! {
    strict: Strict, false, "batch_etag";
    strict_with_versions: Strict, true, "batch_etag";
    single: Single, false, "single_etag";
    single_with_versions: Single, true, "single_etag";
    lax: Lax, false, "unconditional";
    lax_with_versions: Lax, true, "marker";
    moto: Moto, false, "single_etag";
    moto_with_versions: Moto, true, "single_etag";
    radosgw: Radosgw, false, "unconditional";
    radosgw_with_versions: Radosgw, true, "marker";
}
