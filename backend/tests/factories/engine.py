"""Projects made straight through the version engine, without HTTP: for tests of the engine itself.

async with Bench.open(database_url) as bench:
    project = await bench.project()
    item = await project.create_item({"a": "one"})
    await project.edit_item(item, {"a": "two"}, base=1)
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from reqtrail.bootstrap.jobs import register_jobs
from reqtrail.bootstrap.kinds import register_kinds
from reqtrail.features.identity.tables import users
from reqtrail.features.projects.tables import projects
from reqtrail.features.versioning.public import (
    Action,
    CommitRequest,
    CommitResult,
    Operation,
    Snapshot,
    State,
    VerifyReport,
    commit,
    get_kind,
    init_project,
    redact,
    resolve_ref,
    states_at,
    verify,
)
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.scope import of_project

_numbers = itertools.count(1)


def create(kind: str, entity_id: UUID, **fields: Any) -> Operation:
    """Return the operation that makes an item, document, placement or link with defaults for what is left out."""
    defaults: dict[str, dict[str, Any]] = {
        "item": {"type_id": None, "attributes": {}},
        "document": {
            "title": "Document",
            "type_id": None,
            "attributes": {},
            "rank": "V",
            "archived": False,
        },
        "placement": {"parent_id": None, "item_id": None, "rank": "V"},
        "link": {"type_id": None, "attributes": {}},
    }
    content = {**defaults.get(kind, {}), "extra": None, **fields}
    return Operation(Action.CREATE, kind, entity_id, content)


def update(kind: str, entity_id: UUID, base: int | None = None, **fields: Any) -> Operation:
    """Return the operation that changes *fields*."""
    return Operation(Action.UPDATE, kind, entity_id, fields, base_seq=base)


def delete(kind: str, entity_id: UUID, base: int | None = None) -> Operation:
    """Return the operation that deletes an entity."""
    return Operation(Action.DELETE, kind, entity_id, base_seq=base)


def restore(kind: str, entity_id: UUID, from_seq: int | None, base: int | None = None) -> Operation:
    """Return the operation that brings an entity back as it was at *from_seq*."""
    return Operation(Action.RESTORE, kind, entity_id, base_seq=base, from_seq=from_seq)


class BenchProject:
    """One project with an author; every call is a transaction of its own.

    ``database`` reaches this project alone, ``owner`` is the database of the owner of the tables.
    """

    def __init__(self, bench: Bench, project_id: UUID, author_id: UUID, key: str) -> None:
        self.database = bench.database.within(of_project(project_id))
        self.owner = bench.owner
        self.project_id = project_id
        self.author_id = author_id
        self.key = key

    async def commit(self, *operations: Operation, **request: Any) -> CommitResult:
        """Commit *operations*; further arguments go into the CommitRequest."""
        author = request.pop("author_id", self.author_id)
        async with self.database.session() as session:
            return await commit(
                session, CommitRequest(self.project_id, author, **request), operations
            )

    async def create_item(self, attributes: Mapping[str, Any]) -> UUID:
        """Make an item without a type."""
        item_id = new_id()
        await self.commit(create("item", item_id, attributes=dict(attributes)))
        return item_id

    async def edit_item(
        self, item_id: UUID, attributes: Mapping[str, Any], base: int | None = None
    ) -> CommitResult:
        """Patch the attributes of an item."""
        return await self.commit(update("item", item_id, base, attributes=dict(attributes)))

    async def redact(
        self, entity_id: UUID, *sequences: int, holding: str = "", reason: str = "A secret"
    ) -> CommitResult:
        """Redact past versions of an entity: those given, those holding a text, or all."""
        async with self.database.session() as session:
            return await redact(
                session,
                *(self.project_id, self.author_id, entity_id, reason),
                sequences=sequences,
                holding=holding,
            )

    async def at(self, ref: str | int | None = None) -> Snapshot:
        """Resolve a ref."""
        async with self.database.read_session() as session:
            return await resolve_ref(session, self.project_id, None if ref is None else str(ref))

    async def state(self, kind: str, entity_id: UUID, ref: str | int | None = None) -> State | None:
        """Return the state of an entity at a ref."""
        async with self.database.read_session() as session:
            snapshot = await resolve_ref(
                session, self.project_id, None if ref is None else str(ref)
            )
            found = await states_at(session, get_kind(kind), snapshot, [entity_id])
        return found.get(entity_id)

    async def attributes(self, item_id: UUID, ref: str | int | None = None) -> dict[str, Any]:
        """Return the attributes of an item at a ref."""
        state = await self.state("item", item_id, ref)
        assert state is not None
        attributes: dict[str, Any] = state.content["attributes"]
        return attributes

    async def verify(self) -> VerifyReport:
        """Verify the project."""
        async with self.database.read_session() as session:
            return await verify(session, self.project_id)


class Bench:
    """A database to make projects in."""

    def __init__(self, database: Database, owner: Database) -> None:
        self.database = database
        self.owner = owner

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, pool_size: int = 2) -> AsyncIterator[Bench]:
        """Yield a bench on the migrated database at *url*."""
        register_jobs()
        register_kinds()
        database = Database(make_engine(url, pool_size=pool_size))
        owner = Database(make_engine(url, role=None, pool_size=1))
        try:
            yield cls(database, owner)
        finally:
            await database.dispose()
            await owner.dispose()

    async def author(self) -> UUID:
        """Make an account that cannot sign in; return its id."""
        user_id = new_id()
        async with self.database.session() as session:
            await session.execute(
                insert(users).values(
                    user_id=user_id,
                    email=f"{user_id}@bench.example",
                    display_name="Bench",
                    password_hash="!",
                    is_administrator=False,
                    active=True,
                    created_at=clock.now(),
                )
            )
        return user_id

    async def project(self, operations: Sequence[Operation] = ()) -> BenchProject:
        """Make a project whose first commit holds *operations*."""
        author_id, project_id = await self.author(), new_id()
        key = f"Z{next(_numbers)}{project_id.hex[-6:].upper()}"
        async with self.database.within(of_project(project_id)).session() as session:
            await session.execute(
                insert(projects).values(
                    project_id=project_id,
                    key=key,
                    name="Bench",
                    description="",
                    archived=False,
                    created_at=clock.now(),
                    created_by=author_id,
                )
            )
            await init_project(session, project_id, key, author_id, operations)
        return BenchProject(self, project_id, author_id, key)
