//! Keys that are put together from columns: looked for where a column holds names of files, and the bucket has them in a
//! directory of each row.

use std::collections::{BTreeMap, HashMap};

use s3gc_source::extract::Template;

/// How many keys of one name are compared.
const MAX_KEYS: usize = 16;

/// The keys of the bucket by the name of the file, as far as the listing was read.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, Vec<String>>);

impl Names {
    pub(super) fn add(&mut self, key: &str) {
        let Some((directory, name)) = key.rsplit_once('/') else { return };
        if directory.is_empty() {
            return;
        }
        let keys = self.0.entry(name.to_owned()).or_default();
        if keys.len() < MAX_KEYS {
            keys.push(key.to_owned());
        }
    }

    /// Tells whether half of the values are names of files that are in directories.
    pub(super) fn hold_most(&self, values: &[String]) -> bool {
        let held = values.iter().filter(|value| !self.keys(value).is_empty()).count();
        held > 0 && held * 2 >= values.len()
    }

    fn keys(&self, value: &str) -> &[String] {
        let name = value.trim().rsplit('/').next().unwrap_or_default();
        if name.contains('.') { self.0.get(name).map_or(&[], Vec::as_slice) } else { &[] }
    }
}

/// How many templates of one column are proposed.
const MAX_TEMPLATES: usize = 8;

/// Finds the templates with which rows name objects, from pairs of an id and a value: all of them, the best first, if the
/// best one fits most of the rows. Says how many that fits.
pub(super) fn find(
    names: &Names,
    id_column: &str,
    column: &str,
    rows: &[(String, String)],
) -> Option<(Vec<String>, usize)> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (id, value) in rows {
        let value = value.trim().trim_start_matches('/');
        let mut seen: Vec<String> =
            names.keys(value).iter().filter_map(|key| generalize(key, id_column, id, column, value)).collect();
        seen.sort_unstable();
        seen.dedup();
        for template in seen {
            *counts.entry(template).or_default() += 1;
        }
    }
    let mut found: Vec<(String, usize)> = counts.into_iter().collect();
    found.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let (_, count) = found.first()?.clone();
    // One row may be chance.
    let is_enough = count >= 2 && count * 2 >= rows.len();
    let templates = found.into_iter().take(MAX_TEMPLATES).map(|(template, _)| template);
    is_enough.then(|| (templates.collect(), count))
}

/// Writes a key with the id and the value of its row as the columns that they came from.
fn generalize(key: &str, id_column: &str, id: &str, column: &str, value: &str) -> Option<String> {
    let directory = key.strip_suffix(value)?.strip_suffix('/')?;
    let escaped = directory.replace('{', "{{").replace('}', "}}");
    let slashed = format!("/{escaped}/");
    let partition = Template::parse("{id|id_partition}").ok()?.fill(&[("id", Some(id))])?;
    let found = [(partition, format!("{{{id_column}|id_partition}}")), (id.to_owned(), format!("{{{id_column}}}"))];
    let (text, part) = found.into_iter().find(|(text, _)| slashed.contains(&format!("/{text}/")))?;
    let template = slashed.replacen(&format!("/{text}/"), &format!("/{part}/"), 1);
    Some(format!("{}{{{column}}}", template.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(keys: &[&str], rows: &[(&str, &str)]) -> Option<String> {
        let mut names = Names::default();
        keys.iter().for_each(|key| names.add(key));
        let rows: Vec<(String, String)> = rows.iter().map(|(id, v)| ((*id).to_owned(), (*v).to_owned())).collect();
        find(&names, "id", "pic", &rows).map(|(templates, _)| templates.join(" "))
    }

    #[test]
    fn the_directory_of_a_row_becomes_a_template() {
        let rows = [("7", "a.png"), ("8", "b.png")];
        assert_eq!(found(&["u/7/a.png", "u/8/b.png"], &rows).as_deref(), Some("u/{id}/{pic}"));
        assert_eq!(found(&["7/x{y}/a.png", "8/x{y}/b.png"], &rows).as_deref(), Some("{id}/x{{y}}/{pic}"));
        let partitioned = ["p/000/000/007/o/a.png", "p/000/000/008/o/b.png"];
        assert_eq!(found(&partitioned, &rows).as_deref(), Some("p/{id|id_partition}/o/{pic}"));
        let old = ["u/7/a.png", "u/8/b.png", "legacy/8/b.png"];
        assert_eq!(found(&old, &rows).as_deref(), Some("u/{id}/{pic} legacy/{id}/{pic}"));
        assert_eq!(found(&["u/1/a.png", "u/2/b.png"], &rows), None, "other ids");
        assert_eq!(found(&["u/7/a.png"], &rows), None, "one row is chance");
    }
}
