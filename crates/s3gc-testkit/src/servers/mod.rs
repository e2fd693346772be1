//! Real servers in temporary directories.
