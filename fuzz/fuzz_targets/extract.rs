//! Reads arbitrary values with arbitrary configurations.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use s3gc_source::Reading;
use s3gc_source::extract::{ExtractConfig, Extractor, Kind, Outcome, Readings, Template, Variants};

/// The longest key of S3.
const MAX_KEY_BYTES: usize = 1024;

#[derive(Arbitrary, Debug)]
struct Input {
    kind: u8,
    endpoint: Option<String>,
    access_point: Option<String>,
    base_url: Option<String>,
    other_base_url: Option<String>,
    json_path: Option<String>,
    strip: Option<String>,
    prepend: Option<String>,
    template: Option<String>,
    variant: Option<String>,
    value: Vec<u8>,
}

const KINDS: [Kind; 8] =
    [Kind::Auto, Kind::Auto, Kind::Key, Kind::Url, Kind::Json, Kind::Array, Kind::Text, Kind::Prefix];

fuzz_target!(|input: Input| {
    let value = String::from_utf8_lossy(&input.value);
    if let Some(template) = input.template.and_then(|text| Template::parse(&text).ok()) {
        let columns: Vec<String> = template.columns().map(str::to_owned).collect();
        let row: Vec<(&str, Option<&str>)> = columns.iter().map(|name| (name.as_str(), Some(&*value))).collect();
        assert_eq!(template.fill(&row).is_none(), value.is_empty());
        assert_eq!(Template::parse(&template.to_string()).as_ref(), Ok(&template));
    }
    // An expression takes longer to compile than most values to read.
    let rule = input.variant.filter(|_| input.kind >= 224);
    if let Some(variants) = rule.and_then(|rule| Variants::new(&[rule]).ok()) {
        assert!(variants.bases(&value).all(|base| base != value && base.len() <= MAX_KEY_BYTES));
    }
    let kind = KINDS[usize::from(input.kind) % KINDS.len()];
    let config = ExtractConfig {
        bucket: "photos".into(),
        endpoints: input.endpoint.into_iter().collect(),
        access_points: input.access_point.into_iter().collect(),
        base_urls: input.base_url.into_iter().collect(),
        other_buckets: vec!["private".into()],
        other_base_urls: input.other_base_url.into_iter().collect(),
        json_paths: input.json_path.into_iter().filter(|_| kind == Kind::Json).collect(),
        kind,
        strip: input.strip,
        prepend: input.prepend,
    };
    let prepend = config.prepend.as_ref().map_or(0, String::len);
    let Ok(extractor) = Extractor::new(config) else { return };
    let (outcome, readings) = read(&extractor, &value);
    assert_eq!((outcome, &readings), (read(&extractor, &value).0, &read(&extractor, &value).1));
    // Each byte may begin a few words, and each word has some dozens of forms.
    assert!(readings.len() <= 4096 + 400 * value.len(), "{} readings", readings.len());
    for reading in &readings {
        assert!(!reading.is_empty() && reading.len() <= MAX_KEY_BYTES + 1, "{} bytes", reading.len());
    }
    if outcome == Outcome::Blank || outcome == Outcome::Elsewhere {
        assert!(readings.is_empty());
    }
    let bare = value.trim();
    if matches!(outcome, Outcome::Read { .. }) && bare.len() + prepend <= MAX_KEY_BYTES {
        assert!(!readings.is_empty());
    }
});

fn read(extractor: &Extractor, value: &str) -> (Outcome, Vec<String>) {
    let mut out = Readings::default();
    let outcome = extractor.extract(value, &mut out);
    let show = |reading| match reading {
        Reading::Key(key) => key.to_owned(),
        Reading::Prefix(prefix) => format!("{prefix}*"),
    };
    (outcome, out.iter().map(show).collect())
}
