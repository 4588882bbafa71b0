"""Single sign-on as use cases: begin, take the answer, sign in, link, unlink."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository as accounts
from reqtrail.features.identity.single_sign_on import repository
from reqtrail.features.identity.single_sign_on.errors import (
    AccountDisabled,
    AddressNotAllowed,
    AttemptExpired,
    IdentityNotFound,
    IdentityTaken,
    NotLinked,
    OnlyWayIn,
)
from reqtrail.features.identity.single_sign_on.types import Attempt, LinkedIdentity, Person
from reqtrail.features.identity.types import User
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.auditing import describe
from reqtrail.platform.sign_in_providers import SignInProvider

Entrance = Literal["known", "linked", "made"]
"""Whether the identity was linked before, or its account was found by its address or made for it."""

ATTEMPT_LIFETIME: Final = timedelta(minutes=10)
MAX_RETURN_PATH: Final = 2000
_PATH: Final = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")


def new_secret() -> str:
    """Return a random text that nobody can guess."""
    return secrets.token_urlsafe(32)


def safe_path(path: str | None, otherwise: str = "/") -> str:
    """Return *path* if it leads to a page of this application and nowhere else, or *otherwise*."""
    if path is None or len(path) > MAX_RETURN_PATH or not _PATH.fullmatch(path):
        return otherwise
    parts = urlsplit(path)
    inside = not parts.scheme and not parts.netloc
    return path if inside and not parts.path.startswith("/api/") else otherwise


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def keep_attempt(
    session: AsyncSession,
    provider: SignInProvider,
    *,
    state: str,
    browser_secret: str,
    return_path: str,
    user_id: UUID | None = None,
) -> None:
    """Remember a sign-in that begins, or, with *user_id*, the linking of an identity to that account."""
    now = clock.now()
    await repository.forget_attempts(session, now)
    await repository.insert_attempt(
        session,
        state_hash=_digest(state),
        browser_hash=_digest(browser_secret),
        provider_id=provider.id,
        return_path=return_path,
        user_id=user_id,
        expires_at=now + ATTEMPT_LIFETIME,
    )


async def take_attempt(session: AsyncSession, state: str) -> Attempt | None:
    """Return the attempt that an answer names, if it has not expired; no other answer gets it again."""
    return await repository.take_attempt(session, _digest(state), clock.now())


def checked_attempt(
    attempt: Attempt | None, provider: SignInProvider, browser_secret: str
) -> Attempt:
    """Return *attempt* if it was begun in this browser and at this provider.

    Raises:
        AttemptExpired: If there is none, or it was begun elsewhere.
    """
    if (
        attempt is None
        or attempt.provider_id != provider.id
        or not hmac.compare_digest(attempt.browser_hash, _digest(browser_secret))
    ):
        raise AttemptExpired("Begin the sign-in again.")
    return attempt


async def sign_in(
    session: AsyncSession, provider: SignInProvider, person: Person
) -> tuple[User, Entrance]:
    """Return the account that *person* comes in to, and how; link or make it if the provider may do that.

    Raises:
        AddressNotAllowed: If the provider lets in people of other domains only.
        NotLinked: If no account is linked and none is made.
        AccountDisabled: If it is disabled.
    """
    check_domain(provider, person)
    identity = await repository.find_identity(session, person.issuer, person.subject)
    if identity is None:
        return await _admit(session, provider, person)
    user = await accounts.find_user(session, identity.user_id)
    if user is None or not user.active:
        raise AccountDisabled("Ask an administrator of this instance.")
    await repository.note_use(session, identity.identity_id, person.email, clock.now())
    return user, "known"


def check_domain(provider: SignInProvider, person: Person) -> None:
    """Refuse people without a verified address in one of the domains of a provider that has such a rule.

    Raises:
        AddressNotAllowed: If that is so.
    """
    if not provider.allowed_domains:
        return
    domain = (person.email or "").rpartition("@")[2]
    if not person.email_verified or domain not in provider.allowed_domains:
        raise AddressNotAllowed(
            f"{provider.name} lets people in by a verified address of its own domains only."
        )


async def _admit(
    session: AsyncSession, provider: SignInProvider, person: Person
) -> tuple[User, Entrance]:
    """Return the account for an identity that is new here.

    Whether the address has an account is not told to somebody who merely claims it.
    """
    refusal = NotLinked(
        "Sign in another way and link this identity on your account page, or ask an administrator for an account."
    )
    if person.email is None or not person.email_verified:
        raise refusal
    found = await accounts.find_by_email(session, person.email)
    if found is None and provider.create_accounts:
        return await _make_account(session, provider, person, person.email), "made"
    if found is None or not provider.trusted_for_addresses:
        raise refusal
    if not found[0].active:
        raise AccountDisabled("Ask an administrator of this instance.")
    await _insert(session, provider, person, found[0].user_id)
    return found[0], "linked"


async def _make_account(
    session: AsyncSession, provider: SignInProvider, person: Person, email: str
) -> User:
    now = clock.now()
    name = person.name or email.partition("@")[0]
    user = User(new_id(), email, name[:200], False, True, now, now)
    try:
        async with session.begin_nested():
            await accounts.insert_user(session, user, "")
    except IntegrityError:
        raise NotLinked("Try again.") from None
    await _insert(session, provider, person, user.user_id)
    return user


async def link(
    session: AsyncSession, provider: SignInProvider, person: Person, user_id: UUID
) -> LinkedIdentity:
    """Link an identity to the account of the person who proved both; linking it again changes nothing.

    Raises:
        AddressNotAllowed: If the provider lets in people of other domains only.
        IdentityTaken: If it is linked to another account.
        AccountDisabled: If the account was disabled meanwhile.
    """
    check_domain(provider, person)
    user = await accounts.find_user(session, user_id)
    if user is None or not user.active:
        raise AccountDisabled("Ask an administrator of this instance.")
    return await _insert(session, provider, person, user_id)


async def _insert(
    session: AsyncSession, provider: SignInProvider, person: Person, user_id: UUID
) -> LinkedIdentity:
    identity = LinkedIdentity(
        new_id(), user_id, person.issuer, person.subject, person.email, clock.now(), None
    )
    try:
        async with session.begin_nested():
            await repository.insert_identity(session, **vars(identity))
    except IntegrityError:
        present = await repository.find_identity(session, person.issuer, person.subject)
        if present is None or present.user_id != user_id:
            raise IdentityTaken(
                "Sign in with it and unlink it there, or use another identity."
            ) from None
        return present
    describe(
        session,
        action="identity:link",
        subject=("user", user_id),
        new={"issuer": person.issuer, "subject": person.subject, "provider": provider.id},
    )
    return identity


async def list_identities(session: AsyncSession, user_id: UUID) -> list[LinkedIdentity]:
    """Return the identities that sign in to an account."""
    return await repository.list_identities(session, user_id)


async def unlink(
    session: AsyncSession, user: User, identity_id: UUID, *, password_counts: bool
) -> None:
    """Take an identity away from an account.

    Args:
        password_counts: Whether the account may sign in by password, if it has one.

    Raises:
        IdentityNotFound: If the account has no such identity.
        OnlyWayIn: If nobody could sign in to the account any more.
    """
    await accounts.lock_user(session, user.user_id)  # of two at once the second sees the first
    present = await repository.list_identities(session, user.user_id)
    gone = next((one for one in present if one.identity_id == identity_id), None)
    if gone is None:
        raise IdentityNotFound("The account has no such identity.")
    found = await accounts.find_by_email(session, user.email)
    has_password = found is not None and bool(found[1])
    if len(present) == 1 and not (has_password and password_counts):
        raise OnlyWayIn("Link another identity or set a password first.")
    await repository.delete_identity(session, identity_id)
    describe(
        session,
        action="identity:unlink",
        subject=("user", user.user_id),
        old={"issuer": gone.issuer, "subject": gone.subject},
    )
