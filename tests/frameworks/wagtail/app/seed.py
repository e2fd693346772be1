"""Uploads, replaces and deletes through Wagtail, and keeps a record of the keys that lost their last reference."""

import contextlib
import io
import json
import os
import sys

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from wagtail.documents.models import Document
from wagtail.embeds.models import Embed
from wagtail.images.models import Image, Rendition
from wagtail.models import Collection, Page, Site
from wagtail.users.models import UserProfile

import fixture
from cms.models import BlogPage, Branding, Brochure, Person

BUCKET = os.environ["CMS_BUCKET"]
orphans, lookalikes = set(), set()


def lost(*files):
    orphans.update(getattr(file, "name", file) for file in files)


def content(name, body=None):
    return ContentFile(body or fixture.png(name, 8, 6), name=name)


def image(name, **fields):
    return Image.objects.create(title=name.rsplit(".", 1)[0], file=content(name), **fields)


def document(name, body=None):
    return Document.objects.create(title=name, file=content(name, body or fixture.pdf(name)))


def brochure(title, name, revision=True):
    new = Brochure.objects.create(title=title, file=content(name, fixture.pdf(name)))
    if revision:
        new.save_revision()
    return new


admin = User.objects.create_superuser("admin", "admin@example.com")
editor = User.objects.create_user("editor", "editor@example.com")
browser = Client(HTTP_HOST="cms.example.com")
browser.force_login(admin)


def post(view, form, *args):
    answer = browser.post(reverse(view, args=args), form)
    assert answer.status_code == 302, (view, answer.context and answer.context.get("form").errors)


# Images through the admin site; two have the same name, so that the second gets a random suffix.
root = Collection.get_first_root_node()
for name in ("Harbour.png", "Harbour.png", "With space (1).png", "Übersicht – Größe.png", "100% + more.png"):
    before = Image.objects.count()
    upload = SimpleUploadedFile(name, fixture.png(f"{name}{before}", 8, 6), "image/png")
    post("wagtailimages:add", {"title": name, "file": upload, "collection": root.pk, "tags": "town"})
    assert Image.objects.count() == before + 1
plain = [image(f"plain {n}.png") for n in range(6)]
press = root.add_child(name="Press")
kept_in_press = [image(f"press {n}.png", collection=press) for n in range(2)]
photo, hero, embedded, chosen = (image(f"{name}.png") for name in ("person", "hero", "embedded", "chosen"))
papers = [document(f"Paper {n} (final).pdf") for n in range(3)]
report = document("Jahresübersicht.pdf")
notes = document(fixture.nfd("Überblick.txt"), b"notes\n")

# Renditions are rows of their own, with objects of their own, and live as long as their image.
for one in (hero, embedded, chosen, photo, plain[0]):
    one.get_rendition("width-4")
hero.get_rendition("fill-2x2|format-webp")
hero.get_rendition("fill-2x2-c100")
plain[0].get_rendition("max-165x165")

# Users: an avatar, an avatar that was replaced, and a profile with an empty string.
profile = UserProfile.get_for_user(editor)
profile.avatar.save("me.png", content("me.png"))
lost(profile.avatar)
old = profile.avatar.name
profile.avatar.save("me.png", content("me again.png"))
assert profile.avatar.name != old
UserProfile.get_for_user(admin).save()

# Files with the names that people gave them. The revisions name earlier files, and could bring them back.
for name in ("Prices 2024 (1).pdf", "C++ & more.pdf", "100% sure.pdf", "with%20escape.pdf", "報告書.pdf"):
    brochure(name, name)
brochure("Ångström", fixture.nfd("Ångström.pdf"))
changed = brochure("Changed", "first edition.pdf")
# This edition was replaced before any revision was made of it.
changed.file.save("second edition.pdf", content("", fixture.pdf("second edition")))
lost(changed.file)
changed.file.save("third edition.pdf", content("", fixture.pdf("third edition")))
changed.save_revision()
# Deleted; Django leaves the file.
for name in ("Prices 2023 (1).pdf", "1+1 = 50%.pdf"):
    gone = brochure("Gone", name, revision=False)
    lost(gone.file)
    gone.delete()
# Deleted, but Wagtail leaves its revision, which names the file: it is not lost while that row is there.
brochure("Gone, not forgotten", "forgotten.pdf").delete()
Brochure.objects.create(title="Without a file")
# Two names that look the same.
brochure("Twin", "Résumé.pdf")
gone = brochure("Twin", fixture.nfd("Résumé.pdf"), revision=False)
lost(gone.file)
lookalikes.add(gone.file.name)
gone.delete()

# Pages: images by foreign key, by id in rich text and in JSON, by URL in raw HTML.
raw = [storages["originals"].save(f"raw/{name}", content(name)) for name in ("in html 1.png", "in html+2 (ü).png")]
unlinked = storages["originals"].save("raw/in html 3.png", content("in html 3.png"))
social = default_storage.save("social/card.jpg", content("card.jpg", fixture.jpeg("card")))
shown = chosen.get_rendition("width-3")


def tags(*names):
    return "".join(f'<img src="{storages["originals"].url(name)}?v=2&amp;w=3" alt="">' for name in names)


page = BlogPage(
    title="Pictures",
    hero=hero,
    intro=f'<p>See <a linktype="document" id="{papers[0].pk}">this</a></p>'
    f'<embed alt="" embedtype="image" format="left" id="{embedded.pk}"/>',
    blocks=json.dumps(
        [
            {"type": "image", "value": chosen.pk},
            {"type": "document", "value": papers[1].pk},
            {"type": "teaser", "value": {"title": "Teaser", "image": plain[1].pk}},
            {"type": "html", "value": tags(*raw, unlinked) + f'<img src="{shown.url}">'},
            {"type": "html", "value": '<img src="https://elsewhere.example.net/raw/other.png">'},
        ]
    ),
    social_image=default_storage.url(social),
)
Page.objects.get(depth=2).add_child(instance=page)
page.save_revision().publish()
Page.objects.get(depth=2).add_child(instance=BlogPage(title="Nothing in it"))
# An edit takes a picture out of the HTML, and Wagtail's own clean-up takes the revision that had it.
page.blocks[3].value = tags(*raw) + f'<img src="{shown.url}">'
page.save_revision().publish()
with contextlib.redirect_stdout(io.StringIO()):
    call_command("purge_revisions", "--pages")
lost(unlinked)
Person.objects.create(name="Ada", photo=photo)
Person.objects.create(name="Nobody")
Embed.objects.create(
    url="https://video.example.net/1", max_width=None, hash="example", type="video", html="<iframe></iframe>",
    thumbnail_url="https://video.example.net/1.jpg",
)  # fmt: skip
theme = default_storage.save("branding/theme background.png", content("theme background"))
Branding.objects.create(
    site=Site.objects.get(), logo=content("logo.png"), theme={"colours": ["#123456"], "background": {"image": theme}}
)

# Deletions through Wagtail take objects along, renditions too, and so does the form that replaces an image.
doomed = image("doomed.png")
doomed.get_rendition("width-4")
before = fixture.listing(BUCKET)
post("wagtailimages:delete", {}, doomed.pk)
assert len(before - fixture.listing(BUCKET)) == 2
doomed = document("doomed.pdf")
Document.objects.filter(pk=doomed.pk).delete()
replaced = image("replaced.png")
old = replaced.file.name
upload = SimpleUploadedFile("replacement.png", fixture.png("replacement", 8, 6), "image/png")
post("wagtailimages:edit", {"title": "Replaced", "file": upload, "collection": root.pk, "tags": ""}, replaced.pk)
replaced.refresh_from_db()
assert replaced.file.name != old
if old in fixture.listing(BUCKET):
    lost(old)
    print("  the form leaves", old)

# Code that replaces a file by hand does not.
for one in plain[2:4]:
    lost(one.file)
    one.file = content("by hand.png")
    one.save()
lost(report.file)
report.file = content("Jahresübersicht 2.pdf", fixture.pdf("2"))
report.save()
# Rows that go without Wagtail's signals: renditions after a change of their sizes, a collection with its images.
stale = [plain[4].get_rendition(size) for size in ("width-2", "width-5", "height-2")]
lost(*[rendition.file for rendition in stale])
Rendition.objects.filter(pk__in=[rendition.pk for rendition in stale])._raw_delete("default")
bulk = [image(f"bulk {n}.png") for n in range(2)]
thumb = bulk[0].get_rendition("width-2")
lost(thumb.file, *[one.file for one in bulk])
with connection.cursor() as cursor:
    for table, column in (("wagtailimages_rendition", "image_id"), ("wagtailimages_image", "id")):
        cursor.execute(f"DELETE FROM {table} WHERE {column} = ANY(%s)", [[one.pk for one in bulk]])
    cursor.execute("DELETE FROM wagtaildocs_document WHERE id = %s RETURNING file", [papers[2].pk])
    lost(cursor.fetchone()[0])
# An upload whose transaction is rolled back.
try:
    with transaction.atomic():
        failed = image("rolled back.png")
        raise ConnectionError
except ConnectionError:
    lost(failed.file)
# An object is lost, and the one of a rendition, which Wagtail would not make again.
default_storage.delete(plain[5].file.name)
default_storage.delete(photo.get_rendition("width-4").file.name)

with open(sys.argv[1], "w") as out:
    json.dump({"orphans": sorted(orphans), "lookalikes": sorted(lookalikes)}, out)
