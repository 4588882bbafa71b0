"""What schemathesis is told about this API, loaded into its process by ``test_conformance``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.core.failures import Failure

KNOWN = "CONFORMANCE_KNOWN"
"""The environment variable that names a file with what there is to ask for.

Its JSON holds ``account``, the id of the account that the requests come from, and ``operations``: by operation id,
``path``, ``query`` and ``body`` of a request that finds something.
"""

_KEYS: dict[str, str] = {}
"""The keys of projects that the run made, by id."""


@cache
def _known() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(os.environ[KNOWN]).read_text())
    return content


@schemathesis.hook
def before_load_schema(_context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Add what there is in the instance to the document: no generator guesses the id of a thing that is there."""
    operations = _known()["operations"]
    for item in raw_schema["paths"].values():
        for operation in item.values():
            example = operations.get(operation["operationId"], {})
            for parameter in operation.get("parameters", ()):
                _add(parameter, example.get(parameter["in"], {}))
            if example.get("body") is not None:
                content = operation["requestBody"]["content"]["application/json"]
                content["example"] = example["body"]


def _add(parameter: dict[str, Any], values: Mapping[str, Any]) -> None:
    name = parameter["name"]
    if name not in values:
        return
    if parameter["in"] == "path":
        parameter["schema"] = {"enum": [values[name]]}
    else:
        parameter["example"] = values[name]


@schemathesis.hook
def filter_failure(
    _context: schemathesis.HookContext,
    failure: Failure,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """Let through what is no fault.

    A request that fits the schema may be refused for what it means, never for its shape. No schema says which cursor,
    code or password is right, which link a type allows, or what is left of a mailed link; such a refusal has a code of
    its own. ``validation_failed`` says that the schema promised too much.

    What was made is there when the answer misses something else, which a body named: an account by its address.

    What stands in an address or a form is text: ``null`` where a text belongs is the text "null". A field of a form
    that is empty is one that is left out, as browsers send it. A project that the run made is none of those known.
    """
    if failure.title == "Schema-valid request rejected" and response.status_code in {410, 422}:
        return _code(response) in {"validation_failed", "bad_json", ""}
    if failure.title == "Created resource not found":
        return _code(response) != "user_not_found" or "/users/" in case.operation.path
    if failure.title == "Schema-violating request accepted":
        return not (
            _is_text_all_the_same(case, str(failure)) or _is_left_out(case) or _is_new(case)
        )
    return True


def _is_text_all_the_same(case: schemathesis.Case[Any], failure: str) -> bool:
    if not any(told in failure.lower() for told in ("incorrect type", "violates `type`")):
        return False
    if case.media_type == "multipart/form-data":
        return True
    found = re.search(r"parameter `(\w+)` in (?:path|query)", failure)
    parameters = case.operation.definition.raw.get("parameters", ())
    schemas = [given["schema"] for given in parameters if found and given["name"] == found[1]]
    return any("string" in str(schema) or "enum" in schema for schema in schemas)


def _is_left_out(case: schemathesis.Case[Any]) -> bool:
    form = case.body if case.media_type == "multipart/form-data" else None
    return isinstance(form, dict) and "" in form.values()


def _is_new(case: schemathesis.Case[Any]) -> bool:
    return (case.path_parameters or {}).get("project") in _KEYS.values()


def _code(response: schemathesis.Response) -> str:
    content = response.json()
    return str(content.get("code", "")) if isinstance(content, dict) else ""


@schemathesis.hook
def filter_path_parameters(
    _context: schemathesis.HookContext, path_parameters: dict[str, Any] | None
) -> bool:
    """Keep the run from ending its own account: all that comes after would be refused."""
    given = (path_parameters or {}).get("user_id")
    return str(given).lower() != str(_known()["account"])


@schemathesis.hook
def after_call(
    _context: schemathesis.HookContext,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> None:
    """Remember the key of a new project."""
    if case.operation.label == "POST /api/v1/projects" and response.status_code == 201:
        content = response.json()
        _KEYS[content["id"]] = content["key"]


@schemathesis.hook
def before_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]
) -> None:
    """Address a new project by its key: schemathesis guesses that its id is what addresses ask for."""
    project = (case.path_parameters or {}).get("project")
    if isinstance(project, str) and project in _KEYS:  # made up at random, it may be anything
        case.path_parameters["project"] = _KEYS[project]
