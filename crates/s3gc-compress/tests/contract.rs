//! The contract of every codec.

use s3gc_testkit::suites::compress::Fixture;

mod zstd {
    use super::Fixture;
    s3gc_testkit::compressor_suite!(Fixture::new(s3gc_compress::Zstd::default()));
}

mod zstd_fastest {
    use super::Fixture;
    s3gc_testkit::compressor_suite!(Fixture::new(s3gc_compress::Zstd::new(-7)));
}

mod lz4 {
    use super::Fixture;
    s3gc_testkit::compressor_suite!(Fixture::new(s3gc_compress::Lz4));
}

mod lepton {
    use s3gc_testkit::jpeg;

    use super::Fixture;
    s3gc_testkit::compressor_suite!(Fixture::new(s3gc_compress::Lepton).with_samples([
        jpeg::PHOTO.to_vec(),
        jpeg::PROGRESSIVE.to_vec(),
        jpeg::FULL.to_vec(),
        jpeg::GREY.to_vec(),
        jpeg::flat(800, 600),
    ]));
}

mod none {
    use super::Fixture;
    s3gc_testkit::compressor_suite!(Fixture::new(s3gc_compress::Plain));
}
