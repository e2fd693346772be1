//! How fast column values are read as keys: `cargo bench -p s3gc-benches --bench extract`.
#![expect(clippy::print_stdout, reason = "a bench says what it measured")]

use std::hint::black_box;
use std::time::Instant;

use s3gc_source::extract::{ExtractConfig, Extractor, InvalidExtract, Readings};

/// How many different values there are of each form.
const VALUES: u64 = 10_000;

fn main() -> Result<(), InvalidExtract> {
    // Without `--bench` somebody only wants to know that it works.
    let rounds = if std::env::args().any(|argument| argument == "--bench") { 100 } else { 1 };
    let config = ExtractConfig { bucket: "photos".into(), ..ExtractConfig::default() };
    let extractor = Extractor::new(ExtractConfig { base_urls: vec!["https://cdn.example.com/".into()], ..config })?;

    let key = |n: u64| format!("uploads/{:02x}/{n:08x}-7c1e-4a5b-9d2f.jpg", n % 256);
    measure(&extractor, rounds, "plain keys", key);
    measure(&extractor, rounds, "CDN URLs", |n| format!("https://cdn.example.com/{}", key(n)));
    measure(&extractor, rounds, "S3 URLs, percent-encoded and signed", |n| {
        format!("https://photos.s3.eu-west-1.amazonaws.com/caf%C3%A9/{}?X-Amz-Expires=60&X-Amz-Signature=ab", key(n))
    });
    measure(&extractor, rounds, "JSON galleries of 5 keys", |n| {
        serde_json::json!({ "images": (0..5).map(|i| key(n + i)).collect::<Vec<_>>() }).to_string()
    });
    Ok(())
}

fn measure(extractor: &Extractor, rounds: u64, form: &str, value: impl Fn(u64) -> String) {
    let values: Vec<String> = (0..VALUES).map(value).collect();
    let mut readings = Readings::default();
    let begun = Instant::now();
    for _ in 0..rounds {
        for value in &values {
            black_box(extractor.extract(black_box(value), &mut readings));
        }
    }
    let nanos = begun.elapsed().as_nanos().max(1);
    let per_second = u128::from(rounds * VALUES) * 1_000_000_000 / nanos;
    println!("{form}: {per_second} values/s, {} readings a value", readings.len());
}
