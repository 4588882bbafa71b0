"""The JSON of access."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StringConstraints

from reqtrail.features.access.types import Permission, ReadRestriction, Role
from reqtrail.platform.http import Body, NOT_BLANK, WHOLE

GroupName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), NOT_BLANK
]
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

    email: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254), NOT_BLANK
    ]
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

    email: Annotated[
        str, StringConstraints(pattern=r"^[^@\s\x85\ufeff]+@[^@\s\x85\ufeff]+$", max_length=254)
    ]
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

    name: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), NOT_BLANK
    ]
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


class RestrictionPut(Body):
    """Who may read something, besides owners and administrators; nobody else if both lists are empty."""

    roles: list[Literal[Role.EDITOR, Role.REVIEWER, Role.COMMENTER, Role.VIEWER]] = Field(
        max_length=4
    )
    group_ids: list[UUID] = Field(max_length=100)


class RestrictedTo(BaseModel):
    """A group whose members may read something."""

    id: UUID
    name: str


class RestrictionRead(BaseModel):
    """A document, or the values of an attribute, that not every member may read.

    ``name`` is empty for what is on no branch but one that was not merged yet.
    """

    id: UUID
    kind: Literal["document", "attribute"]
    name: str
    roles: list[Role]
    groups: list[RestrictedTo]

    @classmethod
    def of(cls, restriction: ReadRestriction, name: str) -> RestrictionRead:
        """Return *restriction* as JSON shows it."""
        return cls.model_validate(
            {
                "id": restriction.entity_id,
                "kind": restriction.kind,
                "name": name,
                "roles": restriction.roles,
                "groups": [{"id": key, "name": value} for key, value in restriction.groups],
            }
        )
