"""The OpenAPI 3.1 document. ``python -m reqtrail.api.openapi`` prints it, without a database or a server."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

import orjson
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from reqtrail import __version__
from reqtrail.api.router import PREFIX, ROUTERS
from reqtrail.platform.permissions import declared, needs_whole

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "An error (RFC 9457). Programs act on `code`, which is stable; people read `detail`.",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "retry_after": {"type": "integer", "description": "Seconds to wait."},
        "errors": {
            "type": "array",
            "description": "What is wrong with which field.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
    "additionalProperties": True,
}
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def routes_of(app: FastAPI) -> Iterator[RouteContext]:
    """Yield every API route of *app* as it is effective: with its full path and all its dependencies."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            yield context


def permissions(app: FastAPI) -> dict[str, list[str]]:
    """Return what each operation declares about who may call it, by operation id."""
    return {
        str(route.operation_id): sorted(set(declared(route.dependant)))
        for route in routes_of(app)
        if route.dependant is not None
    }


def whole_readers(app: FastAPI) -> set[str]:
    """Return the operations that are refused to those who may not read everything in the project."""
    return {
        str(route.operation_id)
        for route in routes_of(app)
        if route.dependant is not None and needs_whole(route.dependant)
    }


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of *app*."""
    content = get_openapi(
        title="Reqtrail",
        version=__version__,
        description=(
            "The scalable requirements tracker. Reads take `?at=<ref>`; writes take `Idempotency-Key`;"
            " errors are problem documents (RFC 9457)."
        ),
        routes=app.routes,
    )
    components = content.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token of `sign_in`, or a personal token (`rqt_…`).",
        }
    }
    declarations = permissions(app)
    _forms_have_no_null(content["paths"], schemas)
    whole = whole_readers(app)
    for item in content["paths"].values():
        for method in _METHODS:
            if method in item:
                _complete(item[method], declarations, whole)
    return content


def _forms_have_no_null(paths: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Take null from what the fields of forms may be: a field is text, or it is left out."""
    for item in paths.values():
        for operation in item.values():
            form = operation.get("requestBody", {}).get("content", {}).get("multipart/form-data")
            if form is None:
                continue
            name = form["schema"]["$ref"].rpartition("/")[2]
            for field in schemas[name]["properties"].values():
                kinds = [kind for kind in field.get("anyOf", ()) if kind != {"type": "null"}]
                if len(kinds) == 1:
                    del field["anyOf"]
                    field.update(kinds[0])


def _complete(
    operation: dict[str, Any], declarations: dict[str, list[str]], whole: set[str]
) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    answers["default"] = {
        "description": "A problem",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    permission = ", ".join(declarations.get(operation.get("operationId", ""), []))
    operation["x-permission"] = permission
    if operation.get("operationId") in whole:
        operation["x-needs-whole-project"] = True
    operation["security"] = [] if permission == "public" else [{"bearer": []}]


def main() -> None:
    """Print the document of this build."""
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    sys.stdout.buffer.write(
        orjson.dumps(document(app), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )


if __name__ == "__main__":
    main()
