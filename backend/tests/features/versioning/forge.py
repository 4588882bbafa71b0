"""A book with branches, for tests of merges that workers do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from reqtrail.features.versioning.public import project_counters
from reqtrail.platform.jobs.runner import Runner
from tests.features.requirements.book import Book, Json
from tests.fixtures.api import Client, World

ASYNC = {"Prefer": "respond-async"}
LIMIT_SECONDS = 20.0


class Forge:
    """A book with items, and branches of it that are edited and merged."""

    def __init__(self, world: World, book: Book, items: list[Json]) -> None:
        self.world, self.book, self.items = world, book, items
        self.branches: dict[str, str] = {}

    @classmethod
    async def make(cls, world: World, count: int = 3) -> Forge:
        """Make a book with *count* items."""
        book = await Book.make(world)
        return cls(world, book, [await book.item(f"item {at}") for at in range(count)])

    async def branch(self, name: str, ref: str = "main") -> str:
        """Make a branch; return its id."""
        made = await self.book.ask("POST", "/branches", json={"name": name, "ref": ref})
        assert made.status_code == 201, made.text
        self.branches[name] = made.json()["id"]
        return self.branches[name]

    def edit(self, number: int, title: str) -> Json:
        """Return the operation that changes the title of an item."""
        fields = {"attributes": self.book.values(Title=title)}
        return {"op": "update", "kind": "item", "id": self.items[number]["id"], "fields": fields}

    async def write(self, branch: str, *operations: Json) -> None:
        """Commit to a branch."""
        body = {"operations": list(operations)}
        answer = await self.book.ask("POST", "/commits", params={"branch": branch}, json=body)
        assert answer.status_code == 201, answer.text

    async def ask(
        self, branch: str, client: Client | None = None, *, key: str = "", **body: Any
    ) -> Any:
        """Ask for a merge as a job; return the answer."""
        headers = {**ASYNC, **({"Idempotency-Key": key} if key else {})}
        return await (client or self.book.client).post(
            f"/projects/{self.book.key}/branches/{self.branches[branch]}/merge",
            json={"direction": "merge", **body},
            headers=headers,
        )

    async def asked(self, branch: str, client: Client | None = None, **body: Any) -> Json:
        """Ask for a merge as a job, which must be granted."""
        answer = await self.ask(branch, client, **body)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def work(self) -> None:
        """Do what waits."""
        await Runner(self.world.database, self.world.app.state.settings).run_waiting()

    async def job(self, job: Json) -> Json:
        """Return a job as it is now."""
        return await self.book.get(f"/jobs/{job['id']}")

    async def ended(self, job: Json) -> tuple[str, str | None]:
        """Do what waits; return the state of a job, and the code of its error."""
        await self.work()
        now = await self.job(job)
        return now["state"], now["error"] and now["error"]["code"]

    async def kinds(self, branch: str = "main") -> list[str]:
        """Return the kinds of the commits of a branch, newest first."""
        return [one["kind"] for one in (await self.book.get("/commits", branch=branch))["commits"]]

    async def head(self, ref: str = "main") -> int:
        """Return the version of a ref."""
        return int((await self.book.get("/refs/resolve", ref=ref))["seq"])

    async def title(self, number: int, at: str = "main") -> str:
        """Return the title of an item."""
        shown = await self.book.get(f"/items/{self.items[number]['key']}", at=at)
        return str(shown["item"]["attributes"][self.book.attribute("Title")])

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        """Hold the lock that every writer of the project needs."""
        project_id = (await self.book.get(""))["id"]
        async with self.world.owner.session() as session:
            await session.execute(
                select(project_counters)
                .where(project_counters.c.project_id == UUID(project_id))
                .with_for_update()
            )
            yield

    async def waiting(self, count: int) -> None:
        """Wait until so many transactions wait for a lock."""

        async def enough() -> bool:
            async with self.world.database.session() as session:
                found = await session.scalar(
                    text(
                        "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND (database ="
                        " (SELECT oid FROM pg_database WHERE datname = current_database())"
                        " OR locktype = 'transactionid')"
                    )
                )
            return int(found or 0) >= count

        await _until(enough)


async def _until(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while not await condition():
            await asyncio.sleep(0.02)
