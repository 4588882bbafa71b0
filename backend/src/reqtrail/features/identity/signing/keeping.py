"""Make, rotate and read the keys that sign access tokens.

Private parts are sealed, and kept only as long as the key signs.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import orjson
from joserfc.jwk import ECKey, KeyParameters
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.signing import repository
from reqtrail.features.identity.signing.tables import signing_keys
from reqtrail.features.identity.signing.types import StoredKey
from reqtrail.kit import clock
from reqtrail.platform.crypto import SealedColumn, seal, unseal

SIGNING_KEY: Final = SealedColumn(
    "identity.signing_key", signing_keys, "sealed_private_key", ("kid",)
)
ALGORITHM: Final = "ES256"
CURVE: Final = "P-256"
MAX_TOKEN_LIFE: Final = timedelta(minutes=60)
"""The longest life of an access token that the settings allow."""
KEPT_RETIRED: Final = MAX_TOKEN_LIFE + timedelta(minutes=5)
"""How long a retired key checks tokens: processes that have not heard of its end sign with it for some seconds more."""


async def private_key(session: AsyncSession, stored: StoredKey) -> ECKey:
    """Return the private key of the active one.

    Raises:
        SecretUnreadable: If it was sealed for another key, or changed.
        KeysUnusable: If the master key is not there.
    """
    assert stored.sealed_private_key is not None
    content = await unseal(session, SIGNING_KEY, (stored.kid,), stored.sealed_private_key)
    return ECKey.import_key(orjson.loads(content), _parameters(stored.kid))


def public_key(stored: StoredKey) -> ECKey:
    """Return the public key of a stored one."""
    return ECKey.import_key(stored.public_key, _parameters(stored.kid))


def _parameters(kid: str) -> KeyParameters:
    return {"alg": ALGORITHM, "use": "sig", "kid": kid}


async def current_keys(session: AsyncSession) -> list[StoredKey]:
    """Return the keys that are good now, the active one first."""
    return await repository.list_keys(session, clock.now())


async def ensure_key(session: AsyncSession) -> None:
    """Make the first key, unless there is an active one."""
    await repository.lock(session)
    if not any(key.retired_at is None for key in await current_keys(session)):
        await _make_key(session, clock.now())


async def rotate(session: AsyncSession, *, revoke: bool = False) -> str:
    """Make a new active key and return its id. The former one checks tokens until those it signed have expired.

    Args:
        revoke: Forget the former keys at once, as after a leak: tokens that they signed are refused, and browsers get
            themselves new ones without asking anybody.
    """
    await repository.lock(session)
    now = clock.now()
    await repository.retire_active(session, now, now + KEPT_RETIRED)
    await repository.delete_retired(session, None if revoke else now)
    return await _make_key(session, now)


async def rotate_if_old(session: AsyncSession, older_than: timedelta) -> str | None:
    """Rotate when the active key is *older_than*; return the id of the new one, or None."""
    await repository.lock(session)
    keys = await current_keys(session)
    now = clock.now()
    if not keys or keys[0].retired_at is not None or now - keys[0].created_at < older_than:
        return None
    return await rotate(session)


async def _make_key(session: AsyncSession, now: datetime) -> str:
    key = ECKey.generate_key(CURVE)
    kid = key.thumbprint()
    private = orjson.dumps(key.as_dict(private=True))
    await repository.insert_key(
        session,
        kid=kid,
        algorithm=ALGORITHM,
        public_key=key.as_dict(private=False),
        sealed_private_key=await seal(session, SIGNING_KEY, (kid,), private),
        created_at=now,
    )
    return kid
