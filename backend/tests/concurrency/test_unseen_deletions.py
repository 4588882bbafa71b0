"""A deletion takes nothing with it that its author has not seen."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


class _Section:
    """A document with one section, and what two people do to it."""

    def __init__(self, client: httpx.AsyncClient, key: str) -> None:
        self._client = client
        self._path = f"/projects/{key}/commits"
        self.document, self.item, self.row = (str(uuid4()) for _ in range(3))

    async def commit(self, *operations: dict[str, Any], base: int | None = None) -> httpx.Response:
        """Send operations."""
        return await self._client.post(
            self._path, json={"base": base, "message": "", "operations": list(operations)}
        )

    async def make(self) -> int:
        """Make the document and the section; return the sequence."""
        document = {
            "op": "create",
            "kind": "document",
            "id": self.document,
            "fields": {"title": "D"},
        }
        answer = await self.commit(document, *self.placed(self.item, self.row))
        assert answer.status_code == 201, answer.text
        seq: int = answer.json()["ref"]["seq"]
        return seq

    def placed(self, item: str, row: str, parent: str | None = None) -> list[dict[str, Any]]:
        """Return the operations that make an item and place it."""
        place = {"document_id": self.document, "parent_id": parent}
        return [
            {"op": "create", "kind": "item", "id": item},
            {
                "op": "create",
                "kind": "placement",
                "id": row,
                "fields": {"item_id": item},
                "position": place,
            },
        ]


@pytest.fixture
async def section(world: World) -> _Section:
    client = await world.user()
    return _Section(client, await world.project(client))


@pytest.mark.parametrize("where", ["write", "operation"])
@pytest.mark.parametrize("what", ["row", "row and items", "document"])
async def test_what_was_added_meanwhile_is_not_deleted_unseen(
    section: _Section, what: str, where: str
) -> None:
    seen = await section.make()
    added = await section.commit(*section.placed(str(uuid4()), str(uuid4()), section.row))
    assert added.status_code == 201
    delete: dict[str, Any] = {"op": "delete", "kind": "document", "id": section.document}
    if what != "document":
        items = what == "row and items"
        delete = {"op": "delete", "kind": "placement", "id": section.row, "items": items}
    newest = added.json()["ref"]["seq"]
    for base, status in ((seen, 409), (newest, 201)):
        if where == "write":
            answer = await section.commit(delete, base=base)
        else:
            answer = await section.commit({**delete, "base": base})
        assert answer.status_code == status, answer.text
        if status == 409:
            assert answer.json()["code"] == "edit_conflict"


@pytest.mark.parametrize("where", ["write", "operation"])
async def test_an_item_that_was_moved_meanwhile_is_not_deleted_unseen(
    section: _Section, where: str
) -> None:
    seen = await section.make()
    other = str(uuid4())
    await section.commit(*section.placed(str(uuid4()), other))
    place = {"document_id": section.document, "parent_id": other}
    move = {"op": "move", "kind": "placement", "id": section.row, "position": place}
    assert (await section.commit(move)).status_code == 201
    delete = {"op": "delete", "kind": "item", "id": section.item}
    if where == "write":
        answer = await section.commit(delete, base=seen)
    else:
        answer = await section.commit({**delete, "base": seen})
    assert (answer.status_code, answer.json()["code"]) == (409, "edit_conflict")


async def test_a_deletion_without_a_base_takes_everything(section: _Section) -> None:
    await section.make()
    await section.commit(*section.placed(str(uuid4()), str(uuid4()), section.row))
    delete = {"op": "delete", "kind": "placement", "id": section.row, "items": True}
    assert (await section.commit(delete)).status_code == 201
