//! The suite sees what it has to see.

use std::sync::Arc;

use s3gc_store_fs::{FsConfig, FsStore};

use super::*;
use crate::faults::{Fault, FaultPlan, FaultyStore};
use crate::suites::{clause_numbers, numbers_of};

#[test]
fn every_clause_of_the_contract_has_a_test() {
    let contract = clause_numbers(include_str!("../../../../s3gc-store/src/store.rs"), "ObjectStore");
    assert_eq!(contract.len(), 19);
    assert_eq!(numbers_of(CLAUSES), contract);
}

/// A store that does everything right but for the faults.
async fn faulty(plan: FaultPlan) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let inner = FsStore::open(&FsConfig::new(directory.path())).await.unwrap();
    let store = Arc::new(FaultyStore::new(Arc::new(inner), plan));
    let (cut, broken) = (Arc::clone(&store), Arc::clone(&store));
    let mut fixture =
        Fixture::new(store, [DeleteMeans::SingleEtag]).with_kept(directory).with_broken(broken).with_cut(move |key| {
            let store = Arc::clone(&cut);
            async move { s3gc_store::ObjectStore::get(&*store, &key, GetOptions::default()).await }
        });
    fixture.many = 3;
    fixture
}

macro_rules! each_fails {
    ($($test:ident: $clause:ident, $plan:expr;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                let fixture = faulty($plan).await;
                let clause = tokio::spawn(async move { $clause(&fixture).await });
                assert!(clause.await.is_err_and(|error| error.is_panic()), "the clause did not see the fault");
            }
        )*
    };
}

each_fails! {
    a_listing_without_its_end_is_seen: clause_01_list_yields_every_object_once_and_one_end,
        FaultPlan::new().at("list", 2, Fault::Truncate);
    a_failed_listing_is_seen: clause_02_list_yields_keys_exactly_as_they_were_put,
        FaultPlan::new().always("list", Fault::FailTransient);
    other_bytes_are_seen: clause_02_list_yields_keys_exactly_as_they_were_put,
        FaultPlan::new().at("get", 2, Fault::Corrupt);
    a_prefix_that_is_not_listed_whole_is_seen: clause_03_a_prefix_is_a_string_and_not_a_directory,
        FaultPlan::new().at("page", 1, Fault::Truncate);
    a_listing_that_does_not_fail_is_seen: clause_04_a_listing_that_fails_has_no_end,
        FaultPlan::new();
    an_altered_body_is_seen: clause_05_get_gives_back_what_was_put,
        FaultPlan::new().at("get", 1, Fault::Corrupt);
    a_short_body_is_seen: clause_06_head_and_get_agree_with_the_listing,
        FaultPlan::new().at("get", 3, Fault::Truncate);
    a_get_that_fails_is_seen: clause_07_get_compares_the_entity_tag,
        FaultPlan::new().at("get", 2, Fault::Fail);
    another_error_for_a_missing_key_is_seen: clause_08_a_missing_key_is_not_found,
        FaultPlan::new().at("head", 1, Fault::Fail);
    a_body_that_ends_silently_is_seen: clause_09_a_body_that_ends_early_is_an_error,
        FaultPlan::new().always("get", Fault::Truncate);
    a_body_that_was_not_cut_is_seen: clause_09_a_body_that_ends_early_is_an_error,
        FaultPlan::new();
    an_object_that_does_not_keep_its_bytes_is_seen: clause_11_create_never_replaces,
        FaultPlan::new().at("get", 1, Fault::Corrupt);
    a_deletion_that_did_not_happen_is_seen: clause_12_delete_gives_each_request_its_outcome_and_touches_nothing_else,
        FaultPlan::new().always("delete", Fault::Lost);
    an_unknown_outcome_is_seen: clause_13_deleting_a_missing_object_is_ok,
        FaultPlan::new().at("delete", 1, Fault::Unanswered);
    an_outcome_of_a_changed_object_is_seen: clause_14_delete_leaves_a_changed_object_alone,
        FaultPlan::new().always("delete", Fault::Unanswered);
    an_error_instead_of_outcomes_is_seen: clause_15_delete_asks_the_guard,
        FaultPlan::new().at("delete", 2, Fault::Fail);
    an_answer_that_is_lost_is_seen: clause_16_delete_never_sends_a_request_twice,
        FaultPlan::new().at("delete", 1, Fault::Unanswered);
    an_altered_put_is_seen: clause_18_an_unsafe_key_is_refused_and_nothing_is_written,
        FaultPlan::new().at("put", 2, Fault::Corrupt);
    tags_that_cannot_be_read_are_seen: clause_19_tags_are_given_back_as_they_were_put,
        FaultPlan::new().at("tags", 3, Fault::Fail);
}
