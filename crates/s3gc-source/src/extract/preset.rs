//! Where frameworks and content systems keep the keys of their files.

mod content;
mod expand;
mod rails;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Kind;

/// A framework or content system of which it is known where it keeps the keys of its files.
///
/// A preset is no magic: it [expands](Self::expand) into plain columns, as anybody could write them.
///
/// # Examples
///
/// ```
/// use s3gc_source::extract::{Preset, PresetOptions};
///
/// let preset: Preset = "active_storage".parse()?;
/// let columns = preset.expand(&PresetOptions::default())?;
/// assert_eq!((columns[0].table.as_str(), columns[0].columns[0].as_str()), ("active_storage_blobs", "key"));
/// # Ok::<(), s3gc_source::extract::InvalidPreset>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Preset {
    /// A `FileField` or `ImageField` of Django with django-storages: the column holds the path below `location`.
    ///
    /// Needs `table` and `column`; `prefix` is the `location` of the storage, such as `media/`.
    /// Source: <https://docs.djangoproject.com/en/stable/topics/files/>,
    /// <https://django-storages.readthedocs.io/en/latest/backends/amazon-S3.html>.
    Django,
    /// Active Storage of Rails: `active_storage_blobs.key`. The blobs of tracked variants and of previews are rows of
    /// the same table; variants that are not tracked are `variants/BLOB_KEY/DIGEST`.
    ///
    /// `prefix` if a custom service puts one before its keys.
    /// Source: <https://guides.rubyonrails.org/active_storage_overview.html>,
    /// <https://api.rubyonrails.org/classes/ActiveStorage/Variant.html>.
    ActiveStorage,
    /// CarrierWave: `uploads/CLASS/MOUNT/ID/FILE`, and versions with their name before the file's (`thumb_a.jpg`).
    ///
    /// Needs `table`, `column` (the mount) and `class` (`user`); `styles` are the versions of a mount of one file, and
    /// without them, as for a mount of several, everything below `ID/` lives with the row; `prefix` is what stands before the class, `uploads/` if there is none.
    /// Source: <https://github.com/carrierwaveuploader/carrierwave#readme>.
    #[serde(rename = "carrierwave")]
    CarrierWave,
    /// Shrine: a JSON document `{"id": …, "storage": …, "metadata": …}`, with derivatives of the same form in it.
    ///
    /// Needs `table` and `column` (`image_data`); `prefix` is the prefix of the storage, such as `store/`; both
    /// storages, cache and store, are read with it and without.
    /// Source: <https://shrinerb.com/docs/getting-started>, <https://shrinerb.com/docs/plugins/derivatives>.
    Shrine,
    /// Paperclip and kt-paperclip: `CLASS/ATTACHMENT/ID_PARTITION/STYLE/FILE`.
    ///
    /// Needs `table`, `column` (the attachment in the singular, without `_file_name`) and `class` (in the plural,
    /// `users`); `styles` besides `original`; `prefix`.
    /// Source: <https://github.com/kreeti/kt-paperclip#readme>,
    /// <https://github.com/thoughtbot/paperclip/wiki/Interpolations>.
    Paperclip,
    /// Spatie's media library for Laravel with its default path generator: `ID/FILE`, with `ID/conversions/` and
    /// `ID/responsive-images/`. Everything below `ID/` lives with the row. A custom path generator cannot be known.
    ///
    /// `prefix` as in the configuration `media-library.prefix`; `table` if it is not `media`.
    /// Source: <https://spatie.be/docs/laravel-medialibrary/v11/advanced-usage/using-a-custom-directory-structure>.
    LaravelMedialibrary,
    /// The upload plugin of Strapi: `files.url`, the formats in `files.formats`, and `HASH` with `EXT`.
    ///
    /// `prefix` is the `rootPath` of the provider; `table` is `upload_file` in version 3 and `files` since.
    /// Source: <https://docs.strapi.io/cms/features/media-library>,
    /// <https://market.strapi.io/providers/@strapi-provider-upload-aws-s3>.
    Strapi,
    /// WordPress with its uploads in S3 (WP Offload Media and others): the metadata of attachments, the items of the
    /// plugin, and the content of posts.
    ///
    /// `prefix` is the path of the uploads in the bucket, `wp-content/uploads/` if there is none; `class` is the
    /// prefix of the tables, `wp_` if there is none.
    /// Source: <https://developer.wordpress.org/reference/functions/wp_get_attachment_metadata/>,
    /// <https://deliciousbrains.com/wp-offload-media/doc/>.
    #[serde(rename = "wordpress")]
    WordPress,
    /// An upload collection of Payload: `filename`, and the names of its sizes, with the prefix of the row.
    ///
    /// `table` is `media` if there is none; `styles` are the image sizes; `prefix` as in the storage plugin;
    /// `columns` can have `prefix` in it if the collection has that column.
    /// Source: <https://payloadcms.com/docs/upload/overview>, <https://payloadcms.com/docs/upload/storage-adapters>.
    Payload,
    /// Directus: `directus_files.filename_disk`, and transformed assets `UUID__HASH.EXT` beside the original.
    ///
    /// `prefix` is the root of the storage location.
    /// Source: <https://docs.directus.io/reference/files.html>,
    /// <https://directus.io/docs/configuration/files>.
    Directus,
}

/// What a preset must be told about an application. Each preset says which of them it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PresetOptions {
    /// What stands before each key in the bucket and is missing in the database.
    pub prefix: Option<String>,
    /// The table, with its schema where it needs one.
    pub table: Option<String>,
    /// The column or attachment.
    pub column: Option<String>,
    /// The name of the class in the keys.
    pub class: Option<String>,
    /// The names of the styles, versions or sizes that are made of a file.
    pub styles: Vec<String>,
    /// Optional columns that the table has.
    pub columns: Vec<String>,
}

/// One column, or several of one row, in which there are keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresetColumn {
    /// The table.
    pub table: String,
    /// The column; several for a template.
    pub columns: Vec<String>,
    /// How to read the value.
    pub kind: Kind,
    /// As in [`ExtractConfig`](super::ExtractConfig::strip).
    pub strip: Option<String>,
    /// As in [`ExtractConfig`](super::ExtractConfig::prepend).
    pub prepend: Option<String>,
    /// The [`Template`](super::Template) of the kinds `template` and, where the key names a directory, `prefix`.
    pub template: Option<String>,
    /// As in [`ExtractConfig`](super::ExtractConfig::json_paths).
    pub json_paths: Vec<String>,
    /// Rules for derived objects: see [`Variants`](super::Variants).
    pub variants: Vec<String>,
    /// Whether the table or column may be missing, as it is in other versions.
    pub optional: bool,
}

/// Why a preset cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPreset {
    /// There is no such preset.
    #[error("there is no preset {name:?}: there are {known}", known = Preset::known())]
    Unknown {
        /// The name.
        name: String,
    },
    /// It needs an option that is not there, or is empty.
    #[error("the preset {preset} needs {option}")]
    Missing {
        /// The preset.
        preset: Preset,
        /// The option.
        option: &'static str,
    },
    /// It has no use for an option, so that something else was meant.
    #[error("the preset {preset} takes no {option}")]
    Unused {
        /// The preset.
        preset: Preset,
        /// The option.
        option: &'static str,
    },
}

impl Preset {
    /// All presets.
    pub const ALL: &[Self] = &[
        Self::Django,
        Self::ActiveStorage,
        Self::CarrierWave,
        Self::Shrine,
        Self::Paperclip,
        Self::LaravelMedialibrary,
        Self::Strapi,
        Self::WordPress,
        Self::Payload,
        Self::Directus,
    ];

    /// Returns the name in configurations.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Django => "django",
            Self::ActiveStorage => "active_storage",
            Self::CarrierWave => "carrierwave",
            Self::Shrine => "shrine",
            Self::Paperclip => "paperclip",
            Self::LaravelMedialibrary => "laravel_medialibrary",
            Self::Strapi => "strapi",
            Self::WordPress => "wordpress",
            Self::Payload => "payload",
            Self::Directus => "directus",
        }
    }

    /// Expands the preset into columns.
    ///
    /// # Errors
    ///
    /// [`InvalidPreset`] if an option is missing, or is there and has no use.
    pub fn expand(self, options: &PresetOptions) -> Result<Vec<PresetColumn>, InvalidPreset> {
        let takes = expand::Expansion::new(self, options)?;
        Ok(match self {
            Self::Django => content::django(&takes)?,
            Self::ActiveStorage => rails::active_storage(&takes),
            Self::CarrierWave => rails::carrierwave(&takes)?,
            Self::Shrine => rails::shrine(&takes)?,
            Self::Paperclip => rails::paperclip(&takes)?,
            Self::LaravelMedialibrary => content::laravel_medialibrary(&takes),
            Self::Strapi => content::strapi(&takes),
            Self::WordPress => content::wordpress(&takes),
            Self::Payload => content::payload(&takes),
            Self::Directus => content::directus(&takes),
        })
    }

    /// The options it takes.
    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::Django | Self::Shrine => &["prefix", "table", "column"],
            Self::ActiveStorage | Self::Directus => &["prefix"],
            Self::CarrierWave | Self::Paperclip => &["prefix", "table", "column", "class", "styles"],
            Self::LaravelMedialibrary | Self::Strapi => &["prefix", "table"],
            Self::WordPress => &["prefix", "class"],
            Self::Payload => &["prefix", "table", "styles", "columns"],
        }
    }

    fn known() -> String {
        Self::ALL.iter().map(|preset| preset.name()).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Preset {
    type Err = InvalidPreset;

    fn from_str(name: &str) -> Result<Self, InvalidPreset> {
        let found = Self::ALL.iter().find(|preset| preset.name() == name);
        found.copied().ok_or_else(|| InvalidPreset::Unknown { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests;
