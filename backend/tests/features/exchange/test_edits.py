"""An export says what the model says: edits of the product, and nothing else, differ from what was imported."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import func, select

from reqtrail.features.exchange.reqif.canonical import canonical
from reqtrail.features.exchange.tables import exchange_uploads
from tests.features.exchange.sample import REQIF, sample
from tests.features.exchange.schema import problems
from tests.features.exchange.trade import Trade
from tests.features.requirements.book import Book
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

SCHEMA = Path(__file__).resolve().parents[5] / "shared" / "data" / "schema"
needs_schema = pytest.mark.skipif(not SCHEMA.is_dir(), reason="the shared schema is not there")


def changed_lines(before: bytes, after: bytes) -> list[str]:
    """Return the lines that differ, one element a line, without LAST-CHANGE."""

    def lines(data: bytes) -> list[str]:
        text = canonical(data).decode().replace("><", ">\n<")
        return re.sub(r' LAST-CHANGE="[^"]*"', "", text).splitlines()

    return [
        line
        for line in difflib.unified_diff(lines(before), lines(after), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]


def changed_ids(before: bytes, after: bytes) -> set[str]:
    """Return the identifiers of the elements whose LAST-CHANGE differs."""

    def moments(data: bytes) -> dict[str, str | None]:
        return {
            str(node.get("IDENTIFIER")): node.get("LAST-CHANGE")
            for node in etree.fromstring(data).iter(f"{{{REQIF}}}*")
            if node.get("IDENTIFIER") and local(node) != "REQ-IF-HEADER"
        }

    old, new = moments(before), moments(after)
    assert set(old) == set(new)
    return {name for name in old if old[name] != new[name]}


def local(node: Any) -> str:
    """Return the local name of an element."""
    return str(etree.QName(node).localname)


async def items_by_text(trade: Trade) -> dict[str, dict[str, Any]]:
    """Return the items of the first document by the letter of their text."""
    documents = (await trade.get("/documents"))["documents"]
    rows = (await trade.get(f"/documents/{documents[0]['id']}/rows"))["rows"]
    return {re.sub(r"<.*?>|Text of|\W", "", row["item"]["text"])[:1]: row for row in rows}


async def _names(trade: Trade) -> tuple[dict[str, str], str]:
    """Return the imported attributes by name, and the value “Done” of the imported status."""
    schema = await trade.get("/schema")
    status = next(
        item
        for item in schema["datatypes"]
        if item["name"] == "Status" and len(item["enum_values"]) == 2
    )
    done = next(value["id"] for value in status["enum_values"] if value["name"] == "Done")
    imported = next(
        kind
        for kind in schema["types"]
        if any(item["name"] == "ReqIF.Text" for item in kind["attributes"])
    )
    attributes = {item["name"]: item["id"] for item in imported["attributes"]}
    return attributes, done


async def test_an_export_differs_exactly_where_the_model_was_edited(world: World) -> None:
    """The uploaded file is gone; a text, an enumeration and a position are edited; nothing else differs."""
    trade = await Trade.make(world)
    source = sample()
    assert (await trade.bring(source))["state"] == "done"
    untouched = await trade.fetch()
    assert canonical(untouched) == canonical(source)
    async with world.owner.read_session() as session:
        project = (await trade.client.get(f"/projects/{trade.key}")).json()["id"]
        uploads = select(func.count()).where(exchange_uploads.c.project_id == project)
        assert await session.scalar(uploads) == 0
    rows = await items_by_text(trade)
    attributes, done = await _names(trade)
    await trade.write(
        {
            "op": "update",
            "kind": "item",
            "id": rows["a"]["item"]["id"],
            "fields": {"attributes": {attributes["ReqIF.Text"]: "<p>A new text.</p>"}},
        },
        {
            "op": "update",
            "kind": "item",
            "id": rows["b"]["item"]["id"],
            "fields": {"attributes": {attributes["Status"]: [done]}},
        },
        {
            "op": "move",
            "kind": "placement",
            "id": rows["d"]["placement_id"],
            "position": {
                "document_id": (await trade.get("/documents"))["documents"][0]["id"],
                "first": True,
            },
        },
    )
    edited = await trade.fetch()
    lines = changed_lines(source, edited)
    removed = [line for line in lines if line.startswith("-")]
    added = [line for line in lines if line.startswith("+")]
    assert any("A new text." in line for line in added)
    assert any("Text of" in line for line in removed)
    assert "-<ENUM-VALUE-REF>v-draft</ENUM-VALUE-REF>" in removed
    assert "+<ENUM-VALUE-REF>v-done</ENUM-VALUE-REF>" in added
    moved = '<SPEC-HIERARCHY IDENTIFIER="h-d">'
    assert f"-{moved}" in removed
    assert f"+{moved}" in added
    assert len(lines) < 30, lines
    assert changed_ids(source, edited) == {"o-a", "o-b", "h-d"}
    assert canonical(await trade.fetch(at=str(await trade.head() - 1))) == canonical(untouched)


@needs_schema
async def test_a_project_made_in_the_product_travels(world: World) -> None:
    """What was never imported exports valid, imports elsewhere, and exports equal from there."""
    book = await Book.make(world)
    first = await _make_items(book)
    here = Trade(world, book.client, book.key)
    made = await here.fetch()
    assert problems(made, SCHEMA) == []
    elsewhere = await Trade.make(world)
    job = await elsewhere.bring(made)
    assert (job["state"], job["losses"]) == ("done", [])
    assert (job["counts"]["items"], job["counts"]["links"]) == (3, 1)

    assert canonical(await elsewhere.fetch()) == canonical(made)
    rows = await elsewhere.outline("System")
    assert len(rows) == 3
    assert first["text"] in str(await elsewhere.get("/items", q="brake"))


async def test_a_project_reads_its_own_export_as_no_change(world: World) -> None:
    """Importing what was exported changes nothing, whoever made it; edited elsewhere, it updates the very items."""
    book = await Book.make(world)
    await _make_items(book)
    trade = Trade(world, book.client, book.key)
    made = await trade.fetch()
    head = await trade.head()
    job = await trade.bring(made)
    assert job["state"] == "done", job["error"]
    assert (job["counts"]["created"], job["counts"]["updated"]) == (0, 0), job["counts"]
    assert await trade.head() == head
    job = await trade.bring(made.replace(b"Brake", b"Braking"))
    assert (job["counts"]["created"], job["counts"]["updated"]) == (0, 1)
    assert "Braking" in str(await trade.get("/items", q="braking"))
    assert len((await trade.get("/documents"))["documents"]) == 1


async def _make_items(book: Book) -> dict[str, str]:
    kind = book.type_id("Requirement")
    made = []
    for title, text in (
        ("Brake", "<p>The <b>brake</b> shall hold.</p><ul><li>always</li></ul>"),
        ("Release", "<p>It shall release.</p>"),
        ("Test", "<p>Try it &amp; see <i>whether</i> it holds.</p>"),
    ):
        answer = await book.ask(
            "POST",
            "/items",
            json={
                "type_id": kind,
                "attributes": book.values(
                    Title=title, Text=text, Status=[book.choice("Status", "Approved")]
                ),
                "position": {"document_id": book.document},
            },
        )
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["item"])
    link = next(kind for kind in book.schema["types"] if kind["name"] == "satisfies")
    answer = await book.ask(
        "POST",
        "/links",
        json={"source_id": made[1]["id"], "target_id": made[0]["id"], "type_id": link["id"]},
    )
    assert answer.status_code == 201, answer.text
    return {"text": "Brake"}
