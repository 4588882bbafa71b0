"""A project whose record is tampered with, by somebody who owns the database."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from reqtrail.features.audit.public import seal_events
from reqtrail.kit.ids import new_id
from reqtrail.platform.database.migrate import sync_url
from reqtrail.platform.settings import Settings
from tests.fixtures.api import Client, World

Repair = Callable[[], None]
Json = dict[str, Any]

CHANGES: dict[str, Any] = {
    "actor_id": new_id(),
    "action": "member:remove",
    "outcome": "refused",
    "address": "203.0.113.9",
    "subject_id": "somebody else",
    "proof_id": "another sign-in",
    "new": Jsonb({"role": "viewer"}),
    "details": Jsonb({"forged": True}),
}


class Record:
    """The record of one project, and the means of its enemy: SQL without any rule."""

    def __init__(self, world: World, settings: Settings, owner: Client, key: str) -> None:
        self.world, self.owner, self.key = world, owner, key
        assert settings.database_url is not None
        url = sync_url(settings.database_url).replace("+psycopg", "")
        self.enemy = psycopg.connect(url, autocommit=True, row_factory=dict_row)
        self.project_id = UUID(int=0)

    @classmethod
    async def make(cls, world: World, settings: Settings, events: int = 0) -> Record:
        """Return the record of a new project with so many events besides its making."""
        owner = await world.user()
        made = cls(world, settings, owner, await world.project(owner))
        made.project_id = UUID((await owner.get(f"/projects/{made.key}")).json()["id"])
        await made.write(events)
        return made

    async def write(self, events: int) -> None:
        """Have so many events happen."""
        for number in range(events):
            answer = await self.owner.patch(
                f"/projects/{self.key}", json={"name": f"Name {number}"}
            )
            assert answer.status_code == 200, answer.text

    async def seal(self) -> None:
        """Let the sealer work."""
        await seal_events(self.world.database, self.world.app.state.seal_keys)

    async def verify(self) -> Json:
        """Return the report of a verification."""
        answer = await self.owner.post(f"/projects/{self.key}/audit/verify")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def rows(self, table: str, order: str) -> list[Json]:
        """Return the project's rows of a table."""
        query = f"SELECT * FROM {table} WHERE project_id = %s ORDER BY {order}"
        return self.enemy.execute(query.encode(), [self.project_id]).fetchall()

    def remove(self, event: Json) -> Repair:
        """Delete an event."""
        self._run("DELETE FROM audit_events WHERE project_id = %s AND event_id = %s", event)
        return lambda: self._insert(event)

    def change(self, event: Json, column: str, value: Any) -> Repair:
        """Change one column of an event."""

        def put(written: Any) -> None:
            query = f"UPDATE audit_events SET {column} = %s WHERE project_id = %s AND event_id = %s"
            if isinstance(written, dict):
                written = Jsonb(written)
            self.enemy.execute(query.encode(), [written, self.project_id, event["event_id"]])

        put(value)
        return lambda: put(event[column])

    def insert(self, like: Json) -> Repair:
        """Put in an event that never happened."""
        forged = {**like, "event_id": new_id(), "action": "member:put"}
        self._insert(forged)
        return lambda: self._run(
            "DELETE FROM audit_events WHERE project_id = %s AND event_id = %s", forged
        )

    def tamper(self, rng: random.Random) -> tuple[str, UUID | None, Repair]:
        """Do one of the three at a random place; return what should be found, where, and how to repair it."""
        events = self.rows("audit_events", "occurred_at, event_id")
        event = rng.choice(events)
        match rng.choice(("removed", "changed", "inserted")):
            case "removed":
                return "removed", event["event_id"], self.remove(event)
            case "changed":
                column = rng.choice(sorted(CHANGES))
                return "changed", event["event_id"], self.change(event, column, CHANGES[column])
            case _:
                return "inserted", None, self.insert(event)

    def _insert(self, event: Json) -> None:
        values = [Jsonb(item) if isinstance(item, dict) else item for item in event.values()]
        marks = ", ".join(["%s"] * len(values))
        query = f"INSERT INTO audit_events ({', '.join(event)}) VALUES ({marks})"
        self.enemy.execute(query.encode(), values)

    def _run(self, query: str, event: Json) -> None:
        self.enemy.execute(query.encode(), [self.project_id, event["event_id"]])
