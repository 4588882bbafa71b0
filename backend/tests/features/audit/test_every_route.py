"""Each route that changes something leaves exactly one event when it succeeds, and no event holds a secret."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from sqlalchemy import Text, cast, func, select

from reqtrail.features.audit.tables import audit_events
from reqtrail.kit.redaction import REDACTED
from tests.features.audit import walk as steps
from tests.features.audit.walk import Walk
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


async def test_no_route_writes_without_a_trail(app: FastAPI) -> None:
    """A route that changes something takes a WriteSession, or says here how else it leaves its event."""
    assert steps.without_trail(app) == set()


async def test_every_route_leaves_one_event_and_no_secret(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are called, as somebody who may."""
    monkeypatch.setattr(world.app.state.settings, "registration", True)
    walk = Walk(world)
    await steps.walk_accounts(walk)
    await steps.walk_factors(walk)
    with monkeypatch.context() as required:
        required.setattr(world.app.state.settings, "second_factor_required", True)
        await steps.walk_enrolment(walk)
    await steps.walk_joining(walk)
    await steps.walk_administration(walk)
    await steps.walk_content(walk)
    await steps.walk_versions(walk)
    await steps.walk_jobs(walk)
    assert walk.wrong == []
    left = steps.mutating(world.app) - walk.seen - steps.NEEDS_PROVIDER
    assert left == set(), "these routes need a step in walk.py"
    async with world.owner.read_session() as session:
        record = await session.scalars(
            select(cast(func.row_to_json(audit_events.table_valued()), Text))
        )
        kept = "\n".join(record)
        changed = await session.execute(
            select(audit_events).where(
                audit_events.c.action.op("~")(":(update|rename)$"),
                audit_events.c.request_id.in_(walk.requests),
            )
        )
    assert [secret for secret in walk.secrets if secret in kept] == []
    told = {event.action: (event.old, event.new, event.details or {}) for event in changed}
    assert len(told) >= 8
    for action, (old, new, details) in told.items():
        # Content is not repeated in the record: the commit is named, and what it did to which entities.
        if "commit" in details:
            assert details["digest"] != REDACTED and "entities" in details, action
        elif "changes" not in details:
            assert old and new and old.keys() == new.keys(), action
