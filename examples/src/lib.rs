//! The examples of s3gc.
