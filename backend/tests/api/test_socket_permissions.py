"""Every message that a socket may send, from every kind of actor, does what may be done and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest
from fastapi import FastAPI

from reqtrail.features.collaboration.schemas import Incoming
from reqtrail.features.collaboration.types import CloseCode
from tests.api.cast import ACTORS, READERS, SIGNED_IN, UNPROVEN, Cast
from tests.fixtures.sockets import Listener, listening, served

pytestmark = pytest.mark.anyio

IN_PROJECT = {"watch": "watching", "here": None, "away": None, "unwatch": None}
"""Messages about a project that must be watched first, or begin it, and what answers them to whoever may."""
BESIDE = {"hello": "welcome", "ping": "pong"}
"""Messages about no project."""
LISTS = {
    "project": READERS,
    "own": SIGNED_IN,
    "instance": {"administrator"},
}
"""Lists of jobs, and who may follow them: whoever may ask for them."""
REFUSED = {
    "outsider": "project_not_found",
    "elsewhere": "project_not_found",
    "limited": "token_limited",
}


@pytest.fixture
async def port(app: FastAPI) -> AsyncIterator[int]:
    """The port of the application."""
    async with served(app) as found:
        yield found


def test_every_message_is_looked_at() -> None:
    kinds = {get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(Incoming)}
    assert kinds == IN_PROJECT.keys() | BESIDE.keys() | {"follow", "unfollow"}


async def _answered(listener: Listener, kind: str, **fields: Any) -> dict[str, Any] | None:
    """Send a message; return what answers it before the pong to a ping that follows."""
    await listener.send(kind, **fields)
    await listener.send("ping")
    answer = await listener.next("watching", "problem", "pong")
    if answer["type"] == "pong":
        return None
    await listener.next("pong")
    return answer


@pytest.mark.parametrize("actor", ACTORS)
async def test_messages_do_what_the_actor_may(people: Cast, port: int, actor: str) -> None:
    client = people.clients[actor]
    if actor in UNPROVEN:
        async with listening(port) as listener:
            token = client.headers.get("Authorization", "").removeprefix("Bearer ")
            await listener.send("hello", token=token)
            assert await listener.closed() == (CloseCode.SIGN_IN_ENDED, "token_invalid")
        return
    async with listening(port, client) as listener, listening(port, people.clients["owner"]) as own:
        await own.watch(people.key)
        await own.next("people")
        watching = await _answered(listener, "watch", project=people.key)
        assert watching is not None
        if actor in READERS:
            assert watching["type"] == IN_PROJECT["watch"]
        else:
            assert (watching["type"], watching["code"]) == ("problem", REFUSED[actor])
        for kind in ("here", "away"):
            answer = await _answered(listener, kind, project=people.key)
            if actor in READERS:
                assert answer is None
            else:
                assert answer is not None and answer["code"] == "message_invalid"
        assert await _answered(listener, "unwatch", project=people.key) is None
        await own.send("ping")
        await own.next("pong")
    told = [one["people"] for one in own.seen if one["type"] == "people"]
    seen = {one["user"]["id"] for people_there in told for one in people_there}
    if actor not in READERS:
        assert seen == set()


@pytest.mark.parametrize("actor", sorted(set(ACTORS) - UNPROVEN))
async def test_jobs_are_told_to_whom_their_list_is_shown(
    people: Cast, port: int, actor: str
) -> None:
    """What a socket is told of is what a request would be answered."""
    client = people.clients[actor]
    paths = {"project": f"/projects/{people.key}/jobs", "own": "/jobs", "instance": "/admin/jobs"}
    async with listening(port, client) as listener:
        for jobs, admitted in LISTS.items():
            project = people.key if jobs == "project" else None
            listed = await client.get(paths[jobs])
            await listener.send("follow", jobs=jobs, project=project)
            answer = await listener.next("following", "unfollowed", "problem")
            assert (answer["jobs"], answer["project"]) == (jobs, project)
            if actor in admitted:
                assert (listed.status_code, answer["type"]) == (200, "following")
            else:
                assert (answer["type"], answer["code"]) == ("unfollowed", listed.json()["code"])
            await listener.send("unfollow", jobs=jobs, project=project)
