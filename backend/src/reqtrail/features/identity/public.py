"""The front door of identity."""

from __future__ import annotations

from reqtrail.features.identity.deps import (
    Administrator,
    AdministratorWriter,
    ApiCredential,
    AppSettings,
    FileCredential,
    SignedIn,
    SignedInWriter,
    admit_upload,
    begin_idempotent,
    bind_actor,
)
from reqtrail.features.identity.errors import TokenInvalid, UserNotFound
from reqtrail.features.identity.repository import (
    active_user,
    any_user,
    credential_parameters,
    find_user,
)
from reqtrail.features.identity.service.accounts import (
    create_user,
    find_by_email,
    reset_password,
    set_password,
)
from reqtrail.features.identity.service.idempotency import forget_expired
from reqtrail.features.identity.service.joining import (
    invite,
    open_invitations,
    register_acceptor,
    withdraw,
)
from reqtrail.features.identity.service.listing import display_names
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.service.pseudonyms import pseudonym
from reqtrail.features.identity.service.tokens import (
    TokenSigner,
    authenticate,
    identify_actor,
    make_api_token,
)
from reqtrail.features.identity.types import Actor, Credential, Link, User

__all__ = [
    "Actor",
    "Administrator",
    "AdministratorWriter",
    "ApiCredential",
    "AppSettings",
    "Credential",
    "FileCredential",
    "Link",
    "PasswordHasher",
    "SignedIn",
    "SignedInWriter",
    "TokenInvalid",
    "TokenSigner",
    "User",
    "UserNotFound",
    "active_user",
    "admit_upload",
    "any_user",
    "authenticate",
    "begin_idempotent",
    "bind_actor",
    "create_user",
    "credential_parameters",
    "display_names",
    "find_by_email",
    "find_user",
    "forget_expired",
    "identify_actor",
    "invite",
    "make_api_token",
    "open_invitations",
    "pseudonym",
    "register_acceptor",
    "reset_password",
    "set_password",
    "withdraw",
]
