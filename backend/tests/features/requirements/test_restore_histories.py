"""Random histories of documents on two branches: after a restore the part reads as then, and nothing else is gone."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.features.requirements.book import Book, Json
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

STEPS = 30
RESTORES = 6


class _History:
    """A project whose documents are changed at random, and what its documents hold at a version."""

    def __init__(self, book: Book, random: Random) -> None:
        self.book, self.random = book, random
        self.documents = [book.document]
        self.branches = ["main"]
        self.refs: list[str] = []

    async def step(self) -> None:
        """Make one change that is accepted or, where the tree forbids it, refused."""
        branch = self.random.choice(self.branches)
        tree = await self.tree(branch)
        kinds = ["add", "add", "edit", "move", "move", "delete", "delete_document", "branch"]
        kind = self.random.choice(kinds)
        if kind == "branch" and len(self.branches) < 3:
            await self._send("/branches", {"name": f"side{len(self.branches)}", "ref": branch})
            self.branches.append(f"side{len(self.branches)}")
        elif kind in {"add", "branch"} or not tree:
            await self._add(branch, tree)
        elif kind == "delete_document":
            document = self.random.choice(self.documents)
            await self._commit(branch, {"op": "delete", "kind": "document", "id": document})
            made = await self._send("/documents", {"title": "Another"}, branch=branch)
            self.documents.append(made["id"])
        else:
            await self._change(kind, branch, tree)
        at = await self.book.get("/refs/resolve", ref=branch)
        self.refs.append(f"{branch}@{at['seq']}")

    async def _add(self, branch: str, tree: dict[str, Json]) -> None:
        parent = self.random.choice([None, *sorted(tree)])
        document = tree[parent]["document"] if parent else self.random.choice(self.documents)
        body = {
            "type_id": self.book.type_id("Requirement"),
            "attributes": self.book.values(Title=f"t{self.random.random():.6f}"),
            "position": {"document_id": document, "parent_id": parent},
        }
        answer = await self.book.ask("POST", "/items", params={"branch": branch}, json=body)
        assert answer.status_code in {201, 404, 409}, answer.text

    async def _change(self, kind: str, branch: str, tree: dict[str, Json]) -> None:
        place = self.random.choice(sorted(tree))
        if kind == "edit":
            fields = {"attributes": self.book.values(Title=f"t{self.random.random():.6f}")}
            operation = {
                "op": "update",
                "kind": "item",
                "id": tree[place]["item"],
                "fields": fields,
            }
        elif kind == "move":
            parent = self.random.choice([None, *sorted(tree)])
            document = tree[parent]["document"] if parent else tree[place]["document"]
            position = {"document_id": document, "parent_id": parent}
            position["first"] = self.random.random() < 0.5
            operation = {"op": "move", "kind": "placement", "id": place, "position": position}
        else:
            operation = {"op": "delete", "kind": "placement", "id": place}
            operation["items"] = self.random.random() < 0.7
        await self._commit(branch, operation)

    async def _commit(self, branch: str, operation: dict[str, Any]) -> None:
        answer = await self.book.ask(
            "POST", "/commits", params={"branch": branch}, json={"operations": [operation]}
        )
        assert answer.status_code in {201, 404, 409}, answer.text

    async def _send(self, path: str, body: Json, **params: str) -> Json:
        answer = await self.book.ask("POST", path, params=params, json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def tree(self, at: str) -> dict[str, Json]:
        """Return what stands in all documents at a version, by placement, in reading order."""
        found: dict[str, Json] = {}
        for document in (await self.book.get("/documents", at=at))["documents"]:
            answer = await self.book.get(f"/documents/{document['id']}/rows", at=at, limit=5000)
            for row in answer["rows"]:
                found[row["placement_id"]] = {
                    "document": document["id"],
                    "parent": row["parent_id"],
                    "item": row["item"]["id"],
                    "content": (row["item"]["type_id"], row["item"]["attributes"]),
                }
        return found

    async def restore(self) -> int:
        """Restore something at random, and compare; return how many placements it had."""
        at, branch = self.random.choice(self.refs), self.random.choice(self.branches)
        then, before = await self.tree(at), await self.tree(branch)
        if not then:
            return 0
        root = self.random.choice(sorted(then))
        whole = self.random.random() < 0.3
        document = then[root]["document"]
        scope = {"document_id": document} if whole else {"placement_id": root}
        answer = await self.book.ask(
            "POST", "/restore", params={"branch": branch}, json={"at": at, **scope}
        )
        after = await self.tree(branch)
        members = [
            name
            for name, entry in then.items()
            if (entry["document"] == document if whole else root in _path(name, then))
        ]
        if answer.status_code != 201:
            assert answer.json()["code"] == "nothing_to_restore", answer.text
            assert after == before
        for name in members:
            told = {**then[name], "parent": None} if name == root else then[name]
            read = {**after[name], "parent": None} if name == root else after[name]
            assert read == told, (name, at, branch)
        assert [name for name in after if name in members] == members, "the order of siblings"
        assert before.keys() <= after.keys(), "something that came later is gone"
        for name in before.keys() - set(members):
            assert after[name]["item"] == before[name]["item"]
            assert after[name]["parent"] == before[name]["parent"]
        again = await self.book.ask(
            "POST", "/restore", params={"branch": branch}, json={"at": at, **scope}
        )
        assert again.json()["code"] == "nothing_to_restore", again.text
        return len(members)


def _path(name: str | None, tree: dict[str, Json]) -> list[str]:
    path = []
    while name is not None:
        path.append(name)
        name = tree[name]["parent"]
    return path


@pytest.mark.parametrize("seed", range(5))
async def test_after_a_restore_the_part_reads_as_then(world: World, seed: int) -> None:
    history = _History(await Book.make(world), Random(seed))
    restored = 0
    for _ in range(RESTORES):
        for _ in range(STEPS // RESTORES):
            await history.step()
        restored += await history.restore()
    report = (await history.book.ask("POST", "/verify")).json()
    assert report["problems"] == []
    assert restored > 0
