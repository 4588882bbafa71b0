"""What proving a session costs the query that admits a request, and what it would cost to ask Redis instead.

The same query runs with and without its join to the sign-ins, in turns, among 20,000 sign-ins of 2,000 accounts. Beside
it in the same turns: one key of Redis, which is what a copy of the session there would cost, and the marks of changed
access that a read at a replica asks for.
"""

from __future__ import annotations

import statistics
from contextlib import AsyncExitStack
from unittest.mock import patch
from uuid import UUID

import asyncpg
import httpx
from sqlalchemy import Subquery, bindparam, select, true
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.instance import Running
from benchmarks.report import Result, interleaved, print_table
from reqtrail.bootstrap.wiring import register_all
from reqtrail.features.access import repository as access
from reqtrail.features.identity.repository import actors
from reqtrail.features.identity.tables import users
from reqtrail.platform.database.access import Subject
from reqtrail.platform.database.access_marks import AccessMarks
from reqtrail.platform.database.walls import APP_ROLE
from reqtrail.platform.redis import make_redis

ROUNDS = 4000
PEOPLE = """
INSERT INTO users (user_id, email, display_name, password_hash, is_administrator, active, created_at)
SELECT gen_random_uuid(), 'bench' || n || '@example.org', 'Somebody', '', false, true, now()
FROM generate_series(1, 2000) n"""
SIGN_INS = """
INSERT INTO refresh_families (family_id, user_id, token_hash, rotated_at, created_at, expires_at)
SELECT gen_random_uuid(), user_id, decode(md5(user_id::text || n), 'hex'), now(), now(), now() + interval '1 day'
FROM users, generate_series(1, 10) n"""
MEMBERSHIPS = """
INSERT INTO memberships SELECT project_id, user_id, 'viewer', now() FROM projects, users WHERE projects.key = 'BEN'
ON CONFLICT DO NOTHING"""
SOMEBODY = """
SELECT family_id, user_id FROM refresh_families JOIN users USING (user_id)
WHERE email = 'bench1000@example.org' LIMIT 1"""


def _without_session(by_token: bool) -> Subquery:
    """Return the query of an account that is active, whatever has become of its sign-in."""
    return (
        select(
            *actors.USER_COLUMNS,
            *actors._grant_columns(by_token),
            actors.acts_for(users.c, true()).label("acting"),
        )
        .where(users.c.active, users.c.user_id == bindparam("actor_user_id"))
        .subquery("actor")
    )


async def _fill(found: Running) -> tuple[UUID, UUID]:
    """Make a project with many members; return one of their sign-ins and whose it is."""
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {found.token}"}) as client:
        made = await client.post(
            f"{found.url}/api/v1/projects", json={"key": "BEN", "name": "Bench"}
        )
        made.raise_for_status()
    raw = await asyncpg.connect(found.raw_url)
    try:
        for statement in (PEOPLE, SIGN_INS, MEMBERSHIPS, "VACUUM ANALYZE"):
            await raw.execute(statement)
        family, user = await raw.fetchrow(SOMEBODY)
    finally:
        await raw.close()
    return UUID(str(family)), UUID(str(user))


async def measure(found: Running) -> dict[str, list[Result]]:
    """Return the table."""
    register_all()
    family, user = await _fill(found)
    proving = access._visible_project.__wrapped__(False)
    with patch.object(access, "active_user", _without_session):
        trusting = access._visible_project.__wrapped__(False)
    subjects: list[Subject] = [("account", str(user)), ("session", str(family))]
    given = {"actor_user_id": user, "actor_family_id": family, "project_key": "BEN"}
    engine = create_async_engine(
        found.database_url, connect_args={"server_settings": {"role": APP_ROLE, "jit": "off"}}
    )
    redis = make_redis(found.redis_url)
    marks = AccessMarks(make_redis(found.redis_url), life=60)
    marks.start()
    await redis.set("bench:session", b"x" * 200)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        stack.push_async_callback(redis.aclose)
        stack.push_async_callback(marks.close)
        connection = await stack.enter_async_context(engine.connect())

        async def prove(number: int) -> None:
            row = (await connection.execute(proving, given)).one()
            assert row.role == "viewer"

        async def trust(number: int) -> None:
            row = (await connection.execute(trusting, given)).one()
            assert row.role == "viewer"

        async def ask(number: int) -> None:
            assert await redis.get("bench:session")

        async def look(number: int) -> None:
            await marks.needed(subjects, lambda moment: 1)

        samples = await interleaved(ROUNDS, prove=prove, trust=trust, ask=ask, look=look)
    medians = {name: statistics.median(values) for name, values in samples.items()}
    title = "What proving a session costs"
    print_table(title)
    rows = [
        Result("the query that admits, without the session", medians["trust"]),
        Result("the query that admits", medians["prove"], limit=medians["trust"]),
        Result("one key of Redis", medians["ask"], limit=medians["trust"]),
        Result("the marks of changed access", medians["look"], limit=medians["trust"]),
    ]
    for row in rows:
        print(row.line(), flush=True)
    return {title: rows}
