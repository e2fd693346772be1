"""Uploads, changes and deletes through the REST API, and compares the record of that with what the API lists."""

import json
import os
import subprocess
import sys
from urllib.parse import quote

import requests

import fixture

API, BUCKET = os.environ["DIRECTUS_URL"], os.environ["STORAGE_S3_BUCKET"]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['ADMIN_TOKEN']}"
orphans, lookalikes, derived = set(), set(), set()


def call(method, path, **options):
    answer = session.request(method, API + path, timeout=60, **options)
    if not answer.ok:
        sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json()["data"] if answer.content and "json" in answer.headers["Content-Type"] else None


def sql(statement):
    subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", os.environ["PGDATABASE"], "-c", statement], check=True)


def upload(name, body=None, kind="image/png", disk=None, **fields):
    """Returns the row of a new file. Directus names the object by the row's id, if it is not told a name."""
    parts = [(field, (None, value)) for field, value in fields.items()]
    if disk:
        parts.append(("filename_disk", (None, disk)))
    parts.append(("file", (name, body or fixture.png(name), kind)))
    return call("POST", "/files", files=parts)


def transform(file, *queries):
    """Asks for other sizes, which Directus keeps beside the original; returns their keys."""
    before = fixture.listing(BUCKET)
    for query in queries:
        call("GET", f"/assets/{file['id']}?{query}")
    made = fixture.listing(BUCKET) - before
    assert len(made) == len(queries), (queries, made)
    derived.update(made)
    return made


def stem(file):
    return file["filename_disk"].rsplit(".", 1)[0]


def removed_by_sql(*files):
    """Rows go, and Directus hears nothing of it: the objects and their other sizes stay."""
    for file in files:
        sql(f"DELETE FROM directus_files WHERE id = '{file['id']}'")
        sizes = {key for key in derived if key.startswith(stem(file) + "__")}
        derived.difference_update(sizes)
        orphans.update(sizes | {file["filename_disk"]})


def collection(name, *fields):
    schema = {"is_primary_key": True, "has_auto_increment": True}
    key = {"field": "id", "type": "integer", "schema": schema, "meta": {}}
    fields = [{"field": field, "type": kind, "schema": {}, "meta": {}} for field, kind in fields]
    call("POST", "/collections", json={"collection": name, "schema": {}, "meta": {}, "fields": [key, *fields]})


def relation(collection, field, to):
    call("POST", "/relations", json={"collection": collection, "field": field, "related_collection": to})


collection(
    "articles", ("title", "string"), ("hero", "uuid"), ("body", "text"), ("blocks", "json"), ("og_image", "string")
)
relation("articles", "hero", "directus_files")
collection("articles_files", ("articles_id", "integer"), ("directus_files_id", "uuid"))
relation("articles_files", "articles_id", "articles")
relation("articles_files", "directus_files_id", "directus_files")
collection("imports", ("file", "uuid"))  # Stays empty.
relation("imports", "file", "directus_files")

folder = call("POST", "/folders", json={"name": "Press"})["id"]
library = [upload(f"library {n}.png") for n in range(10)]
press = [upload(f"press {n}.png", folder=folder, title=f"Press picture {n}", tags='["a","b"]') for n in range(4)]
papers = [upload(f"paper {n}.pdf", fixture.pdf(str(n)), "application/pdf") for n in range(3)]
text = upload("notes.txt", b"notes\n", "text/plain")
avatar, logo, background = (upload(f"{name}.png") for name in ("avatar", "logo", "background"))
me = call("GET", "/users/me")["id"]
call("PATCH", f"/users/{me}", json={"avatar": avatar["id"]})
call("PATCH", "/settings", json={"project_name": "Fixture", "project_logo": logo["id"]})
call("PATCH", "/settings", json={"public_background": background["id"]})

# Objects with names of their own, as an import from an older system makes them.
named = [
    upload(name.rsplit("/", 1)[-1], disk=name)
    for name in (
        "Old photo (1).png", "100% sure.png", "C++ & more.png", "with%20escape.png", "Übersicht.png", "写真.png",
        fixture.nfd("Ångström.png"),
    )
]  # fmt: skip

# Other sizes: three of one, one of another, one with a preset of the app itself.
transform(library[0], "width=2&height=2", "width=3", "width=2&format=webp")
transform(library[1], "key=system-small-cover")
transform(named[0], "width=2")

# Articles use files by id: in a column with a foreign key, in a junction table, in HTML by the URL of the CMS, in JSON.
article = call(
    "POST",
    "/items/articles",
    json={
        "title": "Pictures",
        "hero": library[2]["id"],
        "body": f'<p><img src="https://cms.example.com/assets/{library[3]["id"]}?width=300&amp;fit=cover" alt=""></p>'
        f'<p><a href="https://cms.example.com/assets/{papers[0]["id"]}?download">Paper</a></p>',
        "blocks": [{"type": "image", "data": {"file": {"fileId": library[4]["id"]}}}, {"type": "divider"}],
        "og_image": f"https://media.example.com/{quote(named[0]['filename_disk'])}",
    },
)
for file in press[:2]:
    call("POST", "/items/articles_files", json={"articles_id": article["id"], "directus_files_id": file["id"]})
call("POST", "/items/articles", json={"title": "Nothing in it", "og_image": ""})

# A deletion through the API takes the object and its other sizes along, and leaves the name in the revisions.
for name in ("deleted 1.png", "deleted 2.png"):
    file = upload(name)
    sizes = transform(file, "width=2")
    call("DELETE", f"/files/{file['id']}")
    assert not fixture.listing(BUCKET) & (sizes | {file["filename_disk"]})
    derived.difference_update(sizes)

# A clean-up by SQL.
doomed = [upload(f"doomed {n}.png") for n in range(4)]
transform(doomed[0], "width=2", "width=3")
transform(doomed[1], "width=2")
doomed += [upload(name, disk=name) for name in ("Old photo (2).png", "1+1.png", "旧.png")]
removed_by_sql(*doomed)

# A file is replaced by one of another type: Directus removes the old object and its other sizes.
changed = upload("changed.png")
sizes = transform(changed, "width=2")
call("PATCH", f"/files/{changed['id']}", files={"file": ("changed.jpg", fixture.jpeg("changed"), "image/jpeg")})
assert not fixture.listing(BUCKET) & (sizes | {changed["filename_disk"]})
derived.difference_update(sizes)

# What was uploaded since the backup to which the database goes back has no row any more.
removed_by_sql(*[upload(f"after the backup {n}.png") for n in range(2)])

# An object is lost; a row has no object from the start.
lost = upload("lost.png")
fixture.client().delete_object(Bucket=BUCKET, Key=lost["filename_disk"])
call("POST", "/files", json={"title": "Announced", "storage": "s3", "filename_download": "later.png", "type": "image/png"})

# Two names that look the same; one of them loses its row.
upload("Résumé.png", disk="Résumé.png")
twin = upload("Résumé 2.png", disk=fixture.nfd("Résumé.png"))
removed_by_sql(twin)
lookalikes.add(twin["filename_disk"])

# Another bucket; a copy was left here when the file moved there.
moved = upload("moved.png", storage="archive")
upload("kept in the archive.png", storage="archive")
fixture.client().copy_object(
    Bucket=BUCKET, Key=moved["filename_disk"],
    CopySource={"Bucket": os.environ["STORAGE_ARCHIVE_BUCKET"], "Key": moved["filename_disk"]},
)  # fmt: skip
orphans.add(moved["filename_disk"])
lookalikes.add(moved["filename_disk"])

rows = call("GET", "/files?limit=-1&fields=id,storage,filename_disk")
rows = [row for row in rows if row["storage"] == "s3" and row["filename_disk"]]
stems = tuple(stem(row) + "__" for row in rows)
by_base = {key for key in fixture.listing(BUCKET) if key.startswith(stems)}
if by_base != derived:
    sys.exit(f"other sizes by the rows {by_base}, by the record {derived}")
fixture.finish(BUCKET, sys.argv[1], {row["filename_disk"] for row in rows}, orphans, derived, lookalikes)

# Nothing that opens something stays in the dump, though it opens nothing.
sql("UPDATE directus_users SET password = NULL, token = NULL")
