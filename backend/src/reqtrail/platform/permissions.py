"""Every route says who may call it: through a dependency that is marked here, or as public.

A test walks all routes and fails on one that says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from fastapi.dependencies.models import Dependant

Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__reqtrail_permission__"
_WHOLE = "__reqtrail_whole__"


def declares(permission: str, *, whole: bool = False) -> Callable[[Function], Function]:
    """Mark a dependency as one that enforces *permission*.

    Args:
        whole: Whether it also refuses those who may not read everything in the project.
    """

    def mark(function: Function) -> Function:
        setattr(function, _MARK, permission)
        setattr(function, _WHOLE, whole)
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


def needs_whole(dependant: Dependant) -> bool:
    """Return whether a route is refused to those who may not read everything in the project."""
    return any(
        getattr(child.call, _WHOLE, False) or needs_whole(child) for child in dependant.dependencies
    )
