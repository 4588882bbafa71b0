"""The key set as one process knows it: read from the database every two seconds, and when a token names a new key.

PostgreSQL alone carries a rotation to the processes, so it needs neither a restart nor Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from joserfc.jwk import ECKey
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.signing import keeping
from reqtrail.features.identity.signing.errors import KeysUnavailable
from reqtrail.features.identity.signing.types import StoredKey
from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.crypto import KeysUnusable, SecretUnreadable
from reqtrail.platform.database.engine import Database

logger = structlog.get_logger()

POLL_SECONDS: Final = 2.0
MIN_SECONDS_BETWEEN_LOOKUPS: Final = 0.5
"""Tokens that name unknown keys make a process ask the database no more often than this."""


@dataclass(frozen=True)
class _Keys:
    active: ECKey | None = None
    public: dict[str, ECKey] = field(default_factory=dict)


class KeyRing:
    """The keys of this process, which has opened the vault of *database*."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys = _Keys()
        self._task: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self._looked_up = -MIN_SECONDS_BETWEEN_LOOKUPS
        self._on_change: list[Callable[[], None]] = []

    def on_change(self, action: Callable[[], None]) -> None:
        """Have *action* called whenever the set of good keys has become another."""
        self._on_change.append(action)

    async def start(self) -> None:
        """Load the keys, make the first one if there is none, and begin to follow them.

        While the database is away the process starts all the same, and loads them once it is there.

        Raises:
            KeysUnusable, SecretUnreadable: If the active key cannot be read.
        """
        try:
            await self.load()
        except (SQLAlchemyError, OSError) as error:
            logger.warning("signing_keys_wait_for_database", error=type(error).__name__)
        self._task = keep_running(self._follow, "signing-keys")

    async def stop(self) -> None:
        """End following."""
        if self._task is not None:
            await end_task(self._task)

    def active(self) -> ECKey:
        """Return the key that signs.

        Raises:
            KeysUnavailable: If none could be loaded since the process started.
        """
        if self._keys.active is None:
            raise KeysUnavailable("The database did not answer yet. Try again soon.", retry_after=2)
        return self._keys.active

    def find(self, kid: object) -> ECKey | None:
        """Return the key that is named *kid*, if it is known and good."""
        return self._keys.public.get(kid) if isinstance(kid, str) else None

    def public(self) -> dict[str, Any]:
        """Return the key set as it is published (RFC 7517): public parts only."""
        return {"keys": [key.as_dict(private=False) for key in self._keys.public.values()]}

    async def look_up(self, kid: object) -> None:
        """Read the keys once more because a token names one that is not known.

        Raises:
            sqlalchemy.exc.SQLAlchemyError, OSError: If the database is away.
        """
        loop = asyncio.get_running_loop()
        async with self._looking:
            too_soon = loop.time() - self._looked_up < MIN_SECONDS_BETWEEN_LOOKUPS
            if self.find(kid) is None and not too_soon:
                self._looked_up = loop.time()
                await self.load()

    async def load(self) -> None:
        """Read the keys; make the first one if there is none.

        Raises:
            KeysUnusable, SecretUnreadable: If the active key cannot be read.
            sqlalchemy.exc.SQLAlchemyError, OSError: If the database is away.
        """
        async with self._database.read_session() as session:
            stored = await keeping.current_keys(session)
            self._take(stored)
            await self._take_active(session, stored)
        if self._keys.active is None:
            async with self._database.session() as session:
                await keeping.ensure_key(session)
                stored = await keeping.current_keys(session)
                self._take(stored)
                await self._take_active(session, stored)

    def _take(self, stored: list[StoredKey]) -> None:
        known = self._keys.public
        public = {key.kid: known.get(key.kid) or keeping.public_key(key) for key in stored}
        changed = public.keys() != known.keys()
        self._keys = _Keys(self._keys.active, public)
        if changed:
            logger.info("signing_keys_loaded", count=len(public))
            for action in self._on_change:
                action()

    async def _take_active(self, session: AsyncSession, stored: list[StoredKey]) -> None:
        for key in stored:
            if key.retired_at is None and key.kid != getattr(self._keys.active, "kid", None):
                private = await keeping.private_key(session, key)
                self._keys = _Keys(private, self._keys.public)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.load()
            except (SQLAlchemyError, OSError) as error:
                logger.warning("signing_keys_not_read", error=type(error).__name__)
            except (KeysUnusable, SecretUnreadable) as error:
                logger.error("signing_key_not_readable", error=str(error))
