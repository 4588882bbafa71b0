"""What stands before every place where a secret could be guessed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request

from reqtrail.features.identity.deps import delays_of, settings_of
from reqtrail.features.identity.errors import HashingBusy
from reqtrail.platform.guessing import address_prefix
from reqtrail.platform.http import client_address
from reqtrail.platform.rate_limit import Limiter

MAILS_A_MINUTE = 20
"""How often one network may have mails sent."""
LINKS_A_MINUTE = 120
"""How often one network may follow links."""
STEPS_A_MINUTE = 300
"""How often one network may go on with a sign-in."""

ACCOUNT = "sign-in-account"
ADDRESS = "sign-in-address"


def network_of(request: Request) -> str:
    """Return the network that the request comes from."""
    return address_prefix(client_address(request))


@asynccontextmanager
async def guarded(request: Request, subject: str) -> AsyncIterator[None]:
    """Let the block guess a secret of *subject* once: it raises if the guess is wrong, and ends if it is right.

    Wrong guesses make the next ones wait, for the subject and for the network that they come from. A right one forgets
    those on the subject; those of the network stay, since anybody has an account of their own to guess right.

    Raises:
        RateLimited: If it has to wait.
    """
    delays, free, network = (
        delays_of(request),
        settings_of(request).sign_in_limit,
        network_of(request),
    )
    await delays.attempt(ADDRESS, network, free * 5)
    await delays.attempt(ACCOUNT, subject, free)
    try:
        yield
    except HashingBusy:
        await delays.refund(ADDRESS, network)
        await delays.refund(ACCOUNT, subject)
        raise
    await delays.refund(ADDRESS, network)
    await delays.clear(ACCOUNT, subject)


async def forgive(request: Request, email: str) -> None:
    """Forget the wrong guesses on an account: its owner has shown that it is theirs by another way."""
    await delays_of(request).clear(ACCOUNT, email)


async def limit_mails(request: Request) -> None:
    """Count a mail that somebody who is not signed in asks for.

    Raises:
        RateLimited: If their network has asked for too many.
    """
    limiter: Limiter = request.app.state.limiter
    await limiter.hit("mails-network", network_of(request), MAILS_A_MINUTE)


async def limit_links(request: Request) -> None:
    """Count a link that somebody follows.

    Raises:
        RateLimited: If their network has followed too many.
    """
    limiter: Limiter = request.app.state.limiter
    await limiter.hit("links-network", network_of(request), LINKS_A_MINUTE)


async def limit_steps(request: Request) -> None:
    """Count a step of a sign-in after the first, or of one without a password.

    Raises:
        RateLimited: If the network has made too many.
    """
    limiter: Limiter = request.app.state.limiter
    await limiter.hit("steps-network", network_of(request), STEPS_A_MINUTE)
