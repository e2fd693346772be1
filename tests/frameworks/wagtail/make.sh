#!/usr/bin/env bash
# Makes the fixture here anew. See README.md.
source "$(dirname "$0")/../lib.sh"
make_venv -r "$HERE/requirements.txt"
start_postgres
start_moto
cp -r "$HERE/app" "$WORK/app"
cd "$WORK/app"
export CMS_BUCKET=wagtail-fixture PGDATABASE=wagtail-fixture
createdb_sql "$PGDATABASE"
make_bucket "$CMS_BUCKET"
"$VENV/bin/python" manage.py makemigrations -v 0 cms
"$VENV/bin/python" manage.py migrate -v 0
"$VENV/bin/python" seed.py "$WORK/record.json"
"$VENV/bin/python" verify.py "$WORK/record.json" "$HERE"
dump_sql "$PGDATABASE" "$HERE/dump.sql"
