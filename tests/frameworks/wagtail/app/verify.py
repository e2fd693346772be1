"""Walks over every row of every model, and compares with the record that seed.py kept."""

import json
import os
import re
import sys
from html import unescape
from urllib.parse import unquote, urlsplit

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.apps import apps
from django.db.models import FileField
from wagtail.models import Revision

import fixture
from cms.models import BlogPage, Branding


def urls(html):
    for url in re.findall(r'src="([^"]*)"', html):
        parts = urlsplit(unescape(url))
        if parts.hostname == "media.example.com":
            yield unquote(parts.path).removeprefix("/")


def of_page(blocks):
    for block in blocks:
        if block["type"] == "html":
            yield from urls(block["value"])


def references():
    """Yields the column of each reference and its key."""
    for model in apps.get_models():
        files = [field for field in model._meta.fields if isinstance(field, FileField)]
        for row in model._default_manager.all() if files else ():
            for field in files:
                if file := getattr(row, field.attname):
                    yield f"{model._meta.db_table}.{field.column}", file.name
    for page in BlogPage.objects.all():
        for key in of_page(page.blocks.raw_data):
            yield "cms_blogpage.blocks", key
        if page.social_image:
            yield "cms_blogpage.social_image", unquote(urlsplit(page.social_image).path).removeprefix("/")
    for branding in Branding.objects.all():
        yield "cms_branding.theme", branding.theme["background"]["image"]
    for revision in Revision.objects.all():
        found = [revision.content["file"]] if revision.content.get("file") else []
        if "blocks" in revision.content:
            found += of_page(json.loads(revision.content["blocks"]))
        if revision.content.get("social_image"):
            found.append(urlsplit(revision.content["social_image"]).path.removeprefix("/"))
        for key in found:
            yield "wagtailcore_revision.content", key


with open(sys.argv[1]) as file:
    record = json.load(file)
found = list(references())
everywhere = {column: {key for other, key in found if other == column} for column, _ in found}
for column, keys in sorted(everywhere.items()):
    others = set().union(*(more for other, more in everywhere.items() if other != column))
    print(f"  {column}: {len(keys)} keys, {len(keys - others)} only there")
fixture.finish(
    os.environ["CMS_BUCKET"],
    sys.argv[2],
    {key for _, key in found},
    record["orphans"],
    lookalikes=record["lookalikes"],
)
