"""Walks over every row of every model, and compares with the record that seed.py kept."""

import json
import os
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.apps import apps
from django.conf import settings
from django.db.models import FileField

import fixture
from gallery.models import Article, Playlist, Share, Site


class Links(HTMLParser):
    """Collects the URLs in HTML."""

    def __init__(self, text):
        super().__init__()
        self.urls = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.urls += [value for name, value in attributes if name in ("src", "href")]


def located(name):
    return f"{settings.LOCATION}/{name}" if settings.LOCATION else name


def references():
    """Yields the column of each reference and its key."""
    for model in apps.get_models():
        files = [field for field in model._meta.fields if isinstance(field, FileField)]
        for row in model.objects.all() if files else ():
            for field in files:
                if file := getattr(row, field.attname):
                    yield f"{model._meta.db_table}.{field.column}", located(file.name)
    for article in Article.objects.all():
        for url in map(urlsplit, Links(article.body).urls):
            if url.hostname == "media.example.com":
                yield "gallery_article.body", unquote(url.path).removeprefix("/")
        video = article.data.get("video", {})
        for name in [*article.data.get("gallery", []), video.get("src"), video.get("poster")]:
            if name:
                yield "gallery_article.data", located(name)
    for playlist in Playlist.objects.all():
        for name in playlist.tracks:
            yield "gallery_playlist.tracks", located(name)
    for share in Share.objects.all():
        yield "gallery_share.link", unquote(urlsplit(share.link).path).removeprefix("/")
    for name in Site.objects.filter(name__in=["logo", "watermark"]).values_list("value", flat=True):
        yield "gallery_site.value", located(name)


with open(sys.argv[1]) as file:
    record = json.load(file)
found = list(references())
for column in sorted({column for column, _ in found}):
    print(f"  {column}: {len({key for other, key in found if other == column})} keys")
fixture.finish(
    settings.BUCKET, sys.argv[2], {key for _, key in found}, record["orphans"], lookalikes=record["lookalikes"]
)
