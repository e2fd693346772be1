//! Frameworks and content systems other than Rails.

use super::expand::{Expansion, column, literal, quoted, template, verbatim};
use super::{InvalidPreset, Kind, PresetColumn};

/// `a-300x200.jpg` is a size of `a.jpg`, for WordPress and Payload.
const SIZES: &str = r"^(?<base>.+)-\d+x\d+(?<ext>\.\w+)$ -> $base$ext";

pub(super) fn django(takes: &Expansion<'_>) -> Result<Vec<PresetColumn>, InvalidPreset> {
    Ok(vec![column(takes.table()?, takes.column()?, Kind::Key, &takes.prefix())])
}

pub(super) fn laravel_medialibrary(takes: &Expansion<'_>) -> Vec<PresetColumn> {
    let text = format!("{}{{id}}/", verbatim(&takes.prefix()));
    vec![template(takes.table_or("media"), &["id"], Kind::Prefix, text)]
}

pub(super) fn strapi(takes: &Expansion<'_>) -> Vec<PresetColumn> {
    let (table, prefix) = (takes.table_or("files"), takes.prefix());
    let mut formats = column(table, "formats", Kind::Json, &prefix);
    formats.json_paths = vec!["$.*.url".to_owned()];
    let preview = PresetColumn { optional: true, ..column(table, "preview_url", Kind::Url, &prefix) };
    // Also read where `url` leads to a server that nobody configured.
    let hash = template(table, &["hash", "ext"], Kind::Template, format!("{}{{hash}}{{ext?}}", verbatim(&prefix)));
    vec![column(table, "url", Kind::Url, &prefix), formats, preview, hash]
}

pub(super) fn wordpress(takes: &Expansion<'_>) -> Vec<PresetColumn> {
    let (tables, prefix) = (takes.class_or("wp_"), takes.prefix_or("wp-content/uploads"));
    let in_table = |name: &str, of: &str, kind| column(&format!("{tables}{name}"), of, kind, &prefix);
    let optional = |column| PresetColumn { optional: true, ..column };
    // `_wp_attached_file`, `_wp_attachment_metadata`, and the fields of other plugins.
    let mut meta = in_table("postmeta", "meta_value", Kind::Auto);
    meta.variants = [
        SIZES,
        r"^(?<base>.+)-(?:scaled|rotated)(?<ext>\.\w+)$ -> $base$ext",
        r"^(?<base>.+\.(?:jpe?g|png|gif))\.(?:webp|avif)$ -> $base",
    ]
    .map(str::to_owned)
    .to_vec();
    vec![
        meta,
        in_table("posts", "post_content", Kind::Text),
        in_table("posts", "guid", Kind::Url),
        optional(in_table("as3cf_items", "path", Kind::Key)),
        optional(in_table("as3cf_items", "original_path", Kind::Key)),
        optional(in_table("as3cf_items", "extra_info", Kind::Auto)),
        optional(in_table("options", "option_value", Kind::Auto)),
        optional(in_table("termmeta", "meta_value", Kind::Auto)),
        optional(in_table("usermeta", "meta_value", Kind::Auto)),
    ]
}

pub(super) fn payload(takes: &Expansion<'_>) -> Vec<PresetColumn> {
    let (table, prefix) = (takes.table_or("media"), takes.prefix());
    let named = |name: &str| {
        if takes.has_column("prefix") {
            // A row may be older than the prefix of its collection.
            template(table, &["prefix", name], Kind::Template, format!("{}{{prefix?}}/{{{name}}}", verbatim(&prefix)))
        } else {
            column(table, name, Kind::Key, &prefix)
        }
    };
    let mut original = named("filename");
    original.variants = vec![SIZES.to_owned()];
    let sizes = takes.styles().iter().map(|size| named(&format!("sizes_{size}_filename")));
    std::iter::once(original).chain(sizes).collect()
}

pub(super) fn directus(takes: &Expansion<'_>) -> Vec<PresetColumn> {
    let prefix = takes.prefix();
    let (before, after) = (quoted(&prefix), literal(&prefix));
    let from = format!(r"^{before}(?<id>[^/]+)__[0-9a-f]{{40}}(?<ext>\.\w+)?$");
    let mut files = column("directus_files", "filename_disk", Kind::Key, &prefix);
    files.variants = vec![format!("{from} -> {after}${{id}}${{ext}}")];
    // A transformation may change the format, and its key says nothing of the original's.
    for extension in ["jpg", "jpeg", "png", "webp", "avif", "tif", "tiff", "gif", "svg"] {
        files.variants.push(format!("{from} -> {after}${{id}}.{extension}"));
    }
    vec![files]
}
