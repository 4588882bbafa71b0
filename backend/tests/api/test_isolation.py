"""Nothing of one project can be reached through another: foreign ids in every id-bearing field."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio


class Content:
    """A project with one of everything, by id."""

    def __init__(self, key: str, owner: Client) -> None:
        self.key = key
        self.owner = owner
        self.ids: dict[str, str] = {}

    async def commit(self, *operations: dict[str, Any]) -> httpx.Response:
        """Send operations through the write door."""
        head = (await self.owner.get(f"/projects/{self.key}")).json()["head"]["seq"]
        body = {"base": head, "message": "x", "operations": operations}
        return await self.owner.post(f"/projects/{self.key}/commits", json=body)


Operations = list[dict[str, Any]]


async def _content(world: World) -> Content:
    owner = await world.user()
    made = Content(await world.project(owner), owner)
    schema = (await owner.get(f"/projects/{made.key}/schema")).json()
    types = {item["category"]: item for item in schema["types"]}
    document = await owner.post(f"/projects/{made.key}/documents", json={"title": "Secret title"})
    assert document.status_code == 201, document.text
    made.ids = {
        "document": document.json()["id"],
        "type": types["item"]["id"],
        "link_type": types["link"]["id"],
        "attribute": types["item"]["attributes"][0]["id"],
        "datatype": schema["datatypes"][0]["id"],
        **{name: str(uuid4()) for name in ("item", "other", "placement", "link")},
    }
    ids = made.ids
    answer = await made.commit(
        {"op": "create", "kind": "item", "id": ids["item"], "fields": {"type_id": ids["type"]}},
        {"op": "create", "kind": "item", "id": ids["other"], "fields": {"type_id": ids["type"]}},
        {
            "op": "create",
            "kind": "placement",
            "id": ids["placement"],
            "fields": {"item_id": ids["item"]},
            "position": {"document_id": ids["document"], "parent_id": None},
        },
        {
            "op": "create",
            "kind": "link",
            "id": ids["link"],
            "fields": {
                "type_id": ids["link_type"],
                "source_id": ids["item"],
                "target_id": ids["other"],
            },
        },
    )
    assert answer.status_code == 201, answer.text
    return made


async def test_foreign_ids_in_addresses(world: World) -> None:
    foreign, own = await _content(world), await _content(world)
    ids, path = foreign.ids, f"/projects/{own.key}"
    item = await foreign.owner.get(f"/projects/{foreign.key}/items/{ids['item']}")
    item_key = item.json()["item"]["key"]
    wrong = []
    for method, address, body in (
        ("GET", f"/documents/{ids['document']}", None),
        ("GET", f"/documents/{ids['document']}/outline", None),
        ("GET", f"/documents/{ids['document']}/rows", None),
        ("PATCH", f"/documents/{ids['document']}", {"title": "mine"}),
        ("GET", f"/items/{ids['item']}", None),
        ("GET", f"/items/{item_key}", None),
        ("GET", f"/items/{ids['item']}/history", None),
        ("GET", f"/items/{ids['item']}/links", None),
        ("PATCH", f"/items/{ids['item']}", {"attributes": {}}),
        ("DELETE", f"/items/{ids['item']}", None),
        ("POST", f"/items/{ids['item']}/restore", {"at": "1"}),
        ("PATCH", f"/links/{ids['link']}", {"attributes": {}}),
        ("DELETE", f"/links/{ids['link']}", None),
        ("GET", f"/find?document={ids['document']}&q=x", None),
    ):
        answer = await own.owner.request(method, path + address, json=body)
        if answer.status_code != 404 or "Secret" in answer.text:
            wrong.append((method, address, answer.status_code, answer.text[:150]))
    assert wrong == []


async def test_foreign_ids_in_bodies(world: World) -> None:
    foreign, own = await _content(world), await _content(world)
    theirs, ours = foreign.ids, own.ids
    new = str(uuid4())
    operations: Operations = [
        {"op": "update", "kind": "item", "id": theirs["item"], "fields": {"attributes": {}}},
        {"op": "delete", "kind": "item", "id": theirs["item"]},
        {"op": "restore", "kind": "item", "id": theirs["item"], "from_seq": 1},
        {"op": "delete", "kind": "placement", "id": theirs["placement"]},
        {"op": "delete", "kind": "link", "id": theirs["link"]},
        {"op": "delete", "kind": "document", "id": theirs["document"]},
        {"op": "create", "kind": "item", "id": new, "fields": {"type_id": theirs["type"]}},
        {
            "op": "create",
            "kind": "placement",
            "id": new,
            "fields": {"item_id": theirs["item"]},
            "position": {"document_id": ours["document"], "parent_id": None},
        },
        {
            "op": "create",
            "kind": "placement",
            "id": new,
            "fields": {"item_id": ours["item"]},
            "position": {"document_id": theirs["document"], "parent_id": None},
        },
        {
            "op": "create",
            "kind": "placement",
            "id": new,
            "fields": {"item_id": ours["item"]},
            "position": {"document_id": ours["document"], "parent_id": theirs["placement"]},
        },
        *(
            {
                "op": "create",
                "kind": "link",
                "id": new,
                "fields": {
                    "type_id": ours["link_type"],
                    "source_id": ours["item"],
                    "target_id": ours["other"],
                    field: theirs[name],
                },
            }
            for field, name in (
                ("type_id", "link_type"),
                ("source_id", "item"),
                ("target_id", "item"),
            )
        ),
    ]
    wrong = []
    for operation in operations:
        answer = await own.commit(operation)
        if answer.status_code not in {404, 409, 422} or "Secret" in answer.text:
            wrong.append((operation, answer.status_code, answer.text[:200]))
    assert wrong == []
    head = (await foreign.owner.get(f"/projects/{foreign.key}")).json()["head"]
    assert head["seq"] == 3
