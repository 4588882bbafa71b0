"""The e-mail address of an account: proven, and changed."""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.errors import EmailTaken, LinkInvalid
from reqtrail.features.identity.repository import links as links_repository
from reqtrail.features.identity.service import letters, links
from reqtrail.features.identity.service.accounts import prove_password
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.types import Link, Purpose, User
from reqtrail.kit import clock
from reqtrail.platform.auditing import describe, identify
from reqtrail.platform.mail.outbox import post


async def ask_verification(session: AsyncSession, public_url: str, user: User) -> None:
    """Mail a link that proves that the address of an account is its owner's; an earlier one ends."""
    now = clock.now()
    await links_repository.revoke_of_user(session, user.user_id, now, Purpose.EMAIL_VERIFICATION)
    link, token = await links.issue(
        session, Purpose.EMAIL_VERIFICATION, user.email, user_id=user.user_id
    )
    address = letters.link_address(public_url, Purpose.EMAIL_VERIFICATION, token)
    await post(session, user.email, letters.email_verification(link, address))
    describe(session, action="email-verification:ask", subject=("user", user.user_id))


async def verify(session: AsyncSession, token: str) -> User:
    """Note that the address of an account is proven.

    Raises:
        LinkInvalid: If the link is not good, or the account has another address by now.
    """
    link = await links.redeem(session, Purpose.EMAIL_VERIFICATION, token)
    user = await _owner(session, link)
    if user.email != link.email:
        raise LinkInvalid("The account has another address by now.")
    await repository.update_user(session, user.user_id, email_verified_at=clock.now())
    identify(session, actor_id=user.user_id)
    describe(session, action="email:verify", subject=("user", user.user_id))
    return user


async def ask_change(
    session: AsyncSession,
    hasher: PasswordHasher,
    public_url: str,
    user: User,
    new: str,
    password: str,
) -> None:
    """Mail a link to the *new* address that makes it the account's, and a warning to the present one.

    Whether *new* belongs to another account is told to that account alone.

    Raises:
        WrongPassword: If *password* is not the present one.
    """
    new = new.strip().lower()
    await prove_password(session, hasher, user, password)
    now = clock.now()
    await links_repository.revoke_of_user(session, user.user_id, now, Purpose.EMAIL_CHANGE)
    found = await repository.find_by_email(session, new)
    link, token = await links.issue(session, Purpose.EMAIL_CHANGE, new, user_id=user.user_id)
    if found is None:
        address = letters.link_address(public_url, Purpose.EMAIL_CHANGE, token)
        await post(session, new, letters.email_change(link, address))
    else:
        await post(session, new, letters.email_change_taken(), withheld=not found[0].active)
    await post(session, user.email, letters.email_change_asked(new))
    subject = ("user", user.user_id)
    describe(session, action="email-change:ask", subject=subject, new={"email": new})


async def confirm_change(session: AsyncSession, token: str) -> tuple[User, str]:
    """Make the address that a link was sent to the account's; return the account and its old address.

    Links that were sent to the old address open nothing any more.

    Raises:
        LinkInvalid: If the link is not good.
        EmailTaken: If the address has an account meanwhile.
    """
    link = await links.redeem(session, Purpose.EMAIL_CHANGE, token)
    user = await _owner(session, link)
    now = clock.now()
    try:
        async with session.begin_nested():
            await repository.update_user(
                session, user.user_id, email=link.email, email_verified_at=now
            )
    except IntegrityError:
        raise EmailTaken("Another account uses this address by now.") from None
    await links_repository.revoke_of_user(session, user.user_id, now)
    await post(session, user.email, letters.email_changed(link.email))
    identify(session, actor_id=user.user_id)
    describe(
        session,
        action="email:change",
        subject=("user", user.user_id),
        old={"email": user.email},
        new={"email": link.email},
    )
    changed = await repository.find_user(session, user.user_id)
    assert changed is not None
    return changed, user.email


async def _owner(session: AsyncSession, link: Link) -> User:
    user = await repository.find_user(session, link.user_id) if link.user_id else None
    if user is None or not user.active:
        raise LinkInvalid("The account was disabled. Ask an administrator.")
    return user
