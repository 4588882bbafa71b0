"""Rich text: nothing active leaves, nothing visible is lost, what is stored is valid XHTML of ReqIF."""

from __future__ import annotations

import html as html_text
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from reqtrail.features.requirements.richtext import (
    FileRef,
    object_paths,
    plain_text,
    quick_text,
    render,
    source_from_html,
)
from tests.features.requirements import corpora

XHTML = "http://www.w3.org/1999/xhtml"
ALLOWED_URL = re.compile(r"(https?:|mailto:|/api/v1/projects/)", re.IGNORECASE)
ACTIVE = {
    *("script", "style", "iframe", "object", "embed", "svg", "math", "form", "input", "link"),
    *("meta", "base", "template", "frame", "applet", "video", "audio", "button", "select"),
}
FORBIDDEN = {"style", "id", "name", "class", "srcdoc", "srcset", "formaction", "is", "slot"}
PICTURE = FileRef("/api/v1/projects/BRK/files/ab/x.png", "image/png")
SHEET = FileRef("/api/v1/projects/BRK/files/cd/x.ods", "application/octet-stream")


def no_files(path: str) -> FileRef | None:
    return None


def active_content(markup: str) -> list[str]:
    """Return what of *markup* could run or reach outside, as a browser's parser sees it."""
    found = []
    for element in html.document_fromstring(f"<html><body>{markup}</body></html>").iter():
        if not isinstance(element.tag, str) or element.tag in ACTIVE:
            found.append(str(element.tag))
            continue
        for name, value in ((str(name), str(text)) for name, text in element.attrib.items()):
            if name.startswith("on") or name in FORBIDDEN or name.startswith(("v-", ":")):
                found.append(f"{element.tag} {name}={value}")
            if name in {"src", "href"} and not ALLOWED_URL.match(value):
                found.append(f"{element.tag} {name}={value}")
    return found


def visible(markup: str) -> str:
    root = html.document_fromstring(f"<html><body>{markup}</body></html>")
    return " ".join("".join(map(str, root.itertext())).split())


@pytest.mark.parametrize("prepare", [str, source_from_html], ids=["imported", "edited"])
def test_no_payload_of_any_corpus_stays_active(
    prepare: Callable[[str], str], shared_folder: Path
) -> None:
    payloads = corpora.markup()
    assert len(payloads) > 1500
    for payload in payloads:
        assert active_content(render(prepare(payload), no_files)) == [], payload


def test_naughty_strings_survive_as_text(shared_folder: Path) -> None:
    for text in corpora.read("naughty_strings.json"):
        storable = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", text)
        source = source_from_html(f"<p>{html_text.escape(storable)}</p>")
        assert plain_text(source) == " ".join(storable.split()) or storable.split() == (
            plain_text(source).split()
        )
        assert visible(render(source, no_files)).split() == storable.split()


@given(st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Cn", "Co"]), max_size=80))
def test_any_text_survives_the_editor(text: str) -> None:
    source = source_from_html(f"<p>{html_text.escape(text)}</p>")
    assert plain_text(source).split() == text.split()
    assert render(source_from_html(render(source, no_files)), no_files) == render(source, no_files)


def test_vue_mustaches_are_text() -> None:
    source = source_from_html("<p>{{ constructor.constructor('alert(1)')() }}</p>")
    assert "{{ constructor.constructor('alert(1)')() }}" in render(source, no_files)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ('<xhtml:p onclick="x()">a<xhtml:b>b</xhtml:b></xhtml:p>', "<p>a<b>b</b></p>"),
        ('<p id="x" class="y" style="background:url(//evil)">a</p>', "<p>a</p>"),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ('<a href=" java\tscript:alert(1)">x</a>', '<a rel="noopener noreferrer">x</a>'),
        ("<p>a<script>alert(1)</script>b</p>", "<p>ab</p>"),
        ("<svg><script>alert(1)</script></svg><p>b</p>", "<p>b</p>"),
        ("<p>not closed", "&lt;p&gt;not closed"),
        ("a < b && c", "a &lt; b &amp;&amp; c"),
        ('<span style="text-decoration: underline">u</span>', "<u>u</u>"),
        ("<p><!-- c --><?pi x?>a</p>", "<p>a</p>"),
        ("<p><![CDATA[<img src=x onerror=alert(1)>]]></p>", None),
    ],
)
def test_imported_markup(source: str, wanted: str | None) -> None:
    shown = render(source, no_files)
    assert active_content(shown) == []
    if wanted is not None:
        assert shown == wanted


def test_tables_and_lists_stay() -> None:
    source = (
        f'<div xmlns="{XHTML}"><table><tbody><tr><th scope="row">a</th><td colspan="2">b</td></tr>'
        "</tbody></table><ol><li>one<ul><li>two</li></ul></li></ol></div>"
    )
    shown = render(source, no_files)
    assert (
        '<td colspan="2">b</td>' in shown and "<ol><li>one<ul><li>two</li></ul></li></ol>" in shown
    )


def test_entities_of_a_document_type_are_never_expanded() -> None:
    source = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><p>&x;</p>'
    assert "root:" not in render(source, no_files)


def test_depth_is_bounded() -> None:
    deep = "<div>" * 5000 + "x" + "</div>" * 5000
    assert "x" in render(deep, no_files)
    assert "x" in plain_text(deep)
    assert "x" in source_from_html(deep)


class TestPictures:
    """Embedded objects become pictures, links or their fallback."""

    def files(self, path: str) -> FileRef | None:
        return {"media/x y.png": PICTURE, "x.ods": SHEET}.get(path)

    def test_a_raster_picture_is_shown(self) -> None:
        source = '<p><object data="media/x%20y.png" type="image/png" width="20">Alt</object></p>'
        shown = render(source, self.files)
        assert f'src="{PICTURE.url}"' in shown
        assert 'alt="Alt"' in shown and 'data-path="media/x y.png"' in shown
        assert 'width="20"' in shown

    def test_another_file_is_a_link_to_download(self) -> None:
        shown = render('<p><object data="x.ods" type="a/b">Sheet</object></p>', self.files)
        assert f'href="{SHEET.url}"' in shown and 'download="x.ods"' in shown
        assert ">Sheet</a>" in shown

    def test_a_picture_nested_as_fallback_is_shown(self) -> None:
        source = (
            '<object data="x.ods" type="a/b"><object data="media/x%20y.png" type="image/png"/>'
            "</object>"
        )
        assert f'src="{PICTURE.url}"' in render(source, self.files)

    def test_a_missing_file_shows_what_stands_inside(self) -> None:
        assert render('<p><object data="no.png">fallback</object></p>', self.files) == (
            "<p>fallback</p>"
        )

    def test_a_web_address_is_no_picture(self) -> None:
        shown = render('<object data="https://evil/x.png" type="image/png">a</object>', self.files)
        assert "evil" not in shown

    def test_the_editor_gives_the_object_back(self) -> None:
        source = '<p><object data="media/x%20y.png" type="image/png" width="20">Alt</object></p>'
        back = source_from_html(render(source, self.files))
        assert f"{source[3:-4]}" in back
        assert object_paths([back]) == {"media/x y.png"}
        assert render(source, self.files) in render(back, self.files)

    def test_the_editor_gives_a_file_link_back_as_object(self) -> None:
        back = source_from_html(
            render('<p><object data="x.ods" type="a/b">Sheet</object></p>', self.files)
        )
        assert object_paths([back]) == {"x.ods"}
        assert "Sheet" in back

    def test_a_picture_from_elsewhere_is_left_out(self) -> None:
        assert "evil" not in source_from_html('<p>a<img src="https://evil/x.png">b</p>')


@pytest.fixture(scope="module")
def schema(shared_folder: Path) -> xmlschema.XMLSchema10:
    folder = shared_folder / "data" / "schema"

    def local(url: str) -> str:
        path = folder / "http" / url.partition("://")[2]
        return str(path) if url.startswith("http") and path.exists() else url

    return xmlschema.XMLSchema10(
        str(folder / "reqif.xsd"), uri_mapper=local, validation="lax", allow="local"
    )


def reqif_errors(schema: Any, source: str) -> list[str]:
    """Return what the ReqIF schema says against *source* as an attribute value."""
    stamp = 'LAST-CHANGE="2026-01-01T00:00:00Z"'
    document = (
        '<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"><CORE-CONTENT>'
        f'<REQ-IF-CONTENT><SPEC-OBJECTS><SPEC-OBJECT IDENTIFIER="o" {stamp}><VALUES>'
        "<ATTRIBUTE-VALUE-XHTML><DEFINITION><ATTRIBUTE-DEFINITION-XHTML-REF>a"
        f"</ATTRIBUTE-DEFINITION-XHTML-REF></DEFINITION><THE-VALUE>{source}</THE-VALUE>"
        "</ATTRIBUTE-VALUE-XHTML></VALUES></SPEC-OBJECT></SPEC-OBJECTS></REQ-IF-CONTENT>"
        "</CORE-CONTENT></REQ-IF>"
    )
    errors = schema.iter_errors(etree.fromstring(document.encode()))
    return [str(error.reason) for error in errors if "html" in str(error.elem)]


AWKWARD = [
    *("plain", "", "<ul>text<li>a</li></ul>", "<li>a</li><li>b</li>", "<dt>x", "<dl></dl>"),
    "<blockquote><b>x</b> y<p>z</p>w</blockquote>",
    "<table><caption>c</caption><colgroup><col span=2></colgroup><thead><tr><th scope=col>1"
    "</thead><tbody><tr><td colspan=2>x</table>",
    *("<table></table>", "<table><caption>only</caption></table>", "<table><tr></tr></table>"),
    "<table><tbody><tr><td>a</tbody><tfoot><tr><td>f</tfoot><thead><tr><td>h</thead></table>",
    *("<table><thead><tr><td>h</thead></table>", "<span><table><tr><td>x</table></span>"),
    *("<b><p>x</p><p>y</p></b>", "<b><ul><li>x<li>y</ul></b>", "<ol><ol><li>x</ol></ol>"),
    *("<pre><b>a</b>\n<sup>1</sup><img data-path=x.png></pre>", "<p>a<ul><li>b</ul>c</p>"),
    "<p><u>x</u><s>y</s><mark>z</mark><img data-path='a b.png' width='50%' height=abc></p>",
    *("<a href='http://x/ yé'><a href='z'>q</a></a>", "<a href='http://[::1'>x</a>"),
    *("<table><tr><td colspan=abc rowspan=-1>x</table>", "<h1>a<p>b</h1>", "<dl>t<dt>a<dd>b</dl>"),
]


def test_the_check_against_the_schema_sees_mistakes(schema: Any) -> None:
    for wrong in ("<ul/>", "<blockquote>t</blockquote>", "<p><div>x</div></p>", '<p on="x">y</p>'):
        assert reqif_errors(schema, f'<div xmlns="{XHTML}">{wrong}</div>'), wrong


@pytest.mark.parametrize("markup", AWKWARD)
def test_what_is_stored_is_valid_and_loses_no_text(schema: Any, markup: str) -> None:
    source = source_from_html(markup)
    assert reqif_errors(schema, source) == []
    letters = re.sub(r"\s", "", visible(markup))
    assert letters in re.sub(r"\s", "", plain_text(source)) or sorted(letters) == sorted(
        re.sub(r"\s", "", plain_text(source))
    )


def test_what_is_stored_of_the_corpora_is_valid(schema: Any, shared_folder: Path) -> None:
    for payload in corpora.markup():
        assert reqif_errors(schema, source_from_html(payload)) == [], payload


def test_plain_text_sets_blocks_on_lines() -> None:
    source = "<div><p>one <b>two</b></p><ul><li>three</li></ul><table><tr><td>a</td><td>b</td></tr></table></div>"
    assert plain_text(source) == "one two\nthree\na b"


@pytest.mark.parametrize(
    "source",
    [
        "<div><p>th<b>e</b> a&amp;b &lt;c&gt;</p><ul><li>one</li><li>two</li></ul></div>",
        "<xhtml:p>x<xhtml:br/>y</xhtml:p><xhtml:table><xhtml:tr><xhtml:td>a</xhtml:td></xhtml:tr></xhtml:table>",
        "a < b",
    ],
)
def test_the_quick_text_has_the_same_words(source: str) -> None:
    assert quick_text(source).split() == plain_text(source).split()
