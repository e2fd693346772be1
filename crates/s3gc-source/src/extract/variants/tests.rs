use super::*;

fn variants(rules: &[&str]) -> Result<Variants, InvalidVariant> {
    Variants::new(&rules.iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>())
}

fn bases(rules: &[&str], key: &str) -> Vec<String> {
    variants(rules).unwrap().bases(key).collect()
}

const THUMBS: &str = r"^thumbs/(?<base>.+)_\d+x\d+(?<ext>\.\w+)$ -> $base$ext";
const WORDPRESS: &str = r"^(?<base>.+)-\d+x\d+(?<ext>\.\w+)$ -> $base$ext";
const RETINA: &str = r"^(?<base>.+)@[23]x(?<ext>\.\w+)$ -> $base$ext";
const THUMB: &str = r"^(?<dir>(?:.*/)?)thumb_(?<file>[^/]+)$ -> $dir$file";
const WEBP: &str = r"^(?<base>.+)\.webp$ -> ${base}.jpg";

#[test]
fn a_derived_key_leads_to_its_base() {
    assert_eq!(bases(&[THUMBS], "thumbs/a/b_80x60.jpg"), ["a/b.jpg"]);
    assert_eq!(bases(&[WORDPRESS], "2020/01/a-b-300x200.jpg"), ["2020/01/a-b.jpg"]);
    assert_eq!(bases(&[RETINA], "a@2x.png"), ["a.png"]);
    assert_eq!(bases(&[THUMB], "u/7/thumb_a.jpg"), ["u/7/a.jpg"]);
    assert_eq!(bases(&[THUMB], "thumb_a.jpg"), ["a.jpg"]);
    assert_eq!(bases(&[THUMB, RETINA], "u/a.jpg"), [""; 0]);
    assert_eq!(bases(&[WEBP, r"^(?<base>.+)\.webp$ -> ${base}.png"], "a.webp"), ["a.jpg", "a.png"]);
    assert!(variants(&[]).unwrap().is_empty() && bases(&[], "a").is_empty());
}

#[test]
fn a_variant_of_a_variant_leads_to_all_its_bases() {
    let rules = [RETINA, THUMB, WORDPRESS, WEBP];
    assert_eq!(
        bases(&rules, "thumb_a-9x9@2x.webp"),
        [
            "thumb_a-9x9.webp",
            "a-9x9@2x.webp",
            "thumb_a-9x9@2x.jpg",
            "a-9x9.webp",
            "thumb_a.webp",
            "thumb_a-9x9.jpg",
            "a-9x9@2x.jpg",
            "a.webp",
            "a-9x9.jpg",
            "thumb_a.jpg",
            "a.jpg",
        ]
    );
    // The chain has an end.
    assert_eq!(bases(&[RETINA], "a@2x@2x@2x@2x@2x@2x.png").len(), MAX_DEPTH);
}

#[test]
fn a_rule_that_makes_no_sense_is_refused_and_named() {
    let refused = |rule: &str| variants(&[rule]).unwrap_err();
    for rule in ["", "a", "^a$ ->", "-> b", "^a$ > b"] {
        assert_eq!(refused(rule), InvalidVariant::Form(rule.into()));
    }
    assert!(matches!(refused("^(a$ -> b"), InvalidVariant::Expression { .. }));
    for rule in ["a(?<x>.*)$ -> $x", "^a(?<x>.*) -> $x", "^a|b$ -> c", "a -> b"] {
        assert_eq!(refused(rule), InvalidVariant::Unanchored(rule.into()));
    }
    for (rule, name) in [("^t/(?<b>.+)$ -> $base", "base"), ("^t/(?<b>.+)$ -> $b_x", "b_x"), ("^t/(.+)$ -> $2", "2")] {
        assert_eq!(refused(rule), InvalidVariant::Group { rule: rule.into(), group: name.into() });
    }
    assert!(variants(&["^t/(.+)$ -> $1", "^x(?<n>.)$ -> ${n}$$"]).is_ok());
}

#[test]
fn rules_that_lead_back_are_refused() {
    for rule in ["^(?<a>.+)$ -> $a", r"^(?<a>.+)\.jpg$ -> $a.jpg", "^x$ -> x", "^(?<a>.*)(?<b>.*)$ -> $a$b"] {
        assert!(matches!(variants(&[rule]).unwrap_err(), InvalidVariant::Itself { .. }), "{rule}");
    }
    for rules in [
        &["^a/(?<x>.+)$ -> b/$x", "^b/(?<x>.+)$ -> a/$x"][..],
        &[r"^(?<x>.+)\.png$ -> $x.jpg", r"^(?<x>.+)\.jpg$ -> $x.webp", r"^(?<x>.+)\.webp$ -> $x.png"],
        &["^(?<x>.+)$ -> a/$x"],
        &["^(?<a>.)(?<b>.+)$ -> $b$a"],
    ] {
        let refused = variants(rules).unwrap_err();
        assert!(
            matches!(refused, InvalidVariant::Circle { .. } | InvalidVariant::Itself { .. }),
            "{rules:?}: {refused}"
        );
    }
    // Rules that only ever shorten a key lead nowhere back.
    assert!(variants(&[THUMBS, WORDPRESS, RETINA, THUMB, WEBP, "^t/(?<x>.+)$ -> $x"]).is_ok());
}

#[test]
fn what_was_missed_ends_all_the_same() {
    // Only keys with a certain digest go in a circle: no key that is tried has it.
    let rules = ["^(?<a>[0-9a-f]{4}b7)/x$ -> $a/y", "^00ffb7/y$ -> 00ffb7/x"];
    let rules = variants(&rules).unwrap_or_else(|_| variants(&[WEBP]).unwrap());
    assert!(rules.bases("00ffb7/x").count() <= 1);
    let long = "a".repeat(2000);
    assert_eq!(bases(&["^(?<a>.)(?<rest>.+)$ -> $rest"], &long).len(), 0, "too long for a key");
}

#[test]
fn a_key_that_no_rule_fits_costs_little() {
    let rules = variants(&[THUMBS, WORDPRESS, RETINA, THUMB, WEBP]).unwrap();
    let begin = std::time::Instant::now();
    for n in 0..20_000 {
        assert_eq!(rules.bases(&format!("uploads/{n:08x}/original.jpg")).count(), 0);
    }
    assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{:?}", begin.elapsed());
}

#[test]
fn an_expression_of_repetitions_costs_little() {
    let begin = std::time::Instant::now();
    let nested = format!("^{}(?<a>.){} -> $a", "(?:".repeat(30), ")*".repeat(30) + "$");
    assert!(variants(&[&nested]).is_err());
    assert!(begin.elapsed() < std::time::Duration::from_secs(10));
}
