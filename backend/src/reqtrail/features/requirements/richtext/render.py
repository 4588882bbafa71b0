"""From stored XHTML source to HTML that is safe in any page.

Two layers: our own walk keeps an allow-list of elements and attributes and turns ReqIF's embedded objects into
pictures and download links; nh3 (the ammonia sanitiser) then parses the result as a browser does and cleans it again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import quote, unquote

import nh3
from lxml import etree

from reqtrail.features.requirements.richtext.parse import local_name, parse_source
from reqtrail.platform.cache import SizedCache

RASTER = {"image/png", "image/jpeg", "image/gif", "image/webp"}
"""Picture types that a browser shows without running anything in them."""

_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd"),
    *("del", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i"),
    *("ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong", "sub"),
    *("sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "var"),
}
_RENAMED = {"tt": "code", "big": "span", "strike": "s", "acronym": "abbr", "address": "div"}
_DROPPED = {
    *("script", "style", "iframe", "frame", "embed", "applet", "template", "noscript", "svg"),
    *("math", "link", "meta", "base", "input", "select", "textarea", "head"),
    *("title", "audio", "video", "canvas", "param"),
}
_VOID = {"br", "hr", "col"}
_ATTRIBUTES = {
    "a": {"href", "title", "download", "data-path"},
    "img": {"src", "alt", "width", "height", "data-path"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
    "col": {"span"},
    "colgroup": {"span"},
}
_SCHEMES = {"http", "https", "mailto"}
_NUMBER = re.compile(r"\d{1,4}")
_LENGTH = re.compile(r"(\d{1,4})(?:px)?")

RENDERED_BYTES = 16_000_000
_rendered: SizedCache[str] = SizedCache("rich-texts", RENDERED_BYTES)
"""Texts without embedded objects: what they become depends on nothing but themselves."""


def forget_kept() -> None:
    """Forget every rendered text, as a process that begins has none."""
    _rendered.clear()


@dataclass(frozen=True)
class FileRef:
    """Where the bytes of an embedded object are served: ``url`` and the true media type."""

    url: str
    media_type: str


Files = Callable[[str], FileRef | None]


def object_paths(sources: Iterable[str]) -> set[str]:
    """Return the paths of the objects embedded in *sources*, decoded."""
    paths: set[str] = set()
    for source in sources:
        if "object" not in source:
            continue
        root = parse_source(source)
        if root is not None:
            paths.update(
                normalise_path(element.get("data", ""))
                for element in root.iter("{*}object", "object")
            )
    paths.discard("")
    return paths


def normalise_path(data: str) -> str:
    """Return the path of an object within its exchange: decoded, without a leading ``./``."""
    return unquote(data).removeprefix("./").replace("\\", "/")


def render(source: str, files: Files) -> str:
    """Return safe HTML for XHTML *source*; what is no markup is shown as text, nothing visible is lost.

    Args:
        files: Gives the file of an object's path, or None when there is none.
    """
    if "object" in source:
        return _render(source, files)
    return _render_plain(source)


def _render_plain(source: str) -> str:
    key = blake2b(source.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    found = _rendered.get(key)
    if found is None:
        found = _render(source, lambda path: None)
        _rendered.put(key, found)
    return found


def _render(source: str, files: Files) -> str:
    root = parse_source(source)
    if root is None:
        return html.escape(source, quote=False)
    parts: list[str] = []
    _children(root, files, parts, 0)
    return nh3.clean(
        "".join(parts),
        tags=_TAGS | {"img"},
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
        clean_content_tags={"script", "style"},
    )


def _children(element: etree._Element, files: Files, parts: list[str], depth: int) -> None:
    parts.append(html.escape(element.text or "", quote=False))
    for child in element:
        _element(child, files, parts, depth + 1)
        parts.append(html.escape(child.tail or "", quote=False))


def _element(element: etree._Element, files: Files, parts: list[str], depth: int) -> None:
    name = local_name(element)
    if name is None or name in _DROPPED or depth > 200:
        return
    if name in {"object", "img"}:
        _object(element, files, parts, depth)
        return
    name = _RENAMED.get(name, name)
    if name == "span" and "underline" in element.get("style", ""):
        name = "u"
    if name not in _TAGS:
        _children(element, files, parts, depth)
        return
    parts.append(f"<{name}{_attributes(name, element)}>")
    if name not in _VOID:
        _children(element, files, parts, depth)
        parts.append(f"</{name}>")


def _attributes(name: str, element: etree._Element) -> str:
    kept = []
    for attribute in _ATTRIBUTES.get(name, set()) - {"download", "data-path"}:
        value = element.get(attribute)
        if value is None or (attribute == "href" and not _is_safe(value)):
            continue
        if attribute in {"colspan", "rowspan", "start", "span"} and not _NUMBER.fullmatch(value):
            continue
        kept.append(f' {attribute}="{html.escape(value)}"')
    return "".join(sorted(kept))


def _is_safe(url: str) -> bool:
    compact = re.sub(r"[\s\x00-\x20]", "", url).lower()
    return compact.partition(":")[0] in _SCHEMES


def _object(element: etree._Element, files: Files, parts: list[str], depth: int) -> None:
    """Show a picture as such; else the nested fallback if that is a picture; else a link to the file."""
    data = element.get("data") or element.get("src") or ""
    path = normalise_path(data)
    found = files(path) if path else None
    label = (
        element.get("alt")
        or " ".join(
            str(etree.tostring(element, method="text", encoding="unicode", with_tail=False)).split()
        )
        or path
    )
    if found is not None and found.media_type in RASTER:
        parts.append(
            f'<img src="{html.escape(found.url)}" alt="{html.escape(label)}"'
            f' data-path="{html.escape(path)}"{_size(element)}>'
        )
        return
    nested = next(iter(element.findall("{*}object") or element.findall("object")), None)
    if nested is not None and _shows_picture(nested, files):
        _object(nested, files, parts, depth + 1)
    elif found is not None:
        name = html.escape(path.rpartition("/")[2])
        parts.append(
            f'<a href="{html.escape(found.url)}" download="{name}"'
            f' data-path="{html.escape(path)}">{html.escape(label)}</a>'
        )
    else:
        _children(element, files, parts, depth)


def _shows_picture(element: etree._Element, files: Files) -> bool:
    found = files(normalise_path(element.get("data", "")))
    if found is not None and found.media_type in RASTER:
        return True
    nested = element.find("{*}object")
    return nested is not None and _shows_picture(nested, files)


def _size(element: etree._Element) -> str:
    parts = []
    for name in ("width", "height"):
        match = _LENGTH.fullmatch(element.get(name, ""))
        if match:
            parts.append(f' {name}="{match.group(1)}"')
    return "".join(parts)


def file_url(project_key: str, sha256: bytes, path: str) -> str:
    """Return the address at which a file of a project is served."""
    name = quote(path.rpartition("/")[2] or "file", safe="")
    return f"/api/v1/projects/{project_key}/files/{sha256.hex()}/{name}"
