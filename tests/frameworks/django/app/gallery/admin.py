from django.contrib import admin

from . import models

for model in (models.Profile, models.Album, models.Photo, models.Document, models.Article, models.Site):
    admin.site.register(model)
