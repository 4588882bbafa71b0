"""The JSON of access."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from reqtrail.features.access.types import Permission, Role
from reqtrail.platform.http import WHOLE, Body

GroupName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Description = Annotated[str, StringConstraints(max_length=2000)]


ProjectKey = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class MemberRead(BaseModel):
    """A member of a project."""

    model_config = ConfigDict(from_attributes=True)

    user_id: UUID
    email: str
    display_name: str
    role: Role
    direct_role: Role | None
    groups: list[str]


class MemberPut(Body):
    """The role that a member shall have."""

    role: Role


class GroupCreate(Body):
    """A new group."""

    name: GroupName
    description: Description = ""


class GroupPatch(Body):
    """What a manager of a group changes of it."""

    name: GroupName | None = None
    description: Description | None = None


class GroupRead(BaseModel):
    """A group; ``manages`` says whether you decide who is in it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="group_id")
    name: str
    description: str
    member_count: int
    manages: bool


class GroupMemberAdd(Body):
    """The address of an account that shall be in a group, and whether it manages the group."""

    email: Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)]
    manages: StrictBool = False


class GroupMemberPut(Body):
    """Whether a member manages the group."""

    manages: StrictBool = False


class GroupMemberRead(BaseModel):
    """A member of a group."""

    model_config = ConfigDict(from_attributes=True)

    user_id: UUID
    email: str
    display_name: str
    manages: bool


class GrantPut(Body):
    """The role that a group shall have."""

    role: Role


class GrantRead(BaseModel):
    """A group with a role in a project."""

    model_config = ConfigDict(from_attributes=True)

    group_id: UUID
    name: str
    role: Role
    member_count: int


class MemberInvite(Body):
    """Somebody who is invited to a project, and the role that they will have."""

    email: Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    role: Role


class MemberInvitation(BaseModel):
    """An open invitation to a project."""

    id: UUID = Field(validation_alias="link_id")
    email: str
    role: Role
    created_at: datetime
    expires_at: datetime


class TokenCreate(Body):
    """A new API token.

    Without ``permissions`` and ``projects`` it may do all that you may. With either it is good for work in projects
    alone.
    """

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    days: Annotated[StrictInt, Field(ge=1, le=3650), WHOLE] | None = None
    permissions: Annotated[list[Permission], Field(min_length=1, max_length=100)] | None = None
    projects: Annotated[list[ProjectKey], Field(min_length=1, max_length=100)] | None = None


class TokenRead(BaseModel):
    """An API token as it is listed: ``hint`` is how it begins, ``last_used_at`` is true to the minute."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="token_id")
    name: str
    hint: str | None
    permissions: list[str] | None
    projects: list[str] | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class TokenCreated(BaseModel):
    """The secret of a new API token: it is shown this once."""

    id: UUID
    token: str
