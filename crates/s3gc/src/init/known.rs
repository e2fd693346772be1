//! What is known of the tables of frameworks, whatever their rows hold.

use s3gc_source::extract::{Preset, PresetOptions};
use s3gc_source_sql::Candidate;

/// Tables in which frameworks write down what happened: they name files that may be gone, and need none of them.
///
/// Django: <https://docs.djangoproject.com/en/stable/ref/contrib/admin/#logentry-objects>; Wagtail:
/// <https://docs.wagtail.org/en/stable/extending/audit_log.html>; Directus:
/// <https://directus.io/docs/guides/content/content-versioning>, <https://directus.io/docs/api/activity>.
const LOGS: [&str; 5] = [
    "django_admin_log",
    "wagtailcore_modellogentry",
    "wagtailcore_pagelogentry",
    "directus_activity",
    "directus_revisions",
];

/// Tells whether the table is the log of a framework.
pub(super) fn is_log(table: &str) -> bool {
    LOGS.contains(&table)
}

/// Frameworks that are known by a table of their own, and of which nothing else must be known to say how the keys of
/// derived objects are made.
const SIGNS: [(&str, Preset); 2] = [("directus_files", Preset::Directus), ("wp_postmeta", Preset::WordPress)];

/// Finds the rules for derived objects of the frameworks whose tables there are.
pub(super) fn variants(candidates: &[Candidate]) -> Vec<(Preset, Vec<String>)> {
    let is_there = |table: &str| candidates.iter().any(|candidate| candidate.table == table);
    let found = SIGNS.iter().filter(|(table, _)| is_there(table));
    found
        .filter_map(|(_, preset)| {
            let columns = preset.expand(&PresetOptions::default()).ok()?;
            let rules: Vec<String> = columns.into_iter().flat_map(|column| column.variants).collect();
            (!rules.is_empty()).then_some((*preset, rules))
        })
        .collect()
}
