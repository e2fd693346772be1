use super::*;
use crate::judge::{PrefixCounts, Tally};
use s3gc_source::ColumnCounts;

fn baseline(readings: u64, due: u64, claimed: u64) -> Baseline {
    let column = ColumnCensus {
        column: ColumnId::new("posts.image"),
        counts: ColumnCounts { rows: readings, values: readings, readings, ..ColumnCounts::default() },
        sampled: readings.min(100),
        matched: readings.min(100),
    };
    let tally = |objects| Tally { objects, bytes: objects * 10 };
    let counts = JudgeCounts { claimed: tally(claimed), due: tally(due), ..JudgeCounts::default() };
    Baseline { counts, sources: vec![SourceCensus { name: "main".into(), columns: vec![column] }] }
}

fn tripped(settings: &Settings, now: &Baseline, last: Option<&Baseline>) -> Vec<String> {
    let hash = Digest::of(b"");
    let input =
        BrakeInput { settings, now, last_good: last, config_hash: &hash, last_config_hash: None, is_execute: true };
    input.check().into_iter().map(|brake| brake.name).collect()
}

#[test]
fn a_healthy_census_trips_nothing() {
    let settings = Settings::new("b", "/tmp");
    let (now, last) = (baseline(1000, 100, 1100), baseline(1000, 100, 1100));
    assert_eq!(tripped(&settings, &now, Some(&last)), [""; 0]);
}

#[test]
fn l01_no_reference_at_all_trips_total_source_and_column() {
    let settings = Settings::new("b", "/tmp");
    let (now, last) = (baseline(0, 10, 1100), baseline(1000, 10, 1100));
    let names = tripped(&settings, &now, Some(&last));
    assert_eq!(names[..3], ["zero:total", "zero:main", "zero:posts.image"]);
    assert_eq!(tripped(&settings, &now, None), ["zero:total", "zero:main"]);
}

#[test]
fn l01_too_many_orphans_trip_by_number_and_by_bytes() {
    let mut settings = Settings::new("b", "/tmp");
    assert_eq!(tripped(&settings, &baseline(1000, 230, 1100), None), ["orphans", "orphan_bytes"]);
    assert_eq!(tripped(&settings, &baseline(1000, 19, 19), None), [""; 0], "too few to say");
    settings.max_delete = MaxDelete::Count(5);
    settings.max_delete_bytes = Some(50);
    assert_eq!(tripped(&settings, &baseline(1000, 6, 1100), None), ["max_count", "max_bytes"]);
}

#[test]
fn a_prefix_that_was_in_use_and_is_due_now_trips() {
    let settings = Settings::new("b", "/tmp");
    let (mut now, mut last) = (baseline(1000, 30, 1100), baseline(1000, 0, 1100));
    let tally = |objects| Tally { objects, bytes: objects };
    let counts = |due| PrefixCounts { claimed: tally(50), unreferenced: tally(due), due: tally(due) };
    now.counts.prefixes.insert("media/".into(), counts(30));
    last.counts.prefixes.insert("media/".into(), counts(0));
    assert_eq!(tripped(&settings, &now, Some(&last)), ["orphans:media/"]);
    last.counts.prefixes.insert("media/".into(), counts(30));
    assert_eq!(tripped(&settings, &now, Some(&last)), [""; 0], "tmp/ may always be full of orphans");
}

#[test]
fn l15_fewer_references_and_fewer_matches_trip() {
    let settings = Settings::new("b", "/tmp");
    let last = baseline(1000, 10, 1100);
    assert_eq!(tripped(&settings, &baseline(899, 10, 1100), Some(&last)), ["drop:main"]);
    let mut now = baseline(1000, 10, 1100);
    now.sources[0].columns[0].matched = 49;
    assert_eq!(tripped(&settings, &now, Some(&last)), ["match:posts.image"]);
}

#[test]
fn l15_a_column_beside_a_template_that_reads_it_need_not_name_objects() {
    let settings = Settings::new("b", "/tmp");
    let mut now = baseline(1000, 10, 1100);
    let mut template = now.sources[0].columns[0].clone();
    now.sources[0].columns[0].matched = 0;
    assert_eq!(tripped(&settings, &now, None), ["match:posts.image"]);
    template.column = ColumnId::new("posts.u/{id}/{image|lower}");
    now.sources[0].columns.push(template.clone());
    assert_eq!(tripped(&settings, &now, None), [""; 0]);
    template.column = ColumnId::new("other.u/{id}/{image}");
    now.sources[0].columns[1] = template;
    assert_eq!(tripped(&settings, &now, None), ["match:posts.image"]);
}

#[test]
fn l04_urls_of_unknown_hosts_trip() {
    let settings = Settings::new("b", "/tmp");
    let mut now = baseline(1000, 10, 1100);
    now.sources[0].columns[0].counts.foreign_urls = 11;
    assert_eq!(tripped(&settings, &now, None), ["foreign_urls"]);
}

#[test]
fn l18_a_changed_configuration_forces_a_dry_run() {
    let settings = Settings::new("b", "/tmp");
    let now = baseline(1000, 10, 1100);
    let (new, old) = (Digest::of(b"new"), Digest::of(b"old"));
    let mut input = BrakeInput {
        settings: &settings,
        now: &now,
        last_good: None,
        config_hash: &new,
        last_config_hash: Some(&old),
        is_execute: true,
    };
    assert_eq!(input.check()[0].name, "config");
    input.is_execute = false;
    assert!(input.check().is_empty());
}

/// Two limits of 20 %, one of objects and one of bytes: what is due and what is claimed of each.
fn amounts(due: (u64, u64), claimed: (u64, u64)) -> Baseline {
    let tally = |(objects, bytes)| Tally { objects, bytes };
    let counts = JudgeCounts { claimed: tally(claimed), due: tally(due), ..JudgeCounts::default() };
    Baseline { counts, ..baseline(1000, 0, 0) }
}

#[test]
fn l01_a_limit_of_orphans_that_is_just_reached_is_not_exceeded() {
    let mut settings = Settings::new("b", "/tmp");
    let trips = |settings: &Settings, due, claimed| tripped(settings, &amounts(due, claimed), None);
    assert_eq!(trips(&settings, (20, 20), (100, 100)), [""; 0]);
    assert_eq!(trips(&settings, (21, 20), (100, 100)), ["orphans"]);
    assert_eq!(trips(&settings, (20, 21), (100, 100)), ["orphan_bytes"]);
    assert_eq!(trips(&settings, (5, 5), (20, 20)), ["orphans", "orphan_bytes"], "20 objects say something");
    settings.max_delete = MaxDelete::Count(5);
    settings.max_delete_bytes = Some(50);
    assert_eq!(trips(&settings, (5, 50), (100, 100)), [""; 0]);
    assert_eq!(trips(&settings, (6, 50), (100, 100)), ["max_count"]);
    assert_eq!(trips(&settings, (5, 51), (100, 100)), ["max_bytes"]);
    assert_eq!(trips(&settings, (7, 60), (100, 100)), ["max_count", "max_bytes"]);
}

#[test]
fn l01_a_column_that_was_empty_before_trips_nothing() {
    let settings = Settings::new("b", "/tmp");
    let mut now = baseline(1000, 10, 1100);
    let mut empty = now.sources[0].columns[0].clone();
    empty.column = ColumnId::new("posts.video");
    empty.counts = ColumnCounts { rows: 1000, nulls: 1000, ..ColumnCounts::default() };
    (empty.sampled, empty.matched) = (0, 0);
    now.sources[0].columns.push(empty);
    assert_eq!(tripped(&settings, &now, Some(&now)), [""; 0]);
}

#[test]
fn a_prefix_trips_only_where_it_was_in_use_and_mostly_is_not_now() {
    let settings = Settings::new("b", "/tmp");
    let trips = |claimed: u64, before: u64, now: u64| {
        let tally = |objects| Tally { objects, bytes: objects };
        let counts = |unreferenced| PrefixCounts {
            claimed: tally(claimed),
            unreferenced: tally(unreferenced),
            ..PrefixCounts::default()
        };
        let mut of = [before, now].map(|unreferenced| {
            let mut of = baseline(1000, 30, 1100);
            of.counts.prefixes.insert("media/".into(), counts(unreferenced));
            of
        });
        let [last, now] = &mut of;
        !tripped(&settings, now, Some(last)).is_empty()
    };
    assert!(trips(100, 0, 51));
    assert!(!trips(100, 0, 50), "half of it is not most of it");
    assert!(trips(100, 25, 51), "a quarter was unreferenced: it was in use");
    assert!(!trips(100, 26, 51));
    assert!(!trips(100, 0, 0));
    assert!(trips(20, 0, 20));
    assert!(!trips(19, 0, 19), "too few to say");
}

#[test]
fn l15_references_and_matches_may_shrink_up_to_the_limit() {
    let settings = Settings::new("b", "/tmp");
    let last = baseline(1000, 10, 1100);
    assert_eq!(tripped(&settings, &baseline(900, 10, 1100), Some(&last)), [""; 0]);
    assert_eq!(tripped(&settings, &baseline(10, 0, 1100), Some(&baseline(19, 0, 1100))), [""; 0], "too few to say");
    assert_eq!(tripped(&settings, &baseline(10, 0, 1100), Some(&baseline(20, 0, 1100))), ["drop:main"]);
    let trips = |sampled, matched, last: &Baseline| {
        let mut now = baseline(1000, 10, 1100);
        (now.sources[0].columns[0].sampled, now.sources[0].columns[0].matched) = (sampled, matched);
        tripped(&settings, &now, Some(last))
    };
    assert_eq!(trips(100, 50, &last), [""; 0]);
    assert_eq!(trips(20, 9, &last), ["match:posts.image"]);
    assert_eq!(trips(19, 0, &last), [""; 0], "too few to say");
    // Before, too: then there is nothing to compare with, and only a column without any match trips.
    let mut few = last.clone();
    (few.sources[0].columns[0].sampled, few.sources[0].columns[0].matched) = (19, 19);
    assert_eq!(trips(100, 1, &few), [""; 0]);
    assert_eq!(trips(100, 0, &few), ["match:posts.image"]);
    let mut odd = last.clone();
    odd.sources[0].columns[0].matched = 35;
    assert_eq!(trips(100, 17, &odd), ["match:posts.image"], "half of 35 % is more than 17 %");
    assert_eq!(trips(100, 18, &odd), [""; 0]);
}

#[test]
fn l15_a_column_of_which_no_value_names_an_object_trips_where_there_are_objects() {
    let settings = Settings::new("b", "/tmp");
    let trips = |sampled, claimed| {
        let mut now = baseline(1000, 0, claimed);
        (now.sources[0].columns[0].sampled, now.sources[0].columns[0].matched) = (sampled, 0);
        tripped(&settings, &now, None)
    };
    assert_eq!(trips(20, 1), ["match:posts.image"]);
    assert_eq!(trips(19, 1), [""; 0], "too few to say");
    assert_eq!(trips(20, 0), [""; 0], "an empty bucket");
}

#[test]
fn l15_a_template_that_names_no_object_excuses_nothing() {
    let settings = Settings::new("b", "/tmp");
    let mut now = baseline(1000, 10, 1100);
    let mut template = now.sources[0].columns[0].clone();
    now.sources[0].columns[0].matched = 0;
    template.column = ColumnId::new("posts.u/{image}");
    (template.sampled, template.matched) = (10, 0);
    now.sources[0].columns.push(template);
    assert_eq!(tripped(&settings, &now, None), ["match:posts.image"]);
}

#[test]
fn l04_foreign_urls_trip_by_their_share() {
    let settings = Settings::new("b", "/tmp");
    let trips = |values, foreign| {
        let mut now = baseline(1000, 10, 1100);
        let counts = &mut now.sources[0].columns[0].counts;
        (counts.values, counts.foreign_urls) = (values, foreign);
        tripped(&settings, &now, None)
    };
    assert_eq!(trips(1000, 10), [""; 0], "1 % is allowed");
    assert_eq!(trips(20, 1), ["foreign_urls"]);
    assert_eq!(trips(19, 19), [""; 0], "too few to say");
}

#[test]
fn l18_an_unchanged_configuration_needs_no_dry_run() {
    let (settings, now, hash) = (Settings::new("b", "/tmp"), baseline(1000, 10, 1100), Digest::of(b"same"));
    let input = BrakeInput {
        settings: &settings,
        now: &now,
        last_good: None,
        config_hash: &hash,
        last_config_hash: Some(&hash),
        is_execute: true,
    };
    assert_eq!(input.check(), []);
}
