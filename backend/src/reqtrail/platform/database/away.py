"""What says that PostgreSQL is away, and what is answered then."""

from __future__ import annotations

from typing import Final

from sqlalchemy.exc import DBAPIError

from reqtrail.kit.errors import Unavailable

READ_ONLY: Final = "25006"
"""The SQLSTATE of a write at a server that takes none: a standby, or a primary that was demoted."""

_FULL: Final = "53"
_AWAY_CLASSES: Final = frozenset({"08", _FULL, "57"})
"""SQLSTATE classes of a database that is away, full or shutting down."""


class PrimaryAway(ConnectionError):
    """No host of the database takes connections, or none takes writes, or they are left alone for a moment."""


class ReplicaAway(ConnectionError):
    """A replica that was chosen takes no connections."""


class OutcomeUnknown(Unavailable, ConnectionError):
    """The connection was lost while a transaction was being made durable: it is, or it is not."""

    code = "outcome_unknown"
    title = "It is not known whether this was saved"

    def __init__(self) -> None:
        super().__init__(
            "The connection to the database was lost while it saved. Look whether it did; a request with an"
            " Idempotency-Key can be sent again as it is."
        )


def sql_state(error: BaseException) -> str:
    """Return the SQLSTATE of a database error, or an empty string."""
    cause: BaseException | None = error
    while cause is not None:
        state = getattr(cause, "sqlstate", None)
        if isinstance(state, str):
            return state
        cause = getattr(cause, "orig", None) or cause.__cause__
    return ""


def is_away(error: BaseException) -> bool:
    """Return whether *error* says that the database is away or takes no writes, rather than that it refused.

    What else is lost, such as a connection to Redis, says nothing of it.
    """
    state = sql_state(error)
    return (
        state[:2] in _AWAY_CLASSES
        or state == READ_ONLY
        or (isinstance(error, DBAPIError) and error.connection_invalidated)
        or isinstance(error, PrimaryAway | ReplicaAway)
    )


def is_undecided(error: BaseException) -> bool:
    """Return whether *error*, which came instead of the answer to a COMMIT, leaves open whether that was done."""
    if isinstance(error, OSError):
        return True
    state = sql_state(error)
    return is_away(error) and state != READ_ONLY and state[:2] != _FULL
