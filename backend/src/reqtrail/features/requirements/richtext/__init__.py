"""Rich text: XHTML source is what is stored; sanitised HTML is what leaves; the editor's HTML becomes source again."""

from __future__ import annotations

from reqtrail.features.requirements.richtext.plain import plain_text, quick_text
from reqtrail.features.requirements.richtext.render import FileRef, object_paths, render
from reqtrail.features.requirements.richtext.source import source_from_html

__all__ = ["FileRef", "object_paths", "plain_text", "quick_text", "render", "source_from_html"]
