"""The JSON of single sign-on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, StringConstraints

from reqtrail.platform.http import Body


class IdentityRead(BaseModel):
    """An identity that signs in to the account; ``provider`` is null when it is not set up any more."""

    id: UUID
    provider: str | None
    name: str
    email: str | None
    linked_at: datetime
    used_at: datetime | None


class IdentityLink(Body):
    """At which provider to prove an identity, and the page to come back to."""

    provider: Annotated[str, StringConstraints(max_length=40)]
    next: Annotated[str, StringConstraints(max_length=2000)] = "/account"


class ProviderAddress(BaseModel):
    """Where the browser goes on."""

    address: str
