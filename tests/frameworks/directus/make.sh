#!/usr/bin/env bash
# Makes the fixture here anew. See README.md.
source "$(dirname "$0")/../lib.sh"
make_venv requests==2.34.2
start_postgres
start_moto
export PATH=$PG_BIN:$PATH PGDATABASE=directus-fixture
cp -r "$HERE/app" "$WORK/app"
cd "$WORK/app"
source ./env.sh
if [ -n "${NODE_MODULES:-}" ]; then ln -s "$NODE_MODULES" node_modules; else npm install --no-audit --no-fund >"$WORK/npm.log" 2>&1; fi
createdb_sql "$PGDATABASE"
make_bucket "$STORAGE_S3_BUCKET"
make_bucket "$STORAGE_ARCHIVE_BUCKET"
node node_modules/directus/cli.js bootstrap >"$WORK/bootstrap.log" 2>&1 || { cat "$WORK/bootstrap.log" >&2; exit 1; }
PORT=$(free_port)
export PORT DIRECTUS_URL=http://127.0.0.1:$PORT
node node_modules/directus/cli.js start >"$WORK/directus.log" 2>&1 &
PIDS+=($!)
wait_for "$VENV/bin/python" -c "import urllib.request; urllib.request.urlopen('$DIRECTUS_URL/server/ping')"
"$VENV/bin/python" seed.py "$HERE" || { tail -n 30 "$WORK/directus.log" >&2; exit 1; }
dump_sql "$PGDATABASE" "$HERE/dump.sql"
