//! Opens arbitrary plans: bytes as they are, or as the text that the right compression hides.
#![no_main]

use std::io::Write;

use libfuzzer_sys::fuzz_target;
use s3gc_core::PlanFile;

fuzz_target!(|data: &[u8]| {
    let Some((how, data)) = data.split_first() else { return };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    match how % 4 {
        0 => file.write_all(data).unwrap(),
        _ => file.write_all(&zstd::encode_all(data, 1).unwrap()).unwrap(),
    }
    let Ok(plan) = PlanFile::open(file.path()) else { return };
    // What opens can be read to its end, and has as many entries as it says.
    let (mut reader, mut entries) = (plan.reader().unwrap(), 0);
    while reader.next().unwrap().is_some() {
        entries += 1;
    }
    assert_eq!(entries, plan.entries);
});
