from django.db import models
from wagtail.admin.panels import FieldPanel
from wagtail.blocks import CharBlock, RawHTMLBlock, RichTextBlock, StreamBlock, StructBlock
from wagtail.contrib.settings.models import BaseSiteSetting, register_setting
from wagtail.documents.blocks import DocumentChooserBlock
from wagtail.fields import RichTextField, StreamField
from wagtail.images.blocks import ImageChooserBlock
from wagtail.models import Page, RevisionMixin
from wagtail.snippets.models import register_snippet

from .storage import originals


class Blocks(StreamBlock):
    image = ImageChooserBlock()
    document = DocumentChooserBlock()
    text = RichTextBlock()
    html = RawHTMLBlock()
    teaser = StructBlock([("title", CharBlock()), ("image", ImageChooserBlock(required=False))])


class BlogPage(Page):
    hero = models.ForeignKey("wagtailimages.Image", models.SET_NULL, null=True, blank=True, related_name="+")
    # Pictures and documents stand in it by their ids: <embed embedtype="image" id="3">.
    intro = RichTextField(blank=True)
    # JSON; a block of raw HTML has pictures by their URLs.
    blocks = StreamField(Blocks(), blank=True)
    # The URL that other sites are shown, as somebody pasted it.
    social_image = models.URLField(blank=True, max_length=500)
    content_panels = [*Page.content_panels, *map(FieldPanel, ("hero", "intro", "blocks", "social_image"))]


@register_snippet
class Brochure(RevisionMixin, models.Model):
    """Has a file of its own and keeps its revisions, which name the files that it had before."""

    title = models.CharField(max_length=100)
    file = models.FileField(upload_to="brochures/%Y/", storage=originals, max_length=300, blank=True)
    panels = [FieldPanel("title"), FieldPanel("file")]


@register_snippet
class Person(models.Model):
    name = models.CharField(max_length=100)
    photo = models.ForeignKey("wagtailimages.Image", models.PROTECT, null=True, blank=True, related_name="+")
    panels = [FieldPanel("name"), FieldPanel("photo")]


class Recording(models.Model):
    """Has no rows."""

    file = models.FileField(upload_to="recordings")


@register_setting
class Branding(BaseSiteSetting):
    logo = models.FileField(upload_to="branding", blank=True)
    theme = models.JSONField(default=dict, blank=True)
