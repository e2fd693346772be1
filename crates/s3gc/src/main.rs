//! The `s3gc` command.
fn main() {}
