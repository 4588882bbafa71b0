"""Histories told independently of the product: what replay lines and StrictDoc files say, and what the API shows."""

from __future__ import annotations

import gzip
import html.parser
import json
import tarfile
from pathlib import Path
from typing import Any

from sqlalchemy import select

from reqtrail.features.versioning.public import get_kind, resolve_ref, visible
from tests.features.exchange.trade import Json, Trade

SHARED = Path(__file__).resolve().parents[5] / "shared"
ZEPHYR = SHARED / "data" / "history" / "zephyr_main.jsonl.gz"
ZEPHYR_HEAD = SHARED / "data" / "strictdoc" / "zephyr_reqmgmt_HEAD.tar.gz"

Told = dict[str, tuple[str, dict[str, str], frozenset[tuple[str, str]]]]
"""By UID: the document, the fields, the relations as (type, UID)."""


def zephyr_lines() -> list[Json]:
    """Return the commits of the real history."""
    with gzip.open(ZEPHYR) as stream:
        return [json.loads(text) for text in stream]


def packed(lines: list[Json]) -> bytes:
    """Return a file of replay lines."""
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def line(number: int, *changes: Json, **other: Any) -> Json:
    """Return the commit ``c<number>`` upon the one before, an hour later."""
    return {
        "commit": f"c{number}",
        "parents": [f"c{number - 1}"] if number > 1 else [],
        "time": 1_600_000_000 + 3600 * number,
        "author": "ann",
        "subject": f"step {number}",
        "changes": list(changes),
        **other,
    }


def change(op: str, uid: str, *parents: str, doc: str = "a.sdoc", **fields: str) -> Json:
    """Return a change of an item with relations to *parents*."""
    if op == "delete":
        return {"op": op, "uid": uid}
    return {
        "op": op,
        "uid": uid,
        "node": "REQUIREMENT",
        "doc": doc,
        "fields": {"UID": uid, **fields},
        "relations": [{"type": "Parent", "value": parent} for parent in parents],
    }


STORY = [
    line(
        1, change("add", "R-1", STATEMENT="one"), change("add", "R-2", "R-1", STATEMENT="two\n\nx")
    ),
    line(2),
    line(3, change("modify", "R-2", "R-1", "R-9", STATEMENT="2 < 3 & 4\nnext", PRIORITY="high")),
    line(4, change("move", "R-1", doc="b.sdoc", STATEMENT="one"), author="bob"),
    line(
        5, change("add", "R-9", STATEMENT="nine"), change("modify", "R-2", "R-9", STATEMENT="two")
    ),
    line(6, change("delete", "R-1"), change("add", "N-1", doc="b.sdoc", STATEMENT="one")),
    line(7, change("delete", "R-9")),
    line(8, change("add", "R-9", STATEMENT="nine again"), author="bob"),
]
"""Moves, a new UID, a deletion and a return, a commit without changes, a relation to what is not there."""


def replayed(lines: list[Json]) -> Told:
    """Return the state after *lines*."""
    told: Told = {}
    for entry in lines:
        for item in entry["changes"]:
            if item["op"] == "delete":
                del told[item["uid"]]
            else:
                relations = {(one["type"], one["value"]) for one in item["relations"]}
                told[item["uid"]] = (item["doc"], item["fields"], frozenset(relations))
    return told


def strictdoc_head() -> Told:
    """Return what the StrictDoc files of the real project's head say."""
    told: Told = {}
    with tarfile.open(ZEPHYR_HEAD) as archive:
        for member in archive.getmembers():
            if member.name.endswith(".sdoc"):
                stream = archive.extractfile(member)
                assert stream is not None
                text = stream.read().decode()
                for fields, relations in _nodes(text, "REQUIREMENT"):
                    uid = fields["UID"].strip()
                    assert uid not in told
                    told[uid] = (member.name.removeprefix("./"), fields, frozenset(relations))
    return told


def _nodes(text: str, wanted: str) -> list[tuple[dict[str, str], set[tuple[str, str]]]]:
    found: list[tuple[dict[str, str], set[tuple[str, str]]]] = []
    lines = iter(text.split("\n"))
    fields: dict[str, str] = {}
    relations: set[tuple[str, str]] = set()
    kind = ""
    for row in lines:
        if row.startswith("["):
            fields, relations = {}, set()
            if row == f"[{wanted}]":
                found.append((fields, relations))
        elif row.startswith("- TYPE: "):
            kind = row.removeprefix("- TYPE: ")
        elif row.startswith("  VALUE: "):
            relations.add((kind, row.removeprefix("  VALUE: ").strip()))
        elif ": " in row and row.split(":")[0].replace("_", "").isupper():
            name, _, value = row.partition(": ")
            if value.strip() == ">>>":
                block = []
                while (one := next(lines)) != "<<<":
                    block.append(one)
                value = "\n".join(block)
            fields[name] = value
    return found


class _Plain(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.paragraphs: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Begin a paragraph or a line."""
        if tag == "p":
            self.paragraphs.append("")
        elif tag == "br":
            self.paragraphs[-1] += "\n"

    def handle_data(self, data: str) -> None:
        """Take text."""
        if self.paragraphs:
            self.paragraphs[-1] += data


def plain(markup: str) -> str:
    """Return the plain text that was made *markup*."""
    reader = _Plain()
    reader.feed(markup)
    return "\n\n".join(reader.paragraphs)


class History(Trade):
    """A project that histories come into."""

    async def tell(
        self, data: bytes, name: str = "history.jsonl", mode: str = "commit", **form: Any
    ) -> Json:
        """Import a history, and return the job at its end."""
        job = await self.ask(data, name, mode, **form)
        return await self.finish(job["id"])

    async def ask(
        self, data: bytes, name: str = "history.jsonl", mode: str = "commit", **form: Any
    ) -> Json:
        """Ask for the import of a history."""
        answer = await self.client.post(
            f"/projects/{self.key}/history-imports",
            files={"file": (name, data)},
            data={"mode": mode, **form},
        )
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def shown(self, at: str | None = None) -> Told:
        """Return what the project shows at a version, by UID."""
        params = {} if at is None else {"at": at}
        schema = await self.get("/schema", **params)
        names = {one["id"]: one["name"] for kind in schema["types"] for one in kind["attributes"]}
        found: dict[str, tuple[str, dict[str, str]]] = {}
        uids: dict[str, str] = {}
        for document in (await self.get("/documents", **params))["documents"]:
            path = f"/documents/{document['id']}/rows"
            for row in (await self.get(path, limit=5000, **params))["rows"]:
                values = {names[key]: value for key, value in row["item"]["attributes"].items()}
                if "STATEMENT" in values:
                    values["STATEMENT"] = plain(values["STATEMENT"])
                uid = uids[row["item"]["id"]] = values["UID"].strip()
                assert uid not in found, "an item stands in one place"
                found[uid] = (document["title"], values)
        relations: dict[str, set[tuple[str, str]]] = {uid: set() for uid in found}
        for kind, source, target in await self._links(at):
            relations[uids[source]].add((kind, uids[target]))
        return {uid: (*found[uid], frozenset(relations[uid])) for uid in found}

    async def _links(self, at: str | None) -> list[tuple[str, str, str]]:
        project = (await self.get(""))["id"]
        async with self.world.owner.read_session() as session:
            snapshot = await resolve_ref(session, project, at)
            links = visible(get_kind("link").table, snapshot)
            types = visible(get_kind("type").table, snapshot)
            rows = await session.execute(
                select(types.c.name, links.c.source_id, links.c.target_id).join_from(
                    links, types, types.c.entity_id == links.c.type_id
                )
            )
            return [(row[0], str(row[1]), str(row[2])) for row in rows]

    async def log(self) -> list[Json]:
        """Return all commits but the first, the oldest first."""
        commits = (await self.get("/commits", limit=500))["commits"]
        return list(reversed(commits))[1:]

    async def verified(self) -> bool:
        """Return whether verification finds nothing."""
        answer = await self.client.post(f"/projects/{self.key}/verify")
        return bool(answer.json()["ok"])
