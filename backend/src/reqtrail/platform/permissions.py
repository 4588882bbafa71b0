"""Every route says who may call it: through a dependency that is marked here, or as public.

A test walks all routes and fails on one that says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from fastapi.dependencies.models import Dependant

Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__reqtrail_permission__"


def declares(permission: str) -> Callable[[Function], Function]:
    """Mark a dependency as one that enforces *permission*."""

    def mark(function: Function) -> Function:
        setattr(function, _MARK, permission)
        return function

    return mark


@declares("public")
async def public() -> None:
    """The dependency of a route that anybody may call."""


def declared(dependant: Dependant) -> Iterator[str]:
    """Yield the permissions that a route's dependencies declare."""
    for child in dependant.dependencies:
        permission = getattr(child.call, _MARK, None)
        if permission is not None:
            yield permission
        yield from declared(child)
