# A copy of the checkout to break code in, with a build directory of its own. Sourced by breaks.sh and mutants.sh, at the root.

# Makes `target/NAME/tree`: the files as they are now, committed or not. Sets `tree` and exports CARGO_TARGET_DIR, which is
# not that of the checkout: cargo takes crates of the same name and version in two copies for the same, and would mix up
# what it built of them.
make_tree() {
    local commit debug=$PWD/target/debug place=$PWD/target/$1
    tree=$place/tree
    export CARGO_TARGET_DIR=$place/target
    mkdir -p "$place"
    # An index of its own: that of the checkout stays as it is.
    commit=$(
        export GIT_INDEX_FILE=$place/index
        git read-tree HEAD
        git add --all
        git -c user.name=breaks -c user.email=breaks@localhost commit-tree -m "To be broken" -p HEAD "$(git write-tree)"
    )
    git worktree prune
    if [[ -e $tree/.git ]]; then
        git -C "$tree" checkout --quiet --force --detach "$commit"
        git -C "$tree" clean --quiet --force -d
    else
        git worktree add --quiet --force --detach "$tree" "$commit"
    fi
    # What was compiled of other people's crates is never written again, so links to it will do.
    if [[ ! -d $CARGO_TARGET_DIR && -d $debug/deps ]]; then
        mkdir -p "$CARGO_TARGET_DIR"/debug/{deps,build,.fingerprint}
        (cd "$debug" && find deps -name 'lib*' ! -name 'libs3gc*' -print0) | link "$debug"
        (cd "$debug" && find deps -name '*.d' ! -name '*s3gc*' -print0) | link "$debug"
        (cd "$debug" && find build .fingerprint -mindepth 1 -maxdepth 1 ! -name 's3gc*' -print0) | link "$debug"
    fi
}

link() {
    (cd "$1" && xargs -0r cp -al --parents -t "$CARGO_TARGET_DIR/debug")
}
