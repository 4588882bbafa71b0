"""What an account and an API token may ask for in a minute."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import Request

from reqtrail.platform.settings import Settings
from reqtrail.platform.throttle import Throttle, Verdict, cost_of

READS = frozenset({"GET", "HEAD", "OPTIONS"})


def verdicts(state: dict[str, Any]) -> list[Verdict]:
    """Return the list of the limits that a request was counted by, from the ``state`` of its scope."""
    found: list[Verdict] = state.setdefault("verdicts", [])
    return found


def count_account(request: Request, user_id: UUID) -> None:
    """Count a request of an account, once however often it is called: as a read, a write, or by its route's own limit.

    Raises:
        RateLimited: If the account used up its limit.
    """
    settings: Settings = request.app.state.settings
    cost = cost_of(request.scope.get("endpoint"))
    kind = cost or ("reads" if request.method in READS else "writes")
    _count(request, f"account-{kind}", str(user_id), getattr(settings, f"rate_{kind}"))


def count_token(request: Request, token_hash: bytes) -> None:
    """Count a request with an API token, before anybody looks whether it is one.

    Raises:
        RateLimited: If the token used up its limit.
    """
    settings: Settings = request.app.state.settings
    kind = "reads" if request.method in READS else "writes"
    limit: int = getattr(settings, f"rate_token_{kind}")
    _count(request, f"token-{kind}", token_hash.hex()[:32], limit)


def _count(request: Request, name: str, subject: str, limit: int) -> None:
    throttle: Throttle | None = getattr(request.app.state, "throttle", None)
    seen = verdicts(request.scope.setdefault("state", {}))
    if throttle is not None and all(verdict.name != name for verdict in seen):
        throttle.count(name, subject, limit, seen)
