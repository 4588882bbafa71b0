"""A project with a webhook, and a worker's round on demand."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import update

from reqtrail.features.notifications.public import deliver_next
from reqtrail.features.notifications.tables import webhooks
from reqtrail.kit import clock
from reqtrail.platform.outbound import Limits, Outbound
from tests.features.notifications.receiver import Receiver
from tests.features.requirements.book import Book
from tests.fixtures.api import World

LOOPBACK = Outbound(("127.0.0.1",), limits=Limits(seconds=5))
ROUNDS = 200


class Hooked:
    """A project whose commits a receiver is told of.

    Attributes:
        made: The answer to making the webhook, its secret in it.
    """

    def __init__(self, world: World, book: Book, made: dict[str, Any]) -> None:
        self.world, self.book, self.made = world, book, made
        self.id, self.secret = made["id"], made["secret"]

    @classmethod
    async def make(cls, world: World, receiver: Receiver, **options: Any) -> Hooked:
        """Make a project and a webhook of it."""
        book = await Book.make(world)
        body = {"name": "Chat", "url": receiver.url, **options}
        answer = await book.ask("POST", "/webhooks", json=body)
        assert answer.status_code == 201, answer.text
        return cls(world, book, answer.json())

    async def edit(self, branch: str = "main") -> int:
        """Make a commit; return its sequence."""
        answer = await self.book.ask(
            "POST", "/documents", json={"title": "Another"}, params={"branch": branch}
        )
        assert answer.status_code == 201, answer.text
        return int((await self.book.get("/refs/resolve", ref=branch))["seq"])

    async def show(self) -> dict[str, Any]:
        """Return the webhook as its owner sees it."""
        (found,) = [one for one in await listed(self.book) if one["id"] == self.id]
        return found

    async def attempts(self) -> list[dict[str, Any]]:
        """Return what came of the last requests, the newest first."""
        return await listed(self.book, f"/webhooks/{self.id}/attempts")

    async def patch(self, **changes: Any) -> dict[str, Any]:
        """Change the webhook."""
        answer = await self.book.ask("PATCH", f"/webhooks/{self.id}", json=changes)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def make_due(self) -> None:
        """End the wait, as if its time were over."""
        async with self.world.owner.session() as session:
            await session.execute(
                update(webhooks)
                .where(webhooks.c.webhook_id == UUID(self.id))
                .values(due_at=clock.now(), leased_until=None)
            )

    async def work(self, outbound: Outbound = LOOPBACK) -> None:
        """Do what a worker does until nothing waits."""
        for _ in range(ROUNDS):
            if not await deliver_next(self.world.database, outbound):
                return
        raise AssertionError("The worker's rounds do not end.")


async def listed(book: Book, path: str = "/webhooks") -> list[dict[str, Any]]:
    """Return a list of a project, as its owner sees it."""
    answer = await book.ask("GET", path)
    assert answer.status_code == 200, answer.text
    return list(answer.json())
