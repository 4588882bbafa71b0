"""Rotating keys while the instance runs.

Each step is a transaction of its own and changes a row only if it is still what was read, so that writers lose nothing
and hardly wait, and a run that was killed is completed by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    LargeBinary,
    Row,
    and_,
    any_,
    bindparam,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from reqtrail.kit import clock
from reqtrail.platform.crypto.columns import SealedColumn
from reqtrail.platform.crypto.envelope import KEY_ID_AT
from reqtrail.platform.crypto.errors import SecretUnreadable
from reqtrail.platform.crypto.tables import data_keys
from reqtrail.platform.crypto.vault import Vault, vault_of
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_task

BATCH: Final = 50
_ALONE: Final = text("SELECT pg_advisory_xact_lock(7301197)")


@dataclass(frozen=True)
class Rotation:
    """What a rotation did.

    Attributes:
        master_id: The master key that wraps from now on.
        rewrapped: Data keys that another master key had wrapped.
        renewed: Data keys that were replaced.
        resealed: Secrets that were encrypted anew.
        unreadable: Secrets that cannot be read and were left alone.
    """

    master_id: str
    rewrapped: int = 0
    renewed: int = 0
    resealed: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class MasterUse:
    """A master key, and how many data keys it wraps."""

    master_id: str
    active: bool
    known: bool
    wraps: int


async def rotate(
    database: Database,
    columns: Iterable[SealedColumn],
    *,
    new_master: bool = False,
    renew: bool = False,
) -> Rotation:
    """Wrap every data key by the active master key; one rotation runs at a time.

    Args:
        database: With the login that owns the tables.
        new_master: Make a master key first and put it in front of those of the file.
        renew: Replace the data keys too and encrypt their secrets anew.

    Raises:
        KeysUnusable: If a master key is missing, or *new_master* is asked for and the keys are a setting.
    """
    vault, columns = vault_of(database), tuple(columns)
    database = database.within(of_task("keys"))
    async with database.session() as alone:
        await alone.execute(_ALONE)
        vault.ring.reload()
        if new_master:
            vault.ring.add_active()
        rewrapped = await _rewrap(database, vault)
        renewed = await _renew(database, vault) if renew else 0
        resealed, unreadable = await _reseal(database, vault, columns)
    return Rotation(vault.ring.active.key_id, rewrapped, renewed, resealed, unreadable)


async def master_uses(database: Database) -> list[MasterUse]:
    """Return the master keys that are known or needed, the active one first."""
    ring = vault_of(database).ring
    ring.reload()
    async with database.read_session() as session:
        statement = select(data_keys.c.master_id, func.count().label("wraps"))
        counts = {
            row.master_id: row.wraps
            for row in await session.execute(statement.group_by(data_keys.c.master_id))
        }
    known = [key.key_id for key in ring.keys]
    return [
        MasterUse(key_id, key_id == ring.active.key_id, key_id in known, counts.get(key_id, 0))
        for key_id in (*known, *sorted(counts.keys() - {*known}))
    ]


async def _rewrap(database: Database, vault: Vault) -> int:
    master, done = vault.ring.active, 0
    statement = select(data_keys).where(data_keys.c.master_id != master.key_id).limit(BATCH)
    while True:
        async with database.session() as session:
            rows = (await session.execute(statement)).all()
            for row in rows:
                wrapped = master.wrap(row.key_id, row.project_id, vault.unwrap(row))
                await session.execute(
                    update(data_keys)
                    .where(data_keys.c.key_id == row.key_id, data_keys.c.wrapped == row.wrapped)
                    .values(wrapped=wrapped, master_id=master.key_id)
                )
        done += len(rows)
        if not rows:
            return done


async def _renew(database: Database, vault: Vault) -> int:
    """Retire each data key, once the transactions that encrypt with it have ended, and make its successor."""
    active = data_keys.c.retired_at.is_(None)
    async with database.read_session() as session:
        keys = (await session.scalars(select(data_keys.c.key_id).where(active))).all()
    done = 0
    for key_id in keys:
        async with database.session() as session:
            statement = select(data_keys.c.project_id).where(data_keys.c.key_id == key_id, active)
            found = (await session.execute(statement.with_for_update())).one_or_none()
            if found is None:
                continue
            await session.execute(
                update(data_keys).where(data_keys.c.key_id == key_id).values(retired_at=clock.now())
            )
            await session.execute(insert(data_keys).values(vault.new_data_key(found.project_id)))
            done += 1
    return done


async def _reseal(
    database: Database, vault: Vault, columns: tuple[SealedColumn, ...]
) -> tuple[int, int]:
    """Encrypt anew what retired data keys encrypted; return how many secrets were, and how many cannot be read."""
    retired = and_(data_keys.c.retired_at.is_not(None), data_keys.c.emptied_at.is_(None))
    async with database.read_session() as session:
        keys = list((await session.scalars(select(data_keys.c.key_id).where(retired))).all())
    if not keys:
        return 0, 0
    resealed = unreadable = 0
    for column in columns:
        done, failed = await _reseal_column(database, vault, column, keys)
        resealed, unreadable = resealed + done, unreadable + failed
    if not unreadable:
        async with database.session() as session:
            await session.execute(
                update(data_keys).where(data_keys.c.key_id.in_(keys)).values(emptied_at=clock.now())
            )
    return resealed, unreadable


async def _reseal_column(
    database: Database, vault: Vault, column: SealedColumn, keys: list[UUID]
) -> tuple[int, int]:
    table, sealed = column.table, column.table.c[column.column]
    primary = [*table.primary_key.columns]
    wanted = bindparam("keys", [key.bytes for key in keys], type_=ARRAY(LargeBinary))
    statement = (
        select(*primary, *(table.c[name].label(f"id_{name}") for name in column.ids))
        .add_columns(sealed.label("sealed"))
        .where(func.substring(sealed, KEY_ID_AT, 16) == any_(wanted))
        .order_by(*primary)
        .limit(BATCH)
    )
    if column.flag is not None:
        statement = statement.where(table.c[column.flag])
    resealed = unreadable = 0
    last: Row[Any] | None = None
    while True:
        after = statement
        if last is not None:
            names = [column.name for column in primary]
            after = statement.where(
                tuple_(*primary) > tuple_(*(last._mapping[table.c[name]] for name in names))
            )
        async with database.session() as session:
            rows = (await session.execute(after)).all()
            for row in rows:
                ids = [row._mapping[f"id_{name}"] for name in column.ids]
                try:
                    secret = await vault.unseal(session, column, ids, row.sealed)
                except SecretUnreadable:
                    unreadable += 1
                    continue
                changed = await session.execute(
                    update(table)
                    .where(*(item == row._mapping[item] for item in primary))
                    .where(sealed == row.sealed)
                    .values({column.column: await vault.seal(session, column, ids, secret)})
                )
                resealed += changed.rowcount  # type: ignore[attr-defined]
        if not rows:
            return resealed, unreadable
        last = rows[-1]
