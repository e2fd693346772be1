from django.core.files.storage import storages
from storages.backends.s3 import S3Storage


class OriginalNames(S3Storage):
    """Leaves spaces, parentheses and signs in names, where Django would replace or remove them."""

    def get_valid_name(self, name):
        return name


def originals():
    return storages["originals"]
