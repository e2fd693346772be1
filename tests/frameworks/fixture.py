"""What the makers of the fixtures share: small files, and the listing of a bucket."""

import base64
import io
import json
import os
import sys
import unicodedata
import zlib

import boto3
from botocore.config import Config
from PIL import Image


def client():
    return boto3.client(
        "s3", endpoint_url=os.environ["S3_ENDPOINT"], config=Config(s3={"addressing_style": "path"})
    )


def colour(seed):
    return tuple(zlib.crc32(seed.encode()).to_bytes(4, "big")[:3])


def png(seed, width=4, height=3):
    """Returns a small PNG, another for every seed."""
    out = io.BytesIO()
    image = Image.new("RGB", (width, height), colour(seed))
    image.putpixel((0, 0), colour(seed + "'"))
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def gif(seed, width=4, height=3):
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour(seed)).quantize(2).save(out, "GIF")
    return out.getvalue()


def jpeg(seed, width=4, height=3):
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour(seed)).save(out, "JPEG", quality=20, optimize=True)
    return out.getvalue()


def pdf(seed):
    return f"%PDF-1.4\n% {seed}\ntrailer<</Root<</Pages<<>>>>>>\n%%EOF\n".encode()


def listing(bucket):
    """Returns the keys in a bucket."""
    pages = client().get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {item["Key"] for page in pages for item in page.get("Contents", [])}


def write_lines(path, lines):
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{line}\n" for line in sorted(lines))


def finish(bucket, out, referenced, orphans, derived=(), lookalikes=()):
    """Compares both ways of finding the orphans and writes the files of a fixture.

    `referenced` is what a walk over the rows found, `orphans` what the record of deletions and replacements says,
    `derived` the keys that no row names and that live with their base, `lookalikes` the orphans whose key some value
    in the database could be read as, by a tool that leans towards keeping.
    """
    keys = listing(bucket)
    referenced, orphans, derived, lookalikes = map(set, (referenced, orphans, derived, lookalikes))
    by_rows = keys - referenced - derived
    if by_rows != orphans:
        sys.exit(f"only by the rows: {by_rows - orphans}\nonly by the record: {orphans - by_rows}")
    if not (orphans <= keys and derived <= keys and lookalikes <= orphans and not derived & referenced):
        sys.exit(f"not in the bucket: {orphans - keys | derived - keys}; no orphans: {lookalikes - orphans}")
    s3 = client()
    lines = []
    for key in sorted(keys):
        answer = s3.get_object(Bucket=bucket, Key=key)
        body = answer["Body"].read()
        item = {
            "key": key,
            "size": len(body),
            "content_type": answer["ContentType"],
            "body": base64.b64encode(body).decode(),
        }
        lines.append(json.dumps(item, ensure_ascii=False))
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(out, "objects.json"), "w", encoding="utf-8", newline="\n") as file:
        file.write("[\n" + ",\n".join(lines) + "\n]\n")
    write_lines(os.path.join(out, "orphans.txt"), orphans)
    write_lines(os.path.join(out, "derived.txt"), derived)
    write_lines(os.path.join(out, "dangling.txt"), referenced - keys)
    write_lines(os.path.join(out, "lookalikes.txt"), lookalikes)
    print(
        f"{bucket}: {len(keys)} objects, {len(keys & referenced)} referenced, {len(derived)} derived, "
        f"{len(orphans)} orphans ({len(lookalikes)} lookalikes), {len(referenced - keys)} dangling"
    )


def nfd(text):
    return unicodedata.normalize("NFD", text)


if __name__ == "__main__":
    if sys.argv[1] == "bucket":
        client().create_bucket(
            Bucket=sys.argv[2], CreateBucketConfiguration={"LocationConstraint": os.environ["AWS_DEFAULT_REGION"]}
        )
