"""Which statements change access, and whose."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Executable, bindparam, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

import reqtrail
from reqtrail.features.access.tables import (
    group_grants,
    group_members,
    groups,
    memberships,
    read_restrictions,
)
from reqtrail.features.identity.tables import api_tokens, refresh_families, users
from reqtrail.kit import clock
from reqtrail.platform.database.access import EVERYBODY, TOKENS, Subject, take_changes
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.scope import enter_project
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

WHO, WHICH, NOW = UUID(int=7), UUID(int=8), clock.now()
ACCOUNT: set[Subject] = {("account", str(WHO)), TOKENS}
SESSION: set[Subject] = {("session", str(WHICH))}

families = refresh_families.c
ENDED = update(refresh_families).values(revoked_at=NOW)
MEMBERSHIP = {"project_id": WHICH, "user_id": WHO, "role": "viewer", "created_at": NOW}


@pytest.mark.parametrize(
    ("statement", "whose"),
    [
        (ENDED.where(families.family_id == WHICH), SESSION),
        (ENDED.where(families.user_id == WHO, families.revoked_at.is_(None)), ACCOUNT),
        (
            ENDED.where(families.user_id == WHO, families.family_id == WHICH),
            ACCOUNT | SESSION,
        ),
        (ENDED.where(families.user_id == WHO, families.family_id != WHICH), ACCOUNT),
        (ENDED.where(families.expires_at < NOW), {EVERYBODY}),
        (ENDED.where(or_(families.user_id == WHO, families.family_id == WHICH)), {EVERYBODY}),
        (ENDED.where(families.user_id.in_([WHO])), {EVERYBODY}),
        (
            update(refresh_families).where(families.family_id == WHICH).values(rotated_at=NOW),
            set(),
        ),
        (delete(refresh_families).where(families.expires_at < clock.now()), set()),
        (update(users).where(users.c.user_id == WHO).values(active=False), ACCOUNT),
        (update(users).where(users.c.user_id == WHO).values({"is_administrator": True}), ACCOUNT),
        (update(users).where(users.c.user_id == WHO).values(display_name="x"), set()),
        (
            update(api_tokens).where(api_tokens.c.user_id == WHO).values(revoked_at=NOW),
            ACCOUNT,
        ),
        (
            update(api_tokens).where(api_tokens.c.token_id == WHICH).values(revoked_at=NOW),
            {EVERYBODY},
        ),
        (delete(memberships).where(memberships.c.user_id == WHO), ACCOUNT),
        (delete(memberships).where(memberships.c.project_id == WHICH), {EVERYBODY}),
        (delete(group_members).where(group_members.c.user_id == WHO), ACCOUNT),
        (delete(group_members).where(group_members.c.group_id == WHICH), {EVERYBODY}),
        (delete(group_grants).where(group_grants.c.group_id == WHICH), {EVERYBODY}),
        (delete(read_restrictions).where(read_restrictions.c.entity_id == WHICH), {EVERYBODY}),
        (delete(groups).where(groups.c.group_id == WHICH), set()),
        (select(users.c.user_id).where(users.c.user_id == WHO), set()),
    ],
)
async def test_whose_access_a_statement_changes(
    world: World, statement: Executable, whose: set[Subject]
) -> None:
    async with world.database.session() as session:
        await session.execute(statement)
        assert take_changes(session) == whose
        await session.rollback()


@pytest.mark.parametrize(
    ("statement", "given", "whose"),
    [
        (update(users).where(users.c.user_id == WHO), {"active": False}, ACCOUNT),
        (delete(memberships).where(memberships.c.user_id == bindparam("who")), {"who": WHO}, None),
        (
            ENDED.where(families.user_id == users.c.user_id, users.c.user_id == bindparam("who")),
            {"who": WHO},
            None,
        ),
        (ENDED.where(families.user_id == users.c.user_id, users.c.user_id == WHO), {}, None),
    ],
)
async def test_what_a_statement_does_not_say_itself_concerns_everybody(
    world: World, statement: Executable, given: dict[str, Any], whose: set[Subject] | None
) -> None:
    async with world.database.session() as session:
        await session.execute(statement, given)
        assert take_changes(session) == (whose or {EVERYBODY})
        await session.rollback()


@pytest.mark.parametrize("several", [False, True])
async def test_rows_that_are_added(world: World, several: bool) -> None:
    """One row says whose it is; several at once may be anybody's."""
    owner = await world.user()
    key = await world.project(owner)
    projects = metadata.tables["projects"].c
    async with world.owner.read_session() as session:
        project_id = await session.scalar(select(projects.project_id).where(projects.key == key))
    assert project_id is not None
    row = {**MEMBERSHIP, "project_id": project_id, "user_id": owner.user.user_id}
    async with world.database.session() as session:
        await enter_project(session, project_id)
        statement = upsert(memberships).values([row] if several else row)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["project_id", "user_id"], set_={"role": "editor"}
            )
        )
        expected: set[Subject] = {("account", str(owner.user.user_id)), TOKENS}
        assert take_changes(session) == ({EVERYBODY} if several else expected)
        await session.rollback()


def written_unseen(source: str) -> list[str]:
    """Return what *source* writes to tables of access by the text of a statement, which no session looks at."""
    tables = "|".join(table.name for table in metadata.tables.values() if table.info.get("access"))
    return re.findall(
        rf"\b(?:INSERT\s+INTO|DELETE\s+FROM|UPDATE)\s+(?:{tables})\b", source, re.IGNORECASE
    )


def test_access_is_not_changed_by_texts() -> None:
    assert written_unseen('text("UPDATE users SET active = false")') == ["UPDATE users"]
    assert written_unseen('text("delete from\\n memberships")'.replace("\\n", "\n"))
    assert not written_unseen("UPDATE users_of_old SET x = 1")
    package = Path(reqtrail.__file__).parent
    found = {
        str(path.relative_to(package)): written
        for path in package.rglob("*.py")
        if (written := written_unseen(path.read_text()))
    }
    assert not found
