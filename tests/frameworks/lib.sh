# Sourced by the make.sh of each framework: servers in a temporary directory, which go away when the script ends.
# It needs PostgreSQL 15 from Debian (package postgresql-15), Python 3.11 and, for some, Node.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
FRAMEWORKS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PG_BIN=${PG_BIN:-/usr/lib/postgresql/15/bin}
WORK=$(mktemp -d)
chmod 755 "$WORK"
PIDS=()

cleanup() {
    local status=$?
    trap - EXIT
    for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
    [ ! -f "$WORK/pg/postmaster.pid" ] || as_postgres "$PG_BIN/pg_ctl" -D "$WORK/pg" -m immediate -s stop || true
    wait 2>/dev/null || true
    if [ "$status" -ne 0 ] && [ -n "${KEEP_WORK:-}" ]; then echo "kept $WORK" >&2; else rm -rf "$WORK"; fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# initdb refuses root.
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

wait_for() { # COMMAND...: until it succeeds, for two minutes at most
    for _ in $(seq 240); do "$@" >/dev/null 2>&1 && return; sleep 0.5; done
    echo "in vain: $*" >&2
    return 1
}

# A Python with moto, and what the framework's own requirements.txt names. VENV may name one that exists.
make_venv() {
    VENV=${VENV:-$WORK/venv}
    if [ ! -x "$VENV/bin/python" ]; then
        python3 -m venv "$VENV"
        "$VENV/bin/pip" install --quiet -r "$FRAMEWORKS/requirements.txt" "$@"
    fi
    export PYTHONPATH=$FRAMEWORKS PYTHONDONTWRITEBYTECODE=1
}

# Sets PGHOST, PGPORT, PGUSER: a server for TCP on the loopback only, without a password.
start_postgres() {
    mkdir "$WORK/pg"
    [ "$(id -u)" != 0 ] || chown postgres "$WORK/pg"
    export PGHOST=127.0.0.1 PGPORT PGUSER=postgres
    PGPORT=$(free_port)
    as_postgres "$PG_BIN/initdb" -D "$WORK/pg" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >/dev/null
    (cd / && as_postgres "$PG_BIN/pg_ctl" -D "$WORK/pg" -l "$WORK/pg/log" -s -w start \
        -o "-p $PGPORT -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c timezone=UTC")
}

# Sets S3_ENDPOINT and the credentials, which are no secrets.
start_moto() {
    local port
    port=$(free_port)
    "$VENV/bin/python" -m moto.server -H 127.0.0.1 -p "$port" >"$WORK/moto.log" 2>&1 &
    PIDS+=($!)
    export S3_ENDPOINT=http://127.0.0.1:$port
    export AWS_ACCESS_KEY_ID=example AWS_SECRET_ACCESS_KEY=example AWS_DEFAULT_REGION=eu-central-1
    wait_for "$VENV/bin/python" -c "import urllib.request; urllib.request.urlopen('$S3_ENDPOINT/moto-api/')"
}

make_bucket() { "$VENV/bin/python" -m fixture bucket "$1"; }

# DATABASE OUT: plain SQL without what depends on the version of the server or the dump program.
dump_sql() {
    "$PG_BIN/pg_dump" --no-owner --no-privileges --inserts --rows-per-insert=100 "$1" |
        sed -E -e '/^\\(un)?restrict /d' -e '/^-- Dumped (from|by) /d' -e '/^SET (statement_timeout|lock_timeout|idle_in_transaction_session_timeout|transaction_timeout|row_security|xmloption|default_tablespace|default_table_access_method|client_min_messages)/d' \
            -e '/^SELECT pg_catalog.set_config\(.search_path/d' | cat -s >"$2"
    # It restores, and holds nothing of this machine.
    createdb_sql "restored_$1"
    "$PG_BIN/psql" -q -v ON_ERROR_STOP=1 -d "restored_$1" -f "$2" >/dev/null
    if grep -nE "127\.0\.0\.1:|localhost:[0-9]|$WORK" "$2"; then echo "$2 tells where it was made" >&2; return 1; fi
}

createdb_sql() { "$PG_BIN/psql" -q -d postgres -c "CREATE DATABASE \"$1\""; }
