"""The JSON of identity."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from reqtrail.platform.http import Body, NOT_BLANK

Email = Annotated[
    str, StringConstraints(pattern=r"^[^@\s\x85\ufeff]+@[^@\s\x85\ufeff]+$", max_length=254)
]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), NOT_BLANK
]
Password = Annotated[str, StringConstraints(max_length=4096)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class UserRead(BaseModel):
    """An account."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="user_id")
    email: str
    display_name: str
    is_administrator: bool
    active: bool
    email_verified: bool
    created_at: datetime


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
    is_administrator: StrictBool = False


class UserPatch(Body):
    """What an administrator changes."""

    display_name: Name | None = None
    active: StrictBool | None = None
    is_administrator: StrictBool | None = None


class MePatch(Body):
    """What people change of themselves."""

    display_name: Name


class PasswordChange(Body):
    """The present and the new password."""

    current: Password
    new: Password


class SessionRead(BaseModel):
    """A sign-in of one browser; ``address`` and ``user_agent`` are those that it was seen with last."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="family_id")
    created_at: datetime
    last_seen_at: datetime = Field(validation_alias="rotated_at")
    address: str
    user_agent: str
    current: bool


class ProviderRead(BaseModel):
    """A provider of single sign-on."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str


class SignInOptions(BaseModel):
    """The ways in that are open to somebody who is not signed in."""

    registration: bool
    password_sign_in: Literal["everybody", "administrators"]
    providers: list[ProviderRead]


class EmailAsked(Body):
    """The address of somebody who asks for a mail."""

    email: Email


class LinkToken(Body):
    """The token of a mailed link: what stands behind the ``#``."""

    token: Token


class LinkLook(LinkToken):
    """A mailed link, and what it is taken for."""

    purpose: Literal["invitation", "registration"]


class MailedLink(BaseModel):
    """A mailed link that is good.

    ``place`` is what an invitation is to, empty for the instance; ``has_account`` says whether the address has one.
    """

    purpose: str
    email: str
    expires_at: datetime
    has_account: bool
    place: str = ""
    role: str = ""


class AccountByLink(LinkLook):
    """The account that is made with a mailed link."""

    display_name: Name
    password: Password


class PasswordByLink(LinkToken):
    """A new password, by a mailed link."""

    password: Password


class EmailChange(Body):
    """The address that shall be the account's, and its present password."""

    email: Email
    password: Password


class EmailConfirmed(BaseModel):
    """The address that was confirmed."""

    email: str


class InvitationAccept(LinkToken):
    """The token of an invitation."""


class InvitationCreate(Body):
    """Somebody who is invited to the instance."""

    email: Email
    is_administrator: StrictBool = False


class InvitationRead(BaseModel):
    """An open invitation to the instance."""

    id: UUID = Field(validation_alias="link_id")
    email: str
    is_administrator: bool
    created_at: datetime
    expires_at: datetime


class MailRead(BaseModel):
    """A mail; ``text`` is empty unless the local sink keeps it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="mail_id")
    recipient: str
    subject: str
    text: str = Field(validation_alias="plain")
    html: str
    state: str
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    error: str


class MailsRead(BaseModel):
    """The newest mails. ``local_sink`` says that none of them is sent: no SMTP server is set."""

    local_sink: bool
    mails: list[MailRead]
