//! What is known of the tables of frameworks, whatever their rows hold.

use s3gc_source::extract::{Preset, PresetColumn, PresetOptions};
use s3gc_source_sql::Candidate;

use super::look::Finding;

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

/// Frameworks that are known by a column, and of which nothing else must be known.
const SIGNS: [(&str, &str, Preset); 5] = [
    ("active_storage_blobs", "key", Preset::ActiveStorage),
    ("directus_files", "filename_disk", Preset::Directus),
    ("files", "formats", Preset::Strapi),
    ("upload_file", "formats", Preset::Strapi),
    ("media", "collection_name", Preset::LaravelMedialibrary),
];

/// The end of the name of the table by which WordPress is known.
const WORDPRESS: &str = "postmeta";

/// A framework whose tables there are.
#[derive(Debug)]
pub(super) struct Framework {
    pub(super) preset: Preset,
    pub(super) options: PresetOptions,
    /// What the preset stands for.
    pub(super) columns: Vec<PresetColumn>,
}

/// Finds the frameworks whose tables there are, and marks the columns that their presets read.
pub(super) fn frameworks(candidates: &[Candidate], findings: &mut [Finding]) -> Vec<Framework> {
    let has = |table: &str, column: &str| candidates.iter().any(|c| c.table == table && c.column == column);
    let signs = SIGNS.iter().filter(|(table, column, _)| has(table, column)).map(|(table, _, preset)| {
        let is_named = *preset == Preset::Strapi && *table != "files";
        (*preset, PresetOptions { table: is_named.then(|| (*table).to_owned()), ..PresetOptions::default() })
    });
    let blogs = candidates.iter().filter(|c| c.column == "meta_value").filter_map(|candidate| {
        let class = candidate.table.strip_suffix(WORDPRESS)?.to_owned();
        Some((Preset::WordPress, PresetOptions { class: Some(class), ..PresetOptions::default() }))
    });
    let mut found = Vec::new();
    for (preset, mut options) in signs.chain(blogs) {
        let Ok(columns) = preset.expand(&options) else { continue };
        // What another version lacks would be an error of every run.
        let is_whole = columns.iter().filter(|of| !of.optional && of.template.is_none());
        if !is_whole.flat_map(|of| of.columns.iter().map(|column| (&of.table, column))).all(|(t, c)| has(t, c)) {
            continue;
        }
        let read: Vec<(&str, &str)> = columns
            .iter()
            .filter(|of| of.template.is_none())
            .flat_map(|of| of.columns.iter().map(|column| (of.table.as_str(), column.as_str())))
            .collect();
        for finding in findings.iter_mut().filter(|f| read.contains(&(f.table.as_str(), f.column.as_str()))) {
            finding.preset = Some(preset);
            options.prefix = options.prefix.take().or_else(|| finding.prepend.clone());
        }
        let Ok(columns) = preset.expand(&options) else { continue };
        found.push(Framework { preset, options, columns });
    }
    found
}
