"""What every feature's routes share: strict JSON and idempotent writes.

A feature makes its router with ``ApiRouter()``. A route of it

* reads JSON strictly: NUL characters and lone surrogates are refused with 422, since PostgreSQL cannot store them;
* takes a ``Body``, which refuses fields that it does not know;
* keeps its answer in the transaction of the write, when the caller sent an ``Idempotency-Key``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.params import Form
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from starlette.routing import Match
from starlette.types import Scope

from reqtrail.kit.canonical_json import contains_nul
from reqtrail.kit.errors import Invalid, ReqtrailError, UnsupportedMedia
from reqtrail.platform.idempotency import Finish, StoredAnswer


class Body(BaseModel):
    """The JSON of a request: an unknown field is refused, so that a slip of the pen never passes for success."""

    model_config = ConfigDict(extra="forbid")


def _no_number(value: Any) -> Any:
    """Refuse seconds since 1970, which Pydantic would take, and of which the OpenAPI file says nothing."""
    try:
        float(value)
    except (TypeError, ValueError):
        return value
    raise ValueError("Write the moment as in RFC 3339: 2026-01-31T12:00:00Z.")


Moment = Annotated[datetime, BeforeValidator(_no_number)]
"""A moment in a query or a form: a date and a time, never a number."""


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _NotBlank:
    """Says in the schema what stripping a text of at least one character asks for: that it is not blank."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), "pattern": r"[^\s\x85]|\ufeff"}


NOT_BLANK: Final = _NotBlank()
"""Of a text that is stripped and must not be empty. White space is what Unicode says, which is not quite ``\\s`` of the
regular expressions that JSON Schema uses: there U+0085 is none and U+FEFF is some."""

WHOLE: Final = BeforeValidator(_whole)
"""Of a ``StrictInt`` in a body: JSON knows one kind of number, so that 5.0 is 5; a text or true is still none."""


class UnstorableText(Invalid):
    """The request holds a NUL character or half of a surrogate pair."""

    code = "unstorable_text"
    title = "The request holds characters that are no text"

    def __init__(self) -> None:
        super().__init__("Remove NUL characters and unpaired surrogates from the request.")


class NoForm(UnsupportedMedia):
    """The request is a form, whose larger limit is for routes that take files."""

    code = "no_form"
    title = "Forms are not taken here"


class BodyRefused(HTTPException):
    """Carries ``error`` through FastAPI's reading of the body, which turns all other exceptions into a plain 400."""

    def __init__(self, error: ReqtrailError) -> None:  # noqa: B042 - never pickled
        super().__init__(error.status, error.detail)
        self.error = error


class Replay(HTTPException):
    """Ends a request with the answer that the same request got before."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class ApiRequest(Request):
    """A request whose JSON is read strictly."""

    async def json(self) -> Any:
        """Return the body as JSON values.

        Raises:
            BodyRefused: If it holds NUL characters or lone surrogates.
            json.JSONDecodeError: If it is no JSON (RFC 8259), is not UTF-8 or is nested too deeply.
        """
        body = await self.body()
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            if "surrogate" in error.msg and "UTF-8" not in error.msg:
                raise BodyRefused(UnstorableText()) from error
            raise
        # The walk costs time, so it is made only when the escape occurs at all.
        if b"\\u0000" in body and contains_nul(value):
            raise BodyRefused(UnstorableText())
        return value


AnswerRead = Callable[[Request, Callable[[], Awaitable[Response]]], Awaitable[Response]]
"""Handles a request, again if it only reads and the database fails meanwhile."""


class ApiRoute(APIRoute):
    """A route that reads JSON strictly and finishes an idempotent write inside its transaction."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler, wrapped. It ends before the function-scoped sessions commit."""
        handle = super().get_route_handler()
        takes_form = self.body_field is not None and isinstance(self.body_field.field_info, Form)

        async def handle_api(request: Request) -> Response:
            # FastAPI reads the body before anything else, a form even to disk: so this is asked first.
            if takes_form:
                await request.app.state.admit_upload(request)
            elif request.headers.get("content-type", "").lower().startswith("multipart/"):
                raise NoForm("This address takes JSON, not a form.")
            answer_read: AnswerRead = request.app.state.answer_read
            response = await answer_read(
                request, lambda: handle(ApiRequest(request.scope, request.receive))
            )
            finish: Finish | None = getattr(request.state, "finish_idempotent", None)
            if finish is not None and 200 <= response.status_code < 300:
                # A streamed answer has no body to keep; repeating the request then gives its status alone.
                body = bytes(getattr(response, "body", b""))
                await finish(StoredAnswer(response.status_code, body))
            return response

        return handle_api


class ApiRouter(APIRouter):
    """A router whose routes are ``ApiRoute``.

    A request is matched with the patterns of one router after another, which took longer than many a query. So a
    router is left out of which each route needs a word that the path does not have.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(route_class=ApiRoute, **options)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether one of the routes answers (Starlette's routing)."""
        words = self._words
        if words is not None and words.isdisjoint(scope["path"].split("/")):
            return Match.NONE, {}
        return super().matches(scope)

    @cached_property
    def _words(self) -> frozenset[str] | None:
        """A word of each route's path, of which a request that it answers has one; None if a route has no word.

        Asked for with the first request, when all routes have been added.
        """
        words = [_last_word(context.path) for context in iter_route_contexts(self.routes)]
        return None if None in words else frozenset(word for word in words if word is not None)


def _last_word(path: str | None) -> str | None:
    segments = (path or "").split("/")
    return next((part for part in reversed(segments) if part and "{" not in part), None)


async def request_content(request: Request) -> bytes:
    """Return what the request asks for: method, address and body.

    The files of a form are no longer readable when this runs; the length of the body stands for it.
    """
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    if request.headers.get("content-type", "").startswith("multipart/"):
        return asked + request.headers.get("content-length", "").encode()
    return asked + await request.body()


def is_preferred(header: str, name: str) -> bool:
    """Return whether a ``Prefer`` header (RFC 7240) names a preference, which may have a value and parameters."""
    named = (item.partition(";")[0].partition("=")[0] for item in header.split(","))
    return any(item.strip().lower() == name for item in named)


def client_address(request: Request) -> str:
    """Return the address that the request came from. The edge settled it: the nearest hop that is no trusted proxy."""
    return request.client.host if request.client else "unknown"
