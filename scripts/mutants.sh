#!/usr/bin/env bash
# Mutation testing: changes the code in one place after the other, in a copy, and wants to see a test go red each time.
# What survives must stand in docs/mutants.md with the reason.
#
#   scripts/mutants.sh [--shard K/N] [extract|core]...     both without a name; every mutant without a shard; K from 0
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
source scripts/copy.sh
export CARGO_INCREMENTAL=1 CARGO_TERM_COLOR=never
export S3GC_TEST_REQUIRE=s3,postgres,mysql,moto,age
# A test has to fail, and nobody reads the smallest case.
export S3GC_SIM_SHRINK=0 PROPTEST_MAX_SHRINK_ITERS=0
# The same mutants survive each time.
export PROPTEST_RNG_SEED=1 PROPTEST_DISABLE_FAILURE_PERSISTENCE=1

shard=()
groups=()
while (( $# > 0 )); do
    case $1 in
    --shard) shard=(--shard "$2") && shift ;;
    extract | core) groups+=("$1") ;;
    *) sed -n '5s/^# *//p' "$0" >&2 && exit 2 ;;
    esac
    shift
done
(( ${#groups[@]} > 0 )) || groups=(extract core)

cargo mutants --version >/dev/null 2>&1 || cargo install cargo-mutants --locked --version 27.1.0

# Tries the mutants that the arguments choose. The results are in $out/PASS.
try() {
    local pass=$1 code=0
    shift
    rm -rf "${out:?}/$pass"
    mkdir -p "$out/$pass"
    (cd "$tree" && cargo mutants --in-place --colors never --output "$out/$pass" "$@") || code=$?
    # 2: some were missed; 3: some hung, which nobody would overlook. All else is a failure of the run itself.
    if (( code != 0 && code != 2 && code != 3 )); then
        echo "mutants: cargo mutants failed with $code" >&2
        exit 1
    fi
}

# Tries once more what a pass missed: again PASS BEFORE ARGUMENTS...
again() {
    local pass=$1 before=$out/$2/mutants.out/missed.txt missed=$out/$1/mutants.out/missed.txt names=()
    shift 2
    if [[ -s $before ]]; then
        mapfile -t names < <(sed 's/[][\.*^$+?(){}|]/\\&/g; s/.*/^&$/' "$before")
        try "$pass" "$@" "${names[@]/#/--re=}"
        # Fields that are left out are tried whatever `--re` says.
        grep -Fxf "$before" "$missed" >"$missed.both" || true
        mv "$missed.both" "$missed"
    fi
}

extract() {
    local what=(--package s3gc-source --file 'crates/s3gc-source/src/extract/**' --cargo-arg=--lib)
    # Seconds with few cases of the property tests, a minute with all of them.
    PROPTEST_CASES=8 try first "${what[@]}" "${shard[@]}"
    again last first "${what[@]}"
}

core() {
    local what=(--package s3gc-core --file 'crates/s3gc-core/src/sweep/**') name
    for name in judge look restore recover brakes ramp; do what+=(--file "crates/s3gc-core/src/$name.rs"); done
    # The unit tests, which see what is pure; the simulator, which links neither SQL nor an SDK; and real servers.
    try first "${what[@]}" "${shard[@]}" --cargo-arg=--lib
    S3GC_SIM_HISTORIES=200 again second first "${what[@]}" --cargo-arg=--package=s3gc-simulation --cargo-arg=--test=simulation
    again last second "${what[@]}" --cargo-arg=--package=s3gc-tests --cargo-arg=--test=invariants --cargo-arg=--test=lessons
}

# A mutant without its place in the file, which moves with every change.
nameless() {
    sed -E 's/^([^:]+):[0-9]+:[0-9]+: /\1: /' | sort
}

# Fails on a survivor that docs/mutants.md does not name as often as it was found.
compare() {
    local unknown missed=$out/last/mutants.out/missed.txt
    [[ -e $missed ]] || return 0
    unknown=$(comm -23 <(nameless <"$missed") <(sed -nE 's/^- `(crates\/.+)`$/\1/p' docs/mutants.md | sort))
    if [[ -n $unknown ]]; then
        echo "mutants: these survive, and docs/mutants.md does not say why they may:" >&2
        sed 's/^/  /' <<<"$unknown" >&2
        failed=1
    fi
}

count() {
    cat "$out"/*/mutants.out/"$1".txt | wc -l
}

failed=0
for group in "${groups[@]}"; do
    start=$SECONDS
    out=$root/target/mutants-$group/out
    make_tree "mutants-$group"
    rm -rf "$out"
    "$group"
    compare
    survivors=0
    if [[ -e $out/last/mutants.out/missed.txt ]]; then survivors=$(wc -l <"$out/last/mutants.out/missed.txt"); fi
    echo "mutants: $group ${shard[*]}: $(count caught) caught, $(count timeout) timed out, $(count unviable) unviable," \
        "$survivors survive ($(( SECONDS - start )) s)"
done
exit "$failed"
