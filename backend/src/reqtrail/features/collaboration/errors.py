"""Refusals of messages. Each is told with its code; those that end the socket name how it is closed."""

from __future__ import annotations

from typing import ClassVar

from reqtrail.features.collaboration.types import CloseCode
from reqtrail.kit.errors import BadRequest, ReqtrailError, Unauthenticated


class MessageInvalid(BadRequest):
    """The message is none that is known."""

    code = "message_invalid"
    title = "The message cannot be read"


class WatchesTooMuch(BadRequest):
    """The socket watches as many projects as it may."""

    code = "watches_too_much"
    title = "Too many projects are watched"


class FollowsTooMuch(BadRequest):
    """The socket follows as many lists of jobs as it may."""

    code = "follows_too_much"
    title = "Too many lists of jobs are followed"


class SocketEnds(ReqtrailError):
    """The socket is closed with ``close``."""

    close: ClassVar[CloseCode] = CloseCode.BAD_MESSAGE


class NoHello(SocketEnds, BadRequest):
    """The first message was not hello."""

    code = "no_hello"
    title = "The socket did not say who it is"


class HelloLate(SocketEnds, BadRequest):
    """No message came in time."""

    code = "hello_late"
    title = "The socket did not say who it is in time"
    close = CloseCode.TOO_SLOW


class SignInEnded(SocketEnds, Unauthenticated):
    """What the socket proved itself with is no longer good."""

    code = "token_invalid"
    title = "Sign in to continue"
    close = CloseCode.SIGN_IN_ENDED


class ReadsTooSlowly(SocketEnds):
    """Messages were not read."""

    status = 429
    code = "reads_too_slowly"
    title = "Messages were not read in time"
    close = CloseCode.TOO_SLOW


class TooManyMessages(SocketEnds):
    """More messages came than are taken."""

    status = 429
    code = "too_many_messages"
    title = "Too many messages"
    close = CloseCode.TOO_MUCH


class TooManySockets(SocketEnds):
    """The account has as many sockets open as it may."""

    status = 429
    code = "too_many_sockets"
    title = "Too many sockets"
    close = CloseCode.TOO_MUCH


class NotVerifiable(SocketEnds):
    """For too long nobody could tell whether the socket may stay."""

    status = 503
    code = "database_unavailable"
    title = "The database is away"
    close = CloseCode.TRY_AGAIN
