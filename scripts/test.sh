#!/usr/bin/env bash
# Runs every test of the workspace against real servers; what follows goes to `cargo test`: scripts/test.sh i01_
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
# A service that is not there fails its tests instead of skipping them.
export S3GC_TEST_REQUIRE=s3,postgres,mysql,moto
cargo test --workspace --locked "$@"
