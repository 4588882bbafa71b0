"""Where secrets are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table

Id = UUID | bytes | str
"""What names a row: a part of a key."""


@dataclass(frozen=True)
class SealedColumn:
    """A column that holds sealed bytes.

    Attributes:
        purpose: Its lasting name, ``feature.thing``: part of what is authenticated, so it survives a renamed table.
        ids: The columns that name the row; their values are authenticated in this order.
        in_project: Whether the first of *ids* is ``project_id``, whose data key then encrypts it.
        flag: A boolean column that says of each row whether it is sealed; without it every value that is not null is.
    """

    purpose: str
    table: Table
    column: str
    ids: tuple[str, ...]
    in_project: bool = False
    flag: str | None = None

    def project_of(self, ids: Sequence[Id]) -> UUID | None:
        """Return whose data key encrypts the row with *ids*; None is the instance's."""
        if not self.in_project:
            return None
        project_id = ids[0]
        if not isinstance(project_id, UUID):
            raise TypeError("The first id of a row of project data is its project_id.")
        return project_id

    def place(self, ids: Sequence[Id]) -> bytes:
        """Return the bytes that name the row and the column, unambiguously."""
        if len(ids) != len(self.ids):
            raise ValueError(f"{self.purpose} is named by {', '.join(self.ids)}.")
        parts = [self.purpose.encode(), *(_bytes_of(value) for value in ids)]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _bytes_of(value: Any) -> bytes:
    if isinstance(value, UUID):
        return value.bytes
    return value.encode() if isinstance(value, str) else bytes(value)
