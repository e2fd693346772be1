#!/usr/bin/env bash
# Fetches Ceph's radosgw from Debian into a directory of its own, target/ceph/root: nothing is installed, and no service
# is started. Then: S3GC_TEST_RADOSGW=1 S3GC_TEST_CEPH_ROOT="$PWD/target/ceph/root" cargo test -p s3gc-tests --test means
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD/target/ceph/root
[[ -x $root/usr/bin/radosgw && -x $root/usr/bin/ceph-osd && -x $root/usr/bin/ceph-mon ]] && exit 0
mkdir -p target/ceph/debs "$root"
cd target/ceph/debs
# What the system has not got, with all that it depends on.
mapfile -t packages < <(apt-get install -s --no-install-recommends radosgw ceph-mon ceph-osd | awk '/^Inst/ { print $2 }')
if (( ${#packages[@]} > 0 )); then
    apt-get download -q "${packages[@]}"
    for package in *.deb; do dpkg -x "$package" "$root"; done
fi
