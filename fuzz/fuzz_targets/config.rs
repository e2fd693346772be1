//! Reads arbitrary configurations: what is wrong is told, nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3gc_core::config::Loader;

fuzz_target!(|text: &str| {
    // A file that the text names is read, and some devices never end.
    if text.contains("${file:") {
        return;
    }
    let environment = [("DATABASE_URL", "postgres://app@db/app"), ("S3GC_MAX_DELETE", "5%")];
    match Loader::new().file("/nowhere/s3gc.toml", text).environment(environment).load() {
        Ok(loaded) => assert!(!loaded.config.buckets.is_empty()),
        Err(errors) => assert!(!errors.to_string().is_empty()),
    }
});
