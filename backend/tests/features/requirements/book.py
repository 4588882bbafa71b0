"""A project with a document, for tests of requirements, through the API."""

from __future__ import annotations

from typing import Any

import httpx

from tests.fixtures.api import Client, World

Json = dict[str, Any]


class Book:
    """A project of one owner with one document, and short ways to write into it."""

    def __init__(self, client: Client, key: str, document: str, schema: Json) -> None:
        self.client, self.key, self.document, self.schema = client, key, document, schema

    @classmethod
    async def make(cls, world: World) -> Book:
        """Make a project with an empty document."""
        client = await world.user()
        key = await world.project(client)
        schema = (await client.get(f"/projects/{key}/schema")).json()
        made = await client.post(f"/projects/{key}/documents", json={"title": "System"})
        assert made.status_code == 201, made.text
        return cls(client, key, made.json()["id"], schema)

    def type_id(self, name: str) -> str:
        """Return the id of a type."""
        return next(str(kind["id"]) for kind in self.schema["types"] if kind["name"] == name)

    def attribute(self, name: str, type_name: str = "Requirement") -> str:
        """Return the id of an attribute of a type."""
        kind = next(kind for kind in self.schema["types"] if kind["name"] == type_name)
        return next(str(item["id"]) for item in kind["attributes"] if item["name"] == name)

    def values(self, type_name: str = "Requirement", **named: Any) -> Json:
        """Return attribute values by the attributes' names."""
        return {self.attribute(name, type_name): value for name, value in named.items()}

    def choice(self, datatype: str, value: str) -> str:
        """Return the id of a value of an enumeration."""
        kind = next(item for item in self.schema["datatypes"] if item["name"] == datatype)
        return next(str(item["id"]) for item in kind["enum_values"] if item["name"] == value)

    async def get(self, path: str, **params: Any) -> Json:
        """Read below the project."""
        answer = await self.client.get(f"/projects/{self.key}{path}", params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request below the project, whatever comes of it."""
        return await self.client.request(method, f"/projects/{self.key}{path}", **options)

    async def commit(self, *operations: Json, base: int | None = None) -> httpx.Response:
        """Send operations through the write door."""
        return await self.ask("POST", "/commits", json={"base": base, "operations": operations})

    async def done(self, *operations: Json, base: int | None = None) -> Json:
        """Send operations through the write door; they must be accepted."""
        answer = await self.commit(*operations, base=base)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def item(
        self, title: str = "An item", type_name: str = "Requirement", **position: Any
    ) -> Json:
        """Make an item, placed last unless told otherwise; return it as read."""
        body: Json = {
            "type_id": self.type_id(type_name),
            "attributes": self.values(type_name, Title=title),
            "position": {"document_id": self.document, **position},
        }
        answer = await self.ask("POST", "/items", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json()["item"])

    async def place(self, title: str = "An item", **position: Any) -> str:
        """Make an item and return the id of its placement."""
        return str((await self.item(title, **position))["placements"][0]["placement_id"])

    async def outline(self, **params: Any) -> list[list[Any]]:
        """Return the rows of the document's outline."""
        return list((await self.get(f"/documents/{self.document}/outline", **params))["rows"])

    async def shape(self, **params: Any) -> list[str]:
        """Return the outline as ``number title`` lines."""
        return [f"{row[7]} {row[6]}" for row in await self.outline(**params)]

    def move(self, placement: str, **position: Any) -> Json:
        """Return the operation that moves a placement."""
        return {
            "op": "move",
            "kind": "placement",
            "id": placement,
            "position": {"document_id": self.document, **position},
        }
