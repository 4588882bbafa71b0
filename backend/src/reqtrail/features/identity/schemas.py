"""The JSON of identity."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from reqtrail.platform.http import Body

Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Password = Annotated[str, StringConstraints(max_length=4096)]


class UserRead(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="user_id")
    email: str
    display_name: str
    is_administrator: bool
    active: bool


class SignIn(Body):
    """Credentials."""

    email: Annotated[str, StringConstraints(max_length=254)]
    password: Password


class Session(BaseModel):
    """A signed-in session: the access token is kept in memory, ``expires_in`` is in seconds."""

    access_token: str
    expires_in: int
    user: UserRead


class UserCreate(Body):
    """A new account."""

    email: Email
    display_name: Name
    password: Password
    is_administrator: bool = False


class UserPatch(Body):
    """What an administrator changes."""

    display_name: Name | None = None
    active: bool | None = None
    is_administrator: bool | None = None


class MePatch(Body):
    """What people change of themselves."""

    display_name: Name


class PasswordChange(Body):
    """The present and the new password."""

    current: Password
    new: Password


class TokenCreate(Body):
    """A new API token; without ``days`` it does not expire."""

    name: Name
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class TokenRead(BaseModel):
    """An API token as it is listed."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="token_id")
    name: str
    created_at: datetime
    expires_at: datetime | None


class TokenCreated(BaseModel):
    """The secret of a new API token: it is shown this once."""

    id: UUID
    token: str
