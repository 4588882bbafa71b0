"""Accounts: make, change, sign in, passwords."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.errors import (
    EmailTaken,
    LastAdministrator,
    UserNotFound,
    WrongCredentials,
    WrongPassword,
)
from reqtrail.features.identity.repository import links as links_repository
from reqtrail.features.identity.service import letters
from reqtrail.features.identity.service.passwords import PasswordHasher, check_policy
from reqtrail.features.identity.types import User
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.auditing import describe
from reqtrail.platform.database.engine import Database
from reqtrail.platform.mail.outbox import post
from reqtrail.platform.settings import Settings


async def create_user(
    session: AsyncSession,
    hasher: PasswordHasher,
    *,
    email: str,
    display_name: str,
    password: str,
    is_administrator: bool = False,
    verified: bool = False,
) -> User:
    """Make an account.

    Args:
        verified: Whether the address is known to be the person's.

    Raises:
        PasswordRefused: If the password does not meet the policy.
        EmailTaken: If the address has an account.
    """
    email = email.strip().lower()
    check_policy(password, email, display_name)
    now = clock.now()
    user = User(
        new_id(),
        email,
        display_name.strip(),
        is_administrator,
        True,
        now,
        now if verified else None,
    )
    try:
        async with session.begin_nested():
            await repository.insert_user(session, user, await hasher.hash(password))
    except IntegrityError:
        raise EmailTaken(f"There is an account with the address {email} already.") from None
    shown = {
        "email": email,
        "display_name": user.display_name,
        "is_administrator": is_administrator,
    }
    describe(session, action="user:create", subject=("user", user.user_id), new=shown)
    return user


async def check_credentials(
    database: Database, hasher: PasswordHasher, email: str, password: str
) -> User:
    """Return the account of an address and a password.

    No connection is held while the password is checked, so a flood of sign-ins does not take the pool.

    Raises:
        WrongCredentials: If either is wrong or the account is disabled.
        HashingBusy: If too many wait already.
    """
    async with database.read_session() as session:
        found = await repository.find_by_email(session, email.strip().lower())
    right = await hasher.matches(password, found[1] if found else None)
    if found is None or not right or not found[0].active:
        refusal = WrongCredentials("The e-mail address or the password is wrong.")
        # An unknown address is not kept: it may be a password, typed into the wrong field.
        refusal.about = ("user", found[0].user_id) if found else None
        raise refusal
    return found[0]


def password_signs_in(settings: Settings, user: User) -> bool:
    """Return whether the instance lets *user* sign in with a password."""
    return settings.password_sign_in == "everybody" or user.is_administrator


async def prove_password(
    session: AsyncSession, hasher: PasswordHasher, user: User, password: str
) -> None:
    """Check that the one who acts as *user* knows the account's password.

    Raises:
        WrongPassword: If *password* is not the present one.
    """
    found = await repository.find_by_email(session, user.email)
    if not await hasher.matches(password, found[1] if found else None):
        raise WrongPassword("Type the password that you sign in with now.")


async def change_password(
    session: AsyncSession, hasher: PasswordHasher, user: User, current: str, new: str
) -> None:
    """Change one's own password and end every sign-in of the account.

    Raises:
        WrongPassword: If *current* is not the present one.
        PasswordRefused: If *new* does not meet the policy.
    """
    await prove_password(session, hasher, user, current)
    await set_password(session, hasher, user, new)


async def set_password(session: AsyncSession, hasher: PasswordHasher, user: User, new: str) -> None:
    """Set a password and tell the owner by mail; every sign-in and every mailed link of the account ends.

    Raises:
        PasswordRefused: If it does not meet the policy.
    """
    check_policy(new, user.email, user.display_name)
    await repository.update_user(session, user.user_id, password_hash=await hasher.hash(new))
    now = clock.now()
    await repository.revoke_families(session, now, user_id=user.user_id)
    await links_repository.revoke_of_user(session, user.user_id, now)
    await post(session, user.email, letters.password_changed(), withheld=not user.active)
    describe(session, action="password:change", subject=("user", user.user_id))


async def reset_password(
    session: AsyncSession, hasher: PasswordHasher, email: str, new: str
) -> User:
    """Set the password of the account of an address; its sign-ins and API tokens end.

    Raises:
        UserNotFound: If there is no such account.
        PasswordRefused: If *new* does not meet the policy.
    """
    user = await find_by_email(session, email)
    await set_password(session, hasher, user, new)
    await repository.revoke_tokens(session, user.user_id, clock.now())
    return user


async def find_by_email(session: AsyncSession, email: str) -> User:
    """Return the account of an address.

    Raises:
        UserNotFound: If there is none.
    """
    found = await repository.find_by_email(session, email.strip().lower())
    if found is None:
        raise UserNotFound(f"There is no account with the address {email}.")
    return found[0]


async def find_account(session: AsyncSession, user_id: UUID) -> User:
    """Return an account.

    Raises:
        UserNotFound: If there is none.
    """
    user = await repository.find_user(session, user_id)
    if user is None:
        raise UserNotFound("There is no such account.")
    return user


async def patch_user(
    session: AsyncSession,
    user_id: UUID,
    *,
    display_name: str | None = None,
    active: bool | None = None,
    is_administrator: bool | None = None,
) -> User:
    """Change what is not None; disabling an account ends its sign-ins and its API tokens.

    Raises:
        UserNotFound: If there is no such account.
        LastAdministrator: If no active administrator would remain.
    """
    if active is False or is_administrator is False:
        if await repository.lock_administrators(session) == {user_id}:
            raise LastAdministrator("Make somebody else an administrator first.")
    values = {
        name: value
        for name, value in (
            ("display_name", display_name),
            ("active", active),
            ("is_administrator", is_administrator),
        )
        if value is not None
    }
    before = await find_account(session, user_id)
    old = {name: getattr(before, name) for name in values}
    describe(session, subject=("user", user_id), old=old, new=values)
    if values:
        await repository.update_user(session, user_id, **values)
    if active is False:
        await repository.revoke_families(session, clock.now(), user_id=user_id)
        await repository.revoke_tokens(session, user_id, clock.now())
        await links_repository.revoke_of_user(session, user_id, clock.now())
    return await find_account(session, user_id)
