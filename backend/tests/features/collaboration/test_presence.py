"""Who is there: told to those who may know of members, as much of where as they may read, and to nobody once gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI

from reqtrail.entrypoints.web import create_app
from reqtrail.features.access.types import NOTHING_WITHHELD, Withheld
from reqtrail.features.collaboration.service import presence
from reqtrail.features.collaboration.service.presence import shown_to
from reqtrail.features.collaboration.types import Place, Presence
from reqtrail.kit.ids import new_id
from reqtrail.platform.settings import Settings
from tests.fixtures.api import Client, World
from tests.fixtures.sockets import listening, served

pytestmark = pytest.mark.anyio


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    """The port of the application."""
    async with served(app) as found:
        yield found


def _name(client: Client) -> str:
    return client.user.display_name


async def test_people_see_each_other(
    world: World, port: int, settings: Settings, tmp_path: Path
) -> None:
    """At two processes: who looks, where, and what they edit; who is away or gone is seen no more."""
    made = create_app(settings.model_copy(update={"home": tmp_path}))
    ada = await world.user(name="Ada")
    key = await world.project(ada)
    bob = await world.member(key, "editor")
    document, item, attribute = (str(uuid4()) for _ in range(3))
    async with made.router.lifespan_context(made), served(made) as other_port:
        async with listening(port, ada) as near:
            await near.watch(key)
            await near.people()
            async with listening(other_port, bob) as far:
                await far.watch(key)
                await far.send("here", project=key, document=document)
                (seen,) = await near.people(_name(bob))
                assert seen["user"]["id"] == str(bob.user.user_id)
                assert (seen["document"], seen["item"]) == (document, None)
                await far.send(
                    "here", project=key, document=document, item=item, attribute=attribute
                )
                while seen["attribute"] is None:
                    (seen,) = await near.people(_name(bob))
                assert (seen["item"], seen["attribute"]) == (item, attribute)
                # Who never said where they are is seen by nobody.
                await far.people(_name(bob))
                await near.send("here", project=key)
                await far.people(_name(ada), _name(bob))
                await near.send("away", project=key)
                await far.people(_name(bob))
                await far.send("unwatch", project=key)
                await near.people()
                await far.watch(key)
                await far.send("here", project=key)
                await near.people(_name(bob))
            await near.people()


async def test_a_token_without_the_permission_sees_nobody_and_is_seen_by_nobody(
    world: World, port: int
) -> None:
    ada = await world.user(name="Ada")
    key = await world.project(ada)
    made = await ada.post("/me/tokens", json={"name": "t", "permissions": ["history:read"]})
    machine = world.anonymous()
    machine.headers["Authorization"] = f"Bearer {made.json()['token']}"
    async with listening(port, ada) as near, listening(port, machine) as far:
        await near.watch(key)
        await near.send("here", project=key)
        await far.watch(key)
        await far.send("here", project=key)
        await near.send("ping")
        await near.next("pong")
        await far.send("ping")
        await far.next("pong")
        bob = await world.member(key, "viewer")
        async with listening(port, bob) as third:
            await third.watch(key)
            await third.people(_name(ada))
    assert "people" not in {message["type"] for message in far.seen}


async def test_whoever_is_not_renewed_is_forgotten(
    world: World, port: int, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was killed leaves its people in Redis; they count until their time is over."""
    ada = await world.user(name="Ada")
    key = await world.project(ada)
    project_id = (await ada.get(f"/projects/{key}")).json()["id"]
    ghost = presence._written(Presence("ghost", ada.user.user_id, "Ghost", Place()), at := 2e9)
    await app.state.redis.hset(presence._key(project_id), "ghost", ghost)
    assert at
    async with listening(port, ada) as near:
        await near.watch(key)
        await near.people("Ghost")
        await app.state.redis.hset(
            presence._key(project_id),
            "ghost",
            presence._written(Presence("ghost", ada.user.user_id, "Ghost", Place()), 1.0),
        )
        await near.people()


async def test_without_redis_those_of_this_process_are_seen(
    world: World, settings: Settings, tmp_path: Path
) -> None:
    away = {"home": tmp_path, "redis_url": "redis://127.0.0.1:1/0"}
    made = create_app(settings.model_copy(update=away))
    ada = await world.user(name="Ada")
    key = await world.project(ada)
    async with made.router.lifespan_context(made), served(made) as port:
        async with listening(port, ada) as one, listening(port, ada) as two:
            await one.watch(key)
            await two.watch(key)
            await two.send("here", project=key)
            await one.people(_name(ada))


def test_places_that_may_not_be_known_are_left_out() -> None:
    secret, open_document, item = new_id(), new_id(), new_id()
    secret_attribute, attribute = new_id(), new_id()
    withheld = Withheld((secret,), (secret_attribute,))
    for place, expected in (
        (Place(open_document, item, attribute), (open_document, item, attribute)),
        (Place(open_document, item, secret_attribute), (open_document, item, None)),
        (Place(secret, item, attribute), (None, None, None)),
        (Place(secret), (None, None, None)),
        (Place(None, item, attribute), (None, None, None)),
    ):
        assert _shown(place, withheld) == expected
        assert _shown(place, NOTHING_WITHHELD) == (place.document, place.item, place.attribute)


def _shown(place: Place, withheld: Withheld) -> tuple[object, ...]:
    (shown,) = shown_to([Presence("1", new_id(), "Bob", place)], "A", withheld)["people"]
    return shown["document"], shown["item"], shown["attribute"]
