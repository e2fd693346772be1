//! What all presets need to make columns.

use super::{InvalidPreset, Kind, Preset, PresetColumn, PresetOptions};

/// A preset with its options, of which the used ones are known to fit.
#[derive(Debug)]
pub(super) struct Expansion<'a> {
    preset: Preset,
    options: &'a PresetOptions,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(preset: Preset, options: &'a PresetOptions) -> Result<Self, InvalidPreset> {
        let given = [
            ("prefix", options.prefix.is_some()),
            ("table", options.table.is_some()),
            ("column", options.column.is_some()),
            ("class", options.class.is_some()),
            ("styles", !options.styles.is_empty()),
            ("columns", !options.columns.is_empty()),
        ];
        match given.into_iter().find(|(option, given)| *given && !preset.options().contains(option)) {
            Some((option, _)) => Err(InvalidPreset::Unused { preset, option }),
            None => Ok(Self { preset, options }),
        }
    }

    pub(super) fn table(&self) -> Result<&'a str, InvalidPreset> {
        self.needed("table", self.options.table.as_deref())
    }

    pub(super) fn table_or(&self, default: &'a str) -> &'a str {
        self.options.table.as_deref().unwrap_or(default)
    }

    pub(super) fn column(&self) -> Result<&'a str, InvalidPreset> {
        self.needed("column", self.options.column.as_deref())
    }

    pub(super) fn class(&self) -> Result<&'a str, InvalidPreset> {
        self.needed("class", self.options.class.as_deref())
    }

    pub(super) fn class_or(&self, default: &'a str) -> &'a str {
        self.options.class.as_deref().unwrap_or(default)
    }

    pub(super) fn styles(&self) -> &'a [String] {
        &self.options.styles
    }

    pub(super) fn has_column(&self, name: &str) -> bool {
        self.options.columns.iter().any(|column| column == name)
    }

    /// The prefix with a slash at its end and none at its beginning; empty if there is none.
    pub(super) fn prefix(&self) -> String {
        self.prefix_or("")
    }

    pub(super) fn prefix_or(&self, default: &str) -> String {
        let bare = self.options.prefix.as_deref().unwrap_or(default).trim_matches('/');
        if bare.is_empty() { String::new() } else { format!("{bare}/") }
    }

    fn needed(&self, option: &'static str, value: Option<&'a str>) -> Result<&'a str, InvalidPreset> {
        let preset = self.preset;
        value.filter(|value| !value.is_empty()).ok_or(InvalidPreset::Missing { preset, option })
    }
}

/// A column that is read as it is, below a prefix.
pub(super) fn column(table: &str, column: &str, kind: Kind, prefix: &str) -> PresetColumn {
    PresetColumn {
        table: table.to_owned(),
        columns: vec![column.to_owned()],
        kind,
        prepend: (!prefix.is_empty()).then(|| prefix.to_owned()),
        ..PresetColumn::default()
    }
}

/// Columns that are put together.
pub(super) fn template(table: &str, columns: &[&str], kind: Kind, template: String) -> PresetColumn {
    PresetColumn {
        table: table.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        kind,
        template: Some(template),
        ..PresetColumn::default()
    }
}

/// A text as it stands in a template.
pub(super) fn verbatim(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

/// A text as it stands in a regular expression.
pub(super) fn quoted(text: &str) -> String {
    regex_syntax::escape(text)
}

/// A text as it stands in the base of a variant.
pub(super) fn literal(text: &str) -> String {
    text.replace('$', "$$")
}
