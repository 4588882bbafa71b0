"""Recovery codes: ten, each good once, shown once."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.factors import repository
from reqtrail.kit import clock

COUNT: Final = 10
BYTES: Final = 15
"""120 random bits: from 112 on a plain hash of them needs no salt and no slow function (ASVS 5.0, 6.5.2)."""


async def issue(session: AsyncSession, user_id: UUID) -> list[str]:
    """Make new recovery codes, which are shown this once; the old ones are good no longer."""
    codes = [_shown(secrets.token_bytes(BYTES)) for _ in range(COUNT)]
    hashes = [_hash(code) for code in codes]
    await repository.replace_recovery_codes(session, user_id, hashes, clock.now())
    return codes


async def use(session: AsyncSession, user_id: UUID, code: str) -> bool:
    """Return whether *code* is an unused one of the account, and use it up."""
    return await repository.use_recovery_code(session, user_id, _hash(code), clock.now())


def _shown(raw: bytes) -> str:
    text = base64.b32encode(raw).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))


def _hash(code: str) -> bytes:
    """Return what is stored of a code; case, blanks and dashes do not matter."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()
