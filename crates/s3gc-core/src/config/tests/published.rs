//! The schema and the reference say what the code does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::super::environment::VARIABLES;
use super::super::known::deref;
use super::super::{Loader, schema, tree};
use super::load;

/// Lists every key of the schema: its section as a file writes it, and its name.
fn schema_keys() -> Vec<(String, String)> {
    let schema = schema();
    let properties = |schema: &Json| schema.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
    let mut keys = Vec::new();
    for (name, value) in properties(&schema) {
        let mut inner = deref(&schema, &value);
        if let Some(items) = inner.get("items") {
            inner = deref(&schema, items);
        }
        let inner = properties(inner);
        if inner.is_empty() {
            keys.push((String::new(), name));
        } else {
            keys.extend(inner.into_iter().map(|(key, _)| (name.clone(), key)));
        }
    }
    keys
}

#[test]
fn every_key_of_the_schema_is_read() {
    let keys = schema_keys();
    assert!(keys.len() > 60, "{keys:?}");
    for (section, key) in keys {
        if key == "databases" {
            continue;
        }
        let (text, path) = match section.as_str() {
            "" => (format!("{key} = 1979-05-27"), key.clone()),
            "buckets" => (format!("[[buckets]]\n{key} = 1979-05-27"), format!("buckets[0].{key}")),
            "references" => (format!("[[references]]\n{key} = 1979-05-27"), format!("references[0].{key}")),
            _ => (format!("[{section}]\n{key} = 1979-05-27"), format!("{section}.{key}")),
        };
        let here = if section.starts_with("bucket") { "" } else { "\n[bucket]\nname = \"photos\"\n" };
        let errors = load(&format!("{text}{here}")).unwrap_err();
        let told = errors.problems.iter().any(|p| p.path == path && !p.message.contains("unknown") && p.span.is_some());
        assert!(told, "{path}: {errors}");
    }
}

#[test]
fn every_variable_stands_for_a_key() {
    let keys: BTreeSet<String> = schema_keys().into_iter().map(|(section, key)| tree::join(&section, &key)).collect();
    for (name, key) in VARIABLES {
        let refused = key.starts_with("serve.") || key.starts_with("schedule.");
        assert!(keys.contains(*key) || refused, "{name}");
    }
}

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

/// Run with `UPDATE=1` to write the schema anew.
#[test]
fn the_published_schema_is_current() {
    let made = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let path = docs("s3gc.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(made == published, "{} is old: run this test with UPDATE=1", path.display());
}

#[test]
fn the_reference_names_every_key_and_variable() {
    let text = std::fs::read_to_string(docs("configuration.md")).unwrap();
    for (section, key) in schema_keys() {
        let shared = section == "buckets" && schema_keys().contains(&("bucket".to_owned(), key.clone()));
        let row = if section.is_empty() { format!("`{key}`") } else { format!("`{section}.{key}`") };
        assert!(shared || text.contains(&row), "{row}");
    }
    for (name, _) in VARIABLES {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_examples_of_the_reference_load() {
    let text = std::fs::read_to_string(docs("configuration.md")).unwrap();
    let blocks: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 9, "{}", blocks.len());
    for block in blocks {
        // What a file would hold comes from the environment here.
        let block = &block.replace("${file:/run/secrets/vault}", "${VAULT_SECRET}");
        let variables = [
            ("DATABASE_URL", "postgres://app:pw@db/app"),
            ("S3_BUCKET", "my-photo-app"),
            ("VAULT_ACCESS_KEY_ID", "AKID"),
            ("VAULT_SECRET", "secret"),
        ];
        let named = variables.into_iter().filter(|(name, _)| block.contains(name));
        let loaded = Loader::new().file("/etc/s3gc/s3gc.toml", block.as_str()).environment(named);
        if let Err(errors) = loaded.load() {
            panic!("{errors}\n{block}");
        }
    }
}
