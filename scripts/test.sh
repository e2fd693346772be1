#!/usr/bin/env bash
# Runs every test of the workspace against real servers; what follows goes to `cargo test`: scripts/test.sh i01_
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
# A service that is not there fails its tests instead of skipping them.
export S3GC_TEST_REQUIRE=s3,postgres,mysql,moto,age
# Full and read-only disks are mounted where that is allowed, which it is not in every container.
if [[ $(id -u) == 0 ]] && unshare --mount true 2>/dev/null; then S3GC_TEST_REQUIRE+=,mount; fi
# Apart: the simulator wants a tokio that can stop the time, and with it in one build all that stands on tokio would be
# built once more for whoever builds a single crate, as `scripts/breaks.sh` does.
cargo test --workspace --exclude s3gc-simulation --locked "$@"
cargo test -p s3gc-simulation --locked "$@"
