"""What not every member may read, generated from the description of the API: no answer shows it to the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from reqtrail.api import openapi
from reqtrail.bootstrap.kinds import register_kinds
from reqtrail.bootstrap.metadata import metadata
from reqtrail.features.versioning.public import declared_readings
from tests.api.restricted_project import OPEN, SECRET, VALUE, Restricted, make_restricted
from tests.api.test_foreign_ids import Operation, operations
from tests.api.two_projects import EXAMPLES, filled
from tests.fixtures.api import Client, World

pytestmark = pytest.mark.anyio

READING = {"preview_merge", "preview_restore", "verify_project"}
"""Operations that are no GET and change nothing."""
MORE: Mapping[str, tuple[dict[str, str], ...]] = {
    "blame_item": tuple({"attribute": name} for name in ("Expected result", "Title", "Text")),
    "compare": (
        {"from": "3", "to": "main"},
        {"from": "3", "to": "later"},
        {"from": "9", "to": "3"},
    ),
    "find_in_document": ({"q": SECRET}, {"q": VALUE}),
    "list_commits": ({}, {"author": "me"}),
    "list_items": ({"q": SECRET}, {"q": VALUE}, {"state": "deleted"}, {"state": "unplaced"}, {}),
}
"""What else operations are asked."""
OF_OWNERS = {
    "audit:read",
    "history:redact",
    "member:manage",
    "project:update",
    "restriction:manage",
    "webhook:manage",
}


@pytest.fixture
async def made(world: World) -> Restricted:
    """The project with what is restricted in it."""
    return await make_restricted(world)


async def _call(
    client: Client, key: str, operation: Operation, given: tuple[Any, Any, Any], files: Any = None
) -> httpx.Response:
    method, template, _ = operation
    path, query, body = given
    address = template.replace("{project}", key)
    for name, value in path.items():
        address = address.replace(f"{{{name}}}", value)
    return await client.request(method, address, params=query, json=body, files=files)


def _calls(name: str, names: Mapping[str, str]) -> Iterator[tuple[Any, Any, Any]]:
    """Yield (path, query, body) of each example of an operation, at the newest version and at others."""
    example = EXAMPLES[name]
    known = {**names, "new": str(uuid4())}
    path, query = filled(example.path, known), filled(example.query, known)
    for body in (example.body, *example.bodies):
        yield path, query, filled(body, known)
    if "at" in query:
        for at in ("main", names["baseline_name"], "9"):
            yield path, {**query, "at": at}, None
    if "branch" in query:
        yield path, {key: value for key, value in query.items() if key != "branch"}, None
    if name == "get_commit":
        for seq in range(1, 17):
            yield {"seq": str(seq)}, query, None
    if name == "get_entity_history":
        for other in ("document", "placement", "link", "attribute", "type", "other"):
            yield {"entity_id": names[other]}, query, None
    if name == "list_commits":
        for other in ("document", "attribute"):
            yield {}, {"entity": names[other]}, None
    for more in MORE.get(name, ()):
        yield path, {**query, **more}, None
        yield path, more, None


def _reading(app: FastAPI) -> dict[str, Operation]:
    return {
        name: operation
        for name, operation in operations(openapi.document(app)).items()
        if operation[0] == "GET" or name in READING
    }


async def test_no_read_shows_what_is_restricted(made: Restricted, app: FastAPI) -> None:
    wrong, shown = [], 0
    for name, operation in _reading(app).items():
        permission = operation[2]["x-permission"]
        whole = operation[2].get("x-needs-whole-project", False)
        for hidden, names in ((False, made.content.names), (True, made.hidden)):
            for given in _calls(name, names):
                answer = await _call(made.viewer, made.content.key, operation, given)
                told = answer.text.replace(made.hidden["sha256"], "")
                for sent in (SECRET, VALUE):  # an answer to a search may name what was asked for
                    assert sent not in told, (name, given, answer.status_code, told[:2000])
                ids = {item for item in made.ids if item in told and item not in str(given)}
                assert not ids, (name, given, answer.status_code, told[:2000])
                if permission in OF_OWNERS:
                    expected = {403}
                elif whole:
                    expected = {403, 404} if name == "get_import" else {403}
                else:
                    expected = {200, 404, 409, 403, 422} if hidden else {200, 404, 422}
                if answer.status_code not in expected:
                    wrong.append((name, hidden, given, answer.status_code, told[:200]))
                if whole and permission not in OF_OWNERS:
                    assert answer.json()["code"] == "reading_restricted", name
                shown += OPEN in told
    assert not wrong, "\n".join(map(str, wrong))
    assert shown > 30


@pytest.mark.parametrize("who", ["reader", "colleague"])
async def test_those_who_may_read_everything_do(made: Restricted, app: FastAPI, who: str) -> None:
    """Or the test above would pass for a project that shows nobody anything."""
    seen: dict[str, set[str]] = {}
    for name, operation in _reading(app).items():
        for names in (made.content.names, made.hidden):
            for given in _calls(name, names):
                answer = await _call(getattr(made, who), made.content.key, operation, given)
                found = {word for word in (SECRET, VALUE) if word in answer.text}
                seen.setdefault(name, set()).update(found)
                assert '"code":"reading_restricted"' not in answer.text, name
    both = {"get_rows", "get_item", "list_items", "compare", "get_item_history", "blame_item"}
    assert {name for name in both if seen[name] != {SECRET, VALUE}} == set()
    one = {"list_documents", "get_outline", "list_commits", "get_document_history", "list_links"}
    assert {name for name in one if SECRET not in seen[name]} == set()
    assert VALUE in seen["get_schema"]


def _hidden_writes(made: Restricted, name: str) -> Iterator[tuple[Any, Any, Any]]:
    """Yield the examples of a write with each name in turn that of something hidden."""
    example = EXAMPLES[name]
    own = {**made.content.names, "new": str(uuid4())}
    differing = [key for key, value in made.hidden.items() if own.get(key) != value]
    for body in (example.body, *example.bodies):
        given = (example.path, example.query, body)
        for key in differing:
            if f"{{{key}}}" in str(given) and key not in {
                "attribute", "branch", "branch_name", "baseline", "baseline_name",
            }:  # fmt: skip
                names = {**own, key: made.hidden[key]}
                yield (
                    filled(example.path, names),
                    filled(example.query, names),
                    filled(body, names),
                )


async def test_what_one_may_not_read_cannot_be_written(made: Restricted, app: FastAPI) -> None:
    before = (await made.owner.get(made.path(""))).json()
    wrong, tried = [], 0
    for name, operation in operations(openapi.document(app)).items():
        if operation[0] == "GET":
            continue
        for given in _hidden_writes(made, name):
            example = EXAMPLES[name]
            answer = await _call(made.editor, made.content.key, operation, given, example.files)
            tried += 1
            if answer.status_code not in {403, 404, 409, 422}:
                wrong.append((name, given, answer.status_code, answer.text[:300]))
            assert SECRET not in answer.text and VALUE not in answer.text, (name, given)
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 15
    after = (await made.owner.get(made.path(""))).json()
    assert before == after


def test_every_versioned_table_says_what_of_it_can_be_read() -> None:
    register_kinds()
    versioned = {table.name for table in metadata.sorted_tables if table.info.get("versioned")}
    assert declared_readings() == versioned
