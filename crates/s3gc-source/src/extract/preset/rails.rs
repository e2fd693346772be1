//! Gems that Rails applications store files with.

use super::expand::{Expansion, column, literal, quoted, template, verbatim};
use super::{InvalidPreset, Kind, PresetColumn};

pub(super) fn active_storage(takes: &Expansion<'_>) -> Vec<PresetColumn> {
    let prefix = takes.prefix();
    let (before, after) = (quoted(&prefix), literal(&prefix));
    // Variants that are not tracked have no row; theirs is the key of the blob, and a digest of what was done to it.
    let variants = vec![format!("^{before}variants/(?<key>[^/]+)/[^/]+$ -> {after}${{key}}")];
    let mut keys = column("active_storage_blobs", "key", Kind::Key, &prefix);
    keys.variants = variants;
    vec![keys]
}

pub(super) fn carrierwave(takes: &Expansion<'_>) -> Result<Vec<PresetColumn>, InvalidPreset> {
    let (table, mount, class) = (takes.table()?, takes.column()?, takes.class()?);
    let prefix = takes.prefix_or("uploads");
    let directory = format!("{prefix}{class}/{mount}/");
    if takes.styles().is_empty() {
        // With unknown versions, or several files in one mount, all below the directory of the row lives with the row.
        return Ok(vec![template(table, &["id"], Kind::Prefix, format!("{}{{id}}/", verbatim(&directory)))]);
    }
    let text = format!("{}{{id}}/{{{mount}}}", verbatim(&directory));
    let mut files = template(table, &["id", mount], Kind::Template, text);
    let versions = takes.styles().iter().map(|style| quoted(style)).collect::<Vec<_>>().join("|");
    let (before, after) = (quoted(&directory), literal(&directory));
    files.variants = vec![format!("^{before}(?<id>.+)/(?:{versions})_(?<file>[^/]+)$ -> {after}${{id}}/${{file}}")];
    Ok(vec![files])
}

pub(super) fn shrine(takes: &Expansion<'_>) -> Result<Vec<PresetColumn>, InvalidPreset> {
    // The ids of the file and of its derivatives, at any depth: `{"id": …, "derivatives": {"small": {"id": …}}}`.
    let mut files = column(takes.table()?, takes.column()?, Kind::Json, &takes.prefix());
    files.json_paths = vec!["$..id".to_owned()];
    Ok(vec![files])
}

pub(super) fn paperclip(takes: &Expansion<'_>) -> Result<Vec<PresetColumn>, InvalidPreset> {
    let (table, attachment, class) = (takes.table()?, takes.column()?, takes.class()?);
    let file = format!("{attachment}_file_name");
    let directory = format!("{}{}/{}s", verbatim(&takes.prefix()), verbatim(class), verbatim(attachment));
    let path = |style: &str, name: &str| {
        let text = format!("{directory}/{{id|id_partition}}/{}/{name}", verbatim(style));
        template(table, &["id", &file], Kind::Template, text)
    };
    let mut columns = vec![path("original", &format!("{{{file}}}"))];
    for style in takes.styles() {
        columns.push(path(style, &format!("{{{file}}}")));
        // A style may have another format than the original.
        for extension in ["jpg", "jpeg", "png", "gif", "webp"] {
            columns.push(path(style, &format!("{{{file}|stem}}.{extension}")));
        }
    }
    Ok(columns)
}
