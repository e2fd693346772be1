"""Uploads, replaces and deletes through Django, and keeps a record of the keys that lost their last reference."""

import datetime
import json
import os
import sys
from contextlib import contextmanager
from unittest import mock

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

import fixture
from gallery.models import Album, Article, Clip, Document, Photo, Playlist, Profile, Share, Site

NFC, NFD = "Café Zürich.png", fixture.nfd("Café Zürich.png")
default, originals = storages["default"], storages["originals"]
orphans, lookalikes = set(), set()


def key(file):
    """Returns the key in the bucket of a file's name, which lacks the location."""
    name = getattr(file, "name", file)
    return f"{settings.LOCATION}/{name}" if settings.LOCATION else name


def lost(file, lookalike=False):
    orphans.add(key(file))
    if lookalike:
        lookalikes.add(key(file))


def png(name):
    return ContentFile(fixture.png(name), name=name)


@contextmanager
def on(*day):
    """Makes it this day for `upload_to`."""
    with mock.patch("django.db.models.fields.files.datetime.datetime", wraps=datetime.datetime) as clock:
        clock.now.return_value = datetime.datetime(*day)
        yield


def people():
    """Avatars, through the admin site with its forms and sessions."""
    admin = User.objects.create_superuser("admin", "admin@example.com")
    browser = Client(HTTP_HOST="gallery.example.com")
    browser.force_login(admin)
    for n, name in enumerate(["ada", "béla", "chen", "dora", "emil"]):
        user = User.objects.create_user(name, f"user{n}@example.com")
        form = {"user": user.pk}
        if name != "emil":  # He has none: a row with an empty string.
            # All are called me.png: Django puts a random suffix to all but the first.
            form["avatar"] = SimpleUploadedFile("me.png", fixture.png(name), "image/png")
        assert browser.post(reverse("admin:gallery_profile_add"), form).status_code == 302
    ada, bela, chen, dora, _ = Profile.objects.order_by("pk")

    def change(profile, form):
        url = reverse("admin:gallery_profile_change", args=[profile.pk])
        assert browser.post(url, {"user": profile.user_id} | form).status_code == 302

    # The first me.png is replaced, so that the orphan's name is a part of those that live.
    lost(ada.avatar)
    change(ada, {"avatar": SimpleUploadedFile("ada new (1).png", fixture.png("ada2"), "image/png")})
    # The box "clear" of the form.
    lost(bela.avatar)
    change(bela, {"avatar-clear": "on"})
    # The user is deleted, and the profile with it. The log of the admin site still names the file.
    lost(dora.avatar)
    assert browser.post(reverse("admin:auth_user_delete", args=[dora.user_id]), {"post": "yes"}).status_code == 302


def albums():
    with on(2023, 11, 5):
        summer = Album.objects.create(title="Summer", cover=png("Cover of the summer.png"))
        empty = Album.objects.create(title="Without a cover", cover=None)
        gone = Album.objects.create(title="Gone", cover=png("gone.png"))
        for n in range(6):
            Photo.objects.create(album=summer, image=png(f"IMG_{n:04}.png"), caption=f"photo {n}")
    with on(2024, 2, 29):
        for n in range(6):
            Photo.objects.create(album=empty, image=png(f"IMG_{n:04}.png"))
        doomed = [Photo.objects.create(album=gone, image=png(f"gone {n}.png")) for n in range(3)]
        # The file's name in two forms of Unicode; Django drops the marks of the second and so renames it.
        Photo.objects.create(album=summer, image=png(NFC))
        Photo.objects.create(album=summer, image=png(NFD))
    # One is deleted by itself, of the days of which the other has a file of the same name.
    one = summer.photos.get(caption="photo 3")
    lost(one.image)
    one.delete()
    # A queryset.
    for photo in empty.photos.filter(image__contains="IMG_0005"):
        lost(photo.image)
    empty.photos.filter(image__contains="IMG_0005").delete()
    # An album, and its photos by the foreign key.
    lost(gone.cover)
    for photo in doomed:
        lost(photo.image)
    gone.delete()
    # A replaced file: the row gets a new one, the bucket keeps both.
    photo = summer.photos.get(caption="photo 1")
    lost(photo.image)
    with on(2025, 1, 1):
        photo.image.save("IMG_0001.png", png("other"))
    # An upload whose transaction is rolled back never had a row.
    try:
        with transaction.atomic(), on(2025, 1, 2):
            photo = Photo.objects.create(album=summer, image=png("rolled back.png"))
            raise ConnectionError
    except ConnectionError:
        lost(photo.image)
    # Django's own way to delete a file: nothing stays.
    photo = summer.photos.get(caption="photo 4")
    photo.image.delete(save=False)
    photo.delete()
    # A row whose object is gone.
    default.delete(summer.photos.get(caption="photo 5").image.name)
    # The same object in two rows: one of them goes, the other still holds it.
    twin = summer.photos.get(caption="photo 0")
    Photo.objects.create(album=empty, image=twin.image.name)
    twin.delete()


def documents():
    def add(client, name):
        return Document.objects.create(client=client, file=ContentFile(fixture.pdf(client + name), name=name))

    for name in (
        "Offer 2024.pdf", "Offer 2024 (1).pdf", "C++ & more.pdf", "100% sure.pdf", "a=b;c,d'e!.pdf", "#1?.pdf",
        "Übersicht.pdf", "報告書.pdf", "with%20escape.pdf",
    ):  # fmt: skip
        add("Müller & Söhne", name)
    add(fixture.nfd("Müller & Söhne"), "in the other form.pdf")
    for name in ("Offer 2023.pdf", "old (2).pdf", "1+1.pdf", "50%.pdf", "旧.pdf"):
        document = add("Old, Ltd.", name)
        lost(document.file)
        document.delete()
    # Two keys that look the same; the second one loses its row.
    add("Twins", "Résumé.pdf")
    document = add("Twins", fixture.nfd("Résumé.pdf"))
    lost(document.file, lookalike=True)
    document.delete()
    # Rows lose their file by hand.
    document = add("Old, Ltd.", "by hand.pdf")
    lost(document.file)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE gallery_document SET file = '' WHERE id = %s", [document.pk])


def clips():
    for n in range(4):
        clip = Clip(name=f"clip {n}", file=ContentFile(b"clip %d" % n, name="clip.MP4"))
        if n % 2:
            clip.poster = ContentFile(fixture.jpeg(f"poster {n}"), name="poster.jpg")
        clip.save()
    clip = Clip.objects.get(name="clip 3")
    lost(clip.file)
    lost(clip.poster)
    clip.delete()


def articles():
    def upload(name):
        return default.save(f"articles/{name}", png(name))

    def img(name, more=""):
        return f'<figure><img src="{default.url(name)}{more}" alt=""></figure>'

    first, second, third, fourth = (upload(f"in text {n}.png") for n in range(4))
    quoted = originals.save("articles/R&D + (more).png", png("R&D"))
    gallery = [upload(f"only in json {n}.png") for n in range(3)]
    video, poster = upload("film ü.mp4"), upload("film.jpg")
    text = Article.objects.create(
        title="Pictures in the text",
        body=f"<p>Hello &amp; welcome</p>\n{img(first)}\n{img(second, '?w=300&amp;h=200')}\n{img(third)}"
        f'<p><a href="{default.url(fourth)}#page">A link</a></p>' + img(quoted),
    )
    more = Article.objects.create(
        title="Keys in the data",
        body='<img src="https://elsewhere.example.net/articles/in_text_0.png">',
        data={"gallery": gallery, "video": {"src": video, "poster": poster, "length": 3.5}, "related": None},
    )
    Article.objects.create(title="Without any")
    # Edited: a picture leaves the text, another one the data.
    lost(third)
    text.body = text.body.replace(img(third), "")
    text.save()
    lost(gallery[1])
    more.data["gallery"] = [gallery[0], gallery[2]]
    more.save()


def others():
    tracks = [default.save(f"tracks/{n} – song.mp3", ContentFile(b"song %d" % n)) for n in range(4)]
    Playlist.objects.create(name="all", tracks=tracks[:3])
    Playlist.objects.create(name="none", tracks=[])
    lost(tracks[3])
    shared = originals.save("shares/for you (final).zip", ContentFile(b"PK for you"))
    Share.objects.create(link=storages["links"].url(shared, expire=3600))
    logo = default.save("site/logo.gif", ContentFile(fixture.gif("logo")))
    lost(default.save("site/logo.gif", ContentFile(fixture.gif("logo2"))))  # Never set: the form was left.
    for name, value in (("title", "My gallery"), ("logo", logo), ("footer", ""), ("watermark", "site/missing.png")):
        Site.objects.create(name=name, value=value)


people()
albums()
documents()
clips()
articles()
others()

if settings.LOCATION:
    # The bucket is older than the location: files lie at its root, under names that no row has, and one that a row
    # has, if the location is left out.
    s3 = fixture.client()
    for name in ("avatars/from-before.png", "photos/2020/01/01/IMG_0000.png", "photos/2023/11/05/IMG_0002.png"):
        s3.put_object(Bucket=settings.BUCKET, Key=name, Body=fixture.png("root" + name), ContentType="image/png")
        orphans.add(name)
    lookalikes.add("photos/2023/11/05/IMG_0002.png")

with open(sys.argv[1], "w") as out:
    json.dump({"orphans": sorted(orphans), "lookalikes": sorted(lookalikes)}, out)
