"""The application's role sees and writes the rows of one project, whatever SQL it sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Table, delete, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.bootstrap.sealed_columns import SEALED_COLUMNS
from reqtrail.features.access.public import ProjectNotFound, as_member, show_projects
from reqtrail.features.access.repository import find_visible_project
from reqtrail.features.identity.public import Credential
from reqtrail.kit.ids import new_id
from reqtrail.platform.crypto import SealedColumn
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.database.walls import APPEND, is_walled, policies_of, wall_of
from tests.fixtures.api import Client, World
from tests.walls.rows import BY_NAME, WALLED, a_row, fill

pytestmark = pytest.mark.anyio


class Neighbours:
    """Two projects with a row in every table, the owner of each, and somebody who is in neither."""

    def __init__(self, ids: Sequence[UUID], keys: Sequence[str], people: Sequence[Client]) -> None:
        self.ours, self.theirs = ids
        self.our_key, self.their_key = keys
        self.we, self.they, self.outsider = people


@pytest.fixture(scope="module")
async def neighbours(app: FastAPI) -> AsyncIterator[Neighbours]:
    world = World(app)
    people = [await world.user() for _ in range(3)]
    keys = [await world.project(person) for person in people[:2]]
    ids = []
    for person, key in zip(people, keys, strict=False):
        ids.append(UUID((await person.get(f"/projects/{key}")).json()["id"]))
        await fill(world.owner, ids[-1])
    yield Neighbours(ids, keys, people)
    await world.aclose()


def _credential(client: Client) -> Credential:
    return Credential(user_id=client.user.user_id, family_id=client.family_id)


async def _count(session: AsyncSession, table: Table, project_id: UUID) -> int:
    found = select(func.count()).select_from(table).where(table.c.project_id == project_id)
    return int(await session.scalar(found) or 0)


async def _seen(session: AsyncSession, project_id: UUID) -> dict[str, int]:
    """Return in which tables, and hot partitions, the transaction sees rows of a project."""
    seen = {table.name: await _count(session, table, project_id) for table in WALLED}
    for table in WALLED:
        if table.info.get("versioned"):
            asked = text(f"SELECT count(*) FROM {table.name}_hot WHERE project_id = :p")
            seen[f"{table.name}_hot"] = await session.scalar(asked, {"p": project_id})
    return {name: count for name, count in seen.items() if count}


async def test_an_outsider_sees_no_row_of_any_table(world: World, neighbours: Neighbours) -> None:
    """Not before anybody acts, not as somebody else, not after asking for the project by its key."""
    theirs = neighbours.theirs
    async with world.owner.session() as session:
        everything = await _seen(session, theirs)
    assert {table.name for table in WALLED} <= everything.keys()
    async with world.database.session() as session:
        assert await _seen(session, theirs) == {}
        actor, project = await find_visible_project(
            session, _credential(neighbours.outsider), neighbours.their_key
        )
        assert actor is not None and project is None
        assert actor.user_id == neighbours.outsider.user.user_id
        assert await _seen(session, theirs) == {}
        await show_projects(session, actor)
        assert await _seen(session, theirs) == {}


async def test_a_member_of_one_project_sees_no_row_of_another(
    world: World, neighbours: Neighbours
) -> None:
    async with world.database.session() as session:
        await find_visible_project(session, _credential(neighbours.we), neighbours.our_key)
        assert await _seen(session, neighbours.theirs) == {}
        assert {table.name for table in WALLED} <= (await _seen(session, neighbours.ours)).keys()


async def test_an_administrator_reaches_one_project_at_a_time(
    world: World, neighbours: Neighbours
) -> None:
    administrator = await world.administrator()
    async with world.database.session() as session:
        await find_visible_project(session, _credential(administrator), neighbours.our_key)
        assert await _seen(session, neighbours.theirs) == {}
        assert (await _seen(session, neighbours.ours))["items"] >= 2


async def test_lists_show_the_projects_of_the_actor_and_nothing_of_their_content(
    world: World, neighbours: Neighbours
) -> None:
    async with world.database.session() as session:
        await find_visible_project(session, _credential(neighbours.we), "NOSUCH")
        assert (await _seen(session, neighbours.ours)).keys() == {
            "projects",
            "branches",
            "memberships",
        }
        assert await _count(session, BY_NAME["memberships"], neighbours.ours) == 1  # their own
        assert await _seen(session, neighbours.theirs) == {}


async def test_no_row_can_be_written_into_another_project(
    world: World, neighbours: Neighbours
) -> None:
    """Through the table or its hot partition, whoever acts; and no row can be moved there."""
    inside = world.database.within(of_project(neighbours.ours))
    for table in WALLED:
        if APPEND in wall_of(table).also:
            continue  # what is recorded of a refusal names the project that was refused
        with pytest.raises(ProgrammingError, match="row-level security policy"):
            async with inside.session() as session:
                await session.execute(insert(table).values(a_row(table, neighbours.theirs)))
    names = "project_id, branch_id, entity_id, seq_from, seq_to, deleted, content_hash"
    for table in WALLED:
        if table.info.get("versioned"):
            with pytest.raises(DBAPIError, match="row-level security policy|null value"):
                async with inside.session() as session:
                    await session.execute(
                        text(
                            f"INSERT INTO {table.name}_hot ({names}) SELECT :p, gen_random_uuid(),"
                            " gen_random_uuid(), 1, 2, false, ''"
                        ),
                        {"p": neighbours.theirs},
                    )


async def test_no_row_of_another_project_can_be_changed_or_removed(
    world: World, neighbours: Neighbours
) -> None:
    inside = world.database.within(of_project(neighbours.ours))
    async with inside.session() as session:
        for table in WALLED:
            wall = wall_of(table)
            ours = table.c.project_id == neighbours.theirs
            if wall.delete:
                assert (await session.execute(delete(table).where(ours))).rowcount == 0  # type: ignore[attr-defined]
            if wall.update:
                names = wall.update if isinstance(wall.update, tuple) else table.c.keys()
                same = {names[-1]: table.c[names[-1]]}
                changed = await session.execute(update(table).where(ours).values(same))
                assert changed.rowcount == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE items SET content_hash = 'x'",
        "UPDATE commits SET message = 'other'",
        "UPDATE entities SET key = 'X-1'",
        "DELETE FROM items",
        "DELETE FROM commits",
        "DELETE FROM projects",
        "TRUNCATE items",
        "SELECT count(*) FROM items_cold_2026",
        "UPDATE items_hot SET seq_to = 1",
        "ALTER TABLE items DISABLE ROW LEVEL SECURITY",
        "DROP POLICY project ON items",
        "CREATE TABLE public.planted (id int)",
        "COPY items_hot FROM STDIN",
    ],
)
async def test_the_role_may_not(world: World, neighbours: Neighbours, statement: str) -> None:
    """History is closed, never rewritten; what the wall is made of belongs to somebody else."""
    with pytest.raises(DBAPIError):
        async with world.database.within(of_project(neighbours.ours)).session() as session:
            await session.execute(text(statement))


async def test_a_task_finds_its_jobs_in_every_project_and_nothing_else(
    world: World, neighbours: Neighbours
) -> None:
    reached: dict[str, set[str]] = {
        "jobs": {"jobs", "job_results", "exchange_jobs"},
        "seals": {"seals"},
        "webhooks": {"webhooks", "project_counters"},
        "verifying": {"project_counters"},
        "keys": {"attachments", "webhooks"},
        "unknown": set(),
    }
    for task, tables in reached.items():
        async with world.database.within(of_task(task)).session() as session:
            assert (await _seen(session, neighbours.theirs)).keys() == tables


async def test_somebody_acts_in_a_project_while_they_are_in_it(
    world: World, neighbours: Neighbours
) -> None:
    """Outside requests too: each transaction asks anew."""
    member = await world.member(neighbours.our_key, "viewer")
    database = world.database.within(as_member(member.user.user_id, neighbours.ours))
    async with database.read_session() as session:
        assert (await _seen(session, neighbours.ours))["items"] >= 2
        assert await _seen(session, neighbours.theirs) == {}
    left = await neighbours.we.delete(
        f"/projects/{neighbours.our_key}/members/{member.user.user_id}"
    )
    assert left.status_code == 204
    with pytest.raises(ProjectNotFound):
        async with database.read_session():
            pytest.fail("a transaction began")
    nobody = world.database.within(as_member(new_id(), neighbours.ours))
    with pytest.raises(ProjectNotFound):
        async with nobody.session():
            pytest.fail("a transaction began")


@pytest.fixture
async def one_connection(database_url: str) -> AsyncIterator[Database]:
    """The application's database with a pool of one connection, so that everything happens on it."""
    engine = make_engine(database_url, pool_size=1)
    engine.sync_engine.pool._max_overflow = 0  # type: ignore[attr-defined]
    yield Database(engine)
    await engine.dispose()


class Transactions:
    """Transactions that enter a project, each with another end."""

    def __init__(self, database: Database, neighbours: Neighbours) -> None:
        self._database = database
        self._neighbours = neighbours

    async def _enter(self, session: AsyncSession) -> None:
        we = _credential(self._neighbours.we)
        await find_visible_project(session, we, self._neighbours.our_key)
        assert await _seen(session, self._neighbours.ours)

    async def ends_well(self) -> None:
        async with self._database.session() as session:
            await self._enter(session)

    async def is_read_only(self) -> None:
        async with self._database.read_session() as session:
            await self._enter(session)

    async def fails_in_sql(self) -> None:
        with pytest.raises(DBAPIError):
            async with self._database.session() as session:
                await self._enter(session)
                await session.execute(text("SELECT 1 / 0"))

    async def fails_in_python(self) -> None:
        with pytest.raises(KeyError):
            async with self._database.session() as session:
                await self._enter(session)
                raise KeyError

    async def is_cancelled(self) -> None:
        entered = asyncio.Event()

        async def wait() -> None:
            async with self._database.session() as session:
                await self._enter(session)
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(wait())
        await entered.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def undoes_a_savepoint(self) -> None:
        async with self._database.session() as session:
            async with session.begin_nested() as nested:
                await self._enter(session)
                await nested.rollback()
            assert await _seen(session, self._neighbours.ours) == {}


async def test_nothing_leaks_into_the_next_transaction(
    one_connection: Database, neighbours: Neighbours
) -> None:
    """All of them run on one connection; however one ended, the next begins without any project."""
    made = Transactions(one_connection, neighbours)
    connections = set()
    for step in (
        made.ends_well,
        made.is_read_only,
        made.fails_in_sql,
        made.fails_in_python,
        made.undoes_a_savepoint,
        made.is_cancelled,
    ):
        await step()
        async with one_connection.session() as session:
            assert await _seen(session, neighbours.ours) == {}, step.__name__
            connections.add(await session.scalar(text("SELECT pg_backend_pid()")))
    assert len(connections) <= 2, "a cancelled one may have been replaced"


PLANS = ("nestloop", "hashjoin", "mergejoin", "indexscan", "seqscan", "bitmapscan", "material")


@pytest.mark.parametrize("off", [*PLANS, "nestloop,indexscan,bitmapscan", "memoize", None])
@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
async def test_a_project_is_entered_whatever_the_plan(
    world: World, neighbours: Neighbours, off: str | None, mode: str
) -> None:
    """The query that proves the actor opens what it reads next: its steps come in order in every plan."""
    async with world.database.session() as session:
        await session.execute(text(f"SET LOCAL plan_cache_mode = {mode}"))
        for name in off.split(",") if off else ():
            await session.execute(text(f"SET LOCAL enable_{name} = off"))
        _, project = await find_visible_project(
            session, _credential(neighbours.we), neighbours.our_key
        )
        assert project is not None and project.project_id == neighbours.ours
        assert project.role == "owner" and project.head is not None
        assert await _seen(session, neighbours.theirs) == {}


@pytest.mark.parametrize(
    "column", [one for one in SEALED_COLUMNS if is_walled(one.table)], ids=lambda one: one.purpose
)
def test_a_rotation_of_keys_reaches_every_secret_of_projects(column: SealedColumn) -> None:
    """Also with a login that the policies bind: what it does not see it would take for done."""
    opened = {
        policy.command: policy.condition
        for policy in policies_of(column.table)
        if "'keys'" in policy.condition
    }
    assert opened.keys() == {"SELECT", "UPDATE"}
