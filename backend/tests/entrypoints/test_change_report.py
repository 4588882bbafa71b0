"""The page that tells what changed between two versions: what it says, and that nothing hostile gets through."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from anyio import from_thread, to_thread

from reqtrail.entrypoints.cli.report_data import Report, gather, text_of_html
from reqtrail.entrypoints.cli.report_html import render
from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

HOSTILE = (
    "\"'><script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)> &amp; \u202e]]>"
)
VOID = {"meta", "br"}


async def _report(book: Book, a: Any, b: Any) -> Report:
    """Gather as the command line does, from the application under test."""

    def read(path: str, **params: Any) -> Json:
        return from_thread.run(lambda: book.get(path, **params))

    return await to_thread.run_sync(lambda: gather(read, book.key, str(a), str(b)))


class _Page(HTMLParser):
    """A page taken apart; whatever is not closed as it should be is an error."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of all elements of a name."""
        return [attributes for name, attributes in self.tags if name == tag]


def _check_safe(page: str) -> _Page:
    """Nothing runs, nothing is fetched, every id is there once, every table and every region has a name."""
    read = _Page(page)
    names = {name for name, _ in read.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "link", "form", "base", "svg"}
    for tag, attributes in read.tags:
        assert not any(name.startswith("on") or name in {"src", "style"} for name in attributes)
        target = attributes.get("href")
        assert target is None or (tag == "a" and target.startswith("#"))
    ids = [attributes["id"] for _, attributes in read.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    labels = [attributes.get("aria-labelledby") for attributes in read.named("section")]
    assert set(labels) <= set(ids) and None not in labels
    assert {attributes["href"] for attributes in read.named("a")} <= {f"#{name}" for name in ids}
    assert len(read.named("table")) == len(read.named("caption"))
    assert all(attributes.get("scope") for attributes in read.named("th"))
    assert read.named("html") == [{"lang": "en"}] and len(read.named("h1")) == 1
    assert "url(" not in page and "@import" not in page
    policy = next(item for item in read.named("meta") if "http-equiv" in item)
    assert str(policy["content"]).startswith("default-src 'none'")
    return read


def _words(report: Report) -> Iterator[tuple[tuple[str, ...], str]]:
    for section in report.sections:
        for entry in (*section.entries, *section.gone):
            yield entry.words, entry.title


async def _item(book: Book, title: str, **position: Any) -> tuple[Json, str]:
    item = await book.item(title, **position)
    return item, str(item["placements"][0]["placement_id"])


def _edit(book: Book, item: Json, **named: Any) -> Json:
    fields = {"attributes": book.values(**named)}
    return {"op": "update", "kind": "item", "id": item["id"], "fields": fields}


async def _head(book: Book) -> int:
    return int((await book.get("/refs/resolve"))["seq"])


async def test_each_kind_of_change_is_told_by_document_and_by_word(world: World) -> None:
    book = await Book.make(world)
    chapter, chapter_place = await _item(book, "chapter")
    gone, gone_place = await _item(book, "gone", parent_id=chapter_place)
    edited, _ = await _item(book, "the car brakes")
    moved, moved_place = await _item(book, "moved")
    out, out_place = await _item(book, "out")
    ends = {"source_id": edited["id"], "target_id": moved["id"]}
    await book.ask("POST", "/links", json=ends)
    await book.done(_edit(book, chapter, Text="<p>one <b>two</b></p>"))
    await book.ask("POST", "/baselines", json={"name": "Release 1"})
    high = book.choice("Status", _first_status(book))
    await book.done(
        {"op": "delete", "kind": "placement", "id": gone_place, "items": True},
        {"op": "delete", "kind": "placement", "id": out_place},
        _edit(book, edited, Title="the truck brakes", Status=[high]),
        _edit(book, chapter, Text="<p>one <i>two</i></p>"),
        book.move(moved_place, parent_id=chapter_place),
        _rename_document(book),
    )
    await book.item("added", parent_id=chapter_place)
    links = (await book.get(f"/items/{edited['key']}/links"))["outgoing"]
    await book.ask("DELETE", f"/links/{links[0]['id']}")
    report = await _report(book, "Release 1", "main")
    assert sorted(_words(report)) == sorted(
        [
            (("changed",), "chapter"),
            (("changed",), "the truck brakes"),
            (("moved",), "moved"),
            (("added",), "added"),
            (("removed",), "gone"),
            (("taken out",), "out"),
        ]
    )
    (section,) = report.sections
    assert (section.title, section.word) == ("Renamed", "changed")
    entries = {entry.title: entry for entry in (*section.entries, *section.gone)}
    assert entries["moved"].place == "from 3 in System to 1.1 in 1 chapter"
    assert entries["gone"].place == "was 1.1 in 1 chapter"
    fields = {item.name: item for item in entries["the truck brakes"].fields}
    assert fields["Title"].marks == [
        *(("=", "the "), ("-", "car"), ("+", "truck"), ("=", " brakes")),
    ]
    assert fields["Status"].marks == [("+", _first_status(book))]
    assert entries["chapter"].fields[0].note.startswith("Formatting")
    assert report.counts["item"] == {"changed": 2, "removed": 1, "added": 1}
    assert report.counts["placement"] == {"moved": 1, "removed": 2, "added": 1}
    assert [(entry.words, entry.title) for entry in report.links] == [
        (("removed",), f"{edited['key']} the truck brakes → {moved['key']} moved"),
    ]
    assert [name for name, _, _ in report.older.baselines] == ["Release 1"]
    assert report.newer.baselines == ()
    read = _check_safe(render(report, "2026-11-24T02:00:00+00:00"))
    assert "removed: car" in read.text and "added: truck" in read.text
    assert report.older.commit in read.text and gone["key"] in read.text and out["key"] in read.text


def _first_status(book: Book) -> str:
    kind = next(item for item in book.schema["datatypes"] if item["name"] == "Status")
    return str(kind["enum_values"][0]["name"])


def _rename_document(book: Book) -> Json:
    fields = {"title": "Renamed"}
    return {"op": "update", "kind": "document", "id": book.document, "fields": fields}


async def test_hostile_texts_are_only_texts(world: World) -> None:
    """In titles, texts, names of attributes, types, values, documents, baselines: nothing of it is markup."""
    book = await Book.make(world)
    before = await _head(book)
    level = {"base": "enumeration", "name": HOSTILE, "enum_values": [{"name": HOSTILE}]}
    made = await book.done({"op": "create", "kind": "datatype", "fields": level})
    attribute = {
        **{"type_id": book.type_id("Requirement"), "datatype_id": made["changes"][0]["id"]},
        **{"name": HOSTILE, "rank": "V"},
    }
    made = await book.done({"op": "create", "kind": "attribute", "fields": attribute})
    attribute_id = made["changes"][0]["id"]
    kind = {"category": "link", "name": HOSTILE, "rank": "V"}
    link_type = (await book.done({"op": "create", "kind": "type", "fields": kind}))["changes"][0]
    book.schema = await book.get("/schema")
    item, _ = await _item(book, HOSTILE)
    other, place = await _item(book, HOSTILE)
    middle = await _head(book)
    ends = {"source_id": item["id"], "target_id": other["id"], "type_id": link_type["id"]}
    assert (await book.ask("POST", "/links", json=ends)).status_code == 201
    values = book.values(
        Title=f"new {HOSTILE}", Text=f"<p>{HOSTILE}</p><script>x</script><p>fine</p>"
    )
    values[attribute_id] = [book.choice(HOSTILE, HOSTILE)]
    await book.done(
        {"op": "update", "kind": "item", "id": item["id"], "fields": {"attributes": values}},
        {"op": "delete", "kind": "placement", "id": place, "items": True},
        {
            **{"op": "update", "kind": "document", "id": book.document},
            "fields": {"title": HOSTILE},
        },
    )
    assert (await book.ask("POST", "/baselines", json={"name": HOSTILE[:60]})).status_code == 201
    for a, b in ((before, "main"), (middle, "main"), ("main", before)):
        page = render(await _report(book, a, b), HOSTILE)
        read = _check_safe(page)
        assert "<script>alert(1)</script>" in read.text
        assert "<script" not in page and "<img" not in page


async def test_versions_that_are_alike_and_what_no_page_may_hold(world: World) -> None:
    book = await Book.make(world)
    report = await _report(book, "main", "main")
    assert "Nothing differs" in _check_safe(render(report, "now")).text
    page = render(report, "bad \x00\x0b\ud800\ufffe")
    assert "bad \ufffd\ufffd\ufffd\ufffd" in page
    assert page.encode("utf-8")


def test_html_is_read_as_words() -> None:
    assert text_of_html("<p>a &lt;b&gt;</p><ul><li>c</li><li>d<br>e</li></ul>") == "a <b>\nc\nd\ne"
    assert text_of_html('<p>x <img src="y" alt="Sketch"> z</p>') == "x [picture Sketch] z"
    assert text_of_html("<table><tr><td>1</td><td>2</td></tr></table>") == "| 1 | 2"
    assert text_of_html("") == ""
