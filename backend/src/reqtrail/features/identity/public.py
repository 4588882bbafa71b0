"""The front door of identity."""

from __future__ import annotations

from reqtrail.features.identity.deps import (
    Administrator,
    AdministratorWriter,
    ApiCredential,
    AppSettings,
    Authenticated,
    FileCredential,
    SignedIn,
    SignedInOnce,
    SignedInWriter,
    admit_upload,
    begin_idempotent,
    bind_actor,
    subjects_of,
)
from reqtrail.features.identity.errors import TokenInvalid, TokenLimited, UserNotFound
from reqtrail.features.identity.factors.managing import forget_expired as forget_challenges
from reqtrail.features.identity.factors.tables import TOTP_SEED
from reqtrail.features.identity.repository import any_user, find_user
from reqtrail.features.identity.repository.actors import (
    active_user,
    acts_for,
    credential_parameters,
    read_actor,
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
from reqtrail.features.identity.service.listing import display_names, revoke_token, tokens_of
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.service.pseudonyms import pseudonym
from reqtrail.features.identity.service.signing_keys import (
    rotate_old_signing_key,
    rotate_signing_key,
    signing_key_age,
)
from reqtrail.features.identity.service.token_use import TokenUse
from reqtrail.features.identity.service.tokens import (
    TokenSigner,
    authenticate,
    end_of_token,
    identify_actor,
    make_api_token,
    read_credential,
)
from reqtrail.features.identity.signing.keeping import SIGNING_KEY
from reqtrail.features.identity.signing.ring import KeyRing
from reqtrail.features.identity.single_sign_on.discovery import Providers
from reqtrail.features.identity.types import Actor, ApiToken, Credential, Link, User

__all__ = [
    "TOTP_SEED",
    "forget_challenges",
    "Actor",
    "Administrator",
    "AdministratorWriter",
    "ApiCredential",
    "ApiToken",
    "AppSettings",
    "Authenticated",
    "Credential",
    "FileCredential",
    "KeyRing",
    "Link",
    "PasswordHasher",
    "Providers",
    "SIGNING_KEY",
    "SignedIn",
    "SignedInOnce",
    "SignedInWriter",
    "TokenInvalid",
    "TokenLimited",
    "TokenSigner",
    "TokenUse",
    "User",
    "UserNotFound",
    "active_user",
    "acts_for",
    "admit_upload",
    "any_user",
    "authenticate",
    "begin_idempotent",
    "bind_actor",
    "create_user",
    "credential_parameters",
    "display_names",
    "end_of_token",
    "find_by_email",
    "find_user",
    "forget_expired",
    "identify_actor",
    "invite",
    "make_api_token",
    "open_invitations",
    "pseudonym",
    "read_actor",
    "read_credential",
    "register_acceptor",
    "reset_password",
    "revoke_token",
    "rotate_old_signing_key",
    "rotate_signing_key",
    "signing_key_age",
    "set_password",
    "subjects_of",
    "tokens_of",
    "withdraw",
]
