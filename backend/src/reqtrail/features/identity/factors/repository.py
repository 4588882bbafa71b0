"""Every query on second factors."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as insert_if_free
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.identity.factors.tables import (
    factor_challenges,
    factor_guards,
    passkeys,
    recovery_codes,
    totp_factors,
)
from reqtrail.features.identity.factors.types import Challenge, Factors, Passkey, Purpose, Totp
from reqtrail.features.identity.tables import refresh_families


async def find_totp(session: AsyncSession, user_id: UUID) -> Totp | None:
    """Return the authenticator of an account, confirmed or not."""
    statement = select(totp_factors).where(totp_factors.c.user_id == user_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Totp(**row._mapping)


async def replace_totp(session: AsyncSession, totp: Totp) -> None:
    """Put *totp* in the place of an authenticator that was not confirmed, if there is one."""
    await session.execute(
        delete(totp_factors).where(
            totp_factors.c.user_id == totp.user_id, totp_factors.c.confirmed_at.is_(None)
        )
    )
    await session.execute(insert(totp_factors).values(**vars(totp)))


async def update_totp(session: AsyncSession, factor_id: UUID, **values: Any) -> None:
    """Change an authenticator."""
    await session.execute(
        update(totp_factors).where(totp_factors.c.factor_id == factor_id).values(**values)
    )


async def passkeys_of(session: AsyncSession, user_id: UUID) -> list[Passkey]:
    """Return the passkeys of an account, oldest first."""
    statement = select(passkeys).where(passkeys.c.user_id == user_id)
    rows = await session.execute(statement.order_by(passkeys.c.passkey_id))
    return [Passkey(**row._mapping) for row in rows]


async def lock_passkey(session: AsyncSession, credential_id: bytes) -> Passkey | None:
    """Return the passkey with an id of its authenticator's, locked: it is used once at a time."""
    statement = select(passkeys).where(passkeys.c.credential_id == credential_id)
    row = (await session.execute(statement.with_for_update())).one_or_none()
    return None if row is None else Passkey(**row._mapping)


async def insert_passkey(session: AsyncSession, passkey: Passkey) -> bool:
    """Keep a passkey; return whether it was new."""
    made = await session.scalar(
        insert_if_free(passkeys)
        .values(**asdict(passkey))
        .on_conflict_do_nothing(index_elements=[passkeys.c.credential_id])
        .returning(passkeys.c.passkey_id)
    )
    return made is not None


async def update_passkey(
    session: AsyncSession, user_id: UUID, passkey_id: UUID, **values: Any
) -> bool:
    """Change a passkey of an account; return whether it has it."""
    changed = await session.scalar(
        update(passkeys)
        .where(passkeys.c.user_id == user_id, passkeys.c.passkey_id == passkey_id)
        .values(**values)
        .returning(passkeys.c.passkey_id)
    )
    return changed is not None


async def delete_passkey(session: AsyncSession, user_id: UUID, passkey_id: UUID) -> str | None:
    """Forget a passkey of an account; return its name, None if the account did not have it."""
    return await session.scalar(
        delete(passkeys)
        .where(passkeys.c.user_id == user_id, passkeys.c.passkey_id == passkey_id)
        .returning(passkeys.c.name)
    )


async def factors_of(session: AsyncSession, user_id: UUID) -> Factors:
    """Return what an account has."""
    totp = await find_totp(session, user_id)
    left = await session.scalar(
        select(func.count()).where(
            recovery_codes.c.user_id == user_id, recovery_codes.c.used_at.is_(None)
        )
    )
    return Factors(
        totp_since=totp.confirmed_at if totp else None,
        passkeys=await passkeys_of(session, user_id),
        recovery_codes_left=left or 0,
    )


async def replace_recovery_codes(
    session: AsyncSession, user_id: UUID, hashes: list[bytes], at: datetime
) -> None:
    """Make *hashes* the only recovery codes of an account."""
    await session.execute(delete(recovery_codes).where(recovery_codes.c.user_id == user_id))
    if hashes:
        rows = [{"user_id": user_id, "code_hash": item, "made_at": at} for item in hashes]
        await session.execute(insert(recovery_codes), rows)


async def use_recovery_code(
    session: AsyncSession, user_id: UUID, code_hash: bytes, at: datetime
) -> bool:
    """Use a recovery code up; return whether it was good."""
    used = await session.scalar(
        update(recovery_codes)
        .where(
            recovery_codes.c.user_id == user_id,
            recovery_codes.c.code_hash == code_hash,
            recovery_codes.c.used_at.is_(None),
        )
        .values(used_at=at)
        .returning(recovery_codes.c.user_id)
    )
    return used is not None


async def delete_totp(session: AsyncSession, user_id: UUID) -> None:
    """Forget the authenticator of an account."""
    await session.execute(delete(totp_factors).where(totp_factors.c.user_id == user_id))


async def delete_all(session: AsyncSession, user_id: UUID) -> None:
    """Forget every factor of an account, its wrong codes and its sign-ins that are not over."""
    for table in (totp_factors, passkeys, recovery_codes, factor_guards, factor_challenges):
        await session.execute(delete(table).where(table.c.user_id == user_id))


async def insert_challenge(session: AsyncSession, **values: Any) -> None:
    """Make a challenge."""
    await session.execute(insert(factor_challenges).values(**values, attempts=0))


async def lock_challenge(
    session: AsyncSession, token_hash: bytes, purposes: Collection[Purpose], at: datetime
) -> Challenge | None:
    """Return a challenge that has not expired, locked: it is answered once at a time."""
    table = factor_challenges.c
    statement = select(table.challenge_id, table.user_id, table.nonce, table.attempts).where(
        table.token_hash == token_hash, table.purpose.in_(purposes), table.expires_at > at
    )
    row = (await session.execute(statement.with_for_update())).one_or_none()
    return None if row is None else Challenge(**row._mapping)


async def update_challenge(session: AsyncSession, challenge_id: UUID, **values: Any) -> None:
    """Change a challenge."""
    await session.execute(
        update(factor_challenges)
        .where(factor_challenges.c.challenge_id == challenge_id)
        .values(**values)
    )


async def delete_challenge(session: AsyncSession, challenge_id: UUID) -> None:
    """Use a challenge up."""
    await session.execute(
        delete(factor_challenges).where(factor_challenges.c.challenge_id == challenge_id)
    )


async def delete_expired_challenges(session: AsyncSession, at: datetime) -> None:
    """Forget challenges that expired before *at*."""
    await session.execute(delete(factor_challenges).where(factor_challenges.c.expires_at < at))


async def lock_guard(session: AsyncSession, user_id: UUID) -> tuple[int, datetime | None]:
    """Return how many wrong codes an account had in a row, and until when it is blocked; locked."""
    await session.execute(
        insert_if_free(factor_guards).values(user_id=user_id, failures=0).on_conflict_do_nothing()
    )
    statement = select(factor_guards.c.failures, factor_guards.c.blocked_until)
    row = (
        await session.execute(statement.where(factor_guards.c.user_id == user_id).with_for_update())
    ).one()
    return row.failures, row.blocked_until


async def update_guard(
    session: AsyncSession, user_id: UUID, failures: int, blocked_until: datetime | None
) -> None:
    """Keep how many wrong codes an account had in a row."""
    await session.execute(
        update(factor_guards)
        .where(factor_guards.c.user_id == user_id)
        .values(failures=failures, blocked_until=blocked_until)
    )


async def proven_at(session: AsyncSession, family_id: UUID) -> datetime | None:
    """Return when the person of a sign-in last proved who they are."""
    proven: datetime | None = await session.scalar(
        select(func.coalesce(refresh_families.c.proven_at, refresh_families.c.created_at)).where(
            refresh_families.c.family_id == family_id
        )
    )
    return proven


async def set_proven_at(session: AsyncSession, family_id: UUID, at: datetime) -> None:
    """Keep that the person of a sign-in has just proven who they are."""
    await session.execute(
        update(refresh_families)
        .where(refresh_families.c.family_id == family_id)
        .values(proven_at=at)
    )
