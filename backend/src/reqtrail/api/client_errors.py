"""Errors of the browser application, as browsers tell of them: counted, logged, and handed on to error tracking.

Anybody may tell, since the page for signing in can break too. So little is taken, and it is taken for a hint: names and
places in code that match strict patterns, no message, nothing of what somebody wrote.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

import structlog
from fastapi import Depends, Request, Response
from pydantic import Field

from reqtrail.api.edge import neighbourhood
from reqtrail.platform.allowance import verdicts
from reqtrail.platform.http import ApiRouter, Body, client_address
from reqtrail.platform.metrics import CLIENT_ERRORS
from reqtrail.platform.permissions import public
from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry.crashes import Frame, hand_on_client_error
from reqtrail.platform.throttle import Throttle

logger = structlog.get_logger()

MOST_BYTES: Final = 8192
TOGETHER: Final = 20
"""How many times the limit of one address all addresses may use up together: a bad release must not fill the log."""

PATH: Final = "/client-errors"

router = ApiRouter(tags=["health"], dependencies=[Depends(public)])


class ErrorKind(StrEnum):
    """How an error came to the surface."""

    ERROR = "error"
    REJECTION = "rejection"
    COMPONENT = "component"


class ClientError(Body):
    """An error of the browser application."""

    kind: ErrorKind
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
    """The name of the error's class, such as TypeError."""
    frames: Annotated[
        list[
            Annotated[
                str, Field(pattern=r"^/(assets|src)/[A-Za-z0-9_./-]{1,120}:[0-9]{1,7}:[0-9]{1,7}$")
            ]
        ],
        Field(max_length=20),
    ] = []
    """Where it came from, innermost first: file, line and column."""
    route: Annotated[str, Field(pattern=r"^/[A-Za-z0-9_:()*?/-]{0,119}$")] = "/"
    """The pattern of the page's address, without what stands in its place."""
    request_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    """The id of the request that was refused, if one was."""


@router.post(
    PATH,
    operation_id="report_client_error",
    status_code=204,
)
async def report_client_error(request: Request, body: ClientError) -> Response:
    """Take note of an error of the browser application."""
    settings: Settings = request.app.state.settings
    throttle: Throttle = request.app.state.throttle
    limit, seen = settings.rate_client_errors, verdicts(request.scope.setdefault("state", {}))
    throttle.count("client-errors", neighbourhood(client_address(request)), limit, seen)
    throttle.count("client-errors-of-all", "all", limit * TOGETHER, seen)
    CLIENT_ERRORS.labels(body.kind.value).inc()
    logger.warning(
        "client_error",
        kind=body.kind.value,
        name=body.name,
        route=body.route,
        frames=body.frames,
        refused_request=body.request_id,
    )
    tags = {"route": body.route, "request_id": body.request_id}
    hand_on_client_error(body.name, [_frame(place) for place in body.frames], tags)
    return Response(status_code=204)


def _frame(place: str) -> Frame:
    file, line, column = place.rsplit(":", 2)
    return file, int(line), int(column)
