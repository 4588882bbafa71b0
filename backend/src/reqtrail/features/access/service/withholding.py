"""What a transaction withholds from the one it reads for: noted once, where the request is authorised.

Refs are resolved, and histories are read, in many places. They ask the session and not their caller, so that none of
them can be given the wrong answer or forget to pass it on.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.access.types import NOTHING_WITHHELD, Withheld

_WITHHELD: Final = "reqtrail_withheld"


def withhold(session: AsyncSession, withheld: Withheld) -> None:
    """Have all that is read at a ref in *session* leave out what is *withheld*."""
    session.info[_WITHHELD] = withheld


def withheld_in(session: AsyncSession) -> Withheld:
    """Return what *session* withholds: nothing, where it acts for nobody."""
    found: Withheld = session.info.get(_WITHHELD, NOTHING_WITHHELD)
    return found
