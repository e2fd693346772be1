#!/usr/bin/env bash
# Makes the fixtures here and in ../django-media anew. See README.md.
source "$(dirname "$0")/../lib.sh"
make_venv -r "$HERE/requirements.txt"
start_postgres
start_moto
cp -r "$HERE/app" "$WORK/app"
cd "$WORK/app"
variant() { # BUCKET LOCATION OUT
    export GALLERY_BUCKET=$1 GALLERY_LOCATION=$2 PGDATABASE=$1
    createdb_sql "$1"
    make_bucket "$1"
    "$VENV/bin/python" manage.py makemigrations -v 0 gallery
    "$VENV/bin/python" manage.py migrate -v 0
    "$VENV/bin/python" seed.py "$WORK/$1.json"
    mkdir -p "$3"
    "$VENV/bin/python" verify.py "$WORK/$1.json" "$3"
    dump_sql "$1" "$3/dump.sql"
}
variant django-fixture "" "$HERE"
variant django-media-fixture media "$HERE/../django-media"
