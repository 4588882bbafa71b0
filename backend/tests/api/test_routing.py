"""Leaving out routers by a word of their paths changes no answer, and spares most patterns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Scope

from reqtrail.api.openapi import routes_of
from reqtrail.api.router import PREFIX, ROUTERS
from reqtrail.platform.http import ApiRouter

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MOST_TRIED = 40
"""Patterns tried for one address, in the mean of all; without leaving any out it is half of more than 150."""


@pytest.fixture(scope="module")
def app() -> FastAPI:
    made = FastAPI()
    for router in ROUTERS:
        made.include_router(router, prefix=PREFIX)
    return made


def _example(path: str) -> str:
    return re.sub(r"{[^}]*}", str(UUID(int=0)), path)


def _addresses(app: FastAPI) -> Iterator[str]:
    for path in sorted({str(route.path) for route in routes_of(app)}):
        yield _example(path)
        yield _example(path) + "/unknown"


def _answers(app: FastAPI) -> dict[tuple[str, str], list[Match]]:
    """Return what each included router says to each address and method, until one takes it."""
    said: dict[tuple[str, str], list[Match]] = {}
    for path in _addresses(app):
        for method in METHODS:
            scope: Scope = {"type": "http", "method": method, "path": path, "root_path": ""}
            answers = said[method, path] = []
            for route in app.router.routes:
                answers.append(route.matches(scope)[0])
                if answers[-1] is Match.FULL:
                    break
    return said


def test_the_same_routers_answer(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: Counter[str] = Counter()
    match = APIRoute.matches

    def counted(route: APIRoute, scope: Scope) -> tuple[Match, Scope]:
        tried[scope["path"]] += 1
        return match(route, scope)

    monkeypatch.setattr(APIRoute, "matches", counted)
    found = _answers(app)
    in_the_mean = tried.total() / len(found)
    tried.clear()
    monkeypatch.setattr(ApiRouter, "matches", APIRouter.matches)
    assert found == _answers(app)
    answered = {asked for asked, said in found.items() if Match.FULL in said}
    declared = {
        (method, _example(str(route.path)))
        for route in routes_of(app)
        for method in route.methods or ()
    }
    assert declared <= answered
    assert in_the_mean < MOST_TRIED < tried.total() / len(found)
