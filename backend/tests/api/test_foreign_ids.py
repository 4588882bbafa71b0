"""Tenancy, generated from the description of the API: an id of another project in any field finds nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from reqtrail.api import openapi
from reqtrail.bootstrap.metadata import metadata
from tests.api.two_projects import (
    EXAMPLES,
    MARKER,
    NAME,
    TABLES,
    WITHOUT_DOOR,
    Content,
    Example,
    filled,
    make_content,
)
from tests.fixtures.api import World

pytestmark = pytest.mark.anyio

PREFIX = "/api/v1/projects/{project}"
_ORDER = ("GET", "POST", "PUT", "PATCH", "DELETE")
REFS = {"at", "branch", "from", "to", "ref"}
"""Fields that name a version, in whatever operation."""

Operation = tuple[str, str, dict[str, Any]]


def operations(document: dict[str, Any]) -> dict[str, Operation]:
    """Return (method, path, description) of each operation of a project, by its id."""
    return {
        operation["operationId"]: (method.upper(), path.removeprefix("/api/v1"), operation)
        for path, methods in document["paths"].items()
        if path.startswith(PREFIX)
        for method, operation in methods.items()
    }


def _body_schema(document: dict[str, Any], operation: dict[str, Any]) -> Any:
    for media in operation.get("requestBody", {}).get("content", {}).values():
        return media["schema"]
    return None


def id_fields(
    document: dict[str, Any], schema: Any, seen: frozenset[str] = frozenset()
) -> set[str]:
    """Return the names of the fields of a body, at any depth, that hold ids or versions."""
    if isinstance(schema, list):
        return {name for item in schema for name in id_fields(document, item, seen)}
    if not isinstance(schema, dict):
        return set()
    reference = schema.get("$ref", "")
    if reference:
        if reference in seen:
            return set()
        found = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
        return id_fields(document, found, seen | {reference})
    names = set()
    for name, inner in schema.get("properties", {}).items():
        if "'uuid'" in str(inner) or name in REFS or name == "item":
            names.add(name)
        names |= id_fields(document, inner, seen)
    for word in ("anyOf", "oneOf", "allOf", "items"):
        names |= id_fields(document, schema.get(word, []), seen)
    return names


def missing_examples(document: dict[str, Any], examples: Mapping[str, Example]) -> list[str]:
    """Name what the description of the API has and *examples* do not, and the other way round."""
    found = operations(document)
    wrong = [f"{name}: no such operation" for name in examples.keys() - found.keys()]
    for name, (_, _, operation) in found.items():
        example = examples.get(name)
        if example is None:
            wrong.append(f"{name}: no example")
            continue
        for parameter in operation.get("parameters", []):
            where, field = parameter["in"], parameter["name"]
            if where == "path" and field not in {"project", *example.path}:
                wrong.append(f"{name}: no example of {field}")
            holds_id = "'uuid'" in str(parameter["schema"]) or field in REFS
            if where == "query" and (parameter.get("required") or holds_id):
                if field not in example.query:
                    wrong.append(f"{name}: no example of {field}")
        schema = _body_schema(document, operation)
        if schema is not None and example.body is None and example.files is None:
            wrong.append(f"{name}: no example of a body")
        shown = set(re.findall(r"'(\w+)':", str((example.body, *example.bodies))))
        wrong += [
            f"{name}: no example of {field} in the body"
            for field in id_fields(document, schema)
            if field not in shown
        ]
    return sorted(wrong)


def _swapped(value: Any, own: Mapping[str, str], foreign: Mapping[str, str]) -> Iterator[Any]:
    """Yield *value*, filled with *own*, with each of its names in turn taken from *foreign*."""
    if isinstance(value, str) and NAME.search(value) and "{new}" not in value:
        yield filled(value, foreign)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            for other in _swapped(item, own, foreign):
                yield {**filled(value, own), key: other}
    elif isinstance(value, list):
        for index, item in enumerate(value):
            for other in _swapped(item, own, foreign):
                with_list = filled(value, own)
                with_list[index] = other
                yield with_list


async def _call(
    content: Content, method: str, template: str, path: Any, query: Any, body: Any, files: Any
) -> httpx.Response:
    address = template.replace("{project}", content.key)
    for name, value in path.items():
        address = address.replace(f"{{{name}}}", value)
    return await content.owner.request(method, address, params=query, json=body, files=files)


def _foreign_calls(
    example: Example, own: Mapping[str, str], foreign: Mapping[str, str]
) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield (what is foreign, path, query, body) of each call with one foreign id."""
    path, query = filled(example.path, own), filled(example.query, own)
    body = filled(example.body, own)
    for other in _swapped(example.path, own, foreign):
        yield next(name for name in other if other[name] != path[name]), other, query, body
    for other in _swapped(example.query, own, foreign):
        yield next(name for name in other if other[name] != query[name]), path, other, body
    for given in (example.body, *example.bodies):
        for other in _swapped(given, own, foreign):
            yield f"body {other}", path, query, other


@pytest.fixture
async def projects(world: World) -> tuple[Content, Content]:
    """One's own project and a foreign one, with one of everything in each."""
    return await make_content(world, "Own"), await make_content(world, MARKER)


async def test_every_operation_has_an_example(app: FastAPI) -> None:
    assert missing_examples(openapi.document(app), EXAMPLES) == []


async def test_what_has_no_example_is_found(app: FastAPI) -> None:
    document = openapi.document(app)
    examples = dict(EXAMPLES)
    del examples["get_item"]
    examples["list_links"] = Example()
    examples["create_link"] = Example(query={"branch": "main"}, body={"source_id": "{item}"})
    examples["find_in_document"] = Example(query={"q": "x", "at": "main"})
    examples["gone"] = Example()
    assert missing_examples(document, examples) == [
        "create_link: no example of target_id in the body",
        "create_link: no example of type_id in the body",
        "find_in_document: no example of document",
        "get_item: no example",
        "gone: no such operation",
        "list_links: no example of at",
        "list_links: no example of item",
    ]


def test_every_table_of_a_project_has_a_case() -> None:
    tables = {table.name for table in metadata.sorted_tables if table.info["scope"] == "tenant"}
    assert TABLES.keys() | WITHOUT_DOOR.keys() == tables
    assert not TABLES.keys() & WITHOUT_DOOR.keys()
    assert set(TABLES.values()) <= EXAMPLES.keys()


async def test_foreign_ids_find_nothing(projects: tuple[Content, Content], app: FastAPI) -> None:
    own, foreign = projects
    names = {**own.names, "new": str(uuid4())}
    wrong, tried = [], 0
    for name, (method, template, _) in operations(openapi.document(app)).items():
        example = EXAMPLES[name]
        for what, path, query, body in _foreign_calls(example, names, foreign.names):
            if what in example.free:
                continue
            answer = await _call(own, method, template, path, query, body, example.files)
            tried += 1
            expected = {200} if what in example.lists else {404, 409, 422}
            told = answer.text
            for sent in (foreign.names["branch_name"], foreign.names["baseline_name"]):
                told = told.replace(sent, "")  # refusals name what was asked for
            if answer.status_code not in expected or MARKER in told:
                wrong.append((name, what, answer.status_code, answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))
    assert tried > 90


async def test_own_ids_find_what_is_there(projects: tuple[Content, Content], app: FastAPI) -> None:
    """Or the test above would pass for examples that never work. And no answer shows the other project."""
    own, foreign = projects
    names = {**own.names, "new": str(uuid4())}
    found = operations(openapi.document(app))
    wrong = []
    for name in sorted(EXAMPLES, key=lambda name: (_ORDER.index(found[name][0]), found[name][1])):
        method, template, _ = found[name]
        example = EXAMPLES[name]
        path, query = filled(example.path, names), filled(example.query, names)
        for given in (example.body, *example.bodies):
            body = filled(given, names)
            answer = await _call(own, method, template, path, query, body, example.files)
            told = [
                key
                for key in ("project", *foreign.names)
                if foreign.names.get(key, foreign.key) in answer.text
            ]
            if answer.status_code not in {200, 201, 202, 204, 409} or MARKER in answer.text or told:
                wrong.append((name, answer.status_code, told, answer.text[:300]))
    assert not wrong, "\n".join(map(str, wrong))
