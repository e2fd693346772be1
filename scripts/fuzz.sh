#!/usr/bin/env bash
# Fuzzes each target for so many seconds: scripts/fuzz.sh [SECONDS] [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-300}
shift || true
targets=("$@")
(( ${#targets[@]} > 0 )) || targets=(extract plan pack config)

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "fuzz: there is no nightly toolchain, which libFuzzer needs: rustup toolchain install nightly" >&2
    exit 1
fi
cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked

for target in "${targets[@]}"; do
    echo "--- $target for $seconds s"
    options=(-max_total_time="$seconds" -max_len=4096)
    [[ $target != extract ]] || options+=(-dict=fuzz/extract.dict)
    cargo +nightly fuzz run "$target" -- "${options[@]}"
done
