"""How people come in: by invitation to the instance or to what a feature above owns, or by registering themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity import repository
from reqtrail.features.identity.errors import (
    EmailTaken,
    InvitationNotFound,
    LinkInvalid,
    LinkOfAnother,
    RegistrationClosed,
)
from reqtrail.features.identity.repository import links as links_repository
from reqtrail.features.identity.service import letters, links
from reqtrail.features.identity.service.accounts import create_user
from reqtrail.features.identity.service.passwords import PasswordHasher
from reqtrail.features.identity.types import Link, Purpose, User
from reqtrail.kit import clock
from reqtrail.platform.auditing import describe, identify
from reqtrail.platform.mail.outbox import post
from reqtrail.platform.settings import Settings

Acceptor = Callable[[AsyncSession, Link, User], Awaitable[None]]
"""Does what an invitation with a scope promises, in the transaction that accepts it."""

_acceptors: list[Acceptor] = []


def register_acceptor(acceptor: Acceptor) -> None:
    """Have *acceptor* called when an invitation with a scope is accepted; calling it again changes nothing."""
    if acceptor not in _acceptors:
        _acceptors.append(acceptor)


async def invite(
    session: AsyncSession,
    settings: Settings,
    inviter: User,
    email: str,
    *,
    scope: UUID | None = None,
    details: dict[str, Any] | None = None,
) -> Link:
    """Mail an invitation; an earlier one of the same address to the same place ends.

    Raises:
        EmailTaken: If it is one to the instance, and the address has an account.
    """
    email = email.strip().lower()
    if scope is None and await repository.find_by_email(session, email) is not None:
        raise EmailTaken(f"There is an account with the address {email} already.")
    await links_repository.revoke_sent_to(session, Purpose.INVITATION, email, scope, clock.now())
    link, token = await links.issue(
        session,
        Purpose.INVITATION,
        email,
        scope=scope,
        details=details,
        created_by=inviter.user_id,
    )
    address = letters.link_address(settings.public_address, Purpose.INVITATION, token)
    await post(session, email, letters.invitation(link, address, inviter.display_name))
    shown = {"email": email, **link.details}
    describe(session, action="invitation:create", subject=("invitation", link.link_id), new=shown)
    return link


async def open_invitations(session: AsyncSession, scope: UUID | None) -> list[Link]:
    """Return the invitations of a scope that were not accepted yet, newest first."""
    return await links_repository.list_open(session, Purpose.INVITATION, scope, clock.now())


async def withdraw(session: AsyncSession, link_id: UUID, scope: UUID | None) -> Link:
    """End an open invitation.

    Raises:
        InvitationNotFound: If the scope has no such open one.
    """
    ended = await links_repository.revoke_one(
        session, link_id, Purpose.INVITATION, scope, clock.now()
    )
    if ended is None:
        raise InvitationNotFound("It was accepted, withdrawn or never made.")
    old = {"email": ended.email, **ended.details}
    describe(session, action="invitation:withdraw", subject=("invitation", link_id), old=old)
    return ended


async def ask_registration(session: AsyncSession, settings: Settings, email: str) -> None:
    """Mail a link with which the owner of an address can make an account, or tell them that they have one.

    The answer is the same in either case, and so is the work.

    Raises:
        RegistrationClosed: If people cannot register here, or not with an address of this domain.
    """
    email = email.strip().lower()
    _check_registration(settings, email)
    found = await repository.find_by_email(session, email)
    describe(session, action="registration:ask")
    await links_repository.revoke_sent_to(session, Purpose.REGISTRATION, email, None, clock.now())
    link, token = await links.issue(session, Purpose.REGISTRATION, email)
    if found is None:
        address = letters.link_address(settings.public_address, Purpose.REGISTRATION, token)
        await post(session, email, letters.registration(link, address))
    else:
        letter = letters.account_exists(settings.public_address)
        await post(session, email, letter, withheld=not found[0].active)


def _check_registration(settings: Settings, email: str) -> None:
    if not settings.registration:
        raise RegistrationClosed("Ask an administrator for an invitation.")
    if not settings.may_register(email):
        raise RegistrationClosed("Addresses of this domain cannot register here.")


async def look_at_link(session: AsyncSession, purpose: Purpose, token: str) -> tuple[Link, bool]:
    """Return a link that is good, and whether its address has an account.

    Raises:
        LinkInvalid: If it is not good.
    """
    link = await links.look(session, purpose, token, lock=False)
    return link, await repository.find_by_email(session, link.email) is not None


async def make_account_by_link(
    session: AsyncSession,
    settings: Settings,
    hasher: PasswordHasher,
    purpose: Purpose,
    token: str,
    *,
    display_name: str,
    password: str,
) -> User:
    """Make the account that an invitation or a registration promises. Its address is proven by the link.

    Raises:
        LinkInvalid: If the link is not good.
        EmailTaken: If the address has an account meanwhile.
        PasswordRefused: If the password does not meet the policy.
        RegistrationClosed: If people cannot register any more.
    """
    link = await links.redeem(session, purpose, token)
    if purpose is Purpose.REGISTRATION:
        _check_registration(settings, link.email)
    user = await create_user(
        session,
        hasher,
        email=link.email,
        display_name=display_name,
        password=password,
        is_administrator=link.scope is None and bool(link.details.get("is_administrator")),
        verified=True,
    )
    identify(session, actor_id=user.user_id)
    describe(session, details={"by": purpose.value, "link": link.link_id})
    await _accept(session, link, user)
    return user


async def accept_as(session: AsyncSession, user: User, token: str) -> Link:
    """Accept an invitation with an account that exists.

    Raises:
        LinkInvalid: If the link is not good.
        LinkOfAnother: If it was sent to another address than the account's.
    """
    link = await links.redeem(session, Purpose.INVITATION, token)
    if link.email != user.email:
        raise LinkOfAnother(f"It was sent to {link.email}. Sign in with that address.")
    if link.scope is None:
        raise LinkInvalid("You have an account already.")
    await repository.update_user(
        session, user.user_id, email_verified_at=user.email_verified_at or clock.now()
    )
    describe(
        session,
        action="invitation:accept",
        subject=("invitation", link.link_id),
        new={"user": user.user_id, **link.details},
    )
    await _accept(session, link, user)
    return link


async def _accept(session: AsyncSession, link: Link, user: User) -> None:
    if link.scope is not None:
        for acceptor in _acceptors:
            await acceptor(session, link, user)
