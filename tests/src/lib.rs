//! The tests of s3gc.
