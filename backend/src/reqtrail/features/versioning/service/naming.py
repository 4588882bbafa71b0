"""The lasting identities of what a commit makes, and their human keys."""

from __future__ import annotations

import re
from collections import Counter as Tally
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.projects.public import get_project_key
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import EntityExists, OperationInvalid
from reqtrail.features.versioning.registry import get_kind
from reqtrail.features.versioning.types import PendingChange
from reqtrail.kit.canonical_json import contains_nul

_NUMBER = re.compile(r"[0-9]{1,15}")


class Names:
    """Gives out the human keys of one commit, in the order of its operations, from the project's counter.

    Args:
        first_number: The first number that no item has, as the counter row says whose lock the commit holds.
    """

    def __init__(
        self, session: AsyncSession, project_id: UUID, project_key: str | None, first_number: int
    ) -> None:
        self._session = session
        self._project_id = project_id
        self._project_key = project_key
        self._first_number = first_number
        self._next_number = first_number

    async def give(self, created: Sequence[PendingChange]) -> None:
        """Make the entities of what is new, and mint a key for each that needs one.

        Raises:
            EntityExists: If an id or a key is taken, or given twice.
            OperationInvalid: If a key cannot be stored.
        """
        if not created:
            return
        if self._project_key is None and any(get_kind(item.kind).keyed for item in created):
            self._project_key = await get_project_key(self._session, self._project_id)
        for item in created:
            if item.key is not None:
                if contains_nul(item.key):
                    raise OperationInvalid("A key cannot hold a NUL character.")
                self._raise_number(item.key)
            elif get_kind(item.kind).keyed:
                item.key = f"{self._project_key}-{self._next_number}"
                self._next_number += 1
        _check_distinct(created)
        made = await repository.insert_entities(
            self._session,
            self._project_id,
            [(item.entity_id, item.kind, item.key) for item in created],
        )
        taken = [item.key or str(item.entity_id) for item in created if item.entity_id not in made]
        if taken:
            raise EntityExists(f"Already taken in this project: {', '.join(taken[:5])}.")

    async def close(self) -> None:
        """Keep in the counter row which numbers are taken."""
        if self._next_number != self._first_number:
            await repository.set_item_number(self._session, self._project_id, self._next_number - 1)

    def _raise_number(self, key: str) -> None:
        prefix, _, number = key.rpartition("-")
        if prefix == self._project_key and _NUMBER.fullmatch(number):
            self._next_number = max(self._next_number, int(number) + 1)


def _check_distinct(created: Sequence[PendingChange]) -> None:
    ids = Tally(item.entity_id for item in created)
    keys = Tally(item.key for item in created if item.key is not None)
    twice = [str(name) for tally in (ids, keys) for name, count in tally.items() if count > 1]
    if twice:
        raise EntityExists(f"Given to several new things at once: {', '.join(twice[:5])}.")
