"""Changes of an account's factors, by its owner or by an administrator."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository as accounts
from reqtrail.features.identity.errors import UserNotFound
from reqtrail.features.identity.factors import repository
from reqtrail.features.identity.factors.errors import LastFactor, NoFactor, PasskeyNotFound
from reqtrail.features.identity.factors.types import Factors
from reqtrail.features.identity.service import letters
from reqtrail.features.identity.types import User
from reqtrail.kit import clock
from reqtrail.platform.auditing import describe
from reqtrail.platform.mail.outbox import post


async def remove_totp(session: AsyncSession, user: User, required: bool) -> None:
    """Forget the authenticator.

    Raises:
        LastFactor: If the instance requires a factor, and there is no other.
    """
    describe(session, action="authenticator:remove", subject=("user", user.user_id))
    await repository.lock_guard(session, user.user_id)
    await repository.delete_totp(session, user.user_id)
    await _after_removal(session, user, required)


async def remove_passkey(
    session: AsyncSession, user: User, passkey_id: UUID, required: bool
) -> None:
    """Forget a passkey.

    Raises:
        PasskeyNotFound: If the account has no such one.
        LastFactor: If the instance requires a factor, and there is no other.
    """
    await repository.lock_guard(session, user.user_id)
    name = await repository.delete_passkey(session, user.user_id, passkey_id)
    if name is None:
        raise PasskeyNotFound("You have no such passkey.")
    describe(session, subject=("passkey", passkey_id), old={"name": name})
    await _after_removal(session, user, required)


async def _after_removal(session: AsyncSession, user: User, required: bool) -> None:
    """Recovery codes go with the last factor. The guard is locked: of two removals the second sees the first."""
    factors = await repository.factors_of(session, user.user_id)
    if factors.any:
        return
    if required:
        raise LastFactor("Add another second factor before you remove this one.")
    await repository.replace_recovery_codes(session, user.user_id, [], clock.now())


async def rename_passkey(session: AsyncSession, user: User, passkey_id: UUID, name: str) -> None:
    """Give a passkey another name.

    Raises:
        PasskeyNotFound: If the account has no such one.
    """
    before = {
        one.passkey_id: one.name for one in await repository.passkeys_of(session, user.user_id)
    }
    if not await repository.update_passkey(session, user.user_id, passkey_id, name=name):
        raise PasskeyNotFound("You have no such passkey.")
    describe(session, old={"name": before.get(passkey_id, "")}, new={"name": name})


async def require_any(session: AsyncSession, user: User) -> None:
    """Refuse recovery codes where there is nothing to recover from.

    Raises:
        NoFactor: If the account has no second factor.
    """
    if not (await repository.factors_of(session, user.user_id)).any:
        raise NoFactor("Add an authenticator or a passkey first.")


async def factors_of(session: AsyncSession, user_id: UUID) -> Factors:
    """Return what an account has.

    Raises:
        UserNotFound: If there is no such account.
    """
    if await accounts.find_user(session, user_id) is None:
        raise UserNotFound("There is no such account.")
    return await repository.factors_of(session, user_id)


async def reset(session: AsyncSession, user_id: UUID) -> None:
    """Forget every factor of an account and end its sign-ins, as an administrator does; its owner is told by mail.

    Raises:
        UserNotFound: If there is no such account.
    """
    user = await accounts.find_user(session, user_id)
    if user is None:
        raise UserNotFound("There is no such account.")
    factors = await repository.factors_of(session, user_id)
    await repository.delete_all(session, user_id)
    await accounts.revoke_families(session, clock.now(), user_id=user_id)
    had = {
        "authenticator": factors.totp_since is not None,
        "passkeys": len(factors.passkeys),
    }
    describe(session, action="factors:reset", subject=("user", user_id), old=had)
    await post(session, user.email, letters.factors_reset())


async def forget_expired(session: AsyncSession) -> None:
    """Forget challenges that nobody answered in time."""
    await repository.delete_expired_challenges(session, clock.now())
