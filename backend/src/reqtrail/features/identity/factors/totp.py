"""Codes of an authenticator (RFC 6238): six digits, thirty seconds, SHA-1, which every authenticator knows."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Final

import pyotp
import segno
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.factors import repository
from reqtrail.features.identity.factors.errors import TotpExists, TotpNotBegun
from reqtrail.features.identity.factors.tables import TOTP_SEED
from reqtrail.features.identity.factors.types import Enrolment, Totp
from reqtrail.features.identity.types import User
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.crypto import seal, unseal

ISSUER: Final = "Reqtrail"
SECONDS: Final = 30
WINDOW: Final = 1
"""How many steps a clock may be ahead or behind (RFC 6238, 5.2)."""
CONFIRM_WITHIN: Final = timedelta(minutes=30)


def matching_step(secret: str, code: str, last_step: int, now: datetime) -> int | None:
    """Return the time step whose code it is, later than the last one used, or None: a code is good once."""
    totp = pyotp.TOTP(secret)
    present = int(now.timestamp()) // SECONDS
    found = None
    for step in range(present - WINDOW, present + WINDOW + 1):
        same = hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        if same and step > last_step:
            found = step
    return found


def digits_of(code: str) -> str:
    """Return a code without the blanks that people type."""
    return "".join(code.split())


async def begin(session: AsyncSession, user: User) -> Enrolment:
    """Make a secret for an authenticator; it counts once a code confirms it.

    Raises:
        TotpExists: If the account has a confirmed one.
    """
    present = await repository.find_totp(session, user.user_id)
    if present is not None and present.confirmed_at is not None:
        raise TotpExists("Remove the present authenticator first.")
    secret, factor_id = pyotp.random_base32(), new_id()
    seed = await seal(session, TOTP_SEED, (factor_id, user.user_id), secret.encode())
    totp = Totp(factor_id, user.user_id, seed, clock.now(), None, 0)
    await repository.replace_totp(session, totp)
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)
    picture = segno.make_qr(uri, error="m").svg_data_uri(scale=4, border=4, light="#fff")
    return Enrolment(secret, uri, str(picture))


async def check(session: AsyncSession, user: User, code: str) -> bool:
    """Return whether *code* is one of the account's confirmed authenticator, and use it up."""
    totp = await repository.find_totp(session, user.user_id)
    if totp is None or totp.confirmed_at is None:
        return False
    return await _use(session, totp, code)


async def confirm(session: AsyncSession, user: User, code: str) -> bool:
    """Make the authenticator count, if *code* is its; return whether it is.

    Raises:
        TotpNotBegun: If there is none that waits for a code, or it has waited for too long.
        TotpExists: If it is confirmed already.
    """
    totp = await repository.find_totp(session, user.user_id)
    if totp is not None and totp.confirmed_at is not None:
        raise TotpExists("The authenticator is confirmed already.")
    now = clock.now()
    if totp is None or totp.made_at + CONFIRM_WITHIN < now:
        raise TotpNotBegun("Ask for a new QR code and scan it.")
    if not await _use(session, totp, code):
        return False
    await repository.update_totp(session, totp.factor_id, confirmed_at=now)
    return True


async def _use(session: AsyncSession, totp: Totp, code: str) -> bool:
    """Use a code up. The caller holds the guard of the account, so no other check reads the same last step."""
    place = (totp.factor_id, totp.user_id)
    secret = (await unseal(session, TOTP_SEED, place, totp.seed)).decode()
    step = matching_step(secret, digits_of(code), totp.last_step, clock.now())
    if step is None:
        return False
    await repository.update_totp(session, totp.factor_id, last_step=step)
    return True
