//! The largest images take no more than they may. The only test of its process, since it looks at the process's memory.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use s3gc_compress::{Compressor, Lepton};
use s3gc_testkit::jpeg;

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[test]
fn i11_memory_stays_bounded_for_the_largest_images() {
    let before = peak_mib();
    // The most blocks, and with a scan that is decoded whole, a quarter of them.
    let baseline = jpeg::flat(8192, 8192);
    let progressive = jpeg::flat_progressive(4096, 4096);
    for image in [baseline, progressive] {
        let (mut encoded, mut back) = (Vec::new(), Vec::new());
        Lepton.compress(&mut image.as_slice(), &mut encoded).unwrap();
        Lepton.decompress(&mut encoded.as_slice(), &mut back).unwrap();
        assert!(back == image);
    }
    let peak = peak_mib() - before;
    assert!((128..256).contains(&peak), "the peak was {peak} MiB");
}
