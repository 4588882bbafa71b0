"""SQL in every parameter of every reading operation: never a crash, never a row more than without it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from reqtrail.api import openapi
from tests.api.two_projects import EXAMPLES, Content, filled, make_content
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio

SAMPLE: Final = 3
SEED: Final = 1


def _strings(shared: Path) -> list[str]:
    found: list[str] = json.loads((shared / "corpora" / "sqli.json").read_text())
    return [text for text in found if "\0" not in text]


Probe = tuple[str, dict[str, str], dict[str, str], str, str]
"""The path, the values in it, the query, where the SQL goes (path or query) and into which field."""


def _probes(world: World, content: Content) -> Iterator[Probe]:
    """Yield each parameter of each reading operation, with values that find something in all the others."""
    for path, methods in openapi.document(world.app)["paths"].items():
        operation = methods.get("get")
        if operation is None:
            continue
        example = EXAMPLES.get(operation["operationId"])
        places = {
            "project": content.key,
            "group_id": content.names["group"],
            "user_id": content.names["member"],
            "provider_id": "none",  # an instance under test trusts no provider: back to the sign-in
        }
        query = {}
        if example is not None:
            places |= filled(example.path, content.names)
            query = filled(example.query, content.names)
        for parameter in operation.get("parameters", []):
            where = parameter["in"]
            if where in {"path", "query"}:
                yield path.removeprefix("/api/v1"), places, query, where, parameter["name"]


VERSIONS: Final = {"at", "from", "to", "ref"}
"""Parameters that name a version, which a number does."""


def _rows(answer: httpx.Response) -> int:
    """Return how many rows an answer holds: the lines of an export, the elements of all lists of a page."""
    if answer.status_code != 200:
        return 0
    if answer.headers["content-type"] != "application/json":
        return answer.text.count("\n")
    return _elements(answer.json())


def _elements(value: Any) -> int:
    if isinstance(value, list):
        return len(value) + sum(map(_elements, value))
    if isinstance(value, dict):
        return sum(map(_elements, value.values()))
    return 0


async def _get(
    client: Client, path: str, places: dict[str, str], query: dict[str, str]
) -> httpx.Response:
    escaped = {name: quote(value, safe="") for name, value in places.items()}
    return await client.get(path.format_map(escaped), params=query)


async def _wrong_answers(world: World, strings: list[str]) -> list[tuple[str, str, str, int, int]]:
    content = await make_content(world, "Quarry")
    client = await world.sign_in_as((await world.administrator()).user)
    role = {"role": "owner"}
    address = f"/projects/{content.key}/members/{client.user.user_id}"
    assert (await client.put(address, json=role)).status_code == 200
    wrong = []
    for path, places, query, where, field in _probes(world, content):
        others = {name: value for name, value in query.items() if name != field}
        plain = await _get(client, path, places, query if where == "path" else others)
        found = {303} if "{provider_id}" in path else {200, 409, 422}
        if path.endswith("/jobs/{job_id}/result"):
            found = {403}  # it is for whoever asked for the job alone
        assert plain.status_code in found, (path, field, plain.text)
        for text in strings:
            if text.isdecimal() and field in VERSIONS:
                continue  # another version, and so another answer
            if where == "path":
                answer = await _get(client, path, {**places, field: text}, query)
            else:
                answer = await _get(client, path, places, {**others, field: text})
            more = plain.status_code == 200 and _rows(answer) > _rows(plain)
            if more:  # the record of exports grows by what is asked here
                plain = await _get(client, path, places, query if where == "path" else others)
                more = _rows(answer) > _rows(plain)
            if answer.status_code >= 500 or more:
                wrong.append((path, field, text, answer.status_code, _rows(answer)))
    return wrong


async def test_a_sample_of_sql(world: World, shared_folder: Path) -> None:
    strings = random.Random(SEED).sample(_strings(shared_folder), SAMPLE)
    assert await _wrong_answers(world, strings) == []


@pytest.mark.long
async def test_all_sql(unlimited: World, shared_folder: Path) -> None:
    assert await _wrong_answers(unlimited, _strings(shared_folder)) == []
