"""The front door of identity."""

from __future__ import annotations

from reqtrail.features.identity.deps import (
    Administrator,
    SignedIn,
    SignedInForFiles,
    signed_in,
    signed_in_for_files,
)
from reqtrail.features.identity.service.accounts import create_user, find_by_email, set_password
from reqtrail.features.identity.service.listing import display_names
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.service.tokens import TokenSigner, make_api_token
from reqtrail.features.identity.types import User

__all__ = [
    "Administrator",
    "PasswordHasher",
    "SignedIn",
    "SignedInForFiles",
    "TokenSigner",
    "User",
    "create_user",
    "display_names",
    "find_by_email",
    "make_api_token",
    "set_password",
    "signed_in",
    "signed_in_for_files",
]
