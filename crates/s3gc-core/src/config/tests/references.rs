//! Presets, templates and JSON paths.

use s3gc_store::ObjectKey;

use super::*;

#[test]
fn a_preset_stands_for_columns_and_a_template_for_a_key() {
    let text = format!(
        "{BASE}[[references]]\npreset = \"directus\"\nprefix = \"up/\"\n\
         [[references]]\ntable = \"users\"\ntemplate = \"uploads/user/{{id}}/{{avatar}}\"\n\
         [[references]]\ntable = \"a\"\ncolumn = \"b\"\nkind = \"json\"\njson_paths = [\"$.x\"]\noptional = true\n"
    );
    let bucket = bucket(&text);
    let found = |place: &ReferencePlace| bucket.references.iter().find(|reference| reference.place == *place);
    let column = |table: &str, column: &str| ReferencePlace::Column { table: table.into(), column: column.into() };
    let files = found(&column("directus_files", "filename_disk")).unwrap();
    assert_eq!((files.kind, files.prepend.as_deref()), (Kind::Key, Some("up/")));
    let template = "uploads/user/{id}/{avatar}".to_owned();
    let template = found(&ReferencePlace::Template { table: "users".into(), template }).unwrap();
    assert_eq!(template.kind, Kind::Template);
    let json = found(&column("a", "b")).unwrap();
    assert_eq!((json.json_paths.as_slice(), json.optional), (&["$.x".to_owned()][..], true));
    let derived = ObjectKey::new(format!("up/x__{}.png", "a".repeat(40))).unwrap();
    assert!(bucket.variants.bases(&derived).any(|base| base.as_str() == "up/x.jpg"), "{:?}", bucket.variants);
}

#[test]
fn variants_that_lead_in_a_circle_are_refused() {
    let text = |rules: &str| BASE.replace("name = \"photos\"\n", &format!("name = \"photos\"\nvariants = [{rules}]\n"));
    let rules = &bucket(&text(r#"'^thumbs/(?<base>.+)$ -> $base'"#)).variants;
    assert_eq!(
        rules.bases(&ObjectKey::new("thumbs/a").unwrap()).map(|base| base.to_string()).collect::<Vec<_>>(),
        ["a"]
    );
    for (rules, part) in [
        (r#"'^a/(.+)$ -> b/$1', '^b/(.+)$ -> a/$1'"#, "in a circle"),
        (r#"'^(.+)$ -> $1'"#, "to itself"),
        (r#"'thumbs/(.+)$ -> $1'"#, "begin it with ^"),
        (r#"'^thumbs/(.+)$'"#, "is not a rule"),
        (r#"'^thumbs/(.+$ -> $1'"#, "does not parse"),
    ] {
        let error = error(&text(rules));
        assert!(error.contains("bucket.variants") && error.contains(part), "{rules}: {error}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for (text, part) in [
        ("table = \"a\"\ncolumn = \"b\"\nkind = \"template\"\n", "needs a template"),
        ("table = \"a\"\ntemplate = \"u/{id\"\n", "has no partner"),
        ("table = \"a\"\ntemplate = \"{id}\"\nprepend = \"x/\"\n", "is the whole key"),
        ("table = \"a\"\ntemplate = \"{id}\"\nkind = \"url\"\n", "gives a key"),
        ("table = \"a\"\ntemplate = \"{id}\"\ncolumn = \"b\"\n", "not both"),
        ("table = \"a\"\ncolumn = \"b\"\njson_paths = [\"$.a\"]\n", "need the kind json"),
        ("table = \"a\"\ncolumn = \"b\"\nkind = \"json\"\njson_paths = [\"a\"]\n", "is not a JSON path"),
        ("table = \"a\"\ncolumn = \"b\"\nstyles = [\"x\"]\n", "belongs to a preset"),
        ("sql = \"SELECT 1\"\noptional = true\n", "never optional"),
        ("preset = \"drupal\"\n", "there is no preset"),
        ("preset = \"django\"\n", "needs table"),
        ("preset = \"strapi\"\nkind = \"url\"\n", "says that itself"),
        ("preset = \"strapi\"\nclass = \"x\"\n", "takes no class"),
    ] {
        let error = error(&format!("{BASE}[[references]]\n{text}"));
        assert!(error.contains("references[0]") && error.contains(part), "{text}: {error}");
    }
}
