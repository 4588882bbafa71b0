"""The root of every error that Reqtrail answers with on purpose.

An error carries an HTTP status, a stable machine-readable ``code`` and a sentence that a person can act on.
The API turns it into an RFC 9457 problem document; the command line prints its sentence and exits non-zero.

    ReqtrailError
    ├── Invalid              422  the payload does not make sense
    ├── BadRequest           400  the request cannot be read
    ├── Unauthenticated      401
    ├── Forbidden            403
    ├── NotFound             404
    ├── Conflict             409
    ├── Gone                 410
    ├── TooLarge             413
    ├── TooManyRequests      429
    └── Unavailable          503
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID


class ReqtrailError(Exception):
    """Base class: subclass it per case, with a ``code`` of its own.

    Args:
        detail: One sentence for a person, saying what is wrong and what to do.
        extra: Further members of the problem document (JSON values only).
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    audited: ClassVar[str | None] = None
    """The action under which a refusal with this error is recorded: "" is that of the route; None: not recorded."""

    about: tuple[str, UUID | str] | None = None
    """What the refusal is about, a kind and an id. It is for the record alone: whoever is refused is not told."""

    def __init__(self, detail: str = "", **extra: Any) -> None:  # noqa: B042 - never pickled
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra: Mapping[str, Any] = extra


class BadRequest(ReqtrailError):
    """The request cannot be read at all."""

    status = 400
    code = "bad_request"
    title = "The request cannot be read"


class Invalid(ReqtrailError):
    """The request can be read, but what it asks for makes no sense."""

    status = 422
    code = "invalid"
    title = "The request is not valid"


class Unauthenticated(ReqtrailError):
    """Nobody is signed in, or the credentials are no longer good."""

    status = 401
    code = "unauthenticated"
    title = "Sign in to continue"


class Forbidden(ReqtrailError):
    """The actor sees the thing, but may not do this with it."""

    status = 403
    code = "forbidden"
    title = "You do not have permission for this"
    audited: ClassVar[str | None] = ""


class NotFound(ReqtrailError):
    """The thing does not exist, or the actor may not know that it does."""

    status = 404
    code = "not_found"
    title = "There is nothing here"


class Conflict(ReqtrailError):
    """The request contradicts the present state."""

    status = 409
    code = "conflict"
    title = "The request conflicts with the present state"


class Gone(ReqtrailError):
    """The thing existed and is no longer there."""

    status = 410
    code = "gone"
    title = "This is no longer there"


class TooLarge(ReqtrailError):
    """The payload is larger than the limit."""

    status = 413
    code = "too_large"
    title = "The payload is too large"


class UnsupportedMedia(ReqtrailError):
    """The payload is of a type or in a coding that is not taken here."""

    status = 415
    code = "unsupported_media"
    title = "This type of payload is not taken here"


class TooManyRequests(ReqtrailError):
    """A rate limit is used up; ``retry_after`` says how many seconds to wait."""

    status = 429
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(  # noqa: B042 - never pickled
        self, detail: str = "", *, retry_after: int, **extra: Any
    ) -> None:
        super().__init__(detail, retry_after=retry_after, **extra)
        self.retry_after = retry_after


class Unavailable(ReqtrailError):
    """A service that the request needs is away; the same request may succeed later."""

    status = 503
    code = "unavailable"
    title = "The service is not available right now"
