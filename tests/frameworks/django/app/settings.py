"""A photo gallery as `startproject` makes it, with uploads in S3. GALLERY_LOCATION is what stands before each key."""

import os

SECRET_KEY = "example"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "gallery",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "USER": os.environ["PGUSER"],
    }
}

BUCKET = os.environ["GALLERY_BUCKET"]
LOCATION = os.environ.get("GALLERY_LOCATION", "")
S3 = {"bucket_name": BUCKET, "location": LOCATION, "region_name": "eu-central-1", "file_overwrite": False}
HERE = {"endpoint_url": os.environ["S3_ENDPOINT"], "addressing_style": "path"}
CDN = {"custom_domain": "media.example.com", "querystring_auth": False}
STORAGES = {
    "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": S3 | HERE | CDN},
    # Keeps the names that people gave their files.
    "originals": {"BACKEND": "gallery.storage.OriginalNames", "OPTIONS": S3 | HERE | CDN},
    # Makes links that end; it talks to nobody, and so keeps the address that Amazon has.
    "links": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": S3 | {"querystring_auth": True, "signature_version": "s3v4", "addressing_style": "virtual"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_URL = "static/"
