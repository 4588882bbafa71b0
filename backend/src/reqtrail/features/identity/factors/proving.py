"""Proving oneself: what a sign-in asks for beside the password, and what a change of factors asks for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository as accounts
from reqtrail.features.identity.factors import (
    challenges,
    guard,
    passkeys,
    recovery,
    repository,
    totp,
)
from reqtrail.features.identity.factors.errors import ChallengeEnded, ReauthenticationNeeded
from reqtrail.features.identity.factors.passkeys import RelyingParty
from reqtrail.features.identity.factors.types import (
    Challenge,
    Factors,
    Method,
    Passkey,
    Purpose,
)
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.types import User
from reqtrail.kit import clock
from reqtrail.platform.auditing import Outcome, describe


async def factors_of(session: AsyncSession, user_id: UUID) -> Factors:
    """Return what an account has beside its password."""
    return await repository.factors_of(session, user_id)


async def ask(session: AsyncSession, user: User, required: bool) -> tuple[str, Factors] | None:
    """Return the challenge that follows a right password and what can answer it, or None if nothing does.

    Args:
        required: Whether an account without a second factor must enrol one now.
    """
    factors = await repository.factors_of(session, user.user_id)
    if not factors.any and not required:
        return None
    purpose = Purpose.SECOND_FACTOR if factors.any else Purpose.ENROL
    token, _ = await challenges.make(session, purpose, user.user_id)
    return token, factors


async def user_of(session: AsyncSession, challenge: Challenge) -> User:
    """Return the account that a challenge is for.

    Raises:
        ChallengeEnded: If it was disabled meanwhile.
    """
    user = await accounts.find_user(session, challenge.user_id) if challenge.user_id else None
    if user is None or not user.active:
        raise ChallengeEnded("Sign in again.")
    return user


async def check_code(session: AsyncSession, user: User, method: Method, code: str) -> bool:
    """Return whether a code proves the account, and use it up. The caller must let the transaction commit either way.

    Raises:
        CodesBlocked: If there were too many wrong ones before.
    """
    now = clock.now()
    failures = await guard.enter(session, user.user_id, now)
    if method is Method.RECOVERY_CODE:
        right = await recovery.use(session, user.user_id, code)
    else:
        right = await totp.check(session, user, code)
    await guard.leave(session, user.user_id, failures, right, now)
    return right


async def answer(session: AsyncSession, token: str, method: Method, code: str) -> User | None:
    """Return the account whose challenge a code answers, or None if the code is wrong; let the transaction commit then.

    Raises:
        ChallengeEnded: If the challenge is over.
        CodesBlocked: If the account had too many wrong codes.
    """
    challenge = await challenges.find(session, token, Purpose.SECOND_FACTOR)
    user = await user_of(session, challenge)
    right = await check_code(session, user, method, code)
    await challenges.answered(session, challenge, right)
    _describe_sign_in(session, user.user_id, method, right)
    return user if right else None


async def ask_passkey(
    session: AsyncSession, party: RelyingParty, token: str | None
) -> tuple[str, dict[str, Any]]:
    """Return a challenge for an authenticator and what it signs.

    Args:
        token: The challenge of a sign-in whose second step it is; without one it is a sign-in without a password.

    Raises:
        ChallengeEnded: If that challenge is over.
    """
    if token is None:
        token, nonce = await challenges.make(session, Purpose.PASSKEY, None)
        return token, passkeys.request_options(party, nonce, None)
    challenge = await challenges.find(session, token, Purpose.SECOND_FACTOR)
    user = await user_of(session, challenge)
    nonce = await challenges.renew_nonce(session, challenge)
    present = await repository.passkeys_of(session, user.user_id)
    return token, passkeys.request_options(party, nonce, present)


async def answer_passkey(
    session: AsyncSession, party: RelyingParty, token: str, credential: Mapping[str, Any]
) -> User | None:
    """Return the account whose passkey answers a challenge, or None if none does; let the transaction commit then.

    Raises:
        ChallengeEnded: If the challenge is over.
    """
    challenge = await challenges.find(session, token, Purpose.SECOND_FACTOR, Purpose.PASSKEY)
    user_id = await passkeys.check(session, party, challenge.nonce, credential, challenge.user_id)
    once = challenge.user_id is None
    await challenges.answered(session, challenge, once or user_id is not None)
    user = await accounts.find_user(session, user_id) if user_id else None
    right = user is not None and user.active
    _describe_sign_in(session, user_id or challenge.user_id, Method.PASSKEY, right)
    return user if right else None


def _describe_sign_in(
    session: AsyncSession, user_id: UUID | None, method: Method, right: bool
) -> None:
    describe(
        session,
        action="session:open",
        subject=("user", user_id) if user_id else None,
        outcome="done" if right else "refused",
        details={"method": method},
    )


def describe_own(session: AsyncSession, user: User, action: str, right: bool = True) -> None:
    """Say in the record of *session* that somebody does *action* with their own factors."""
    outcome: Outcome = "done" if right else "refused"
    describe(session, action=action, subject=("user", user.user_id), outcome=outcome)


async def proves(
    session: AsyncSession,
    hasher: PasswordHasher,
    party: RelyingParty,
    user: User,
    *,
    password: str | None = None,
    code: str | None = None,
    passkey: tuple[str, Mapping[str, Any]] | None = None,
) -> bool:
    """Return whether one of the given proofs shows that it is still *user*. Let the transaction commit either way.

    Args:
        passkey: The token of a challenge and the answer of an authenticator.

    Raises:
        CodesBlocked: If the account had too many wrong codes.
        ChallengeEnded: If the passkey's challenge is over.
    """
    right = await _proves(session, hasher, party, user, password, code, passkey)
    describe_own(session, user, "session:prove", right)
    return right


async def _proves(
    session: AsyncSession,
    hasher: PasswordHasher,
    party: RelyingParty,
    user: User,
    password: str | None,
    code: str | None,
    passkey: tuple[str, Mapping[str, Any]] | None,
) -> bool:
    if password is not None:
        found = await accounts.find_by_email(session, user.email)
        return await hasher.matches(password, found[1] if found else None)
    if code is not None:
        return await check_code(session, user, Method.TOTP, code)
    if passkey is not None:
        token, credential = passkey
        challenge = await challenges.take(session, token, Purpose.PASSKEY)
        proven = await passkeys.check(session, party, challenge.nonce, credential, user.user_id)
        return proven is not None
    return False


async def begin_passkey(
    session: AsyncSession, party: RelyingParty, user: User
) -> tuple[str, dict[str, Any]]:
    """Return a challenge for a new passkey and what an authenticator makes it with.

    Raises:
        PasskeyRefused: If the account has as many as it may.
    """
    present = await repository.passkeys_of(session, user.user_id)
    token, nonce = await challenges.make(session, Purpose.REGISTRATION, user.user_id)
    return token, passkeys.registration_options(party, user, present, nonce)


async def add_passkey(
    session: AsyncSession,
    party: RelyingParty,
    user: User,
    token: str,
    name: str,
    credential: Mapping[str, Any],
) -> Passkey:
    """Keep the passkey that an authenticator made.

    Raises:
        ChallengeEnded: If the challenge is over or of another account.
        PasskeyRefused: If the answer does not prove it.
        PasskeyTaken: If it is registered already.
    """
    challenge = await challenges.take(session, token, Purpose.REGISTRATION)
    if challenge.user_id != user.user_id:
        raise ChallengeEnded("Begin again: this step belongs to another account.")
    describe(session, action="passkey:add", subject=("user", user.user_id), new={"name": name})
    return await passkeys.register(session, party, user, challenge.nonce, name, credential)


async def enrolling(session: AsyncSession, token: str) -> tuple[User, Challenge]:
    """Return the account that must enrol before it is signed in, and its challenge.

    Raises:
        ChallengeEnded: If the challenge is over.
    """
    challenge = await challenges.find(session, token, Purpose.ENROL)
    return await user_of(session, challenge), challenge


async def confirm_totp(session: AsyncSession, user: User, code: str) -> bool:
    """Make the authenticator that waits for a code count; return whether it is its code. Let the transaction commit.

    Raises:
        TotpNotBegun, TotpExists: If there is nothing to confirm.
        CodesBlocked: If the account had too many wrong codes.
    """
    now = clock.now()
    failures = await guard.enter(session, user.user_id, now)
    right = await totp.confirm(session, user, code)
    describe_own(session, user, "authenticator:confirm", right)
    await guard.leave(session, user.user_id, failures, right, now)
    return right


async def first_codes(session: AsyncSession, user: User) -> list[str]:
    """Return new recovery codes if the account has none left; else nothing, for it keeps those that it has."""
    factors = await repository.factors_of(session, user.user_id)
    return [] if factors.recovery_codes_left else await recovery.issue(session, user.user_id)


async def is_fresh(session: AsyncSession, family_id: UUID | None, minutes: int) -> bool:
    """Return whether the person of a sign-in proved themselves within the last minutes; an API token never does."""
    proven = await repository.proven_at(session, family_id) if family_id else None
    return proven is not None and proven + timedelta(minutes=minutes) >= clock.now()


async def require_fresh(session: AsyncSession, family_id: UUID, minutes: int) -> None:
    """Refuse a change by a sign-in whose person did not prove themselves lately.

    Raises:
        ReauthenticationNeeded: If it is longer ago than so many minutes.
    """
    if not await is_fresh(session, family_id, minutes):
        raise ReauthenticationNeeded("Type your password or a code again to change this.")


async def note_proof(session: AsyncSession, family_id: UUID) -> None:
    """Keep that the person of a sign-in has just proven themselves."""
    await repository.set_proven_at(session, family_id, clock.now())
