"""The JSON of projects."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, StrictBool, StringConstraints

from reqtrail.features.access.public import Permission, Role
from reqtrail.platform.http import Body, NOT_BLANK

Key = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,9}$")]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), NOT_BLANK
]
Description = Annotated[str, StringConstraints(max_length=10_000)]


class ProjectCreate(Body):
    """A new project. The key is 2 to 10 capital letters and digits and begins with a letter; it never changes."""

    key: Key
    name: Name
    description: Description = ""


class ProjectPatch(Body):
    """What an owner changes."""

    name: Name | None = None
    description: Description | None = None
    archived: StrictBool | None = None


class Head(BaseModel):
    """The newest commit of ``main``."""

    seq: int
    commit: str
    recorded_at: datetime


class ProjectRead(BaseModel):
    """A project as the one who asks sees it."""

    id: UUID
    key: str
    name: str
    description: str
    archived: bool
    role: Role
    permissions: list[Permission]
    created_at: datetime
    head: Head
