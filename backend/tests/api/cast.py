"""One client of each kind of actor, all about one project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import pytest

from tests.fixtures.api import Client, World

OWNERS = {"owner", "administrator"}
WRITERS = OWNERS | {"editor"}
READERS = WRITERS | {"reviewer", "commenter", "viewer"}
LIMITED = {"limited", "elsewhere"}
"""An owner with a token that lacks the permission of the route, or that is good for another project."""
SIGNED_IN = READERS | {"outsider"}
UNPROVEN = {"anonymous", "revoked", "disabled", "forged"}
"""Whoever proves nothing, or no longer."""
ACTORS: Final = sorted(SIGNED_IN | LIMITED | UNPROVEN)
PROJECT_ROLES = ("editor", "reviewer", "commenter", "viewer")


class Cast:
    """One client of each kind of actor, all about one project."""

    def __init__(self, key: str, group: str, clients: dict[str, Client]) -> None:
        self.key = key
        self.group = group
        self.clients = clients


@pytest.fixture
async def people(world: World) -> AsyncIterator[Cast]:
    """A project and everybody who may or may not come near it."""
    owner = await world.user()
    key = await world.project(owner)
    administrator = await world.administrator()
    revoked, disabled = await world.member(key, "owner"), await world.member(key, "owner")
    made = (await revoked.post("/me/tokens", json={"name": "laptop"})).json()
    await revoked.delete(f"/me/tokens/{made['id']}")
    revoked.headers["Authorization"] = f"Bearer {made['token']}"
    path = f"/users/{disabled.user.user_id}"
    assert (await administrator.patch(path, json={"active": False})).status_code == 200
    forged = world.anonymous()
    forged.headers["Authorization"] = "Bearer rqt_" + "A" * 43
    made = await administrator.post("/groups", json={"name": f"Group of {key}"})
    yield Cast(
        key,
        made.json()["id"],
        {
            "anonymous": world.anonymous(),
            "outsider": await world.user(),
            **{role: await world.member(key, role) for role in PROJECT_ROLES},
            "owner": owner,
            "administrator": administrator,
            "revoked": revoked,
            "limited": await _with_token(world, owner, permissions=["project:read"]),
            "limited otherwise": await _with_token(world, owner, permissions=["document:read"]),
            "elsewhere": await _with_token(world, owner, projects=[await world.project(owner)]),
            "disabled": disabled,
            "forged": forged,
        },
    )


async def _with_token(world: World, owner: Client, **limits: list[str]) -> Client:
    made = await owner.post("/me/tokens", json={"name": "CI", **limits})
    client = world.anonymous()
    client.headers["Authorization"] = f"Bearer {made.json()['token']}"
    return client
