"""Every test of files once more, in an instance that encrypts attachments; and what else reads their bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from reqtrail.entrypoints.web import create_app
from reqtrail.features.files.public import attachments
from reqtrail.features.projects.tables import projects
from reqtrail.features.versioning.public import run_pending_seals
from reqtrail.platform.settings import Settings
from tests.features.exchange.sample import sample
from tests.features.exchange.trade import Trade
from tests.features.files.test_files import *  # noqa: F401,F403 - the tests themselves
from tests.features.files.test_files import PNG
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application, started with encryption of attachments."""
    made = create_app(settings.model_copy(update={"encrypt_attachments": True}))
    async with made.router.lifespan_context(made):
        yield made


async def test_an_archive_comes_in_and_goes_out_and_is_sealed_and_verified(world: World) -> None:
    picture = '<xhtml:object data="plan.png" type="image/png">a plan</xhtml:object>'
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("spec.reqif", sample(texts={"a": picture}))
        archive.writestr("plan.png", PNG)
    trade = await Trade.make(world)
    job = await trade.bring(target.getvalue(), "sent.reqifz")
    assert (job["state"], job["losses"]) == ("done", []), job
    with zipfile.ZipFile(io.BytesIO(await trade.fetch(format="reqifz"))) as archive:
        assert archive.read("plan.png") == PNG
    made = await trade.client.post(f"/projects/{trade.key}/baselines", json={"name": "v1"})
    assert made.status_code == 201
    while await run_pending_seals(world.database):
        pass
    report = (await trade.client.post(f"/projects/{trade.key}/verify")).json()
    assert report["ok"], report
    async with world.owner.read_session() as session:
        of_project = select(projects.c.project_id).where(projects.c.key == trade.key)
        statement = select(attachments.c.data, attachments.c.sealed)
        found = await session.execute(
            statement.where(attachments.c.project_id == of_project.scalar_subquery())
        )
        kept = found.one()
    assert kept.sealed and PNG not in kept.data
