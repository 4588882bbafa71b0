"""The JSON of access."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from reqtrail.features.access.types import Role
from reqtrail.platform.http import Body


class MemberRead(BaseModel):
    """A member of a project."""

    model_config = ConfigDict(from_attributes=True)

    user_id: UUID
    email: str
    display_name: str
    role: Role


class MemberPut(Body):
    """The role that a member shall have."""

    role: Role
