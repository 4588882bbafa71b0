"""A new password by mail."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.errors import LinkInvalid, UserNotFound
from reqtrail.features.identity.repository import links as links_repository
from reqtrail.features.identity.service import accounts, letters, links
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.types import Purpose, User
from reqtrail.kit import clock
from reqtrail.platform.auditing import describe, identify
from reqtrail.platform.mail.outbox import post

MOST: Final = 3
"""How many mails one address gets within AGAIN_AFTER, however often somebody asks. The links in them stay good, so
that nobody can keep the owner of an account from a new password by asking all the time."""
AGAIN_AFTER: Final = timedelta(minutes=10)


async def ask_reset(session: AsyncSession, public_url: str, email: str) -> None:
    """Mail a link for a new password, if *email* is the address of an active account.

    The answer is the same in either case, and so is the work: a link that belongs to nobody, a mail that is not sent.
    """
    email = email.strip().lower()
    found = await repository.find_by_email(session, email)
    user = found[0] if found is not None and found[0].active else None
    sent = await links_repository.count_sent(
        session, Purpose.PASSWORD_RESET, email, clock.now() - AGAIN_AFTER
    )
    await _mail_link(session, public_url, email, user, withheld=user is None or sent >= MOST)
    # An unknown address is not kept: it may be a password, typed into the wrong field.
    subject = ("user", user.user_id) if user else None
    describe(session, action="password-reset:ask", subject=subject)


async def send_reset(session: AsyncSession, public_url: str, user: User) -> None:
    """Mail a link for a new password because an administrator says so; earlier ones end.

    Raises:
        UserNotFound: If the account is disabled.
    """
    if not user.active:
        raise UserNotFound("The account is disabled. Enable it first.")
    await links_repository.revoke_of_user(
        session, user.user_id, clock.now(), Purpose.PASSWORD_RESET
    )
    await _mail_link(session, public_url, user.email, user, withheld=False)
    describe(session, action="password-reset:send", subject=("user", user.user_id))


async def _mail_link(
    session: AsyncSession, public_url: str, email: str, user: User | None, *, withheld: bool
) -> None:
    link, token = await links.issue(
        session, Purpose.PASSWORD_RESET, email, user_id=user.user_id if user else None
    )
    address = letters.link_address(public_url, Purpose.PASSWORD_RESET, token)
    await post(session, email, letters.password_reset(link, address), withheld=withheld)


async def reset_by_link(
    session: AsyncSession, hasher: PasswordHasher, token: str, password: str
) -> User:
    """Set the password of the account that a link belongs to; its sign-ins, API tokens and other links end.

    Nobody is signed in by it: a second factor is asked for at the next sign-in as at any.

    Raises:
        LinkInvalid: If the link is not good.
        PasswordRefused: If the password does not meet the policy.
    """
    link = await links.redeem(session, Purpose.PASSWORD_RESET, token)
    user = await repository.find_user(session, link.user_id) if link.user_id else None
    if user is None or not user.active or user.email != link.email:
        raise LinkInvalid("It was used already, has expired or was replaced. Ask for a new one.")
    await accounts.set_password(session, hasher, user, password)
    now = clock.now()
    await repository.revoke_tokens(session, user.user_id, now)
    await repository.update_user(session, user.user_id, email_verified_at=now)
    identify(session, actor_id=user.user_id)
    describe(session, action="password:reset", subject=("user", user.user_id))
    return user
