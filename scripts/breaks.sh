#!/usr/bin/env bash
# Proves that the tests of the invariants can fail: breaks the code on purpose, one patch at a time, and wants to see the
# test that guards it go red. See tests/breaks/README.md.
#
#   scripts/breaks.sh [--all]     every patch
#   scripts/breaks.sh --usual     those that take seconds: without those that say `# nightly`
#   scripts/breaks.sh --nightly   those that take longer
#   scripts/breaks.sh NAME...     patches whose name begins so: i03
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
source scripts/copy.sh
export CARGO_TERM_COLOR=never
# One crate changes at a time.
export CARGO_INCREMENTAL=1
export S3GC_TEST_REQUIRE=s3,postgres,mysql,moto,age
# The simulator has to fail, and nobody reads the smallest history.
export S3GC_SIM_SHRINK=0

choose() {
    shopt -s nullglob
    local name
    case ${1:---all} in
    --all) patches=(tests/breaks/*.patch) ;;
    --usual) mapfile -t patches < <(grep -L '^# nightly$' tests/breaks/*.patch) ;;
    --nightly) mapfile -t patches < <(grep -l '^# nightly$' tests/breaks/*.patch) ;;
    -*) sed -n '5,8s/^# *//p' "$0" >&2 && exit 2 ;;
    *) for name in "$@"; do patches+=(tests/breaks/"$name"*.patch); done ;;
    esac
    if (( ${#patches[@]} == 0 )); then
        echo "breaks: there is no such patch" >&2
        exit 2
    fi
}

# Reads the line `# test: cargo test ...` above the diff of a patch, and `# env: NAME=VALUE ...` where there is one.
read_test() {
    local line
    line=$(sed -n 's/^# test: cargo test //p' "$1" | head -1)
    if [[ -z $line ]]; then
        echo "breaks: $1 has no line '# test: cargo test ...' above its diff" >&2
        exit 1
    fi
    read -ra arguments <<<"$line"
    read -ra settings <<<"$(sed -n 's/^# env: //p' "$1" | head -1)"
}

# Runs the test of a patch; its output is in $log.
run_test() {
    (cd "$tree" && env "${settings[@]}" timeout 900 cargo test --locked "${arguments[@]}") >"$log" 2>&1
}

fail() {
    echo "breaks: $1" >&2
    tail -n 60 "$log" >&2
    exit 1
}

patches=()
green=()
choose "$@"
make_tree breaks
log=$root/target/breaks/log

# All of them first: the code may have moved on, and it takes minutes to come to the last one.
for patch in "${patches[@]}"; do
    read_test "$patch"
    git -C "$tree" apply --check --recount "$root/$patch" || { echo "breaks: $patch does not apply" >&2; exit 1; }
done

for patch in "${patches[@]}"; do
    read_test "$patch"
    start=$SECONDS
    # Patches that share their test share this proof.
    if [[ " ${green[*]-} " == *" <${settings[*]} ${arguments[*]}> "* ]]; then continue; fi
    run_test || fail "${arguments[*]}: is red without $patch, too"
    green+=("<${settings[*]} ${arguments[*]}>")
    grep -q '^test .* \.\.\. ok' "$log" || fail "${arguments[*]}: ran no test"
    echo "green without the patch: cargo test ${arguments[*]} ($(( SECONDS - start )) s)"
done

for patch in "${patches[@]}"; do
    read_test "$patch"
    start=$SECONDS
    git -C "$tree" apply --recount "$root/$patch" || { echo "breaks: $patch does not apply" >&2; exit 1; }
    ! run_test || fail "$patch: the code is broken and the test is green: cargo test ${arguments[*]}"
    # A break that does not compile proves nothing.
    grep -qE '^test .* \.\.\. FAILED' "$log" || fail "$patch: no test failed, something else did"
    git -C "$tree" checkout --quiet --force .
    git -C "$tree" clean --quiet --force -d
    # The simulator says which history and which invariant.
    seen=$(grep -oE '^seed [0-9]+ breaks [a-z0-9]+' "$log" | head -1 || true)
    echo "red with $(basename "$patch" .patch): ${seen:-$(grep -E '^test .* \.\.\. FAILED' "$log" | head -1)} ($(( SECONDS - start )) s)"
done
echo "breaks: ${#patches[@]} patches, each seen by its test"
