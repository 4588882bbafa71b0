"""Hostile and awkward texts as the names of everything that has one, and through exports: kept verbatim or refused.

`make test` takes a seeded sample of the corpora, `make test-long` all of them, through every door.
"""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from tests.features.requirements.book import Book
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

SEED: Final = 1
SAMPLE: Final = 15
CORPORA: Final = (
    *("naughty_strings.json", "sqli.json", "path_traversal.json", "upload_names.json"),
    *("xss_payloadbox.json", "xss_patt_JHADDIX_XSS.json", "xss_patt_RSNAKE_XSS.json"),
    "csv_formula.json",
)


def texts_of(shared: Path, *names: str) -> list[str]:
    """Return the texts of some corpora, each once."""
    found = [text for name in names for text in json.loads((shared / "corpora" / name).read_text())]
    return list(dict.fromkeys(found))


def sample(texts: list[str], size: int) -> list[str]:
    """Return some of *texts*, always the same."""
    return random.Random(SEED).sample(texts, size)


class Doors:
    """Everything that has a name or another line of text: each writes it, and reads it again where it is listed."""

    def __init__(self, book: Book, admin: Any) -> None:
        self.book, self.admin = book, admin

    async def project(self, text: str) -> tuple[int, Any]:
        """Name a project."""
        answer = await self.book.ask("PATCH", "", json={"name": text})
        return answer.status_code, (await self.book.get(""))["name"]

    async def description(self, text: str) -> tuple[int, Any]:
        """Describe a project."""
        answer = await self.book.ask("PATCH", "", json={"description": text})
        return answer.status_code, (await self.book.get(""))["description"]

    async def document(self, text: str) -> tuple[int, Any]:
        """Name a document."""
        path = f"/documents/{self.book.document}"
        answer = await self.book.ask("PATCH", path, json={"title": text})
        documents = (await self.book.get("/documents"))["documents"]
        return answer.status_code, documents[0]["title"]

    async def branch(self, text: str) -> tuple[int, Any]:
        """Name a branch, and close it, as a project has room for so many."""
        answer = await self.book.ask("POST", "/branches", json={"name": text})
        if answer.status_code != 201:
            return answer.status_code, None
        branches = (await self.book.get("/branches"))["branches"]
        names = {branch["id"]: branch["name"] for branch in branches}
        at = await self.book.ask("GET", "/schema", params={"at": text})
        assert at.status_code == 200, (text, at.text)
        path = f"/branches/{answer.json()['id']}/close"
        await self.book.ask("POST", path, params={"discard": "true"})
        return 201, names[answer.json()["id"]]

    async def baseline(self, text: str) -> tuple[int, Any]:
        """Name and describe a baseline."""
        body = {"name": text, "description": text}
        answer = await self.book.ask("POST", "/baselines", json=body)
        if answer.status_code != 201:
            return answer.status_code, None
        listed = (await self.book.get("/baselines"))["baselines"]
        made = next(entry for entry in listed if entry["id"] == answer.json()["id"])
        assert made["description"] == text
        at = await self.book.ask("GET", "/schema", params={"at": text})
        assert at.status_code == 200, (text, at.text)
        return 201, made["name"]

    async def message(self, text: str) -> tuple[int, Any]:
        """Say why something changed."""
        fields = {"type_id": self.book.type_id("Requirement")}
        create = {"op": "create", "kind": "item", "id": str(uuid4()), "fields": fields}
        body = {"base": None, "message": text, "operations": [create]}
        answer = await self.book.ask("POST", "/commits", json=body)
        return (
            answer.status_code,
            (await self.book.get("/commits", limit=1))["commits"][0]["message"],
        )

    async def type_name(self, text: str) -> tuple[int, Any]:
        """Name a type."""
        kind = self.book.type_id("Requirement")
        operation = {"op": "update", "kind": "type", "id": kind, "fields": {"name": text}}
        answer = await self.book.commit(operation)
        types = (await self.book.get("/schema"))["types"]
        return answer.status_code, next(entry["name"] for entry in types if entry["id"] == kind)

    async def account(self, text: str) -> tuple[int, Any]:
        """Name oneself."""
        answer = await self.book.client.patch("/me", json={"display_name": text})
        members = (await self.book.client.get(f"/projects/{self.book.key}/members")).json()
        (name,) = (entry["display_name"] for entry in members)
        return answer.status_code, name

    async def token(self, text: str) -> tuple[int, Any]:
        """Name a token."""
        answer = await self.book.client.post("/me/tokens", json={"name": text})
        if answer.status_code != 201:
            return answer.status_code, None
        tokens = (await self.book.client.get("/me/tokens")).json()
        made = answer.json()["id"]
        name = next(entry["name"] for entry in tokens if entry["id"] == made)
        await self.book.client.delete(f"/me/tokens/{made}")
        return 201, name

    async def group(self, text: str) -> tuple[int, Any]:
        """Name a group."""
        answer = await self.admin.post("/groups", json={"name": text, "description": text})
        if answer.status_code != 201:
            return answer.status_code, None
        made = answer.json()["id"]
        listed = (await self.admin.get("/groups")).json()
        name = next(entry["name"] for entry in listed if entry["id"] == made)
        await self.admin.delete(f"/groups/{made}")
        return 201, name


DOORS: Final = (
    *(Doors.project, Doors.description, Doors.document, Doors.branch, Doors.baseline),
    *(Doors.message, Doors.type_name, Doors.account, Doors.token, Doors.group),
)


async def _wrong(world: World, texts: Iterable[str]) -> list[tuple[str, str, int, Any]]:
    """Put every text through every door: what is taken stands there as it was written, but for blanks around it."""
    doors = Doors(await Book.make(world), await world.administrator())
    wrong = []
    for text in texts:
        if not _is_text(text):
            continue  # refused before any door: `test_hostile_input`
        for door in DOORS:
            status, kept = await door(doors, text)
            if status in {200, 201}:
                if kept not in {text, text.strip()}:
                    wrong.append((door.__name__, text, status, kept))
            elif status not in {409, 422}:
                wrong.append((door.__name__, text, status, kept))
    return wrong


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


async def test_a_sample_as_names(unlimited: World, shared_folder: Path) -> None:
    assert await _wrong(unlimited, sample(texts_of(shared_folder, *CORPORA), SAMPLE)) == []


@pytest.mark.long
async def test_all_as_names(unlimited: World, shared_folder: Path) -> None:
    texts = texts_of(shared_folder, *CORPORA)
    for start in range(0, len(texts), 200):  # a project has room for so many branches and baselines
        assert await _wrong(unlimited, texts[start : start + 200]) == []


FORMULA: Final = re.compile(r"\s*[=+\-@＝＋－＠]|[\t\r\n]")
"""What a spreadsheet may run, in any of the languages that it speaks."""


async def test_no_cell_of_an_export_is_a_formula(unlimited: World, shared_folder: Path) -> None:
    """Every text of the corpus in every cell that people write: none is a formula, and all can be read as written."""
    administrator = await unlimited.administrator()
    for text in texts_of(shared_folder, "csv_formula.json"):
        person = await unlimited.user(name=text)
        if text.isascii() and text.isprintable():
            person.headers["User-Agent"] = text
        key = await unlimited.project(person, name="x")
        await person.patch(f"/projects/{key}", json={"name": f"{text} x", "description": text})
        await person.post(f"/projects/{key}/baselines", json={"name": text, "description": text})
        path = f"/projects/{key}/audit/export"
        await _compare(
            (await person.get(path, params={"format": "csv"})).text,
            (await person.get(path, params={"format": "jsonl"})).text,
        )
    rows = (await administrator.get("/audit/export", params={"format": "csv"})).text
    lines = (await administrator.get("/audit/export", params={"format": "jsonl"})).text
    await _compare(rows, lines)


async def _compare(table: str, lines: str) -> None:
    cells = list(csv.DictReader(io.StringIO(table, newline="")))
    values = [json.loads(line) for line in lines.splitlines()]
    assert len(cells) >= 3 and len(values) >= len(cells)
    for row, value in zip(cells, values, strict=False):
        for name, cell in row.items():
            assert not FORMULA.match(cell), (name, cell)
            shown = value[name]
            if isinstance(shown, str):
                plain = cell[1:] if re.match(r"'+\s*[=+\-@＝＋－＠]|'[\t\r\n]", cell) else cell
                assert plain == shown, name
