"""Sealing and unsealing in a transaction."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as insert_if_free
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.crypto.columns import Id, SealedColumn
from reqtrail.platform.crypto.envelope import KEY_BYTES, decrypt, encrypt, key_of
from reqtrail.platform.crypto.errors import SecretUnreadable
from reqtrail.platform.crypto.keyring import Keyring, missing
from reqtrail.platform.crypto.tables import data_keys
from reqtrail.platform.database.engine import Database
from reqtrail.platform.settings import Settings

logger = structlog.get_logger()

MOST_KEYS: Final = 10_000
"""How many data keys a process remembers."""
IN_A_THREAD: Final = 256 * 1024
"""From this size on, encryption would hold up other requests."""
_VAULT: Final = "reqtrail_vault"


class Vault:
    """Seals and unseals with the data keys of the database. A data key never changes, so it is unwrapped once."""

    def __init__(self, ring: Keyring) -> None:
        self.ring = ring
        self._data_keys: dict[UUID, bytes] = {}

    async def seal(
        self, session: AsyncSession, column: SealedColumn, ids: Sequence[Id], secret: bytes
    ) -> bytes:
        """Return *secret*, encrypted for the row of *column* that *ids* name."""
        key_id, data_key = await self._active(session, column.project_of(ids))
        arguments = (data_key, key_id, column.place(ids), secret)
        if len(secret) < IN_A_THREAD:
            return encrypt(*arguments)
        return await asyncio.to_thread(encrypt, *arguments)

    async def unseal(
        self, session: AsyncSession, column: SealedColumn, ids: Sequence[Id], sealed: bytes
    ) -> bytes:
        """Return what was sealed for that row.

        Raises:
            SecretUnreadable: If it was sealed for another one, or changed.
        """
        key_id = key_of(sealed)
        data_key = self._data_keys.get(key_id)
        if data_key is None:
            statement = select(data_keys).where(data_keys.c.key_id == key_id)
            row = (await session.execute(statement)).one_or_none()
            if row is None:
                raise SecretUnreadable("The data key of a stored secret is gone.")
            data_key = self.unwrap(row)
        arguments = (data_key, column.place(ids), sealed)
        if len(sealed) < IN_A_THREAD:
            return decrypt(*arguments)
        return await asyncio.to_thread(decrypt, *arguments)

    def unwrap(self, row: Row[Any]) -> bytes:
        """Return the data key of a row of ``data_keys``, and remember it."""
        master = self.ring.find(row.master_id)
        data_key = master.unwrap(row.key_id, row.project_id, row.wrapped)
        if len(self._data_keys) >= MOST_KEYS:
            self._data_keys.clear()
        self._data_keys[row.key_id] = data_key
        return data_key

    async def _active(self, session: AsyncSession, project_id: UUID | None) -> tuple[UUID, bytes]:
        """Return the data key that encrypts, made at first need.

        It is locked until the transaction ends, so that a renewal finds everything that it encrypted.
        """
        statement = (
            select(data_keys)
            .where(data_keys.c.project_id.is_not_distinct_from(project_id))
            .where(data_keys.c.retired_at.is_(None))
            .with_for_update(read=True, key_share=True)
        )
        row = (await session.execute(statement)).one_or_none()
        if row is None:
            await session.execute(
                insert_if_free(data_keys)
                .values(**self.new_data_key(project_id))
                .on_conflict_do_nothing()
            )
            row = (await session.execute(statement)).one()
        known = self._data_keys.get(row.key_id)
        return row.key_id, self.unwrap(row) if known is None else known

    def new_data_key(self, project_id: UUID | None) -> dict[str, Any]:
        """Return the row of a new data key."""
        self.ring.reload()
        key_id, master = new_id(), self.ring.active
        return {
            "key_id": key_id,
            "project_id": project_id,
            "master_id": master.key_id,
            "wrapped": master.wrap(key_id, project_id, os.urandom(KEY_BYTES)),
            "created_at": clock.now(),
        }


async def open_vault(database: Database, settings: Settings) -> None:
    """Give the sessions of *database* the master keys of *settings*, after a check that they open what is there.

    The first start makes a master key in the home. Later a missing one is an error, never a new key. While the database
    is away or has no schema yet there is no telling, so that nothing is made and each use checks for itself.

    Raises:
        KeysUnusable: If secrets are encrypted with a master key that is not there.
    """
    ring = Keyring(settings)
    database.info[_VAULT] = vault = Vault(ring)
    try:
        samples = await _samples(database)
    except (DBAPIError, OSError) as error:
        logger.warning("master_keys_unchecked", error=type(error).__name__)
        return
    _require_known(ring, samples)
    ring.make_first()
    for row in samples:
        vault.unwrap(row)
    assert ring.active


async def check_vault(database: Database, ring: Keyring) -> bool:
    """Do what :func:`open_vault` does with the keys of *ring*, but make none; return whether there is anything to open.

    Raises:
        KeysUnusable: If secrets are encrypted with a master key that is not there.
        DBAPIError, OSError: If the database cannot be asked.
    """
    database.info[_VAULT] = vault = Vault(ring)
    samples = await _samples(database)
    _require_known(ring, samples)
    for row in samples:
        vault.unwrap(row)
    return bool(samples)


async def _samples(database: Database) -> Sequence[Row[Any]]:
    """Return one data key of each master key that wraps any."""
    async with database.read_session() as session:
        one_each = select(data_keys).ext(distinct_on(data_keys.c.master_id))
        return (await session.execute(one_each.order_by(data_keys.c.master_id))).all()


def _require_known(ring: Keyring, samples: Sequence[Row[Any]]) -> None:
    known = {key.key_id for key in ring.keys}
    unknown = [row.master_id for row in samples if row.master_id not in known]
    if unknown:
        raise missing(ring.source, unknown)


def vault_of(database: Database) -> Vault:
    """Return the vault that *database* was given."""
    vault: Vault = database.info[_VAULT]
    return vault


def _vault(session: AsyncSession) -> Vault:
    vault: Vault | None = session.info.get(_VAULT)
    if vault is None:
        raise RuntimeError("This process has no master keys: it must call open_vault() first.")
    return vault


async def seal(
    session: AsyncSession, column: SealedColumn, ids: Sequence[Id], secret: bytes
) -> bytes:
    """Return *secret*, encrypted for the row of *column* that *ids* name."""
    return await _vault(session).seal(session, column, ids, secret)


async def unseal(
    session: AsyncSession, column: SealedColumn, ids: Sequence[Id], sealed: bytes
) -> bytes:
    """Return what was sealed for that row.

    Raises:
        SecretUnreadable: If it was sealed for another one, or changed.
    """
    return await _vault(session).unseal(session, column, ids, sealed)
