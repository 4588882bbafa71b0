"""Awkward strings verbatim from the store by search and export into another project, and active files with them."""

from __future__ import annotations

import hashlib
import io
import json
import random
import re
import zipfile
from pathlib import Path
from typing import Any, Final

import pytest

from tests.features.exchange.trade import Trade
from tests.features.requirements.book import Book
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

SEED: Final = 1
SAMPLE: Final = 60
SEARCHED: Final = 12
NO_XML: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
"""What XML 1.0 cannot hold, and what therefore no title can."""


def _texts(shared: Path) -> list[str]:
    names = ("naughty_strings.json", "xss_patt_RSNAKE_XSS.json", "csv_formula.json")
    found = [text for name in names for text in json.loads((shared / "corpora" / name).read_text())]
    return [text for text in dict.fromkeys(found) if text and not NO_XML.search(text)]


async def _placed(book: Book, texts: list[str]) -> None:
    """Make an item for each of *texts*, with it as title and as its reason, in one commit."""
    operations: list[dict[str, Any]] = []
    for number, text in enumerate(texts):
        item = f"00000000-0000-4000-8000-{number:012d}"
        fields = {
            "type_id": book.type_id("Requirement"),
            "attributes": book.values(Title=text),
        }
        operations.append({"op": "create", "kind": "item", "id": item, "fields": fields})
        position = {"document_id": book.document, "parent_id": None}
        placed = {"op": "create", "kind": "placement", "fields": {"item_id": item}}
        operations.append({**placed, "position": position})
    await book.done(*operations)


async def _titles(book: Book) -> list[str]:
    """Return the titles in the order of the document, whole: an outline may shorten them."""
    rows = (await book.get(f"/documents/{book.document}/rows", limit=5000))["rows"]
    title = book.attribute("Title")
    return [row["item"]["attributes"].get(title, "") for row in rows]


async def _search(book: Book, texts: list[str]) -> list[tuple[str, str]]:
    """Return the texts that a search for them does not find, with where it looked."""
    lost = []
    title = book.attribute("Title")
    for text in texts:
        if not text.strip() or len(text) > 200:
            continue
        found = await book.get("/items", q=text, limit=1000)
        if text not in [item["attributes"].get(title) for item in found["items"]]:
            lost.append(("items", text))
        rows = await book.get("/find", document=book.document, q=text)
        if not rows["matches"]:
            lost.append(("find", text))
    return lost


async def _round_trip(world: World, texts: list[str]) -> list[str]:
    """Store *texts*, export them, import them elsewhere, export them again; return what both projects hold."""
    book = await Book.make(world)
    await _placed(book, texts)
    kept = await _titles(book)
    first = Trade(world, book.client, book.key)
    exported = await first.fetch()
    second = await Trade.make(world)
    job = await second.bring(exported)
    assert job["state"] == "done", job["error"]
    schema = await second.get("/schema")
    documents = (await second.get("/documents"))["documents"]
    copy = Book(second.client, second.key, documents[0]["id"], schema)
    assert await _titles(copy) == kept
    third = await Trade.make(world)
    assert (await third.bring(await second.fetch()))["state"] == "done"
    schema = await third.get("/schema")
    documents = (await third.get("/documents"))["documents"]
    assert await _titles(Book(third.client, third.key, documents[0]["id"], schema)) == kept
    return kept


async def test_a_sample_comes_back_verbatim(world: World, shared_folder: Path) -> None:
    texts = random.Random(SEED).sample(_texts(shared_folder), SAMPLE)
    assert await _round_trip(world, texts) == texts
    book = await Book.make(world)
    await _placed(book, texts)
    assert await _search(book, texts[:SEARCHED]) == []


@pytest.mark.long
async def test_all_come_back_verbatim(world: World, shared_folder: Path) -> None:
    texts = _texts(shared_folder)
    assert await _round_trip(world, texts) == texts
    book = await Book.make(world)
    await _placed(book, texts)
    assert await _search(book, texts) == []


async def test_active_files_of_an_archive_are_downloads(world: World, shared_folder: Path) -> None:
    """A file that came in an archive is served as one that somebody uploaded: bytes, never a page."""
    corpora = shared_folder / "corpora"
    files = {
        f"files/{name}": text.encode()
        for name, text in json.loads((corpora / "upload_svg_xhtml_files.json").read_text()).items()
    }
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a.reqif", (corpora / "import" / "control_ok.reqif").read_bytes())
        for name, data in files.items():
            target.writestr(name, data)
    trade = await Trade.make(world)
    job = await trade.bring(archive.getvalue(), "active.reqifz")
    assert job["state"] == "done", job["error"]
    for name, data in files.items():
        digest = hashlib.sha256(data).hexdigest()
        path = f"/projects/{trade.key}/files/{digest}/{name.rpartition('/')[2]}"
        answer = await trade.client.get(path)
        assert answer.status_code == 200 and answer.content == data, name
        assert answer.headers["content-type"] == "application/octet-stream", name
        assert answer.headers["content-disposition"].startswith("attachment"), name
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]
