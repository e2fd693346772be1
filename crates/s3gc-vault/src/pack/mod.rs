//! The pack format: a seekable `.tar.zst`.
