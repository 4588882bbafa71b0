"""Bodies: too large, too slow, in too many parts, or from nobody; each is refused before it costs much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from reqtrail.platform.settings import Settings
from tests.api.test_edge import instance
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.reqif"\r\n\r\n'


@pytest.mark.parametrize("content_type", [FORM, "multipart/mixed; boundary=x", "Multipart/x"])
async def test_a_form_is_not_taken_where_json_is(world: World, content_type: str) -> None:
    client = world.anonymous()
    body = b"x" * (world.app.state.settings.max_body_mb - 1) * 2**20
    for path in ("/auth/sign-in", "/projects"):
        answer = await client.post(path, content=body, headers={"Content-Type": content_type})
        assert (answer.status_code, answer.json()["code"]) == (415, "no_form")


async def test_nobody_uploads_anything(world: World) -> None:
    key = await world.project(await world.user())
    for authorization in ("", "Bearer nonsense", "Bearer rqt_" + "x" * 43, "Basic eDp4"):
        read = 0

        async def upload() -> AsyncIterator[bytes]:
            nonlocal read
            yield PART
            for _ in range(64):
                read += 1
                yield b"x" * 2**20

        headers = {"Content-Type": FORM, "Authorization": authorization}
        if not authorization:
            del headers["Authorization"]
        for route in ("imports", "history-imports", "files"):
            path = f"/projects/{key}/{route}"
            answer = await world.anonymous().post(path, content=upload(), headers=headers)
            assert answer.status_code == 401 and read == 0, (route, authorization)


async def test_a_form_has_few_parts(world: World) -> None:
    client = await world.user()
    path = f"/projects/{await world.project(client)}/imports"
    many_files = [("file", (f"{number}.reqif", b"x")) for number in range(11)]
    many_fields = {f"field{number}": "x" for number in range(300)}
    for answer in (
        await client.post(path, files=many_files),
        await client.post(path, files={"file": ("a.reqif", b"x")}, data=many_fields),
        await client.post(path, files={"file": ("a.reqif", b"x")}, data={"mode": "x" * 2**21}),
        await client.post(path, content=b"nonsense", headers={"Content-Type": FORM}),
        await client.post(path, content=b"", headers={"Content-Type": "multipart/form-data"}),
    ):
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("pause", [None, 0.02])
async def test_a_body_that_comes_too_slowly_is_given_up(
    settings: Settings, pause: float | None
) -> None:
    async with instance(settings, body_seconds=0.2) as world:
        client = await world.user()
        key = await world.project(client)

        async def drip() -> AsyncIterator[bytes]:
            yield PART
            while True:
                if pause is None:
                    await asyncio.Event().wait()
                else:
                    await asyncio.sleep(pause)
                yield b"x"

        for path, content_type in (
            ("/projects", "application/json"),
            (f"/projects/{key}/imports", FORM),
        ):
            headers = {"Content-Type": content_type}
            answer = await client.post(path, content=drip(), headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (408, "slow_body")
            assert answer.headers["connection"] == "close"
        assert (await client.get("/me")).status_code == 200
