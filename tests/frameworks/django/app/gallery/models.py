import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from .storage import originals


def by_client(document, filename):
    return f"documents/{document.client}/{filename}"


def by_uuid(clip, filename):
    return f"clips/{uuid.uuid4()}.{filename.rsplit('.', 1)[-1]}"


class Profile(models.Model):
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE)
    avatar = models.ImageField(upload_to="avatars/", blank=True)

    def __str__(self):
        return f"{self.user}: {self.avatar}"


class Album(models.Model):
    title = models.CharField(max_length=200)
    cover = models.ImageField(upload_to="covers/%Y/%m/", null=True, blank=True)

    def __str__(self):
        return self.title


class Photo(models.Model):
    album = models.ForeignKey(Album, models.CASCADE, related_name="photos")
    image = models.ImageField(upload_to="photos/%Y/%m/%d/", width_field="width", height_field="height")
    width = models.PositiveIntegerField(default=0, editable=False)
    height = models.PositiveIntegerField(default=0, editable=False)
    caption = models.CharField(max_length=200, blank=True)

    def __str__(self):
        return self.image.name


class Document(models.Model):
    client = models.CharField(max_length=100)
    file = models.FileField(upload_to=by_client, storage=originals, max_length=500)

    def __str__(self):
        return self.file.name


class Clip(models.Model):
    """A row for a file of which the key tells nothing."""

    name = models.CharField(max_length=200)
    file = models.FileField(upload_to=by_uuid)
    poster = models.FileField(upload_to="posters", blank=True, default="")


class Article(models.Model):
    title = models.CharField(max_length=200)
    # HTML from an editor, whose pictures are full URLs.
    body = models.TextField(blank=True)
    # {"gallery": [key, ...], "video": {"src": key, "poster": key}}
    data = models.JSONField(default=dict, blank=True)

    def __str__(self):
        return self.title


class Playlist(models.Model):
    name = models.CharField(max_length=200)
    tracks = ArrayField(models.CharField(max_length=300), default=list)


class Share(models.Model):
    """A link that was given out: its signature ends, the object stays."""

    link = models.TextField()
    created = models.DateTimeField(auto_now_add=True)


class Site(models.Model):
    """One setting a row; some are keys."""

    name = models.CharField(max_length=100, unique=True)
    value = models.TextField(blank=True)


class Import(models.Model):
    """Has no rows."""

    file = models.FileField(upload_to="imports/%Y/")
    created = models.DateTimeField(auto_now_add=True)
