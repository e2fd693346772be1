//! The benches of s3gc.
